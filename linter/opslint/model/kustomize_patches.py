"""Patches as kustomize applies them: strategic merges and JSON 6902 operations, over trees that are never changed in place."""

from __future__ import annotations

from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.tree import Node

_LIST_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resizePolicy": "resourceName",
    "conditions": "type",
}
"""Lists that a strategic merge merges by a key (``patchMergeKey`` of the Kubernetes API); all others are replaced."""


class PatchError(Exception):
    """A patch that kustomize would refuse. `node` is the operation or field at fault."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


def strategic(base: Mapping, patch: Mapping, *, lists: bool) -> Mapping | None:
    """Merge `patch` into `base` (None: it deletes the object). `lists`: the kind is Kubernetes' own, so that lists merge by key."""
    merged = _merge(base, patch, "", lists)
    return merged if isinstance(merged, Mapping) else None


def _merge(base: Node, patch: Node, field: str, lists: bool) -> Node | None:
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        directive = patch.text("$patch")
        if directive == "delete":
            return None
        if directive == "replace":
            return _stripped(patch)
        return _merge_maps(base, patch, lists)
    if isinstance(patch, Sequence) and isinstance(base, Sequence) and lists:
        key = _merge_key(field, base, patch)
        if key:
            return _merge_lists(base, patch, key, lists)
    return _stripped(patch)


def _merge_maps(base: Mapping, patch: Mapping, lists: bool) -> Mapping:
    changes = {key.text: (key, value) for key, value in patch.pairs if not key.text.startswith("$")}
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in base.pairs:
        change = changes.pop(key.text, None)
        if change is None:
            pairs.append((key, value))
        elif not (isinstance(change[1], Scalar) and change[1].is_null):
            merged = _merge(value, change[1], key.text, lists)
            if merged is not None:
                pairs.append((key if isinstance(merged, Mapping | Sequence) else change[0], merged))
    for key, value in changes.values():
        if not (isinstance(value, Scalar) and value.is_null):
            kept = _stripped(value)
            if kept is not None:
                pairs.append((key, kept))
    return Mapping(pairs, base.at, base.path)


def _stripped(node: Node) -> Node | None:
    """A patch part that stands for itself: directives and deleted items taken out."""
    if isinstance(node, Mapping):
        if node.text("$patch") == "delete":
            return None
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in node.pairs:
            kept = _stripped(value) if not key.text.startswith("$") else None
            if kept is not None and not (isinstance(kept, Scalar) and kept.is_null):
                pairs.append((key, kept))
        return Mapping(pairs, node.at, node.path)
    if isinstance(node, Sequence):
        return Sequence([kept for kept in map(_stripped, node.items) if kept is not None], node.at, node.path)
    return node


def _merge_key(field: str, base: Sequence, patch: Sequence) -> str:
    if field == "ports":
        items = [item for item in (*base.items, *patch.items) if isinstance(item, Mapping)]
        return "containerPort" if any("containerPort" in item for item in items) else "port"
    return _LIST_KEYS.get(field, "")


def _merge_lists(base: Sequence, patch: Sequence, key: str, lists: bool) -> Node:
    if any(isinstance(item, Mapping) and item.text("$patch") == "replace" and len(item.pairs) == 1 for item in patch.items):
        rest = [item for item in patch.items if not (isinstance(item, Mapping) and item.text("$patch") == "replace")]
        return Sequence(rest, patch.at, patch.path)
    changes: dict[str, Mapping] = {}
    for item in patch.items:
        if isinstance(item, Mapping):
            changes[item.text(key) or ""] = item
    kept: list[Node] = []
    for item in base.items:
        change = changes.pop(item.text(key) or "", None) if isinstance(item, Mapping) else None
        merged = _merge(item, change, "", lists) if change is not None else item
        if merged is not None:
            kept.append(merged)
    fresh = [made for made in map(_stripped, changes.values()) if made is not None]
    # New items go first, as kustomize puts them.
    return Sequence([*fresh, *kept], base.at, base.path)


def apply_operation(root: Node, operation: Mapping) -> Node:
    """Apply one JSON 6902 operation. Raises PatchError where kustomize would refuse it."""
    op, path = operation.text("op") or "", operation.get("path")
    if not isinstance(path, Scalar) or (path.text and not path.text.startswith("/")):
        raise PatchError("an operation without a valid path", operation)
    segments = _segments(path.text)
    if segments[:2] == ["metadata", "annotations"]:
        root = _annotated(root, path)
    if op == "test":
        return root
    if op in ("move", "copy"):
        source = _segments(operation.text("from") or "")
        value = _find(root, source, operation)
        if op == "move":
            root = _edit(root, source, lambda parent, last: _removed(parent, last, operation), operation)
        return _edit(root, segments, lambda parent, last: _added(parent, last, value, path, operation), operation)
    if op == "remove":
        return _edit(root, segments, lambda parent, last: _removed(parent, last, operation), operation)
    found = operation.get("value")
    put = found if found is not None else Scalar("null", operation.at, path=operation.path)
    if op == "add":
        return _edit(root, segments, lambda parent, last: _added(parent, last, put, path, operation), operation)
    if op == "replace":
        return _edit(root, segments, lambda parent, last: _put(parent, last, put, path, operation), operation)
    raise PatchError(f"operation {op!r} is not known", operation)


def _segments(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _find(node: Node, segments: list[str], operation: Mapping) -> Node:
    for segment in segments:
        child = _child(node, segment)
        if child is None:
            raise PatchError(f"nothing stands at {segment!r}", operation)
        node = child
    return node


def _child(node: Node, segment: str) -> Node | None:
    if isinstance(node, Mapping):
        return node.get(segment)
    if isinstance(node, Sequence) and segment.isdigit() and int(segment) < len(node.items):
        return node.items[int(segment)]
    return None


def _edit(node: Node, segments: list[str], change: Callable[[Node, str], Node], operation: Mapping) -> Node:
    if not segments:
        raise PatchError("the path names the whole object", operation)
    if len(segments) > 100:
        raise PatchError("the path is too deep", operation)
    if len(segments) == 1:
        return change(node, segments[0])
    child = _child(node, segments[0])
    if isinstance(child, Hole):
        return node
    if child is None:
        raise PatchError(f"nothing stands at {segments[0]!r}", operation)
    edited = _edit(child, segments[1:], change, operation)
    return _replaced(node, segments[0], edited, operation)


def _replaced(parent: Node, last: str, value: Node, operation: Mapping) -> Node:
    if isinstance(parent, Mapping):
        if last not in parent:
            raise PatchError(f"nothing to replace at {last!r}", operation)
        return Mapping([(key, value if key.text == last else old) for key, old in parent.pairs], parent.at, parent.path)
    if isinstance(parent, Sequence) and last.isdigit() and int(last) < len(parent.items):
        items = list(parent.items)
        items[int(last)] = value
        return Sequence(items, parent.at, parent.path)
    raise PatchError(f"nothing to replace at {last!r}", operation)


def _put(parent: Node, last: str, value: Node, path: Scalar, operation: Mapping) -> Node:
    """`replace`: kustomize's library puts a key that a mapping does not have."""
    if isinstance(parent, Mapping):
        return _added(parent, last, value, path, operation)
    return _replaced(parent, last, value, operation)


def _annotated(root: Node, at: Scalar) -> Node:
    """Kustomize keeps notes of its own among the annotations while it builds: every object has some."""
    metadata = root.get("metadata") if isinstance(root, Mapping) else None
    if not isinstance(root, Mapping) or not isinstance(metadata, Mapping) or "annotations" in metadata:
        return root
    empty = Mapping([], at.at, at.path)
    metadata = Mapping([*metadata.pairs, (Scalar("annotations", at.at, path=at.path), empty)], metadata.at, metadata.path)
    return Mapping([(key, metadata if key.text == "metadata" else value) for key, value in root.pairs], root.at, root.path)


def _added(parent: Node, last: str, value: Node, path: Scalar, operation: Mapping) -> Node:
    if isinstance(parent, Mapping):
        if last in parent:
            return _replaced(parent, last, value, operation)
        return Mapping([*parent.pairs, (Scalar(last, path.at, path=path.path), value)], parent.at, parent.path)
    if isinstance(parent, Sequence) and (last == "-" or (last.isdigit() and int(last) <= len(parent.items))):
        at = len(parent.items) if last == "-" else int(last)
        return Sequence([*parent.items[:at], value, *parent.items[at:]], parent.at, parent.path)
    if isinstance(parent, Hole):
        return parent
    raise PatchError(f"cannot add at {last!r}", operation)


def _removed(parent: Node, last: str, operation: Mapping) -> Node:
    if isinstance(parent, Mapping) and last in parent:
        return Mapping([(key, value) for key, value in parent.pairs if key.text != last], parent.at, parent.path)
    if isinstance(parent, Sequence) and last.isdigit() and int(last) < len(parent.items):
        return Sequence([*parent.items[: int(last)], *parent.items[int(last) + 1 :]], parent.at, parent.path)
    raise PatchError(f"nothing to remove at {last!r}", operation)


def own_target(patch: Mapping) -> Mapping:
    """A patch without a target names its object itself."""
    api = patch.text("apiVersion") or ""
    group, _, version = api.rpartition("/")
    texts = {
        "group": group,
        "version": version,
        "kind": patch.text("kind") or "",
        "exact": patch.text("metadata", "name") or "",
        "namespace": patch.text("metadata", "namespace") or "",
    }
    return Mapping(
        [(Scalar(key, patch.at), Scalar(text, patch.at, quoted=True)) for key, text in texts.items()], patch.at, patch.path
    )


def without_identity(patch: Mapping, base: Mapping) -> Mapping:
    """The patch under the name of the object it changes: a patch never renames."""
    name = base.get("metadata", "name")
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in patch.pairs:
        if key.text == "metadata" and isinstance(value, Mapping) and name is not None:
            value = Mapping(
                [(k, name if k.text == "name" else v) for k, v in value.pairs if k.text != "namespace"], value.at, value.path
            )
        if key.text not in ("apiVersion", "kind"):
            pairs.append((key, value))
    return Mapping(pairs, patch.at, patch.path)
