"""Code frames: the source lines of a span, safe to show, with what is under the span marked."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import visible
from opslint.report.hidden import hidden_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Span
    from opslint.report.hidden import Ranges

MASK = "•••"
WIDTH = 150
"""Longest source text shown of a line, in columns."""


class Line(Record):
    """One line of a frame. `mark` is the half-open range of display columns under the span (None: nothing to mark)."""

    __slots__ = ("mark", "number", "text")
    mark: tuple[int, int] | None
    number: int
    text: str


class Frames:
    """Makes frames; a file is read and judged once however many findings point into it."""

    __slots__ = ("_files", "_read")

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._files: dict[str, tuple[list[str], Ranges]] = {}

    def _file(self, path: str) -> tuple[list[str], Ranges]:
        known = self._files.get(path)
        if known is None:
            data = self._read(path)
            text = "" if data is None else data.decode("utf-8-sig", "replace")
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if text else []
            known = self._files[path] = (lines, hidden_ranges(path, lines) if lines else {})
        return known

    def frame(self, path: str, span: Span, limit: int = 3) -> list[Line]:
        """Return at most `limit` lines from the start of `span`; empty when the file cannot be read or is shorter."""
        lines, hidden = self._file(path)
        first, column, last, end_column = span
        if first > len(lines) or first < 1:
            return []
        last = max(min(last, len(lines), first + limit - 1), first)
        out = []
        for number in range(first, last + 1):
            source = lines[number - 1]
            start = column - 1 if number == first else len(source) - len(source.lstrip())
            end = end_column - 1 if number == span[2] else len(source.rstrip())
            out.append(_line(number, source, hidden.get(number - 1, []), start, end))
        return out


def _line(number: int, source: str, hidden: list[tuple[int, int]], start: int, end: int) -> Line:
    """Show one source line: hidden ranges become `MASK`, tabs four spaces, long lines are cut around the span."""
    left = 0
    if len(source) > WIDTH and start > WIDTH // 2:
        left = start - WIDTH // 3
    pieces: list[str] = ["…"] if left else []
    width = len(pieces)
    mark_start = mark_end = None
    ranges = iter(hidden)
    current = next(ranges, None)
    for column in range(left, len(source) + 1):
        if column == start or (column > start and mark_start is None and column <= end):
            mark_start = width
        if column == end:
            mark_end = width
        if column == len(source):
            break
        while current is not None and column >= current[1]:
            current = next(ranges, None)
        if current is not None and column >= current[0]:
            piece = MASK if column == max(current[0], left) else ""
        else:
            ch = source[column]
            piece = "    " if ch == "\t" else ch if " " <= ch <= "~" else visible(ch)
        pieces.append(piece)
        width += len(piece) if piece.isascii() or piece == MASK else _width(piece)
        if width > WIDTH:
            pieces.append("…")
            break
    mark = None
    if mark_start is not None:
        mark = (mark_start, max(mark_end if mark_end is not None else width, mark_start + 1))
    return Line(mark=mark, number=number, text=visible_marks("".join(pieces).rstrip()))


def _width(piece: str) -> int:
    """Return the terminal columns of one shown character (two for East Asian wide ones, none for combining ones)."""
    if len(piece) != 1:
        return len(piece)
    from unicodedata import combining, east_asian_width

    return 0 if combining(piece) else 2 if east_asian_width(piece) in "WF" else 1


def visible_marks(text: str) -> str:
    """Break up runner marks that single characters could not show."""
    return visible(text) if "##" in text else text
