"""Makefiles: targets with their prerequisites and recipe lines. Variables and functions stay as written."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document
from opslint.syntax.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Span


class Target(Record):
    """One rule: its name, its prerequisites, and (line number, text) of its recipe lines with ``@ + -`` taken off.

    `ignored` are the line numbers of recipe lines with a ``-`` prefix: make goes on when they fail.
    """

    __slots__ = ("ignored", "line", "name", "prerequisites", "recipe")
    ignored: list[int]
    line: int
    name: str
    prerequisites: list[str]
    recipe: list[tuple[int, str]]


class MakeDocument(Document):
    """One Makefile. `shell_flags` is the text of ``.SHELLFLAGS``."""

    def __init__(self, data: bytes, text: str) -> None:
        super().__init__(data, "makefile")
        self.lines = text.split("\n")
        self.targets: list[Target] = []
        self.shell_flags = ""
        self._read()

    def _read(self) -> None:
        current: list[Target] = []
        joined = False
        for number, line in enumerate(self.lines, 1):
            line = line.rstrip("\r")
            if line.startswith("\t") or (joined and current):
                self._recipe(current, number, line, joined)
                joined = line.endswith("\\")
                continue
            joined = False
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if line.startswith(".SHELLFLAGS"):
                self.shell_flags = line.partition("=")[2].strip()
            head, colon, rest = line.partition(":")
            if not colon or rest.startswith("=") or "=" in head or line.startswith((" ", "define ", "ifeq", "ifneq", "export ")):
                current = [] if not line.startswith(" ") else current
                continue
            prerequisites = rest.lstrip(":").partition(";")[0].partition("#")[0].split()
            current = [
                Target(ignored=[], line=number, name=name, prerequisites=prerequisites, recipe=[]) for name in head.split()
            ]
            self.targets.extend(current)

    @staticmethod
    def _recipe(current: list[Target], number: int, line: str, joined: bool) -> None:
        text = line.strip()
        if not joined:
            prefix = text[: len(text) - len(text.lstrip("@-+ "))]
            text = text[len(prefix) :]
            for target in current:
                if "-" in prefix:
                    target.ignored.append(number)
        for target in current:
            target.recipe.append((number, text))

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield comment lines that hold ``opslint:``."""
        for number, line in enumerate(self.lines, 1):
            at = line.find("#")
            if at >= 0 and "opslint:" in line[at:]:
                yield (number, at + 1, number, len(line) + 1), line[at + 1 :].strip(), not line[:at].strip()

    def block_end(self, line: int) -> int:
        """Return the last recipe line of the target on `line`."""
        for target in self.targets:
            if target.line == line:
                return target.recipe[-1][0] if target.recipe else line
        return line


def read(data: bytes, kind: str = "makefile") -> MakeDocument:
    """Read a Makefile; raises ReadProblem ``decode-error``."""
    return MakeDocument(data, decode(data))
