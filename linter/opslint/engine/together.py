"""Places of one habit shown as one finding. They are judged apart first: each can be suppressed, baselined or new by itself."""

from __future__ import annotations

from opslint.base.finding import Related
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.finding import Finding


def gather(findings: Iterable[Finding]) -> list[Finding]:
    """Return `findings` (sorted) with those of one rule, severity and environment that say the same `together` made one.

    The first place stands for all and keeps its fingerprint; the others are its evidence. One that carries a fix stays apart.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for number, finding in enumerate(findings):
        alone = not finding.together or (finding.fix is not None and finding.fix.maker)
        level = (finding.severity, finding.confidence, tuple(finding.environments), finding.service)
        key = (number,) if alone else (finding.rule, finding.together, *level)
        groups.setdefault(key, []).append(finding)
    return [_one(group) for group in groups.values()]


def _one(group: list[Finding]) -> Finding:
    first, others = group[0], group[1:]
    if not others:
        return first
    files = len({finding.path for finding in others} - {first.path})
    elsewhere = f", in {files} other file{'s' if files > 1 else ''}" if files else " in this file"
    return first.replace(
        derived=sorted({path for finding in group for path in finding.derived}),
        evidence=[
            *first.evidence,
            *(Related(message=finding.message, path=finding.path, span=finding.span) for finding in others),
        ],
        message=f"{first.message}; {len(others)} more like it{elsewhere}",
    )
