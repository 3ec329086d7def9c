"""A file and the links to it inside the project are one file: what is found in it is reported once, where it really stands.

The facts of every name stay (a linked ``variables.tf`` declares variables in each directory it is linked into); only what is
reported is brought together.
"""

from __future__ import annotations

from opslint.base.finding import SEVERITIES
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.finding import Finding
    from opslint.engine.source import Source


def once(found: list[tuple[Finding, str]], source: Source) -> list[tuple[Finding, str]]:
    """Return the findings (each with its rule's key) without those that another name of the same file repeats.

    The name that is no link stays, with the environments of all of them and the highest of their severities.
    """
    targets = {path: source.target(path) for path in {finding.path for finding, _key in found}}
    if all(path == target for path, target in targets.items()):
        return found
    kept: dict[tuple[str, ...], tuple[Finding, str]] = {}
    for finding, key in sorted(found, key=lambda row: (targets[row[0].path] != row[0].path, row[0].sort_key(), row[1])):
        same = (finding.rule, targets[finding.path], repr(finding.span), finding.message, key, finding.service or "")
        first = kept.get(same)
        kept[same] = (finding, key) if first is None else (_with(first[0], finding), key)
    return sorted(kept.values(), key=lambda row: (row[0].sort_key(), row[1], row[0].service or ""))


def _with(first: Finding, other: Finding) -> Finding:
    worse = SEVERITIES.index(other.severity) < SEVERITIES.index(first.severity)
    return first.replace(
        derived=sorted({*first.derived, *other.derived, other.path}),
        environment=other.environment if worse else first.environment,
        environments=[*first.environments, *(name for name in other.environments if name not in first.environments)],
        severity=other.severity if worse else first.severity,
    )
