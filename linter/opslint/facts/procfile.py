"""Procfile processes."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.procfile import ProcfileDocument

__all__ = ["EXTRACTORS", "ProcfileProcess"]


class ProcfileProcess(Fact):
    """One ``name: command`` line."""

    __slots__ = ("command", "name")
    command: str
    name: str


def _extract(document: ProcfileDocument, emit: Callable[[Fact], None]) -> None:
    for name, command, at in document.processes:
        emit(ProcfileProcess(at=at, command=strip_credentials(command), name=name))


EXTRACTORS = (Extractor("procfile", (), _extract),)
