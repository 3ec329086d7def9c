"""The matrix of `opslint model`: services × variables × environments, with what reads each and how the environments differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opslint.base.masking import Masked, is_secret_name, strip_credentials
from opslint.base.value import Known, Secret, Unknown
from opslint.model import platform_env

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.env_reads import Read
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, EnvEntry, Workload
    from opslint.model.variables import Scope

SET, SECRET, UNKNOWN = "set", "secret", "unknown"
OPEN, ABSENT, DEFAULT, PLATFORM = "open", "absent", "default", "platform"
GIVEN = (SET, SECRET, UNKNOWN)
"""States of a variable that something in the repository sets."""

MISSING, PRESENCE, VALUE = "missing", "presence", "value"
"""How environments differ: the code needs what one does not set; some set it and some do not; the values are not the same."""


class _Run:
    """One container in one environment, with what it is given and what its code reads."""

    __slots__ = ("needs", "scope", "workload")

    def __init__(self, workload: Workload, scope: Scope, needs: dict[str, Read]) -> None:
        self.workload = workload
        self.scope = scope
        self.needs = needs


class Matrix:
    """Makes the rows of all services. `place(loc)` gives ``{"path", "line"}``."""

    def __init__(self, model: DeploymentModel, place: Callable[[Loc], dict[str, Any]], names: list[str]) -> None:
        self._model = model
        self._place = place
        self._order = {name: number for number, name in enumerate(names)}
        self._runs: dict[str, dict[str | None, list[_Run]]] = {}
        self._reads: dict[str, dict[str, list[Read]]] = {}

    def rows(self, runs: list[tuple[str, Workload, Container]]) -> list[dict[str, Any]]:
        """Return a row for every variable that is set for or read by one of `runs` (service name, workload, container)."""
        for service, workload, container in runs:
            self._take(service, workload, container)
        out = []
        for service in sorted(self._runs):
            by_environment = self._runs[service]
            environments = sorted(by_environment, key=lambda name: (self._order.get(name or "", -1), name or ""))
            bound = {name for many in by_environment.values() for run in many for name in run.scope.bindings}
            for name in sorted(bound | set(self._reads.get(service, ()))):
                out.append(self._row(service, name, environments))
        return out

    def _take(self, service: str, workload: Workload, container: Container) -> None:
        reads = self._model.variables.reads_of(container)[0]
        known = self._reads.setdefault(service, {})
        needs: dict[str, Read] = {}
        for read in reads:
            found = known.setdefault(read.name, [])
            if read not in found:
                found.append(read)
            if read.required and read.name not in self._model.settings.optional_env:
                needs.setdefault(read.name, read)
        scope = self._model.variables.resolve(workload, container)
        # A manifest that sets nothing of what the code reads does not mean to be complete: nothing of it is missing.
        wanted = {name for read in reads for name in (read.name, *read.aliases)}
        meant = any(name in wanted and found.entry.origin != "ENV" for name, found in scope.bindings.items())
        run = _Run(workload, scope, needs if meant else {})
        environments: list[str | None] = [*workload.environments] or [None]
        for environment in environments:
            self._runs.setdefault(service, {}).setdefault(environment, []).append(run)

    def _row(self, service: str, name: str, environments: list[str | None]) -> dict[str, Any]:
        reads = self._reads.get(service, {}).get(name, [])
        groups: dict[str, int] = {}
        cells = [self._cell(service, name, environment, reads, groups) for environment in environments]
        return {
            "service": service,
            "name": name,
            "differs": difference(cells),
            "environments": cells,
            "reads": [
                {"required": read.required, "default": read.default_kind or None, **self._place(read.loc)} for read in reads
            ],
        }

    def _cell(
        self, service: str, name: str, environment: str | None, reads: list[Read], groups: dict[str, int]
    ) -> dict[str, Any]:
        runs = self._runs[service][environment]
        entries = [(run, found.entry) for run in runs if (found := run.scope.bindings.get(name)) is not None]
        missing = any(self._lacks(run, name) for run in runs)
        cell: dict[str, Any] = {"environment": environment}
        if entries:
            cell.update(self._given([entry for _run, entry in entries], name, groups))
        else:
            cell.update(self._not_given(runs, name, reads))
        cell.update(runs=len(runs), set_in=len(entries), missing=missing)
        return cell

    def _lacks(self, run: _Run, name: str) -> bool:
        read = run.needs.get(name)
        return read is not None and run.scope.closed and not self._model.variables.is_set(run.scope, read)

    def _given(self, entries: list[EnvEntry], name: str, groups: dict[str, int]) -> dict[str, Any]:
        """Describe what the runs of an environment get; the first stands for all, `same` says whether they agree."""
        first = entries[0]
        identities = [_identity(entry.value) for entry in entries]
        agree = all(identity == identities[0] for identity in identities)  # also where none of them can be told
        state = SET if isinstance(first.value, Known) else SECRET if isinstance(first.value, Secret) else UNKNOWN
        same = groups.setdefault(identities[0], len(groups)) if agree and identities[0] else None
        reason = first.value.reason if isinstance(first.value, Unknown) else None
        if not agree:
            reason = "its runs get different values"
        return {
            "state": state,
            "value": _shown(first.value, name),
            "same": same,
            "reason": strip_credentials(_without(name, reason)) if reason else None,
            "origin": first.origin,
            **self._place(first.loc),
        }

    def _not_given(self, runs: list[_Run], name: str, reads: list[Read]) -> dict[str, Any]:
        declared = self._model.settings.platform_env
        platform = next((run.scope.platform for run in runs if platform_env.sets(run.scope.platform, name, declared)), None)
        opened = list(dict.fromkeys(reason for run in runs for reason, _loc in run.scope.open_reasons))
        nothing: dict[str, Any] = {"value": None, "same": None, "reason": None, "origin": None, "path": None, "line": None}
        if platform is not None:
            return {"state": PLATFORM, **nothing, "origin": f"the platform ({platform})"}
        if opened:
            return {"state": OPEN, **nothing, "reason": strip_credentials("; ".join(opened))}
        kinds = [read.default_kind or "none" for read in reads if not read.required]
        if kinds and len(kinds) == len(reads):
            return {"state": DEFAULT, **nothing, "origin": f"default in the code ({kinds[0]})", **self._place(reads[0].loc)}
        return {"state": ABSENT, **nothing}


def _without(name: str, reason: str) -> str:
    """Return a reason without the variable's own name, so that many variables share one."""
    for before, after in ((f"{name} of the host", "from the host"), (f"{name} is ", ""), (f"{name} must be ", "must be ")):
        if reason.startswith(before):
            return after + reason[len(before) :]
    return reason


def _identity(value: Value) -> str:
    """Return what is equal for equal values only; "" where it cannot be told."""
    if isinstance(value, Known):
        inner = value.value
        if not isinstance(inner, Masked):
            return f"k {inner!r}"
        # A sibling tells digests of what names a thing only: of other values it is not known whether they are the same.
        return f"x {inner.digest}" if ":" not in inner.digest else ""
    return f"s {value.ref}" if isinstance(value, Secret) else ""


def _shown(value: Value, name: str) -> dict[str, Any] | None:
    """Return what may be shown of a value: its kind, and the host, number or secret's name. Never a text."""
    if isinstance(value, Secret):
        return {"kind": "secret", "text": strip_credentials(value.ref) or None}
    if not isinstance(value, Known):
        return None
    inner = value.value
    if not isinstance(inner, Masked):
        return {"kind": "text", "text": None}
    return {"kind": inner.kind, "text": _text(inner, name)}


def _text(value: Masked, name: str) -> str | None:
    if value.kind in ("url", "host"):
        port = f":{value.port}" if value.port else ""
        scheme = f"{value.scheme}://" if value.scheme else ""
        return strip_credentials(f"{scheme}{value.host}{port}" + (f"/{value.name}" if value.name else "")) or None
    if value.kind == "arn":
        return strip_credentials(f"arn:{value.scheme}:{value.host}:{value.name}")
    if value.kind == "email":
        return f"…@{value.host}"
    if value.plain and not is_secret_name(name):
        # Kept for booleans, short numbers, and names that hold no secret by their meaning.
        return strip_credentials(value.plain)
    return None


def difference(cells: list[dict[str, Any]]) -> str | None:
    """Return how the cells of one row surely differ: `MISSING`, `PRESENCE`, `VALUE`, or None. What is not known differs from nothing."""
    if any(cell["missing"] for cell in cells):
        return MISSING
    given = [cell for cell in cells if cell["state"] in GIVEN]
    if given and any(cell["state"] in (ABSENT, DEFAULT) for cell in cells):
        return PRESENCE
    if len({cell["set_in"] == cell["runs"] for cell in given}) > 1:
        return PRESENCE
    if len({cell["state"] for cell in given if cell["state"] != UNKNOWN}) > 1:
        return VALUE
    values = [cell for cell in given if cell["state"] == SET]
    groups = {cell["same"] for cell in values if cell["same"] is not None}
    texts = {cell["value"]["text"] for cell in values if cell["value"]["text"] is not None}
    return VALUE if len(groups) > 1 or len(texts) > 1 else None
