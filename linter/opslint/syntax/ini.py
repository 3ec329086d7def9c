"""INI files (supervisord, systemd units, alembic.ini): sections of ``name = value`` lines, indented lines continue a value."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document
from opslint.syntax.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Span


class Section:
    """One ``[name]``: `entries` are (name, value, place of the line) in order, values of several lines joined by blanks."""

    __slots__ = ("at", "entries", "name")

    def __init__(self, name: str, at: int) -> None:
        self.name = name
        self.at = at
        self.entries: list[tuple[str, str, int]] = []

    def get(self, name: str) -> str | None:
        """Return the last value of `name`, None when it is not there."""
        return next((value for key, value, _at in reversed(self.entries) if key == name), None)

    def at_of(self, name: str) -> int:
        """Return the place of the line that sets `name`, of the section when none does."""
        return next((at for key, _value, at in reversed(self.entries) if key == name), self.at)


class IniDocument(Document):
    """One INI file: its `sections` in order."""

    def __init__(self, data: bytes, kind: str) -> None:
        super().__init__(data, kind)
        self.sections: list[Section] = []
        self._comments: list[tuple[Span, str, bool]] = []

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield the comment lines that hold ``opslint:``."""
        return iter(self._comments)


def read(data: bytes, kind: str) -> IniDocument:
    """Read an INI file; raises ReadProblem ``decode-error``. Lines that are neither sections nor entries are passed over."""
    document = IniDocument(data, kind)
    for number, line in enumerate(decode(data).splitlines(), 1):
        body = line.strip()
        span = (number, 1, number, len(line) + 1)
        if not body:
            continue
        if body[0] in "#;":
            if "opslint:" in body:
                document._comments.append((span, body.lstrip("#;").strip(), True))
        elif body[0] == "[" and body[-1] == "]":
            document.sections.append(Section(body[1:-1].strip(), document.places.add(span)))
        elif document.sections:
            _entry(document.sections[-1], line, document.places.add(span))
    return document


def _entry(section: Section, line: str, at: int) -> None:
    if line[0] in " \t" and section.entries:
        name, value, first = section.entries[-1]
        section.entries[-1] = (name, f"{value} {line.strip()}".strip(), first)
        return
    name, equals, value = line.partition("=")
    if equals:
        # supervisord takes ` ;` for the start of a comment (supervisord.org/configuration.html).
        section.entries.append((name.strip(), value.partition(" ;")[0].strip(), at))
