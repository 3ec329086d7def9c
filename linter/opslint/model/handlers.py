"""Functions that something may call twice, what functions touch and do, and which code is a service's.

Calls are followed through the repository to depth 3, each step recorded, so that a finding can show the way.
"""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.answers import Answer
from opslint.facts.effects import FunctionEffects
from opslint.facts.handlers import Handler, WorkerSetting
from opslint.facts.modules import Function, ModuleCalls
from opslint.facts.routes import Route
from opslint.model.touches import kind_of

if TYPE_CHECKING:
    from typing import TypeVar

    from opslint.base.fact import Fact
    from opslint.base.location import Loc
    from opslint.facts.exceptions import SilentExcept
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Service
    from opslint.model.repeats import Consumer, Notice
    from opslint.model.resource_records import Function as CloudFunction
    from opslint.model.webhooks import Webhook

    F = TypeVar("F", bound=Fact)
    Chain = list[tuple[Loc, str]]

_FOLLOWING = frozenset(("again", "call", "effect", "touch"))
"""Groups of marks after which a function has not yet done its work."""

_HOW_CALLED = {"calls": "calls", "passed": "has called", "later": "starts"}

MAX_DEPTH = 3
"""Repository-local calls followed from a handler."""


class Reached(Record):
    """A function reached from another, and the calls that lead there. `waits`: the first one waits until it is done."""

    __slots__ = ("chain", "function", "waits")
    chain: Chain
    function: Function
    waits: bool


class Touch(Record):
    """Something a function uses: `kind` (``database cache broker http aws mail disk``), and the calls that lead to it."""

    __slots__ = ("chain", "kind", "origin")
    chain: Chain
    kind: str
    origin: str


class Effect(Record):
    """Something that must not happen twice (`what`: a row of the effect table), where, and the calls that lead there.

    `guards` are the dedup marks met before it on the way: ``[what, place]``. `followed`: something that can fail comes after it.
    """

    __slots__ = ("chain", "followed", "guards", "loc", "origin", "what")
    chain: Chain
    followed: bool
    guards: list[tuple[str, Loc]]
    loc: Loc
    origin: str
    what: str


class Task(Record):
    """A task with its reasons to run twice, each with its place."""

    __slots__ = ("causes", "function", "handler")
    causes: list[tuple[Loc, str]]
    function: Function
    handler: Handler


_SCRIPT_DIRECTORIES = frozenset(
    (
        "bench",
        "benchmarks",
        "bin",
        "demo",
        "demos",
        "dev",
        "doc",
        "docs",
        "hack",
        "notebooks",
        "script",
        "scripts",
        "seeds",
        "tool",
        "tools",
    )
)
_SCRIPT_FILES = frozenset(("conftest.py", "fabfile.py", "manage.py", "noxfile.py", "setup.py"))


class Handlers:
    """Handlers, touches, effects, and the role of code."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.project = model.python
        self._by_path: dict[type[Fact], dict[str, list[Fact]]] = {}
        self._reached: dict[tuple[str, str], list[Reached]] = {}
        self._touches: dict[tuple[str, str], list[Touch]] = {}
        self._scripts: dict[str, bool] = {}

    def facts_of(self, kind: type[F], path: str) -> list[F]:
        """Return the facts of one class of one file, also of a file the prescreen left out."""
        groups = self._by_path.get(kind)
        if groups is None:
            groups = self._by_path[kind] = {}
            for fact in self.model.facts(kind):
                groups.setdefault(fact.path, []).append(fact)
        found = groups.get(path)
        if found is None:
            info = self.model.files.get(path)
            screened = info is not None and info.screened
            found = groups[path] = list(self.model.full(path).get(kind, [])) if screened else []
        return found  # type: ignore[return-value]

    def reached(self, function: Function) -> list[Reached]:
        """Return the function itself and every repository function it calls to depth 3, nearest first."""
        key = (function.path, function.qualname)
        known = self._reached.get(key)
        if known is not None:
            return known
        found = [Reached(chain=[], function=function, waits=True)]
        seen = {key}
        level = found
        for _depth in range(MAX_DEPTH):
            following: list[Reached] = []
            for step in level:
                for callee, loc, how in self.project.callees(step.function):
                    where = (callee.path, callee.qualname)
                    if where not in seen:
                        seen.add(where)
                        chain = [*step.chain, (loc, f"{_HOW_CALLED[how]} {callee.qualname}")]
                        following.append(Reached(chain=chain, function=callee, waits=step.waits and how != "later"))
            found = [*found, *following]
            level = following
        self._reached[key] = found
        return found

    def touches(self, function: Function) -> list[Touch]:
        """Return what a function uses outside its process, directly and through calls, one for each kind and origin."""
        key = (function.path, function.qualname)
        if key in self._touches:
            return self._touches[key]
        found: dict[tuple[str, str], Touch] = {}
        for step in self.reached(function):
            for origin, place in self._origins(step.function):
                kind, name = self._kind(step.function.path, origin)
                if kind and (kind, name) not in found:
                    chain: Chain = [*step.chain, (step.function.place(place), name)]
                    found[kind, name] = Touch(chain=chain, kind=kind, origin=name)
        self._touches[key] = list(found.values())
        return self._touches[key]

    def _origins(self, function: Function) -> list[tuple[str, int]]:
        calls = [(str(origin), place) for origin, place in function.calls if isinstance(place, int)]
        calls += [(str(origin), place) for origin, place, _how in function.passed if isinstance(place, int)]
        for fact in self.facts_of(FunctionEffects, function.path):
            if fact.function == function.qualname:
                calls += [
                    (str(origin), place)
                    for group, _what, origin, place in fact.marks
                    if group == "touch" and isinstance(place, int)
                ]
        return calls

    def _kind(self, path: str, origin: str) -> tuple[str, str]:
        """Classify a call's origin, resolved through the project when it is open."""
        target = self.project.resolve(path, origin)
        if target.kind == "function":
            return "", ""
        name = target.name if target.kind == "external" else origin
        return kind_of(name), name

    def effects(self, function: Function, depth: int = MAX_DEPTH) -> list[Effect]:
        """Return the effects of a function and of what it calls, in order, each with the guards met before it."""
        return self._effects(function, depth, [], ([], False), {(function.path, function.qualname)})

    def _effects(
        self,
        function: Function,
        depth: int,
        chain: Chain,
        around: tuple[list[tuple[str, Loc]], bool],
        seen: set[tuple[str, str]],
    ) -> list[Effect]:
        """`around`: the guards met before, and whether the callers go on afterwards."""
        found: list[Effect] = []
        guards = list(around[0])
        marks = self._marks(function)
        last = max((at for at, mark in enumerate(marks) if mark[0] in _FOLLOWING), default=-1)
        for at, (group, what, origin, place) in enumerate(marks):
            loc = function.place(place)
            followed = around[1] or at < last
            if group == "dedup":
                guards.append((what, loc))
            elif group == "asks" and self._answers(function.path, origin, seen=what == "seen"):
                guards.append(("lookup", loc))
            elif group == "effect" and not self._names_nothing(function.path, what, origin):
                # A row that is fetched or made is one row, but what is added to it is added each time.
                held = [guard for guard in guards if what not in ("counted", "relative") or guard[0] != "fetch"]
                found.append(Effect(chain=chain, followed=followed, guards=held, loc=loc, origin=origin, what=what))
            if group in ("call", "effect") and depth > 0 and origin:
                callee = self.project.function_at(function.path, origin)
                if callee is None or (callee.path, callee.qualname) in seen:
                    continue
                if group == "effect" and found and found[-1].loc == loc:
                    found.pop()
                step: Chain = [*chain, (loc, f"calls {callee.qualname}")]
                inner = {*seen, (callee.path, callee.qualname)}
                found += self._effects(callee, depth - 1, step, (guards, followed), inner)
        return found

    def _names_nothing(self, path: str, what: str, origin: str) -> bool:
        """Tell whether what is queued is a name that a file of the repository does not have: the call fails, and nothing is sent."""
        head, _, name = origin.rpartition(".")[0].rpartition(".")
        if what != "message" or not head or not name or "(" in origin or self.project.file_of(head, path) is None:
            return False
        return self.project.resolve(path, f"{head}.{name}").kind == "unknown"

    def _answers(self, path: str, origin: str, *, seen: bool) -> bool:
        """Tell whether a function of the repository takes a lock or a key (or, if `seen`, looks something up): its answer holds back a second run."""
        callee = self.project.function_at(path, origin)
        if callee is None:
            return False
        if any(mark[0] == "dedup" and mark[1] in ("conflict", "key", "lock") for mark in self._marks(callee)):
            return True
        return seen and any(touch.kind in ("cache", "database") for touch in self.touches(callee))

    def _marks(self, function: Function) -> list[tuple[str, str, str, int]]:
        """The marks of a function in source order; of one that only calls others, its calls."""
        for fact in self.facts_of(FunctionEffects, function.path):
            if fact.function == function.qualname:
                return [(str(g), str(w), str(o), p) for g, w, o, p in fact.marks if isinstance(p, int)]
        return [("call", "", origin, place) for origin, place in self._origins(function)]

    def answer(self, function: Function) -> Answer | None:
        """Return what is known of how a handler answers."""
        return next((fact for fact in self.facts_of(Answer, function.path) if fact.function == function.qualname), None)

    @cached_property
    def tasks(self) -> list[Task]:
        """Celery tasks and jobs of other queues with the reasons they may run twice."""
        late = next(
            (s for s in self.model.facts(WorkerSetting) if s.name in ("task_acks_late", "acks_late") and s.value is True), None
        )
        found: list[Task] = []
        for handler in self.model.facts(Handler):
            kind = self.type_of(handler)
            function = self.project.function(handler.path, handler.function)
            if kind not in ("celery", "rq", "dramatiq", "huey", "arq") or function is None:
                continue
            causes: list[tuple[Loc, str]] = []
            options = handler.options
            if options.get("acks_late") is True:
                causes.append((handler.loc, "acknowledged late: a worker that dies leaves the message for another"))
            elif late is not None and kind == "celery" and "acks_late" not in options:
                causes.append((late.loc, "all tasks are acknowledged late"))
            if options.get("autoretry_for"):
                causes.append((handler.loc, "retried automatically"))
            causes += [(handler.place(place), "retries itself") for place in handler.retries]
            found.append(Task(causes=causes, function=function, handler=handler))
        return found

    def type_of(self, handler: Handler) -> str:
        """Return the type of a handler; one whose decorator is another module's object is looked up there."""
        if handler.type != "task?":
            return handler.type
        head = str(handler.options.get("origin", "")).rpartition(".")[0]
        name = self.project.expand(handler.path, head)
        return "celery" if name in ("celery.Celery()", "celery.app.Celery()") else "huey" if name.startswith("huey.") else ""

    @cached_property
    def lambdas(self) -> list[tuple[Function, CloudFunction]]:
        """Functions of this repository that a cloud function names as its handler."""
        from opslint.model.function_code import handler_file

        found: list[tuple[Function, CloudFunction]] = []
        for cloud in self.model.resources.functions if self.model.has_cloud else ():
            if not isinstance(cloud.handler, Known) or not isinstance(cloud.handler.value, str):
                continue
            path = handler_file(self.model, cloud.code, cloud.handler.value)
            name = cloud.handler.value.rpartition(".")[2]
            function = self.project.function(path, name) if path in self.project.paths else None
            if function is not None:
                found.append((function, cloud))
        return found

    @cached_property
    def route_handlers(self) -> list[Function]:
        """Every function of the repository that a route names, one each."""
        found: dict[tuple[str, str], Function] = {}
        for route in self.model.routes.all_routes():
            if route.handler is not None:
                for function in self._methods(route.handler):
                    found.setdefault((function.path, function.qualname), function)
        return list(found.values())

    def _methods(self, function: Function) -> list[Function]:
        """A view class answers with each of its request methods."""
        if not function.owner:
            return [function]
        names = ("get", "post", "put", "patch", "delete", "head")
        others = [self.project.function(function.path, f"{function.owner}.{name}") for name in names]
        return [function, *(other for other in others if other is not None and other.qualname != function.qualname)]

    @cached_property
    def webhooks(self) -> list[Webhook]:
        """Route handlers that verify a provider's signature, with what they do and what they read of the event's identity."""
        from opslint.model.webhooks import webhooks

        return webhooks(self)

    def is_script(self, path: str, function: str = "") -> bool:
        """Tell whether code is a script, a command or a tool, not a running service's.

        The directory says so (``scripts/``, ``management/commands/``), the function is a command, or the module is run by hand: it has a
        main guard, nothing imports it, and no service starts it.
        """
        if path not in self._scripts:
            self._scripts[path] = self._judge_script(path)
        if self._scripts[path]:
            return True
        root = function.partition(".")[0]
        return any(h.type == "command" and h.function in (function, root) for h in self.facts_of(Handler, path))

    def _judge_script(self, path: str) -> bool:
        if path in self.entry_modules:
            return False
        parts = path.split("/")
        if parts[-1] in _SCRIPT_FILES or _SCRIPT_DIRECTORIES.intersection(parts[:-1]):
            return True
        for index, part in enumerate(parts[:-1]):
            # What stands beside Django's management commands is what they are made of.
            if part == "management" and any(
                path.startswith("/".join([*parts[: index + 1], "commands/"])) for path in self.command_files
            ):
                return True
        if self._is_command_line(path):
            return True
        guarded = any(calls.main_guard for calls in self.facts_of(ModuleCalls, path))
        return guarded and path not in self.imported and not self.facts_of(Route, path) and path not in self._lambda_paths

    def _is_command_line(self, path: str) -> bool:
        """The module parses a command line, no service starts it, and it answers nothing."""
        kinds = {handler.type for handler in self.facts_of(Handler, path)}
        if kinds - {"command"} or self.facts_of(Route, path) or path in self._lambda_paths:
            return False
        calls = (origin for function in self.facts_of(Function, path) for origin, _place in function.calls)
        return "command" in kinds or "argparse.ArgumentParser" in calls

    @cached_property
    def _lambda_paths(self) -> frozenset[str]:
        return frozenset(function.path for function, _cloud in self.lambdas)

    @cached_property
    def command_files(self) -> list[str]:
        """Django's management commands."""
        return sorted(
            path for path in self.project.paths if "/management/commands/" in f"/{path}" and path[-12:] != "/__init__.py"
        )

    @cached_property
    def imported(self) -> frozenset[str]:
        """Files that some other file imports."""
        return frozenset(found for path in sorted(self.project.paths) for found, _surely in self.project.imports_of(path))

    @cached_property
    def entry_modules(self) -> frozenset[str]:
        """Files that some service starts with (migrations and one-off commands left out)."""
        return frozenset(
            module
            for service in self.model.services
            for run in service.entries
            for entry in run
            if entry.role in ("web", "worker", "beat", "cron")
            for module in entry.modules
        )

    @cached_property
    def service_files(self) -> frozenset[str]:
        """Files of running services: those that a service starts with, and those with a function that a handler reaches.

        What is only imported does not count: a module that no handler is seen to call may be anything, and asking for it would
        have most of a large repository parsed.
        """
        found = set(self.entry_modules) | {path for path, _name in self.working}
        return frozenset(path for path in found if not self.is_script(path))

    @cached_property
    def repeated(self) -> list[tuple[Function, list[tuple[Loc, str]]]]:
        """Functions that may run twice on one cause: tasks that retry, cloud functions, webhook receivers; with the causes."""
        found = [(task.function, task.causes) for task in self.tasks if task.causes]
        found += [(function, [(cloud.resource.loc, "an event may be delivered twice")]) for function, cloud in self.lambdas]
        found += [(hook.function, [(hook.check, "a provider delivers an event again")]) for hook in self.webhooks]
        found += [(consumer.function, consumer.causes) for consumer in self.consumers]
        return found

    @cached_property
    def consumers(self) -> list[Consumer]:
        """Handlers of at-least-once queues."""
        from opslint.model.repeats import consumers

        return consumers(self)

    @cached_property
    def notices(self) -> list[Notice]:
        """Scheduled functions that tell people and keep no mark of whom they told."""
        from opslint.model.repeats import notices

        return notices(self)

    @cached_property
    def working(self) -> dict[tuple[str, str], Chain]:
        """Functions reached from a route, task, signal receiver, consumer or cloud function, with the calls that lead there."""
        starts = [(function, "handles requests") for function in self.route_handlers]
        starts += [(task.function, "is a task") for task in self.tasks]
        starts += [(function, "is a cloud function") for function, _cloud in self.lambdas]
        for handler in self.model.facts(Handler):
            function = self.project.function(handler.path, handler.function)
            if handler.type in ("signal", "cron", "consumer") and function is not None:
                starts.append((function, f"is a {handler.type} handler"))
        found: dict[tuple[str, str], Chain] = {}
        for function, _note in list(starts):
            for origin, place in function.decorators:
                wrapper = self.project.function_at(function.path, str(origin)) if origin and isinstance(place, int) else None
                if wrapper is not None:
                    starts.append((wrapper, f"wraps `{function.qualname}`"))
        for function, note in starts:
            for step in self.reached(function):
                key = (step.function.path, step.function.qualname)
                chain: Chain = [(function.loc, note), *step.chain]
                if key not in found or len(chain) < len(found[key]):
                    found[key] = chain
        return found

    def lost(self, fact: SilentExcept) -> str | None:
        """Return the origin of what was tried and whose failure is lost, "" when an item is dropped, None when nothing of consequence is."""
        from opslint.model.lost_errors import lost

        return lost(self, fact)

    def needs(self, service: Service, kinds: frozenset[str]) -> Touch | None:
        """Return the first thing of these kinds that a service's routes use, None when they use none."""
        for route in self.model.routes.of(service).routes:
            if route.handler is None:
                continue
            for touch in self.touches(route.handler):
                if touch.kind in kinds:
                    return touch
        return None
