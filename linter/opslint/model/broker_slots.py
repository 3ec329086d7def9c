"""Slots of brokers that values of several tiers name alike: a Redis database, a vhost, a queue, a topic, a Kafka consumer group."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environments import tier_of
from opslint.model.identity_shapes import is_everywhere
from opslint.model.records import TIERS
from opslint.model.resource_queries import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.identities import Identity
    from opslint.model.mentions import Mention
    from opslint.model.model import DeploymentModel

BROKER_KINDS = frozenset(("queue", "slot", "topic", "vhost"))
"""Kinds of identities whose two holders take each other's messages and keys."""


class SlotUse(Record):
    """One environment's use of a slot: the setting `name`, where it is written, and all files that rests on."""

    __slots__ = ("environment", "files", "loc", "name")
    environment: str
    files: list[str]
    loc: Loc
    name: str


class SharedSlot(Record):
    """One slot that environments of two tiers or more name. `uses` are one an environment, production's last.

    `kind`: one of `BROKER_KINDS`, or ``group`` (a Kafka topic with its consumer group); `shown` a short text, "" where it may not be shown.
    """

    __slots__ = ("kind", "shown", "uses")
    kind: str
    shown: str
    uses: list[SlotUse]


def shared_slots(model: DeploymentModel) -> list[SharedSlot]:
    """Return the slots that values of two tiers name, in order of the identities; what some manifest declares is judged elsewhere."""
    declared = {found.key for found in model.identities if found.owned and found.key is not None}
    groups: dict[tuple[str, str, str], list[Identity]] = {}
    for found in model.identities:
        key = found.key
        if found.kind in BROKER_KINDS and not found.owned and key is not None and key not in declared:
            groups.setdefault(key, []).append(found)
    shared: list[SharedSlot] = []
    for same in groups.values():
        uses = _one_each(SlotUse(environment=item.environment, files=item.files, loc=item.loc, name=item.name) for item in same)
        if uses:
            shared.append(SharedSlot(kind=same[0].kind, shown=same[0].shown, uses=uses))
    return [*shared, *_kafka(model)]


def _one_each(found: Iterator[SlotUse]) -> list[SlotUse]:
    """Keep one use an environment, production's last; nothing where fewer than two tiers are left."""
    by_environment: dict[str, SlotUse] = {}
    for use in found:
        if tier_of(use.environment) != "shared":
            by_environment.setdefault(use.environment, use)
    uses = sorted(by_environment.values(), key=lambda use: (-TIERS.index(tier_of(use.environment)), use.environment))
    return uses if len({tier_of(use.environment) for use in uses}) > 1 else []


def _kafka(model: DeploymentModel) -> list[SharedSlot]:
    """Consumers of two tiers with the same servers, topic and group: each message reaches only one of them."""
    given: dict[tuple[str, str, str], dict[str, Mention]] = {}
    for found in model.mentions:
        part = _kafka_part(found)
        if part:
            given.setdefault((found.environment, found.service, found.loc[0]), {}).setdefault(part, found)
    groups: dict[tuple[str, str, str], list[SlotUse]] = {}
    for (environment, _service, _path), parts in given.items():
        if len(parts) == 3:
            key = (parts["servers"].value.digest, parts["topic"].value.digest, parts["group"].value.digest)
            group = parts["group"]
            files = sorted({path for part in parts.values() for path in part.files})
            groups.setdefault(key, []).append(SlotUse(environment=environment, files=files, loc=group.loc, name=group.name))
    return [SharedSlot(kind="group", shown="", uses=uses) for same in groups.values() if (uses := _one_each(iter(same)))]


def _kafka_part(found: Mention) -> str:
    """Return which part of a Kafka consumer a value is, "" for none; servers count where their name means one machine everywhere."""
    words = set(tokens(found.name))
    if "kafka" not in words or found.value.kind == "empty":
        return ""
    if words & {"bootstrap", "servers", "server", "brokers", "broker"}:
        return "servers" if found.value.host and is_everywhere(found.value.host) else ""
    if "group" in words:
        return "group"
    return "topic" if "topic" in words else ""
