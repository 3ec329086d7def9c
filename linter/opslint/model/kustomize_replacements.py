"""Kustomize's `replacements`: a field of one object copied into fields of others."""

from __future__ import annotations

from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes_masking import masked_scalar
from opslint.model.kustomize_transforms import matches

if TYPE_CHECKING:
    from opslint.base.tree import Node

    Candidate = tuple[Mapping, tuple[str, ...]]

_MASKED_PARENTS = frozenset(("data", "stringData", "binaryData", "env"))


def replaced(objects: list[Candidate], entries: list[Node]) -> list[Mapping]:
    """Apply the entries to objects (each with the names it had), one after the other, as kustomize does."""
    nodes = [node for node, _names in objects]
    names = [names for _node, names in objects]
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        value = _source([(node, own) for node, own in zip(nodes, names, strict=True)], entry)
        for target in entry.sequence("targets"):
            select = target.mapping("select") if isinstance(target, Mapping) else None
            if not isinstance(target, Mapping) or select is None:
                continue
            rejects = [item for item in target.sequence("reject") if isinstance(item, Mapping)]
            for index, node in enumerate(nodes):
                if not matches(node, names[index], select) or any(matches(node, names[index], item) for item in rejects):
                    continue
                for field in target.sequence("fieldPaths"):
                    if isinstance(field, Scalar):
                        nodes[index] = _put(nodes[index], field, value, target.mapping("options"))
    return nodes


def _source(objects: list[Candidate], entry: Mapping) -> Node:
    """The value an entry copies; a hole where it is not clear."""
    source = entry.mapping("source")
    if source is None:
        given = entry.get("sourceValue")
        return given if given is not None else Hole("a replacement without a source", "", entry.at, entry.path)
    found = [node for node, names in objects if matches(node, names, _exact(source))]
    if len(found) != 1:
        return Hole("a replacement whose source is not clear", "", source.at, source.path)
    value: Node | None = found[0]
    for step in path_of(source.text("fieldPath") or "metadata.name"):
        value = _step(value, step) if value is not None else None
    if value is None:
        return Hole("a replacement of a field that is not there", "", source.at, source.path)
    options = source.mapping("options")
    delimiter = options.text("delimiter") if options is not None else None
    if options is None or not (delimiter or options.text("encoding")):
        return value
    if not isinstance(value, Scalar) or value.masked is not None or options.text("encoding"):
        return Hole("a part of a value that is masked", "", source.at, source.path)
    parts = value.text.split(delimiter or "")
    at = _index(options)
    if not 0 <= at < len(parts):
        return Hole("a part of a value that is not there", "", source.at, source.path)
    return Scalar(parts[at], value.at, quoted=True, path=value.path)


def _exact(source: Mapping) -> Mapping:
    """The source as a selector; kustomize takes its texts literally."""
    return Mapping([pair for pair in source.pairs if pair[0].text not in ("fieldPath", "options")], source.at, source.path)


def _index(options: Mapping) -> int:
    text = options.text("index") or "0"
    return int(text) if text.lstrip("-").isdigit() and len(text) < 6 else 0


def path_of(text: str) -> list[str]:
    """The steps of a field path: dots separate, but not in brackets and not after a backslash."""
    steps: list[str] = []
    current = ""
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] == ".":
            current += "."
            at += 2
            continue
        depth += (char == "[") - (char == "]")
        if char == "." and depth == 0:
            steps.append(current)
            current = ""
        else:
            current += char
        at += 1
    return [step for step in (*steps, current) if step]


def _step(node: Node, step: str) -> Node | None:
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, Sequence):
        return next((item for index, item in enumerate(node.items) if _chosen(step, index, item)), None)
    return None


def _chosen(step: str, index: int, item: Node) -> bool:
    if step == "*" or (step.isdigit() and int(step) == index):
        return True
    if not step.startswith("["):
        return False
    name, _, wanted = step[1:].removesuffix("]").partition("=")
    return isinstance(item, Mapping) and item.text(name) == wanted


def _put(root: Mapping, field: Scalar, value: Node, options: Mapping | None) -> Mapping:
    steps = path_of(field.text)
    create = options is not None and options.text("create") == "true"

    def filled(old: Node | None, name: str, *, is_masked: bool) -> Node:
        put = _parted(old, value, options, field)
        if not isinstance(put, Scalar):
            return put
        if is_masked:
            return put if put.masked is not None else masked_scalar(name, put)
        if put.masked is None:
            return put
        if put.masked.plain is None:
            return Hole("a replacement by a value that is masked", "", field.at, field.path)
        return Scalar(put.masked.plain, put.at, quoted=put.quoted, path=put.path)

    def edit(node: Node, at: int, name: str, *, is_masked: bool) -> Node:
        if at == len(steps):
            return filled(node, name, is_masked=is_masked)
        step = steps[at]
        masked = is_masked or step in _MASKED_PARENTS
        if isinstance(node, Mapping):
            if step == "*":
                return Mapping(
                    [(key, edit(item, at + 1, key.text, is_masked=masked)) for key, item in node.pairs], node.at, node.path
                )
            own = node.text("name") or "" if step == "value" else step
            if step in node:
                pairs = [
                    (key, edit(item, at + 1, own, is_masked=masked) if key.text == step else item) for key, item in node.pairs
                ]
                return Mapping(pairs, node.at, node.path)
            if create:
                empty: Node = Mapping([], field.at, field.path)
                made = edit(empty, at + 1, own, is_masked=masked) if at + 1 < len(steps) else filled(None, own, is_masked=masked)
                return Mapping([*node.pairs, (Scalar(step, field.at, path=field.path), made)], node.at, node.path)
            return node
        if isinstance(node, Sequence):
            items = [
                edit(item, at + 1, name, is_masked=masked) if _chosen(step, index, item) else item
                for index, item in enumerate(node.items)
            ]
            return Sequence(items, node.at, node.path)
        return node

    made = edit(root, 0, "", is_masked=False)
    return made if isinstance(made, Mapping) else root


def _parted(old: Node | None, value: Node, options: Mapping | None, field: Scalar) -> Node:
    """The new value of a field, or of a part of it that a delimiter cuts out."""
    delimiter = options.text("delimiter") if options is not None else None
    if options is None or not (delimiter or options.text("encoding")):
        return value
    plain = isinstance(old, Scalar) and isinstance(value, Scalar) and old.masked is None and value.masked is None
    if not plain or options.text("encoding"):
        return Hole("a part of a value that is masked", "", field.at, field.path)
    assert isinstance(old, Scalar) and isinstance(value, Scalar)
    parts = old.text.split(delimiter or "")
    at = _index(options)
    if at < 0:
        parts.insert(0, value.text)
    elif at >= len(parts):
        parts.append(value.text)
    else:
        parts[at] = value.text
    return Scalar((delimiter or "").join(parts), old.at, quoted=True, path=value.path or old.path)
