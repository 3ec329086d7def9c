"""Retries that never end: decorators without a stop, loops that only success leaves, clients told to try for ever.

The defaults are the libraries' own: tenacity 9 (``stop_never``, ``wait_none``), backoff 2 (no ``max_tries``), retrying 1.4, stamina
25 (10 attempts, so only an explicit None counts), urllib3 2 (``total=None``), Celery 5.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, is_none
from opslint.syntax.python import CallSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.syntax.python import PythonDocument

    Emit = Callable[[Fact], None]


class UnboundedRetry(Fact):
    """Something that repeats until it succeeds.

    `how`: ``decorator loop client task``. `library` names it; `missing` the argument that would stop it; `function` the repeated
    (or looping) function. `calls` are ``[origin, place]`` of what a loop repeats: only when one waits on the network does it count.
    """

    __slots__ = ("calls", "function", "how", "library", "missing")
    calls: list[list[object]]
    function: str
    how: str
    library: str
    missing: str


class RetryLimit(Fact):
    """A retry decorator with a limit on a function: `attempts` (None: not a count) and the longest wait between two, in seconds."""

    __slots__ = ("attempts", "function", "library", "wait")
    attempts: float | None
    function: str
    library: str
    wait: float


_DECORATORS = {
    "tenacity.retry": ("tenacity", "stop", ("stop", "retry_error_cls_stop")),
    "tenacity.Retrying": ("tenacity", "stop", ("stop",)),
    "tenacity.AsyncRetrying": ("tenacity", "stop", ("stop",)),
    "tenacity.asyncio.AsyncRetrying": ("tenacity", "stop", ("stop",)),
    "backoff.on_exception": ("backoff", "max_tries", ("max_tries", "max_time", "giveup")),
    "backoff.on_predicate": ("backoff", "max_tries", ("max_tries", "max_time", "giveup")),
    "retrying.retry": (
        "retrying",
        "stop_max_attempt_number",
        ("stop_max_attempt_number", "stop_max_delay", "stop_func", "stop"),
    ),
    "retry.retry": ("retry", "tries", ("tries",)),
    "retry.api.retry": ("retry", "tries", ("tries",)),
}
"""Retry makers that never stop by themselves: library, the argument that stops them, all arguments that may."""

_URLLIB3_RETRY = frozenset(
    (
        "requests.packages.urllib3.util.Retry",
        "requests.packages.urllib3.util.retry.Retry",
        "urllib3.Retry",
        "urllib3.util.Retry",
        "urllib3.util.retry.Retry",
    )
)


def _decorators(document: PythonDocument, emit: Emit) -> None:
    for info in document.functions:
        for origin, node in info.decorators:
            if origin not in _DECORATORS and not origin.startswith("stamina."):
                continue
            call = node if isinstance(node, _ast.Call) else None
            outer = info.block.parent or info.block
            site = CallSite(call or _ast.Call(func=node, args=[], keywords=[]), outer)
            missing = _never_stops(document, site, origin)
            if missing is not None:
                emit(
                    UnboundedRetry(
                        at=document.place(node),
                        calls=[],
                        function=info.qualname,
                        how="decorator",
                        library=missing[0],
                        missing=missing[1],
                    )
                )
            elif origin in _DECORATORS:
                limit = _limit(document, site, origin, info.qualname)
                if limit is not None:
                    emit(limit)


def _never_stops(document: PythonDocument, site: CallSite, origin: str) -> tuple[str, str] | None:
    """Return (library, missing argument) when a retry maker called so has no stop at all."""
    if site.has_star_kwargs or site.has_star_args:
        return None
    if origin.startswith("stamina."):
        given = [site.keyword("attempts"), site.keyword("timeout")]
        if origin == "stamina.retry" and all(v is not None and is_none(document, v, site.scope) for v in given):
            return "stamina", "attempts"
        return None
    library, missing, stops = _DECORATORS[origin]
    if origin == "tenacity.retry" and len(site.node.args) > 1:
        return None
    for name in stops:
        value = site.keyword(name)
        if value is None or is_none(document, value, site.scope):
            continue
        if name == "stop" and document.origin(value, site.scope) in ("tenacity.stop_never", "tenacity.stop.stop_never"):
            continue
        return None
    if library == "retry" and len(site.node.args) > 1:
        return None
    return library, missing


def _limit(document: PythonDocument, site: CallSite, origin: str, function: str) -> RetryLimit | None:
    library = _DECORATORS[origin][0]
    attempts: float | None = None
    wait = 0.0
    stop = site.keyword("stop")
    if isinstance(stop, _ast.Call) and (document.origin(stop.func, site.scope) or "").endswith("stop_after_attempt"):
        value = document.constant(stop.args[0] if stop.args else None, site.scope)
        attempts = float(value) if isinstance(value, int) else None
    for name in ("max_tries", "stop_max_attempt_number", "tries"):
        value = document.constant(site.keyword(name), site.scope)
        if isinstance(value, int):
            attempts = float(value)
    pause = site.keyword("wait")
    if isinstance(pause, _ast.Call) and (document.origin(pause.func, site.scope) or "").endswith("wait_fixed"):
        value = document.constant(pause.args[0] if pause.args else None, site.scope)
        wait = float(value) if isinstance(value, int | float) else 0.0
    if attempts is None:
        return None
    return RetryLimit(at=document.place(site.node), attempts=attempts, function=function, library=library, wait=wait)


def _clients(document: PythonDocument, emit: Emit) -> None:
    for site in document.calls:
        origin = site.origin or ""
        if origin in _URLLIB3_RETRY:
            total = site.argument(0, "total")
            others = [site.keyword(name) for name in ("connect", "read", "other", "status")]
            counted = any(value is not None and not is_none(document, value, site.scope) for value in others)
            if total is not None and is_none(document, total, site.scope) and not counted and not site.has_star_kwargs:
                _emit_simple(document, site, "client", "urllib3", "total", emit)
        elif origin in ("tenacity.Retrying", "tenacity.AsyncRetrying", "tenacity.asyncio.AsyncRetrying"):
            found = _never_stops(document, site, origin)
            if found is not None:
                _emit_simple(document, site, "client", *found, emit)
        elif _is_task_maker(origin) or origin.endswith(".retry"):
            limit = site.keyword("max_retries")
            if limit is not None and is_none(document, limit, site.scope) and (_is_task_maker(origin) or _is_task_retry(site)):
                _emit_simple(document, site, "task", "celery", "max_retries", emit)


def _is_task_maker(origin: str) -> bool:
    return origin in ("celery.shared_task", "celery.task") or origin.endswith(("celery.Celery().task", "celery_app.task"))


def _is_task_retry(site: CallSite) -> bool:
    """Tell whether ``x.retry(…)`` is a bound Celery task's: `x` is the function's first parameter."""
    func = site.node.func
    inner = site.scope.enclosing_function()
    if not isinstance(func, _ast.Attribute) or not isinstance(func.value, _ast.Name) or inner is None:
        return False
    node = inner.node
    args = node.args.args if isinstance(node, _ast.FunctionDef | _ast.AsyncFunctionDef) else []
    return bool(args) and args[0].arg == func.value.id


def _emit_simple(document: PythonDocument, site: CallSite, how: str, library: str, missing: str, emit: Emit) -> None:
    emit(
        UnboundedRetry(
            at=document.place(site.node),
            calls=[],
            function=function_of(site.scope),
            how=how,
            library=library,
            missing=missing,
        )
    )


def _loops(document: PythonDocument, emit: Emit) -> None:
    if not document.excepts:
        return
    by_try = _calls_by_try(document)
    for statement, block in document.statements:
        if isinstance(statement, _ast.While) and isinstance(statement.test, _ast.Constant) and statement.test.value:
            tried = next((inner for inner in statement.body if isinstance(inner, _ast.Try)), None)
            if tried is not None and _only_success_leaves(statement, tried):
                calls = by_try.get(id(tried), [])
                if calls:
                    emit(
                        UnboundedRetry(
                            at=document.place(tried.handlers[0]),
                            calls=calls,
                            function=function_of(block.scope),
                            how="loop",
                            library="",
                            missing="a counter or a deadline",
                        )
                    )


def _only_success_leaves(loop: _ast.While, tried: _ast.Try) -> bool:
    """Tell a retry loop from a service loop: what was tried leaves the loop when it worked, and no failure ever does.

    Any exit under a condition of its own (a counter, a deadline, a stop flag) makes it bounded as far as this can tell.
    """
    if not tried.handlers:
        return False
    for handler in tried.handlers:
        if any(_exits(handler.body)):
            return False
    after = loop.body[loop.body.index(tried) + 1 :]
    before = loop.body[: loop.body.index(tried)]
    if any(_exits(before)):
        return False
    succeeded = tried.body + tried.orelse
    leaves = any(isinstance(inner, _ast.Return | _ast.Break) for inner in (*succeeded, *after))
    made = {
        target.id
        for inner in tried.body
        if isinstance(inner, _ast.Assign)
        for target in inner.targets
        if isinstance(target, _ast.Name)
    }
    for inner in (*succeeded, *after):
        if isinstance(inner, _ast.If) and any(_exits([inner])):
            if not _mentions(inner.test, made):
                return False
            leaves = leaves or inner in succeeded
        elif isinstance(inner, _ast.With | _ast.AsyncWith):
            leaves = leaves or any(isinstance(deep, _ast.Return) for deep in inner.body)
    return leaves


def _exits(statements: list[_ast.stmt]) -> Iterator[_ast.stmt]:
    """Yield every statement that leaves the loop (a ``break`` of an inner loop does not)."""
    stack: list[tuple[_ast.stmt, bool]] = [(statement, True) for statement in statements]
    while stack:
        statement, ours = stack.pop()
        if isinstance(statement, _ast.Return | _ast.Raise) or (ours and isinstance(statement, _ast.Break)):
            yield statement
        if isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Call) and _ends_process(statement.value):
            yield statement
        if isinstance(statement, _ast.FunctionDef | _ast.AsyncFunctionDef | _ast.ClassDef):
            continue
        inner_loop = isinstance(statement, _ast.For | _ast.AsyncFor | _ast.While)
        for field in ("body", "orelse", "finalbody"):
            stack.extend((inner, ours and not inner_loop) for inner in getattr(statement, field, ()))
        for handler in getattr(statement, "handlers", ()):
            stack.extend((inner, ours) for inner in handler.body)
        for case in getattr(statement, "cases", ()):
            stack.extend((inner, ours) for inner in case.body)


def _ends_process(call: _ast.Call) -> bool:
    func = call.func
    name = func.attr if isinstance(func, _ast.Attribute) else func.id if isinstance(func, _ast.Name) else ""
    return name in ("exit", "_exit", "abort")


def _mentions(node: _ast.expr, names: set[str]) -> bool:
    stack: list[_ast.AST] = [node]
    while stack:
        inner = stack.pop()
        if isinstance(inner, _ast.Name) and inner.id in names:
            return True
        for field in inner._fields:
            value = getattr(inner, field)
            stack.extend(value if isinstance(value, list) else [value] if isinstance(value, _ast.AST) else [])
    return False


def _calls_by_try(document: PythonDocument) -> dict[int, list[list[object]]]:
    """Resolved calls by the try statement (its `id`) in whose body they stand, one per origin."""
    found: dict[int, dict[str, int]] = {}
    for site in document.calls:
        if site.origin is None:
            continue
        for inner in site.block.up():
            if inner.kind == "try" and inner.node is not None:
                found.setdefault(id(inner.node), {}).setdefault(site.origin, document.place(site.node))
    return {key: [[origin, place] for origin, place in calls.items()] for key, calls in found.items()}


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit retries without an end, and the limits of those that have one."""
    _decorators(document, emit)
    _clients(document, emit)
    _loops(document, emit)


EXTRACTORS = (
    Extractor(
        "python",
        ("Retry", "backoff", "max_retries", "retry", "retrying", "stamina", "tenacity", "while 1", "while True"),
        extract,
    ),
)
