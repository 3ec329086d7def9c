"""Dotenv files as facts: names with masked values."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_values import literal, value_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.dotenv import DotenvDocument

__all__ = ["EXTRACTORS", "DotenvFile"]


class DotenvFile(Fact):
    """One dotenv file.

    `entries` are ``[name, place of the name, place of the value, value]`` in file order (values: `opslint.facts.env_values`);
    `partial` tells that some line could not be read, so that what it sets is not known.
    """

    __slots__ = ("entries", "partial")
    entries: list[list[Any]]
    partial: bool


def _extract(document: DotenvDocument, emit: Callable[[Fact], None]) -> None:
    entries = []
    for binding in document.bindings:
        if binding.value is None:
            value = None
        elif binding.quote == "'" or not binding.refs:
            value = literal(binding.name, binding.value)
        else:
            value = value_of(binding.name, binding.value)
        entries.append([binding.name, binding.name_at, binding.value_at, value])
    emit(DotenvFile(at=document.places.add((1, 1, 1, 1)), entries=entries, partial=bool(document.errors)))


EXTRACTORS = (Extractor("dotenv", (), _extract),)
