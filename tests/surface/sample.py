"""A result made by hand, for tests of the formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from opslint.base.finding import Edit, Finding, Fix, Problem, Related, RunResult, Statistics
from opslint.report.context import RenderContext, reader

FIX = Fix(title="Pass timeout=10", applicability="unsafe", maker="opslint.engine.fixes:http_timeout", data={})


def finding(**changes: Any) -> Finding:
    """One error with evidence, changed as given."""
    values: dict[str, Any] = {
        "category": "timeouts",
        "confidence": "high",
        "derived": ["app/client.py"],
        "environment": "production",
        "environments": ["production"],
        "evidence": [Related(message="nothing here sets one", path="deploy/prod.yaml", span=(2, 3, 2, 8))],
        "fingerprint": "0" * 32,
        "fix": FIX,
        "help": "Pass timeout= to the call.",
        "message": "requests.get() waits for ever: a slow peer holds the worker until it is killed.",
        "path": "app/client.py",
        "rule": "http-call-without-timeout",
        "service": "api",
        "severity": "error",
        "span": (3, 5, 3, 22),
        "together": "",
    }
    values.update(changes)
    return Finding(**values)


def problem(**changes: Any) -> Problem:
    """One parse error, changed as given."""
    values: dict[str, Any] = {
        "kind": "parse-error",
        "message": "unexpected end",
        "path": "app/broken.py",
        "span": (7, 1, 7, 1),
    }
    values.update(changes)
    return Problem(**values)


def result(root: str = "/nowhere", **changes: Any) -> RunResult:
    """A complete run with one error, changed as given; counts may be given by their own names."""
    counts = {
        "baselined": 0,
        "context": 210,
        "excluded": 0,
        "failed": 0,
        "files": 14,
        "selected": 14,
        "skipped": 0,
        "suppressed": 0,
        "undecided": 4,
    }
    counts.update({name: changes.pop(name) for name in list(changes) if name in counts})
    values: dict[str, Any] = {
        "complete": True,
        "environments": ["production", "staging"],
        "findings": [finding()],
        "hidden": {},
        "hints": [],
        "problems": [],
        "root": root,
        "statistics": Statistics(**counts),
    }
    values.update(changes)
    return RunResult(**values)


def context(root: str = "/nowhere", **changes: Any) -> RenderContext:
    """A context that stands at `root`, outside git, without colours."""
    values: dict[str, Any] = {
        "colour": False,
        "command": ["opslint", "check"],
        "cwd": root,
        "edits": lambda _finding: [],
        "git_top": None,
        "minimum": "warning",
        "quiet": False,
        "read": reader(root),
        "rules": {},
        "statistics": False,
        "verbose": False,
        "version": "0.1.0",
    }
    values.update(changes)
    return RenderContext(**values)


def edits(_finding: Finding) -> list[Edit]:
    """The edits of `FIX`."""
    return [Edit(path="app/client.py", span=(3, 21, 3, 21), text=", timeout=10")]


def tree(directory: Path, files: dict[str, str]) -> Path:
    """Write `files` below `directory`."""
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8"))
    return directory


Maker = Callable[..., RunResult]
