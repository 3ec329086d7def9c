"""Where messages of a broker come in: receive loops, callbacks, functions that take a broker's message.

Every broker here delivers at least once: a message that was not acknowledged when the worker died comes again.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument

    Emit = Callable[[Fact], None]


class Receive(Fact):
    """One place where messages come in.

    `how`: ``loop`` (`function` fetches messages), ``callback`` (`handler` is the origin of what is called with each), ``takes`` (`function`
    is given one by whatever calls it). `broker` names it for people.
    """

    __slots__ = ("broker", "function", "handler", "how")
    broker: str
    function: str
    handler: str
    how: str


_BROKERS = (
    ("aio_pika.", "RabbitMQ"),
    ("aiokafka.", "Kafka"),
    ("azure.eventhub.", "Event Hubs"),
    ("azure.servicebus.", "Service Bus"),
    ("azure.storage.queue.", "Azure Storage Queue"),
    ("boto3.", "SQS"),
    ("aioboto3.", "SQS"),
    ("aiobotocore.", "SQS"),
    ("confluent_kafka.", "Kafka"),
    ("google.cloud.pubsub", "Pub/Sub"),
    ("kafka.", "Kafka"),
    ("pika.", "RabbitMQ"),
    ("redis.", "Redis Streams"),
)
_FETCHES = frozenset(
    ("basic_get", "getmany", "getone", "poll", "pull", "receive", "receive_message", "receive_messages", "xreadgroup")
    + ("consume_batch", "receive_batch")
)
"""Methods that fetch messages."""

_CALLBACKS = {
    "basic_consume": (1, "on_message_callback"),
    "consume": (0, "callback"),
    "subscribe": (1, "callback"),
    "receive": (0, "on_event"),
}
"""Methods that take what is called with each message: position and keyword."""

_MESSAGES = {
    "aio_pika.IncomingMessage()": "RabbitMQ",
    "aio_pika.abc.AbstractIncomingMessage()": "RabbitMQ",
    "aio_pika.message.IncomingMessage()": "RabbitMQ",
    "aiokafka.ConsumerRecord()": "Kafka",
    "aiokafka.structs.ConsumerRecord()": "Kafka",
    "azure.functions.QueueMessage()": "Azure Storage Queue",
    "azure.functions.ServiceBusMessage()": "Service Bus",
    "azure.servicebus.ServiceBusReceivedMessage()": "Service Bus",
    "azure.storage.queue.QueueMessage()": "Azure Storage Queue",
    "confluent_kafka.Message()": "Kafka",
    "google.cloud.pubsub_v1.subscriber.message.Message()": "Pub/Sub",
    "pika.spec.Basic.Deliver()": "RabbitMQ",
}
"""Types of a message by the origin of an instance."""

_DECORATORS = {
    "queue_trigger": "Azure Storage Queue",
    "queue_message_trigger": "Azure Storage Queue",
    "service_bus_queue_trigger": "Service Bus",
    "service_bus_topic_trigger": "Service Bus",
    "event_hub_message_trigger": "Event Hubs",
    "on_sqs_message": "SQS",
    "on_sns_message": "SNS",
    "cloud_event": "Pub/Sub",
}
_DECORATOR_ROOTS = ("azure.functions.", "chalice.", "functions_framework.")


def broker_of(origin: str) -> str:
    """Return the broker whose client an origin stands for, "" for none."""
    return next((name for root, name in _BROKERS if origin.startswith(root)), "")


def _calls(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    func = site.node.func
    if not isinstance(func, _ast.Attribute):
        return
    name, origin = func.attr, site.origin or ""
    broker = broker_of(origin)
    taken = _CALLBACKS.get(name)
    if taken is not None and (broker or name == "basic_consume"):
        callback = site.argument(*taken)
        handler = document.origin(callback, site.scope) if callback is not None else None
        if handler:
            fact = Receive(
                at=document.place(site.node),
                broker=broker or "RabbitMQ",
                function=function_of(site.scope),
                handler=handler,
                how="callback",
            )
            emit(fact)
            return
    if broker and name in _FETCHES:
        emit(Receive(at=document.place(site.node), broker=broker, function=function_of(site.scope), handler="", how="loop"))


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit where messages come in."""
    if not any(word in document.data for word in _WORDS):
        return
    for site in document.calls:
        _calls(document, site, emit)
    for statement, block in document.statements:
        # ``for message in consumer`` fetches too.
        if isinstance(statement, _ast.For | _ast.AsyncFor):
            origin = document.origin(statement.iter, block.scope) or ""
            if origin in ("kafka.KafkaConsumer()", "aiokafka.AIOKafkaConsumer()") or (
                origin.startswith("aio_pika.") and origin.endswith(".iterator()")
            ):
                emit(
                    Receive(
                        at=document.place(statement.iter),
                        broker=broker_of(origin),
                        function=function_of(block.scope),
                        handler="",
                        how="loop",
                    )
                )
    for info in document.functions:
        for origin, node in info.decorators:
            name = origin.rpartition(".")[2]
            if name in _DECORATORS and origin.startswith(_DECORATOR_ROOTS):
                emit(Receive(at=document.place(node), broker=_DECORATORS[name], function=info.qualname, handler="", how="takes"))
        outer = info.scope.parent or document.scope
        for arg in info.parameters():
            broker = _MESSAGES.get(document.instance_of(arg.annotation, outer) or "") if arg.annotation else None
            if broker:
                emit(Receive(at=document.place(arg), broker=broker, function=info.qualname, handler="", how="takes"))


_LITERALS: tuple[str, ...] = (
    "KafkaConsumer",
    "aio_pika",
    "aiokafka",
    "azure.functions",
    "azure.servicebus",
    "azure.storage.queue",
    "basic_consume",
)
_LITERALS += ("chalice", "confluent_kafka", "functions_framework", "pubsub_v1", "receive_message", "xreadgroup")
_WORDS = tuple(word.encode() for word in _LITERALS)

EXTRACTORS = (Extractor("python", _LITERALS, extract),)
