"""YAML- and JSON-shaped trees: what a manifest says, with a place for every key and value.

Readers make the nodes (places of the document), facts keep them encoded as JSON lists, the model decodes
them again with the path of their file. Rendered templates give the same nodes with spans of their own.
"""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.location import Loc, Span


class Node:
    """Base of all nodes. `at` is a place of file `path` (inside a reader: of the document), or a span."""

    __slots__ = ("at", "path")

    def __init__(self, at: int | Span, path: str = "") -> None:
        self.at = at
        self.path = path

    @property
    def loc(self) -> Loc:
        """Where the node stands, for `report(at=…)` and evidence."""
        return (self.path, self.at)


class Scalar(Node):
    """One scalar. `text` is the raw text (never resolved: ``on`` stays a string); `quoted` tells its style.

    `masked` is set, and `text` empty, where the value may be a secret.
    """

    __slots__ = ("masked", "quoted", "text")

    def __init__(self, text: str, at: int | Span, *, quoted: bool = False, masked: Masked | None = None, path: str = "") -> None:
        super().__init__(at, path)
        self.text = text
        self.quoted = quoted
        self.masked = masked

    @property
    def is_null(self) -> bool:
        """An unquoted empty, ``~`` or ``null`` scalar."""
        return not self.quoted and self.masked is None and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def boolean(self) -> bool | None:
        """The YAML 1.2 boolean (unquoted ``true``/``false`` in any case), else None."""
        lowered = self.text.lower()
        return (lowered == "true") if not self.quoted and lowered in ("true", "false") else None

    @property
    def number(self) -> float | None:
        """The number this scalar spells, else None."""
        try:
            return float(self.text) if self.text and len(self.text) < 32 and "_" not in self.text else None
        except ValueError:
            return None


class Sequence(Node):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, items: list[Node], at: int | Span, path: str = "") -> None:
        super().__init__(at, path)
        self.items = items

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


class Mapping(Node):
    """Keys with their values in order. Duplicate keys stay in `pairs`; look-ups give the last, as YAML tools do."""

    __slots__ = ("_index", "pairs")

    def __init__(self, pairs: list[tuple[Scalar, Node]], at: int | Span, path: str = "") -> None:
        super().__init__(at, path)
        self.pairs = pairs
        self._index: dict[str, tuple[Scalar, Node]] | None = None

    def _entries(self) -> dict[str, tuple[Scalar, Node]]:
        if self._index is None:
            self._index = {key.text: (key, value) for key, value in self.pairs}
        return self._index

    def get(self, *keys: str) -> Node | None:
        """Follow `keys` downwards through mappings; None where one is missing."""
        node: Node | None = self
        for key in keys:
            if not isinstance(node, Mapping):
                return None
            entry = node._entries().get(key)
            node = entry[1] if entry else None
        return node

    def key(self, name: str) -> Scalar | None:
        """The key node of `name` (its place is where the key is written)."""
        entry = self._entries().get(name)
        return entry[0] if entry else None

    def items(self) -> Iterator[tuple[str, Node]]:
        """Key texts with their values, the last of duplicates only."""
        for name, (_key, value) in self._entries().items():
            yield name, value

    def keys(self) -> list[str]:
        """Key texts in order."""
        return list(self._entries())

    def __contains__(self, name: object) -> bool:
        return name in self._entries()

    def text(self, *keys: str) -> str | None:
        """The text of the scalar at `keys`; None when it is missing, null, masked or no scalar."""
        node = self.get(*keys)
        return node.text if isinstance(node, Scalar) and node.masked is None and not node.is_null else None

    def mapping(self, *keys: str) -> Mapping | None:
        """The mapping at `keys`, else None."""
        node = self.get(*keys)
        return node if isinstance(node, Mapping) else None

    def sequence(self, *keys: str) -> list[Node]:
        """The items of the list at `keys`, else an empty list."""
        node = self.get(*keys)
        return node.items if isinstance(node, Sequence) else []


class Hole(Node):
    """A node that could not be known: a template action, a custom tag (``!Ref``), a value too deep to follow.

    `reason` names it; `text` is what was written.
    """

    __slots__ = ("reason", "text")

    def __init__(self, reason: str, text: str, at: int | Span, path: str = "") -> None:
        super().__init__(at, path)
        self.reason = reason
        self.text = text


def encode(node: Node, place: Callable[[int | Span], int]) -> list[Any]:
    """Turn a node into JSON lists; `place` maps the node's place to the fact's place table."""
    at = place(node.at)
    if isinstance(node, Scalar):
        if node.masked is not None:
            return [at, "xq" if node.quoted else "x", *node.masked.as_tuple()]
        return [at, "q" if node.quoted else "s", node.text]
    if isinstance(node, Mapping):
        return [at, "m", [[key.text, place(key.at), encode(value, place)] for key, value in node.pairs]]
    if isinstance(node, Sequence):
        return [at, "l", [encode(item, place) for item in node.items]]
    assert isinstance(node, Hole)
    return [at, "h", node.reason, node.text]


def decode(data: list[Any], path: str) -> Node:
    """Turn JSON lists made by `encode` back into nodes of file `path`."""
    at, kind = data[0], data[1]
    if kind == "s" or kind == "q":
        return Scalar(data[2], at, quoted=kind == "q", path=path)
    if kind == "m":
        return Mapping([(Scalar(key, key_at, path=path), decode(value, path)) for key, key_at, value in data[2]], at, path)
    if kind == "l":
        return Sequence([decode(item, path) for item in data[2]], at, path)
    if kind == "x" or kind == "xq":
        masked = Masked(**dict(zip(Masked.FIELDS, data[2:], strict=True)))
        return Scalar("", at, quoted=kind == "xq", masked=masked, path=path)
    return Hole(data[2], data[3], at, path)
