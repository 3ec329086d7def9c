"""`--trace FILE`: what a run did and where its time went, one JSON object a line. Counts are exact and repeatable, times are not.

Lines are of four types: ``run`` (one), then for each project ``project``, its ``file`` lines and its ``rule`` lines. They name
paths, kinds and rules; nothing of what a file says.
"""

from __future__ import annotations

import sys

from opslint.base.errors import UsageError
from opslint.base.jsonio import dumps
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.engine.run import ProjectRun

_RULE = "rule "


def write(path: str, projects: list[ProjectRun]) -> None:
    """Write the trace of a run as JSON lines to `path`. UsageError when it cannot be written."""
    rows: list[dict[str, Any]] = [{"modules": len(sys.modules), "projects": len(projects), "schema": 1, "type": "run"}]
    for project in projects:
        rows.append(of_project(project))
        rows += of_files(project)
        rows += of_rules(project)
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as handle:
            handle.write("".join(f"{dumps(row)}\n" for row in rows))
    except OSError as error:
        raise UsageError(f"--trace: {path} cannot be written: {error.strerror}") from error


def of_project(project: ProjectRun) -> dict[str, Any]:
    """Return one project's line: files by state and kind, how many were analysed anew, whether it was linked anew, seconds a step."""
    stage = project.stage
    states: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for entry in stage.entries.values():
        states[entry.state] = states.get(entry.state, 0) + 1
        if entry.state == "read":
            kinds[entry.refined] = kinds.get(entry.refined, 0) + 1
    return {
        "analysed": stage.analysed,
        "cached": states.get("read", 0) - len(stage.seconds),
        "files": dict(sorted(states.items())),
        "kinds": dict(sorted(kinds.items())),
        "linked": project.linked_anew,
        "parsed_fully": sorted(stage.parsed_fully),
        "root": project.root,
        "screened": sum(entry.screened for entry in stage.entries.values()),
        "seconds": {name: round(seconds, 6) for name, seconds in project.seconds.items() if not name.startswith(_RULE)},
        "type": "project",
    }


def of_files(project: ProjectRun) -> Iterator[dict[str, Any]]:
    """Yield a line for every file that was read: whether the cache had it, else the seconds that reading and its file rules took."""
    stage = project.stage
    for path, entry in stage.read_entries():
        seconds = stage.seconds.get(path)
        yield {
            "cached": seconds is None,
            "kind": entry.refined,
            "path": path,
            "role": entry.role,
            "screened": entry.screened,
            "seconds": None if seconds is None else round(seconds, 6),
            "type": "file",
        }


def of_rules(project: ProjectRun) -> Iterator[dict[str, Any]]:
    """Yield a line for every rule that found something or was run over the model.

    `seconds` are None for a file rule (its time is the files') and for a rule whose result was replayed.
    """
    verdict = project.verdict
    findings: dict[str, int] = {}
    suppressed: dict[str, int] = {}
    for counts, found in ((findings, verdict.findings if verdict else []), (suppressed, verdict.suppressed if verdict else [])):
        for finding in found:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
    ran = {name[len(_RULE) :]: seconds for name, seconds in project.seconds.items() if name.startswith(_RULE)}
    for name in sorted({*findings, *suppressed, *ran}):
        seconds = ran.get(name)
        yield {
            "file_rule": project.packs.rules[name].file_rule,
            "findings": findings.get(name, 0),
            "rule": name,
            "seconds": None if seconds is None else round(seconds, 6),
            "suppressed": suppressed.get(name, 0),
            "type": "rule",
        }
