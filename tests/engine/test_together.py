"""Places of one habit are judged apart and shown as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from opslint.cli.main import cli

TASK = """
@shared_task
def {name}(address: str) -> None:
    try:
        send_mail("Hello", "text", "team@example.com", [address])
    except Exception:{comment}
        pass
"""
HEAD = "from celery import shared_task\nfrom django.core.mail import send_mail\n"
IGNORE = "  # opslint: ignore[silent-exception-in-worker] -- counted by the mail server"


def _tree(root: Path, **tasks: str) -> None:
    (root / "opslint.toml").write_text("")
    (root / "requirements.txt").write_text("celery==5.4\n")
    for name, comment in tasks.items():
        (root / f"{name}.py").write_text(HEAD + TASK.format(name=name, comment=comment))


def _check(root: Path, *arguments: str) -> dict[str, object]:
    command = ["check", str(root), "--no-cache", "--format", "json", "--select", "silent-exception-in-worker", *arguments]
    result: dict[str, object] = json.loads(CliRunner().invoke(cli, command).stdout)
    return result


def test_two_files_are_one_finding(tmp_path: Path) -> None:
    _tree(tmp_path, a="", b="", c="")
    (finding,) = _check(tmp_path)["findings"]  # type: ignore[misc]
    assert finding["path"] == "a.py"
    assert finding["message"].endswith("; 2 more like it, in 2 other files")
    assert [item["path"] for item in finding["evidence"] if "swallowed" in item["message"]] == ["b.py", "c.py"]


def test_one_place_is_suppressed_by_itself(tmp_path: Path) -> None:
    _tree(tmp_path, a=IGNORE, b="", c="")
    result = _check(tmp_path)
    (finding,) = result["findings"]  # type: ignore[misc]
    assert finding["path"] == "b.py"
    assert finding["message"].endswith("; 1 more like it, in 1 other file")
    assert result["summary"]["suppressed"] == 1  # type: ignore[index]


def test_a_given_file_shows_its_own_places(tmp_path: Path) -> None:
    _tree(tmp_path, a="", b="")
    command = ["check", str(tmp_path / "b.py"), "--no-cache", "--format", "json", "--select", "silent-exception-in-worker"]
    (finding,) = json.loads(CliRunner().invoke(cli, command).stdout)["findings"]
    assert (finding["path"], "more like it" in finding["message"]) == ("b.py", False)


def test_two_lists_of_requirements_are_two_services(tmp_path: Path) -> None:
    for name in ("api", "mail"):
        (tmp_path / name).mkdir()
        _tree(tmp_path / name, a="")
        (tmp_path / name / "opslint.toml").unlink()
    (tmp_path / "opslint.toml").write_text("")
    assert len(_check(tmp_path)["findings"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_baseline_keeps_places_so_that_a_new_one_is_new(tmp_path: Path, order: tuple[str, str]) -> None:
    first, second = order
    _tree(tmp_path, **{first: ""})
    CliRunner().invoke(cli, ["baseline", str(tmp_path), "--no-cache"])
    _tree(tmp_path, **{second: ""})
    result = _check(tmp_path, "--baseline", str(tmp_path / "opslint-baseline.txt"))
    (finding,) = result["findings"]  # type: ignore[misc]
    assert finding["path"] == f"{second}.py"
    assert "more like it" not in finding["message"]
