"""Merging compose services by the rules of the Compose specification ("Merge Compose files", "Extends")."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.tree import Node

_REPLACED = frozenset(("command", "entrypoint", "test", "image", "build_args"))
"""Lists that a later file replaces; all others are appended."""

_BY_TARGET = frozenset(("volumes", "devices", "configs", "secrets"))


def merge(below: Mapping, above: Mapping) -> Mapping:
    """Return service `below` with service `above` merged over it. Neither is changed; depth is bounded by the reader."""
    pairs: dict[str, tuple[Scalar, Node]] = {key.text: (key, value) for key, value in below.pairs}
    for key, value in above.pairs:
        old = pairs.get(key.text)
        marked = value.keys() if isinstance(value, Mapping) else []
        if marked == ["!reset"]:
            pairs.pop(key.text, None)
        elif marked == ["!override"] and isinstance(value, Mapping):
            inner = value.get("!override")
            if inner is not None:
                pairs[key.text] = (key, inner)
        elif old is None:
            pairs[key.text] = (key, value)
        else:
            merged = _merged(key.text, old[1], value)
            # Where a block is merged its own key stays the one to point at: more of it stands in the base file.
            pairs[key.text] = (key if merged is value else old[0], merged)
    return Mapping(list(pairs.values()), below.at, below.path)


def _merged(name: str, below: Node, above: Node) -> Node:
    if name in ("depends_on", "networks", "build"):
        below, above = _long_form(name, below), _long_form(name, above)
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return merge(below, above)
    if name in _REPLACED:
        return above
    if name == "env_file" and isinstance(below, Scalar | Mapping):
        below = Sequence([below], below.at, below.path)
    if name == "env_file" and isinstance(above, Scalar | Mapping):
        above = Sequence([above], above.at, above.path)
    if isinstance(below, Sequence) and isinstance(above, Sequence):
        kept = below.items
        if name in _BY_TARGET:
            targets = {_target(item) for item in above.items}
            kept = [item for item in below.items if _target(item) not in targets]
        return Sequence([*kept, *above.items], below.at, below.path)
    return above


def _long_form(name: str, node: Node) -> Node:
    """Turn the short form of `depends_on`, `networks` (a list) or `build` (a path) into the long one."""
    if isinstance(node, Sequence):
        pairs: list[tuple[Scalar, Node]] = [
            (item, Mapping([], item.at, item.path)) for item in node.items if isinstance(item, Scalar)
        ]
        return Mapping(pairs, node.at, node.path)
    if name == "build" and isinstance(node, Scalar):
        return Mapping([(Scalar("context", node.at, path=node.path), node)], node.at, node.path)
    return node


def _target(item: Node) -> str:
    """The container path of a volume (or name of a secret), by which entries of two files are the same."""
    if isinstance(item, Mapping):
        return item.text("target") or item.text("source") or ""
    if isinstance(item, Scalar):
        parts = item.text.split(":")
        return parts[1] if len(parts) > 1 else parts[0]
    return ""
