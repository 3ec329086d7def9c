"""Containers that run migrations when they start, and how many of them may do so at once."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.migrations import MigrationRun, StartupCalls
from opslint.model.shell_commands import understand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Entry, Service, Workload

MAX_DEPTH = 3
"""Calls followed from a start-up handler to what migrates."""

_ONE_SHOT = frozenset(("Job", "CronJob", "ScheduledTask", "job"))


class MigrationStart(Record):
    """One container that migrates when it starts.

    `how`: ``init container``, ``command``, ``startup`` (the application's own start-up code) or ``import``. `loc` is where the
    migration is started, `tool` what runs. `copies` is how many there may be as far as it is known (replicas, autoscaling, server
    processes), `why` says it in words (``its 3 replicas``) with its place. `evidence` leads from the workload to `loc`.
    """

    __slots__ = ("container", "copies", "evidence", "files", "how", "loc", "service", "tool", "why", "workload")
    container: Container
    copies: int
    evidence: list[tuple[Loc, str]]
    files: list[str]
    how: str
    loc: Loc
    service: Service
    tool: str
    why: tuple[Loc, str] | None
    workload: Workload


def migration_starts(model: DeploymentModel) -> list[MigrationStart]:
    """Return all of them, in the order of services and their runs."""
    code = _Code(model)
    found: list[MigrationStart] = []
    for service in model.services:
        for (workload, container), entries in zip(service.runs, service.entries, strict=True):
            if workload.kind in _ONE_SHOT or _is_hook(workload):
                continue
            start = _by_command(service, workload, container, entries) or _by_code(code, service, workload, container, entries)
            if start is not None:
                found.append(start)
    return found


def _is_hook(workload: Workload) -> bool:
    annotations = workload.node.mapping("metadata", "annotations") if isinstance(workload.node, Mapping) else None
    return annotations is not None and ("helm.sh/hook" in annotations or "argocd.argoproj.io/hook" in annotations)


def _by_command(service: Service, workload: Workload, container: Container, entries: list[Entry]) -> MigrationStart | None:
    migrate = next((entry for entry in entries if entry.role == "migrate"), None)
    serves = any(entry.role in ("web", "worker", "beat") for entry in entries)
    if migrate is None or not (container.init or serves):
        return None
    known = understand(list(migrate.words))
    tool = known.tool if known is not None else " ".join(migrate.words[:3])
    copies, why = _copies(workload)
    return MigrationStart(
        container=container,
        copies=copies,
        evidence=[(container.loc, f"the container `{container.name}` of `{workload.name}` starts it")],
        files=migrate.files,
        how="init container" if container.init else "command",
        loc=migrate.loc,
        service=service,
        tool=tool,
        why=why,
        workload=workload,
    )


def _copies(workload: Workload) -> tuple[int, tuple[Loc, str] | None]:
    """How many instances a workload has at the most, with the words for it: its replicas, and what autoscaling makes of them."""
    least, most = _number(workload.replicas), _number(workload.max_replicas)
    node = workload.node.get("spec", "replicas") or workload.node.get("deploy", "replicas")
    loc = node.loc if node is not None else workload.loc
    if most <= max(least, 1):
        return least, (loc, f"its {least} replicas") if least > 1 else None
    words = (
        f"its {least} replicas (up to {most} with autoscaling)" if least > 1 else f"its replicas (up to {most} with autoscaling)"
    )
    return most, (loc, words)


def _number(value: Value) -> int:
    return int(value.value) if isinstance(value, Known) and isinstance(value.value, int | float) else 1


class _Code:
    """Which modules migrate when they are imported or when their application starts."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.by_path: dict[str, list[MigrationRun]] = {}
        self.by_function: dict[tuple[str, str], MigrationRun] = {}
        for run in model.facts(MigrationRun):
            if run.conditional or run.locked:
                continue
            if run.when in ("import", "startup"):
                self.by_path.setdefault(run.path, []).append(run)
            self.by_function.setdefault((run.path, run.function), run)
        self.startups: dict[str, list[StartupCalls]] = {}
        if self.by_function:
            for startup in model.facts(StartupCalls):
                self.startups.setdefault(startup.path, []).append(startup)

    def of(self, modules: list[str]) -> tuple[MigrationRun, list[tuple[Loc, str]]] | None:
        """Return what surely migrates when one of `modules` is started, with the way there."""
        if not self.by_function:
            return None
        reached = sorted(self.model.python.surely(modules))
        for path in reached:
            for run in self.by_path.get(path, ()):
                return run, []
            for startup in self.startups.get(path, ()):
                found = self._follow(startup)
                if found is not None:
                    return found
        return None

    def _follow(self, startup: StartupCalls) -> tuple[MigrationRun, list[tuple[Loc, str]]] | None:
        python = self.model.python
        first = (startup.loc, f"`{startup.function}` runs when the application starts")
        for origin, place, conditional in startup.calls:
            if conditional:
                continue
            function = python.function_at(startup.path, str(origin))
            work = (
                [(function, [first, (startup.place(place), f"calls `{function.qualname}`")], 1)] if function is not None else []
            )
            while work:
                current, way, depth = work.pop()
                run = self.by_function.get((current.path, current.qualname))
                if run is not None:
                    return run, way
                if depth < MAX_DEPTH:
                    for callee, loc, _how in python.callees(current):
                        work.append((callee, [*way, (loc, f"calls `{callee.qualname}`")], depth + 1))
        return None


def _by_code(
    code: _Code, service: Service, workload: Workload, container: Container, entries: list[Entry]
) -> MigrationStart | None:
    entry = next((item for item in entries if item.role in ("web", "worker") and item.modules), None)
    found = code.of(entry.modules) if entry is not None else None
    if entry is None or found is None:
        return None
    run, way = found
    copies, why = _copies(workload)
    processes = _processes(entry.words)
    if processes > 1 and copies == 1:
        copies, why = processes, (entry.loc, f"the {processes} processes of `{entry.server}`")
    return MigrationStart(
        container=container,
        copies=copies,
        evidence=[*way, (container.loc, f"the container `{container.name}` of `{workload.name}` starts this code")],
        files=entry.files,
        how="import" if run.when == "import" else "startup",
        loc=run.loc,
        service=service,
        tool="metadata.create_all" if run.tool == "create_all" else run.tool,
        why=why,
        workload=workload,
    )


def _processes(words: list[str]) -> int:
    """The number of worker processes that a server's command line names."""
    for flag, value in zip(words, [*words[1:], ""], strict=True):
        name, equals, inline = flag.partition("=")
        if name in ("-w", "--workers"):
            text = inline if equals else value
            return int(text) if text.isdigit() and len(text) < 5 else 1
    return 1


def racing(starts: list[MigrationStart]) -> Iterator[list[MigrationStart]]:
    """Yield groups of starts that run the same migrations in the same deployment."""
    groups: dict[tuple[str, str], list[MigrationStart]] = {}
    for start in starts:
        groups.setdefault((start.workload.deployment, start.service.name), []).append(start)
    yield from groups.values()
