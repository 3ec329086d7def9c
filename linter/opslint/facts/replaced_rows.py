"""Deletes that make room for what is created after them: the rows of a second run take the place of the first run's."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import literal_start, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.syntax.python import CallSite, PythonDocument

_DELETES = ("sqlalchemy.delete", "sqlalchemy.sql.delete", "sqlalchemy.sql.expression.delete", "sqlmodel.delete")
_CREATES = ("bulk_create", "create", "acreate", "abulk_create")
_SQL_CALLS = ("execute", "text")


def replacing_deletes(document: PythonDocument) -> Iterator[CallSite]:
    """Yield each delete with a condition whose model (or table) the same function creates rows of further down."""
    deletes = [(site, name) for site in document.calls if (name := _deleted(document, site))]
    if not deletes:
        return
    created: dict[tuple[int, str], int] = {}
    for site in document.calls:
        name = _created(document, site)
        if name:
            key = (id(site.scope), name)
            created[key] = max(created.get(key, 0), site.node.lineno)
    for site, name in deletes:
        if created.get((id(site.scope), name), 0) > site.node.lineno:
            yield site


def _deleted(document: PythonDocument, site: CallSite) -> str:
    """The model or table of which a call deletes the rows that meet a condition, "" for any other call."""
    func = site.node.func
    if site.origin in _DELETES and site.node.args:
        above = document.parent(site.node)
        limited = isinstance(above, _ast.Attribute) and above.attr in ("where", "filter", "filter_by")
        return _last(site.node.args[0]) if limited else ""
    if isinstance(func, _ast.Attribute) and func.attr in ("delete", "adelete") and not site.node.args:
        return _filtered(func.value)
    return _in_sql(document, site, "DELETE FROM ", " WHERE ")


def _filtered(node: _ast.expr) -> str:
    """The model of ``Model.objects.filter(…)`` or ``session.query(Model).filter(…)``, "" when nothing is filtered."""
    limited = False
    while True:
        if isinstance(node, _ast.Call):
            if isinstance(node.func, _ast.Attribute) and node.func.attr == "query" and node.args:
                return _last(node.args[0]) if limited else ""
            limited = limited or (
                isinstance(node.func, _ast.Attribute) and node.func.attr in ("exclude", "filter", "filter_by", "where")
            )
            node = node.func
        elif isinstance(node, _ast.Attribute):
            if node.attr == "objects":
                return _last(node.value) if limited else ""
            node = node.value
        else:
            return ""


def _created(document: PythonDocument, site: CallSite) -> str:
    func = site.node.func
    if isinstance(func, _ast.Attribute) and func.attr in _CREATES:
        base = func.value
        return _last(base.value) if isinstance(base, _ast.Attribute) and base.attr == "objects" else ""
    name = _last(func)
    return name if name[:1].isupper() else _in_sql(document, site, "INSERT INTO ", "")


def _in_sql(document: PythonDocument, site: CallSite, start: str, needs: str) -> str:
    """The table of a statement in SQL that begins with `start` and holds `needs`."""
    func = site.node.func
    name = func.attr if isinstance(func, _ast.Attribute) else func.id if isinstance(func, _ast.Name) else ""
    if name not in _SQL_CALLS:
        return ""
    argument = site.argument(0, "statement")
    words = text(document, argument, site.scope) or literal_start(argument)
    upper = " ".join(words.upper().split()) if words else ""
    if not upper.startswith(start) or needs not in upper:
        return ""
    return upper[len(start) :].partition(" ")[0].partition("(")[0].strip('"`')


def _last(node: _ast.expr) -> str:
    return node.id if isinstance(node, _ast.Name) else node.attr if isinstance(node, _ast.Attribute) else ""
