"""`--format html`: one page that stands alone: no script, nothing fetched."""

from __future__ import annotations

from opslint.base.errors import UsageError
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import prose, visible
from opslint.report.frames import Frames
from opslint.report.text import verdict

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import Finding, RunResult
    from opslint.base.location import Span
    from opslint.report.context import RenderContext


def render(result: RunResult, context: RenderContext) -> str:
    """Return the page; every value goes through jinja2's escaping, after control and bidi characters were made visible."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise UsageError("the html format needs jinja2: pip install 'opslint[html]'") from error

    environment = Environment(
        autoescape=True,
        loader=PackageLoader("opslint.report", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["pieces"] = _pieces
    frames = Frames(context.read)
    order = {"error": 0, "warning": 1, "note": 2}
    rows = [_row(finding, frames, context) for finding in sorted(result.findings, key=lambda found: order[found.severity])]
    names: list[str | None] = [*result.environments] or [None]
    text = environment.get_template("report.html.j2").render(
        complete=result.complete,
        findings=rows,
        hints=[prose(line) for hint in result.hints for line in hint.split("\n")],
        problems=[
            {"kind": problem.kind, "message": prose(problem.message), "place": _place(problem.path, problem.span)}
            for problem in result.problems
        ],
        statistics=result.statistics,
        verdicts=[(visible(name or "deployment"), *verdict(result, name)) for name in names],
        version=context.version,
    )
    return text.rstrip("\n") + "\n"


def _pieces(text: str) -> list[tuple[bool, str]]:
    """Split a message at its backticks into (is code, text); the template escapes each piece."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return [(False, text)]
    return [(bool(number % 2), piece) for number, piece in enumerate(pieces) if piece]


def _place(path: str, span: Span) -> str:
    return f"{visible(path)}:{span[0]}:{span[1]}" if path else "the run"


def _row(finding: Finding, frames: Frames, context: RenderContext) -> dict[str, Any]:
    rule = context.rules.get(finding.rule)
    return {
        "authority": rule.authority if rule is not None and rule.authority.startswith("https://") else "",
        "category": finding.category,
        "confidence": finding.confidence,
        "environments": visible(", ".join(finding.environments)),
        "evidence": [
            {
                "frame": frames.frame(related.path, related.span, 1),
                "message": prose(related.message),
                "place": _place(related.path, related.span),
            }
            for related in finding.evidence
        ],
        "frame": frames.frame(finding.path, finding.span),
        "help": prose(finding.help),
        "message": prose(finding.message),
        "place": _place(finding.path, finding.span),
        "rule": finding.rule,
        "service": visible(finding.service or ""),
        "severity": finding.severity,
    }
