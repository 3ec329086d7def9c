"""The nouns of the neutral resource view (`opslint.model.resources`)."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.records import EnvEntry
    from opslint.model.terraform_nodes import Resource


class Queue(Record):
    """A queue. `service`: ``sqs`` or ``pubsub``. `has_dead_letter` is None when it cannot be known; `dead_letter` the resource that
    takes what failed, where it is in the repository; `visibility` in seconds (the default of the API where nothing sets it).
    """

    __slots__ = (
        "dead_letter",
        "fifo",
        "has_dead_letter",
        "is_dead_letter",
        "max_receive",
        "name",
        "resource",
        "service",
        "visibility",
        "visibility_loc",
    )
    dead_letter: Resource | None
    fifo: bool
    has_dead_letter: bool | None
    is_dead_letter: bool
    max_receive: Value
    name: Value
    resource: Resource
    service: str
    visibility: Value
    visibility_loc: Loc


class Function(Record):
    """A function. `timeout` in seconds; `code` the project directory or file that is packaged ("" when not known); `entries` its
    variables, `is_open` whether more may be set than they.
    """

    __slots__ = (
        "code",
        "entries",
        "handler",
        "is_open",
        "memory",
        "name",
        "resource",
        "runtime",
        "timeout",
        "timeout_loc",
    )
    code: str
    entries: list[EnvEntry]
    handler: Value
    is_open: bool
    memory: Value
    name: Value
    resource: Resource
    runtime: Value
    timeout: Value
    timeout_loc: Loc


class EventSource(Record):
    """What feeds a function: `queue` and `function` where they are in the same root or template, `source` the value as written."""

    __slots__ = (
        "batch_size",
        "batch_window",
        "function",
        "loc",
        "queue",
        "resource",
        "response_types",
        "source",
    )
    batch_size: Value
    batch_window: Value
    function: Function | None
    loc: Loc
    queue: Queue | None
    resource: Resource
    response_types: Value
    source: Value


class Alarm(Record):
    """An alarm: `actions` is what it tells (Absent or a known empty list: nobody), `enabled` whether its actions are on."""

    __slots__ = ("actions", "enabled", "enabled_loc", "metric", "resource")
    actions: Value
    enabled: Value
    enabled_loc: Loc
    metric: Value
    resource: Resource


class Stateful(Record):
    """A resource that holds data. `label` says what it is in a message; `reasons` are ``(message, place)`` why a destroy loses the data;
    `unknown` says what kept the answer open ("" when nothing did); `is_state` marks a bucket of Terraform state.
    """

    __slots__ = ("is_state", "label", "reasons", "resource", "unknown")
    is_state: bool
    label: str
    reasons: list[tuple[str, Loc]]
    resource: Resource
    unknown: str
