"""Records of the model as JSON, for another repository's model: deployments with their workloads, trees and variables.

Every place becomes a path with a span; every path can be moved below the name of a sibling when it is read back. Hashes of values are
left out but where a value names a thing (a bucket, a queue) and is no secret.
"""

from __future__ import annotations

from opslint.base.masking import Masked, is_secret_name
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Absent, Known, Secret, Unknown
from opslint.model.identity_shapes import shape_of
from opslint.model.records import Container, Deployment, EnvEntry, Probe, Workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.location import Loc, Span
    from opslint.base.record import Record
    from opslint.base.tree import Node

RECORDS: tuple[type[Record], ...] = (Absent, Container, Deployment, EnvEntry, Known, Masked, Probe, Secret, Unknown, Workload)
NO_DIGEST = "(no digest)"
"""Stands for a digest that is not told; whoever reads it makes one of it that equals no other (with a colon in it)."""

_STARTING = ("CELERY_APP", "DJANGO_SETTINGS_MODULE", "FLASK_APP", "PYTHONPATH")
"""Names whose values say which module starts: without them the code of a sibling's container is not found."""

_RECORD, _TUPLE, _LIST, _DICT, _PLACE, _NODE, _AGAIN = "r", "t", "l", "d", "@", "n", "="


def shareable(name: str, value: Masked) -> Masked:
    """Return what another repository may know of the value of `name`: no number or text, and a digest only of what names a thing."""
    shape = shape_of(name, value) if name and not is_secret_name(name) else None
    digest = value.digest if shape is not None and shape.digest == value.digest else NO_DIGEST
    plain = value.plain if value.kind in ("bool", "empty") and not is_secret_name(name) else None
    if plain is None and (name in _STARTING or (name.upper().endswith("PORT") and value.kind == "int")):
        plain = value.plain
    return value.replace(digest=digest, plain=plain)


class Encoder:
    """Turns one deployment into JSON values. `span_of` gives the span of a place."""

    def __init__(self, span_of: Callable[[Loc], Span]) -> None:
        self._span_of = span_of
        self._nodes: dict[int, int] = {}
        self._kept: list[Node] = []

    def encode(self, value: Any, name: str = "") -> Any:
        """Return a value of the model as JSON; `name` is the variable it belongs to."""
        if value is None or isinstance(value, str | int | float | bool):
            return value
        if isinstance(value, Masked):
            value = shareable(name, value)
        if isinstance(value, Scalar | Sequence | Mapping | Hole):
            return self._node(value)
        if isinstance(value, RECORDS):
            own = value.name if isinstance(value, EnvEntry) else name
            fields = [self.encode(getattr(value, field), own) for field in value.FIELDS]
            return [_RECORD, RECORDS.index(type(value)), *fields]
        if isinstance(value, tuple):
            if _is_loc(value):
                return [_PLACE, value[0], *self._span_of(value)]
            return [_TUPLE, *(self.encode(item, name) for item in value)]
        if isinstance(value, list):
            return [_LIST, *(self.encode(item, name) for item in value)]
        if isinstance(value, dict):
            return [_DICT, *([str(key), self.encode(item, name)] for key, item in value.items())]
        raise TypeError(f"{type(value).__name__} is not shared")

    def _node(self, node: Node) -> list[Any]:
        known = self._nodes.get(id(node))
        if known is not None:
            return [_AGAIN, known]
        self._nodes[id(node)] = len(self._nodes)
        self._kept.append(node)
        head = [_NODE, node.path, *self._span_of(node.loc)]
        if isinstance(node, Mapping):
            return [*head, "m", [[self._node(key), self._node(value)] for key, value in node.pairs]]
        if isinstance(node, Sequence):
            return [*head, "l", [self._node(item) for item in node.items]]
        if isinstance(node, Hole):
            return [*head, "h", node.reason, node.text]
        assert isinstance(node, Scalar)
        if node.masked is not None:
            return [*head, "x", *shareable("", node.masked).as_tuple()]
        return [*head, "q" if node.quoted else "s", node.text]


class Decoder:
    """Turns what `Encoder` gave back into records; `moved(path)` says where a path stands here, `digest()` makes a digest of its own."""

    def __init__(self, moved: Callable[[str], str], digest: Callable[[], str]) -> None:
        self._moved = moved
        self._digest = digest
        self._nodes: list[Node] = []

    def decode(self, value: Any) -> Any:
        """Return the value of the model that `value` stands for. ValueError, IndexError, KeyError, TypeError: it is no such thing."""
        if not isinstance(value, list):
            return value
        tag = value[0]
        if tag == _RECORD:
            return self._record(RECORDS[value[1]], value[2:])
        if tag == _PLACE:
            return (self._moved(value[1]) if value[1] else "", _span(value[2:6]))
        if tag == _TUPLE:
            return tuple(map(self.decode, value[1:]))
        if tag == _LIST:
            return [self.decode(item) for item in value[1:]]
        if tag == _DICT:
            return {key: self.decode(item) for key, item in value[1:]}
        if tag in (_NODE, _AGAIN):
            return self._node(value)
        raise ValueError(f"no value is written as {tag!r}")

    def _record(self, kind: type[Record], fields: list[Any]) -> Record:
        values = dict(zip(kind.FIELDS, map(self.decode, fields), strict=True))
        if kind is EnvEntry and isinstance(values["value"], Known) and isinstance(values["value"].value, Masked):
            # What several containers are given from one place is the same.
            masked = values["value"].value
            if ":" in masked.digest:
                values["value"] = Known(value=masked.replace(digest=":".join(map(str, (values["loc"][0], *values["loc"][1])))))
        if kind in (Deployment, Workload):
            values["files"] = [self._moved(path) for path in values["files"]]
        if kind is Container and values["build"] is not None:
            context, dockerfile, target = values["build"]
            values["build"] = (self._moved(context), self._moved(dockerfile) if dockerfile else "", target)
        if kind is Masked and values["digest"] == NO_DIGEST:
            values["digest"] = self._digest()
        return kind(**values)

    def _node(self, value: list[Any]) -> Node:
        if value[0] == _AGAIN:
            known: Node = self._nodes[value[1]]
            return known
        _tag, path, line, column, end_line, end_column, kind, *rest = value
        at, path = _span((line, column, end_line, end_column)), self._moved(path)
        node: Node
        if kind == "m":
            node = mapping = Mapping([], at, path)
            self._nodes.append(node)
            mapping.pairs.extend((self._key(key), self._node(item)) for key, item in rest[0])
            return node
        if kind == "l":
            node = sequence = Sequence([], at, path)
            self._nodes.append(node)
            sequence.items.extend(self._node(item) for item in rest[0])
            return node
        if kind == "h":
            node = Hole(rest[0], rest[1], at, path)
        elif kind == "x":
            masked = Masked(**dict(zip(Masked.FIELDS, rest, strict=True)))
            if masked.digest == NO_DIGEST:
                masked = masked.replace(digest=self._digest())
            node = Scalar("", at, masked=masked, path=path)
        else:
            node = Scalar(rest[0], at, quoted=kind == "q", path=path)
        self._nodes.append(node)
        return node

    def _key(self, value: list[Any]) -> Scalar:
        key = self._node(value)
        if not isinstance(key, Scalar):
            raise ValueError("a key is a scalar")
        return key


def _is_loc(value: tuple[Any, ...]) -> bool:
    if len(value) != 2 or not isinstance(value[0], str) or isinstance(value[1], bool):
        return False
    at = value[1]
    return isinstance(at, int) or (isinstance(at, tuple) and len(at) == 4 and all(isinstance(item, int) for item in at))


def _span(values: Any) -> Span:
    line, column, end_line, end_column = (int(item) for item in values)
    return (line, column, end_line, end_column)
