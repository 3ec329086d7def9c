"""Defaults in code that are right on a developer's machine only, where no deployment sets the variable."""

from __future__ import annotations

from opslint.api import (
    IMAGE_ENV,
    MANIFESTS,
    TYPE_CHECKING,
    EnvRead,
    Meta,
    ProjectRule,
    SettingsClass,
    Switches,
    field_is_used,
    listens_at,
    local_address,
    matched_reads,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import Container, DeploymentModel, Loc, Read, Reporter, Scope, Service, Workload

_NOT_JUDGED = frozenset(("development", "test", "ephemeral"))
_BINDS = frozenset(
    (
        "HOST",
        "BIND",
        "LISTEN",
        "BIND_HOST",
        "BIND_ADDRESS",
        "LISTEN_HOST",
        "LISTEN_ADDRESS",
        "SERVER_HOST",
        "APP_HOST",
        "UVICORN_HOST",
    )
)
_PARTS = frozenset(
    "HOST HOSTNAME SERVER PORT USER USERNAME PASSWORD PASS NAME DB URL URI DSN ADDR ADDRESS ENDPOINT STRING CONNECTION".split()
)
_DATABASES = frozenset("DB DATABASE POSTGRES POSTGRESQL PG MYSQL MARIADB SQL SQLALCHEMY MONGO MONGODB".split())


class _Gap:
    """One service and one variable that none of its deployments sets."""

    def __init__(self, service: Service, read: Read) -> None:
        self.service = service
        self.read = read
        self.runs: list[tuple[Workload, Container, Scope]] = []
        self.reads: dict[Loc, Read] = {}
        self.files: set[str] = set()
        self.caveats: dict[Loc, str] = {}
        """Why a read does no harm yet, by its place."""
        self.by_names = False
        """The code was found by the variables it shares with the manifest, not by an image build."""

    def add(self, read: Read, caveat: str) -> None:
        """Take one more read; the first that does harm is the one to show."""
        self.reads.setdefault(read.loc, read)
        self.caveats[read.loc] = caveat and self.caveats.get(read.loc, caveat)
        if self.caveats[self.read.loc] and not self.caveats[read.loc]:
            self.read = read

    @property
    def caveat(self) -> str:
        """Why none of the reads does harm yet, "" when one does."""
        return self.caveats[self.read.loc]


class EnvDefaultIsDevelopmentValue(ProjectRule):
    """A deployment does not set a variable whose default is for developers' machines.

    What it finds
    -------------
    A read whose default points at this machine (`localhost`, `127.0.0.1`, `host.docker.internal`, the Docker bridge, a SQLite
    file), switches debugging on, or is a literal where a secret belongs, in code that a container loads (imports inside functions
    count), where all of the
    container's variables are known, and no manifest of the service outside of development sets this one. Where no image build
    links the container to code, the one directory that reads most of what the container is given (eight names or more) is its code, without
    the settings modules that `DJANGO_SETTINGS_MODULE` does not choose; then confidence is medium.

    In production
    -------------
    The service talks to itself instead of its database or peer, signs with a key that everyone can read, or shows its stack
    traces, and nothing fails at the start.

    Shapes met in real repositories: a settings module of `os.getenv("SYSLOG_HOST", "172.17.0.1")` beside an overlay whose ConfigMap
    lists thirty other names (AIgen-Solutions-s-r-l/application-workflow-service); a helper that returns
    `os.getenv("API_BASE_URL", "http://localhost:8000")` (AshleyHollis/yt-summarizer).

    Bad:
        # file: app.py
        import os
        REDIS_URL = os.getenv("REDIS_URL", "redis://localhost:6379/0") # expect: env-default-is-development-value
        MODE = os.environ["MODE"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.prod.yml
        services:
          app:
            build: .
            environment:
              MODE: fast

    Good:
        # file: app.py
        import os
        REDIS_URL = os.getenv("REDIS_URL", "redis://localhost:6379/0")
        MODE = os.environ["MODE"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .
        CMD ["python", "app.py"]
        # file: docker-compose.prod.yml
        services:
          app:
            build: .
            environment:
              MODE: fast
              REDIS_URL: redis://cache:6379/0

    Exempt
    ------
    Secrets that the code compares with their default (it refuses to start with it). Reads under a test of the tier, of `DEBUG` or
    of another variable, and fallbacks of a variable that is set (`DB_HOST` where `DATABASE_URL` is). Addresses to listen on. A
    container of the same pod that listens on the port, and the host's network. Notes only: what a switch that is off turns off
    (`TRACING_ENABLED`, a backend of `console`), the module of a provider that is not the chosen one, fields of a settings class that no
    code asks for, the container's own port, and files that what the container starts is not seen to load. A SQLite file in a container with a volume.
    Deployments for development and tests. Variables that another deployment of the service sets: that is
    `env-set-in-some-environments`. Names listed under `optional_env` or `platform_env`.

    Fix safety
    ----------
    None: the value is not known.

    Authority
    ---------
    https://12factor.net/config, https://docs.djangoproject.com/en/stable/howto/deployment/checklist/
    """

    meta = Meta(
        "env-default-is-development-value",
        category="env",
        severity="error",
        confidence="high",
        authority="https://12factor.net/config",
        summary="A deployment does not set a variable whose default is for developers' machines",
        help="Set the variable in the manifest, or read it without a default so that a missing value fails at the start.",
    )
    needs = (EnvRead, SettingsClass)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every service; a variable is one finding with all deployments that lack it."""
        found: dict[str, list[_Gap]] = {}
        for service in model.services:
            for gap in self._gaps(model, service, report):
                found.setdefault(gap.read.name, []).append(gap)
        for gaps in found.values():
            _report(gaps, report)

    def _gaps(self, model: DeploymentModel, service: Service, report: Reporter) -> list[_Gap]:
        gaps: dict[str, _Gap] = {}
        settled: set[str] = set()
        for workload, container in service.runs:
            tiers = {tier_of(name) for name in workload.environments}
            if workload.platform == "dockerfile" or (tiers and tiers <= _NOT_JUDGED):
                continue
            scope = model.variables.resolve(workload, container)
            linked = not service.unlinked
            if not linked and workload.platform == "compose":
                # A compose file that runs a published image is a template that its users complete.
                continue
            reads, files, aside = _reads(model, container, linked=linked)
            settled.update(read.name for read in reads if model.variables.is_set(scope, read))
            wanted = [read for read in reads if _is_candidate(model, read) and not model.variables.is_set(scope, read)]
            if linked:
                # Set under almost its name: that is a finding of its own, at the manifest.
                wanted = [read for read in wanted if model.variables.near.of(scope, read, reads) is None]
            if not wanted:
                continue
            switches = Switches(model, scope, reads)
            if not scope.closed and (linked or any(reason != IMAGE_ENV for reason, _loc in scope.open_reasons)):
                report.silent(scope.open_reasons[0][0], scope.open_reasons[0][1])
                continue
            if not _sets_some(scope, reads):
                report.silent("the manifest sets nothing that the code reads", container.loc)
                continue
            for read in wanted:
                if not _is_right_here(read, workload, container, scope):
                    gap = gaps.setdefault(read.name, _Gap(service, read))
                    gap.runs.append((workload, container, scope))
                    gap.add(read, _caveat(model, read, container, switches, aside))
                    gap.files.update(files)
                    gap.by_names = not linked
        return [gap for name, gap in gaps.items() if name not in settled]


def _reads(model: DeploymentModel, container: Container, *, linked: bool) -> tuple[list[Read], list[str], frozenset[str]]:
    """The reads of what a container starts, the files of that code, and those among them that it is not seen to load."""
    return (*model.variables.possible_reads_of(container), frozenset()) if linked else matched_reads(model, container)


def _is_candidate(model: DeploymentModel, read: Read) -> bool:
    if read.missing != "default" or read.default_kind not in ("development", "secret") or read.guarded:
        return False
    return read.name.upper() not in _BINDS and read.name not in model.settings.optional_env


def _is_right_here(read: Read, workload: Workload, container: Container, scope: Scope) -> bool:
    """Tell whether the default is right in this container after all, or another variable takes its place."""
    if _sibling_is_set(read.name, scope):
        return True
    if read.default_kind == "secret" or read.default is None:
        return False
    if read.default.lower().startswith("sqlite"):
        return container.node is None or bool(container.node.sequence("volumeMounts") or container.node.sequence("volumes"))
    return local_address(workload, container, read.default)


def _caveat(model: DeploymentModel, read: Read, container: Container, switches: Switches, aside: frozenset[str]) -> str:
    """Say why a default does no harm as things are, "" when it does."""
    if read.loc[0] in aside:
        return "what the container starts is not seen to load this file"
    switch = switches.off_by(read)
    if switch:
        return f"nothing uses it as long as `{switch}` is as it is"
    if not field_is_used(model, read):
        return "no code asks for this field so far"
    if read.default_kind != "secret" and read.default is not None and listens_at(model, container, read.default):
        return "which listens there: right only as long as it means itself"
    return ""


def _sibling_is_set(name: str, scope: Scope) -> bool:
    """Another variable that names the same thing as a whole or in part is set: one of the two is how it is configured."""
    stem, part = _stem(name)
    return part and any(_stem(other) == (stem, True) for other in scope.bindings)


def _stem(name: str) -> tuple[str, bool]:
    words = name.upper().split("_")
    kept = [word for word in words if word not in _PARTS]
    if set(words) & _DATABASES and all(word in _DATABASES or word in _PARTS for word in words):
        return "DATABASE", True
    return "_".join(kept), len(kept) < len(words) and bool(kept)


def _sets_some(scope: Scope, reads: list[Read]) -> bool:
    """Tell whether a manifest (not only the image) sets some variable that the code reads: then it is meant to be complete."""
    lower = {name.lower() for read in reads for name in (read.name, *read.aliases)}
    return any(binding.entry.origin != "ENV" and binding.entry.name.lower() in lower for binding in scope.bindings.values())


def _report(gaps: list[_Gap], report: Reporter) -> None:
    gaps.sort(key=lambda gap: bool(gap.caveat))
    read, caveat = gaps[0].read, gaps[0].caveat
    runs = [run for gap in gaps for run in gap.runs]
    environments = sorted({name for run in runs for name in run[0].environments})
    where = f" in {', '.join(environments)}" if environments else ""
    evidence: dict[Loc, str] = {}
    for workload, container, _scope in runs:
        evidence.setdefault(container.loc, f"`{workload.name}` does not get it here")
    for gap in gaps:
        for loc in gap.reads:
            evidence.setdefault(loc, "read here as well")
    evidence.pop(read.loc, None)
    report(
        at=read.loc,
        message=f"`{read.name}` is not set for `{runs[0][0].name}`{where}, and its default {_what(read, caveat)}",
        evidence=[*read.evidence, *evidence.items()][:8],
        environments=environments,
        key=read.name,
        service=gaps[0].service.name,
        confidence="medium" if gaps[0].by_names else None,
        severity="note" if caveat else None,
        # What one function or one dictionary reads is one configuration: shown as one finding.
        together=f"{read.loc[0]}:{read.holder}" if read.holder and (read.function or "@" in read.holder) else "",
        derived={path for gap in gaps for run in gap.runs for path in run[2].files}
        | {path for gap in gaps for path in gap.files},
    )


def _what(read: Read, caveat: str) -> str:
    text = (read.default or "").lower()
    if caveat.startswith("which "):
        return f"({read.default}) is this container itself, {caveat}"
    if read.default_kind == "secret":
        what = "is a secret that everyone who sees the code knows"
    elif text.startswith("sqlite"):
        what = "is a database file inside the container, lost with it"
    elif text in ("true", "1", "yes", "on"):
        what = "switches debugging on"
    else:
        what = f"({read.default}) is right on a developer's machine only"
    return f"{what}; {caveat}" if caveat else what
