"""`--format jsonl`: one JSON object a line, each with its `type`: findings, problems, then the summary."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import json_text
from opslint.report.json import SCHEMA_VERSION, finding_object, problem_object, summary_object

if TYPE_CHECKING:
    from opslint.base.finding import RunResult
    from opslint.report.context import RenderContext


def render(result: RunResult, context: RenderContext) -> str:
    """Return one line for each finding and problem, and a last one that says the run came to its end."""
    lines = [json_text({"type": "finding", **finding_object(finding)}) for finding in result.findings]
    lines += [json_text({"type": "problem", **problem_object(problem)}) for problem in result.problems]
    end = {"type": "summary", "schema": SCHEMA_VERSION, "complete": result.complete, **summary_object(result)}
    lines.append(json_text(end))
    return "\n".join(lines) + "\n"
