"""Dotenv files as facts: names with masked values."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.opaque import is_opaque
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_values import literal, value_of
from opslint.syntax.dotenv_compose import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.dotenv import DotenvDocument
    from opslint.syntax.dotenv_compose import Setting

__all__ = ["EXTRACTORS", "DotenvFile", "is_example"]


class DotenvFile(Fact):
    """One dotenv file, as its two readers see it.

    `entries` are what python-dotenv reads, ``[name, place of the name, place of the value, value]`` in file order (values:
    `opslint.facts.env_values`); `partial` tells that some line could not be read, so that what it sets is not known. `compose` are the
    rows that Docker Compose reads, None where they are the same; `refused` tells that Compose refuses the file.
    """

    __slots__ = ("compose", "entries", "partial", "refused")
    compose: list[list[Any]] | None
    entries: list[list[Any]]
    partial: bool
    refused: bool

    @property
    def compose_rows(self) -> list[list[Any]] | None:
        """What Docker Compose reads in the default format, None where it refuses the file."""
        if self.refused:
            return None
        return self.entries if self.compose is None else self.compose


def _extract(document: DotenvDocument, emit: Callable[[Fact], None]) -> None:
    entries = []
    for binding in document.bindings:
        if not is_name(binding.name):
            continue
        if binding.value is None:
            value = None
        elif binding.quote == "'" or not binding.refs:
            value = literal(binding.name, binding.value)
        else:
            value = value_of(binding.name, binding.value)
        entries.append([binding.name, binding.name_at, binding.value_at, value])
    found = settings(document.text)
    compose = rows(document, found or [])
    emit(
        DotenvFile(
            at=document.places.add((1, 1, 1, 1)),
            compose=None if compose == entries else compose,
            entries=entries,
            partial=bool(document.errors),
            refused=found is None,
        )
    )


def is_name(text: str) -> bool:
    """Tell whether what stands where a name stands can be one: the lines of a key that goes on without quotes look like names, too."""
    return text.replace("_", "").replace(".", "").replace("-", "").isalnum() and not is_opaque(text)


def rows(document: DotenvDocument, found: list[Setting]) -> list[list[Any]]:
    """Return settings as rows of a fact, their places added to the document."""
    spans, places = document.lines, document.places
    out: list[list[Any]] = []
    for item in found:
        if not is_name(item.name):
            continue
        value: list[Any] | None = None
        if item.text is not None:
            value = value_of(item.name, item.text) if item.expands else literal(item.name, item.text)
        name_at = places.add(spans.span(item.start, item.end))
        out.append([item.name, name_at, places.add(spans.span(item.value_start, item.value_end)), value])
    return out


_EXAMPLES = frozenset(("example", "sample", "template", "tmpl", "dist"))


def is_example(path: str) -> bool:
    """Tell whether a dotenv file is one that people copy and fill in (``.env.example``, ``template.env``)."""
    words = path.rpartition("/")[2].lower().replace("-", ".").replace("_", ".").split(".")
    return not _EXAMPLES.isdisjoint(words)


EXTRACTORS = (Extractor("dotenv", (), _extract),)
