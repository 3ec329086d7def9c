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
from opslint.base.value import ABSENT, Absent, Known, Secret, Unknown, Value, same, text_of

__all__ = [
    "ABSENT",
    "Absent",
    "Blocks",
    "Calls",
    "Edit",
    "Extractor",
    "Fact",
    "FileRule",
    "Fix",
    "Instructions",
    "Known",
    "Loc",
    "Meta",
    "Objects",
    "Option",
    "ProjectRule",
    "Reporter",
    "Secret",
    "Span",
    "Unknown",
    "Value",
    "WorkflowJobs",
    "same",
    "text_of",
]
