"""Telemetry that two environments send to one place without saying which of them it is from."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.record import Record
from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.telemetry import TelemetryStart
from opslint.model.environments import tier_of
from opslint.model.kubernetes import pod_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, EnvEntry, Workload
    from opslint.model.variables import Scope

_TIERS = ("production", "staging", "development")
_DATADOG_LABELS = ("tags.datadoghq.com/env", "admission.datadoghq.com/enabled")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")


class Untagged(Record):
    """One destination (`what`: ``Sentry``, ``Datadog``, ``OpenTelemetry``; `name` the variable that holds it, at `loc`) that workloads of several
    environments send to without a tag. `missing` is the variable that would tag it; `code` where the code starts it, if it is known.
    """

    __slots__ = ("code", "environments", "files", "loc", "missing", "name", "others", "what", "workload")
    code: Loc | None
    environments: list[str]
    files: list[str]
    loc: Loc
    missing: str
    name: str
    others: list[tuple[Loc, str]]
    what: str
    workload: str


class _Use(Record):
    __slots__ = ("code", "entry", "environment", "scope", "state", "workload")
    code: Loc | None
    entry: EnvEntry
    environment: str
    scope: Scope
    state: str
    workload: Workload


class Telemetry:
    """The destinations of all workloads of named environments."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.starts = model.facts(TelemetryStart)
        self.unclear: list[tuple[str, Loc]] = []

    def untagged(self) -> list[Untagged]:
        """Each destination once, in the order of workloads."""
        groups: dict[tuple[str, ...], list[_Use]] = {}
        for workload in self.model.workloads:
            tiers = {tier_of(name) for name in workload.environments}
            if len(tiers) != 1 or not tiers.issubset(_TIERS):
                continue
            for container in workload.containers:
                for key, use in self._uses(workload, container):
                    groups.setdefault(key, []).append(use)
        found: dict[tuple[str, Loc], Untagged] = {}
        for (what, missing, *_rest), uses in groups.items():
            made = self._judge(what, missing, uses)
            if made is not None:
                found.setdefault((what, made.loc), made)
        return list(found.values())

    def _uses(self, workload: Workload, container: Container) -> Iterator[tuple[tuple[str, ...], _Use]]:
        names = {entry.name: entry for entry in container.entries}
        dsn = next((entry for name, entry in names.items() if name.endswith("SENTRY_DSN")), None)
        service, otel = names.get("DD_SERVICE"), names.get("OTEL_SERVICE_NAME")
        if dsn is None and service is None and otel is None:
            return
        scope = self.model.variables.resolve(workload, container)
        for environment in workload.environments[:1]:

            def use(entry: EnvEntry, state: tuple[str, Loc | None], environment: str = environment) -> _Use:
                return _Use(code=state[1], entry=entry, environment=environment, scope=scope, state=state[0], workload=workload)

            digest = _digest(dsn)
            if dsn is not None and digest:
                key = ("Sentry", "SENTRY_ENVIRONMENT", dsn.name, digest)
                yield key, use(dsn, self._sentry(workload, container, scope))
            digest = _digest(service)
            if service is not None and digest:
                yield ("Datadog", "DD_ENV", digest), use(service, (_datadog(workload, scope), None))
            endpoint = next((names[name] for name in _ENDPOINTS if name in names), None)
            digest, where = _digest(otel), _digest(endpoint)
            if otel is not None and endpoint is not None and digest and where and _is_public(endpoint):
                key = ("OpenTelemetry", "OTEL_RESOURCE_ATTRIBUTES", digest, where)
                yield key, use(otel, self._otel(workload, container, scope))

    def _judge(self, what: str, missing: str, uses: list[_Use]) -> Untagged | None:
        tiers = {tier_of(use.environment) for use in uses}
        if len(tiers) < 2:
            return None
        # One environment without a tag is enough for its data to be taken for another's; all of them must be sure to have none.
        states = {use.state for use in uses}
        if states != {"untagged"}:
            if "unknown" in states and "tagged" not in states:
                self.unclear.append((f"whether {what} is told the environment is not known", uses[0].entry.loc))
            return None
        ordered = sorted(uses, key=lambda use: (-_TIERS.index(tier_of(use.environment)), use.workload.name))
        first = ordered[0]
        others: dict[Loc, str] = {}
        for use in ordered[1:]:
            if use.entry.loc != first.entry.loc and tier_of(use.environment) != tier_of(first.environment):
                others.setdefault(use.entry.loc, f"{use.environment} has the same")
        return Untagged(
            code=first.code,
            environments=sorted({use.environment for use in uses}),
            files=sorted({path for use in uses for path in (*use.workload.files, *use.scope.files)}),
            loc=first.entry.loc,
            missing=missing,
            name=first.entry.name,
            others=list(others.items()),
            what=what,
            workload=first.workload.name,
        )

    def _files(self, workload: Workload, container: Container) -> set[str]:
        """The Python files a container may load; empty when its code is not known."""
        start = self.model.linked.start(container)
        modules = [module for entry in start.entries for module in entry.modules] if start is not None else []
        return set(self.model.python.possibly(modules)) if modules else set()

    def _sentry(self, workload: Workload, container: Container, scope: Scope) -> tuple[str, Loc | None]:
        if scope.get("SENTRY_ENVIRONMENT") is not None:
            return "tagged", None
        files = self._files(workload, container)
        starts = [start for start in self.starts if start.library == "sentry_sdk" and (not files or start.path in files)]
        if not starts or not scope.closed:
            return "unknown", None
        if len({(start.environment, start.value) for start in starts}) > 1:
            return "tagged", None
        start = starts[0]
        if start.environment == "varies":
            return "tagged", None
        if start.environment == "read" and scope.get(start.value) is not None:
            return "tagged", None
        return "untagged", start.loc

    def _otel(self, workload: Workload, container: Container, scope: Scope) -> tuple[str, Loc | None]:
        attributes = scope.get("OTEL_RESOURCE_ATTRIBUTES")
        if attributes is not None:
            value = attributes.entry.value
            plain = value.value.plain if isinstance(value, Known) and isinstance(value.value, Masked) else None
            if plain is None or "deployment.environment" in plain:
                return "tagged", None
        files = self._files(workload, container)
        if not files or not scope.closed:
            return "unknown", None
        starts = [start for start in self.starts if start.library == "opentelemetry" and start.path in files]
        if any(start.environment != "absent" for start in starts):
            return "tagged", None
        return "untagged", starts[0].loc if starts else None


def _datadog(workload: Workload, scope: Scope) -> str:
    if scope.get("DD_ENV") is not None or scope.get("DD_TAGS") is not None:
        return "tagged"
    for labels in (pod_labels(workload.node), workload.node.mapping("metadata", "labels"), workload.node.mapping("labels")):
        if isinstance(labels, Mapping) and any(name in labels for name in (*_DATADOG_LABELS, "com.datadoghq.tags.env")):
            return "tagged"
    return "untagged" if scope.closed else "unknown"


def _digest(entry: EnvEntry | None) -> str:
    """The digest of a value that is known and not empty, else ""."""
    value = entry.value.value if entry is not None and isinstance(entry.value, Known) else None
    return value.digest if isinstance(value, Masked) and value.kind != "empty" else ""


def _is_public(entry: EnvEntry) -> bool:
    """Tell whether an endpoint is one place for all environments: a name with a dot that is no cluster's own."""
    value = entry.value.value if isinstance(entry.value, Known) else None
    host = value.host if isinstance(value, Masked) else ""
    return (
        "." in host and not host.endswith((".svc", ".local", ".internal", ".localhost")) and not host.replace(".", "").isdigit()
    )
