"""Readers, objects and settings classes that one file defines and another uses, with and without the prescreen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opslint.model.env_reads import Read

    ReadsOf = Callable[[dict[str, str]], list[Read]]

_READER = "import os\n\n\ndef need(name):\n    return os.environ[name]\n"
_ENV = "import environ\n\nenv = environ.Env(DEBUG=(bool, False))\n"


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"app/conf.py": _READER, "app/use.py": 'from app.conf import need\nX = need("X_A")'}, {"X_A": "raises"}),
        ({"app/conf.py": _READER, "app/use.py": 'from .conf import need as n\nX = n("X_A")'}, {"X_A": "raises"}),
        ({"app/conf.py": _READER, "app/use.py": 'from app import conf\nX = conf.need("X_A")'}, {"X_A": "raises"}),
        ({"app/conf.py": _READER, "app/use.py": 'from .conf import *\nX = need("X_A")'}, {"X_A": "raises"}),
        (
            {
                "app/conf.py": _READER,
                "app/use.py": 'from .conf import need\ntry:\n    X = need("X_A")\nexcept KeyError:\n    X = ""',
            },
            {"X_A": "handled"},
        ),
        (
            {"app/conf.py": 'import os\ndef need(name):\n    return os.environ[f"APP_{name}"]\nX = need("URL")'},
            {"APP_URL": "raises"},
        ),
        (
            {"app/conf.py": _READER + '\n\ndef whole(name):\n    return int(need(name))\n\n\nX = whole("X_A")'},
            {"X_A": "raises"},
        ),
        (
            {
                "app/conf.py": "import os\n\n\ndef need(key, default=None):\n    if key not in os.environ:\n        return default\n"
                "    return int(os.environ[key])\n",
                "app/use.py": 'from .conf import need\nX = need("X_A", 1)\nY = need("X_B")\nuse(Y)\n',
            },
            {"X_A": "default", "X_B": "none"},
        ),
        (
            {
                "app/conf.py": "import os\n\n\ndef need(key, required=False):\n    found = os.environ.get(key)\n"
                "    if required and not found:\n        raise RuntimeError\n    try:\n        return int(found or 0)\n"
                "    except ValueError:\n        raise RuntimeError from None\n",
                "app/use.py": 'from .conf import need\nX = need("X_A")\nuse(X)\n',
            },
            {"X_A": "none"},
        ),
        ({"app/env.py": _ENV, "app/use.py": 'from app.env import env\nX = env("X_A")'}, {"X_A": "raises"}),
        ({"app/env.py": _ENV, "app/use.py": 'from app.env import env\nX = env("DEBUG")'}, {"DEBUG": "default"}),
        ({"app/env.py": _ENV, "app/use.py": 'from .env import env\nX = env.bool("X_A", False)'}, {"X_A": "default"}),
        ({"app/env.py": _ENV, "app/use.py": 'from .env import env\nX = env("X_A", int)'}, {"X_A": "raises"}),
        ({"app/env.py": _ENV, "app/use.py": "from .env import env\nX = env.db()"}, {"DATABASE_URL": "raises"}),
        (
            {"app/base.py": _ENV, "app/prod.py": 'from .base import *\nX = env.str("X_A")'},
            {"X_A": "raises"},
        ),
        (
            {
                "app/env.py": 'from starlette.config import Config\nconfig = Config(env_prefix="APP_")\n',
                "app/use.py": 'from app.env import config\nX = config("URL")',
            },
            {"APP_URL": "raises"},
        ),
        (
            {
                "app/conf.py": "from pydantic_settings import BaseSettings\nclass Conf(BaseSettings):\n    url: str\n",
                "app/use.py": "from functools import lru_cache\nfrom app.conf import Conf\n@lru_cache\ndef conf():\n    return Conf()\n",
            },
            {"URL": "raises"},
        ),
    ],
)
def test_use_in_another_file(reads_of: ReadsOf, files: dict[str, str], names: dict[str, str]) -> None:
    assert {read.name: read.missing for read in reads_of({"app/__init__.py": "", **files})} == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('import os\nfor name in ("X_A", "X_B"):\n    print(os.environ[name])', {"X_A": "raises", "X_B": "raises"}),
        (
            'import os\nNEEDED = ["X_A", "X_B"]\nmissing = [n for n in NEEDED if not os.getenv(n)]\nif missing:\n    raise RuntimeError(missing)',
            {"X_A": "raises", "X_B": "raises"},
        ),
        ('import os\nNEEDED = ["X_A"]\nmissing = [n for n in NEEDED if not os.getenv(n)]\nprint(missing)', {"X_A": "handled"}),
        ('import os\nfor n in ["X_A"]:\n    if not os.getenv(n):\n        raise SystemExit(n)', {"X_A": "raises"}),
        ('import os\nif "X_A" in os.environ:\n    start()', {"X_A": "handled"}),
        ('import os\nx = os.environ.pop("X_A")', {"X_A": "raises"}),
        ('import os\nx = os.environ.pop("X_A", None)\nuse(x)', {"X_A": "none"}),
        ('from os import environ, getenv\nx = environ["X_A"]\ny = int(getenv("X_B"))', {"X_A": "raises", "X_B": "raises"}),
    ],
)
def test_forms(reads_of: ReadsOf, source: str, names: dict[str, str]) -> None:
    assert {read.name: read.missing for read in reads_of({"app/use.py": source})} == names


@pytest.mark.parametrize(
    ("line", "parse"),
    [
        ('int(os.getenv("X_A", "1"))', "int"),
        ('os.getenv("X_A", "") == "True"', "=True"),
        ('os.getenv("X_A", "").lower() == "true"', "=~true"),
        ('os.getenv("X_A", "").strip().lower() in ("1", "true")', "=~1|true"),
        ('os.getenv("X_A", "true") != "false"', "!false"),
        ('os.getenv("X_A", "") == "prod"', ""),
        ('os.getenv("X_A") == "1" or os.getenv("X_A") == "true"', ""),
        ('config("X_A", default=1, cast=int)', "int"),
        ('config("X_A", default=False, cast=bool)', "flag-or-empty"),
        ('env.int("X_A", default=1)', "int"),
        ('env.bool("X_A", default=True)', ""),
    ],
)
def test_how_the_text_is_parsed(reads_of: ReadsOf, line: str, parse: str) -> None:
    source = f"import os\nimport environ\nfrom decouple import config\nenv = environ.Env()\nx = {line}\n"
    assert {read.name: read.parse for read in reads_of({"app/use.py": source})} == {"X_A": parse}


@pytest.mark.parametrize("body", ['logger.warning("no bucket")\n    return None', "raise RuntimeError"])
def test_a_missing_one_that_is_logged_is_noticed(reads_of: ReadsOf, body: str) -> None:
    source = "import logging\nimport os\nlogger = logging.getLogger(__name__)\ndef f():\n    bucket = os.getenv('X_A')\n"
    source += f"    if not bucket:\n        {body.replace(chr(10), chr(10) + '    ')}\n"
    (read,) = reads_of({"app/use.py": source})
    assert (read.missing, read.noticed) == (("handled", True) if "logger" in body else ("raises", False))


_PROJECT = {
    "Dockerfile": 'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nCMD ["python", "main.py"]\n',
    "docker-compose.prod.yml": "services:\n  app:\n    build: .\n    environment: {MODE: fast}\n",
    "main.py": "import late\nimport conf\nimport made\n",
    "conf.py": _READER.replace("return", "mode = os.environ['MODE']\n    return"),
    "late.py": 'import conf\nX = conf.need("X_LATE")\n',
    "shapes.py": "from pydantic_settings import BaseSettings\n\n\nclass Conf(BaseSettings):\n    x_made: str\n",
    "made.py": "from shapes import Conf\n\nconf = Conf()\n",
}


@pytest.mark.parametrize("no_prescreen", [False, True])
def test_the_prescreen_hides_no_use(tmp_path: Path, no_prescreen: bool) -> None:
    for name, text in _PROJECT.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = run_options(
        paths=[str(tmp_path)], root=str(tmp_path), select=["env-required-but-not-set"], no_cache=True, no_prescreen=no_prescreen
    )
    result = run(options)
    assert [(item.path, item.message.split("`")[1]) for item in result.findings] == [
        ("late.py", "X_LATE"),
        ("shapes.py", "X_MADE"),
    ]


def test_a_read_under_a_test_of_its_own_name_is_handled(reads_of: ReadsOf) -> None:
    source = "import environ, os\nenv = environ.Env()\nif os.environ.get('X_A'):\n    x = env.tuple('X_A')\n"
    assert {read.missing for read in reads_of({"app/use.py": source})} == {"handled"}


@pytest.mark.parametrize("command", ['"python", "manage.py", "runserver"', '"gunicorn", "shop.wsgi"'])
@pytest.mark.parametrize("chosen", ["shop.production", "shop.checks", "shop.elsewhere", None])
def test_settings_that_are_chosen_take_the_place_of_the_default_ones(tmp_path: Path, chosen: str | None, command: str) -> None:
    files = {
        "Dockerfile": f"FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nCMD [{command}]\n",
        "shop/wsgi.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.production")\n',
        "manage.py": "import os\nfrom django.core.management import execute_from_command_line\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.production")\nexecute_from_command_line([])\n',
        "shop/__init__.py": "",
        "shop/production.py": 'import os\nKEY = os.environ["SHOP_KEY"]\nMODE = os.environ["MODE"]\n',
        "shop/checks.py": 'import os\nMODE = os.environ["MODE"]\n',
        "docker-compose.yml": "services:\n  shop:\n    build: .\n    environment:\n      MODE: fast\n"
        + (f"      DJANGO_SETTINGS_MODULE: {chosen}\n" if chosen else ""),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = run(run_options(paths=[str(tmp_path)], root=str(tmp_path), select=["env-required-but-not-set"], no_cache=True))
    assert [item.path for item in result.findings] == ([] if chosen == "shop.checks" else ["shop/production.py"])


@pytest.mark.parametrize(
    "apps",
    ['LOCAL = ["mail"]\nINSTALLED_APPS = ["django.contrib.admin"] + LOCAL\n', 'INSTALLED_APPS = ["mail.apps.MailConfig"]\n'],
)
def test_tasks_of_installed_apps_are_reached(tmp_path: Path, apps: str) -> None:
    files = {
        "Dockerfile": 'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nCMD ["gunicorn", "shop.wsgi"]\n',
        "shop/__init__.py": "",
        "shop/wsgi.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
        "shop/settings.py": f'import os\nMODE = os.environ["MODE"]\n{apps}',
        "mail/__init__.py": "",
        "mail/apps.py": "class MailConfig: ...\n",
        "mail/tasks.py": 'import os\nTOKEN = os.environ["MAIL_TOKEN"]\n',
        "docker-compose.yml": "services:\n  shop:\n    build: .\n    environment:\n      MODE: fast\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = run(run_options(paths=[str(tmp_path)], root=str(tmp_path), select=["env-required-but-not-set"], no_cache=True))
    assert [item.path for item in result.findings] == ["mail/tasks.py"]
