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

BASES = {
    "pydantic_settings.BaseSettings": 2,
    "pydantic_settings.main.BaseSettings": 2,
    "pydantic.BaseSettings": 1,
    "pydantic.env_settings.BaseSettings": 1,
    "pydantic.v1.BaseSettings": 1,
}
"""Origins of the base class, each with the generation whose rules hold: pydantic-settings 2, pydantic 1."""

_MODELS = frozenset(("pydantic.BaseModel", "pydantic.v1.BaseModel", "pydantic.main.BaseModel"))

CONFIG = frozenset(
    "env_prefix case_sensitive env_nested_delimiter populate_by_name validate_by_name env_prefix_target env_ignore_empty"
    " alias_generator secrets_dir fields validate_default".split()
)
"""Keys of the configuration that decide which variables are read."""

_NEVER_NONE = frozenset(("str", "int", "float", "bool"))

_PARSED = {"int": "int", "float": "float", "bool": "flag", "int()": "int", "float()": "float", "bool()": "flag"}


class SettingsClass(Fact):
    """A class whose fields are read from the environment when it is instantiated, or a model that such a class has a field of.

    `bases` are the origins of its bases (one may be another settings class of the repository); `version` of pydantic's own base when it
    is one of them, else 0. `config` holds the keys of `CONFIG` that the class itself sets (None: to something that is not known).
    `fields` are ``[name, aliases, env, state, default, default_kind, place, instead, model, made, parse]``: `env` the names of pydantic
    1's ``env=``, `state` ``required optional refused default`` (``optional``: ``Optional[…]`` without a default; ``refused``: a text or
    a number whose default is None, which is validated; both are required by 2 and not by 1), `model` the origin of a class of the
    repository that the field holds, `made` that of the class that makes its default, `parse` as in `EnvRead`.
    `instantiated` are ``[function, prefix]``: qualname of the function ("": on import), the ``_env_prefix`` that is given, or None.
    `other_sources`: the class decides itself where values come from.
    """

    __slots__ = ("bases", "config", "fields", "instantiated", "other_sources", "qualname", "version")
    bases: list[str]
    config: dict[str, object]
    fields: list[list[object]]
    instantiated: list[list[object]]
    other_sources: bool
    qualname: str
    version: int


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit settings classes, models they hold, and classes that inherit from something this file does not define and have fields."""
    known: set[str] = set()
    for info in document.classes:
        bases = [base for base in info.bases if base]
        version = next((BASES[base] for base in bases if base in BASES), 0)
        inherited = any(base.removeprefix("<local>.") in known or base.startswith(".") or "Settings" in base for base in bases)
        if not version and not inherited and not any(base in _MODELS for base in bases):
            continue
        known.add(info.qualname)
        fields = [field for statement in info.node.body if (field := _field(document, info, statement))]
        given = _given(document, info.qualname)
        for field in fields:
            if field[0] in given:
                field[3] = "default"
        _put_together(document, info, fields)
        emit(
            SettingsClass(
                at=document.place(info.node),
                bases=bases,
                config=_config(document, info),
                fields=fields,
                instantiated=_instantiated(document, info.qualname),
                other_sources=any(
                    isinstance(step, _ast.FunctionDef) and step.name in ("settings_customise_sources", "customise_sources")
                    for step in info.node.body
                ),
                qualname=info.qualname,
                version=version,
            )
        )


def _config(document: PythonDocument, info: ClassInfo) -> dict[str, object]:
    """Keywords of ``model_config = SettingsConfigDict(…)`` (or a dict), assignments of an inner ``class Config``, keywords of the class."""
    given: list[tuple[object, _ast.expr]] = [(keyword.arg, keyword.value) for keyword in info.node.keywords]
    for statement in info.node.body:
        if isinstance(statement, _ast.ClassDef) and statement.name == "Config":
            for inner in statement.body:
                if isinstance(inner, _ast.Assign) and isinstance(inner.targets[0], _ast.Name):
                    given.append((inner.targets[0].id, inner.value))
        value = getattr(statement, "value", None)
        target = statement.targets[0] if isinstance(statement, _ast.Assign) else getattr(statement, "target", None)
        if isinstance(target, _ast.Name) and target.id == "model_config":
            if isinstance(value, _ast.Call):
                given.extend((keyword.arg, keyword.value) for keyword in value.keywords)
            elif isinstance(value, _ast.Dict):
                given.extend((getattr(key, "value", None), item) for key, item in zip(value.keys, value.values, strict=True))
    found: dict[str, object] = {}
    for key, node in given:
        if isinstance(key, str) and key in CONFIG:
            known = _named_fields(node) if key == "fields" else document.constant(node, info.scope)
            found[key] = None if known is UNKNOWN else known
    return found


def _named_fields(node: _ast.expr) -> object:
    """``fields = {"name": {"env": "NAME"}}`` of pydantic 1 as field → names."""
    if not isinstance(node, _ast.Dict):
        return UNKNOWN
    found: dict[str, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, _ast.Constant) and isinstance(value, _ast.Dict):
            for inner, item in zip(value.keys, value.values, strict=True):
                if getattr(inner, "value", None) == "env":
                    items = item.elts if isinstance(item, _ast.List | _ast.Tuple) else [item]
                    found[str(key.value)] = [text for part in items if isinstance(text := getattr(part, "value", None), str)]
    return found


def _field(document: PythonDocument, info: ClassInfo, statement: _ast.stmt) -> list[object] | None:
    if not isinstance(statement, _ast.AnnAssign) or not isinstance(statement.target, _ast.Name):
        return None
    name = statement.target.id
    annotation = document.origin(_outer(statement.annotation), info.scope) or ""
    if name.startswith("_") or name == "model_config" or annotation.rpartition(".")[2] == "ClassVar":
        return None
    default, has_default, given = _default_of(document, info, statement)
    value = document.constant(default, info.scope) if default is not None else UNKNOWN
    inner = document.instance_of(statement.annotation, info.scope) or ""
    state = "default" if has_default else "optional" if _is_optional(document, info, statement.annotation) else "required"
    if has_default and value is None and annotation in _NEVER_NONE:
        state = "refused"
    model = inner.removesuffix("()") if inner.startswith((".", "<local>")) and not _is_plain(document, inner) else ""
    kind = "unknown" if value is UNKNOWN else default_kind(name, value)
    if kind == "secret" and Context(document, lambda _node, _scope: None).refuses(str(value)):
        kind = "refused"
    factory = given.get("default_factory")
    made = document.origin(factory, info.scope) if factory is not None else None
    if isinstance(default, _ast.Call):
        made = document.origin(default.func, info.scope)
    return [
        name,
        _texts(document, info, given.get("validation_alias") or given.get("alias")),
        _texts(document, info, given.get("env")),
        state,
        None if not has_default or value is UNKNOWN else keepable(name, value),
        kind if has_default else "",
        document.place(statement),
        [],
        model,
        made if made and made.startswith((".", "<local>")) else "",
        _PARSED.get(inner, ""),
    ]


def _default_of(
    document: PythonDocument, info: ClassInfo, statement: _ast.AnnAssign
) -> tuple[_ast.expr | None, bool, dict[str, _ast.expr]]:
    """The default of a field, whether it has one, and what ``Field(…)`` (as value or in ``Annotated[…]``) is given."""
    calls: list[_ast.expr] = [statement.value] if statement.value is not None else []
    annotation = statement.annotation
    if isinstance(annotation, _ast.Subscript) and isinstance(annotation.slice, _ast.Tuple):
        if (document.origin(annotation.value, info.scope) or "").endswith("Annotated"):
            calls.extend(annotation.slice.elts[1:])
    given: dict[str, _ast.expr] = {}
    default: _ast.expr | None = statement.value
    for call in calls:
        if isinstance(call, _ast.Call) and (document.origin(call.func, info.scope) or "").rpartition(".")[2] == "Field":
            given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
            if call is statement.value or statement.value is None:
                default = call.args[0] if call.args else given.get("default")
    if isinstance(default, _ast.Constant) and default.value is ...:
        default = None
    return default, default is not None or "default_factory" in given, given


def _is_optional(document: PythonDocument, info: ClassInfo, annotation: _ast.expr) -> bool:
    if isinstance(annotation, _ast.BinOp):
        return any(isinstance(side, _ast.Constant) and side.value is None for side in (annotation.left, annotation.right))
    return (document.origin(_outer(annotation), info.scope) or "").rpartition(".")[2] == "Optional"


def _is_plain(document: PythonDocument, origin: str) -> bool:
    """Tell whether a class of this file holds one value (an enumeration, a kind of text or number): it is read as its own variable."""
    klass = next((found for found in document.classes if f"<local>.{found.qualname}()" == origin), None)
    return klass is not None and any(
        (base or "").startswith("enum.") or base in ("str", "int", "float", "bytes") for base in klass.bases
    )


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
                instead = by_name[part][7]
                if isinstance(instead, list) and whole not in instead:
                    instead.append(whole)


def _outer(annotation: _ast.expr) -> _ast.expr:
    return annotation.value if isinstance(annotation, _ast.Subscript) else annotation


def _texts(document: PythonDocument, info: ClassInfo, node: _ast.expr | None) -> list[str]:
    """The names that ``alias=``, ``validation_alias=AliasChoices(…)`` or ``env=[…]`` list; of a path its first step."""
    if isinstance(node, _ast.Call):
        path = (document.origin(node.func, info.scope) or "").rpartition(".")[2] == "AliasPath"
        return [text for arg in node.args[: 1 if path else None] for text in _texts(document, info, arg)]
    if isinstance(node, _ast.List | _ast.Tuple):
        return [text for item in node.elts for text in _texts(document, info, item)]
    value = document.constant(node, info.scope) if node is not None else None
    return [value] if isinstance(value, str) else []


def _given(document: PythonDocument, qualname: str) -> set[str]:
    """Fields that some call of the class gives by keyword (``**mapping`` may give any): the environment need not."""
    given: set[str] = set()
    for site in document.calls:
        if site.origin == f"<local>.{qualname}":
            if site.has_star_kwargs:
                return {name for klass in document.classes if klass.qualname == qualname for name in klass.scope.bindings}
            given.update(keyword.arg for keyword in site.node.keywords if keyword.arg)
    return given


def _instantiated(document: PythonDocument, qualname: str) -> list[list[object]]:
    found: list[list[object]] = []
    for site in document.calls:
        if site.origin == f"<local>.{qualname}":
            function = site.scope.enclosing_function()
            given = site.keyword("_env_prefix")
            prefix = document.constant(given, site.scope) if given is not None else None
            entry: list[object] = [function.qualname if function else "", prefix if isinstance(prefix, str) else None]
            if entry not in found:
                found.append(entry)
    return found


EXTRACTORS = (Extractor("python", ("BaseSettings", "Settings)"), extract),)
