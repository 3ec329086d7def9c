"""Laying out tables for a terminal: columns that fit, long names shortened in the middle, lines wrapped below their start."""

from __future__ import annotations

import textwrap

WIDTH = 100
GAP = "  "


def middle(text: str, width: int) -> str:
    """Return `text` in at most `width` columns, the middle left out: both ends of a name say the most."""
    if len(text) <= width:
        return text
    if width < 4:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def tail(text: str, width: int) -> str:
    """Return the end of a place in at most `width` columns, cut between directories: the file's name and the line say the most."""
    if len(text) <= width:
        return text
    cut = text.find("/", len(text) - width + 1)
    if cut < 0:
        return f"…{text[len(text) - width + 1 :]}" if width > 1 else text[:width]
    return f"…{text[cut:]}"


def table(head: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    """Return a head and rows in columns of `widths`; cells are already short enough."""
    return [_row(cells, widths) for cells in (head, *rows)]


def _row(cells: list[str], widths: list[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def fit(columns: list[list[str]], least: list[int], most: list[int], room: int) -> list[int]:
    """Return widths for `columns` of texts: their own where all fit into `room`, else shares of it between `least` and `most`."""
    wanted = [min(max((len(text) for text in column), default=0), limit) for column, limit in zip(columns, most, strict=True)]
    widths = wanted[:]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - room
    while over > 0:
        # The widest column that may still give one gives it.
        able = [number for number, width in enumerate(widths) if width > min(least[number], wanted[number])]
        if not able:
            break
        widest = max(able, key=lambda number: (widths[number] - least[number], -number))
        widths[widest] -= 1
        over -= 1
    return widths


def wrapped(text: str, first: str = "  ", below: str = "      ") -> list[str]:
    """Return `text` as lines of at most `WIDTH` columns; words longer than a line are broken."""
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=below, break_on_hyphens=False) or [first.rstrip()]
