"""The only module that rule packs import."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.finding import Edit, Fix
from opslint.base.location import Loc, Span
from opslint.base.rule import (
    Blocks,
    Calls,
    Extractor,
    FileRule,
    Instructions,
    Meta,
    Objects,
    Option,
    ProjectRule,
    Reporter,
    WorkflowJobs,
)
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Secret, Unknown, Value, same, text_of

if TYPE_CHECKING:
    from opslint.facts.gitlab import GitlabPipeline
    from opslint.facts.migrations import AlembicRevision, DjangoMigration, MigrationRun, SqlScript
    from opslint.facts.workflows import Workflow
    from opslint.model.migrations import MigrationGraph, MigrationNode
    from opslint.model.model import DeploymentModel
    from opslint.model.pipelines import Action, Job, Mask, Pipeline, Step

_LAZY = {
    "Action": "opslint.model.pipelines",
    "AlembicRevision": "opslint.facts.migrations",
    "DeploymentModel": "opslint.model.model",
    "DjangoMigration": "opslint.facts.migrations",
    "GitlabPipeline": "opslint.facts.gitlab",
    "Job": "opslint.model.pipelines",
    "Mask": "opslint.model.pipelines",
    "MigrationGraph": "opslint.model.migrations",
    "MigrationNode": "opslint.model.migrations",
    "MigrationRun": "opslint.facts.migrations",
    "Pipeline": "opslint.model.pipelines",
    "SqlScript": "opslint.facts.migrations",
    "Step": "opslint.model.pipelines",
    "Workflow": "opslint.facts.workflows",
}
"""Facts and model nouns, imported when a rule asks for them: a rule should not pay for those of all others."""


def __getattr__(name: str) -> object:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(module), name)


__all__ = [
    "ABSENT",
    "Absent",
    "Action",
    "AlembicRevision",
    "Blocks",
    "Calls",
    "DeploymentModel",
    "DjangoMigration",
    "Edit",
    "Extractor",
    "Fact",
    "FileRule",
    "Fix",
    "GitlabPipeline",
    "Instructions",
    "Job",
    "Known",
    "Loc",
    "Mask",
    "Meta",
    "MigrationGraph",
    "MigrationNode",
    "MigrationRun",
    "Objects",
    "Option",
    "Pipeline",
    "ProjectRule",
    "Reporter",
    "Secret",
    "Span",
    "SqlScript",
    "Step",
    "Unknown",
    "Value",
    "Workflow",
    "WorkflowJobs",
    "same",
    "text_of",
]
