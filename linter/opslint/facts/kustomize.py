"""Kustomizations as facts: the tree of the file with its inline patches parsed and its literals masked."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.location import Places
from opslint.base.rule import Extractor
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes_masking import masked_named, masked_object, masked_pairs, masked_scalar
from opslint.facts.named import NamedFile
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument


class Kustomization(Fact):
    """One kustomization file. In `tree`, a ``patch:`` text is the parsed patch (a list of operations, or a list of objects), and
    the ``KEY=value`` literals of generators are one-pair mappings with masked values. `component` tells a Component.
    """

    __slots__ = ("component", "tree")
    component: bool
    tree: list[Any]


_TOP = frozenset(
    "commonLabels labels namespace namePrefix nameSuffix resources bases components crds patches patchesStrategicMerge patchesJson6902 images replicas"
    " configMapGenerator secretGenerator generatorOptions helmCharts helmGlobals generators transformers replacements vars"
    " configurations helmChartInflationGenerator".split()
)


def _extract(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    root = next((node for node in document.documents if isinstance(node, Mapping)), None)
    if root is None:
        return
    pairs = [(key, _part(document, key.text, value)) for key, value in root.pairs if key.text in _TOP]
    tree = Mapping(pairs, root.at)
    component = root.text("kind") == "Component"
    emit(Kustomization(at=document.place(root), component=component, tree=document.encode(tree)))
    for generator in (*root.sequence("configMapGenerator"), *root.sequence("secretGenerator")):
        if isinstance(generator, Mapping):
            for item in env_files(generator):
                emit(NamedFile(as_kind="dotenv", at=document.place(item), name=item.text))


def env_files(generator: Mapping) -> list[Scalar]:
    """The files a generator takes variables from (``envs``, and ``env`` of old versions)."""
    single = generator.get("env")
    return [item for item in (*generator.sequence("envs"), single) if isinstance(item, Scalar) and item.text]


def _part(document: YamlDocument, name: str, value: Node) -> Node:
    if name in ("patches", "patchesJson6902") and isinstance(value, Sequence):
        return Sequence([_patch_entry(document, item) for item in value.items], value.at)
    if name == "patchesStrategicMerge" and isinstance(value, Sequence):
        return Sequence([_inline(document, item) for item in value.items], value.at)
    if name in ("configMapGenerator", "secretGenerator") and isinstance(value, Sequence):
        return Sequence([_generator(item, secret=name == "secretGenerator") for item in value.items], value.at)
    if name in ("helmCharts", "helmChartInflationGenerator"):
        return (
            Sequence([], value.at)
            if not isinstance(value, Sequence)
            else Sequence([_chart(item) for item in value.items], value.at)
        )
    return masked_object(Mapping([(Scalar("value", value.at), value)], value.at)).pairs[0][1]


def _chart(item: Node) -> Node:
    if not isinstance(item, Mapping):
        return item
    return Mapping([(key, masked_pairs("", value) if "alues" in key.text else value) for key, value in item.pairs], item.at)


def _patch_entry(document: YamlDocument, item: Node) -> Node:
    if not isinstance(item, Mapping):
        return item
    return Mapping([(key, _inline(document, value) if key.text == "patch" else value) for key, value in item.pairs], item.at)


def _inline(document: YamlDocument, node: Node) -> Node:
    """Parse a patch that is written as text; a file name stays."""
    if not isinstance(node, Scalar) or ("\n" not in node.text and ":" not in node.text):
        return node
    from opslint.syntax.yaml import build

    places = Places()
    try:
        roots = build(node.text.encode("utf-8", "replace"), places)
    except ReadProblem:
        return Hole("a patch that is not valid YAML", "", node.at)
    move = _mover(document, node, places)
    items: list[Node] = []
    for root in roots:
        items.extend(root.items if isinstance(root, Sequence) else [root])
    return Sequence([masked_patch(_moved(item, move)) for item in items], node.at)


def masked_patch(item: Node) -> Node:
    """Mask one patch: an object, or an operation ``{op, path, value}``."""
    if not isinstance(item, Mapping):
        return Hole("not a patch", "", item.at, item.path)
    if "op" not in item:
        return masked_object(item)
    path = item.text("path") or ""
    segments = path.split("/")
    value = item.get("value")
    if value is None:
        return item
    if "env" in segments or "httpHeaders" in segments:
        last = segments[-1] if not isinstance(value, Scalar) else ""
        kept = masked_pairs(last, value) if isinstance(value, Scalar) and segments[-1] == "value" else masked_named(value)
        if isinstance(value, Scalar) and segments[-1] == "name":
            kept = value
    elif segments[1:2] and segments[1] in ("data", "stringData", "binaryData"):
        kept = masked_pairs(segments[-1], value, base64=False)
    else:
        kept = masked_object(Mapping([(Scalar(segments[-1], value.at), value)], value.at, item.path)).pairs[0][1]
    return Mapping([(key, kept if key.text == "value" else other) for key, other in item.pairs], item.at, item.path)


def _mover(document: YamlDocument, node: Scalar, places: Places) -> Callable[[Node], int]:
    """Places of the inline text → places of the document: exact in a literal block, else the whole text's."""
    whole = document.place(node)
    line, column, end_line, _end = document.places.spans[whole]
    source = document.data.split(b"\n")
    opener = source[line - 1].decode("utf-8", "replace")[column - 1 :]
    if not opener.startswith("|"):
        return lambda _node: whole
    first = next((number for number in range(line, min(end_line, len(source))) if source[number].strip()), line)
    raw = source[first].decode("utf-8", "replace") if first < len(source) else ""
    indent = len(raw) - len(raw.lstrip(" "))

    def move(inner: Node) -> int:
        assert isinstance(inner.at, int)
        a, b, c, d = places.spans[inner.at]
        return document.places.add((line + a, indent + b, line + c, indent + d))

    return move


def _moved(node: Node, move: Callable[[Node], int]) -> Node:
    if isinstance(node, Scalar):
        return Scalar(node.text, move(node), quoted=node.quoted)
    if isinstance(node, Mapping):
        pairs = [(Scalar(key.text, move(key), quoted=key.quoted), _moved(value, move)) for key, value in node.pairs]
        return Mapping(pairs, move(node))
    if isinstance(node, Sequence):
        return Sequence([_moved(item, move) for item in node.items], move(node))
    assert isinstance(node, Hole)
    return Hole(node.reason, "", move(node))


def _generator(item: Node, *, secret: bool) -> Node:
    if not isinstance(item, Mapping):
        return item
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in item.pairs:
        if key.text == "literals" and isinstance(value, Sequence):
            value = Sequence([_literal(entry, secret=secret) for entry in value.items], value.at)
        pairs.append((key, value))
    return Mapping(pairs, item.at)


def _literal(entry: Node, *, secret: bool) -> Node:
    if not isinstance(entry, Scalar) or "=" not in entry.text:
        return Hole("not a literal", "", entry.at)
    name, _, text = entry.text.partition("=")
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    key = Scalar(name, entry.at)
    return Mapping([(key, masked_scalar(name, Scalar(text, entry.at, quoted=True), secret=secret))], entry.at)


EXTRACTORS = (Extractor("kustomization", (), _extract),)
