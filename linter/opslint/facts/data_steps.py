"""What a data migration's function does to rows: inserts, updates, deletes, and what keeps a second run harmless."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Scope

_LOOKUPS = frozenset(
    "exists first last count get get_or_create update_or_create aget_or_create in_bulk fetchone fetchall fetchmany scalar"
    " scalars scalar_one_or_none one_or_none on_conflict_do_nothing on_conflict_do_update get_table_names has_table get_columns"
    " delete truncate values_list".split()
)
"""Methods that look whether a row is there, write only when it is not, or clear first: the function can tell a second run."""


def literal_texts(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> list[str] | None:
    """Return the SQL texts of a literal, `text("…")`, or a list of them; None when one is computed."""
    if isinstance(node, _ast.Call):
        origin = document.origin(node.func, scope) or ""
        if origin.rpartition(".")[2] in ("text", "DDL", "dedent") and node.args:
            return literal_texts(document, node.args[0], scope)
        return None
    if isinstance(node, _ast.List | _ast.Tuple):
        found: list[str] = []
        for item in node.elts:
            head = item.elts[0] if isinstance(item, _ast.Tuple) and item.elts else item
            inner = None if isinstance(head, _ast.List | _ast.Tuple) else literal_texts(document, head, scope)
            if inner is None:
                return None
            found.extend(inner)
        return found
    value = document.constant(node, scope)
    return [value] if isinstance(value, str) else None


def sql_ops(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return the operations of SQL texts."""
    from opslint.facts.sql_statements import classify
    from opslint.syntax.sql import split

    return [op for text in texts for statement in split(text) for op in classify(statement)]


def calls_in(document: PythonDocument, function: Scope, depth: int = 2) -> Iterator[CallSite]:
    """Yield the calls inside a function, nested functions included, and inside the module's functions it calls."""
    inside = [site for site in document.calls if _within(site.scope, function)]
    yield from inside
    if depth <= 0:
        return
    by_name = {info.qualname: info for info in document.functions}
    seen = {function.qualname}
    for site in inside:
        name = (site.origin or "").removeprefix("<local>.") if (site.origin or "").startswith("<local>.") else ""
        if name in by_name and name not in seen:
            seen.add(name)
            yield from calls_in(document, by_name[name].scope, depth - 1)


def _within(scope: Scope | None, function: Scope) -> bool:
    while scope is not None:
        if scope is function:
            return True
        scope = scope.parent
    return False


def function_steps(document: PythonDocument, code: _ast.expr | None, scope: Scope) -> list[dict[str, Any]] | None:
    """Return the row effects of the function that `code` names; None when it is not in this file (not known)."""
    if not isinstance(code, _ast.Name):
        return None
    info = next((item for item in document.functions if item.qualname == code.id), None)
    if info is None:
        return None
    sites = list(calls_in(document, info.scope))
    guarded = any(_method(site) in _LOOKUPS for site in sites) or _filters_on_null(sites)
    found: list[dict[str, Any]] = []
    for site in sites:
        step = _step(document, site)
        if step is not None:
            step["guarded"] = bool(step.get("guarded")) or guarded
            step["at"] = document.place(site.node)
            found.append(step)
    return found


def _method(site: CallSite) -> str:
    func = site.node.func
    return func.attr if isinstance(func, _ast.Attribute) else ""


def _filters_on_null(sites: list[CallSite]) -> bool:
    return any(
        keyword.arg is not None and keyword.arg.endswith("__isnull")
        for site in sites
        if _method(site) in ("filter", "exclude")
        for keyword in site.node.keywords
    )


def _manager(node: _ast.expr) -> bool:
    """A chain that goes through a model's manager: ``Model.objects…``."""
    while True:
        if isinstance(node, _ast.Attribute):
            if node.attr in ("objects", "_default_manager", "_base_manager"):
                return True
            node = node.value
        elif isinstance(node, _ast.Call):
            node = node.func
        else:
            return False


def _model_of(document: PythonDocument, node: _ast.expr, scope: Scope) -> str:
    """The model of a manager chain, where it came from ``apps.get_model("app", "Model")``; "" when it did not."""
    while isinstance(node, _ast.Attribute | _ast.Call):
        node = node.value if isinstance(node, _ast.Attribute) else node.func
    found = scope.lookup(node.id) if isinstance(node, _ast.Name) else None
    made = found[1][0].node if found is not None and len(found[1]) == 1 else None
    if isinstance(made, _ast.Call) and isinstance(made.func, _ast.Attribute) and made.func.attr == "get_model" and made.args:
        name = document.constant(made.args[-1], scope)
        return name.rpartition(".")[2].lower() if isinstance(name, str) else ""
    return ""


def _step(document: PythonDocument, site: CallSite) -> dict[str, Any] | None:
    func = site.node.func
    if not isinstance(func, _ast.Attribute):
        return None
    if func.attr in ("create", "bulk_create", "acreate") and _manager(func.value):
        ignoring = document.constant(site.keyword("ignore_conflicts"), site.scope) is True
        guarded = ignoring or site.keyword("update_conflicts") is not None
        return {"op": "insert", "table": _model_of(document, func.value, site.scope), "guarded": guarded}
    if func.attr == "update" and _manager(func.value):
        relative = any(
            keyword.arg is not None and _reads_itself(document, keyword.value, keyword.arg, site.scope)
            for keyword in site.node.keywords
        )
        return {"op": "update", "relative": relative, "guarded": False}
    if func.attr in ("delete", "adelete") and not site.node.args:
        return {"op": "delete", "table": _model_of(document, func.value, site.scope), "guarded": False}
    if func.attr == "execute" and site.node.args:
        texts = literal_texts(document, site.node.args[0], site.scope)
        ops = sql_ops(texts) if texts is not None else []
        risky = [op for op in ops if op["op"] in ("insert", "update", "delete")]
        risky.sort(key=lambda op: op["op"] == "delete")
        return dict(risky[0]) if risky else None
    return None


def _reads_itself(document: PythonDocument, node: _ast.expr, field: str, scope: Scope) -> bool:
    """``F("field") + …`` assigned to the same field."""
    if not isinstance(node, _ast.BinOp):
        return False
    for side in (node.left, node.right):
        if isinstance(side, _ast.Call) and (document.origin(side.func, scope) or "").endswith(".F") and side.args:
            return document.constant(side.args[0], scope) == field
    return False
