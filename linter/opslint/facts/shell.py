"""Shell scripts as facts: the commands that start, build or deploy something, and the variables they insist on."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.opaque import conceal_words
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.shell import Command, ShellDocument

__all__ = ["EXTRACTORS", "ScriptCommand", "ShellScript"]

_SILENT = frozenset(
    "echo printf sleep true : [ [[ test local read return break continue ls cat mkdir chmod chown rm seq cut tr".split()
)
"""Programs that start nothing and set nothing; most of a script's commands, kept out of its fact."""

_LONGEST_WORD = 400
_MOST_WORDS = 60


class ShellScript(Fact):
    """One shell script.

    `commands` are lists in the order of the fields of `ScriptCommand`; `required` ``[name, place]`` of ``${NAME:?}``; `exits_on_error`
    tells that ``set -e`` is in force at the top level.
    """

    __slots__ = ("commands", "exits_on_error", "required")
    commands: list[list[Any]]
    exits_on_error: bool
    required: list[list[Any]]

    def steps(self) -> list[ScriptCommand]:
        """Return the commands as objects."""
        return [ScriptCommand(*command) for command in self.commands]


class ScriptCommand:
    """One command: its place, words, whether each was quoted, assignments before it, and the control flow (`syntax.shell.Command`)."""

    __slots__ = ("assignments", "at", "depth", "follow", "function", "joined", "nested", "test", "when", "words")

    def __init__(
        self,
        at: int,
        words: list[str],
        assignments: list[list[str]],
        depth: int,
        test: bool,
        function: str,
        joined: str,
        follow: str,
        nested: bool,
        when: list[list[Any]],
    ) -> None:
        self.at = at
        self.words = words
        self.assignments = assignments
        self.depth = depth
        self.test = test
        self.function = function
        self.joined = joined
        self.follow = follow
        self.nested = nested
        self.when = when


def _extract(document: ShellDocument, emit: Callable[[Fact], None]) -> None:
    if not document.commands:
        return
    exits = False
    commands = []
    for command in document.commands:
        if command.words[:1] == ["set"] and command.words[1:2] != ["--"] and not command.depth:
            exits = (
                exits
                or any(word.startswith("-") and "e" in word[1:] for word in command.words[1:2])
                or "errexit" in command.words
            )
        elif command.words[:1] and command.words[0] in _SILENT and not command.assignments:
            continue
        else:
            commands.append(_command(document, command))
    required = [[name, document.place(start, start + 1)] for name, start in document.required]
    emit(ShellScript(at=document.places.add((1, 1, 1, 1)), commands=commands, exits_on_error=exits, required=required))


def _command(document: ShellDocument, command: Command) -> list[Any]:
    words = conceal_words([strip_credentials(word[:_LONGEST_WORD]) for word in command.words[:_MOST_WORDS]])
    exported = command.words[:1] == ["export"]
    if exported:
        words = [word.partition("=")[0] for word in words]
    return [
        document.place(command.start, command.end),
        words,
        # The value may be a secret: that something is assigned is all the model needs.
        [[name, "$" if "$" in value else ""] for name, value in command.assignments],
        command.depth,
        command.test,
        command.function,
        command.joined,
        command.follow,
        command.nested,
        command.when,
    ]


EXTRACTORS = (Extractor("shell", (), _extract),)
