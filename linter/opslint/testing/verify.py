"""Comparing what was found with what was marked."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.testing.fixtures import EXPECTED
from opslint.testing.marks import strip_marks
from opslint.testing.trees import Outcome, check_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.finding import Finding
    from opslint.testing.examples import Example
    from opslint.testing.fixtures import Case
    from opslint.testing.marks import Mark


def mismatches(rule: str, marks: Iterable[Mark], findings: Iterable[Finding]) -> list[str]:
    """Return one line for every finding of `rule` without a mark and every mark of `rule` without a finding.

    Several findings of the rule on one marked line (for two variables, say) are one.
    """
    wanted = {(mark.path, mark.line) for mark in marks if mark.rule == rule}
    found = {(finding.path, finding.span[0]): finding.message for finding in findings if finding.rule == rule}
    lines = [f"{path}:{line}: {rule} was expected and not reported" for path, line in sorted(wanted - set(found))]
    lines += [
        f"{path}:{line}: {rule} was reported and not expected: {found[path, line]}" for path, line in sorted(set(found) - wanted)
    ]
    return lines


def _judge(rule: str, marks: list[Mark], outcome: Outcome) -> list[str]:
    broken = [
        f"{problem.path}:{problem.span[0]}: {problem.kind}: {problem.message}"
        for problem in outcome.problems
        if problem.kind in INCOMPLETE_KINDS
    ]
    # With all rules loaded, a mark of another rule in the same tree must hold as well.
    others = sorted({mark.rule for mark in marks if mark.rule != rule})
    lines = mismatches(rule, marks, outcome.findings)
    for other in others:
        lines += [line for line in mismatches(other, marks, outcome.findings) if "expected and not reported" in line]
    return broken + lines


def check_example(example: Example) -> list[str]:
    """Run one docstring example with all rules loaded; return what is not as marked (nothing: it passed)."""
    with tempfile.TemporaryDirectory(prefix="opslint-example-") as directory:
        root = Path(directory) / "project"
        for path, text in example.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(strip_marks(text).encode("utf-8"))
        rules = {example.rule, *(mark.rule for mark in example.marks)}
        return _judge(example.rule, example.marks, check_directory(root, rules))


def check_fixture(case: Case) -> list[str]:
    """Run one fixture case with all rules loaded; return what is not as marked.

    The case is copied first: its place in the repository (below ``fixtures/``) would give it a role of its own.
    """
    marks = case.marks()
    problems = []
    if case.good and any(mark.rule == case.rule for mark in marks):
        problems.append(f"{case.id}: a good case has a mark")
    if not case.good and not any(mark.rule == case.rule for mark in marks):
        problems.append(f"{case.id}: a bad case has no mark")
    with tempfile.TemporaryDirectory(prefix="opslint-fixture-") as directory:
        root = Path(directory) / "project"
        shutil.copytree(case.directory, root, symlinks=True, ignore=shutil.ignore_patterns(EXPECTED))
        for path in sorted({mark.path for mark in marks}):
            text = (root / path).read_bytes().decode("utf-8")
            (root / path).write_bytes(strip_marks(text).encode("utf-8"))
        rules = {case.rule, *(mark.rule for mark in marks)}
        return problems + _judge(case.rule, marks, check_directory(root, rules))
