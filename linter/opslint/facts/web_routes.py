"""Routes of Flask, FastAPI, Starlette, aiohttp and Django REST framework routers: what each file registers where."""

from __future__ import annotations

import _ast

from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import text
from opslint.facts.router_refs import MAKERS, handler_reference, maker_of, reference
from opslint.facts.routes import HOLE, Mount, PathCompared, Route, Router, RouterAlias, RouterPassed, path_text
from opslint.syntax.python import CallSite
from opslint.syntax.python_scope import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.base.fact import Fact
    from opslint.syntax.python import ClassInfo, FunctionInfo, PythonDocument
    from opslint.syntax.python_scope import Scope

    Emit = Callable[[Fact], None]

APPLICATIONS = frozenset(("APIFlask", "Application", "FastAPI", "Flask", "NinjaAPI", "Quart", "Starlette"))
"""Makers of what a server runs; the others only make parts of it."""

VERBS = frozenset(("get", "post", "put", "patch", "delete", "head", "options", "trace"))


def _routers(document: PythonDocument, emit: Emit) -> None:
    def scopes() -> Iterator[Scope]:
        yield document.scope
        for info in document.functions:
            yield info.scope
        for klass in document.classes:
            yield klass.scope

    for scope in scopes():
        outer = f"{scope.qualname}." if scope.qualname else ""
        for name, bindings in scope.bindings.items():
            for binding in bindings:
                if binding.how != "value":
                    continue
                if maker_of(document, binding.node, scope):
                    _router(document, f"{outer}{name}", binding.node, scope, emit)
                elif scope.kind == "module" and isinstance(binding.node, _ast.Call | _ast.Name | _ast.Attribute):
                    _alias(document, name, binding.node, scope, emit)
        for name, values in scope.attributes.items():
            for value, where in values:
                if maker_of(document, value, where):
                    _router(document, f"{outer}{name}", value, where, emit)


def _alias(document: PythonDocument, name: str, node: _ast.expr, scope: Scope, emit: Emit) -> None:
    target = reference(document, node, scope)
    is_open = target.startswith(("<local>", ".")) or ("." in target and name in ("app", "application", "urlpatterns"))
    if target and is_open and not target.startswith("#"):
        emit(RouterAlias(at=document.place(node), name=name, target=target))


def _router(document: PythonDocument, name: str, node: _ast.AST | None, scope: Scope, emit: Emit) -> None:
    assert isinstance(node, _ast.Call)
    site = CallSite(node, _block(scope))
    framework = maker_of(document, node, scope) or ""
    prefix = next((site.keyword(key) for key in ("url_prefix", "prefix") if site.keyword(key) is not None), None)
    kind = (document.origin(node.func, scope) or "").rpartition(".")[2]
    own = path_text(document, prefix, scope)
    emit(Router(at=document.place(node), app=kind in APPLICATIONS, framework=framework, name=name, prefix=own))
    if framework == "flask-restful" and node.args:
        parent = reference(document, node.args[0], scope)
        emit(_mount(document, node, framework, parent, f"#{name}", ""))
    routes = site.keyword("routes")
    if framework in ("starlette", "fastapi") and routes is not None:
        _route_list(document, routes, scope, f"#{name}", "", emit)


def _block(scope: Scope) -> Block:
    return Block("module", None, None, scope)


def _mount(
    document: PythonDocument, node: _ast.expr, framework: str, parent: str, child: str, prefix: str, *, replaces: bool = False
) -> Mount:
    return Mount(at=document.place(node), child=child, framework=framework, parent=parent, prefix=prefix, replaces=replaces)


def _route_list(document: PythonDocument, node: _ast.expr, scope: Scope, router: str, prefix: str, emit: Emit) -> None:
    """A list of Starlette ``Route``/``Mount`` or aiohttp ``web.get`` objects, in place or by name."""
    if isinstance(node, _ast.Name):
        found = scope.lookup(node.id)
        if found is not None and len(found[1]) == 1 and isinstance(found[1][0].node, _ast.List | _ast.Tuple):
            node = found[1][0].node
    if not isinstance(node, _ast.List | _ast.Tuple):
        emit(_mount(document, node, "starlette", router, reference(document, node, scope), prefix))
        return
    for item in node.elts:
        origin = document.origin(item.func, scope) or "" if isinstance(item, _ast.Call) else ""
        if not isinstance(item, _ast.Call) or not item.args:
            emit(_mount(document, item, "starlette", router, "", prefix))
            continue
        path = prefix + path_text(document, item.args[0], scope)
        site = CallSite(item, _block(scope))
        kind = origin.rpartition(".")[2]
        if origin in ("starlette.routing.Mount", "fastapi.routing.Mount"):
            inner = site.keyword("routes")
            if inner is not None:
                _route_list(document, inner, scope, router, path, emit)
            else:
                emit(_mount(document, item, "starlette", router, reference(document, site.argument(1, "app"), scope), path))
        elif kind in ("Route", "APIRoute", "WebSocketRoute"):
            _emit_route(document, site, "starlette", router, path, site.argument(1, "endpoint"), _methods(document, site), emit)
        elif origin.startswith("aiohttp.web.") and kind in (*VERBS, "view", "route"):
            methods = [kind.upper()] if kind in VERBS else []
            if kind == "route" and len(item.args) > 1:
                path = prefix + path_text(document, item.args[1], scope)
            _emit_route(document, site, "aiohttp", router, path, item.args[-1], methods, emit)
        else:
            emit(_mount(document, item, "starlette", router, "", prefix))


def _methods(document: PythonDocument, site: CallSite) -> list[str]:
    given = site.keyword("methods")
    if isinstance(given, _ast.List | _ast.Tuple | _ast.Set):
        return [item.value.upper() for item in given.elts if isinstance(item, _ast.Constant) and isinstance(item.value, str)]
    return []


def _emit_route(
    document: PythonDocument,
    site: CallSite,
    framework: str,
    router: str,
    path: str,
    view: _ast.expr | None,
    methods: list[str],
    emit: Emit,
    handler: str | None = None,
) -> None:
    emit(
        Route(
            at=document.place(site.node),
            framework=framework,
            handler=handler if handler is not None else handler_reference(document, view, site.scope),
            methods=methods,
            pattern=path,
            router=router,
        )
    )


def _decorated(document: PythonDocument, emit: Emit) -> None:
    owners: list[FunctionInfo | ClassInfo] = [*document.functions, *document.classes]
    for owner in owners:
        outer = owner.scope.parent or document.scope
        for node in owner.node.decorator_list:
            if not isinstance(node, _ast.Call) or not isinstance(node.func, _ast.Attribute):
                continue
            kind = node.func.attr
            if kind not in VERBS and kind not in ("route", "api_route", "websocket", "api_operation", "view"):
                continue
            site = CallSite(node, _block(outer))
            written = site.argument(0, "path") or site.argument(0, "rule")
            path = path_text(document, written, outer)
            if written is None or not (path.startswith(("/", HOLE)) or path == "" or kind in ("route",)):
                continue
            router = reference(document, node.func.value, outer)
            framework = _framework(document, node.func.value, outer)
            if not framework and (path == "" or router.split(".", 1)[0] in _NOT_WEB):
                continue
            methods = [kind.upper()] if kind in VERBS else _methods(document, site)
            if kind == "route" and not methods and framework == "flask":
                methods = ["GET", "HEAD"]
            _emit_route(document, site, framework, router, path, None, methods, emit, f"<local>.{owner.qualname}")


_NOT_WEB = frozenset(("responses", "respx", "pytest", "click", "typer", "celery", "unittest"))
"""Libraries with decorators of the same look that serve nothing."""


def _framework(document: PythonDocument, node: _ast.expr, scope: Scope) -> str:
    origin = document.origin(node, scope) or ""
    return MAKERS.get(origin[:-2], "") if origin.endswith("()") else ""


def _children(document: PythonDocument, site: CallSite, node: _ast.expr | None) -> list[str]:
    """References of an included router; all of them when a loop runs over a literal list of routers."""
    single = reference(document, node, site.scope)
    if single or not isinstance(node, _ast.Name):
        return [single]
    loop = site.block.inside("loop")
    if loop is None or not isinstance(loop.node, _ast.For) or not isinstance(loop.node.target, _ast.Name):
        return [""]
    items = loop.node.iter
    if isinstance(items, _ast.Name):
        found = site.scope.lookup(items.id)
        bound = found[1][0].node if found is not None and len(found[1]) == 1 else None
        items = bound if isinstance(bound, _ast.expr) else items
    if loop.node.target.id != node.id or not isinstance(items, _ast.List | _ast.Tuple):
        return [""]
    return [reference(document, item, site.scope) for item in items.elts]


def _calls(document: PythonDocument, emit: Emit) -> None:
    makes = any(name in document.data for name in _NAMES)
    for site in document.calls:
        func = site.node.func
        name = func.attr if isinstance(func, _ast.Attribute) else ""
        visit = _METHODS.get(name)
        if visit is not None and isinstance(func, _ast.Attribute):
            parent = reference(document, func.value, site.scope)
            framework = _framework(document, func.value, site.scope)
            if parent and (framework or not parent.split(".", 1)[0].isidentifier() or "." in parent):
                visit(document, site, parent, framework, emit)
                continue
        if makes:
            _passed(document, site, emit)


def _include(document: PythonDocument, site: CallSite, parent: str, framework: str, emit: Emit) -> None:
    func = site.node.func
    name = func.attr if isinstance(func, _ast.Attribute) else ""
    keys: tuple[str, ...] = ()
    if name in ("mount", "add_subapp", "add_router"):
        first, node = site.argument(0, "path"), site.argument(1, "app") or site.argument(1, "router")
    else:
        first, node, keys = None, site.argument(0, "router"), ("prefix", "url_prefix")
        node = node if node is not None else site.keyword("blueprint")
    if node is None or (name == "mount" and first is None):
        return
    if name == "mount" and "://" in path_text(document, first, site.scope):
        return  # the transport adapter of an HTTP client's session
    given = next((site.keyword(key) for key in keys if site.keyword(key) is not None), first)
    prefix = path_text(document, given, site.scope) + (HOLE * 2 if site.has_star_kwargs else "")
    for child in _children(document, site, node):
        replaces = name == "register_blueprint" and given is not None
        emit(_mount(document, site.node, framework, parent, child, prefix, replaces=replaces))


def _add_route(document: PythonDocument, site: CallSite, parent: str, framework: str, emit: Emit) -> None:
    func = site.node.func
    name = func.attr if isinstance(func, _ast.Attribute) else ""
    methods = _methods(document, site)
    if name == "add_url_rule":
        path, view = site.argument(0, "rule"), site.argument(2, "view_func")
        methods = methods or ["GET", "HEAD"]
    elif name == "add_resource":
        for extra in site.node.args[1:]:
            _emit_route(document, site, framework, parent, path_text(document, extra, site.scope), site.node.args[0], [], emit)
        return
    elif name == "add_route" and len(site.node.args) == 3:
        path, view = site.node.args[1], site.node.args[2]
    else:
        path = site.argument(0, "path")
        view = site.argument(1, "endpoint") or site.argument(1, "handler") or site.argument(1, "route")
        if name.startswith("add_") and name[4:] in VERBS:
            methods = [name[4:].upper()]
    if path is not None:
        _emit_route(document, site, framework, parent, path_text(document, path, site.scope), view, methods, emit)


def _add_routes(document: PythonDocument, site: CallSite, parent: str, framework: str, emit: Emit) -> None:
    if site.node.args:
        _route_list(document, site.node.args[0], site.scope, parent, "", emit)


def _register(document: PythonDocument, site: CallSite, parent: str, framework: str, emit: Emit) -> None:
    """DRF ``router.register(prefix, viewset)``: the list, the detail and whatever actions the viewset adds."""
    if framework != "drf" or not site.node.args:
        return
    base = path_text(document, site.node.args[0], site.scope)
    view = site.argument(1, "viewset")
    for path in (f"{base}/", f"{base}/<path:rest>"):
        _emit_route(document, site, "drf", parent, path, view, [], emit)


_METHODS: dict[str, Callable[[PythonDocument, CallSite, str, str, Emit], None]] = {
    **dict.fromkeys(("include_router", "register_blueprint", "mount", "add_subapp", "add_router"), _include),
    # aiohttp has no `add_trace` (a plot has).
    **{f"add_{verb}": _add_route for verb in sorted(VERBS - {"trace"})},
    **dict.fromkeys(("add_url_rule", "add_api_route", "add_route", "add_resource", "add_api_websocket_route"), _add_route),
    "add_routes": _add_routes,
    "register": _register,
}


def _passed(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    """A router handed to some other call, by position or keyword."""
    if site.origin is None and not isinstance(site.node.func, _ast.Attribute):
        return
    given = [(str(index), arg) for index, arg in enumerate(site.node.args)]
    given += [(keyword.arg, keyword.value) for keyword in site.node.keywords if keyword.arg]
    for argument, node in given:
        if not isinstance(node, _ast.Name | _ast.Attribute):
            continue
        router = reference(document, node, site.scope)
        if not router.startswith("#") and not (router.startswith("?") and _framework(document, node, site.scope)):
            continue
        if router.startswith("#") and not _framework(document, node, site.scope):
            continue
        texts = [text(document, arg, site.scope) for _name, arg in given]
        paths = [value for value in texts if value and value.startswith("/")]
        fact = RouterPassed(at=document.place(site.node), argument=argument, callee=site.origin or "", paths=paths, router=router)
        emit(fact)


def _returned(document: PythonDocument, emit: Emit) -> None:
    for statement, block in document.statements:
        if isinstance(statement, _ast.Return) and statement.value is not None and block.scope.kind == "function":
            target = reference(document, statement.value, block.scope)
            if target.startswith("#") and _framework(document, statement.value, block.scope):
                emit(RouterAlias(at=document.place(statement), name=f"{block.scope.qualname}()", target=target))


def _compared(document: PythonDocument, emit: Emit) -> None:
    if b".path" not in document.data and b"PATH_INFO" not in document.data and b"path_info" not in document.data:
        return
    for statement, _block in document.statements:
        test = statement.test if isinstance(statement, _ast.If) else None
        stack: list[_ast.AST] = [test] if test is not None else []
        while stack:
            node = stack.pop()
            if isinstance(node, _ast.BoolOp):
                stack.extend(node.values)
            elif isinstance(node, _ast.UnaryOp):
                stack.append(node.operand)
            elif isinstance(node, _ast.Compare) and _is_request_path(node.left):
                for value in _strings(node.comparators[0]):
                    emit(PathCompared(at=document.place(node), prefix=False, value=value))
            elif isinstance(node, _ast.Call) and isinstance(node.func, _ast.Attribute) and node.func.attr == "startswith":
                if _is_request_path(node.func.value) and node.args:
                    for value in _strings(node.args[0]):
                        emit(PathCompared(at=document.place(node), prefix=True, value=value))


def _is_request_path(node: _ast.expr) -> bool:
    if isinstance(node, _ast.Attribute):
        return node.attr in ("path", "path_info")
    if isinstance(node, _ast.Subscript):
        return isinstance(node.slice, _ast.Constant) and node.slice.value in ("path", "PATH_INFO")
    return False


def _strings(node: _ast.expr) -> Iterator[str]:
    for item in node.elts if isinstance(node, _ast.List | _ast.Tuple | _ast.Set) else [node]:
        if isinstance(item, _ast.Constant) and isinstance(item.value, str) and item.value.startswith("/"):
            yield item.value


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit routers, routes, mounts and what may add more."""
    if any(name in document.data for name in _NAMES):
        _routers(document, emit)
        _returned(document, emit)
    _decorated(document, emit)
    _calls(document, emit)
    _compared(document, emit)


_NAMES = frozenset(maker.rpartition(".")[2].encode() for maker in MAKERS)
"""Without one of these words a file neither makes a router nor annotates a parameter as one."""

_PATH_CALLS = tuple(f".{verb}({quote}/" for verb in ("delete", "get", "patch", "post", "put", "route") for quote in "\"'")

EXTRACTORS = (
    Extractor(
        "python",
        ("APIRouter", "Blueprint", "FastAPI", "Flask", "aiohttp", "include_router", "ninja", "quart", "register_blueprint")
        + (
            "rest_framework",
            "starlette",
            "add_url_rule",
            "add_api_route",
            "add_routes",
            "PATH_INFO",
            "path_info",
            "request.path",
            "url.path",
            *_PATH_CALLS,
        ),
        extract,
    ),
)
