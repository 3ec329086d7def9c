"""Python code that runs migrations: at import, when the application starts, or when something calls it."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.migrations import MigrationRun, StartupCalls
from opslint.facts.modules import is_main_guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.fact import Fact
    from opslint.syntax.python import CallSite, FunctionInfo, PythonDocument

_LOCKS = (b"advisory_lock", b"advisory_xact_lock", b"GET_LOCK", b"get_lock", b"redlock", b"FileLock")
"""What a file that serialises its migrations holds: PostgreSQL's advisory locks, MySQL's named locks, common lock classes."""


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit `MigrationRun` for calls that migrate, and `StartupCalls` for start-up handlers."""
    startup = _startup_functions(document)
    reached = _reached(document, startup)
    locked = any(mark in document.data for mark in _LOCKS)
    for site in document.calls:
        tool = _tool(document, site)
        if tool and not is_main_guard(site.block):
            emit(_run(document, site, tool, reached, locked))
    for function in startup:
        calls = [
            [site.origin, document.place(site.node), _conditional(site)]
            for site in document.calls
            if site.origin and site.scope.enclosing_function() is function.scope
        ]
        emit(StartupCalls(at=document.place(function.node), calls=calls, function=function.qualname))


def _tool(document: PythonDocument, site: CallSite) -> str:
    origin = site.origin or ""
    name = origin.rpartition(".")[2]
    if origin == "alembic.command.upgrade":
        return "alembic"
    if origin == "flask_migrate.upgrade":
        return "flask-migrate"
    if origin in ("django.core.management.call_command", "django.core.management.execute_from_command_line"):
        words = site.node.args[0] if site.node.args else None
        first = words.elts[-1] if isinstance(words, _ast.List) and words.elts else words
        values = [document.constant(first, site.scope)]
        if isinstance(words, _ast.List):
            values = [document.constant(item, site.scope) for item in words.elts]
        return "django" if "migrate" in values else ""
    func = site.node.func
    is_metadata = isinstance(func, _ast.Attribute) and isinstance(func.value, _ast.Attribute) and func.value.attr == "metadata"
    if name == "create_all" and (is_metadata or origin.startswith(("sqlalchemy", "flask_sqlalchemy", "sqlmodel"))):
        return "create_all"
    if not name and isinstance(func, _ast.Attribute) and func.attr == "create_all" and is_metadata:
        return "create_all"
    if name == "run_sync" or (isinstance(func, _ast.Attribute) and func.attr == "run_sync"):
        target = site.node.args[0] if site.node.args else None
        if isinstance(target, _ast.Attribute) and target.attr == "create_all":
            return "create_all"
    return ""


def _conditional(site: CallSite) -> bool:
    return any(block.kind in ("if", "else") for block in site.block.up())


def _run(document: PythonDocument, site: CallSite, tool: str, reached: set[int], locked: bool) -> MigrationRun:
    function = site.scope.enclosing_function()
    when = "import" if function is None else "startup" if id(function) in reached else "function"
    return MigrationRun(
        at=document.place(site.node),
        conditional=_conditional(site),
        function=function.qualname if function is not None else "",
        locked=locked,
        tool=tool,
        when=when,
    )


def _startup_functions(document: PythonDocument) -> list[FunctionInfo]:
    """Lifespans, ``on_event("startup")`` handlers and `AppConfig.ready` of this file."""
    handlers: set[str] = set()
    for site in document.calls:
        for name in ("lifespan", "on_startup"):
            value = site.keyword(name)
            for item in value.elts if isinstance(value, _ast.List | _ast.Tuple) else [value]:
                if isinstance(item, _ast.Name):
                    handlers.add(item.id)
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "add_event_handler" and len(site.node.args) == 2:
            event, handler = site.node.args
            if document.constant(event, site.scope) == "startup" and isinstance(handler, _ast.Name):
                handlers.add(handler.id)
    app_configs = {
        klass.qualname for klass in document.classes if any(base and base.startswith("django.apps") for base in klass.bases)
    }
    found = []
    for info in document.functions:
        on_event = any(
            isinstance(node, _ast.Call)
            and isinstance(node.func, _ast.Attribute)
            and node.func.attr == "on_event"
            and node.args
            and document.constant(node.args[0], info.scope) == "startup"
            for _origin, node in info.decorators
        )
        ready = info.node.name == "ready" and info.owner in app_configs
        context = any(origin == "contextlib.asynccontextmanager" for origin, _node in info.decorators)
        # A lifespan that another module hands to its application still takes the application as its one parameter.
        named = context and len(info.parameters()) == 1 and info.node.name == "lifespan"
        if info.qualname in handlers or on_event or ready or named:
            found.append(info)
    return found


def _reached(document: PythonDocument, startup: list[FunctionInfo]) -> set[int]:
    """Identities of the scopes that start-up handlers are or call within this file."""
    by_origin = {f"<local>.{info.qualname}": info.scope for info in document.functions}
    reached = {id(info.scope) for info in startup}
    work = [info.scope for info in startup]
    for _ in range(200):
        if not work:
            break
        scope = work.pop()
        for site in document.calls:
            if site.scope.enclosing_function() is scope and site.origin in by_origin:
                target = by_origin[site.origin or ""]
                if id(target) not in reached:
                    reached.add(id(target))
                    work.append(target)
    return reached
