"""An HCL file as the rest of opslint sees it."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.expression import BodyData, Expression
    from opslint.base.location import Span


class HclBlock:
    """What a file rule subscribed to `Blocks` sees: type, labels, where it stands, its body (`opslint.base.expression`)."""

    __slots__ = ("at", "body", "labels", "loc", "type")

    def __init__(self, kind: str, labels: list[str], at: int, body: BodyData) -> None:
        self.type = kind
        self.labels = labels
        self.at = at
        self.body = body
        self.loc = ("", at)

    def attribute(self, name: str) -> tuple[int, Expression] | None:
        """Return place and expression of an attribute, None when it is not written."""
        for own, at, expression in self.body[0]:
            if own == name:
                return at, expression
        return None

    def blocks(self, kind: str) -> list[HclBlock]:
        """Return the nested blocks of one type."""
        return [HclBlock(*block) for block in self.body[1] if block[0] == kind]


class HclDocument(Document):
    """`body` is the whole file as a body of `opslint.base.expression`."""

    def __init__(self, data: bytes, kind: str) -> None:
        super().__init__(data, kind)
        self.body: BodyData = [[], [], False]
        self.comment_spans: list[tuple[Span, str]] = []
        self.ends: dict[int, int] = {}

    def views(self, hook: str, names: tuple[str, ...]) -> Iterator[Any]:
        """Yield `HclBlock`s: by block type, or for resources and data by their own type."""
        if hook != "blocks":
            return
        for kind, labels, at, body in self.body[1]:
            own = labels[0] if kind in ("resource", "data") and labels else kind
            if not names or own in names or kind in names:
                yield HclBlock(kind, labels, at, body)

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield comments that hold ``opslint:``."""
        lines = self.data.split(b"\n")
        for span, text in self.comment_spans:
            prefix = lines[span[0] - 1].decode("utf-8")[: span[1] - 1]
            yield span, text, not prefix.strip()

    def block_end(self, line: int) -> int:
        """Return the last line of the block or attribute that starts on `line`."""
        return self.ends.get(line, line)
