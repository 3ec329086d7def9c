"""Shell scripts and Makefile targets as command lists, for pipelines and entrypoints that run them."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.scripts import commands_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.makefile import MakeDocument
    from opslint.syntax.shell import ShellDocument


class ScriptSteps(Fact):
    """One script: its `commands` with what happens to their failure (`opslint.facts.scripts`)."""

    __slots__ = ("commands",)
    commands: list[list[Any]]


class MakeTarget(Fact):
    """One Makefile target: its name, prerequisites and the commands of its recipe."""

    __slots__ = ("commands", "name", "prerequisites")
    commands: list[list[Any]]
    name: str
    prerequisites: list[str]


def _script(document: ShellDocument, emit: Callable[[Fact], None]) -> None:
    if not document.commands:
        return
    commands = commands_of(document.text, document.place)
    if commands:
        emit(ScriptSteps(at=document.place(0, 0), commands=commands))


def _targets(document: MakeDocument, emit: Callable[[Fact], None]) -> None:
    for target in document.targets:
        at = document.places.add((target.line, 1, target.line, len(document.lines[target.line - 1]) + 1))
        commands: list[list[Any]] = []
        for number, text in _logical(target.recipe):
            span = (number, 1, number, len(document.lines[number - 1]) + 1)

            def place(_start: int, _end: int, span: tuple[int, int, int, int] = span) -> int:
                return document.places.add(span)

            for command_at, words, info in commands_of(text, place):
                if number in target.ignored:
                    info = {**info, "mask": "-", "mask_at": command_at}
                commands.append([command_at, words, info])
        emit(MakeTarget(at=at, commands=commands, name=target.name, prerequisites=target.prerequisites))


def _logical(recipe: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Join lines that end in a backslash: make hands them to one shell."""
    found: list[tuple[int, str]] = []
    open_ = False
    for number, text in recipe:
        if open_:
            first, so_far = found[-1]
            found[-1] = (first, f"{so_far} {text.removesuffix(chr(92))}")
        else:
            found.append((number, text.removesuffix("\\")))
        open_ = text.endswith("\\")
    return found


EXTRACTORS: tuple[Extractor, ...] = (
    # Every script is read: what a pipeline may run is an open list, and reading costs little more than looking for words.
    Extractor("shell", (), _script),
    Extractor("makefile", (), _targets),
)
