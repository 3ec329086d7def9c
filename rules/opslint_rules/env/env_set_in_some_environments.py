"""Variables that one environment sets and another forgot."""

from __future__ import annotations

from opslint.api import (
    MANIFESTS,
    TYPE_CHECKING,
    DotenvFile,
    EnvRead,
    Known,
    Meta,
    ProjectRule,
    SettingsClass,
    is_example,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import Container, DeploymentModel, Loc, Read, Reporter, Scope, Workload

_JUDGED = frozenset(("production", "staging", "shared"))
_MOST_READS = 16
"""Reads shown for one manifest that passes nothing of them on."""

_COMPARED = frozenset(("production", "staging", "shared", "ephemeral"))


class _Gap:
    """One service in which some environments set a variable and others lack it."""

    def __init__(
        self,
        service: str,
        read: Read,
        setting: list[tuple[Workload, Container, Scope]],
        lacking: list[tuple[Workload, Container, Scope]],
        files: list[str],
    ) -> None:
        self.service = service
        self.read = read
        self.setting = setting
        self.lacking = lacking
        self.files = files

    def paths(self) -> set[str]:
        """All files the gap was derived from."""
        return {path for run in (*self.setting, *self.lacking) for path in run[2].files} | set(self.files)


class EnvSetInSomeEnvironments(ProjectRule):
    """A variable is set in one environment and missing in another.

    What it finds
    -------------
    Two environments (production, staging, preview) of one service on the same platform, all variables of both known, one of
    them setting a variable that the code reads and the other not. Also a deployment whose complete list of variables leaves out
    what `.env.example` documents and the code reads without a harmless default: it works on people's own machines only.

    Shape seen in: 00-Aryan/Procurement-AI- (documented, not passed on); right in AIgen-Solutions-s-r-l/application-workflow-service (one
    ConfigMap for every overlay).

    In production
    -------------
    What was tested is not what runs: the environment that lacks the variable fails, or quietly uses the default of the code.

    Bad:
        # file: app.py
        import os
        QUEUE = os.environ.get("QUEUE_NAME", "default") # expect: env-set-in-some-environments
        MODE = os.environ["MODE"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.staging.yml
        services:
          app:
            build: .
            environment: {MODE: fast, QUEUE_NAME: orders}
        # file: docker-compose.prod.yml
        services:
          app:
            build: .
            environment: {MODE: fast}

    Good:
        # file: app.py
        import os
        QUEUE = os.environ.get("QUEUE_NAME", "default")
        MODE = os.environ["MODE"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.staging.yml
        services:
          app:
            build: .
            environment: {MODE: fast, QUEUE_NAME: orders}
        # file: docker-compose.prod.yml
        services:
          app:
            build: .
            environment: {MODE: fast, QUEUE_NAME: orders}

    Exempt
    ------
    The default in the code equals what the other environment sets. Development and test environments. Names listed under
    `optional_env`. Of what is documented: fields of a settings class that are None by default (integrations that need not be there), and
    parts of what is set as a whole (`REDIS_PASSWORD` where `REDIS_URL` is).
    Variables that are required as well are reported as `env-required-but-not-set` instead.

    Fix safety
    ----------
    None: the value is not known.

    Authority
    ---------
    https://12factor.net/dev-prod-parity
    """

    meta = Meta(
        "env-set-in-some-environments",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/dev-prod-parity",
        summary="A variable is set in one environment and missing in another",
        help="Set it in both environments, or list it under `optional_env` when the difference is meant.",
    )
    needs = (EnvRead, SettingsClass)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare the environments of each service, start command by start command; a variable is one finding."""
        found: dict[str, list[_Gap]] = {}
        for service in model.services:
            groups: dict[tuple[str, ...], list[tuple[Workload, Container]]] = {}
            for (workload, container), entries in zip(service.runs, service.entries, strict=True):
                tiers = {tier_of(name) for name in workload.environments}
                modules = sorted({module for entry in entries for module in entry.modules})
                if tiers and tiers <= _COMPARED and modules:
                    groups.setdefault((workload.platform, container.name, *modules), []).append((workload, container))
            for runs in groups.values():
                if len({name for workload, _container in runs for name in workload.environments}) > 1:
                    self._compare(model, service.name, runs, found, report)
        for gaps in _of_one_cause(found):
            _report(gaps, report)
        self._documented(model, set(found), report)

    def _documented(self, model: DeploymentModel, reported: set[str], report: Reporter) -> None:
        """What the example file documents for people's own machines, and no container of a deployment gets."""
        for service in model.services:
            examples = [fact for fact in model.facts(DotenvFile) if _is_example_of(fact.path, service.context)]
            documented = {row[0]: fact.place(row[1]) for fact in examples for row in fact.entries}
            groups: dict[str, list[tuple[Workload, Container]]] = {}
            for (workload, container), entries in zip(service.runs, service.entries, strict=True):
                tiers = {tier_of(name) for name in workload.environments}
                if documented and not service.unlinked and entries and (not tiers or tiers & _JUDGED):
                    runs = groups.setdefault(workload.deployment, [])
                    runs.insert(0 if any(entry.role == "web" for entry in entries) else len(runs), (workload, container))
            lost: dict[tuple[str, ...], list[tuple[Workload, Container, list[Read]]]] = {}
            for runs in groups.values():
                reads = self._lost(model, runs, set(documented) - reported)
                # The container that is given most is the one that the variables are meant for.
                own = [run for run in runs if _reads_some(model, run[1], reads)] or runs
                run = max(own, key=lambda run: len(run[1].entries))
                if reads:
                    lost.setdefault(tuple(read.name for read in reads), []).append((*run, reads))
            for found in lost.values():
                _report_lost(service.name, found, documented, report)

    def _lost(self, model: DeploymentModel, runs: list[tuple[Workload, Container]], documented: set[str]) -> list[Read]:
        """The reads of documented names that none of the containers gets, where all of them are known and some name is passed on."""
        scopes = [model.variables.resolve(workload, container) for workload, container in runs]
        if not all(scope.closed for scope in scopes):
            return []
        reads = [read for _workload, container in runs for read in _first_reads(model.variables.reads_of(container)[0])]
        asked = [read for read in _first_reads(reads) if read.name in documented and not read.required]
        unset = [read for read in asked if not any(model.variables.is_set(scope, read) for scope in scopes)]
        unset = [read for read in unset if not any(model.variables.near.of(scope, read, asked) for scope in scopes)]
        if len(unset) == len(asked):
            return []
        optional = model.settings.optional_env
        reported = ("harmless", "unknown", "development", "secret")
        # Defaults for development are `env-default-is-development-value`.
        return [
            read
            for read in unset
            if read.default_kind not in reported
            and read.name not in optional
            and not _is_optional_field(read)
            and not any(_whole_is_set(read.name, scope) for scope in scopes)
        ]

    def _compare(
        self,
        model: DeploymentModel,
        service: str,
        runs: list[tuple[Workload, Container]],
        found: dict[str, list[_Gap]],
        report: Reporter,
    ) -> None:
        reads, files = model.variables.reads_of(runs[0][1])
        scopes = [(workload, container, model.variables.resolve(workload, container)) for workload, container in runs]
        for read in _first_reads(reads):
            if read.name in model.settings.optional_env or read.required:
                continue
            setting = [run for run in scopes if _set_by_manifest(run[2], read)]
            lacking = [run for run in scopes if not model.variables.is_set(run[2], read) and _is_judged(run[0])]
            # Set under almost its name: that is a finding of its own, at the manifest.
            lacking = [run for run in lacking if model.variables.near.of(run[2], read, reads) is None]
            if not setting or not lacking or _shares_environment(setting, lacking):
                continue
            if all(_equals_default(run[2], read) for run in setting):
                continue
            unknown = next((run[2].open_reasons[0] for run in lacking if not run[2].closed), None)
            if unknown is not None:
                report.silent(unknown[0], unknown[1])
                continue
            found.setdefault(read.name, []).append(_Gap(service, read, setting, lacking, files))


def _of_one_cause(found: dict[str, list[_Gap]]) -> list[list[_Gap]]:
    """Variables of one thing (`AZURE_OPENAI_ENDPOINT`, `AZURE_OPENAI_API_KEY`) that the same environments set and lack are one block
    that was forgotten; the variable that most containers lack comes first.
    """
    blocks: dict[tuple[object, ...], list[list[_Gap]]] = {}
    for name, gaps in found.items():
        key = (name.upper().partition("_")[0], tuple(_there(gaps)), tuple(_here(gaps)))
        blocks.setdefault(key, []).append(gaps)
    out: list[list[_Gap]] = []
    for block in blocks.values():
        block.sort(key=lambda gaps: -sum(len(gap.lacking) for gap in gaps))
        out.append([gap for gaps in block for gap in gaps])
    return out


def _there(gaps: list[_Gap]) -> list[str]:
    return sorted({name for gap in gaps for run in gap.setting for name in run[0].environments})


def _here(gaps: list[_Gap]) -> list[str]:
    return sorted({name for gap in gaps for run in gap.lacking for name in run[0].environments})


def _report(gaps: list[_Gap], report: Reporter) -> None:
    name = gaps[0].read.name
    own = [gap for gap in gaps if gap.read.name == name]
    # A settings class says what the program is configured with; a read in a function may be a stand-in for it.
    first = min(own, key=lambda gap: (gap.read.how != "pydantic", bool(gap.read.function), own.index(gap)))
    read = first.read
    there, here = _there(gaps), _here(gaps)
    others = list(dict.fromkeys(gap.read.name for gap in gaps if gap.read.name != name))
    binding = first.setting[0][2].get(name, ignore_case=read.ignore_case)
    evidence: dict[Loc, str] = {binding.entry.loc: f"set in {', '.join(there)}"} if binding is not None else {}
    for gap in gaps:
        for run in gap.lacking:
            evidence.setdefault(run[1].loc, f"missing for `{run[0].name}`")
        if gap.read.loc != read.loc:
            note = "read here as well" if gap.read.name == name else f"`{gap.read.name}` is read here"
            evidence.setdefault(gap.read.loc, note)
    names = ", ".join(f"`{other}`" for other in [name, *others[:3]]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    verb, instead = ("are", "their defaults") if others else ("is", "its default")
    if any(gap.read.missing != "default" for gap in gaps):
        instead = "their defaults or nothing" if others else "nothing"
    report(
        at=read.loc,
        message=f"{names} {verb} set in {', '.join(there)} and missing in {', '.join(here)}: there the code uses {instead}",
        evidence=list(evidence.items())[:12],
        environments=here,
        key=name,
        service=first.service,
        derived={path for gap in gaps for path in gap.paths()},
    )


def _report_lost(
    service: str, found: list[tuple[Workload, Container, list[Read]]], documented: dict[str, Loc], report: Reporter
) -> None:
    workload, container, reads = found[0]
    names = ", ".join(f"`{read.name}`" for read in reads[:4]) + (f" and {len(reads) - 4} more" if len(reads) > 4 else "")
    evidence = [
        (documented[reads[0].name], "documented here"),
        *((read.loc, f"`{read.name}` is read here") for read in reads[:_MOST_READS]),
    ]
    evidence.extend((_last_entry(other), f"nor does `{run.name}` of {run.deployment}") for run, other, _reads in found[1:4])
    report(
        at=_last_entry(container),
        message=f"`{workload.name}` never gets {names}: documented in {evidence[0][0][0]} and read by the code, but not passed on",
        evidence=evidence,
        environments=sorted({name for run, _container, _reads in found for name in run.environments}),
        key=reads[0].name,
        service=service,
        confidence="medium",
        derived={path for run, _container, _reads in found for path in run.files},
    )


def _reads_some(model: DeploymentModel, container: Container, reads: list[Read]) -> bool:
    wanted = {read.loc for read in reads}
    return any(read.loc in wanted for read in model.variables.reads_of(container)[0])


def _is_optional_field(read: Read) -> bool:
    """A field of a settings class that is None by default is an integration that need not be there; who takes it asks first."""
    return read.how == "pydantic" and read.default_kind in ("", "none") and read.missing == "default"


_WHOLE = ("URL", "URI", "DSN")


def _whole_is_set(name: str, scope: Scope) -> bool:
    """Tell whether a part (`REDIS_PASSWORD`) is inside something that is set as a whole (`REDIS_URL`)."""
    stem, _, part = name.upper().rpartition("_")
    return bool(stem) and part not in _WHOLE and any(f"{stem}_{whole}" in scope.bindings for whole in _WHOLE)


def _last_entry(container: Container) -> Loc:
    own = [entry.loc for entry in container.entries if entry.loc[0] == container.loc[0]]
    return own[-1] if own else container.loc


def _is_example_of(path: str, context: str) -> bool:
    """Tell whether a dotenv file is the example that people copy, at the top of the project or of the service."""
    return path.rpartition("/")[0] in ("", context) and is_example(path)


def _first_reads(reads: list[Read]) -> list[Read]:
    first: dict[str, Read] = {}
    for read in reads:
        first.setdefault(read.name, read)
    return list(first.values())


def _is_judged(workload: Workload) -> bool:
    return any(tier_of(name) in _JUDGED for name in workload.environments)


def _set_by_manifest(scope: Scope, read: Read) -> bool:
    return any(
        (binding := scope.get(name, ignore_case=read.ignore_case)) is not None and binding.entry.origin != "ENV"
        for name in (read.name, *read.aliases)
    )


def _shares_environment(
    setting: list[tuple[Workload, Container, Scope]], lacking: list[tuple[Workload, Container, Scope]]
) -> bool:
    """Two workloads of one environment differ: that is how the service is split, not an environment that was forgotten."""
    return bool(
        {name for run in setting for name in run[0].environments} & {name for run in lacking for name in run[0].environments}
    )


def _equals_default(scope: Scope, read: Read) -> bool:
    binding = scope.get(read.name, ignore_case=read.ignore_case)
    return binding is not None and isinstance(binding.entry.value, Known) and read.defaults_to(binding.entry.value.value)
