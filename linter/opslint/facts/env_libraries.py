"""Libraries that read environment variables by a call: what each call reads, where its default stands, how a missing value ends.

Every statement was asked of the installed library (tests/env/test_library_names.py holds the answers): django-environ 0.14.0,
environs 15.2.0, python-decouple 3.8, starlette 1.10.0, Flask 3.1.3, dj-database-url 3.
"""

from __future__ import annotations

import _ast

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.syntax.python import PythonDocument
    from opslint.syntax.python_scope import Block, Scope

GIVE_NONE = frozenset(("os.getenv", "os.environ.get"))

_PLAIN = {
    "os.getenv": "os.environ",
    "os.environ.get": "os.environ",
    "os.environ.pop": "os.environ",
    "decouple.config": "decouple",
    "dj_database_url.config": "dj-database-url",
}
_OBJECTS = {
    "decouple.AutoConfig()": "decouple",
    "decouple.Config()": "decouple",
    "starlette.config.Config()": "starlette",
    "environ.Env()": "django-environ",
    "environ.FileAwareEnv()": "django-environ",
    "environs.Env()": "environs",
    "environs.FileAwareEnv()": "environs",
    "environs.env": "environs",
}
"""Objects that read when they are called, or by their methods."""

MAKERS = {made.removesuffix("()"): how for made, how in _OBJECTS.items() if made.endswith("()")}
"""Constructors of those objects."""

_DJANGO_ENVIRON = frozenset(
    "str bytes bool int float unicode json list tuple dict url db db_url cache cache_url email email_url search_url channels"
    " channels_url path get_value".split()
)
_NO_READS = frozenset(
    "read_env read_envfile seal prefixed dump parser_for parse_value get_value path_from unset is_value add_parser".split()
)
"""Methods of environs that read nothing; whatever else it has is a parser (its own or one that was added)."""

NAMED = {
    "db": "DATABASE_URL",
    "db_url": "DATABASE_URL",
    "cache": "CACHE_URL",
    "cache_url": "CACHE_URL",
    "email": "EMAIL_URL",
    "email_url": "EMAIL_URL",
    "search_url": "SEARCH_URL",
    "channels": "CHANNELS_URL",
    "channels_url": "CHANNELS_URL",
}
"""Methods of django-environ that have a name of their own when none is given."""

FALLS_BACK = frozenset(("KeyError", "LookupError", "Exception", "BaseException"))
NOT_SET = frozenset(("ImproperlyConfigured", "UndefinedValueError", "EnvError", "EnvNotSetError", "EnvValidationError"))
"""Last names of what the libraries raise when a variable is not set."""

_TYPES = frozenset(("str", "int", "float", "bool", "list", "dict", "tuple", "set", "bytes", "frozenset"))
"""Built-in types: as an argument they say how the text is parsed, never what stands in its place."""


class Library(Record):
    """What a call reads with. `how` names the library, `method` the method ("" for a call of the object itself), `default_at` the
    position of the default (-1: by keyword only).
    """

    __slots__ = ("default_at", "how", "method")
    default_at: int
    how: str
    method: str

    @property
    def named(self) -> str:
        """The variable that is read when the call names none."""
        if self.how == "dj-database-url":
            return "DATABASE_URL"
        return NAMED.get(self.method, "") if self.how == "django-environ" else ""


def library_of(origin: str) -> Library | None:
    """Return what a call with this origin reads a variable with, None when it reads none."""
    how = _PLAIN.get(origin) or _OBJECTS.get(origin)
    method = ""
    if how is None:
        made, _, method = origin.rpartition(".")
        how = _OBJECTS.get(made)
        if how is None or not _reads(made, how, method):
            return None
    return Library(default_at=_default_at(how, method), how=how, method=method)


def _reads(made: str, how: str, method: str) -> bool:
    if how == "django-environ":
        return method in _DJANGO_ENVIRON
    if how == "environs":
        return method not in _NO_READS
    return method == "get" and made != "decouple.AutoConfig()"


def _default_at(how: str, method: str) -> int:
    if how == "starlette" or (how == "django-environ" and method in ("", "list", "tuple", "dict", "get_value")):
        return 2
    return 1


def parse_of(library: Library, cast: str) -> str:
    """Return how the text is parsed (`EnvRead.parse`), by the method or the origin of a ``cast``."""
    kind = library.method or cast
    if kind in ("int", "float"):
        return kind
    if kind == "bool" and library.how in ("environs", "decouple", "starlette"):
        return "flag" if library.how != "decouple" else "flag-or-empty"
    return ""


def is_type(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> bool:
    """Tell whether an argument is a built-in type."""
    return isinstance(node, _ast.Name) and document.origin(node, scope) in _TYPES


def scheme_of(document: PythonDocument) -> dict[str, _ast.expr]:
    """Names with a default in ``environ.Env(NAME=(type, default))`` (or the same in a dictionary after ``**``)."""
    found: dict[str, _ast.expr] = {}
    for site in document.calls:
        if MAKERS.get(site.origin or "") != "django-environ":
            continue
        pairs: list[tuple[object, _ast.expr]] = []
        for keyword in site.node.keywords:
            if keyword.arg:
                pairs.append((keyword.arg, keyword.value))
            elif isinstance(keyword.value, _ast.Dict):
                pairs.extend(
                    (getattr(key, "value", None), value)
                    for key, value in zip(keyword.value.keys, keyword.value.values, strict=True)
                )
        for name, value in pairs:
            if isinstance(name, str) and isinstance(value, _ast.Tuple) and len(value.elts) == 2:
                found[name] = value.elts[1]
    return found


def prefix_of(document: PythonDocument) -> dict[str, str]:
    """Return what libraries put before every name in this file: starlette's and environs' argument, django-environ's attribute."""
    found: dict[str, str] = {}
    for site in document.calls:
        how = MAKERS.get(site.origin or "")
        keyword = {"starlette": "env_prefix", "environs": "prefix"}.get(how or "")
        value = document.constant(site.keyword(keyword), site.scope) if keyword else None
        if how is not None and isinstance(value, str):
            found[how] = value
    if any(MAKERS.get(site.origin or "") == "django-environ" for site in document.calls):
        for statement, block in document.statements:
            target = statement.targets[0] if isinstance(statement, _ast.Assign) else None
            if not isinstance(target, _ast.Attribute) or target.attr != "prefix" or not isinstance(statement, _ast.Assign):
                continue
            value = document.constant(statement.value, block.scope)
            if _OBJECTS.get(document.origin(target.value, block.scope) or "") == "django-environ" and isinstance(value, str):
                found["django-environ"] = value
    return found


def around(document: PythonDocument, block: Block) -> str:
    """Return the prefix that ``with env.prefixed("APP_"):`` blocks around a call of environs put before its name, outermost first."""
    parts: list[str] = []
    for outer in block.up():
        if not isinstance(outer.node, _ast.With):
            continue
        for item in outer.node.items:
            call = item.context_expr
            if (
                isinstance(call, _ast.Call)
                and isinstance(call.func, _ast.Attribute)
                and call.func.attr == "prefixed"
                and call.args
            ):
                made = _OBJECTS.get(document.origin(call.func.value, block.scope) or "")
                value = document.constant(call.args[0], block.scope)
                if made == "environs" and isinstance(value, str):
                    parts.append(value)
    return "".join(reversed(parts))
