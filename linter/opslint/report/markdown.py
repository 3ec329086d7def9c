"""`--format markdown`: for pull request comments and job summaries."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import prose, visible
from opslint.report.text import verdict

if TYPE_CHECKING:
    from opslint.base.finding import Finding, RunResult
    from opslint.report.context import RenderContext

_MARKS = {"error": "🛑 error", "warning": "⚠️ warning", "note": "note"}
_SPECIAL = str.maketrans({ch: "\\" + ch for ch in "\\`*_{}[]()#+!|~-"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"})


def render(result: RunResult, context: RenderContext) -> str:
    """Return the verdicts, a table of findings with their evidence, the problems and the counts."""
    lines = ["## opslint", ""]
    names: list[str | None] = [*result.environments] or [None]
    for name in names:
        word, why = verdict(result, name)
        lines.append(f"- **{escape(name or 'deployment')}**: {word}" + (f" ({escape(why)})" if why else ""))
    lines.append("")
    if result.findings:
        lines += ["| | where | what | smallest safe change |", "|---|---|---|---|"]
        for severity in ("error", "warning", "note"):
            lines += [_row(finding, result, context) for finding in result.findings if finding.severity == severity]
        lines.append("")
    if result.problems:
        lines += ["| problem | where | what |", "|---|---|---|"]
        for problem in result.problems:
            place = _place(context.from_top(result.root, problem.path), problem.span[0]) if problem.path else ""
            lines.append(f"| {escape(problem.kind)} | {place} | {escape(prose(problem.message))} |")
        lines.append("")
    lines += [f"> {escape(prose(line))}" for hint in result.hints for line in hint.split("\n")]
    if result.hints:
        lines.append("")
    counts = result.statistics
    state = "" if result.complete else " **Not complete: some files were not read to their end.**"
    lines.append(
        f"{len(result.findings) or 'No'} findings; {counts.files} files read, {counts.context} more as context, "
        f"{counts.suppressed} suppressed, {counts.baselined} in the baseline, {counts.undecided} undecided.{state}"
    )
    return "\n".join(lines) + "\n"


def _row(finding: Finding, result: RunResult, context: RenderContext) -> str:
    what = f"**{escape(finding.rule)}**: {escape(prose(finding.message))}"
    if finding.environments:
        what += f" <br>*{escape(', '.join(finding.environments))}*"
    for related in finding.evidence:
        place = _place(context.from_top(result.root, related.path), related.span[0])
        what += f" <br>{place} {escape(prose(related.message))}"
    place = _place(context.from_top(result.root, finding.path), finding.span[0])
    return f"| {_MARKS[finding.severity]} | {place} | {what} | {escape(prose(finding.help))} |"


def _place(path: str, line: int) -> str:
    """A code span; GitHub lets a `|` inside a table cell only when it is escaped, and a backtick not at all."""
    return f"`{visible(path).replace('`', chr(0x2019)).replace('|', chr(92) + '|')}:{line}`"


def escape(text: str) -> str:
    """Return `text`, already visible, so that Markdown and HTML inside it stay text and nobody is mentioned."""
    return visible(text).translate(_SPECIAL).replace("://", ":&#47;&#47;")
