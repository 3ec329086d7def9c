"""Routes: what each framework's code serves, with prefixes and mounts joined across files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.model.records import Entry
from opslint.model.route_patterns import matches, segments_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.model.model import DeploymentModel
    from opslint.model.route_table import RouteTable

    Table = Callable[[dict[str, str], str, str], RouteTable]


@pytest.fixture
def table(model_of: Callable[[dict[str, str]], DeploymentModel]) -> Table:
    """The route table of an application named as a server's command names it."""

    def make(files: dict[str, str], entry: str, app: str) -> RouteTable:
        made = Entry(app=app, files=[], loc=("Dockerfile", 0), modules=[entry], role="web", server="uvicorn", words=[])
        return model_of(files).routes.of_entries([made])

    return make


def paths(found: RouteTable) -> set[str]:
    return {route.path for route in found.routes}


def test_fastapi_prefixes_across_files_and_settings(table: Table) -> None:
    found = table(
        {
            "app/__init__.py": "",
            "app/config.py": "class Settings:\n    API: str = '/api/v1'\n\n\nsettings = Settings()\n",
            "app/users.py": "from fastapi import APIRouter\n\nrouter = APIRouter(prefix='/users')\n\n\n@router.get('/{user_id}')\ndef one(user_id: int):\n    return {}\n",
            "app/routers.py": "from fastapi import APIRouter\nfrom app.users import router as users\n\napi = APIRouter()\napi.include_router(users)\n",
            "app/main.py": "from fastapi import FastAPI\nfrom app.config import settings\nfrom app.routers import api\n\n\ndef create_app() -> FastAPI:\n    app = FastAPI()\n    app.include_router(api, prefix=settings.API)\n    return app\n\n\napp = create_app()\n",
        },
        "app/main.py",
        "app.main:app",
    )
    assert "/api/v1/users/{user_id}" in paths(found)
    assert found.complete
    route = found.match("/api/v1/users/7")
    assert route is not None and route.handler is not None and route.handler.qualname == "one"
    assert found.match("/api/v1/users/7/") is not None, "Starlette redirects a trailing slash"
    assert found.match("/users/7") is None
    assert found.match("/docs") is not None


def test_routers_registered_by_a_function(table: Table) -> None:
    found = table(
        {
            "app/__init__.py": "",
            "app/setup.py": "from app.health import router\n\n\ndef register(application):\n    application.include_router(router, prefix='/internal')\n",
            "app/health.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n@router.get('/health')\nasync def health():\n    return {}\n",
            "app/main.py": "from fastapi import FastAPI\nfrom app.setup import register\n\napp = FastAPI()\nregister(app)\n",
        },
        "app/main.py",
        "app.main:app",
    )
    assert "/internal/health" in paths(found)
    assert found.complete


def test_flask_blueprints(table: Table) -> None:
    found = table(
        {
            "app/__init__.py": "",
            "app/views.py": "from flask import Blueprint\n\nbp = Blueprint('bp', __name__, url_prefix='/old')\n\n\n@bp.route('/items/<int:key>')\ndef item(key):\n    return ''\n",
            "app/main.py": "from flask import Flask\nfrom app.views import bp\n\napp = Flask(__name__)\napp.register_blueprint(bp, url_prefix='/new')\napp.add_url_rule('/ping', view_func=lambda: 'ok')\n",
        },
        "app/main.py",
        "app.main:app",
    )
    assert {"/new/items/<int:key>", "/ping"} <= paths(found)
    assert found.match("/new/items/3") is not None
    assert found.match("/old/items/3") is None
    assert found.match("/ping/") is None, "Flask does not take a slash away"


def test_django_includes_views_and_regexes(table: Table) -> None:
    found = table(
        {
            "shop/__init__.py": "",
            "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\n",
            "shop/urls.py": "from django.contrib import admin\nfrom django.urls import include, path, re_path\n\nurlpatterns = [\n    path('admin/', admin.shop.urls),\n    path('core/', include('core.urls')),\n    re_path(r'^items/(?P<key>\\d+)/$', 'x'),\n]\n",
            "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n",
            "core/__init__.py": "",
            "core/urls.py": "from django.urls import path\nfrom core.views import Health\n\nurlpatterns = [path('health/', Health.as_view())]\n",
            "core/views.py": "from django.views import View\n\n\nclass Health(View):\n    def get(self, request):\n        return None\n",
        },
        "shop/wsgi.py",
        "shop.wsgi:application",
    )
    assert found.complete
    health = found.match("/core/health")
    assert health is not None and health.handler is not None and health.handler.qualname == "Health.get"
    assert found.match("/items/12/") is not None
    assert found.match("/items/12/more") is None
    assert found.match("/admin/anything/at/all") is not None, "a mounted application may serve anything below its prefix"


def test_a_table_is_open_when_anything_could_serve_more(table: Table) -> None:
    main = "from fastapi import FastAPI\nfrom library import router\n\napp = FastAPI()\napp.include_router(router)\n"
    found = table({"main.py": main}, "main.py", "main:app")
    assert not found.complete and found.why_open
    handed = "from flask import Flask\nfrom library import extend\n\napp = Flask(__name__)\nextend(app)\n\n\n@app.get('/x')\ndef x():\n    return ''\n"
    assert not table({"main.py": handed}, "main.py", "main:app").complete
    computed = "import os\nfrom fastapi import FastAPI, APIRouter\n\nrouter = APIRouter(prefix=os.environ['P'])\napp = FastAPI()\napp.include_router(router)\n"
    assert not table({"main.py": computed}, "main.py", "main:app").complete


def test_aiohttp_and_starlette(table: Table) -> None:
    aio = "from aiohttp import web\n\n\nasync def ok(request):\n    return web.Response()\n\n\napp = web.Application()\napp.router.add_get('/ok', ok)\napp.add_routes([web.get('/more/{name}', ok)])\n"
    found = table({"main.py": aio}, "main.py", "main:app")
    assert {"/ok", "/more/{name}"} <= paths(found) and found.complete
    star = "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\n\n\nasync def ok(request):\n    return None\n\n\napp = Starlette(routes=[Route('/ok', ok), Mount('/sub', routes=[Route('/in', endpoint=ok)])])\n"
    found = table({"main.py": star}, "main.py", "main:app")
    assert {"/ok", "/sub/in"} == paths(found) and found.complete


@pytest.mark.parametrize(
    ("pattern", "framework", "asked", "served"),
    [
        ("/a/{b}/c", "fastapi", "/a/x/c", True),
        ("/a/{b:path}", "starlette", "/a/x/y/z", True),
        ("/files/<path:name>", "flask", "/files/a/b", True),
        ("health/", "django", "/health", True),
        ("health", "django", "/health/", False),
        ("/ok", "aiohttp", "/ok/", False),
        ("/v{version}/x", "fastapi", "/v1/x", True),
        ("re:^api/(?:v1|v2)/status/?$", "django", "/api/v1/status", True),
        ("re:^open/.*", "django", "/open/a/b", True),
        ("", "django", "/", True),
    ],
)
def test_patterns(pattern: str, framework: str, asked: str, served: bool) -> None:
    assert matches(segments_of(pattern, framework), asked, framework) is served
