"""What ends a wait that the call itself does not end: the limit of the function, task or server worker that it happens in."""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Absent, Known
from opslint.facts.handlers import Handler, WorkerSetting
from opslint.facts.modules import Function, ModuleCalls
from opslint.facts.routes import Route, Router
from opslint.facts.supervisor import UwsgiLimit
from opslint.model.budgets import LAMBDA_DEFAULT

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.handlers import Task
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Entry
    from opslint.model.resource_records import Function as CloudFunction

_JOB_DEFAULTS = {"arq": 300.0, "dramatiq": 600.0, "rq": 180.0}
"""Seconds a job gets when nothing is said: arq ``job_timeout``, dramatiq ``TimeLimit``, RQ ``Queue.DEFAULT_TIMEOUT``."""

_NO_LIMITS = ("gevent", "eventlet", "threads", "solo")
"""Celery pools that have no time limits (Celery user guide, workers: only prefork kills a task)."""


class Bound(Record):
    """What ends a wait: `label` says it with its seconds, `loc` where it is set (None: a default)."""

    __slots__ = ("label", "loc", "seconds")
    label: str
    loc: Loc | None
    seconds: float


class Waits:
    """Bounds by function."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.handlers = model.handlers

    def bound(self, path: str, function: str) -> Bound | None:
        """Return the longest bound of a function; None when something that has none reaches it, or nothing is seen to."""
        found = self._bounds.get((path, function), [])
        bounds = [bound for bound in found if bound is not None]
        return max(bounds, key=lambda bound: bound.seconds) if bounds and len(bounds) == len(found) else None

    @cached_property
    def _bounds(self) -> dict[tuple[str, str], list[Bound | None]]:
        starts: list[tuple[Function, Bound | None]] = []
        starts += [(function, self._of_function(cloud)) for function, cloud in self.handlers.lambdas]
        starts += [(task.function, self._of_task(task)) for task in self.handlers.tasks]
        starts += [(function, self._of_server(function.path)) for function in self.handlers.route_handlers]
        for handler in self.model.facts(Handler):
            function = self.model.python.function(handler.path, handler.function)
            if handler.type in ("signal", "cron", "consumer") and function is not None:
                starts.append((function, None))
        found: dict[tuple[str, str], list[Bound | None]] = {}
        for function, bound in starts:
            for step in self.handlers.reached(function):
                found.setdefault((step.function.path, step.function.qualname), []).append(bound if step.waits else None)
        return found

    def _of_function(self, cloud: CloudFunction) -> Bound | None:
        timeout = cloud.timeout
        if isinstance(timeout, Known) and isinstance(timeout.value, int | float):
            seconds, loc = float(timeout.value), cloud.timeout_loc
        elif isinstance(timeout, Absent):
            seconds, loc = LAMBDA_DEFAULT, cloud.resource.loc
        else:
            return Bound(label="its function's timeout, which ends the whole invocation", loc=None, seconds=900.0)
        return Bound(label=f"the Lambda timeout of {seconds:g} s, which ends the whole invocation", loc=loc, seconds=seconds)

    def _of_task(self, task: Task) -> Bound | None:
        kind = self.handlers.type_of(task.handler)
        options = task.handler.options
        if kind in _JOB_DEFAULTS:
            given = options.get("time_limit", options.get("timeout"))
            if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
                seconds = given / 1000 if kind == "dramatiq" else float(given)
                return Bound(
                    label=f"the job's limit of {seconds:g} s, which breaks the job off", loc=task.handler.loc, seconds=seconds
                )
            seconds = _JOB_DEFAULTS[kind]
            return Bound(label=f"the job's limit ({seconds:g} s unless set), which breaks the job off", loc=None, seconds=seconds)
        if kind != "celery" or self._pool_without_limits:
            return None
        for name, what in (
            ("soft_time_limit", "raises in the middle of it"),
            ("time_limit", "kills the worker process in the middle of it"),
        ):
            own = options.get(name)
            overall = self._limits.get(f"task_{name}")
            value = own if own is not None else overall.value if overall is not None else None
            loc = task.handler.loc if own is not None or overall is None else overall.loc
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                label = f"the {'soft ' if name[0] == 's' else ''}time limit of {value:g} s, which {what}"
                return Bound(label=label, loc=loc, seconds=float(value))
            if own == "?" or (own is None and overall is not None):
                return Bound(label=f"the task's time limit, which {what}", loc=loc, seconds=3600.0)
        return None

    @cached_property
    def _limits(self) -> dict[str, WorkerSetting]:
        return {setting.name: setting for setting in self.model.facts(WorkerSetting)}

    @cached_property
    def _pool_without_limits(self) -> bool:
        for entry in self._entries:
            if entry.server == "celery":
                for word, following in zip(entry.words, [*entry.words[1:], ""], strict=True):
                    pool = (
                        following
                        if word in ("-P", "--pool")
                        else word.removeprefix("--pool=")
                        if word.startswith("--pool=")
                        else ""
                    )
                    if pool in _NO_LIMITS:
                        return True
        return False

    @cached_property
    def _entries(self) -> list[Entry]:
        return [entry for service in self.model.services for run in service.entries for entry in run]

    def _of_server(self, path: str) -> Bound | None:
        """The longest limit of the servers that may load a file; None when one of them has none, or no server is known."""
        web = [entry for entry in self._entries if entry.role == "web" and entry.modules]
        mine = [entry for entry in web if path in self._loaded(tuple(entry.modules))]
        limits = [self._of_entry(entry) for entry in mine]
        if not mine and not web:
            limits = [self._harakiri]
        known = [limit for limit in limits if limit is not None]
        return max(known, key=lambda bound: bound.seconds) if known and len(known) == len(limits) else None

    def _loaded(self, modules: tuple[str, ...]) -> set[str]:
        if modules not in self._reach:
            self._reach[modules] = self.model.python.possibly(modules)
        return self._reach[modules]

    @cached_property
    def _reach(self) -> dict[tuple[str, ...], set[str]]:
        return {}

    @cached_property
    def _harakiri(self) -> Bound | None:
        limit = max(self.model.facts(UwsgiLimit), key=lambda fact: fact.seconds, default=None)
        if limit is None or limit.seconds <= 0:
            return None
        label = f"uWSGI's harakiri of {limit.seconds} s, which kills the worker in the middle of it"
        return Bound(label=label, loc=limit.loc, seconds=float(limit.seconds))

    def _of_entry(self, entry: Entry) -> Bound | None:
        if entry.server == "uwsgi":
            for word, following in zip(entry.words, [*entry.words[1:], ""], strict=True):
                value = (
                    following
                    if word == "--harakiri"
                    else word.removeprefix("--harakiri=")
                    if word.startswith("--harakiri=")
                    else ""
                )
                if value.isdigit():
                    label = f"uWSGI's harakiri of {value} s, which kills the worker in the middle of it"
                    return Bound(label=label, loc=entry.loc, seconds=float(value))
            return self._harakiri
        limit = self.model.budgets.gunicorn_limit(entry)
        if limit is None:
            return None
        label = f"gunicorn's worker timeout of {limit[0]:g} s, which kills the worker in the middle of it"
        return Bound(label=label, loc=limit[1], seconds=limit[0])

    def is_loaded(self, path: str) -> bool:
        """Tell whether something that runs may load a file. True where it is not known what runs.

        What runs: the start commands of linked services, and every file that answers, handles or can be run by itself.
        """
        return not self._entry_modules or path in self._running

    @cached_property
    def _entry_modules(self) -> list[str]:
        return sorted({module for entry in self._entries for module in entry.modules})

    @cached_property
    def _running(self) -> set[str]:
        model = self.model
        roots = set(self._entry_modules)
        for kind in (Route, Router, Handler):
            roots.update(fact.path for fact in model.facts(kind))
        roots.update(calls.path for calls in model.facts(ModuleCalls) if calls.main_guard)
        roots.update(function.path for function, _cloud in self.handlers.lambdas)
        roots.update(self.handlers.command_files)
        # A function that takes what AWS hands to its functions is one, whatever deploys it.
        roots.update(f.path for f in model.facts(Function) if [param[0] for param in f.params] == ["event", "context"])
        return model.python.possibly(sorted(roots))
