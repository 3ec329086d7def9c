"""Functions that something may call twice: tasks, jobs, signal receivers, consumers; and what workers are told.

The repeat cause is part of the fact: what this file says about late acknowledgement, retries and limits.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import calls_by_scope
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, FunctionInfo, PythonDocument
    from opslint.syntax.python_scope import Scope

    Emit = Callable[[Fact], None]


class Handler(Fact):
    """One handler.

    `type`: ``celery rq dramatiq arq huey signal cron consumer lambda command``. `options` holds what the decorator says as constants
    (``acks_late``, ``max_retries``, ``soft_time_limit``…; the text ``?`` for one that is not a constant). `retries`: places of
    ``self.retry(…)`` and of automatic retries.
    """

    __slots__ = ("function", "options", "retries", "type")
    function: str
    options: dict[str, object]
    retries: list[int]
    type: str


class WorkerSetting(Fact):
    """One setting of a Celery application (``task_acks_late``) or of gunicorn (``gunicorn.timeout``); `value` None: not a constant."""

    __slots__ = ("name", "value")
    name: str
    value: object


_TASKS = {
    "celery.shared_task": "celery",
    "celery.task": "celery",
    "celery.decorators.task": "celery",
    "dramatiq.actor": "dramatiq",
    "rq.decorators.job": "rq",
    "django_rq.job": "rq",
    "huey.contrib.djhuey.task": "huey",
    "huey.contrib.djhuey.db_task": "huey",
    "huey.contrib.djhuey.periodic_task": "huey",
    "huey.contrib.djhuey.db_periodic_task": "huey",
    "procrastinate.task": "celery",
    "django.dispatch.receiver": "signal",
    "django.dispatch.dispatcher.receiver": "signal",
    "click.command": "command",
    "click.group": "command",
    "invoke.task": "command",
    "invoke.tasks.task": "command",
}
"""Decorators by their origin."""

_TASK_METHODS = {
    "celery.Celery()": {"task": "celery"},
    "celery.app.Celery()": {"task": "celery"},
    "huey.RedisHuey()": {"task": "huey", "periodic_task": "huey"},
    "huey.SqliteHuey()": {"task": "huey", "periodic_task": "huey"},
    "apscheduler.schedulers.background.BackgroundScheduler()": {"scheduled_job": "cron"},
    "apscheduler.schedulers.asyncio.AsyncIOScheduler()": {"scheduled_job": "cron"},
    "faust.App()": {"agent": "consumer", "timer": "cron", "crontab": "cron"},
    "faststream.rabbit.RabbitBroker()": {"subscriber": "consumer"},
    "faststream.kafka.KafkaBroker()": {"subscriber": "consumer"},
    "taskiq.InMemoryBroker()": {"task": "celery"},
    "typer.Typer()": {"command": "command", "callback": "command"},
    "click.group()": {"command": "command"},
}
"""Decorators that are methods of an application object."""


def _handler_type(origin: str) -> str | None:
    found = _TASKS.get(origin)
    if found is not None:
        return found
    head, _, method = origin.rpartition(".")
    methods = _TASK_METHODS.get(head)
    if methods is not None:
        return methods.get(method)
    # ``@celery_app.task`` where the application lives in another module: decided at link by its origin.
    if (method == "task" and head.startswith((".", "<local>"))) or (method == "task" and head and not head.endswith("()")):
        return "task?"
    return None


def _handlers(document: PythonDocument, emit: Emit) -> None:
    calls = calls_by_scope(document)
    commands = _bound_commands(document)
    for info in document.functions:
        for origin, node in info.decorators:
            kind = _handler_type(origin)
            if kind is None and origin in commands:
                kind = "command"
            if kind is not None:
                options = _options(document, node, info)
                if kind == "task?":
                    options["origin"] = origin
                fact = Handler(
                    at=document.place(info.node),
                    function=info.qualname,
                    options=options,
                    retries=_retries(document, info, calls.get(id(info.scope), [])),
                    type=kind,
                )
                emit(fact)
                break


def _bound_commands(document: PythonDocument) -> frozenset[str]:
    """``@cli.command()`` where ``cli`` is itself a decorated function of this file."""
    groups = [
        info.qualname for info in document.functions if any(o in ("click.group", "click.command") for o, _n in info.decorators)
    ]
    return frozenset(f"<local>.{name}.{method}" for name in groups for method in ("command", "group"))


def _options(document: PythonDocument, node: _ast.expr, info: FunctionInfo) -> dict[str, object]:
    if not isinstance(node, _ast.Call):
        return {}
    outer = info.scope.parent or document.scope
    options: dict[str, object] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            options.update(_unpacked(document, keyword.value, outer))
        else:
            options[keyword.arg] = _option(document, keyword.value, outer)
    return options


def _option(document: PythonDocument, node: _ast.expr, scope: Scope) -> object:
    value = document.constant(node, scope)
    return "?" if value is UNKNOWN or not isinstance(value, str | int | float | bool | None) else value


def _unpacked(document: PythonDocument, node: _ast.expr, scope: Scope, hops: int = 0) -> dict[str, object]:
    """What ``**RETRY`` gives, when it is a mapping written in this file (a display, ``dict(…)``, or one that unpacks another)."""
    if isinstance(node, _ast.Name):
        found = scope.lookup(node.id)
        if found is None or len(found[1]) != 1 or found[1][0].how != "value" or hops > 4:
            return {"**": "?"}
        value = found[1][0].node
        return _unpacked(document, value, found[0], hops + 1) if isinstance(value, _ast.expr) else {"**": "?"}
    pairs: list[tuple[_ast.expr | None, _ast.expr]] = []
    if isinstance(node, _ast.Dict):
        pairs = list(zip(node.keys, node.values, strict=True))
    elif isinstance(node, _ast.Call) and isinstance(node.func, _ast.Name) and node.func.id == "dict" and not node.args:
        pairs = [(_ast.Constant(value=word.arg) if word.arg else None, word.value) for word in node.keywords]
    else:
        return {"**": "?"}
    options: dict[str, object] = {}
    for key, value in pairs:
        if key is None:
            options.update(_unpacked(document, value, scope, hops + 1) if hops <= 4 else {"**": "?"})
        elif isinstance(key, _ast.Constant) and isinstance(key.value, str):
            options[key.value] = _option(document, value, scope)
    return options


def _retries(document: PythonDocument, info: FunctionInfo, calls: list[CallSite]) -> list[int]:
    """Places of ``self.retry(…)`` in a bound task: the first parameter's ``retry``."""
    args = info.node.args.args
    if not args:
        return []
    found = []
    for site in calls:
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "retry":
            if isinstance(func.value, _ast.Name) and func.value.id == args[0].arg:
                found.append(document.place(site.node))
    return found


def _settings(document: PythonDocument, emit: Emit) -> None:
    for statement, block in document.statements:
        if not isinstance(statement, _ast.Assign) or len(statement.targets) != 1:
            continue
        target = statement.targets[0]
        if isinstance(target, _ast.Attribute) and isinstance(target.value, _ast.Attribute) and target.value.attr == "conf":
            if (document.origin(target.value.value, block.scope) or "").endswith("Celery()"):
                _setting(document, target.attr, statement.value, emit)
        elif isinstance(target, _ast.Name) and target.id.startswith("CELERY_") and block.scope is document.scope:
            name = target.id[len("CELERY_") :].lower()
            _setting(document, name.removeprefix("d_") if name.startswith("d_") else name, statement.value, emit)
    for site in document.calls:
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "update" and isinstance(func.value, _ast.Attribute):
            if func.value.attr == "conf" and (document.origin(func.value.value, site.scope) or "").endswith("Celery()"):
                for keyword in site.node.keywords:
                    if keyword.arg:
                        _setting(document, keyword.arg, keyword.value, emit)


_GUNICORN = frozenset(
    ("accesslog", "bind", "errorlog", "keepalive", "preload_app", "threads", "timeout", "worker_class", "workers")
)


def _gunicorn(document: PythonDocument, emit: Emit) -> None:
    """A gunicorn configuration is a module that binds several of gunicorn's settings."""
    bound = document.scope.bindings
    if len(_GUNICORN & bound.keys()) < 2 or not ({"bind", "workers"} & bound.keys()):
        return
    for name in ("timeout", "worker_class"):
        node = bound[name][-1].node if name in bound else None
        if isinstance(node, _ast.expr):
            value = document.constant(node, document.scope)
            plain = value if isinstance(value, int | float | str) else None
            emit(WorkerSetting(at=document.place(node), name=f"gunicorn.{name}", value=plain))


def _setting(document: PythonDocument, name: str, node: _ast.expr, emit: Emit) -> None:
    value = document.constant(node, document.scope)
    if name.startswith(("task_", "worker_", "broker_", "acks_", "visibility")) and "password" not in name and "url" not in name:
        plain = value if isinstance(value, int | float | bool) else None
        emit(WorkerSetting(at=document.place(node), name=name.lower(), value=plain))


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit handlers and worker settings."""
    _handlers(document, emit)
    _settings(document, emit)
    _gunicorn(document, emit)


EXTRACTORS = (
    Extractor(
        "python",
        (
            "CELERY_",
            "Celery",
            "worker_class",
            "workers",
            "celery",
            "click",
            "compare_digest",
            "construct_event",
            "dramatiq",
            "faust",
            "faststream",
            "huey",
            "invoke",
        )
        + ("receiver", "rq.decorators", "django_rq", "scheduled_job", "taskiq", "typer", ".task(", ".task\n"),
        extract,
    ),
)
