"""Checking small trees of files in tests."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opslint.engine.options import run_options
from opslint.engine.run import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opslint.base.finding import Finding, Problem, RunResult


class Outcome(NamedTuple):
    """What a check of a tree gave: everything, and the findings of the rules asked for."""

    findings: list[Finding]
    problems: list[Problem]
    result: RunResult


def check_tree(
    files: Mapping[str, str | bytes],
    rules: Iterable[str] | None = None,
    *,
    min_severity: str = "note",
    min_confidence: str = "low",
    all_migrations: bool = True,
) -> list[Finding]:
    """Write `files` (path → text) into an empty directory, check it with all installed rules and return the findings.

    `rules`: only the findings of these. A rule that is off by default is on when it is named. Notes and low confidence are
    included unless asked otherwise; without git all migrations are judged. The findings' paths are the keys of `files`.
    """
    with tempfile.TemporaryDirectory(prefix="opslint-test-") as directory:
        root = Path(directory) / "project"
        root.mkdir()
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return check_directory(
            root, rules, min_severity=min_severity, min_confidence=min_confidence, all_migrations=all_migrations
        ).findings


def check_directory(
    root: str | Path,
    rules: Iterable[str] | None = None,
    *,
    min_severity: str = "note",
    min_confidence: str = "low",
    all_migrations: bool = True,
) -> Outcome:
    """Check the directory `root` as one project, without a cache; see `check_tree`."""
    names = None if rules is None else sorted(rules)
    result = run(
        run_options(
            paths=[str(root)],
            root=str(root),
            extend_select=names or [],
            min_severity=min_severity,
            min_confidence=min_confidence,
            all_migrations=all_migrations,
            no_cache=True,
            jobs=1,
        )
    )
    findings = [finding for finding in result.findings if names is None or finding.rule in names]
    return Outcome(findings, result.problems, result)
