"""`--format json`: one object, every key always present. `schema/report-1.schema.json` is its schema."""

from __future__ import annotations

from opslint.base.masking import strip_credentials
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import json_text

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import Finding, Problem, RunResult
    from opslint.report.context import RenderContext

SCHEMA_VERSION = 1


def render(result: RunResult, context: RenderContext) -> str:
    """Return the whole run as one JSON object and a newline."""
    return json_text(run_object(result), indent=2) + "\n"


def run_object(result: RunResult) -> dict[str, Any]:
    """Return the JSON object of a run."""
    return {
        "schema": SCHEMA_VERSION,
        "complete": result.complete,
        "findings": [finding_object(finding) for finding in result.findings],
        "problems": [problem_object(problem) for problem in result.problems],
        "summary": summary_object(result),
    }


def finding_object(finding: Finding) -> dict[str, Any]:
    """Return the JSON object of one finding."""
    line, column, end_line, end_column = finding.span
    fix = finding.fix
    return {
        "rule": finding.rule,
        "category": finding.category,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": strip_credentials(finding.message),
        "path": finding.path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "evidence": [
            {
                "path": related.path,
                "line": related.span[0],
                "column": related.span[1],
                "end_line": related.span[2],
                "end_column": related.span[3],
                "message": strip_credentials(related.message),
            }
            for related in finding.evidence
        ],
        "environment": finding.environment,
        "environments": finding.environments,
        "service": finding.service,
        "help": finding.help,
        "fix": None if fix is None else {"title": fix.title, "applicability": fix.applicability},
        "fingerprint": finding.fingerprint,
    }


def problem_object(problem: Problem) -> dict[str, Any]:
    """Return the JSON object of one problem."""
    return {
        "kind": problem.kind,
        "path": problem.path,
        "line": problem.span[0],
        "column": problem.span[1],
        "message": strip_credentials(problem.message),
    }


def summary_object(result: RunResult) -> dict[str, Any]:
    """Return the JSON summary of a run; counts by category and severity hold only what was reported."""
    counts = result.statistics
    by_category: dict[str, int] = {}
    by_severity: dict[str, int] = {}
    for finding in result.findings:
        by_category[finding.category] = by_category.get(finding.category, 0) + 1
        by_severity[finding.severity] = by_severity.get(finding.severity, 0) + 1
    return {
        "selected": counts.selected,
        "context": counts.context,
        "files": counts.files,
        "excluded": counts.excluded,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "by_category": dict(sorted(by_category.items())),
        "by_severity": dict(sorted(by_severity.items())),
        "suppressed": counts.suppressed,
        "baselined": counts.baselined,
        "undecided": counts.undecided,
    }
