"""Every command that scripts, make targets, workflows, composite actions and GitLab jobs of a project run, wherever it stands."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.gitlab import GitlabPipeline
from opslint.facts.shell_scripts import MakeTarget, ScriptSteps
from opslint.facts.workflows import CompositeAction, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from opslint.model.model import DeploymentModel


def all_commands(model: DeploymentModel) -> Iterator[list[str]]:
    """Yield the words of each command."""
    scripts: list[ScriptSteps | MakeTarget] = [*model.facts(ScriptSteps), *model.facts(MakeTarget)]
    owners: list[Iterable[Any]] = [script.commands for script in scripts]
    jobs: list[Workflow | CompositeAction | GitlabPipeline] = [
        *model.facts(Workflow),
        *model.facts(CompositeAction),
        *model.facts(GitlabPipeline),
    ]
    for job in jobs:
        owners.extend(commands for _place, commands in job.scripts)
    for commands in owners:
        for _at, words, _info in commands:
            yield words
