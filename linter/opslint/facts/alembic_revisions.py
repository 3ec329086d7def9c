"""Alembic revisions: the module's identifiers and the operations of `upgrade()` and `downgrade()`, read from the tree."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.assumptions import Assumptions
from opslint.facts.data_steps import calls_in, literal_texts, sql_ops
from opslint.facts.django_migrations import argument
from opslint.facts.migrations import AlembicRevision

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.syntax.python import CallSite, FunctionInfo, PythonDocument

_OPS = {
    "create_table": "create_table",
    "drop_table": "drop_table",
    "rename_table": "rename_table",
    "add_column": "add_column",
    "drop_column": "drop_column",
    "alter_column": "alter_column",
    "create_index": "add_index",
    "drop_index": "drop_index",
    "create_unique_constraint": "add_constraint",
    "create_foreign_key": "add_constraint",
    "create_check_constraint": "add_constraint",
    "create_primary_key": "add_constraint",
    "create_exclude_constraint": "add_constraint",
    "drop_constraint": "drop_constraint",
    "bulk_insert": "insert",
}
"""Alembic's directives in our words (alembic.sqlalchemy.org, Operation Reference)."""

_LOOKS = frozenset(
    "fetchone fetchall first scalar scalar_one_or_none one_or_none get_table_names has_table get_columns get_indexes".split()
)


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit the `AlembicRevision` of a module that has `revision`, `down_revision` and an `upgrade()`."""
    values = _module_values(document)
    functions = {info.qualname: info for info in document.functions}
    if "revision" not in values or "down_revision" not in values or "upgrade" not in functions:
        return
    revision = document.constant(values["revision"], document.scope)
    if not isinstance(revision, str):
        return
    parents, open_parents = _revisions(document, values["down_revision"])
    depends_on, open_depends = _revisions(document, values.get("depends_on"))
    labels, _open = _revisions(document, values.get("branch_labels"))
    downgrade = functions.get("downgrade")
    assumptions = Assumptions(document)
    back = (downgrade or functions["upgrade"]).node
    emit(
        AlembicRevision(
            assumed=assumptions.within(back.lineno, back.end_lineno or back.lineno),
            at=document.place(values["revision"]),
            depends_on=depends_on,
            down_at=document.place(back),
            down_ops=_operations(document, downgrade) if downgrade is not None else [],
            downgrade=_downgrade_state(downgrade),
            labels=[label for label, _place in labels],
            open=open_parents or open_depends,
            ops=assumptions.mark(_operations(document, functions["upgrade"])),
            parents=parents,
            revision=revision,
        )
    )


def _module_values(document: PythonDocument) -> dict[str, _ast.expr]:
    found: dict[str, _ast.expr] = {}
    for statement in document.tree.body:
        if isinstance(statement, _ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, _ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, _ast.Name):
            found[target.id] = value
    return found


def _revisions(document: PythonDocument, node: _ast.expr | None) -> tuple[list[list[Any]], bool]:
    """Read None, a string, or a tuple of strings; the flag says that something else stands there."""
    if node is None or (isinstance(node, _ast.Constant) and node.value is None):
        return [], False
    items = node.elts if isinstance(node, _ast.Tuple | _ast.List | _ast.Set) else [node]
    found: list[list[Any]] = []
    for item in items:
        value = document.constant(item, document.scope)
        if not isinstance(value, str):
            return found, True
        found.append([value, document.place(item)])
    return found, False


def _downgrade_state(info: FunctionInfo | None) -> str:
    if info is None:
        return "missing"
    body = [statement for statement in info.node.body if not _is_text(statement)]
    if all(isinstance(statement, _ast.Pass) for statement in body):
        return "empty"
    return "raises" if isinstance(body[0], _ast.Raise) else "ops"


def _is_text(statement: _ast.stmt) -> bool:
    return isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Constant)


def _operations(document: PythonDocument, info: FunctionInfo) -> list[dict[str, Any]]:
    sites = list(calls_in(document, info.scope))
    looks = any(isinstance(site.node.func, _ast.Attribute) and site.node.func.attr in _LOOKS for site in sites)
    found: list[dict[str, Any]] = []
    for site in sites:
        for op in _operation(document, site):
            blocks = list(site.block.up())
            conditional = any(block.kind in ("if", "else", "except") for block in blocks)
            op["guarded"] = bool(op.get("guarded")) or conditional or (looks and op["op"] in ("insert", "update"))
            if any(block.kind == "loop" for block in blocks):
                op["loop"] = True
            op.setdefault("table", "")
            op.setdefault("name", "")
            op["at"] = document.place(site.node)
            found.append(op)
    return found


def _text(document: PythonDocument, node: _ast.expr | None, site: CallSite) -> str:
    value = document.constant(node, site.scope)
    return value.lower() if isinstance(value, str) else ""


def _batch_table(document: PythonDocument, site: CallSite) -> str:
    """The table of ``with op.batch_alter_table("t") as batch_op``."""
    func = site.node.func
    if isinstance(func, _ast.Attribute) and isinstance(func.value, _ast.Name):
        for block in site.block.up():
            for item in getattr(block.node, "items", ()) if block.kind == "with" else ():
                bound = item.optional_vars
                if isinstance(bound, _ast.Name) and bound.id == func.value.id and isinstance(item.context_expr, _ast.Call):
                    return _text(document, argument(item.context_expr, 0, "table_name"), site)
    return ""


def _operation(document: PythonDocument, site: CallSite) -> list[dict[str, Any]]:
    origin = site.origin or ""
    if not origin.startswith("alembic.op."):
        if origin.endswith(".execute") and ("get_bind()" in origin or "Session" in origin):
            return _execute(document, site)
        return []
    path = origin.removeprefix("alembic.op.")
    batch = path.startswith("batch_alter_table().")
    name = path.rpartition(".")[2]
    if name == "execute":
        return _execute(document, site)
    op = _OPS.get(name)
    if op is None:
        return []
    call = site.node
    if name == "bulk_insert":
        return [{"op": "insert", "table": _table_of(document, call.args[0] if call.args else None, site), "guarded": False}]
    if name in ("create_index", "drop_index", "drop_constraint") or (name.startswith("create_") and name != "create_table"):
        return [_on_table(document, site, op, batch)]
    table = _batch_table(document, site) if batch else _text(document, argument(call, 0, "table_name"), site)
    if name == "rename_table":
        table = _text(document, argument(call, 0, "old_table_name"), site)
    found: dict[str, Any] = {"op": op, "table": table}
    shift = 0 if batch else 1
    if name == "add_column":
        found.update(_column(document, argument(call, shift, "column"), site))
    elif name in ("drop_column", "alter_column"):
        found["name"] = _text(document, argument(call, shift, "column_name"), site)
    if name == "alter_column":
        renamed = site.keyword("new_column_name")
        if renamed is not None:
            found["op"] = "rename_column"
        found["required"] = document.constant(site.keyword("nullable"), site.scope) is False
    found["guarded"] = any(document.constant(site.keyword(flag), site.scope) is True for flag in ("if_exists", "if_not_exists"))
    return [found]


def _on_table(document: PythonDocument, site: CallSite, op: str, batch: bool) -> dict[str, Any]:
    """Indexes and constraints name themselves first, their table second."""
    position = {"create_foreign_key": 1}.get((site.origin or "").rpartition(".")[2], 1)
    table = _batch_table(document, site) if batch else ""
    for keyword in ("table_name", "source_table", "source"):
        table = table or _text(document, argument(site.node, position, keyword), site)
    guarded = any(document.constant(site.keyword(flag), site.scope) is True for flag in ("if_exists", "if_not_exists"))
    concurrent = document.constant(site.keyword("postgresql_concurrently"), site.scope) is True
    name = _text(document, site.node.args[0] if site.node.args else None, site)
    return {"op": op, "table": table, "name": name, "guarded": guarded, "concurrent": concurrent}


def _column(document: PythonDocument, node: _ast.expr | None, site: CallSite) -> dict[str, Any]:
    if not isinstance(node, _ast.Call):
        return {"required": None, "default": "unknown"}
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    name = _text(document, node.args[0] if node.args else keywords.get("name"), site)
    nullable = document.constant(keywords.get("nullable"), site.scope) if "nullable" in keywords else True
    required = (not nullable) if isinstance(nullable, bool) else None
    server = any(isinstance(arg, _ast.Call) and _kind(arg) in ("Computed", "Identity", "FetchedValue") for arg in node.args)
    default = "server" if server or "server_default" in keywords else "python" if "default" in keywords else "none"
    if None in keywords:
        required, default = None, "unknown"
    return {"name": name, "required": required, "default": default}


def _kind(call: _ast.Call) -> str:
    return call.func.attr if isinstance(call.func, _ast.Attribute) else call.func.id if isinstance(call.func, _ast.Name) else ""


def _table_of(document: PythonDocument, node: _ast.expr | None, site: CallSite) -> str:
    """The name of a table object: ``sa.table("roles", …)`` directly or through a variable."""
    for _ in range(4):
        if isinstance(node, _ast.Name):
            found = site.scope.lookup(node.id)
            bound = found[1][0].node if found is not None and len(found[1]) == 1 else None
            node = bound if isinstance(bound, _ast.expr) else None
        elif isinstance(node, _ast.Call) and node.args:
            return _text(document, node.args[0], site)
    return ""


def _execute(document: PythonDocument, site: CallSite) -> list[dict[str, Any]]:
    """``op.execute``: literal SQL, or an expression built on a table (``table.insert().values(…)``)."""
    argument_node = site.node.args[0] if site.node.args else site.keyword("sqltext")
    texts = literal_texts(document, argument_node, site.scope)
    if texts is not None:
        return sql_ops(texts)
    chain: list[str] = []
    node: _ast.expr | None = argument_node
    while isinstance(node, _ast.Call | _ast.Attribute):
        if isinstance(node, _ast.Attribute):
            chain.append(node.attr)
            node = node.value
        else:
            if isinstance(node.func, _ast.Name):
                chain.append(node.func.id)
                break
            node = node.func
    if "insert" in chain:
        guarded = any(part.startswith("on_conflict") or part == "from_select" for part in chain)
        return [
            {"op": "insert", "table": _table_of(document, node, site) if isinstance(node, _ast.Name) else "", "guarded": guarded}
        ]
    kind = "update" if "update" in chain else "delete" if "delete" in chain else "sql"
    return [{"op": kind, "relative": False, "all": False} if kind != "sql" else {"op": "sql"}]
