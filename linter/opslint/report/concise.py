"""`--format concise`: one line a finding, for hooks and editors that parse `path:line:column`."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import line_start, prose, visible

if TYPE_CHECKING:
    from opslint.base.finding import Finding, RunResult
    from opslint.report.context import RenderContext


def render(result: RunResult, context: RenderContext) -> str:
    """Return `path:line:column: severity[rule] message [environment service]` lines; problems follow the findings."""
    lines = []
    for finding in result.findings:
        path = visible(context.shown(result.root, finding.path))
        line, column, *_ = finding.span
        text = f"{path}:{line}:{column}: {finding.severity}[{finding.rule}] {prose(finding.message)}{_where(finding)}"
        lines.append(line_start(text))
    for problem in result.problems:
        path = visible(context.shown(result.root, problem.path)) if problem.path else "opslint"
        text = f"{path}:{problem.span[0]}:{problem.span[1]}: problem[{problem.kind}] {prose(problem.message)}"
        lines.append(line_start(text))
    return "".join(f"{line}\n" for line in lines)


def _where(finding: Finding) -> str:
    words = [word for word in (finding.environment, finding.service) if word]
    return f" [{visible(' '.join(words))}]" if words else ""
