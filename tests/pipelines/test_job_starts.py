"""What can start a job: conditions in three values, triggers, and jobs that never run."""

from __future__ import annotations

import pytest
from opslint.model.job_conditions import holds, literals
from opslint.model.job_starts import _matches

MAIN = ("push", "refs/heads/main")


@pytest.mark.parametrize(
    ("condition", "start", "expected"),
    [
        ("", MAIN, True),
        ("github.ref == 'refs/heads/main'", MAIN, True),
        ("github.ref == 'refs/heads/staging'", MAIN, False),
        ("${{ github.ref_name == 'main' && github.event_name == 'push' }}", MAIN, True),
        ("github.event_name == 'workflow_dispatch'", MAIN, False),
        ("github.ref != 'refs/heads/main'", MAIN, False),
        ("!(github.ref == 'refs/heads/main')", MAIN, False),
        ("startsWith(github.ref, 'refs/tags/v')", MAIN, False),
        ("startsWith(github.ref, 'refs/tags/v')", ("push", "refs/tags/v1"), True),
        ("contains(github.ref, 'main') || vars.FORCE", MAIN, True),
        ("vars.FORCE && github.ref == 'refs/heads/x'", MAIN, False),
        ("vars.FORCE && github.ref == 'refs/heads/main'", MAIN, None),
        ("github.event.pull_request.draft == false", ("pull_request", "refs/pull/1/merge"), None),
        ("inputs.target == 'production'", MAIN, False),
        ("inputs.target == 'production'", ("workflow_dispatch", "refs/heads/main"), None),
        ("github.event_name == 'push'", ("workflow_call", "refs/heads/main"), None),
        ("github.ref == 'refs/heads/main'", ("workflow_run", ""), None),
        ("contains(needs.*.result, 'failure')", MAIN, None),
        ("always()", MAIN, True),
        ("it's no expression", MAIN, None),
        ("github.ref_type == 'tag'", MAIN, False),
        ("'It''s' == 'it''S'", MAIN, True),
        ("(" * 500, MAIN, None),
        ("!" * 300 + "true", MAIN, None),
    ],
)
def test_holds(condition: str, start: tuple[str, str], expected: bool | None) -> None:
    assert holds(condition, *start) is expected


def test_literals() -> None:
    assert literals("github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/v')") == [
        "refs/heads/main",
        "refs/tags/v",
    ]


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("main", [], True),
        ("main", ["main"], True),
        ("main", ["dev"], False),
        ("release/1", ["release/*"], True),
        ("release/1/a", ["release/*"], False),
        ("release/1/a", ["release/**"], True),
        ("x", ["**", "!x"], False),
        ("y", ["**", "!x"], True),
        ("y", ["!x"], True),
        ("v1.2.3", ["v[0-9]+"], True),
        ("a-b-c", ["a*c"], True),
        ("abc", ["a*d"], False),
    ],
)
def test_matches(name: str, patterns: list[str], expected: bool) -> None:
    assert _matches(name, patterns) is expected
