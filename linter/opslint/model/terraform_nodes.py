"""Resources as rules meet them: a type, a name, attributes as values with their places, nested blocks."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known, known, unknown
from opslint.model.terraform_eval import Evaluator, Names, items_of
from opslint.model.terraform_values import is_null, settled

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.expression import BodyData, Expression
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.terraform_modules import ModuleInstance

MAX_DYNAMIC = 50
"""Blocks that one `dynamic` block is expanded to."""


class Block:
    """A nested block: its type, labels and body. `uncertain`: a dynamic block over something unknown, so it may be there or not."""

    __slots__ = ("body", "labels", "loc", "type", "uncertain")

    def __init__(self, kind: str, labels: list[str], loc: Loc, body: Body, uncertain: bool) -> None:
        self.type = kind
        self.labels = labels
        self.loc = loc
        self.body = body
        self.uncertain = uncertain


class Body:
    """Attributes and blocks of a resource, as values. Attributes are evaluated when they are asked for."""

    __slots__ = ("_cache", "_data", "_evaluator", "_names", "loc", "path")

    def __init__(self, data: BodyData, path: str, loc: Loc, names: Names, evaluator: Evaluator) -> None:
        self._data = data
        self._names = names
        self._evaluator = evaluator
        self._cache: dict[str, Value] = {}
        self.path = path
        self.loc = loc

    @property
    def is_open(self) -> bool:
        """Whether part of it could not be read, so that nothing in it is ever absent."""
        return bool(self._data[2])

    def names(self) -> list[str]:
        """Return the names of the attributes that are written, in order."""
        return [attribute[0] for attribute in self._data[0]]

    def block_types(self) -> list[str]:
        """Return the types of the nested blocks, each once, in order."""
        out: list[str] = []
        for kind, labels, _at, _data in self._data[1]:
            own = labels[0] if kind == "dynamic" and labels else kind
            if own not in out:
                out.append(own)
        return out

    def expression(self, name: str) -> tuple[int, Expression] | None:
        """Return place and expression of an attribute as it is written."""
        for own, at, expression in self._data[0]:
            if own == name:
                return at, expression
        return None

    def has(self, name: str) -> bool:
        """Tell whether an attribute or block of this name is written, whatever it holds."""
        return self.expression(name) is not None or any(
            block[0] == name or (block[0] == "dynamic" and block[1][:1] == [name]) for block in self._data[1]
        )

    def get(self, *names: str) -> Value:
        """Follow `names` through attributes, objects and single blocks; Absent when nothing sets it."""
        if not names:
            return unknown("no name")
        first, rest = names[0], names[1:]
        value = self._attribute(first)
        if value is not None:
            return self._drill(value, rest)
        blocks = self.blocks(first)
        if blocks:
            if blocks[0].uncertain:
                return unknown("a dynamic block over something unknown")
            return blocks[0].body.get(*rest) if rest else unknown("a block")
        return unknown("part of the block could not be read") if self.is_open else ABSENT

    def _attribute(self, name: str) -> Value | None:
        if name in self._cache:
            return self._cache[name]
        found = self.expression(name)
        if found is None:
            return None
        value = self._evaluator.value(found[1], self._names)
        if is_null(value):
            value = ABSENT
        self._cache[name] = value
        return value

    def _drill(self, value: Value, names: tuple[str, ...]) -> Value:
        for name in names:
            inner = settled(value)
            if not isinstance(inner, Known):
                return inner
            if isinstance(inner.value, list) and len(inner.value) == 1:
                inner = settled(inner.value[0])
                if not isinstance(inner, Known):
                    return inner
            if not isinstance(inner.value, dict):
                return unknown("not an object")
            value = inner.value.get(name, ABSENT)
        return ABSENT if is_null(value) else value

    def loc_of(self, *names: str) -> Loc:
        """Return where the deepest of `names` that is written stands; the body's own place when none is."""
        body, loc = self, self.loc
        for number, name in enumerate(names):
            found = body.expression(name)
            if found is not None:
                return (self.path, _place(found[1], names[number + 1 :], found[0]))
            blocks = body.blocks(name)
            if not blocks:
                return loc
            body, loc = blocks[0].body, blocks[0].loc
        return loc

    def blocks(self, kind: str) -> list[Block]:
        """Return the nested blocks of one type, `dynamic` ones expanded as far as they are known."""
        out: list[Block] = []
        for own, labels, at, data in self._data[1]:
            loc: Loc = (self.path, at)
            if own == kind:
                out.append(Block(own, labels, loc, self._inner(data, loc, self._names), False))
            elif own == "dynamic" and labels[:1] == [kind]:
                out.extend(self._dynamic(kind, data, loc))
        return out

    def _inner(self, data: BodyData, loc: Loc, names: Names) -> Body:
        return Body(data, self.path, loc, names, self._evaluator)

    def _dynamic(self, kind: str, data: BodyData, loc: Loc) -> list[Block]:
        content = next((block[3] for block in data[1] if block[0] == "content"), [[], [], True])
        outer = self._inner(data, loc, self._names)
        found = outer.expression("for_each")
        items = None
        iterator = kind
        named = outer.expression("iterator")
        if named is not None and named[1][0] == "ref":
            iterator = named[1][1]
        if found is not None:
            items = items_of(self._evaluator.value(found[1], self._names))
        if items is None or len(items) > MAX_DYNAMIC:
            return [Block(kind, [], loc, self._inner(content, loc, self._names), True)]
        out = []
        for key, item in items:
            names = self._names.binding(**{iterator: known({"key": key, "value": item})})
            out.append(Block(kind, [], loc, self._inner(content, loc, names), False))
        return out


def _place(expression: Expression, names: tuple[str, ...], at: int) -> int:
    for name in names:
        if expression[0] == "call" and expression[1] in ("jsonencode", "jsontext", "yamlencode", "merge") and expression[2]:
            expression = expression[2][-1]
        if expression[0] == "list" and len(expression[1]) == 1:
            expression = expression[1][0]
        if expression[0] != "obj":
            return at
        for key, value, place in expression[2]:
            if key == ["lit", name]:
                at = place if place >= 0 else at
                expression = value
                break
        else:
            return at
    return at


class Resource:
    """One resource of one root (or template) in one instance.

    `address` is unique in the root (``module.db.aws_rds_cluster.main``). `environments` are the names it exists in ([]: the one
    unnamed environment); `files` what its meaning rests on. `uncertain`: its count is unknown, so it may not exist.
    `platform`: ``terraform`` or ``cloudformation``. `module_path` is the directory (or template) that declares it,
    `owner` its module instance (None in CloudFormation).
    """

    __slots__ = (
        "address",
        "body",
        "environments",
        "files",
        "loc",
        "module_path",
        "name",
        "owner",
        "path",
        "platform",
        "root",
        "type",
        "uncertain",
    )

    def __init__(
        self,
        *,
        kind: str,
        name: str,
        address: str,
        body: Any,
        loc: Loc,
        root: str,
        module_path: str,
        environments: list[str],
        files: list[str],
        uncertain: bool = False,
        platform: str = "terraform",
        owner: ModuleInstance | None = None,
    ) -> None:
        self.type = kind
        self.name = name
        self.address = address
        self.body: Body = body
        self.loc = loc
        self.path = loc[0]
        self.root = root
        self.module_path = module_path
        self.environments = environments
        self.files = files
        self.uncertain = uncertain
        self.platform = platform
        self.owner = owner

    def get(self, *names: str) -> Value:
        """Return the value at `names` (`Body.get`)."""
        return self.body.get(*names)

    def loc_of(self, *names: str) -> Loc:
        """Return where the value at `names` is written, or the resource's own place."""
        return self.body.loc_of(*names)

    def blocks(self, kind: str) -> list[Block]:
        """Return nested blocks of one type."""
        return self.body.blocks(kind)

    def ignores_changes(self, attribute: str) -> bool:
        """Tell whether ``lifecycle { ignore_changes = […] }`` names an attribute, or all: something else than Terraform sets it."""
        for block in self.blocks("lifecycle"):
            found = block.body.expression("ignore_changes")
            stack: list[object] = [found[1]] if found is not None else []
            while stack:
                part = stack.pop()
                if part in (attribute, "all"):
                    return True
                if isinstance(part, list):
                    stack.extend(part)
        return False

    def __repr__(self) -> str:
        return f"Resource({self.root}:{self.address})"
