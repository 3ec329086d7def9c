"""Django URLconfs: ``path``, ``re_path``, ``include``, class-based views, routers of Django REST framework."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import text
from opslint.facts.router_refs import handler_reference, reference
from opslint.facts.routes import HOLE, Mount, Route, path_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import PythonDocument

    Emit = Callable[[Fact], None]


class UrlRoot(Fact):
    """``ROOT_URLCONF``: `module` is the dotted name; `append_slash` the setting of this file, None when it is not set."""

    __slots__ = ("append_slash", "module")
    append_slash: bool | None
    module: str


_PATHS = frozenset(("django.urls.path", "django.urls.conf.path"))
_REGEXES = frozenset(("django.conf.urls.url", "django.urls.conf.re_path", "django.urls.re_path", "django.conf.urls.re_path"))
_INCLUDES = frozenset(("django.conf.urls.include", "django.urls.conf.include", "django.urls.include"))

REGEX = "re:"
"""A path that starts with this is a regular expression."""


def _settings(document: PythonDocument, emit: Emit) -> None:
    found = document.scope.bindings.get("ROOT_URLCONF")
    if not found or not isinstance(found[-1].node, _ast.expr):
        return
    module = text(document, found[-1].node, document.scope)
    slash = document.scope.bindings.get("APPEND_SLASH")
    value = document.constant(slash[-1].node, document.scope) if slash and isinstance(slash[-1].node, _ast.expr) else None
    if module is not None:
        at = document.place(found[-1].node)
        emit(UrlRoot(at=at, append_slash=value if isinstance(value, bool) else None, module=module))


def _lists(document: PythonDocument, emit: Emit) -> None:
    """Every module-level list that holds URL patterns, with what later statements add to it."""
    scope = document.scope
    for statement, block in document.statements:
        if block.scope is not scope:
            continue
        value: _ast.expr | None = None
        name = ""
        if isinstance(statement, _ast.Assign) and isinstance(statement.targets[0], _ast.Name):
            name, value = statement.targets[0].id, statement.value
        elif (isinstance(statement, _ast.AnnAssign) and isinstance(statement.target, _ast.Name)) or (
            isinstance(statement, _ast.AugAssign) and isinstance(statement.target, _ast.Name)
        ):
            name, value = statement.target.id, statement.value
        elif isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Call):
            name, value = _added(statement.value)
        if value is None or not (name == "urlpatterns" or _has_patterns(document, value)):
            continue
        _patterns(document, value, f"#{name}", "", emit, 0)


def _added(call: _ast.Call) -> tuple[str, _ast.expr | None]:
    func = call.func
    if isinstance(func, _ast.Attribute) and isinstance(func.value, _ast.Name) and func.attr in ("append", "extend") and call.args:
        value = call.args[0]
        return func.value.id, _ast.List(elts=[value], ctx=_ast.Load()) if func.attr == "append" else value
    return "", None


def _has_patterns(document: PythonDocument, node: _ast.expr) -> bool:
    if not isinstance(node, _ast.List | _ast.Tuple) or not node.elts:
        return False
    first = node.elts[0]
    origin = document.origin(first.func, document.scope) if isinstance(first, _ast.Call) else None
    return origin in _PATHS or origin in _REGEXES


def _patterns(document: PythonDocument, node: _ast.expr, router: str, prefix: str, emit: Emit, depth: int) -> None:
    scope = document.scope
    if depth > 8:
        return
    if isinstance(node, _ast.BinOp) and isinstance(node.op, _ast.Add):
        _patterns(document, node.left, router, prefix, emit, depth + 1)
        _patterns(document, node.right, router, prefix, emit, depth + 1)
    elif isinstance(node, _ast.List | _ast.Tuple):
        for item in node.elts:
            _pattern(document, item, router, prefix, emit, depth)
    elif isinstance(node, _ast.Call):
        _made(document, node, router, prefix, emit, depth)
    else:
        _mount(document, node, router, reference(document, node, scope), prefix, emit)


def _made(document: PythonDocument, node: _ast.Call, router: str, prefix: str, emit: Emit, depth: int) -> None:
    """Lists that a call makes: ``static()`` serves files, ``i18n_patterns()`` puts the language in front."""
    origin = document.origin(node.func, document.scope) or ""
    kind = origin.rpartition(".")[2]
    if origin == "django.conf.urls.static.static":
        if node.args:
            path = path_text(document, node.args[0], document.scope).strip("/")
            if HOLE in path:
                # ``static(settings.MEDIA_URL, …)``: files below a prefix of their own, for development only.
                return
            _route(document, node, router, f"{prefix}{path}/<path:file>", "", emit)
    elif kind == "i18n_patterns":
        for item in node.args:
            _pattern(document, item, router, prefix, emit, depth)
            _pattern(document, item, router, f"{prefix}<slug:language>/", emit, depth)
    elif kind in ("format_suffix_patterns", "list") and node.args:
        _patterns(document, node.args[0], router, prefix, emit, depth + 1)
    elif kind == "staticfiles_urlpatterns":
        _route(document, node, router, f"{prefix}static/<path:file>", "", emit)
    else:
        _mount(document, node, router, "", prefix, emit)


def _pattern(document: PythonDocument, node: _ast.expr, router: str, prefix: str, emit: Emit, depth: int) -> None:
    scope = document.scope
    if isinstance(node, _ast.Starred):
        _patterns(document, node.value, router, prefix, emit, depth + 1)
        return
    origin = document.origin(node.func, scope) or "" if isinstance(node, _ast.Call) else ""
    if not isinstance(node, _ast.Call) or (origin not in _PATHS and origin not in _REGEXES):
        _mount(document, node, router, "", prefix, emit)
        return
    values = {keyword.arg: keyword.value for keyword in node.keywords}
    pattern = node.args[0] if node.args else values.get("route") or values.get("regex")
    view = node.args[1] if len(node.args) > 1 else values.get("view")
    own = path_text(document, pattern, scope)
    path = f"{prefix}{REGEX}{own}" if origin in _REGEXES else prefix + own
    if isinstance(view, _ast.Call) and document.origin(view.func, scope) in _INCLUDES:
        _included(document, view, router, path, emit, depth)
    elif isinstance(view, _ast.Attribute) and view.attr == "urls":
        # ``admin.site.urls``: a whole application of its own.
        _mount(document, node, router, reference(document, view, scope), path, emit)
    else:
        _route(document, node, router, path, handler_reference(document, view, scope), emit)


def _included(document: PythonDocument, call: _ast.Call, router: str, path: str, emit: Emit, depth: int) -> None:
    target = call.args[0] if call.args else None
    if isinstance(target, _ast.Tuple) and target.elts:
        target = target.elts[0]
    if isinstance(target, _ast.List):
        _patterns(document, target, router, path, emit, depth + 1)
        return
    module = text(document, target, document.scope)
    if module is not None:
        child = f"@{module}"
    else:
        child = reference(document, target, document.scope)
    _mount(document, call, router, child, path, emit)


def _mount(document: PythonDocument, node: _ast.expr, router: str, child: str, prefix: str, emit: Emit) -> None:
    emit(Mount(at=document.place(node), child=child, framework="django", parent=router, prefix=prefix, replaces=False))


def _route(document: PythonDocument, node: _ast.expr, router: str, path: str, handler: str, emit: Emit) -> None:
    fact = Route(at=document.place(node), framework="django", handler=handler, methods=[], pattern=path, router=router)
    emit(fact)


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit routes and mounts of URLconf modules, and the root that settings name."""
    _settings(document, emit)
    if "urlpatterns" in document.scope.bindings or b"django.urls" in document.data:
        _lists(document, emit)


EXTRACTORS = (Extractor("python", ("ROOT_URLCONF", "django.conf.urls", "django.urls", "urlpatterns"), extract),)
