"""What happens when a variable is missing, by how its read is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.base.fact import Fact
from opslint.facts import env
from opslint.facts.env import EnvRead
from opslint.facts.env_defaults import default_kind
from opslint.syntax.python import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.model.env_reads import Read


def _reads(source: str) -> dict[str, EnvRead]:
    found: list[Fact] = []
    document = read(source.encode())
    for extractor in env.EXTRACTORS:
        extractor.extract(document, found.append)
    return {fact.name: fact for fact in found if isinstance(fact, EnvRead)}


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ('x = os.environ["V_X"]', "raises"),
        ('x = int(os.getenv("V_X"))', "raises"),
        ('x = os.getenv("V_X").split(",")', "raises"),
        ('x = "a" + os.getenv("V_X")', "raises"),
        ('x = os.getenv("V_X")\nprint(x.strip())', "raises"),
        ('x = os.getenv("V_X")\nif not x:\n    raise RuntimeError("V_X")', "raises"),
        ('x = os.getenv("V_X", "")\nif not x:\n    raise RuntimeError("V_X")', "raises"),
        ('x = os.getenv("V_X")\nif x is None:\n    sys.exit(1)', "raises"),
        ('if not os.getenv("V_X"):\n    raise RuntimeError', "raises"),
        ('x = os.getenv("V_X")\nif x:\n    use(x)', "handled"),
        ('x = os.getenv("V_X") or "default"', "default"),
        ('x = os.getenv("V_X") or other()', "handled"),
        ('if os.getenv("V_X"):\n    start()', "handled"),
        ('try:\n    x = os.environ["V_X"]\nexcept KeyError:\n    x = ""', "handled"),
        ('try:\n    x = os.environ["V_X"]\nexcept KeyError:\n    raise RuntimeError("no")', "raises"),
        ('if "V_X" in os.environ:\n    x = os.environ["V_X"]', "handled"),
        ('x = os.environ["V_X"] if "V_X" in os.environ else ""', "handled"),
        ('client(key=os.getenv("V_X"))', "none"),
        ('x = os.getenv("V_X", "eu-west-1")', "default"),
        ('x = os.getenv("V_X", "")\nprint(x)', "default"),
        ('x = os.environ.get("V_X", None)\nuse(x)', "none"),
        ('x = config("V_X")', "raises"),
        ('x = config("V_X", default="a")', "default"),
        ('x = envy("V_X")', "raises"),
        ('x = envy.str("V_X", default="a")', "default"),
    ],
)
def test_missing(line: str, missing: str) -> None:
    source = f"import os, sys\nimport environ\nfrom decouple import config\nenvy = environ.Env()\n{line}\n"
    assert _reads(source)["V_X"].missing == missing


def test_default_kinds() -> None:
    source = 'import os\nA = os.getenv("DB_HOST", "localhost")\nB = os.getenv("SECRET_KEY", "change")\nC = os.getenv("MODE", "fast")\nD = os.getenv("E_X", "")\n'
    kinds = {name: fact.default_kind for name, fact in _reads(source).items()}
    assert kinds == {"DB_HOST": "development", "SECRET_KEY": "secret", "MODE": "harmless", "E_X": "empty"}
    assert _reads(source)["SECRET_KEY"].default is None


def test_field_given_by_keyword_is_not_required(reads_of: Callable[[dict[str, str]], list[Read]]) -> None:
    source = (
        "from pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class S(BaseSettings):\n"
        '    model_config = SettingsConfigDict(env_prefix="APP_")\n'
        "    db_url: str\n    port: int = 8000\n    inner: str\n"
        'settings = S(inner="x")\n'
    )
    found = {read.name: (read.required, read.import_time, read.parse) for read in reads_of({"app/settings.py": source})}
    assert found == {"APP_DB_URL": (True, True, ""), "APP_PORT": (False, True, "int"), "APP_INNER": (False, True, "")}


CONTEXTS = """
import os
URL = os.getenv("DATABASE_URL")
if URL:
    pass
else:
    HOST = os.getenv("DB_HOST", "localhost")
PART = os.getenv("PG_HOST", "localhost")
DSN = os.getenv("PG_DSN", f"postgresql://{PART}")
def alternatives():
    found = os.environ.get("FIRST_X")
    if not found:
        found = os.environ.get("SECOND_X")
    return found
KEY = os.getenv("SECRET_KEY", "change-me-now")
if KEY == "change-me-now":
    raise RuntimeError
if os.getenv("MODE_X") == "production":
    LATE = os.getenv("LATE_X", "localhost")
"""


def test_what_a_read_is_only_the_fallback_of() -> None:
    reads = _reads(CONTEXTS)
    assert reads["DB_HOST"].instead == ["DATABASE_URL"]
    assert reads["PG_HOST"].instead == ["PG_DSN"]
    assert (reads["FIRST_X"].instead, reads["SECOND_X"].instead) == (["SECOND_X"], ["FIRST_X"])
    assert reads["SECRET_KEY"].default_kind == "refused"
    assert [name for name, read in reads.items() if read.guarded] == ["LATE_X"]


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("A_HOST", "172.17.0.1", "development"),
        ("A_HOSTS", "localhost,127.0.0.1", "development"),
        ("A_HOSTS", "localhost,shop.example.org", "harmless"),
        ("ADMIN_MAIL", "root@localhost", "harmless"),
        ("DB_URL", "postgresql+asyncpg://u:p@localhost:5432/x", "development"),
        ("DB_URL", "sqlite+aiosqlite:///./x.db", "development"),
        ("APP_DEBUG", "True", "development"),
        ("JWT_SECRET_KEY", "change-this", "secret"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30", "harmless"),
        ("OPENAI_API_KEY", "EMPTY", "harmless"),
        ("S3_SECRET_ID", "abc", "harmless"),
    ],
)
def test_kinds_of_defaults(name: str, value: str, kind: str) -> None:
    assert default_kind(name, value) == kind
