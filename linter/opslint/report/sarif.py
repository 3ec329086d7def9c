"""`--format sarif`: SARIF 2.1.0 for code scanning services."""

from __future__ import annotations

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.base.location import FILE_TOP
from opslint.base.masking import strip_credentials
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import json_text

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import Finding, Problem, RunResult
    from opslint.base.location import Span
    from opslint.report.context import RenderContext

_BASE = "SRCROOT"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(result: RunResult, context: RenderContext) -> str:
    """Return a log of one run. Paths are relative to the git top, `SRCROOT`, whose place on this machine is not told."""
    names = sorted({finding.rule for finding in result.findings})
    index = {name: number for number, name in enumerate(names)}
    run = {
        "tool": {
            "driver": {
                "name": "opslint",
                "version": context.version,
                "semanticVersion": context.version,
                "rules": [_rule(name, result, context) for name in names],
                "notifications": [{"id": kind} for kind in sorted({problem.kind for problem in result.problems})],
            }
        },
        "invocations": [_invocation(result, context)],
        "originalUriBaseIds": {_BASE: {"description": {"text": "The top of the repository that was checked."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index, result, context) for finding in result.findings],
        "properties": {"undecided": result.statistics.undecided, "suppressed": result.statistics.suppressed},
    }
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, result: RunResult, context: RenderContext) -> dict[str, Any]:
    """Describe a rule from the catalogue; a pack that is gone from it (a replayed result) from its own findings."""
    known = context.rules.get(name)
    if known is not None:
        summary, help_text, level, uri = known.summary, known.help, known.severity, known.authority
        category, confidence = known.category, known.confidence
    else:
        first = next(finding for finding in result.findings if finding.rule == name)
        summary, help_text, level, uri = name, first.help, first.severity, ""
        category, confidence = first.category, first.confidence
    help_text = help_text or summary
    rule: dict[str, Any] = {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": help_text, "markdown": help_text + (f"\n\n[Why]({uri})" if uri else "")},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["reliability", category], "precision": {"high": "very-high"}.get(confidence, confidence)},
    }
    if uri:
        rule["helpUri"] = uri
    return rule


def _invocation(result: RunResult, context: RenderContext) -> dict[str, Any]:
    return {
        "executionSuccessful": result.complete,
        "toolExecutionNotifications": [_notification(problem, result, context) for problem in result.problems],
    }


def _notification(problem: Problem, result: RunResult, context: RenderContext) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "descriptor": {"id": problem.kind},
        "level": "error" if problem.kind in INCOMPLETE_KINDS else "warning",
        "message": {"text": strip_credentials(problem.message) or problem.kind},
    }
    if problem.path:
        notification["locations"] = [{"physicalLocation": _physical(problem.path, problem.span, result, context)}]
    return notification


def _result(finding: Finding, index: dict[str, int], result: RunResult, context: RenderContext) -> dict[str, Any]:
    text = strip_credentials(finding.message)
    properties: dict[str, Any] = {
        "category": finding.category,
        "confidence": finding.confidence,
        "environment": finding.environment,
        "environments": finding.environments,
        "service": finding.service,
    }
    row: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": _physical(finding.path, finding.span, result, context)}],
        "partialFingerprints": {"opslint/v1": finding.fingerprint},
        "properties": properties,
    }
    if finding.evidence:
        row["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _physical(related.path, related.span, result, context),
                "message": {"text": strip_credentials(related.message)},
            }
            for number, related in enumerate(finding.evidence, 1)
        ]
    fix = _fix(finding, result, context)
    if fix is not None:
        row["fixes"] = [fix]
    return row


def _fix(finding: Finding, result: RunResult, context: RenderContext) -> dict[str, Any] | None:
    """Return the fix when its edits can be made; SARIF has no fix without replacements."""
    edits = context.edits(finding) if finding.fix is not None else []
    if finding.fix is None or not edits:
        return None
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        line, column, end_line, end_column = edit.span
        region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
        changes.setdefault(edit.path, []).append({"deletedRegion": region, "insertedContent": {"text": edit.text}})
    return {
        "description": {"text": f"{finding.fix.title} ({finding.fix.applicability})"},
        "artifactChanges": [
            {"artifactLocation": _artifact(path, result, context), "replacements": replacements}
            for path, replacements in sorted(changes.items())
        ],
    }


def _artifact(path: str, result: RunResult, context: RenderContext) -> dict[str, Any]:
    from urllib.parse import quote

    raw = context.from_top(result.root, path).encode("utf-8", "surrogateescape")
    return {"uri": quote(raw, safe="/"), "uriBaseId": _BASE}


def _physical(path: str, span: Span, result: RunResult, context: RenderContext) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": _artifact(path, result, context)}
    if span == FILE_TOP:
        location["region"] = {"startLine": 1}
    else:
        line, column, end_line, end_column = span
        location["region"] = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return location
