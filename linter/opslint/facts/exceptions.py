"""Broad excepts that leave no trace: no log, no raise, no metric, no result that tells of the failure.

What looks alike and is right leaves no fact: a predicate whose False is the report, closing at shutdown, optional imports,
telemetry that must not break its caller, pure conversions with a default, recorded statuses.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of
from opslint.facts.modules import is_main_guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block, Scope

    Emit = Callable[[Fact], None]


class SilentExcept(Fact):
    """One broad except without a trace.

    `how`: ``pass`` (nothing, or on with the loop), ``default`` (a constant takes the place of the result), ``print``, ``suppress``.
    `calls` are ``[origin, place]`` of what was tried; `drops` says that an item of a loop is left out.
    """

    __slots__ = ("calls", "drops", "function", "how")
    calls: list[list[object]]
    drops: bool
    function: str
    how: str


_CLOSING = frozenset(
    ("aclose", "cancel", "cleanup", "close", "delete_file", "disconnect", "dispose", "drop_index", "flush", "join", "kill")
    + ("logout", "quit", "release", "remove", "rmtree", "rollback", "shutdown", "stop", "terminate", "unlink", "unsubscribe")
    + ("wait_closed", "detach", "expunge", "close_all", "stop_all", "invalidate", "abort", "task_done", "gather")
)
"""Methods that end something: a failure to end it is rarely worth more than silence."""

TELEMETRY = (
    "ddtrace",
    "datadog",
    "elasticapm",
    "langfuse",
    "logfire",
    "newrelic",
    "opentelemetry",
    "posthog",
    "prometheus_client",
    "sentry_sdk",
    "statsd",
)
"""Libraries whose failure must not become their caller's."""

_METRIC_METHODS = frozenset(("inc", "observe", "labels", "set_attribute", "add_event", "record_exception", "set_tag", "capture"))
_CONVERSIONS = frozenset(
    ("Decimal", "bool", "bytes", "dict", "float", "getattr", "hasattr", "int", "isinstance", "len", "list", "max", "min", "repr")
    + ("round", "set", "sorted", "str", "sum", "tuple", "type", "uuid.UUID", "decimal.Decimal", "datetime.datetime.strptime")
    + ("datetime.datetime.fromisoformat", "datetime.date.fromisoformat", "datetime.datetime.fromtimestamp", "json.loads")
    + ("json.dumps", "base64.b64decode", "ast.literal_eval", "ipaddress.ip_address", "re.compile", "re.match", "re.search")
    + ("urllib.parse.urlparse", "urllib.parse.urlsplit", "dateutil.parser.parse", "range", "enumerate", "zip", "any", "all")
    + ("datetime.datetime.now", "datetime.datetime.utcnow", "time.time", "os.getpid", "os.path.exists", "os.environ.get")
    + ("os.getenv", "socket.gethostname", "inspect.signature", "locale.setlocale", "sys.exc_info", "traceback.format_exc")
    + ("importlib.import_module", "importlib.metadata.version", "importlib.util.find_spec", "print", "next", "iter", "setattr")
)
"""Calls of pure conversions and look-ups in the process itself: a default is a fair answer to their failure."""

_QUIET_FUNCTIONS = frozenset(("__del__", "__repr__", "__str__", "__hash__", "__eq__", "__getattr__", "__exit__", "__aexit__"))


def is_broad(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> bool:
    """Tell whether an except clause takes every error: bare, ``Exception``, ``BaseException``, or a tuple with one of them."""
    if node is None:
        return True
    names = node.elts if isinstance(node, _ast.Tuple) else [node]
    return any(document.origin(name, scope) in ("Exception", "BaseException") for name in names)


def _trace(handler: _ast.ExceptHandler) -> str | None:
    """Return how a handler keeps silent, None when its body tells anyone or does anything."""
    how = "pass"
    for statement in handler.body:
        if isinstance(statement, _ast.Pass | _ast.Continue | _ast.Break):
            continue
        if isinstance(statement, _ast.Expr):
            if isinstance(statement.value, _ast.Constant):
                continue
            call = statement.value
            if isinstance(call, _ast.Call) and isinstance(call.func, _ast.Name) and call.func.id == "print":
                how = "print"
                continue
            return None
        if isinstance(statement, _ast.Return):
            if statement.value is not None and not _is_blank(statement.value):
                return None
            how = "print" if how == "print" else "default" if statement.value is not None else "pass"
        elif isinstance(statement, _ast.Assign):
            if not _is_blank(statement.value) or not all(_is_plain_target(target) for target in statement.targets):
                return None
            how = "print" if how == "print" else "default"
        else:
            return None
    return how


def _is_plain_target(node: _ast.expr) -> bool:
    """A variable or an attribute of ``self``: an item or another object's attribute may be the report."""
    if isinstance(node, _ast.Attribute):
        return isinstance(node.value, _ast.Name) and node.value.id == "self"
    return isinstance(node, _ast.Name)


def _is_blank(node: _ast.expr) -> bool:
    """None, False, 0, an empty string or an empty container: nothing that tells of a failure."""
    if isinstance(node, _ast.Constant):
        return not node.value
    if isinstance(node, _ast.List | _ast.Tuple | _ast.Set):
        return not node.elts
    if isinstance(node, _ast.Dict):
        return not node.keys
    if isinstance(node, _ast.Call):
        return isinstance(node.func, _ast.Name) and node.func.id in ("dict", "list", "set", "tuple") and not node.args
    return False


def _is_predicate(document: PythonDocument, handler: _ast.ExceptHandler, block: Block) -> bool:
    """The except returns False (or None) from a function whose other returns are booleans or comparisons: that is its report."""
    last = handler.body[-1]
    if not isinstance(last, _ast.Return) or not isinstance(last.value, _ast.Constant) or last.value.value is not False:
        return False
    function = block.scope.enclosing_function()
    if function is None:
        return False
    for statement, where in document.statements:
        if isinstance(statement, _ast.Return) and where.scope is block.scope and statement is not last:
            value = statement.value
            if isinstance(value, _ast.Constant) and not isinstance(value.value, bool):
                return False
            if isinstance(value, _ast.Tuple | _ast.List | _ast.Dict):
                return False
    return True


def _tried(document: PythonDocument) -> dict[int, list[CallSite]]:
    """Calls by the try or with statement (its `id`) in whose body they stand; those of functions defined inside are left out."""
    found: dict[int, list[CallSite]] = {}
    for site in document.calls:
        for inner in site.block.up():
            if inner.kind in ("try", "with") and inner.node is not None:
                found.setdefault(id(inner.node), []).append(site)
    return found


def _is_work(document: PythonDocument, calls: list[CallSite], body: list[_ast.stmt]) -> bool:
    """Tell whether what was tried does something whose failure someone would want to know of."""
    names = [site.node.func.attr for site in calls if isinstance(site.node.func, _ast.Attribute)]
    if any(name in _METRIC_METHODS for name in names):
        return False
    if any((site.origin or "").split(".")[0] in TELEMETRY for site in calls) or _imports_telemetry(body):
        return False
    doing = [site for site in calls if not _is_conversion(site)]
    if not doing:
        return False
    last = [site for site in doing if isinstance(site.node.func, _ast.Attribute)]
    return not (len(last) == len(doing) and all(_is_closing(site) for site in doing))


def _is_closing(site: CallSite) -> bool:
    func = site.node.func
    if not isinstance(func, _ast.Attribute):
        return False
    # ``get_db()`` before ``db.close()`` only fetches what is closed.
    return func.attr in _CLOSING or func.attr.startswith(("close", "stop", "shutdown", "disconnect"))


_TEXT_METHODS = frozenset(
    ("decode", "encode", "endswith", "format", "get", "group", "isoformat", "items", "join", "keys", "lower", "lstrip", "pop")
    + ("replace", "rstrip", "split", "splitlines", "startswith", "strftime", "strip", "timestamp", "total_seconds", "upper")
    + ("values", "append", "extend", "update", "add", "copy", "sort", "setdefault", "strptime", "fromisoformat", "astimezone")
)


_CONVERSION_ROOTS = ("base64.", "datetime.", "decimal.", "ipaddress.", "json.", "os.environ", "re.", "str()", "dict()", "uuid.")


def _is_conversion(site: CallSite) -> bool:
    origin = site.origin
    if origin is not None and (origin in _CONVERSIONS or origin.startswith(_CONVERSION_ROOTS)):
        return True
    func = site.node.func
    if not isinstance(func, _ast.Attribute):
        return False
    if func.attr in ("json", "get_json") and origin is not None and "equest" in origin:
        # The body of the request that is being handled: not JSON is an answer, not an error.
        return True
    return func.attr in _TEXT_METHODS and (origin is None or ".json()" in origin)


def _imports_telemetry(body: list[_ast.stmt]) -> bool:
    for statement in body:
        if isinstance(statement, _ast.ImportFrom) and (statement.module or "").split(".")[0] in TELEMETRY:
            return True
        if isinstance(statement, _ast.Import) and any(alias.name.split(".")[0] in TELEMETRY for alias in statement.names):
            return True
    return False


def _only_closes(calls: list[CallSite]) -> bool:
    """The try body ends in a closing call and fetches at most what it closes."""
    if not calls:
        return False
    others = [site for site in calls if not _is_closing(site) and not isinstance(site.node.func, _ast.Name)]
    return any(_is_closing(site) for site in calls) and not others


def _is_retry(block: Block) -> bool:
    """Inside ``for attempt in range(n)`` a failure that goes on with the loop is a retry, not silence."""
    loop = block.inside("loop")
    if loop is None:
        return False
    if isinstance(loop.node, _ast.While):
        return True
    iterated = loop.node.iter if isinstance(loop.node, _ast.For | _ast.AsyncFor) else None
    return isinstance(iterated, _ast.Call) and isinstance(iterated.func, _ast.Name) and iterated.func.id == "range"


def _handlers(document: PythonDocument, tried: dict[int, list[CallSite]], emit: Emit) -> None:
    tries = {id(handler): statement for statement, _b in document.statements for handler in getattr(statement, "handlers", ())}
    for handler, block in document.excepts:
        if not is_broad(document, handler.type, block.scope) or is_main_guard(block):
            continue
        how = _trace(handler)
        function = function_of(block.scope)
        if how is None or not function or function.rpartition(".")[2] in _QUIET_FUNCTIONS:
            continue
        statement = tries[id(handler)]
        body = statement.body  # type: ignore[attr-defined]
        calls = tried.get(id(statement), [])
        drops = _drops_item(block, handler, body, calls)
        if _only_closes(calls) or _is_predicate(document, handler, block):
            continue
        if not drops and not _is_work(document, calls, body):
            continue
        if drops and not calls:
            continue
        if how == "pass" and _is_retry(block):
            continue
        emit(
            SilentExcept(
                at=document.place(_first_line(handler)),
                calls=_pairs(document, calls),
                drops=drops,
                function=function,
                how=how,
            )
        )


def _first_line(handler: _ast.ExceptHandler) -> _ast.expr | _ast.ExceptHandler:
    """A place of its own: the exception's name when there is one, else the whole clause."""
    return handler.type if handler.type is not None else handler


def _drops_item(block: Block, handler: _ast.ExceptHandler, body: list[_ast.stmt], calls: list[CallSite]) -> bool:
    """An item of a ``for`` loop is left out of a result: the tried body collects, the handler passes on.

    A number or a date that a text does not hold is no such item: the code names its reason.
    """
    loop = block.inside("loop")
    if loop is None or not isinstance(loop.node, _ast.For | _ast.AsyncFor) or _is_retry(block):
        return False
    if not all(isinstance(statement, _ast.Pass | _ast.Continue) for statement in handler.body):
        return False
    for statement in body:
        if isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Call):
            func = statement.value.func
            if isinstance(func, _ast.Attribute) and func.attr in ("append", "add") and statement.value.args:
                item = statement.value.args[0]
                if isinstance(item, _ast.Dict):
                    return True
                if any(site.node is item and not _is_conversion(site) for site in calls):
                    return True
    return False


def _pairs(document: PythonDocument, calls: list[CallSite]) -> list[list[object]]:
    found: dict[str, int] = {}
    for site in calls:
        if site.origin is not None and site.origin not in found and not _is_conversion(site):
            found[site.origin] = document.place(site.node)
    return [[origin, place] for origin, place in list(found.items())[:6]]


def _suppressed(document: PythonDocument, tried: dict[int, list[CallSite]], emit: Emit) -> None:
    """``with contextlib.suppress(Exception)``, unless a comment says why."""
    for statement, block in document.statements:
        if not isinstance(statement, _ast.With):
            continue
        for item in statement.items:
            call = item.context_expr
            if not isinstance(call, _ast.Call) or document.origin(call.func, block.scope) != "contextlib.suppress":
                continue
            function = function_of(block.scope)
            broad = any(is_broad(document, arg, block.scope) for arg in call.args)
            calls = tried.get(id(statement), [])
            if not broad or not function or _commented(document, statement.lineno) or _only_closes(calls):
                continue
            if _is_work(document, [site for site in calls if site.node is not call], statement.body):
                fact = SilentExcept(
                    at=document.place(call), calls=_pairs(document, calls), drops=False, function=function, how="suppress"
                )
                emit(fact)


def _commented(document: PythonDocument, line: int) -> bool:
    nearby = document.lines[max(0, line - 2) : line + 1]
    return any("#" in row for row in nearby)


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit broad excepts and suppressions that leave no trace."""
    suppresses = b"suppress" in document.data
    if not document.excepts and not suppresses:
        return
    tried = _tried(document)
    _handlers(document, tried, emit)
    if suppresses:
        _suppressed(document, tried, emit)


EXTRACTORS = (Extractor("python", ("except", "suppress"), extract, weak=True),)
