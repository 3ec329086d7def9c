"""Which router object an expression means.

A *reference* is a string: ``#app`` (bound in this module; ``#create_app.app`` inside a function, ``#Server.app`` on ``self``),
``?register:app`` (a parameter: who calls decides), an open origin (``.routes.health.router``, ``<local>.create_app()``) that the link
follows, or "" when it cannot be told.
"""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.syntax.python import PythonDocument
    from opslint.syntax.python_scope import Scope

MAKERS = {
    "aiohttp.web.Application": "aiohttp",
    "aiohttp.web.RouteTableDef": "aiohttp",
    "apiflask.APIBlueprint": "flask",
    "apiflask.APIFlask": "flask",
    "fastapi.APIRouter": "fastapi",
    "fastapi.FastAPI": "fastapi",
    "fastapi.applications.FastAPI": "fastapi",
    "fastapi.routing.APIRouter": "fastapi",
    "flask.Blueprint": "flask",
    "flask.Flask": "flask",
    "flask.app.Flask": "flask",
    "flask.blueprints.Blueprint": "flask",
    "flask_restful.Api": "flask-restful",
    "flask_smorest.Blueprint": "flask",
    "ninja.NinjaAPI": "fastapi",
    "ninja.Router": "fastapi",
    "quart.Blueprint": "flask",
    "quart.Quart": "flask",
    "rest_framework.routers.DefaultRouter": "drf",
    "rest_framework.routers.SimpleRouter": "drf",
    "starlette.applications.Starlette": "starlette",
    "starlette.routing.Router": "starlette",
}
"""What makes an application or a router, and whose rules it follows."""


def maker_of(document: PythonDocument, node: _ast.AST | None, scope: Scope) -> str | None:
    """Return the framework when an expression makes a router."""
    if not isinstance(node, _ast.Call):
        return None
    return MAKERS.get(document.origin(node.func, scope) or "")


def reference(document: PythonDocument, node: _ast.expr | None, scope: Scope, hops: int = 0) -> str:
    """Return the reference of the router an expression means, "" when it cannot be told."""
    if isinstance(node, _ast.Name) and hops < 6:
        return _name(document, node, scope, hops)
    if isinstance(node, _ast.Attribute):
        base = node.value
        if isinstance(base, _ast.Name) and base.id in ("self", "cls"):
            return _own_attribute(document, node.attr, scope, hops)
        if node.attr in ("router", "urls"):
            # ``app.router`` (aiohttp, FastAPI) and ``router.urls`` (DRF) stand for the object itself.
            inner = reference(document, base, scope, hops + 1)
            if inner.startswith(("#", "?")):
                return inner
        return document.origin(node, scope) or ""
    if isinstance(node, _ast.Call):
        return document.origin(node, scope) or ""
    return ""


def _name(document: PythonDocument, node: _ast.Name, scope: Scope, hops: int) -> str:
    found = scope.lookup(node.id)
    if found is None:
        return ""
    home, bindings = found
    prefix = f"{home.qualname}." if home.qualname else ""
    if any(maker_of(document, binding.node, home) for binding in bindings):
        return f"#{prefix}{node.id}"
    last = bindings[-1]
    if last.how == "import":
        return last.target
    if last.how == "param" and home.kind == "function":
        return f"?{home.qualname}:{node.id}"
    if last.how in ("value", "param") and isinstance(last.node, _ast.List | _ast.Tuple | _ast.BinOp):
        return f"#{prefix}{node.id}"
    if last.how == "value" and isinstance(last.node, _ast.expr):
        return reference(document, last.node, home, hops + 1)
    return ""


def _own_attribute(document: PythonDocument, attr: str, scope: Scope, hops: int) -> str:
    owner = scope.enclosing_class()
    if owner is None:
        return ""
    for value, where in owner.attributes.get(attr, ()):
        if maker_of(document, value, where):
            return f"#{owner.qualname}.{attr}"
        if hops < 6 and isinstance(value, _ast.Name | _ast.Call):
            return reference(document, value, where, hops + 1)
    return f"#{owner.qualname}.{attr}" if attr in owner.bindings else ""


def handler_reference(document: PythonDocument, node: _ast.expr | None, scope: Scope) -> str:
    """Return the origin of a view: ``<local>.f``, ``.views.health``, ``.views.Health.as_view()``, ``<lambda>``, "" when unknown."""
    if isinstance(node, _ast.Lambda):
        return "<lambda>"
    if isinstance(node, _ast.Call) and not (isinstance(node.func, _ast.Attribute) and node.func.attr.startswith("as_view")):
        # A decorator called around the view: ``csrf_exempt(view)``.
        if len(node.args) == 1 and isinstance(node.args[0], _ast.Name | _ast.Attribute | _ast.Call):
            return handler_reference(document, node.args[0], scope)
        return ""
    return document.origin(node, scope) or ""
