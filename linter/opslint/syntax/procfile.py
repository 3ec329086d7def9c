"""Procfiles: ``process: command`` lines."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document
from opslint.syntax.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Span


class ProcfileDocument(Document):
    """One Procfile: `processes` are (name, command, place of the line)."""

    def __init__(self, data: bytes, kind: str) -> None:
        super().__init__(data, kind)
        self.processes: list[tuple[str, str, int]] = []
        self._comments: list[tuple[Span, str, bool]] = []

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield the comment lines that hold ``opslint:``."""
        return iter(self._comments)


def read(data: bytes, kind: str) -> ProcfileDocument:
    """Read a Procfile; raises ReadProblem ``decode-error``."""
    document = ProcfileDocument(data, kind)
    for number, line in enumerate(decode(data).splitlines(), 1):
        span = (number, 1, number, len(line) + 1)
        name, colon, command = line.partition(":")
        if line.lstrip().startswith("#"):
            if "opslint:" in line:
                document._comments.append((span, line.lstrip().lstrip("#").strip(), True))
        elif colon and name.strip().replace("-", "").replace("_", "").isalnum() and command.strip():
            document.processes.append((name.strip(), command.strip(), document.places.add(span)))
    return document
