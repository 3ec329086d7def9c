"""`--format gitlab`: a code quality report for merge requests."""

from __future__ import annotations

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.base.masking import strip_credentials
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import json_text

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import RunResult
    from opslint.report.context import RenderContext

_SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def render(result: RunResult, context: RenderContext) -> str:
    """Return the JSON array GitLab reads; paths are relative to the git top. Incomplete reading is a blocker."""
    issues: list[dict[str, Any]] = []
    for finding in result.findings:
        issues.append(
            {
                "type": "issue",
                "check_name": finding.rule,
                "description": strip_credentials(finding.message),
                "content": {"body": finding.help},
                "categories": ["Bug Risk"],
                "severity": _SEVERITIES[finding.severity],
                "fingerprint": finding.fingerprint,
                "location": _location(context.from_top(result.root, finding.path), finding.span[0], finding.span[2]),
                "other_locations": [
                    _location(context.from_top(result.root, related.path), related.span[0], related.span[2])
                    for related in finding.evidence
                ],
            }
        )
    from _blake2 import blake2b

    for problem in result.problems:
        identity = f"{problem.kind}\0{problem.path}\0{problem.message}".encode("utf-8", "surrogatepass")
        issues.append(
            {
                "type": "issue",
                "check_name": f"opslint-{problem.kind}",
                "description": strip_credentials(problem.message),
                "content": {"body": ""},
                "categories": ["Bug Risk"],
                "severity": "blocker" if problem.kind in INCOMPLETE_KINDS else "minor",
                "fingerprint": blake2b(identity, digest_size=16).hexdigest(),
                "location": _location(context.from_top(result.root, problem.path or "."), problem.span[0], problem.span[2]),
                "other_locations": [],
            }
        )
    return json_text(issues, indent=2) + "\n"


def _location(path: str, begin: int, end: int) -> dict[str, Any]:
    return {"path": path, "lines": {"begin": begin, "end": end}}
