"""`--format github`: workflow commands that GitHub Actions shows as annotations."""

from __future__ import annotations

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import prose, visible

if TYPE_CHECKING:
    from opslint.base.finding import Finding, RunResult
    from opslint.base.location import Span
    from opslint.report.context import RenderContext

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
_ORDER = {"error": 0, "warning": 1, "note": 2}


def render(result: RunResult, context: RenderContext) -> str:
    """Return one command a finding, errors first: GitHub shows only the first ten of a kind in one step."""
    lines = [
        _command(
            _LEVELS[finding.severity],
            context.from_top(result.root, finding.path),
            finding.span,
            finding.rule,
            _message(finding, result, context),
        )
        for finding in sorted(result.findings, key=lambda finding: _ORDER[finding.severity])
    ]
    for problem in result.problems:
        level = "error" if problem.kind in INCOMPLETE_KINDS else "warning"
        path = context.from_top(result.root, problem.path) if problem.path else ""
        lines.append(_command(level, path, problem.span, f"opslint {problem.kind}", [problem.message]))
    return "".join(f"{line}\n" for line in lines)


def _message(finding: Finding, result: RunResult, context: RenderContext) -> list[str]:
    lines = [finding.message]
    if finding.environments:
        lines.append(f"Environments: {', '.join(finding.environments)}")
    for related in finding.evidence:
        lines.append(f"{context.from_top(result.root, related.path)}:{related.span[0]}: {related.message}")
    if finding.help:
        lines.append(finding.help)
    return lines


def _command(level: str, path: str, span: Span, title: str, message: list[str]) -> str:
    line, column, end_line, end_column = span
    properties = [f"file={_property(path)}"] if path else []
    if path:
        properties.append(f"line={line},endLine={end_line}")
        if line == end_line:
            # The runner's columns are inclusive.
            properties.append(f"col={column},endColumn={max(end_column - 1, column)}")
    properties.append(f"title={_property(title)}")
    return f"::{level} {','.join(properties)}::{_data(message)}"


def _data(lines: list[str]) -> str:
    """Escape a message as the runner's toolkit does; its own line breaks are the only ones that stay."""
    return "%0A".join(prose(line).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A") for line in lines)


def _property(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
