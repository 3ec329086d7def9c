"""pydantic-settings classes: each field is a read of one variable."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_context import Context
from opslint.facts.env_defaults import default_kind, keepable
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import ClassInfo, PythonDocument

BASES = frozenset(("pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.env_settings.BaseSettings"))
"""Origins of the base class: pydantic-settings 2, pydantic 1."""


class SettingsClass(Fact):
    """A class whose fields are read from the environment when it is instantiated.

    `bases` are the origins of its bases (one may be another settings class of the repository); `direct`: one is pydantic's own.
    `fields` are ``[name, names in the environment (exact), required, default, default_kind, place, instead]``
    (the last as in `EnvRead`); `ignore_case` is pydantic's default.
    `instantiated`: ``module`` (on import), the qualname of a function, or "" (not in this file).
    """

    __slots__ = ("bases", "direct", "fields", "ignore_case", "instantiated", "prefix", "qualname")
    bases: list[str]
    direct: bool
    fields: list[list[object]]
    ignore_case: bool
    instantiated: str
    prefix: str
    qualname: str


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit settings classes, and classes that inherit from something this file does not define and have annotated fields."""
    local: set[str] = set()
    for info in document.classes:
        bases = [base for base in info.bases if base]
        direct = any(base in BASES for base in bases)
        inherited = any(base.removeprefix("<local>.") in local or base.startswith(".") or "Settings" in base for base in bases)
        if not direct and not inherited:
            continue
        local.add(info.qualname)
        config = _config(document, info)
        prefix, ignore_case = str(config.get("env_prefix") or ""), config.get("case_sensitive") is not True
        fields = [field for statement in info.node.body if (field := _field(document, info, statement, prefix))]
        given = _given(document, info.qualname)
        for field in fields:
            field[2] = field[2] and field[0] not in given
        _put_together(document, info, fields)
        emit(
            SettingsClass(
                at=document.place(info.node),
                bases=bases,
                direct=direct,
                fields=fields,
                ignore_case=ignore_case,
                instantiated=_instantiated(document, info.qualname),
                prefix=prefix,
                qualname=info.qualname,
            )
        )


def _config(document: PythonDocument, info: ClassInfo) -> dict[str, object]:
    """Keywords of ``model_config = SettingsConfigDict(…)`` (or a dict), assignments of an inner ``class Config``."""
    found: dict[str, object] = {}
    for statement in info.node.body:
        if isinstance(statement, _ast.ClassDef) and statement.name == "Config":
            for inner in statement.body:
                if isinstance(inner, _ast.Assign) and isinstance(inner.targets[0], _ast.Name):
                    found[inner.targets[0].id] = document.constant(inner.value, info.scope)
        value = getattr(statement, "value", None)
        target = statement.targets[0] if isinstance(statement, _ast.Assign) else getattr(statement, "target", None)
        if isinstance(target, _ast.Name) and target.id == "model_config":
            if isinstance(value, _ast.Call):
                for keyword in value.keywords:
                    if keyword.arg:
                        found[keyword.arg] = document.constant(keyword.value, info.scope)
            elif isinstance(value, _ast.Dict):
                for key, item in zip(value.keys, value.values, strict=True):
                    if isinstance(key, _ast.Constant):
                        found[str(key.value)] = document.constant(item, info.scope)
    return found


def _field(document: PythonDocument, info: ClassInfo, statement: _ast.stmt, prefix: str) -> list[object] | None:
    if not isinstance(statement, _ast.AnnAssign) or not isinstance(statement.target, _ast.Name):
        return None
    name = statement.target.id
    annotation = document.origin(_outer(statement.annotation), info.scope) or ""
    if name.startswith("_") or name == "model_config" or annotation.endswith("ClassVar"):
        return None
    names = [prefix + name]
    required, value = statement.value is None, UNKNOWN
    if statement.value is not None:
        value = document.constant(statement.value, info.scope)
        if isinstance(statement.value, _ast.Call) and (document.origin(statement.value.func, info.scope) or "").endswith(
            ".Field"
        ):
            call = statement.value
            given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            default = call.args[0] if call.args else given.get("default")
            required = (default is None and "default_factory" not in given) or (
                isinstance(default, _ast.Constant) and default.value is ...
            )
            value = document.constant(default, info.scope) if default is not None else UNKNOWN
            names = _aliases(document, info, given) or names
        elif isinstance(statement.value, _ast.Constant) and statement.value.value is ...:
            required = True
    if _nested(document, info, statement.annotation):
        required = False
    kind = "" if required else default_kind(names[0], None if value is UNKNOWN else value)
    if kind == "secret" and Context(document, lambda _node, _scope: None).refuses(str(value)):
        kind = "refused"
    text = None if required or value is UNKNOWN else keepable(name, value)
    return [name, names, required, text, "unknown" if value is UNKNOWN and not required else kind, document.place(statement), []]


_WHOLE = ("_url", "_uri", "_dsn", "_connection_string")
"""Endings of fields that hold a whole address, which may be put together from others."""


def _put_together(document: PythonDocument, info: ClassInfo, fields: list[list[object]]) -> None:
    """Fields that a method of the class uses together with a whole address: what puts the address together when it is not given."""
    by_name = {str(field[0]): field for field in fields}
    wholes = {name for name in by_name if name.lower().endswith(_WHOLE)}
    for statement in info.node.body if wholes else ():
        if not isinstance(statement, _ast.FunctionDef | _ast.AsyncFunctionDef):
            continue
        used: set[str] = set()
        stack: list[_ast.AST] = [statement]
        while stack:
            node = stack.pop()
            text = node.attr if isinstance(node, _ast.Attribute) else node.value if isinstance(node, _ast.Constant) else None
            if isinstance(text, str) and text in by_name:
                used.add(text)
            stack.extend(document.children(node))
        for whole in sorted(used & wholes):
            for part in sorted(used - wholes):
                names, instead = by_name[whole][1], by_name[part][6]
                if isinstance(names, list) and isinstance(instead, list):
                    instead.extend(name for name in names if name not in instead)


def _outer(annotation: _ast.expr) -> _ast.expr:
    return annotation.value if isinstance(annotation, _ast.Subscript) else annotation


def _aliases(document: PythonDocument, info: ClassInfo, given: dict[str, _ast.expr]) -> list[str]:
    node = given.get("validation_alias") or given.get("alias") or given.get("env")
    if isinstance(node, _ast.Call):
        return [arg.value for arg in node.args if isinstance(arg, _ast.Constant) and isinstance(arg.value, str)]
    if isinstance(node, _ast.List | _ast.Tuple):
        return [arg.value for arg in node.elts if isinstance(arg, _ast.Constant) and isinstance(arg.value, str)]
    value = document.constant(node, info.scope) if node is not None else None
    return [value] if isinstance(value, str) else []


def _nested(document: PythonDocument, info: ClassInfo, annotation: _ast.expr) -> bool:
    """The field is another model of this repository: its parts come from nested names, so its own may be missing."""
    origin = document.origin(_outer(annotation), info.scope) or ""
    return origin.startswith((".", "<local>"))


def _given(document: PythonDocument, qualname: str) -> set[str]:
    """Fields that some call of the class gives by keyword (``**mapping`` may give any): the environment need not."""
    given: set[str] = set()
    for site in document.calls:
        if site.origin == f"<local>.{qualname}":
            if site.has_star_kwargs:
                return {name for klass in document.classes if klass.qualname == qualname for name in klass.scope.bindings}
            given.update(keyword.arg for keyword in site.node.keywords if keyword.arg)
    return given


def _instantiated(document: PythonDocument, qualname: str) -> str:
    found = ""
    for site in document.calls:
        if site.origin == f"<local>.{qualname}":
            function = site.scope.enclosing_function()
            if function is None:
                return "module"
            found = found or function.qualname
    return found


EXTRACTORS = (Extractor("python", ("BaseSettings", "Settings)"), extract),)
