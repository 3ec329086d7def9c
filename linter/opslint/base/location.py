"""Where something stands in a file.

A *span* is four numbers ``(line, column, end_line, end_column)``: lines and columns are 1-based,
columns count Unicode code points, the end is exclusive.

A *place* is the index of a span in its file's place table. Facts hold places instead of spans, so
that a blank line added above a fact changes the table and not the fact.
"""

from __future__ import annotations

Span = tuple[int, int, int, int]

Loc = tuple[str, "int | Span"]
"""A project path with either a place of that file's table or a span of its own (rendered text)."""

FILE_TOP: Span = (1, 1, 1, 1)
"""Stands for "the file as a whole"."""


class Places:
    """The place table of one file while its facts are being made."""

    __slots__ = ("_index", "spans")

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._index: dict[Span, int] = {}

    def add(self, span: Span) -> int:
        """Return the place of `span`, adding it to the table when it is new."""
        place = self._index.get(span)
        if place is None:
            place = self._index[span] = len(self.spans)
            self.spans.append(span)
        return place
