"""Clients of databases, caches, brokers and mail servers, and child processes, that may be waited for without a limit.

Defaults as the libraries' own signatures have them; where a version decides (redis-py), `opslint.model.drivers` does.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, literal_start, text, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument

    Emit = Callable[[Fact], None]


class ClientCall(Fact):
    """A client of something other than HTTP made without a limit. `missing` names the argument; `driver` the row of `model.drivers`."""

    __slots__ = ("driver", "function", "missing", "origin")
    driver: str
    function: str
    missing: str
    origin: str


class ProcessCall(Fact):
    """A child process waited for without a limit. `started`: the place where it is started, when that is another."""

    __slots__ = ("function", "origin", "started")
    function: str
    origin: str
    started: int | None


CONSTRUCTORS = {
    "aio_pika.connect": ("aio_pika", "timeout", None),
    "aio_pika.connect_robust": ("aio_pika", "timeout", None),
    "asyncpg.connect": ("asyncpg", "command_timeout", None),
    "asyncpg.create_pool": ("asyncpg", "command_timeout", None),
    "ftplib.FTP": ("ftplib", "timeout", 4),
    "ftplib.FTP_TLS": ("ftplib", "timeout", None),
    "imaplib.IMAP4": ("imaplib", "timeout", 2),
    "imaplib.IMAP4_SSL": ("imaplib", "timeout", None),
    "ldap3.Connection": ("ldap3", "receive_timeout", None),
    "ldap3.Server": ("ldap3", "connect_timeout", None),
    "paramiko.SSHClient().connect": ("paramiko", "timeout", None),
    "paramiko.client.SSHClient().connect": ("paramiko", "timeout", None),
    "psycopg2.connect": ("psycopg2", "connect_timeout", None),
    "psycopg2.pool.SimpleConnectionPool": ("psycopg2", "connect_timeout", None),
    "psycopg2.pool.ThreadedConnectionPool": ("psycopg2", "connect_timeout", None),
    "pymysql.connect": ("pymysql", "read_timeout", None),
    "redis.Redis": ("redis", "socket_timeout", None),
    "redis.StrictRedis": ("redis", "socket_timeout", None),
    "redis.Redis.from_url": ("redis", "socket_timeout", None),
    "redis.StrictRedis.from_url": ("redis", "socket_timeout", None),
    "redis.from_url": ("redis", "socket_timeout", None),
    "redis.asyncio.Redis": ("redis", "socket_timeout", None),
    "redis.asyncio.Redis.from_url": ("redis", "socket_timeout", None),
    "redis.asyncio.from_url": ("redis", "socket_timeout", None),
    "redis.asyncio.client.Redis": ("redis", "socket_timeout", None),
    "smtplib.SMTP": ("smtplib", "timeout", 3),
    "smtplib.SMTP_SSL": ("smtplib", "timeout", None),
    "socket.create_connection": ("socket", "timeout", 1),
    "sqlalchemy.create_engine": ("sqlalchemy", "connect_args", None),
    "sqlalchemy.engine.create_engine": ("sqlalchemy", "connect_args", None),
}
"""Constructors with the argument that bounds their waiting (its position, when it has one people use)."""

_URL_CARRIERS = frozenset(("redis", "psycopg2", "asyncpg", "sqlalchemy", "pymysql"))
"""Drivers that also take the limit from the query of their URL or from their DSN."""

_PROCESSES = frozenset(
    (
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
        "subprocess.run",
        "subprocess.Popen().communicate",
        "subprocess.Popen().wait",
    )
)

_LIBPQ_DIALECTS = ("postgresql://", "postgresql+psycopg2://", "postgres://")


def _client(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    driver, argument, position = CONSTRUCTORS[site.origin or ""]
    names = (argument, "socket_connect_timeout", "dsn", "options") if driver == "redis" else (argument,)
    if written(site, position, *names[:1])[0] != "absent":
        return
    if driver in ("asyncpg", "psycopg2") and written(site, None, "server_settings", "options")[0] != "absent":
        return
    if driver in _URL_CARRIERS and not _url_is_bare(document, site, driver):
        return
    emit(
        ClientCall(
            at=document.place(site.node),
            driver=driver,
            function=function_of(site.scope),
            missing=argument if driver != "sqlalchemy" else "connect_timeout",
            origin=site.origin or "",
        )
    )


def _url_is_bare(document: PythonDocument, site: CallSite, driver: str) -> bool:
    """Tell whether no URL or DSN that this call gets can carry the limit; one that is not known can only for SQL drivers."""
    values = list(site.node.args) + [k.value for k in site.node.keywords if k.arg in ("dsn", "url", "connection_pool")]
    if driver == "psycopg2" and (site.origin or "").startswith("psycopg2.pool"):
        values = values[2:]
    for value in values:
        known = text(document, value, site.scope)
        start = known if known is not None else literal_start(value)
        if driver == "sqlalchemy" and (start is None or not start.startswith(_LIBPQ_DIALECTS)):
            return False
        if known is not None and ("timeout" in known or "?" in known):
            return False
        if (
            known is None
            and driver in ("redis", "psycopg2", "asyncpg")
            and start is None
            and _is_pool_object(document, value, site)
        ):
            return False
    return bool(values) or driver != "sqlalchemy"


def _is_pool_object(document: PythonDocument, value: _ast.expr, site: CallSite) -> bool:
    """A connection pool carries its own limits."""
    origin = document.origin(value, site.scope) or ""
    return origin.endswith("ConnectionPool()") or any(keyword.arg == "connection_pool" for keyword in site.node.keywords)


def _process(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    position = 0 if (site.origin or "").endswith(".wait") else 1 if (site.origin or "").endswith(".communicate") else None
    if written(site, position, "timeout")[0] == "absent":
        function, origin = function_of(site.scope), site.origin or ""
        emit(ProcessCall(at=document.place(site.node), function=function, origin=origin, started=_started(document, site)))


def _started(document: PythonDocument, site: CallSite) -> int | None:
    """The ``Popen(…)`` that made the process a method is called on."""
    base = site.node.func.value if isinstance(site.node.func, _ast.Attribute) else None
    found = site.scope.lookup(base.id) if isinstance(base, _ast.Name) else None
    if found is None or len(found[1]) != 1 or not isinstance(found[1][0].node, _ast.Call):
        return None
    return document.place(found[1][0].node)


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit clients made and processes waited for without a limit."""
    for site in document.calls:
        if site.origin in CONSTRUCTORS:
            _client(document, site, emit)
        elif site.origin in _PROCESSES:
            _process(document, site, emit)


EXTRACTORS = (
    Extractor(
        "python",
        ("aio_pika", "asyncpg", "create_connection", "create_engine", "ftplib", "imaplib", "ldap3", "paramiko", "psycopg2")
        + ("pymysql", "redis", "smtplib", "subprocess"),
        extract,
    ),
)
