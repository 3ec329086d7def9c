"""Whole small systems: the failing ones give exactly their `expected.txt`, their well-run twins give nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = ROOT / "fixtures" / "projects"
FAILING = ("clinic-django", "invoice-lambda", "shop-platform")
UNDECIDED = {"clean-clinic-django": 0, "clean-invoice-lambda": 0, "clean-shop-platform": 0}
"""What the rules may not decide in a twin: silence must come from knowing, so a rise needs a reason."""

CATEGORIES = {"timeouts", "idempotency", "migrations", "health", "env", "overlap", "monitoring", "ci", "rollback"}
SWITCHES = ("[[ignore]]", "[[severity]]", "ignore =", "select =", "exclude =")

Row = tuple[str, int, int, str, str, str]


@cache
def check(name: str, *options: str) -> dict[str, Any]:
    """Run `opslint check` on one project as a user would, and return its JSON object."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "linter"), str(ROOT / "rules"))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "opslint", "check", "--format", "json", "--no-cache", "--root", ".", *options]
    done = subprocess.run(command, cwd=PROJECTS / name, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr or done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def expected(name: str) -> list[Row]:
    """Read `path:line:column rule environment service` lines; `-` stands for none."""
    rows: list[Row] = []
    for line in (PROJECTS / name / "expected.txt").read_text(encoding="utf-8").splitlines():
        place, rule, environment, service = line.split(" ")
        path, at_line, at_column = place.rsplit(":", 2)
        rows.append((path, int(at_line), int(at_column), rule, environment, service))
    return rows


def found(result: dict[str, Any]) -> list[Row]:
    """Return the findings of a run in the form of `expected.txt`."""
    return [
        (f["path"], f["line"], f["column"], f["rule"], f["environment"] or "-", f["service"] or "-") for f in result["findings"]
    ]


@pytest.mark.parametrize("name", FAILING)
def test_failing_project_gives_exactly_what_is_expected(name: str) -> None:
    wanted, got = expected(name), found(check(name))
    missing = [row for row in wanted if row not in got]
    unexpected = [row for row in got if row not in wanted]
    assert (missing, unexpected) == ([], [])
    assert got == wanted


@pytest.mark.parametrize("name", FAILING)
def test_failing_project_is_read_to_the_end(name: str) -> None:
    result = check(name)
    assert result["complete"] is True
    assert result["problems"] == []


@pytest.mark.parametrize("name", FAILING)
def test_expected_is_sorted_and_without_doubles(name: str) -> None:
    rows = expected(name)
    assert rows == sorted(set(rows))


def test_platform_holds_all_nine_categories() -> None:
    assert {finding["category"] for finding in check("shop-platform")["findings"]} == CATEGORIES


@pytest.mark.parametrize("name", sorted(UNDECIDED))
def test_twin_is_silent_because_it_is_understood(name: str) -> None:
    result = check(name, "--fail-on", "note", "--min-severity", "note")
    assert found(result) == []
    assert result["problems"] == []
    assert result["complete"] is True
    assert result["summary"]["undecided"] == UNDECIDED[name]


@pytest.mark.parametrize("name", (*FAILING, *sorted(UNDECIDED)))
def test_no_project_switches_a_rule_off(name: str) -> None:
    text = (PROJECTS / name / "opslint.toml").read_text(encoding="utf-8")
    assert not [word for word in SWITCHES if word in text]
    suppressed = [
        path.name
        for path in (PROJECTS / name).rglob("*")
        if path.is_file() and "opslint: ignore" in path.read_text(encoding="utf-8")
    ]
    assert suppressed == []
