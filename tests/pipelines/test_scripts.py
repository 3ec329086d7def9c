"""Commands of scripts and what happens to their failure."""

from __future__ import annotations

from typing import Any

import pytest
from opslint.facts.scripts import commands_of


def _of(text: str, program: str) -> dict[str, Any]:
    found = commands_of(text, lambda start, _end: start)
    return next(info for _at, words, info in found if words[0] == program)


@pytest.mark.parametrize(
    "text",
    [
        "pytest || true",
        "pytest && ruff check . || true",
        "pytest || echo failed",
        "pytest || { echo failed; exit 0; }",
        "pytest | tee out || :",
        "pytest ||\n  true",
    ],
)
def test_masked(text: str) -> None:
    assert "mask" in _of(text, "pytest")


@pytest.mark.parametrize(
    "text",
    [
        "pytest || exit 1",
        "pytest || { echo failed; exit 1; }",
        'pytest || echo "failed=true" >> "$GITHUB_OUTPUT"',
        "pytest || ./rerun.sh",
        "x=$(pytest || true)",
        "pytest; true",
        "if ! pytest; then exit 1; fi",
        "pytest || code=$?\necho $code",
    ],
)
def test_not_masked(text: str) -> None:
    assert "mask" not in _of(text, "pytest")


def test_errexit_and_pipefail_follow_set() -> None:
    assert _of("set +e\npytest", "pytest")["no_errexit"]
    assert "no_errexit" not in _of("set +e\nls\nset -e\npytest", "pytest")
    assert _of("set -euo pipefail\npytest | tee x", "pytest")["pipefail"]
    assert _of("pytest | tee x", "pytest")["to"] == ["tee", "x"]


def test_remote_shells_are_read_through() -> None:
    here = "ssh host << 'EOF'\n  cd /srv\n  docker compose up -d\nEOF\n"
    info = _of(here, "docker")
    assert info["remote"]
    assert info["dir"] == "/srv"
    assert _of('kubectl exec x -- sh -c "alembic upgrade head"', "alembic")["remote"]
    assert _of('ssh host "cd /srv && ./deploy.sh"', "./deploy.sh")["remote"]


def test_places_are_offsets_of_the_inner_script() -> None:
    text = "ssh host << EOF\ndeploy now\nEOF\n"
    found = commands_of(text, lambda start, _end: start)
    assert next(at for at, words, _info in found if words[0] == "deploy") == text.index("deploy")


@pytest.mark.parametrize("text", ["a || (", "a || { ) b", "a || ", "cd x\n" * 500, "pytest || { " * 3000, "ssh h <<E\n" * 2000])
def test_broken_scripts_end(text: str) -> None:
    found = commands_of(text, lambda start, _end: start)
    assert all(len(info.get("dir", "")) <= 200 for _at, _words, info in found)
