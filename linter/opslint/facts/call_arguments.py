"""What a Python call is given: the questions that the extractors for calls share."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block, Scope


def function_of(scope: Scope) -> str:
    """Return the qualname of the function a scope is in, "" at module level."""
    inner = scope.enclosing_function()
    return inner.qualname if inner is not None else ""


def may_hold(site: CallSite, name: str) -> bool:
    """Tell whether a ``**mapping`` of the call could hold keyword `name` (a literal mapping is looked into)."""
    for keyword in site.node.keywords:
        if keyword.arg is not None:
            continue
        literal = keyword.value
        if not isinstance(literal, _ast.Dict) or None in literal.keys:
            return True
        if any(not isinstance(key, _ast.Constant) or key.value == name for key in literal.keys):
            return True
    return False


def written(site: CallSite, position: int | None, *names: str) -> tuple[str, _ast.expr | None]:
    """Tell how an argument is given: ``given`` with its expression, ``maybe`` (star arguments), or ``absent``."""
    for name in names:
        value = site.keyword(name)
        if value is not None:
            return "given", value
    if position is not None:
        args = site.node.args
        if any(isinstance(arg, _ast.Starred) for arg in args[: position + 1]):
            return "maybe", None
        if position < len(args):
            return "given", args[position]
    return ("maybe", None) if any(may_hold(site, name) for name in names) else ("absent", None)


def number(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> float | None:
    """Return the number an expression has, or None when it has none or it cannot be told."""
    value = document.constant(node, scope)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def text(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> str | None:
    """Return the string an expression has, or None."""
    value = document.constant(node, scope)
    return value if isinstance(value, str) else None


def is_none(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> bool:
    """Tell whether an expression is surely None."""
    return document.constant(node, scope) is None


def is_known(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> bool:
    """Tell whether an expression has a value that follows from this file."""
    return document.constant(node, scope) is not UNKNOWN


def literal_start(node: _ast.expr | None) -> str | None:
    """Return the literal text that a string, f-string, ``+``, ``%`` or ``.format`` expression starts with; None if it has none."""
    for _ in range(16):
        if isinstance(node, _ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, _ast.JoinedStr):
            node = node.values[0] if node.values else _ast.Constant(value="")
        elif isinstance(node, _ast.BinOp):
            node = node.left
        elif isinstance(node, _ast.Call) and isinstance(node.func, _ast.Attribute) and node.func.attr == "format":
            node = node.func.value
        else:
            return None
    return None


def object_of(document: PythonDocument, site: CallSite) -> str:
    """Name the object whose method is called (``session``, ``Client.session``), so that calls on one object can be told; "" if none."""
    target = site.node.func
    if not isinstance(target, _ast.Attribute):
        return ""
    base = target.value
    if isinstance(base, _ast.Name):
        found = site.scope.lookup(base.id)
        if found is None:
            return ""
        home = found[0].qualname
        return f"{home}.{base.id}" if home else base.id
    if isinstance(base, _ast.Attribute) and isinstance(base.value, _ast.Name) and base.value.id in ("self", "cls"):
        owner = site.scope.enclosing_class()
        return f"{owner.qualname}.{base.attr}" if owner is not None else ""
    return ""


_LATER = frozenset(
    ("atexit.register", "multiprocessing.Process", "signal.signal", "starlette.background.BackgroundTask", "threading.Thread")
    + ("threading.Timer", "fastapi.BackgroundTasks().add_task", "starlette.background.BackgroundTasks().add_task")
    + ("fastapi.background.BackgroundTasks().add_task", "weakref.finalize", "rq.Queue().enqueue", "django_rq.enqueue")
)
"""Calls that keep the function they are given for later: nobody waits for it."""
_ASKING = frozenset(
    ("callable", "getattr", "hasattr", "id", "isinstance", "issubclass", "len", "print", "repr", "str", "type", "vars")
)


def handed_functions(document: PythonDocument) -> list[tuple[CallSite, _ast.expr, str, str]]:
    """Return what may be a function given to a call by its name: the call, the argument, its origin, and ``passed`` or ``later``.

    ``process_partial_response(event, deliver_record)`` calls `deliver_record`, and so do ``partial(f)``, ``to_thread(f)`` and
    ``on_commit(f)``. Whether the name is a function of the repository is told at link. A capitalised name is a class, which is no handler.
    """
    known = document.memo.get("handed")
    if known is None:
        found = []
        for site in document.calls:
            node = site.node
            if site.origin in _ASKING:
                continue
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                kind = type(argument)
                if kind is _ast.Name or kind is _ast.Attribute:
                    origin = _function_name(document, argument, site.scope)
                    if origin is not None:
                        found.append((site, argument, origin, "later" if site.origin in _LATER else "passed"))
        known = document.memo["handed"] = found
    return known  # type: ignore[return-value]


def _function_name(document: PythonDocument, node: _ast.expr, scope: Scope) -> str | None:
    """The origin of a name that a ``def`` or an import binds, of ``self.method``, or of ``module.function``."""
    if isinstance(node, _ast.Attribute):
        base = node.value
        if not isinstance(base, _ast.Name) or node.attr[:1].isupper():
            return None
        if base.id in ("self", "cls"):
            owner = scope.enclosing_class()
            bound = owner.bindings.get(node.attr) if owner is not None else None
            return document.origin(node, scope) if bound is not None and bound[-1].how == "def" else None
        root = scope.lookup(base.id)
        return document.origin(node, scope) if root is not None and root[1][-1].how == "import" else None
    if not isinstance(node, _ast.Name) or node.id[:1].isupper():
        return None
    found = scope.lookup(node.id)
    return document.origin(node, scope) if found is not None and found[1][-1].how in ("def", "import") else None


def calls_by_scope(document: PythonDocument) -> dict[int, list[CallSite]]:
    """Group the calls of a file by the scope they stand in (by its `id`), in source order."""
    found: dict[int, list[CallSite]] = {}
    for site in document.calls:
        found.setdefault(id(site.scope), []).append(site)
    return found


def statements_by_scope(document: PythonDocument) -> dict[int, list[tuple[_ast.stmt, Block]]]:
    """Group the statements of a file by the scope they stand in (by its `id`), in source order."""
    found: dict[int, list[tuple[_ast.stmt, Block]]] = {}
    for statement, block in document.statements:
        found.setdefault(id(block.scope), []).append((statement, block))
    return found
