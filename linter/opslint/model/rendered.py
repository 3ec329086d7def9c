"""Trees whose nodes carry spans of their own, for text that is read when the model is joined."""

from __future__ import annotations

from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Places
    from opslint.base.tree import Node


def with_spans(node: Node, places: Places, path: str) -> Node:
    """Copy a tree made by a reader: spans of `places` instead of places, and the path of its file."""
    at = places.spans[node.at] if isinstance(node.at, int) else node.at
    if isinstance(node, Scalar):
        return Scalar(node.text, at, quoted=node.quoted, masked=node.masked, path=path)
    if isinstance(node, Mapping):
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in node.pairs:
            key_at = places.spans[key.at] if isinstance(key.at, int) else key.at
            pairs.append((Scalar(key.text, key_at, quoted=key.quoted, path=path), with_spans(value, places, path)))
        return Mapping(pairs, at, path)
    if isinstance(node, Sequence):
        return Sequence([with_spans(item, places, path) for item in node.items], at, path)
    assert isinstance(node, Hole)
    return Hole(node.reason, node.text, at, path)
