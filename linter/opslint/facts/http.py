"""Outgoing calls that may wait forever, and how long the others wait at most.

Which drivers wait without limit when nothing is said is data (`UNBOUNDED`, read from the libraries' own signatures:
requests 2.34, urllib3 2.8, CPython 3.11 to 3.14); verdicts that depend on an installed version are made in `model.drivers`.
A call found bounded leaves a fact only when its limit is known, for the budget of whoever waits for it.
"""

from __future__ import annotations

import _ast
import sys

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, is_none, literal_start, number, object_of, written
from opslint.syntax.python import CallSite

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import PythonDocument
    from opslint.syntax.python_scope import Scope

    Emit = Callable[[Fact], None]


class HttpCall(Fact):
    """A call that has no timeout as far as this file tells.

    `origin` is a driver's (``requests.Session().get``), or open when `driver` is "" (``.clients.session.get``: resolved at
    link). `how`: ``absent none`` (nothing given, or None given). `object` names what it is called on when that lives in this file.
    """

    __slots__ = ("driver", "function", "how", "object", "origin")
    driver: str
    function: str
    how: str
    object: str
    origin: str


class SessionMade(Fact):
    """A session is made here, of a driver that waits for ever: its calls may stand in files that name no driver."""

    __slots__ = ("driver",)
    driver: str


class TimedCall(Fact):
    """A call with a limit: `seconds` it waits at most per attempt, None when the limit is given but not known."""

    __slots__ = ("function", "origin", "seconds")
    function: str
    origin: str
    seconds: float | None


class ClientTimeout(Fact):
    """A client made with limits of its own: `seconds` per attempt (None: given, not known), `attempts` (None: the driver's)."""

    __slots__ = ("attempts", "driver", "function", "seconds")
    attempts: float | None
    driver: str
    function: str
    seconds: float | None


class OwnTransport(Fact):
    """A file changes how a driver waits: an adapter, a replaced method, a global socket default. `driver` or ``socket``."""

    __slots__ = ("driver",)
    driver: str


VERBS = frozenset(("get", "post", "put", "patch", "delete", "head", "options", "request"))
"""Methods that send a request."""

SESSIONS = frozenset(
    (
        "cloudscraper.create_scraper",
        "requests.Session",
        "requests.session",
        "requests.sessions.Session",
        "requests_html.HTMLSession",
        "requests_oauthlib.OAuth1Session",
        "requests_oauthlib.OAuth2Session",
        "requests_toolbelt.sessions.BaseUrlSession",
    )
)
"""What makes a requests session (or a subclass that adds no timeout)."""

UNBOUNDED = {
    "http.client.HTTPConnection": ("http.client", 2),
    "http.client.HTTPSConnection": ("http.client", 2),
    "httplib2.Http": ("httplib2", 1),
    "urllib.request.urlopen": ("urllib", 2),
    "urllib3.request": ("urllib3", None),
}
"""Calls and constructors that wait forever by default: driver and position of ``timeout``."""

BOUNDED = {
    "aiohttp.request": "aiohttp",
    "aiohttp.ClientSession": "aiohttp",
    "aiohttp.client.ClientSession": "aiohttp",
    "httpx.AsyncClient": "httpx",
    "httpx.Client": "httpx",
    "httpx.stream": "httpx",
    **{f"httpx.{verb}": "httpx" for verb in sorted(VERBS)},
}
"""Drivers with a limit by default: only an explicit None counts."""

CLIENTS = {
    "anthropic.Anthropic": "anthropic",
    "anthropic.AsyncAnthropic": "anthropic",
    "openai.AsyncAzureOpenAI": "openai",
    "openai.AsyncOpenAI": "openai",
    "openai.AzureOpenAI": "openai",
    "openai.OpenAI": "openai",
}
"""SDK clients whose default limits are longer than most budgets."""


def driver_of(origin: str) -> tuple[str, int | None] | None:
    """Return (driver, position of ``timeout``) when a call of this origin waits forever by default."""
    found = UNBOUNDED.get(origin)
    if found is not None:
        return found
    head, _, method = origin.rpartition(".")
    if head in ("requests", "requests.api") and method in VERBS:
        return "requests", None
    if head.endswith("()") and head[:-2] in SESSIONS and (method in VERBS or method == "send"):
        return "requests", None
    return None


def _value_state(document: PythonDocument, node: _ast.expr | None, scope: Scope, hops: int = 0) -> tuple[str, float | None]:
    """Judge a timeout value: ``none``, ``known`` with seconds (connect and read summed), or ``open``."""
    if is_none(document, node, scope):
        return "none", None
    seconds = number(document, node, scope)
    if seconds is not None:
        return "known", seconds
    if isinstance(node, _ast.Tuple) and len(node.elts) == 2:
        states = [_value_state(document, part, scope) for part in node.elts]
        if "none" in (state for state, _seconds in states):
            return "none", None
        if all(state == "known" for state, _seconds in states):
            return "known", sum(seconds or 0.0 for _state, seconds in states)
    if isinstance(node, _ast.Name) and hops < 4:
        found = scope.lookup(node.id)
        if found is not None and len(found[1]) == 1 and found[1][0].how == "value":
            inner = found[1][0].node
            if isinstance(inner, _ast.expr):
                return _value_state(document, inner, found[0], hops + 1)
    if isinstance(node, _ast.Call):
        return _timeout_object(document, node, scope)
    return "open", None


def _timeout_object(document: PythonDocument, node: _ast.Call, scope: Scope) -> tuple[str, float | None]:
    """``httpx.Timeout(…)`` and ``aiohttp.ClientTimeout(…)``: None overall, and nothing else said, means no limit."""
    origin = document.origin(node.func, scope) or ""
    values = {keyword.arg: keyword.value for keyword in node.keywords}
    if None in values:
        return "open", None
    if origin == "httpx.Timeout":
        first = node.args[0] if node.args else values.pop("timeout", None)
        others = [value for value in values.values() if not is_none(document, value, scope)]
        if first is not None and not others:
            return (
                ("none", None)
                if is_none(document, first, scope)
                else ("known", s)
                if (s := number(document, first, scope)) is not None
                else ("open", None)
            )
    if origin in ("aiohttp.ClientTimeout", "aiohttp.client.ClientTimeout"):
        total = node.args[0] if node.args else values.pop("total", None)
        if total is None:
            return "open", None
        limited = [value for value in values.values() if not is_none(document, value, scope)]
        unlimited = is_none(document, total, scope) or number(document, total, scope) == 0
        if unlimited:
            return ("open", None) if limited else ("none", None)
        seconds = number(document, total, scope)
        return ("known", seconds) if seconds is not None else ("open", None)
    return "open", None


def _http(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    origin = site.origin or ""
    found = driver_of(origin)
    if found is not None:
        _judge(document, site, found[0], written(site, found[1], "timeout"), emit)
        return
    if origin in BOUNDED or _bounded_method(origin):
        driver = BOUNDED.get(origin) or ("httpx" if origin.startswith("httpx.") else "aiohttp")
        how, value = written(site, None, "timeout")
        if how == "given":
            state, seconds = _value_state(document, value, site.scope)
            if driver == "aiohttp" and state == "known" and seconds == 0:
                state = "none"
            if origin.rpartition(".")[2] in ("AsyncClient", "Client", "ClientSession") and state != "none":
                fact = ClientTimeout(
                    at=document.place(site.node),
                    attempts=None,
                    driver=driver,
                    function=function_of(site.scope),
                    seconds=seconds,
                )
                emit(fact)
            else:
                _emit_state(document, site, driver, state, seconds, emit)
        return
    if origin in CLIENTS:
        _sdk_client(document, site, CLIENTS[origin], emit)
    elif origin == "pycurl.Curl().perform" and b"TIMEOUT" not in document.data:
        _emit_state(document, site, "pycurl", "absent", None, emit)
    elif _is_pool(origin):
        _pool(document, site, emit)
    elif _is_open_verb(document, site, origin):
        _emit_state(document, site, "", "absent", None, emit)


def _bounded_method(origin: str) -> bool:
    head, _, method = origin.rpartition(".")
    return method in VERBS and head.endswith("()") and head[:-2] in BOUNDED


def _is_pool(origin: str) -> bool:
    return origin.startswith("urllib3.PoolManager().") and origin.rpartition(".")[2] in ("request", "urlopen")


def _pool(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    """urllib3: the pool or the request may carry the limit."""
    if written(site, None, "timeout")[0] != "absent":
        return
    maker = site.node.func.value if isinstance(site.node.func, _ast.Attribute) else None
    if isinstance(maker, _ast.Name):
        found = site.scope.lookup(maker.id)
        bound = found[1][0].node if found is not None and len(found[1]) == 1 else None
        maker = bound if isinstance(bound, _ast.expr) else None
    if isinstance(maker, _ast.Call) and written(CallSite(maker, site.block), None, "timeout")[0] == "absent":
        _emit_state(document, site, "urllib3", "absent", None, emit)


def _sdk_client(document: PythonDocument, site: CallSite, driver: str, emit: Emit) -> None:
    how, value = written(site, None, "timeout")
    attempts_how, attempts = written(site, None, "max_retries")
    if how == "absent" and attempts_how == "absent":
        return
    retries = number(document, attempts, site.scope)
    seconds = _value_state(document, value, site.scope)[1] if how == "given" else None
    fact = ClientTimeout(
        at=document.place(site.node),
        attempts=None if retries is None else retries + 1,
        driver=driver,
        function=function_of(site.scope),
        seconds=seconds,
    )
    emit(fact)


def _judge(document: PythonDocument, site: CallSite, driver: str, given: tuple[str, _ast.expr | None], emit: Emit) -> None:
    how, value = given
    if how == "absent":
        _emit_state(document, site, driver, "absent", None, emit)
    elif how == "given":
        state, seconds = _value_state(document, value, site.scope)
        _emit_state(document, site, driver, state, seconds, emit)


def _emit_state(document: PythonDocument, site: CallSite, driver: str, state: str, seconds: float | None, emit: Emit) -> None:
    at, function, origin = document.place(site.node), function_of(site.scope), site.origin or ""
    if state in ("absent", "none"):
        emit(HttpCall(at=at, driver=driver, function=function, how=state, object=object_of(document, site), origin=origin))
    else:
        emit(TimedCall(at=at, function=function, origin=origin, seconds=seconds))


def _is_open_verb(document: PythonDocument, site: CallSite, origin: str) -> bool:
    """Tell whether a call could turn out to be a session's at link: a verb on something another file or a factory made."""
    head, _, method = origin.rpartition(".")
    if method not in VERBS or not head or ".objects" in head:
        return False
    root = origin.partition(".")[0]
    if root in sys.stdlib_module_names or root in _EXTERNAL_ROOTS or root == "str()":
        return False
    if root == "<local>" and not head.endswith("()"):
        return False
    node = site.node
    if not node.args or written(site, None, "timeout")[0] != "absent":
        return False
    if method in ("get", "delete", "head", "options") and len(node.args) > 1:
        return False
    start = literal_start(node.args[0])
    return start is None or "://" in start or (method == "request" and len(node.args) > 1) or start == ""


_EXTERNAL_ROOTS = frozenset(
    (
        "aiohttp",
        "boto3",
        "celery",
        "click",
        "django",
        "fastapi",
        "flask",
        "httpx",
        "numpy",
        "pandas",
        "pydantic",
        "pytest",
        "redis",
        "rest_framework",
        "sqlalchemy",
        "starlette",
        "typer",
    )
)
"""Roots whose ``get``/``post`` can never be a session of this repository."""


def _transports(document: PythonDocument, emit: Emit) -> None:
    for site in document.calls:
        origin = site.origin or ""
        if origin == "socket.setdefaulttimeout":
            if not is_none(document, site.argument(0, "timeout"), site.scope):
                emit(OwnTransport(at=document.place(site.node), driver="socket"))
        elif origin.endswith("().mount") and origin[: -len("().mount")] in SESSIONS:
            adapter = document.origin(site.argument(1, "adapter"), site.scope)
            if adapter not in ("requests.adapters.HTTPAdapter()", "requests.HTTPAdapter()"):
                emit(OwnTransport(at=document.place(site.node), driver="requests"))
    for statement, block in document.statements:
        if not isinstance(statement, _ast.Assign):
            continue
        target = statement.targets[0]
        if isinstance(target, _ast.Attribute) and target.attr in (*VERBS, "send"):
            origin = document.origin(target.value, block.scope) or ""
            if origin == "requests" or origin.removesuffix("()") in SESSIONS:
                emit(OwnTransport(at=document.place(statement), driver="requests"))


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit calls that may wait forever, known limits, and what changes a driver's waiting."""
    for site in document.calls:
        origin = site.origin
        if origin is None:
            continue
        if origin in SESSIONS:
            emit(SessionMade(at=document.place(site.node), driver="requests"))
            continue
        _http(document, site, emit)
    _transports(document, emit)


def _wanted(_document: PythonDocument, _emit: Emit) -> None:
    """Nothing by itself: its literals are why a file without any other strong one is parsed at all."""


EXTRACTORS = (
    Extractor(
        "python",
        (
            "aio_pika",
            "aiohttp",
            "anthropic",
            "asyncpg",
            "cloudscraper",
            "create_connection",
            "create_engine",
            "ftplib",
            "http.client",
        )
        + ("httplib2", "httpx", "openai", "pycurl", "requests")
        + ("setdefaulttimeout", "urllib"),
        _wanted,
    ),
    # A session may come from another file: whatever is parsed is looked through.
    Extractor("python", (), extract, weak=True),
)
