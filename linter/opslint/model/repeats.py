"""Functions that a broker or a scheduler may start twice for one cause, with where that is said."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.consumers import Receive
from opslint.facts.handlers import Handler
from opslint.facts.modules import ClassDef, Function
from opslint.facts.notices import RowWrite, Scheduled, WindowLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Loc
    from opslint.model.handlers import Chain, Effect, Handlers

    Add = Callable[[Function | None, str, Chain], None]

NOTICES = frozenset(("mail", "sms"))
"""Effects that reach a person."""


class Consumer(Record):
    """A function that handles the messages of an at-least-once queue; `causes` say what delivers them again, and the way to it."""

    __slots__ = ("broker", "causes", "function")
    broker: str
    causes: Chain
    function: Function


class Notice(Record):
    """A scheduled function that tells people and keeps no mark: where rows are selected, and each effect with the calls to it."""

    __slots__ = ("cause", "effects", "function", "window")
    cause: tuple[Loc, str]
    effects: list[Effect]
    function: Function
    window: Loc


def consumers(handlers: Handlers) -> list[Consumer]:
    """Return the handlers of queues: cloud functions fed by a queue, callbacks, receive loops, and what subclasses put into them."""
    found: dict[tuple[str, str], Consumer] = {}

    def add(function: Function | None, broker: str, causes: Chain) -> None:
        if function is not None:
            found.setdefault((function.path, function.qualname), Consumer(broker=broker, causes=causes, function=function))

    _cloud(handlers, add)
    for handler in handlers.model.facts(Handler):
        if handler.type == "consumer":
            add(handlers.project.function(handler.path, handler.function), "queue", [(handler.loc, "takes messages of a queue")])
    receives = handlers.model.facts(Receive)
    for receive in receives:
        note = f"{receive.broker} delivers a message again until it is acknowledged"
        if receive.how == "callback":
            add(handlers.project.function_at(receive.path, receive.handler), receive.broker, [(receive.loc, note)])
        elif receive.how == "takes":
            add(handlers.project.function(receive.path, receive.function), receive.broker, [(receive.loc, note)])
    loops = [receive for receive in receives if receive.how == "loop" and receive.function]
    if loops:
        _from_loops(handlers, loops, add)
    return list(found.values())


def _cloud(handlers: Handlers, add: Add) -> None:
    if not handlers.model.has_cloud:
        return
    sources: dict[int, list[tuple[Loc, str]]] = {}
    for source in handlers.model.resources.event_sources:
        if source.function is not None:
            name = str(source.source.value) if isinstance(source.source, Known) else ""
            kind = "a stream" if "kinesis" in name or "stream" in name else "a queue"
            note = (source.loc, f"{kind} feeds it: what fails or times out is delivered again")
            sources.setdefault(id(source.function), []).append(note)
    for function, cloud in handlers.lambdas:
        if id(cloud) in sources:
            add(function, "SQS", sources[id(cloud)])


def _from_loops(handlers: Handlers, loops: list[Receive], add: Add) -> None:
    """The functions that fetch, those that call a fetching function of the repository, and methods that subclasses put into either."""
    starts: dict[tuple[str, str], tuple[Function, Receive]] = {}
    for receive in loops:
        function = handlers.project.function(receive.path, receive.function)
        if function is not None:
            starts.setdefault((function.path, function.qualname), (function, receive))
    fetching = dict(starts)
    names = {function.qualname.rpartition(".")[2] for function, _receive in starts.values()}
    files = _importers(handlers, {receive.path for receive in loops})
    for caller in (function for path in files for function in handlers.facts_of(Function, path)):
        for origin, _place in caller.calls:
            if str(origin).rpartition(".")[2] in names:
                callee = handlers.project.function_at(caller.path, str(origin))
                if callee is not None and (callee.path, callee.qualname) in fetching:
                    starts.setdefault((caller.path, caller.qualname), (caller, fetching[callee.path, callee.qualname][1]))
    overrides = _overrides(handlers, _importers(handlers, {function.path for function, _receive in starts.values()}))
    for function, receive in starts.values():
        cause = (receive.loc, f"{receive.broker} delivers a message again until it is acknowledged")
        add(function, receive.broker, [cause])
        for step in handlers.reached(function):
            owner, _, name = step.function.qualname.rpartition(".")
            for path, subclass in overrides.get((step.function.path, owner), ()) if owner else ():
                own = handlers.project.function(path, f"{subclass}.{name}")
                causes = [cause, *step.chain, (own.loc, f"`{subclass}` does this for each message")] if own else []
                add(own, receive.broker, causes)


def _importers(handlers: Handlers, paths: set[str]) -> list[str]:
    """Return `paths` and the files that import them, directly or through one file between (a package that hands names on)."""
    importers: dict[str, list[str]] = {}
    for path in sorted(handlers.project.paths):
        for found, _surely in handlers.project.imports_of(path):
            importers.setdefault(found, []).append(path)
    known = set(paths)
    for _hop in range(2):
        known |= {importer for path in known for importer in importers.get(path, ())}
    return sorted(known)


def _overrides(handlers: Handlers, files: list[str]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Subclasses in `files` by (path, qualname) of the class of the repository that they extend."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for klass in (klass for path in files for klass in handlers.facts_of(ClassDef, path)):
        for base in klass.bases:
            target = handlers.project.resolve(klass.path, base)
            if target.kind == "class":
                found.setdefault((target.path, target.name), []).append((klass.path, klass.qualname))
    return found


def scheduled(handlers: Handlers) -> list[tuple[Function, tuple[Loc, str]]]:
    """Return the functions that a scheduler starts: beat entries, cron decorators, tasks without arguments that look at the clock."""
    found: dict[tuple[str, str], tuple[Function, tuple[Loc, str]]] = {}
    named: dict[str, Loc] = {}
    for entry in handlers.model.facts(Scheduled):
        if entry.is_origin:
            function = handlers.project.function_at(entry.path, entry.task)
            if function is not None:
                found.setdefault((function.path, function.qualname), (function, (entry.loc, "scheduled here")))
        else:
            named.setdefault(entry.task, entry.loc)
    for handler in handlers.model.facts(Handler):
        if handler.type == "cron" or "crontab" in handler.options:
            function = handlers.project.function(handler.path, handler.function)
            if function is not None:
                found.setdefault((function.path, function.qualname), (function, (handler.loc, "run by a schedule")))
    for path in handlers.command_files:
        function = handlers.project.function(path, "Command.handle")
        if function is not None:
            note = (function.loc, "a command that asks for what is due: a schedule or a person runs it again")
            found.setdefault((path, function.qualname), (function, note))
    for task in handlers.tasks:
        name = task.handler.options.get("name") or f"{task.function.path[:-3].replace('/', '.')}.{task.function.qualname}"
        place = next((loc for known, loc in named.items() if known == name or str(name).endswith(f".{known}")), None)
        if place is not None:
            found.setdefault((task.function.path, task.function.qualname), (task.function, (place, "scheduled here")))
        elif not [param for param in task.function.params if param[0] != "self"]:
            note = (task.handler.loc, "a task without arguments that asks for what is due: a schedule starts it")
            found.setdefault((task.function.path, task.function.qualname), (task.function, note))
    return list(found.values())


def notices(handlers: Handlers) -> list[Notice]:
    """Return scheduled functions that mail or text the people whose rows a date window selects, with no mark of whom they told."""
    windows = {(fact.path, fact.function): fact for fact in handlers.model.facts(WindowLoop)}
    if not windows:
        return []
    found: dict[tuple[str, str], Notice] = {}
    for function, cause in scheduled(handlers):
        for step in handlers.reached(function):
            key = (step.function.path, step.function.qualname)
            window = windows.get(key)
            if window is None or window.writes or key in found:
                continue
            effects = _told(handlers, step.function, window)
            if effects:
                found[key] = Notice(cause=cause, effects=effects, function=step.function, window=window.loc)
    return list(found.values())


def _told(handlers: Handlers, function: Function, window: WindowLoop) -> list[Effect]:
    """The mails and texts that the loop sends, directly or through calls that write nothing."""
    inside = {place for _origin, place in window.calls}
    found: list[Effect] = []
    for effect in handlers.effects(function):
        first = effect.chain[0][0] if effect.chain else effect.loc
        if effect.what not in NOTICES or effect.guards or first[1] not in inside:
            continue
        through = [
            handlers.project.function_at(function.path, str(origin)) for origin, place in window.calls if place == first[1]
        ]
        if any(callee is not None and _keeps(handlers, callee) for callee in through):
            continue
        found.append(effect)
    return found


def _keeps(handlers: Handlers, callee: Function) -> bool:
    """Tell whether a function or what it calls writes anything (files that the prescreen left out are asked too)."""
    for step in handlers.reached(callee):
        writes = handlers.facts_of(RowWrite, step.function.path)
        if any(write.function == step.function.qualname for write in writes):
            return True
    return False
