"""From a result to an exit code."""

from __future__ import annotations

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.select import at_least

if TYPE_CHECKING:
    from opslint.base.finding import RunResult
    from opslint.base.settings import RunOptions

OK, FINDINGS, USAGE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130


def exit_code(result: RunResult, options: RunOptions) -> int:
    """Return what the process ends with: 3 (not complete) before 1 (findings) before 0."""
    if not result.complete and not options.allow_incomplete:
        return INCOMPLETE
    if options.exit_zero:
        return OK
    if any(at_least(finding.severity, options.fail_on) for finding in result.findings):
        return FINDINGS
    # Problems that do not make a run incomplete (an unused suppression) weigh like warnings.
    if at_least("warning", options.fail_on) and any(problem.kind not in INCOMPLETE_KINDS for problem in result.problems):
        return FINDINGS
    return OK
