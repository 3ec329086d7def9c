"""Strict decoding and offset → line and column, for the readers of line-oriented formats."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    from opslint.base.location import Span


def decode(data: bytes) -> str:
    """Decode UTF-8 (with or without a byte order mark) or UTF-16 with one; raises ReadProblem ``decode-error``.

    A file with NUL bytes is no text: ``decode-error`` as well.
    """
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReadProblem("decode-error", f"not valid {error.encoding}: {error.reason}", (line, 1, line, 1)) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise ReadProblem("decode-error", "a NUL character: not a text file", (line, 1, line, 1))
    return text


class Lines:
    r"""Where each line of a text starts (lines end with ``\n``, ``\r\n`` or ``\r``)."""

    __slots__ = ("starts",)

    def __init__(self, text: str) -> None:
        starts = [0]
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        starts.pop()
        if "\r" in text:
            lone = [i + 1 for i, ch in enumerate(text) if ch == "\r" and text[i + 1 : i + 2] != "\n"]
            starts = sorted({*starts, *lone})
        self.starts = starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of a character offset."""
        from bisect import bisect_right

        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """Return the span of the characters from `start` to `end` (exclusive)."""
        return (*self.position(start), *self.position(end))
