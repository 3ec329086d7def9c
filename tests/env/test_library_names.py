"""The names that each library asks the environment for, as the installed library gave them.

Each row was run in a virtual environment: the environment was replaced by a mapping that notes what it is asked for, and set to one
candidate at a time to see which one arrives. The settings classes were also checked with 1,200 random ones (prefixes, cases, aliases,
bases, nested models): each starts with exactly the names found here, and with none of them left out. Versions: django-environ 0.14.0, environs 15.2.0, python-decouple 3.8, starlette 1.10.0,
dj-database-url 3.1.2, click 8.5.1, typer 0.29.2, Flask 3.1.3, dynaconf 3.3.5, pydantic-settings 2.16.3 (pydantic 2.14.4), pydantic 1.10.27.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.model.env_reads import EnvReads, Read

    ReadsOf = Callable[[dict[str, str]], list[Read]]

_DJANGO_ENVIRON = "import environ\nenv = environ.Env()\n"
_ENVIRONS = "from environs import Env\nenv = Env()\n"
_DECOUPLE = "from decouple import config, Config, AutoConfig, RepositoryEmpty, Csv\n"
_STARLETTE = "from starlette.config import Config\nconfig = Config()\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (f'{_DJANGO_ENVIRON}x = env("X_A")', {"X_A": "raises"}),
        ('import environ\nenv = environ.Env(X_A=(bool, False))\nx = env("X_A")', {"X_A": "default"}),
        ('import environ\nenv = environ.Env(**{"X_A": (bool, False)})\nx = env("X_A")', {"X_A": "default"}),
        ('import environ\nenv = environ.Env(X_A=bool)\nx = env("X_A")', {"X_A": "raises"}),
        (f'{_DJANGO_ENVIRON}x = env("X_A", default=None)\nuse(x)', {"X_A": "none"}),
        (f'{_DJANGO_ENVIRON}x = env("X_A", str)', {"X_A": "raises"}),
        (f'{_DJANGO_ENVIRON}x = env("X_A", str, "d")', {"X_A": "default"}),
        (f'{_DJANGO_ENVIRON}x = env.bool("X_A", True)', {"X_A": "default"}),
        (f'{_DJANGO_ENVIRON}x = env.list("X_A", str)', {"X_A": "raises"}),
        (f'{_DJANGO_ENVIRON}x = env.list("X_A", str, [])', {"X_A": "default"}),
        (f'{_DJANGO_ENVIRON}x = env.get_value("X_A")', {"X_A": "raises"}),
        (f"{_DJANGO_ENVIRON}x = env.db()", {"DATABASE_URL": "raises"}),
        (f'{_DJANGO_ENVIRON}x = env.db("X_A")', {"X_A": "raises"}),
        (f'{_DJANGO_ENVIRON}x = env.db_url("X_A", "sqlite:///a")', {"X_A": "default"}),
        (f'{_DJANGO_ENVIRON}x = env.cache(default="dummycache://")', {"CACHE_URL": "default"}),
        (f"{_DJANGO_ENVIRON}x = env.email_url()", {"EMAIL_URL": "raises"}),
        (f"{_DJANGO_ENVIRON}x = env.search_url()", {"SEARCH_URL": "raises"}),
        (f"{_DJANGO_ENVIRON}x = env.channels()", {"CHANNELS_URL": "raises"}),
        (f'{_DJANGO_ENVIRON}env.prefix = "APP_"\nx = env("X_A")', {"APP_X_A": "raises"}),
        (f'{_DJANGO_ENVIRON}env.read_env(".env")\nx = env.parse_value("a", str)', {}),
        (f'{_ENVIRONS}x = env("X_A")', {"X_A": "raises"}),
        (f'{_ENVIRONS}x = env("X_A", "d")', {"X_A": "default"}),
        (f'{_ENVIRONS}x = env.list("X_A", [])', {"X_A": "default"}),
        (f'{_ENVIRONS}x = env.list("X_A", subcast=int)', {"X_A": "raises"}),
        (
            f'{_ENVIRONS}with env.prefixed("APP_"):\n    x = env.str("X_A")\n    with env.prefixed("DB_"):\n        y = env.str("Y_A")\n'
            'z = env.str("Z_A")',
            {"APP_X_A": "raises", "APP_DB_Y_A": "raises", "Z_A": "raises"},
        ),
        ('from environs import Env\nenv = Env(prefix="APP_")\nx = env.str("X_A")', {"APP_X_A": "raises"}),
        ('from environs import env\nx = env.str("X_A")', {"X_A": "raises"}),
        (f'{_DECOUPLE}x = config("X_A")', {"X_A": "raises"}),
        (f'{_DECOUPLE}x = config("X_A", default="d")', {"X_A": "default"}),
        (f'{_DECOUPLE}x = config("X_A", "d")', {"X_A": "default"}),
        (f'{_DECOUPLE}x = config("X_A", cast=Csv())', {"X_A": "raises"}),
        (f'{_DECOUPLE}x = AutoConfig()("X_A")', {"X_A": "raises"}),
        (f'{_DECOUPLE}x = Config(RepositoryEmpty()).get("X_A", "d")', {"X_A": "default"}),
        (f'{_STARLETTE}x = config("X_A")', {"X_A": "raises"}),
        (f'{_STARLETTE}x = config("X_A", str)', {"X_A": "raises"}),
        (f'{_STARLETTE}x = config("X_A", str, "d")', {"X_A": "default"}),
        (f'{_STARLETTE}x = config.get("X_A")', {"X_A": "raises"}),
        (
            'from starlette.config import Config\nconfig = Config(env_prefix="APP_")\nx = config("X_A")',
            {"APP_X_A": "raises"},
        ),
        ("import dj_database_url\nx = dj_database_url.config()", {"DATABASE_URL": "none"}),
        ('import dj_database_url\nx = dj_database_url.config(env="X_A", default="sqlite:///a")', {"X_A": "default"}),
    ],
)
def test_calls(reads_of: ReadsOf, source: str, names: dict[str, str]) -> None:
    assert {read.name: read.missing for read in reads_of({"app/settings.py": source})} == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('import click\n@click.command()\n@click.option("--n", envvar="X_A", required=True)\ndef f(n): ...', ["X_A"]),
        (
            'import click\n@click.command()\n@click.option("--n", envvar=["X_A", "X_B"], default="q")\ndef f(n): ...',
            ["X_A", "X_B"],
        ),
        ('import click\n@click.command()\n@click.argument("n", envvar="X_A")\ndef f(n): ...', ["X_A"]),
        ('import typer\ndef f(n: str = typer.Option("d", envvar="X_A")): ...', ["X_A"]),
        (
            'import typer\nfrom typing import Annotated\ndef f(n: Annotated[str, typer.Option(envvar=["X_A", "X_B"])] = "z"): ...',
            ["X_A", "X_B"],
        ),
        ('import flask\napp = flask.Flask("x")\napp.config.from_envvar("X_A")', ["X_A"]),
    ],
)
def test_options(reads_of: ReadsOf, source: str, names: list[str]) -> None:
    (read,) = reads_of({"app/cli.py": source})
    assert [read.name, *read.aliases] == names


@pytest.mark.parametrize(
    ("source", "families"),
    [
        ("from dynaconf import Dynaconf\nsettings = Dynaconf()", ["DYNACONF_"]),
        ('from dynaconf import Dynaconf\nsettings = Dynaconf(envvar_prefix="SHOP")', ["SHOP_"]),
        ('from dynaconf import Dynaconf\nsettings = Dynaconf(envvar_prefix="shop,WEB")', ["SHOP_", "WEB_"]),
        ("from dynaconf import Dynaconf\nsettings = Dynaconf(envvar_prefix=False)", [""]),
        ('import flask\napp = flask.Flask("x")\napp.config.from_prefixed_env()', ["FLASK_"]),
        ('import flask\napp = flask.Flask("x")\napp.config.from_prefixed_env("SHOP")', ["SHOP_"]),
        ('import click\n@click.command(context_settings={"auto_envvar_prefix": "SHOP"})\ndef f(): ...', ["SHOP_"]),
        ('import os\nx = {k: v for k, v in os.environ.items() if k.startswith("SHOP_")}', ["SHOP_"]),
        ("import os\nx = dict(os.environ)", []),
    ],
)
def test_families(env_reads: Callable[[dict[str, str]], EnvReads], source: str, families: list[str]) -> None:
    assert env_reads({"app/settings.py": source}).families == families


_TWO = "from pydantic_settings import BaseSettings, SettingsConfigDict\nfrom pydantic import BaseModel, Field, AliasChoices, AliasPath\n"
_TWO += "from typing import Annotated, ClassVar, Optional\n"
_PREFIXED = f'{_TWO}class A(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="APP_")\n    url: str\n'
_SUB = "class Sub(BaseModel):\n    host: str\n    port: int = 1\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (f"{_PREFIXED}a = A()", ["APP_URL"]),
        (f"{_PREFIXED}class B(A):\n    extra: str\nb = B()", ["APP_EXTRA", "APP_URL"]),
        (
            f'{_PREFIXED}class B(A):\n    model_config = SettingsConfigDict(env_prefix="SUB_")\n    extra: str\nb = B()',
            ["SUB_EXTRA", "SUB_URL"],
        ),
        (
            f"{_PREFIXED}class B(A):\n    model_config = SettingsConfigDict(case_sensitive=True)\n    extra: str\nb = B()",
            ["APP_extra", "APP_url"],
        ),
        (
            f'{_PREFIXED}class O(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="TWO_")\n    b: str\n'
            "class M(A, O):\n    c: str\nm = M()",
            ["TWO_B", "TWO_C", "TWO_URL"],
        ),
        (
            f'{_TWO}class D(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="APP_")\n    a: str = Field(alias="the_a")\n'
            '    b: str = Field(validation_alias="THE_B")\n    c: str = Field(validation_alias=AliasChoices("C1", "C2"))\n'
            '    d: str = Field(validation_alias=AliasPath("DD", 0))\n    e: str = Field(serialization_alias="EE")\nd = D()',
            ["APP_E", "C1", "DD", "THE_A", "THE_B"],
        ),
        (
            f'{_TWO}class D(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="APP_", case_sensitive=True)\n    a: str\n'
            '    B: str = Field(alias="ThE_b")\nd = D()',
            ["APP_a", "ThE_b"],
        ),
        (
            f'{_TWO}{_SUB}class N(BaseSettings):\n    model_config = SettingsConfigDict(env_nested_delimiter="__", env_prefix="APP_")\n'
            "    db: Sub\nn = N()",
            ["APP_DB__HOST"],
        ),
        (
            f'{_TWO}class Sub(BaseModel):\n    host: str = Field(alias="hostname")\nclass N(BaseSettings):\n'
            '    model_config = SettingsConfigDict(env_nested_delimiter="__")\n    db: Sub\nn = N()',
            ["DB__HOSTNAME"],
        ),
        (
            f'{_TWO}{_SUB}class N(BaseSettings):\n    model_config = SettingsConfigDict(env_nested_delimiter="__")\n'
            '    db: Sub = Field(alias="DATABASE")\nn = N()',
            ["DATABASE__HOST"],
        ),
        (f"{_TWO}{_SUB}class N(BaseSettings):\n    db: Sub\nn = N()", ["DB"]),
        (
            f'{_TWO}class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="DBS_")\n    host: str\n'
            "class N(BaseSettings):\n    db: S\nn = N()",
            ["DB"],
        ),
        (
            f'{_TWO}class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="DBS_")\n    host: str\n'
            "class N(BaseSettings):\n    db: S = Field(default_factory=S)\nn = N()",
            ["DBS_HOST"],
        ),
        (
            f"{_TWO}class O(BaseSettings):\n    a: Optional[str]\n    b: Optional[str] = None\n    c: str | None\n    d: list[str]\n"
            '    e: bool\n    f: Annotated[str, Field(default="q")]\n    g: Annotated[str, Field(alias="GEE")]\n    h: str = Field(...)\n'
            '    i: str = Field(default_factory=str)\n    j: ClassVar[str]\n    _k: str = "1"\no = O()',
            ["A", "C", "D", "E", "GEE", "H"],
        ),
        (f'{_TWO}class P(BaseSettings, env_prefix="KW_"):\n    a: str\np = P()', ["KW_A"]),
        (f'{_TWO}class P(BaseSettings):\n    class Config:\n        env_prefix = "CFG_"\n    a: str\np = P()', ["CFG_A"]),
        (f'{_TWO}class P(BaseSettings):\n    model_config = {{"env_prefix": "DICT_"}}\n    a: str\np = P()', ["DICT_A"]),
        (f'{_TWO}class T(BaseSettings):\n    a: str = Field(env="TEE")\nt = T()', ["A"]),
        (f'{_TWO}class U(BaseSettings):\n    a: str\nu = U(_env_prefix="CALL_")', ["CALL_A"]),
        (f"{_TWO}class Mix(BaseModel):\n    z: str\nclass V(Mix, BaseSettings): ...\nv = V()", ["Z"]),
        (
            f'{_TWO}class Y(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="APP_", env_prefix_target="all")\n'
            '    a: str = Field(alias="the_a")\ny = Y()',
            ["APP_THE_A"],
        ),
    ],
)
def test_required_of_pydantic_2(reads_of: ReadsOf, source: str, names: list[str]) -> None:
    assert sorted({read.name for read in reads_of({"app/settings.py": source}) if read.required}) == names


@pytest.mark.parametrize(
    ("field", "config", "required"),
    [
        ("a: str = None", "", True),
        ("a: str | None = None", "", False),
        ('a: str = ""', "", False),
        ("a: str = None", "    model_config = SettingsConfigDict(validate_default=False)\n", False),
    ],
)
def test_a_default_of_none_is_refused_by_pydantic_2(reads_of: ReadsOf, field: str, config: str, required: bool) -> None:
    (read,) = reads_of({"app/settings.py": f"{_TWO}class D(BaseSettings):\n{config}    {field}\nd = D()"})
    assert read.required is required
    older = f"{_ONE}class D(BaseSettings):\n    {field}\nd = D()"
    assert [read.required for read in reads_of({"app/settings.py": older})] == [False]


def test_alternatives_of_pydantic_2(reads_of: ReadsOf) -> None:
    source = f'{_TWO}class D(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="APP_", populate_by_name=True)\n'
    source += '    a: str = Field(alias="the_a")\n    b: str = Field(validation_alias=AliasChoices("B1", "B2"))\nd = D()'
    found = {read.name: read.aliases for read in reads_of({"app/settings.py": source})}
    assert found == {"THE_A": ["APP_A"], "B1": ["B2", "APP_B"]}


_ONE = "from pydantic import BaseSettings, BaseModel, Field\nfrom typing import Optional\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (f'{_ONE}class A(BaseSettings):\n    url: str\n    class Config:\n        env_prefix = "APP_"\na = A()', ["APP_URL"]),
        (
            f'{_ONE}class D(BaseSettings):\n    a: str = Field(..., env="THE_A")\n    b: str = Field(..., env=["B1", "B2"])\n'
            '    c: str = Field(..., alias="CEE")\n    d: str\n    class Config:\n        env_prefix = "APP_"\n'
            '        fields = {"d": {"env": "DEE"}}\nd = D()',
            ["APP_C", "B1", "DEE", "THE_A"],
        ),
        (f"{_ONE}class E(BaseSettings):\n    a: str\n    class Config:\n        case_sensitive = True\ne = E()", ["a"]),
        (
            f"{_ONE}class Sub(BaseModel):\n    host: str\nclass N(BaseSettings):\n    db: Sub\n    class Config:\n"
            '        env_nested_delimiter = "__"\n        env_prefix = "APP_"\nn = N()',
            ["APP_DB__HOST"],
        ),
        (
            f'{_ONE}class O(BaseSettings):\n    a: Optional[str]\n    b: str = Field(...)\n    c: str = Field("q")\no = O()',
            ["B"],
        ),
    ],
)
def test_required_of_pydantic_1(reads_of: ReadsOf, source: str, names: list[str]) -> None:
    assert sorted({read.name for read in reads_of({"app/settings.py": source}) if read.required}) == names


def test_unknown_prefix_is_no_name(reads_of: ReadsOf) -> None:
    source = f"{_TWO}from app.names import PREFIX\nclass A(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix=PREFIX)\n    a: str\na = A()"
    assert reads_of({"app/settings.py": source}) == []
