"""Route handlers that receive webhooks: do they look at which event it is?"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.webhooks import EventIdRead, EventPassed, WebhookCheck

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.facts.modules import Function
    from opslint.model.handlers import Effect, Handlers, Reached


class Webhook(Record):
    """A route handler that verifies a provider's signature. `reads` are places where it reads what tells deliveries apart."""

    __slots__ = ("check", "effects", "function", "provider", "reads")
    check: Loc
    effects: list[Effect]
    function: Function
    provider: str
    reads: list[Loc]


def webhooks(handlers: Handlers) -> list[Webhook]:
    """Return the receivers of a project, with what they do and what they read of the event's identity."""
    checks: dict[tuple[str, str], WebhookCheck] = {
        (fact.path, fact.function): fact for fact in handlers.model.facts(WebhookCheck) if fact.function
    }
    found: list[Webhook] = []
    if not checks:
        return found
    for function in handlers.route_handlers:
        steps = handlers.reached(function)
        keys = [(step.function.path, step.function.qualname) for step in steps]
        check = next((checks[key] for key in keys if key in checks), None)
        if check is None:
            continue
        found.append(
            Webhook(
                check=check.loc,
                effects=handlers.effects(function),
                function=function,
                provider=check.provider,
                reads=_id_reads(handlers, steps, checks),
            )
        )
    return found


def _id_reads(handlers: Handlers, steps: list[Reached], checks: dict[tuple[str, str], WebhookCheck]) -> list[Loc]:
    holders = _event_parameters(handlers, steps, checks)
    reads: list[Loc] = []
    for step in steps:
        function = step.function
        for read in handlers.facts_of(EventIdRead, function.path):
            if read.function != function.qualname:
                continue
            if (
                read.root == "*"
                or _is_event(handlers, function, read.root, checks)
                or (read.root.startswith("?") and (function.path, function.qualname, read.root[1:]) in holders)
            ):
                reads.append(read.loc)
    return reads


def _is_event(handlers: Handlers, function: Function, root: str, checks: dict[tuple[str, str], WebhookCheck]) -> bool:
    if root.endswith(("construct_event()", "json.loads()", ".json()", ".get_json()", "().verify()", ".construct_from()")):
        return True
    if not root.endswith("()"):
        return False
    maker = handlers.project.function_at(function.path, root[:-2])
    return maker is not None and any((s.function.path, s.function.qualname) in checks for s in handlers.reached(maker))


def _event_parameters(
    handlers: Handlers, steps: list[Reached], checks: dict[tuple[str, str], WebhookCheck]
) -> set[tuple[str, str, str]]:
    """Parameters of called functions that get the whole event: (path, function, parameter)."""
    holders: set[tuple[str, str, str]] = set()
    for step in steps:
        function = step.function
        for passed in handlers.facts_of(EventPassed, function.path):
            if passed.function != function.qualname:
                continue
            own = passed.root.startswith("?") and (function.path, function.qualname, passed.root[1:]) in holders
            if not own and not _is_event(handlers, function, passed.root, checks):
                continue
            callee = handlers.project.function_at(function.path, passed.callee)
            if callee is None:
                continue
            names = [str(param[0]) for param in callee.params]
            names = names[1:] if callee.owner and names[:1] in (["self"], ["cls"]) else names
            name = passed.argument
            if name.isdigit():
                name = names[int(name)] if int(name) < len(names) else ""
            holders.add((callee.path, callee.qualname, name))
    return holders
