"""What a run shows of its projects: filtered by the given paths, counted, merged into one result."""

from __future__ import annotations

import os

from opslint.base.finding import CONFIDENCES, INCOMPLETE_KINDS, SEVERITIES, Problem, RunResult, Statistics
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.project import complete
from opslint.engine.select import at_least
from opslint.engine.together import gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.finding import Finding
    from opslint.base.settings import RunOptions
    from opslint.engine.discover import Target
    from opslint.engine.run import ProjectRun


class Share:
    """What one project gives to a run, filtered by what was asked for."""

    __slots__ = ("environments", "findings", "hidden", "hints", "notes", "problems", "root", "statistics")

    def __init__(self, root: str) -> None:
        self.root = root
        self.findings: list[Finding] = []
        self.problems: list[Problem] = []
        self.environments: list[str] = []
        self.hints: list[str] = []
        self.notes: list[str] = []
        self.hidden: dict[str, int] = {}
        self.statistics: dict[str, int] = {}


def chooser(selected: set[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a project path was given itself or stands below a given directory."""
    if "" in selected:
        return lambda _path: True
    below = tuple(sorted(f"{path}/" for path in selected))
    return lambda path: path in selected or path.startswith(below)


def share_of(project: ProjectRun, target: Target, options: RunOptions) -> Share:
    """Filter a project's verdict by the given paths, severity and confidence, and count."""
    verdict = project.verdict
    assert verdict is not None
    share = Share(project.root)
    selected = set(target.selected)
    if options.tracked:
        from opslint.engine import git

        if git.top_of(project.root) is not None:
            selected.update(git.deleted_in_index(project.root))
    chosen = chooser(selected)
    whole = "" in selected

    def wanted(finding: Finding) -> bool:
        return whole or any(map(chosen, finding.derived)) or chosen(finding.path)

    share.environments, share.hints = verdict.environments, verdict.hints
    shown = [finding for finding in verdict.findings if wanted(finding)]
    for finding in shown:
        loud = at_least(finding.severity, options.min_severity, SEVERITIES)
        if not loud or not at_least(finding.confidence, options.min_confidence, CONFIDENCES):
            share.hidden[finding.severity] = share.hidden.get(finding.severity, 0) + 1
        else:
            share.findings.append(finding)
    elsewhere = []
    for problem in verdict.problems:
        if not problem.path or chosen(problem.path):
            share.problems.append(problem)
        elif problem.kind in INCOMPLETE_KINDS:
            elsewhere.append(problem.path)
    if whole and options.diff is None:
        share.problems += verdict.suppression_problems
    if elsewhere:
        names = sorted(set(elsewhere))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        share.notes.append(f"not read to the end, outside of the given paths: {', '.join(names[:3])}{more}")
    share.statistics = _count(project, chosen, share.problems)
    share.statistics["suppressed"] = sum(1 for finding in verdict.suppressed if wanted(finding))
    share.statistics["undecided"] = verdict.undecided
    gone = _gone(project, selected)
    share.statistics["selected"] += gone
    share.statistics["skipped"] += gone
    return share


def _gone(project: ProjectRun, selected: set[str]) -> int:
    """Count the given paths that were files and are none any more: what they meant to others is judged."""
    entries = project.stage.entries
    missing = [path for path in selected if path and path not in entries]
    return sum(1 for path in missing if not any(other.startswith(f"{path}/") for other in entries))


def _count(project: ProjectRun, chosen: Callable[[str], bool], problems: list[Problem]) -> dict[str, int]:
    broken = {problem.path for problem in problems if problem.kind in INCOMPLETE_KINDS}
    counts = dict.fromkeys(("context", "excluded", "failed", "files", "selected", "skipped"), 0)
    empty = {path for path, result in project.stage.details() if result.skipped}
    for path, entry in project.stage.entries.items():
        state = entry.state
        if state == "read" and (entry.kind == "gitignore" or path in empty):
            state = "skipped"
        if not chosen(path):
            counts["context"] += state == "read"
            continue
        counts["selected"] += 1
        if path in broken:
            counts["failed"] += 1
        else:
            counts["files" if state == "read" else state] += 1
    return counts


def merge(shares: list[Share], notes: list[str], *, apart: bool = False) -> RunResult:
    """Merge the shares of all projects; with several, paths become relative to their common ancestor.

    Places of one habit become one finding unless they are wanted `apart`.
    """
    roots = [share.root for share in shares]
    base = roots[0] if len(roots) == 1 else (os.path.commonpath(roots) if roots else os.getcwd())
    findings: list[Finding] = []
    problems: dict[Problem, None] = {}
    environments: list[str] = []
    hints: list[str] = []
    hidden: dict[str, int] = {}
    totals = dict.fromkeys(Statistics.FIELDS, 0)
    for share in shares:
        prefix = "" if share.root == base else os.path.relpath(share.root, base).replace(os.sep, "/") + "/"
        shown = share.findings if apart else gather(share.findings)
        findings += [_moved(finding, prefix) if prefix else finding for finding in shown]
        for problem in share.problems:
            problems[problem.replace(path=prefix + problem.path) if problem.path and prefix else problem] = None
        environments += [name for name in share.environments if name not in environments]
        hints += [hint for hint in share.hints if hint not in hints]
        notes += share.notes
        for level, count in share.hidden.items():
            hidden[level] = hidden.get(level, 0) + count
        for name, count in share.statistics.items():
            totals[name] += count
    findings.sort(key=lambda finding: finding.sort_key())
    if not totals["selected"]:
        notes.append("no file to check")
    return RunResult(
        complete=complete(problems),
        environments=environments,
        findings=findings,
        hidden=dict(sorted(hidden.items())),
        hints=hints,
        problems=sorted(problems, key=lambda problem: problem.sort_key()),
        root=base,
        statistics=Statistics(**totals),
    )


def _moved(finding: Finding, prefix: str) -> Finding:
    return finding.replace(
        derived=[prefix + path for path in finding.derived],
        evidence=[item.replace(path=prefix + item.path) for item in finding.evidence],
        path=prefix + finding.path,
    )
