"""Functions that something may call twice: tasks, jobs, webhook receivers, signal receivers, consumers.

The repeat cause is part of the fact: what this file says about late acknowledgement, retries and limits.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, number, text
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.syntax.python import CallSite, FunctionInfo, PythonDocument

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


class WebhookCheck(Fact):
    """A function that verifies a provider's signature. `provider`: ``stripe github twilio shopify svix hmac``."""

    __slots__ = ("function", "provider")
    function: str
    provider: str


class EventIdRead(Fact):
    """A read of what tells one delivery from another: a header, or the ``id`` of an event. `root` is the origin of the event, or
    ``?name`` for a parameter of the function.
    """

    __slots__ = ("function", "name", "root")
    function: str
    name: str
    root: str


class EventPassed(Fact):
    """A whole event handed on: `callee` gets it at `argument` (position or keyword)."""

    __slots__ = ("argument", "callee", "function", "root")
    argument: str
    callee: str
    function: str
    root: str


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
    for info in document.functions:
        for origin, node in info.decorators:
            kind = _handler_type(origin)
            if kind is None and origin in _BOUND_COMMANDS(document):
                kind = "command"
            if kind is not None:
                options = _options(document, node, info)
                if kind == "task?":
                    options["origin"] = origin
                fact = Handler(
                    at=document.place(info.node),
                    function=info.qualname,
                    options=options,
                    retries=_retries(document, info),
                    type=kind,
                )
                emit(fact)
                break


def _BOUND_COMMANDS(document: PythonDocument) -> frozenset[str]:  # noqa: N802
    """``@cli.command()`` where ``cli`` is itself a decorated function of this file."""
    groups = [info.qualname for info in document.functions if any(o in ("click.group", "click.command") for o, _n in info.decorators)]
    return frozenset(f"<local>.{name}.{method}" for name in groups for method in ("command", "group"))


def _options(document: PythonDocument, node: _ast.expr, info: FunctionInfo) -> dict[str, object]:
    if not isinstance(node, _ast.Call):
        return {}
    outer = info.scope.parent or document.scope
    options: dict[str, object] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            options["**"] = "?"
            continue
        value = document.constant(keyword.value, outer)
        if value is UNKNOWN or not isinstance(value, str | int | float | bool | None):
            value = "?"
        options[keyword.arg] = value
    return options


def _retries(document: PythonDocument, info: FunctionInfo) -> list[int]:
    """Places of ``self.retry(…)`` in a bound task: the first parameter's ``retry``."""
    args = info.node.args.args
    if not args:
        return []
    found = []
    for site in document.calls:
        func = site.node.func
        if site.scope is info.scope and isinstance(func, _ast.Attribute) and func.attr == "retry":
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
                _setting(document, target.attr, statement.value, block.scope, emit)
        elif isinstance(target, _ast.Name) and target.id.startswith("CELERY_") and block.scope is document.scope:
            name = target.id[len("CELERY_") :].lower()
            _setting(document, name.removeprefix("d_") if name.startswith("d_") else name, statement.value, block.scope, emit)
    for site in document.calls:
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "update" and isinstance(func.value, _ast.Attribute):
            if func.value.attr == "conf" and (document.origin(func.value.value, site.scope) or "").endswith("Celery()"):
                for keyword in site.node.keywords:
                    if keyword.arg:
                        _setting(document, keyword.arg, keyword.value, site.scope, emit)


_GUNICORN = frozenset(("accesslog", "bind", "errorlog", "keepalive", "preload_app", "threads", "timeout", "worker_class", "workers"))


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


def _setting(document: PythonDocument, name: str, node: _ast.expr, scope: object, emit: Emit) -> None:
    value = document.constant(node, document.scope)
    if name.startswith(("task_", "worker_", "broker_", "acks_", "visibility")) and "password" not in name and "url" not in name:
        plain = value if isinstance(value, int | float | bool) else None
        emit(WorkerSetting(at=document.place(node), name=name.lower(), value=plain))


_SIGNATURES = {
    "stripe.Webhook.construct_event": "stripe",
    "stripe.WebhookSignature.verify_header": "stripe",
    "stripe.webhook.Webhook.construct_event": "stripe",
    "stripe.StripeClient().construct_event": "stripe",
    "svix.Webhook().verify": "svix",
    "svix.webhooks.Webhook().verify": "svix",
    "twilio.request_validator.RequestValidator().validate": "twilio",
    "slack_sdk.signature.SignatureVerifier().is_valid_request": "slack",
}
"""Calls that verify a provider's signature."""

_COMPARES = frozenset(("hmac.compare_digest", "secrets.compare_digest", "django.utils.crypto.constant_time_compare"))
_SIGNATURE_HEADERS = {
    "x-hub-signature": "github",
    "x-hub-signature-256": "github",
    "x-shopify-hmac-sha256": "shopify",
    "x-signature": "hmac",
    "x-webhook-signature": "hmac",
    "x-twilio-signature": "twilio",
    "paypal-transmission-sig": "paypal",
    "x-square-hmacsha256-signature": "square",
    "x-razorpay-signature": "razorpay",
    "x-paystack-signature": "paystack",
    "x-line-signature": "line",
}
"""Headers by which providers sign a request body, in lower case."""

DELIVERY_HEADERS = frozenset(
    ("x-github-delivery", "x-shopify-webhook-id", "x-shopify-event-id", "svix-id", "webhook-id", "i-twilio-idempotency-token")
    + ("x-gitlab-event-uuid", "x-event-id", "x-request-id", "paypal-transmission-id", "x-razorpay-event-id", "idempotency-key")
    + ("x-webhook-id", "x-delivery-id")
)
"""Headers that name one delivery, in lower case."""

DELIVERY_KEYS = frozenset(
    ("MessageSid", "SmsSid", "event_id", "eventId", "delivery_id", "webhook_id", "notification_id", "messageId", "MessageId")
    + ("idempotency_key", "idempotencyKey", "pspReference", "event_uuid", "message_id")
)
"""Keys of a payload that name one event by themselves."""


def _header(value: str) -> str:
    """Normalise ``HTTP_X_HUB_SIGNATURE_256`` (WSGI) and ``X-Hub-Signature-256`` to one form."""
    lower = value.lower().replace("_", "-")
    return lower.removeprefix("http-")


def _webhooks(document: PythonDocument, emit: Emit) -> None:
    headers = {function: provider for function, provider in _signature_reads(document)}
    for site in document.calls:
        origin = site.origin or ""
        provider = _SIGNATURES.get(origin)
        if provider is None and origin in _COMPARES:
            function = function_of(site.scope)
            provider = headers.get(function) or (_signed_elsewhere(headers) if b"hmac.new" in document.data else None)
        if provider is not None:
            emit(WebhookCheck(at=document.place(site.node), function=function_of(site.scope), provider=provider))


def _signed_elsewhere(headers: dict[str, str]) -> str | None:
    """A comparing helper counts when the same file reads a signature header somewhere."""
    return next(iter(headers.values()), None)


def _signature_reads(document: PythonDocument) -> Iterator[tuple[str, str]]:
    for site in document.calls:
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "get" and site.node.args:
            name = text(document, site.node.args[0], site.scope)
            if name is not None and _header(name) in _SIGNATURE_HEADERS:
                yield function_of(site.scope), _SIGNATURE_HEADERS[_header(name)]
        elif site.origin in ("fastapi.Header", "fastapi.param_functions.Header"):
            alias = text(document, site.keyword("alias"), site.scope)
            if alias is not None and _header(alias) in _SIGNATURE_HEADERS:
                yield function_of(site.scope), _SIGNATURE_HEADERS[_header(alias)]
    for node, block in document.subscripts:
        name = document.constant(node.slice, block.scope)
        if isinstance(name, str) and _header(name) in _SIGNATURE_HEADERS:
            yield function_of(block.scope), _SIGNATURE_HEADERS[_header(name)]
    for info in document.functions:
        for arg in info.parameters():
            if _header(arg.arg) in _SIGNATURE_HEADERS:
                yield info.qualname, _SIGNATURE_HEADERS[_header(arg.arg)]


def _root(document: PythonDocument, node: _ast.expr, block_scope: object) -> str:
    """Origin of the object something is read from, ``?name`` for a bare parameter."""
    from opslint.syntax.python_scope import Scope

    assert isinstance(block_scope, Scope)
    if isinstance(node, _ast.Name):
        found = block_scope.lookup(node.id)
        if found is not None and all(binding.how == "param" for binding in found[1]):
            return f"?{node.id}"
    return document.origin(node, block_scope) or ""


def _event_reads(document: PythonDocument, emit: Emit) -> None:
    if not _may_receive(document):
        return

    def note(node: _ast.expr, name: str, base: _ast.expr, scope: object, function: str) -> None:
        plain = _header(name)
        if plain in DELIVERY_HEADERS or name in DELIVERY_KEYS:
            emit(EventIdRead(at=document.place(node), function=function, name=name, root="*"))
        elif name == "id":
            root = _root(document, base, scope)
            if root:
                emit(EventIdRead(at=document.place(node), function=function, name=name, root=root))

    for node, block in document.subscripts:
        key = document.constant(node.slice, block.scope)
        if isinstance(key, str):
            note(node, key, node.value, block.scope, function_of(block.scope))
    for site in document.calls:
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "get" and site.node.args:
            key = document.constant(site.node.args[0], site.scope)
            if isinstance(key, str):
                note(site.node, key, func.value, site.scope, function_of(site.scope))
        _passes(document, site, emit)
    _attribute_reads(document, note)


def _attribute_reads(document: PythonDocument, note: Callable[[_ast.expr, str, _ast.expr, object, str], None]) -> None:
    """``event.id`` on a Name, in any statement."""
    for statement, block in document.statements:
        if not isinstance(statement, _ast.Assign | _ast.AnnAssign | _ast.Expr | _ast.Return | _ast.If | _ast.With | _ast.AsyncWith):
            continue
        stack: list[_ast.AST] = [statement.test if isinstance(statement, _ast.If) else statement]
        while stack:
            node = stack.pop()
            if isinstance(node, _ast.stmt) and node is not statement:
                continue
            if isinstance(node, _ast.Attribute) and isinstance(node.value, _ast.Name):
                if node.attr == "id" or node.attr in DELIVERY_KEYS:
                    note(node, node.attr, node.value, block.scope, function_of(block.scope))
            for field in node._fields:
                value = getattr(node, field)
                if isinstance(value, list):
                    stack.extend(item for item in value if isinstance(item, _ast.AST))
                elif isinstance(value, _ast.AST):
                    stack.append(value)


def _may_receive(document: PythonDocument) -> bool:
    return any(word in document.data for word in (b"ebhook", b"construct_event", b"compare_digest", b"ignature"))


def _passes(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    if site.origin is None or (not site.origin.startswith((".", "<local>")) and "." not in site.origin):
        return
    given = [(str(index), arg) for index, arg in enumerate(site.node.args)]
    given += [(keyword.arg, keyword.value) for keyword in site.node.keywords if keyword.arg]
    for argument, node in given:
        if isinstance(node, _ast.Name):
            root = _root(document, node, site.scope)
            if root.startswith("?") or root.endswith("()"):
                function = function_of(site.scope)
                emit(EventPassed(at=document.place(node), argument=argument, callee=site.origin, function=function, root=root))


def seconds_option(document: PythonDocument, node: _ast.expr | None) -> float | None:
    """Return a time limit in seconds, None when it is not a constant."""
    return number(document, node, document.scope)


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit handlers, worker settings, signature checks and reads of event ids."""
    _handlers(document, emit)
    _settings(document, emit)
    _gunicorn(document, emit)
    _webhooks(document, emit)
    _event_reads(document, emit)


EXTRACTORS = (
    Extractor(
        "python",
        ("CELERY_", "Celery", "worker_class", "workers", "celery", "click", "compare_digest", "construct_event", "dramatiq", "faust", "faststream", "huey")
        + ("receiver", "rq.decorators", "django_rq", "scheduled_job", "svix", "taskiq", "typer", "ebhook", ".task(", ".task\n"),
        extract,
    ),
)
