"""What `opslint: assume[…] -- reason` comments say about the lines they cover (see `opslint.engine.suppress` for how they are checked)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from opslint.syntax.document import Document


class Assumptions:
    """The assumptions of one document. Facts keep what covers them, so that a changed comment changes the facts' digest."""

    def __init__(self, document: Document) -> None:
        self._ranges: list[tuple[int, int, list[str]]] = []
        self._places = document.places
        if b"opslint:" not in document.data:
            return
        lines = document.data.decode("utf-8-sig", "replace").splitlines()
        for span, text, alone in document.comments():
            names = _assumed(text)
            if not names:
                continue
            first = last = span[0]
            if alone:
                first = _next_code(lines, span[0])
                last = max(first, document.block_end(first))
            self._ranges.append((first, last, names))

    def mark(self, ops: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Write into each migration operation, and each step of its function, what is assumed of the line it begins on."""
        for op in ops if self._ranges else ():
            line = self._places.spans[op["at"]][0]
            names = self.within(line, line)
            if names:
                op["assumed"] = names
            self.mark(op.get("steps") or [])
        return ops

    def within(self, first: int, last: int) -> list[str]:
        """Return what is assumed of lines `first` to `last`, or of a part of them, sorted."""
        return sorted({name for start, end, names in self._ranges if start <= last and end >= first for name in names})


def _assumed(text: str) -> list[str]:
    """Return the names of a complete assumption; one without a reason assumes nothing (it is a problem of the run)."""
    _before, mark, rest = text.partition("opslint:")
    head, bracket, inside = rest.partition("[")
    names, closing, tail = inside.partition("]")
    if not mark or head.strip() != "assume" or not bracket or not closing or not tail.partition("--")[2].strip():
        return []
    return [name.strip() for name in names.split(",") if name.strip()]


def _next_code(lines: list[str], line: int) -> int:
    for number in range(line + 1, len(lines) + 1):
        text = lines[number - 1].strip()
        if text and not text.startswith(("#", "--", "/*", "*")):
            return number
    return line
