"""What a web application serves: routers, routes, mounts, as each file says it. Prefixes and mounts are joined at link.

A path pattern keeps the framework's own text of its part. A prefix that is not a literal stands in it as
``\\x00origin\\x00`` (a reference the link may resolve to a constant), or as ``\\x00\\x00`` when nothing is known.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import PythonDocument
    from opslint.syntax.python_scope import Scope


class Router(Fact):
    """An application (`app`) or router object; `name` is its reference without ``#``, `prefix` its own part of every path."""

    __slots__ = ("app", "framework", "name", "prefix")
    app: bool
    framework: str
    name: str
    prefix: str


class RouterAlias(Fact):
    """Another name of a router: ``app = create_app()``, or what a function returns (`name` ends with ``()``)."""

    __slots__ = ("name", "target")
    name: str
    target: str


class Route(Fact):
    """One route. `methods` empty: any. `pattern` the router's own part; `handler` its origin (``<local>.f``), "" when unknown."""

    __slots__ = ("framework", "handler", "methods", "pattern", "router")
    framework: str
    handler: str
    methods: list[str]
    pattern: str
    router: str


class Mount(Fact):
    """A router under another at `prefix`; `child` "" when it cannot be told. `replaces`: the prefix stands for the child's own (Flask)."""

    __slots__ = ("child", "framework", "parent", "prefix", "replaces")
    child: str
    framework: str
    parent: str
    prefix: str
    replaces: bool


class RouterPassed(Fact):
    """A router handed to a call: `callee` may add routes. `argument` is a position or a keyword; `paths` literal paths in the call."""

    __slots__ = ("argument", "callee", "paths", "router")
    argument: str
    callee: str
    paths: list[str]
    router: str


class PathCompared(Fact):
    """Code that compares the request's path with a literal: a middleware may answer it. `prefix`: compared with startswith."""

    __slots__ = ("prefix", "value")
    prefix: bool
    value: str


class PathConstant(Fact):
    """A constant that may be a prefix elsewhere (``API_V1 = "/api/v1"``, also in a class)."""

    __slots__ = ("name", "value")
    name: str
    value: str


HOLE = "\x00"
"""Stands around what is not a literal in a path."""


def path_text(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> str:
    """Return a path with holes for what is not a literal."""
    if node is None:
        return ""
    known = document.constant(node, scope)
    if isinstance(known, str):
        return known
    if known is None:
        return ""
    if isinstance(node, _ast.JoinedStr):
        parts: list[str] = []
        for part in node.values:
            if isinstance(part, _ast.Constant):
                parts.append(str(part.value))
            elif isinstance(part, _ast.FormattedValue):
                parts.append(path_text(document, part.value, scope))
        return "".join(parts)
    if isinstance(node, _ast.BinOp) and isinstance(node.op, _ast.Add):
        return path_text(document, node.left, scope) + path_text(document, node.right, scope)
    return f"{HOLE}{document.origin(node, scope) or ''}{HOLE}"


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit constants of the module and its classes that look like a path."""
    for scope in (document.scope, *(klass.scope for klass in document.classes)):
        outer = f"{scope.qualname}." if scope.qualname else ""
        for name, bindings in scope.bindings.items():
            node = bindings[0].node
            if len(bindings) == 1 and bindings[0].how == "value" and isinstance(node, _ast.Constant):
                value = node.value
                if isinstance(value, str) and value.startswith("/") and len(value) <= 80 and HOLE not in value:
                    emit(PathConstant(at=document.place(node), name=f"{outer}{name}", value=value))


EXTRACTORS = (Extractor("python", (), extract, weak=True),)
