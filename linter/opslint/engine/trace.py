"""`--trace FILE`: what a run did and where its time went. Counts are exact and repeatable, times are not."""

from __future__ import annotations

import sys

from opslint.base.errors import UsageError
from opslint.base.jsonio import dumps
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from opslint.engine.run import ProjectRun


def write(path: str, projects: list[ProjectRun]) -> None:
    """Write the trace of a run as JSON to `path`. UsageError when it cannot be written."""
    value = {"schema": 1, "modules": len(sys.modules), "projects": [of_project(project) for project in projects]}
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as handle:
            handle.write(dumps(value) + "\n")
    except OSError as error:
        raise UsageError(f"--trace: {path} cannot be written: {error.strerror}") from error


def of_project(project: ProjectRun) -> dict[str, Any]:
    """Return one project's trace: files by state and kind, how many were analysed anew, whether it was linked anew, seconds."""
    stage = project.stage
    states: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for entry in stage.entries.values():
        states[entry.state] = states.get(entry.state, 0) + 1
        if entry.state == "read":
            kinds[entry.refined] = kinds.get(entry.refined, 0) + 1
    return {
        "analysed": stage.analysed,
        "files": dict(sorted(states.items())),
        "kinds": dict(sorted(kinds.items())),
        "linked": project.linked_anew,
        "parsed_fully": sorted(stage.parsed_fully),
        "root": project.root,
        "screened": sum(entry.screened for entry in stage.entries.values()),
        "seconds": {name: round(seconds, 6) for name, seconds in project.seconds.items()},
    }
