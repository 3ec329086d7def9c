"""Calls that wait, retries, silent excepts: what leaves a fact and what must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.facts.clients import ClientCall
from opslint.facts.effects import FunctionEffects
from opslint.facts.exceptions import SilentExcept
from opslint.facts.handlers import Handler
from opslint.facts.http import HttpCall, TimedCall
from opslint.facts.retries import RetryLimit, UnboundedRetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.fact import Fact
    from opslint.model.model import DeploymentModel

    Facts = Callable[[str], list[Fact]]
    Models = Callable[[dict[str, str]], DeploymentModel]


def of(facts: list[Fact], kind: type[Fact]) -> list[Fact]:
    return [fact for fact in facts if type(fact) is kind]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import requests as r\nr.get(u)", 1),
        ("from requests import get as fetch\nfetch(u)", 1),
        ("import requests\nrequests.get(u, timeout=None)", 1),
        ("import requests\nrequests.get(u, timeout=(3, None))", 1),
        ("import requests\nrequests.get(u, **{'headers': h})", 1),
        ("import requests\nrequests.get(u, **options)", 0),
        ("import requests\nrequests.get(u, timeout=limit)", 0),
        ("import requests\nwith requests.Session() as s:\n    s.post(u)", 1),
        ("import requests\ndef f(s: requests.Session):\n    s.get(u)", 1),
        (
            "import requests\nclass C:\n    def __init__(self):\n        self.s = requests.Session()\n    def f(self):\n        self.s.get(u)",
            1,
        ),
        ("from urllib.request import urlopen\nurlopen(u, None, 5)", 0),
        ("from urllib.request import urlopen\nurlopen(u)", 1),
        ("import httpx\nhttpx.get(u)", 0),
        ("import httpx\nhttpx.AsyncClient(timeout=httpx.Timeout(None))", 1),
        ("import httpx\nhttpx.AsyncClient(timeout=httpx.Timeout(None, connect=3))", 0),
        ("import aiohttp\naiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0))", 1),
        ("import urllib3\np = urllib3.PoolManager()\np.request('GET', u)", 1),
        ("import urllib3\np = urllib3.PoolManager(timeout=3)\np.request('GET', u)", 0),
        ("session = {}\nsession.get('a')", 0),
        ("import os\nos.environ.get('A')", 0),
    ],
)
def test_http(facts_of: Facts, code: str, count: int) -> None:
    assert len(of(facts_of(code), HttpCall)) == count


def test_known_limits_are_kept(facts_of: Facts) -> None:
    facts = of(facts_of("import requests\nT = 5\nrequests.get(u, timeout=(2, T * 4))"), TimedCall)
    assert [fact.seconds for fact in facts] == [22.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import redis\nredis.Redis.from_url(u)", 1),
        ("import redis\nredis.Redis(socket_timeout=3)", 0),
        ("import redis\nredis.from_url('redis://h?socket_timeout=3')", 0),
        ("import smtplib\nsmtplib.SMTP('h', 25, None, 5)", 0),
        ("import smtplib\nsmtplib.SMTP('h')", 1),
        ("import psycopg2\npsycopg2.connect(**o)", 0),
        ("from sqlalchemy import create_engine\ncreate_engine(url)", 0),
        ("from sqlalchemy import create_engine\ncreate_engine('postgresql://h/d')", 1),
        ("from sqlalchemy import create_engine\ncreate_engine('sqlite://')", 0),
    ],
)
def test_clients(facts_of: Facts, code: str, count: int) -> None:
    assert len(of(facts_of(code), ClientCall)) == count


LOOP = "import requests\ndef f():\n    while True:\n        {before}\n        try:\n            {body}\n        except OSError:\n            {handler}\n"


@pytest.mark.parametrize(
    ("before", "body", "handler", "count"),
    [
        ("x = 1", "return requests.get(u)", "pass", 1),
        ("x = 1", "return requests.get(u)", "raise", 0),
        ("if late(): raise TimeoutError", "return requests.get(u)", "pass", 0),
        ("x = 1", "requests.get(u)", "pass", 0),
        ("x = 1", "return requests.get(u)", "sys.exit(1)", 0),
    ],
)
def test_loops(facts_of: Facts, before: str, body: str, handler: str, count: int) -> None:
    assert len(of(facts_of(LOOP.format(before=before, body=body, handler=handler)), UnboundedRetry)) == count


@pytest.mark.parametrize(
    ("decorator", "unbounded", "attempts"),
    [
        ("tenacity.retry", 1, []),
        ("tenacity.retry()", 1, []),
        ("tenacity.retry(stop=tenacity.stop_never)", 1, []),
        ("tenacity.retry(stop=tenacity.stop_after_attempt(3))", 0, [3.0]),
        ("tenacity.retry(**policy)", 0, []),
        ("backoff.on_exception(backoff.expo, OSError)", 1, []),
        ("backoff.on_exception(backoff.expo, OSError, max_tries=4)", 0, [4.0]),
        ("stamina.retry(on=OSError)", 0, []),
        ("stamina.retry(on=OSError, attempts=None, timeout=None)", 1, []),
    ],
)
def test_retry_decorators(facts_of: Facts, decorator: str, unbounded: int, attempts: list[float]) -> None:
    facts = facts_of(f"import backoff, stamina, tenacity\n@{decorator}\ndef f():\n    pass\n")
    assert len(of(facts, UnboundedRetry)) == unbounded
    assert [fact.attempts for fact in of(facts, RetryLimit)] == attempts  # type: ignore[attr-defined]


TRY = "import requests\ndef f(x):\n    try:\n        {body}\n    except {error}:\n        {handler}\n    return True\n"


@pytest.mark.parametrize(
    ("body", "error", "handler", "how"),
    [
        ("requests.get(x)", "Exception", "pass", ["pass"]),
        ("requests.get(x)", "(OSError, Exception)", "return None", ["default"]),
        ("requests.get(x)", "Exception as e", "print(e)", ["print"]),
        ("requests.get(x)", "OSError", "pass", []),
        ("requests.get(x)", "Exception", "log.warning('x')", []),
        ("requests.get(x)", "Exception", "return False", []),
        ("x.close()", "Exception", "pass", []),
        ("import fast", "Exception", "fast = None", []),
        ("y = int(x)", "Exception", "y = 0", []),
        ("requests.get(x)", "Exception", "state['up'] = 'down'", []),
    ],
)
def test_silent_excepts(facts_of: Facts, body: str, error: str, handler: str, how: list[str]) -> None:
    facts = of(facts_of(TRY.format(body=body, error=error, handler=handler)), SilentExcept)
    assert [fact.how for fact in facts] == how  # type: ignore[attr-defined]


def test_marks_stand_in_source_order(facts_of: Facts) -> None:
    code = (
        "from django.core.mail import send_mail\nfrom .models import Row\n\n\ndef f(key):\n"
        "    if Row.objects.filter(key=key).exists():\n        return\n    Row.objects.create(key=key)\n    send_mail('a', 'b', 'c', ['d'])\n"
    )
    marks = of(facts_of(code), FunctionEffects)[0].marks  # type: ignore[attr-defined]
    assert [(group, what) for group, what, _origin, _place in marks if group not in ("asks", "call")] == [
        ("dedup", "lookup"),
        ("effect", "create"),
        ("effect", "mail"),
    ]


@pytest.mark.parametrize(
    ("sql", "mark"),
    [
        ("INSERT INTO t VALUES (1)", ("effect", "insert")),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", ("dedup", "conflict")),
        ("UPDATE t SET n = n + 1 WHERE id = 1", ("effect", "relative")),
        ("UPDATE t SET n = 1 WHERE n + 1 = 2", None),
        ("SELECT 1", None),
    ],
)
def test_sql(facts_of: Facts, sql: str, mark: tuple[str, str] | None) -> None:
    facts = of(facts_of(f"def f(cursor):\n    cursor.execute({sql!r})\n"), FunctionEffects)
    found = [(row[0], row[1]) for fact in facts for row in fact.marks]  # type: ignore[attr-defined]
    assert found == ([mark] if mark else [])


def test_tasks_and_their_reasons(model_of: Models) -> None:
    model = model_of(
        {
            "app/__init__.py": "",
            "app/celery.py": "from celery import Celery\n\napp = Celery('app')\napp.conf.update(task_acks_late=True)\n",
            "app/tasks.py": "from app.celery import app\n\n\n@app.task(bind=True, max_retries=3)\ndef t(self):\n    self.retry()\n",
        }
    )
    task = model.handlers.tasks[0]
    assert task.function.qualname == "t"
    assert [note for _loc, note in task.causes] == ["all tasks are acknowledged late", "retries itself"]
    assert model.facts(Handler)[0].options["max_retries"] == 3


def test_touches_are_followed_to_depth_three(model_of: Models) -> None:
    chain = "".join(f"def f{n}():\n    f{n + 1}()\n\n\n" for n in range(5))
    model = model_of({"m.py": f"import psycopg2\n\n\n{chain}def f5():\n    psycopg2.connect('x')\n"})
    functions = {name: model.python.function("m.py", name) for name in ("f1", "f2")}
    assert functions["f1"] is not None and functions["f2"] is not None
    assert model.handlers.touches(functions["f1"]) == []
    touch = model.handlers.touches(functions["f2"])[0]
    assert (touch.kind, len(touch.chain)) == ("database", 4)


def test_versions(model_of: Models) -> None:
    from opslint.model.drivers import _bounded, _numbers

    assert _numbers("5.2.1") == (5, 2, 1)
    assert _numbers("8.0rc1") == (8, 0)
    assert _bounded(">=4,<6", (8,)) is True
    assert _bounded("~=5.0", (8,)) is True
    assert _bounded(">=8", (8,)) is False
    assert _bounded(">=5", (8,)) is None
    assert _bounded("", (8,)) is None
    assert model_of({}).drivers.waiting == []
