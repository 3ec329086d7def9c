"""Django migrations: the `Migration` class and its operations, read from the tree."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.assumptions import Assumptions
from opslint.facts.data_steps import function_steps, literal_texts, sql_ops
from opslint.facts.migrations import DjangoApp, DjangoMigration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.syntax.python import ClassInfo, PythonDocument
    from opslint.syntax.python_scope import Scope

_OPS = {
    "CreateModel": "create_table",
    "DeleteModel": "drop_table",
    "RenameModel": "rename_table",
    "AddField": "add_column",
    "RemoveField": "drop_column",
    "RenameField": "rename_column",
    "AlterField": "alter_column",
    "AddIndex": "add_index",
    "AddIndexConcurrently": "add_index",
    "RemoveIndex": "drop_index",
    "RemoveIndexConcurrently": "drop_index",
    "RenameIndex": "other",
    "AddConstraint": "add_constraint",
    "RemoveConstraint": "drop_constraint",
    "AlterUniqueTogether": "add_constraint",
    "AlterIndexTogether": "add_index",
    "AlterOrderWithRespectTo": "other",
    "AlterModelOptions": "state",
    "AlterModelManagers": "state",
    "AlterModelTable": "rename_table",
    "AlterModelTableComment": "state",
}
"""Django's operations in our words (ref/migration-operations, and `django.contrib.postgres.operations`)."""

_MODULES = ("django.db.migrations.", "django.contrib.postgres.operations.")


def argument(call: _ast.Call, position: int, name: str) -> _ast.expr | None:
    """The argument of `call` at `position` or by keyword."""
    if position < len(call.args) and not any(isinstance(arg, _ast.Starred) for arg in call.args[: position + 1]):
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit `DjangoMigration` and `DjangoApp` facts."""
    for klass in document.classes:
        if "django.db.migrations.Migration" in klass.bases or "django.db.migrations.migration.Migration" in klass.bases:
            emit(_migration(document, klass))
        elif any(base and base.endswith("AppConfig") and base.startswith("django.apps") for base in klass.bases):
            values = {name: document.constant(value, klass.scope) for name, value in _assignments(klass.node)}
            name, label = values.get("name"), values.get("label")
            if isinstance(name, str):
                emit(DjangoApp(at=document.place(klass.node), label=label if isinstance(label, str) else "", name=name))


def _assignments(node: _ast.ClassDef) -> Iterator[tuple[str, _ast.expr]]:
    for statement in node.body:
        if isinstance(statement, _ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, _ast.Name):
                yield target.id, statement.value
        elif isinstance(statement, _ast.AnnAssign) and isinstance(statement.target, _ast.Name) and statement.value is not None:
            yield statement.target.id, statement.value


def _migration(document: PythonDocument, klass: ClassInfo) -> DjangoMigration:
    values = dict(_assignments(klass.node))
    parents, open_ = _links(document, values.get("dependencies"), klass.scope)
    replaces, open_replaces = _links(document, values.get("replaces"), klass.scope)
    run_before, _open = _links(document, values.get("run_before"), klass.scope)
    ops: list[dict[str, Any]] = []
    for call in _calls(values.get("operations"), document, klass.scope):
        ops.extend(_operation(document, call, klass.scope))
    Assumptions(document).mark(ops)
    return DjangoMigration(
        at=document.place(klass.node),
        atomic=document.constant(values.get("atomic"), klass.scope) is not False,
        made=_made(document.text),
        open=open_ or open_replaces,
        ops=ops,
        parents=parents,
        replaces=replaces,
        run_before=run_before,
    )


def _elements(node: _ast.expr | None, document: PythonDocument, scope: Scope) -> Iterator[_ast.expr | None]:
    """Yield the items of a literal list, of `a + b` of such, and of a name bound once to one; None for what is computed."""
    stack = [node]
    hops = 0
    while stack:
        current = stack.pop()
        if current is None:
            continue
        if isinstance(current, _ast.List | _ast.Tuple):
            for item in current.elts:
                if isinstance(item, _ast.Starred):
                    yield None
                else:
                    yield item
        elif isinstance(current, _ast.BinOp) and isinstance(current.op, _ast.Add):
            stack.extend((current.right, current.left))
        elif isinstance(current, _ast.Name) and hops < 8:
            hops += 1
            found = scope.lookup(current.id)
            bound = found[1][0].node if found is not None and len(found[1]) == 1 else None
            if isinstance(bound, _ast.expr):
                stack.append(bound)
            else:
                yield None
        else:
            yield None


def _calls(node: _ast.expr | None, document: PythonDocument, scope: Scope) -> Iterator[_ast.Call]:
    for item in _elements(node, document, scope):
        if isinstance(item, _ast.Call):
            yield item


def _links(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> tuple[list[list[Any]], bool]:
    """Read ``[("app", "name"), …]``; a swappable dependency names no migration of ours."""
    found: list[list[Any]] = []
    open_ = False
    for item in _elements(node, document, scope):
        if isinstance(item, _ast.Tuple) and len(item.elts) == 2:
            app, name = (document.constant(part, scope) for part in item.elts)
            if isinstance(app, str) and isinstance(name, str):
                found.append([app, name, document.place(item)])
                continue
        if isinstance(item, _ast.Call) and (document.origin(item.func, scope) or "").endswith(".swappable_dependency"):
            continue
        open_ = True
    return found, open_


def _text(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> str:
    value = document.constant(node, scope) if node is not None else None
    return value.lower() if isinstance(value, str) else ""


def _operation(document: PythonDocument, call: _ast.Call, scope: Scope) -> list[dict[str, Any]]:
    origin = document.origin(call.func, scope) or ""
    kind = origin.rpartition(".")[2] if origin.startswith(_MODULES) else ""
    at = document.place(call)
    if kind == "SeparateDatabaseAndState":
        return _separate(document, call, scope)
    if kind == "RunPython":
        return [_run_python(document, call, scope)]
    if kind == "RunSQL":
        return _run_sql(document, call, scope)
    op = _OPS.get(kind)
    if op is None:
        return [{"op": "other", "at": at, "table": "", "name": origin.rpartition(".")[2]}]
    whole = op in ("create_table", "drop_table", "rename_table")
    table_node = argument(
        call, 0, "old_name" if kind == "RenameModel" else "name" if whole or "Together" in kind else "model_name"
    )
    found: dict[str, Any] = {"op": op, "at": at, "table": _text(document, table_node, scope), "name": ""}
    if not whole:
        found["name"] = _text(document, argument(call, 1, "old_name" if kind == "RenameField" else "name"), scope)
    if kind.endswith("Concurrently"):
        found["concurrent"] = True
    if kind in ("AddField", "AlterField"):
        found.update(_column(document, argument(call, 2, "field"), scope))
    if kind == "CreateModel":
        found["links"] = _links_of(document, argument(call, 1, "fields"), scope)
        options = argument(call, 2, "options")
        if isinstance(options, _ast.Dict):
            flags = {
                key.value: document.constant(value, scope)
                for key, value in zip(options.keys, options.values, strict=True)
                if isinstance(key, _ast.Constant)
            }
            if flags.get("managed") is False or flags.get("proxy") is True:
                found["op"] = "state"
    return [found]


def _made(text: str) -> str:
    """When Django generated the file, as the line that it writes at the top says."""
    for line in text.split("\n", 8)[:8]:
        if line.startswith("# Generated by Django "):
            return line.rpartition(" on ")[2].strip()
    return ""


def _links_of(document: PythonDocument, fields: _ast.expr | None, scope: Scope) -> list[str]:
    """The names of the fields that have a join table in place of a column."""
    found = []
    for item in _elements(fields, document, scope):
        if isinstance(item, _ast.Tuple) and len(item.elts) == 2 and isinstance(item.elts[1], _ast.Call):
            name = document.constant(item.elts[0], scope)
            if isinstance(name, str) and (document.origin(item.elts[1].func, scope) or "").endswith(".ManyToManyField"):
                found.append(name.lower())
    return found


_NO_COLUMN = ("ManyToManyField", "GenericRelation", "GenericForeignKey", "GeneratedField")
_FIELD_MODULES = ("django.db.models.", "django.contrib.postgres.", "django.contrib.gis.")


def _column(document: PythonDocument, field: _ast.expr | None, scope: Scope) -> dict[str, Any]:
    if not isinstance(field, _ast.Call):
        return {"required": None, "default": "unknown"}
    kind = (document.origin(field.func, scope) or "").rpartition(".")[2]
    if any(keyword.arg is None for keyword in field.keywords):
        return {"required": None, "default": "unknown", "field": kind}
    keywords = {keyword.arg: keyword.value for keyword in field.keywords}
    if kind in _NO_COLUMN:
        return {"required": False, "default": "none", "field": kind}
    null = document.constant(keywords.get("null"), scope) if "null" in keywords else False
    required = (not null) if isinstance(null, bool) else None
    if "db_default" in keywords or kind.endswith("AutoField"):
        default = "server"
    elif any(name in keywords for name in ("default", "auto_now", "auto_now_add")):
        default = "python"
    else:
        default = "none"
        if not (document.origin(field.func, scope) or "").startswith(_FIELD_MODULES):
            # A field class of the project or of a library may have no column, or a default of its own.
            required = None
    return {"required": required, "default": default, "field": kind}


def _separate(document: PythonDocument, call: _ast.Call, scope: Scope) -> list[dict[str, Any]]:
    """The database half does something; the state half only tells Django about it."""
    found: list[dict[str, Any]] = []
    for inner in _calls(argument(call, 0, "database_operations"), document, scope):
        for op in _operation(document, inner, scope):
            found.append({**op, "separate": True})
    for inner in _calls(argument(call, 1, "state_operations"), document, scope):
        for op in _operation(document, inner, scope):
            found.append({"op": "state", "at": op["at"], "table": op["table"], "name": op["name"], "does": op["op"]})
    return found


def _reverse(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> str:
    if node is None or (isinstance(node, _ast.Constant) and node.value is None):
        return "none"
    origin = document.origin(node, scope) or ""
    return "noop" if origin.endswith(".noop") else "given"


def _run_python(document: PythonDocument, call: _ast.Call, scope: Scope) -> dict[str, Any]:
    code = argument(call, 0, "code")
    steps = function_steps(document, code, scope)
    reverse = _reverse(document, argument(call, 1, "reverse_code"), scope)
    name = code.id if isinstance(code, _ast.Name) else ""
    return {"op": "run_python", "at": document.place(call), "table": "", "name": name, "reverse": reverse, "steps": steps}


def _run_sql(document: PythonDocument, call: _ast.Call, scope: Scope) -> list[dict[str, Any]]:
    at = document.place(call)
    texts = literal_texts(document, argument(call, 0, "sql"), scope)
    reverse = _reverse(document, argument(call, 1, "reverse_sql"), scope)
    if texts is None:
        return [{"op": "run_sql", "at": at, "table": "", "name": "", "reverse": reverse}]
    ops = [{"table": "", "name": "", **op, "at": at, "reverse": reverse} for op in sql_ops(texts)]
    return ops or [{"op": "state", "at": at, "table": "", "name": ""}]
