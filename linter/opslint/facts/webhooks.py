"""Receivers of webhooks: who verifies a provider's signature, and who reads what tells one delivery from another."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, text
from opslint.syntax.python import LEAVES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Scope

    Emit = Callable[[Fact], None]


class WebhookCheck(Fact):
    """A function that verifies a provider's signature.

    `provider`: ``stripe github twilio shopify svix hmac``, ``gateway`` when it reads a signature and another verifies.
    """

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
    if not _may_receive(document):
        return
    headers = dict(_signature_reads(document))
    for site in document.calls:
        origin = site.origin or ""
        provider = _SIGNATURES.get(origin)
        if provider is None and origin in _COMPARES:
            function = function_of(site.scope)
            provider = headers.get(function) or (_signed_elsewhere(headers) if b"hmac.new" in document.data else None)
        if provider is not None:
            emit(WebhookCheck(at=document.place(site.node), function=function_of(site.scope), provider=provider))
    _signed_forms(document, emit)


_FORMS = ("POST", "GET", "data", "form", "args", "json", "query_params", "headers")
_OPEN_VIEWS = ("django.views.decorators.csrf.csrf_exempt",)


def _signed_forms(document: PythonDocument, emit: Emit) -> None:
    """A view that Django lets anyone post to and that reads a signature from the request: a gateway notifies it, whatever verifies it."""
    if b"csrf_exempt" not in document.data:
        return
    exempt = {info.qualname for info in document.functions if any(origin in _OPEN_VIEWS for origin, _node in info.decorators)}
    for site in document.calls:
        func = site.node.func
        if not exempt or not isinstance(func, _ast.Attribute) or func.attr != "get" or not site.node.args:
            continue
        name = text(document, site.node.args[0], site.scope)
        function = function_of(site.scope)
        holder = func.value.attr if isinstance(func.value, _ast.Attribute) else ""
        if name is not None and function in exempt and holder in _FORMS and _is_signature(name):
            exempt.discard(function)
            emit(WebhookCheck(at=document.place(site.node), function=function, provider="gateway"))


def _is_signature(name: str) -> bool:
    words = name.lower().replace("-", "_").split("_")
    return words[-1] in ("signature", "hmac", "sign") or name.lower().endswith("signature")


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
        key = document.constant(node.slice, block.scope)
        if isinstance(key, str) and _header(key) in _SIGNATURE_HEADERS:
            yield function_of(block.scope), _SIGNATURE_HEADERS[_header(key)]
    for info in document.functions:
        for arg in info.parameters():
            if _header(arg.arg) in _SIGNATURE_HEADERS:
                yield info.qualname, _SIGNATURE_HEADERS[_header(arg.arg)]


def _root(document: PythonDocument, node: _ast.expr, scope: Scope) -> str:
    """Origin of the object something is read from, ``?name`` for a bare parameter."""
    if isinstance(node, _ast.Name):
        found = scope.lookup(node.id)
        if found is not None and all(binding.how == "param" for binding in found[1]):
            return f"?{node.id}"
    return document.origin(node, scope) or ""


def _event_reads(document: PythonDocument, emit: Emit) -> None:
    receives = _may_receive(document)

    def note(node: _ast.expr, name: str, base: _ast.expr, scope: Scope, function: str) -> None:
        plain = _header(name)
        if plain in DELIVERY_HEADERS or name in DELIVERY_KEYS:
            emit(EventIdRead(at=document.place(node), function=function, name=name, root="*"))
        elif name == "id":
            root = _root(document, base, scope)
            # Elsewhere only a parameter can hold an event, handed on by the receiver.
            if root and (receives or root.startswith("?")):
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
        if receives:
            _passes(document, site, emit)
    if receives or b"event.id" in document.data:
        _attribute_reads(document, note)


def _attribute_reads(document: PythonDocument, note: Callable[[_ast.expr, str, _ast.expr, Scope, str], None]) -> None:
    """``event.id`` on a Name, in any statement."""
    for statement, block in document.statements:
        if not isinstance(
            statement, _ast.Assign | _ast.AnnAssign | _ast.Expr | _ast.Return | _ast.If | _ast.With | _ast.AsyncWith
        ):
            continue
        stack: list[_ast.AST] = [statement.test if isinstance(statement, _ast.If) else statement]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind in LEAVES or (node is not statement and isinstance(node, _ast.stmt)):
                continue
            if kind is _ast.Attribute:
                attribute: _ast.Attribute = node  # type: ignore[assignment]
                if type(attribute.value) is _ast.Name:
                    if attribute.attr == "id" or attribute.attr in DELIVERY_KEYS:
                        note(attribute, attribute.attr, attribute.value, block.scope, function_of(block.scope))
                else:
                    stack.append(attribute.value)
                continue
            for field in node._fields:
                value = getattr(node, field)
                if value.__class__ is list:
                    stack.extend(item for item in value if type(item) not in LEAVES)
                elif type(value) not in LEAVES:
                    stack.append(value)


def _may_receive(document: PythonDocument) -> bool:
    data = document.data
    if b"csrf_exempt" in data and b"ignature" in data:
        return True
    return any(word in data for word in (b"ebhook", b"construct_event", b"compare_digest"))


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


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit signature checks, reads of event ids, and events handed on."""
    _webhooks(document, emit)
    _event_reads(document, emit)


def _wanted(_document: PythonDocument, _emit: Emit) -> None:
    """Nothing by itself: its literals are why a file without any other strong one is parsed at all."""


EXTRACTORS = (
    Extractor("python", ("compare_digest", "construct_event", "csrf_exempt", "ebhook", "svix"), _wanted),
    # A receiver hands its event to functions of files that never say webhook.
    Extractor("python", (), extract, weak=True),
)
