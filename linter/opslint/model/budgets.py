"""How long a caller waits, and how long what it calls may take.

A budget is what the nearest caller grants (a Lambda function's timeout, gunicorn's ``--timeout``, a task's time limit). A call's worst case
is ``attempts × seconds + (attempts - 1) × longest wait between two``, with the driver's defaults where the code is silent.
"""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Absent, Known
from opslint.facts.handlers import WorkerSetting
from opslint.facts.http import ClientTimeout, TimedCall
from opslint.facts.modules import Function
from opslint.facts.retries import RetryLimit
from opslint.model.drivers import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.handlers import Chain, Reached
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Entry, Service

LAMBDA_DEFAULT = 3.0
"""Seconds a Lambda function gets when nothing is said (AWS Lambda, `Timeout`)."""

GUNICORN_DEFAULT = 30.0
"""Seconds a gunicorn worker may be silent (gunicorn 23, ``timeout``); only a sync worker is bound to it by one request, a threaded one is not."""


class Budget(Record):
    """What a caller grants a function. `kind`: ``lambda gunicorn task``; `label` says it in words."""

    __slots__ = ("environments", "function", "kind", "label", "loc", "seconds", "service")
    environments: list[str]
    function: Function
    kind: str
    label: str
    loc: Loc
    seconds: float
    service: str


class WorstCase(Record):
    """The longest a call may take. `formula` prints the sum; `driver` names whose defaults it rests on, "" when the code says it."""

    __slots__ = ("attempts_loc", "chain", "driver", "formula", "loc", "origin", "seconds")
    attempts_loc: Loc | None
    chain: Chain
    driver: str
    formula: str
    loc: Loc
    origin: str
    seconds: float


class Budgets:
    """Budgets and worst cases."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model

    @cached_property
    def exceeded(self) -> list[tuple[Budget, WorstCase]]:
        """Every budget with the one call that overruns it most, if any does."""
        found = []
        for budget in self.budgets():
            worst = max(self.worst_cases(budget.function), key=lambda case: case.seconds, default=None)
            if worst is not None and worst.seconds >= budget.seconds:
                found.append((budget, worst))
        return found

    def budgets(self) -> Iterator[Budget]:
        """Yield what each handler gets from its nearest caller."""
        yield from self._lambdas()
        yield from self._tasks()
        for service in self.model.services:
            yield from self._gunicorn(service)

    def _lambdas(self) -> Iterator[Budget]:
        granted: dict[tuple[str, str, Loc, float], Budget] = {}
        for function, cloud in self.model.handlers.lambdas:
            seconds, loc = LAMBDA_DEFAULT, cloud.resource.loc
            if isinstance(cloud.timeout, Known) and isinstance(cloud.timeout.value, int | float):
                seconds, loc = float(cloud.timeout.value), cloud.timeout_loc
            elif not isinstance(cloud.timeout, Absent):
                continue
            key = (function.path, function.qualname, loc, seconds)
            known = granted.get(key)
            if known is not None:
                known.environments.extend(name for name in cloud.resource.environments if name not in known.environments)
                continue
            granted[key] = Budget(
                environments=list(cloud.resource.environments),
                function=function,
                kind="lambda",
                label=f"Lambda timeout of {seconds:g} s",
                loc=loc,
                seconds=seconds,
                service=self.model.linked.name_at(cloud.resource.loc),
            )
        yield from granted.values()

    def _tasks(self) -> Iterator[Budget]:
        limits = {s.name: s for s in self.model.facts(WorkerSetting) if isinstance(s.value, int | float)}
        overall = limits.get("task_soft_time_limit") or limits.get("task_time_limit")
        for task in self.model.handlers.tasks:
            own = task.handler.options.get("soft_time_limit", task.handler.options.get("time_limit"))
            value = own if own is not None else overall.value if overall is not None else None
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                continue
            loc = task.handler.loc if own is not None or overall is None else overall.loc
            yield Budget(
                environments=[],
                function=task.function,
                kind="task",
                label=f"task time limit of {value:g} s",
                loc=loc,
                seconds=float(value),
                service="",
            )

    def _gunicorn(self, service: Service) -> Iterator[Budget]:
        granted: list[tuple[float, Loc, Entry, list[str]]] = []
        for (workload, _container), run in zip(service.runs, service.entries, strict=False):
            for entry in run:
                limit = self.gunicorn_limit(entry)
                if limit is not None:
                    granted.append((*limit, entry, workload.environments))
        if not granted:
            return
        seconds, loc, entry, environments = min(granted, key=lambda item: item[0])
        table = self.model.routes.of_entries([entry])
        seen: set[tuple[str, str]] = set()
        for route in table.routes:
            function = route.handler
            if function is None or (function.path, function.qualname) in seen:
                continue
            seen.add((function.path, function.qualname))
            yield Budget(
                environments=environments,
                function=function,
                kind="gunicorn",
                label=f"gunicorn worker timeout of {seconds:g} s",
                loc=loc,
                seconds=seconds,
                service=service.name,
            )

    def gunicorn_limit(self, entry: Entry) -> tuple[float, Loc] | None:
        """Return gunicorn's timeout of an entry; None when there is none, or its workers are not bound to one request."""
        if entry.server != "gunicorn":
            return None
        words, seconds, loc = entry.words, GUNICORN_DEFAULT, entry.loc
        configured = {s.name: s for s in self.model.facts(WorkerSetting) if s.name.startswith("gunicorn.")}
        worker = configured.get("gunicorn.worker_class")
        limit = configured.get("gunicorn.timeout")
        kind = str(worker.value) if worker is not None else ""
        if limit is not None:
            if not isinstance(limit.value, int | float):
                return None
            seconds, loc = float(limit.value), limit.loc
        for index, word in enumerate(words):
            name, _, value = word.partition("=")
            following = value or (words[index + 1] if index + 1 < len(words) else "")
            if name == "--threads" and following != "1":
                return None
            if name in ("--timeout", "-t"):
                if not following.isdigit():
                    return None
                seconds, loc = float(following), entry.loc
            elif name in ("--worker-class", "-k"):
                kind = following
            elif word.startswith("-k") and len(word) > 2:
                kind = word[2:]
        if seconds == 0 or (kind and kind != "sync"):
            return None
        return seconds, loc

    def worst_cases(self, function: Function) -> list[WorstCase]:
        """Return the worst case of every call with a known limit that a function makes, directly or through calls."""
        found: list[WorstCase] = []
        handlers = self.model.handlers
        for step in handlers.reached(function):
            if not step.waits:
                continue
            inner = step.function
            known: set[int] = set()
            attempts, wait, loc = self._attempts(step)
            for call in handlers.facts_of(TimedCall, inner.path):
                if call.function != inner.qualname:
                    continue
                known.add(call.at)
                if call.seconds is not None:
                    found.append(_case(step, call.loc, call.origin, (call.seconds, attempts, wait), loc))
            for origin, place in inner.calls:
                if isinstance(place, int) and place not in known:
                    default = self._default(inner, str(origin))
                    if default is not None:
                        name, seconds, tries = default
                        case = _case(step, inner.place(place), name, (seconds, attempts * tries, wait), loc)
                        found.append(case.replace(driver=name.partition(".")[0]))
        return found

    def _attempts(self, step: Reached) -> tuple[float, float, Loc | None]:
        """Attempts of the retry decorators on the way (they multiply), the longest wait, where the last one is."""
        attempts, wait, loc = 1.0, 0.0, None
        function = step.function
        for limit in self.model.handlers.facts_of(RetryLimit, function.path):
            if limit.function == function.qualname and limit.attempts:
                attempts *= limit.attempts
                wait = max(wait, limit.wait)
                loc = limit.loc
        return attempts, wait, loc

    def _default(self, function: Function, origin: str) -> tuple[str, float, float] | None:
        """The driver's default of a call on an SDK client, unless a client of that driver is given limits of its own."""
        target = self.model.python.resolve(function.path, origin)
        name = target.name if target.kind == "external" else ""
        for prefix, (driver, seconds, attempts) in DEFAULTS.items():
            if not name.startswith(prefix) or not name.endswith((".create", ".parse", ".generate", ".stream")):
                continue
            own = [fact for fact in self.model.facts(ClientTimeout) if fact.driver == driver]
            if not own:
                return name, seconds, attempts
            if any(fact.seconds is None for fact in own):
                return None
            longest = max(fact.seconds or 0.0 for fact in own)
            tries = max(fact.attempts if fact.attempts is not None else attempts for fact in own)
            return name, longest, tries
        return None


def _case(step: Reached, loc: Loc, origin: str, times: tuple[float, float, float], attempts_loc: Loc | None) -> WorstCase:
    """`times` are the seconds of one attempt, the attempts, and the longest wait between two."""
    seconds, attempts, wait = times
    total = attempts * seconds + max(attempts - 1, 0) * wait
    formula = f"{seconds:g} s"
    if attempts != 1:
        formula = f"{attempts:g} attempts × {seconds:g} s"
        if wait:
            formula += f" + {attempts - 1:g} × {wait:g} s between them"
        formula += f" = {total:g} s"
    return WorstCase(
        attempts_loc=attempts_loc, chain=step.chain, driver="", formula=formula, loc=loc, origin=origin, seconds=total
    )
