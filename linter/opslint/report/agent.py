"""`--format agent`: compact JSON lines for coding agents: where, why, what to look at, the smallest safe change."""

from __future__ import annotations

from opslint.base.masking import strip_credentials
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import json_text

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import Finding, RunResult
    from opslint.report.context import RenderContext


def render(result: RunResult, context: RenderContext) -> str:
    """Return one line a finding, errors first; one a problem; a last line with the counts and whether the run was complete."""
    lines = [
        json_text(_row(finding, result, context))
        for severity in ("error", "warning", "note")
        for finding in result.findings
        if finding.severity == severity
    ]
    for problem in result.problems:
        at = f"{context.shown(result.root, problem.path)}:{problem.span[0]}" if problem.path else None
        lines.append(json_text({"problem": problem.kind, "at": at, "why": strip_credentials(problem.message)}))
    counts = result.statistics
    end: dict[str, Any] = {"done": result.complete, "findings": len(result.findings), "files": counts.files}
    if result.hints:
        end["not_linked"] = list(result.hints)
    lines.append(json_text(end))
    return "\n".join(lines) + "\n"


def _row(finding: Finding, result: RunResult, context: RenderContext) -> dict[str, Any]:
    """One finding; keys without content are left out, since every token is paid for."""
    row: dict[str, Any] = {
        "at": f"{context.shown(result.root, finding.path)}:{finding.span[0]}:{finding.span[1]}",
        "rule": finding.rule,
        "severity": finding.severity,
        "why": strip_credentials(finding.message),
        "do": finding.help,
        "id": finding.fingerprint,
    }
    if finding.environments:
        row["environments"] = finding.environments
    if finding.service:
        row["service"] = finding.service
    if finding.evidence:
        row["see"] = [
            f"{context.shown(result.root, related.path)}:{related.span[0]}: {strip_credentials(related.message)}"
            for related in finding.evidence
        ]
    if finding.fix is not None:
        fix: dict[str, Any] = {"title": finding.fix.title, "applicability": finding.fix.applicability}
        edits = context.edits(finding)
        if edits:
            fix["edits"] = [
                {"path": context.shown(result.root, edit.path), "span": list(edit.span), "text": edit.text} for edit in edits
            ]
        row["fix"] = fix
    return row
