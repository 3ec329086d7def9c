"""Packages that requirement, project and lock files name."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.requirements import RequirementsDocument

__all__ = ["EXTRACTORS", "LockedPackage"]


class LockedPackage(Fact):
    """One package. `version` is the only one allowed, else ``""``; `specifier` as written; `source`: ``lock requirements pyproject``."""

    __slots__ = ("name", "source", "specifier", "version")
    name: str
    source: str
    specifier: str
    version: str


def _extract(document: RequirementsDocument, emit: Callable[[Fact], None]) -> None:
    source = "lock" if document.locked else document.kind
    for found in document.requirements:
        specifier = "" if found.version else strip_credentials(found.specifier)[:80]
        emit(LockedPackage(at=found.at, name=found.name, source=source, specifier=specifier, version=found.version))


EXTRACTORS = tuple(Extractor(kind, (), _extract) for kind in ("requirements", "pyproject", "lock"))
