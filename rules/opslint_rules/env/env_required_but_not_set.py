"""Variables that the code cannot do without and that a deployment does not set."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, EnvRead, Meta, ProjectRule, SettingsClass, Switches

if TYPE_CHECKING:
    from opslint.api import Container, DeploymentModel, Loc, Read, Reporter, Scope, Service, Workload


class EnvRequiredButNotSet(ProjectRule):
    """The code needs a variable that a deployment does not set.

    What it finds
    -------------
    A read without a default (`os.environ["X"]`, a settings field without a default, a helper that raises) in code that the
    container's start command surely loads, where all of the container's variables are known and this one is not among them.

    Shape seen in: Aesgard-lab/New_crm (a patch gives it to the web server and not to the scheduler); right in makeplane/plane (env files
    that are not in git).

    In production
    -------------
    The process dies at its start, or what needs the variable fails each time it is called, in the one environment that lacks it.

    Bad:
        # file: app.py
        import os
        API_URL = os.environ["API_URL"] # expect: env-required-but-not-set
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
        API_URL = os.environ["API_URL"]
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
              API_URL: http://api:8080

    Exempt
    ------
    A container with a source of variables that is not in the repository (an `env_file` that git ignores, a secret whose keys
    are unknown, a base image of your own): counted only. A manifest that sets nothing of what the code reads. Variables that
    the platform sets, and those of `platform_env` and `optional_env`. In functions: what a switch that is off turns off
    (`TRACING_ENABLED`), and the module of a provider that is not the chosen one (`groq_provider.py` beside `gemini_provider.py`, where
    `LLM_PROVIDER` says `gemini`).

    Fix safety
    ----------
    None: the value is not known.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "env-required-but-not-set",
        category="env",
        severity="error",
        confidence="high",
        authority="https://12factor.net/config",
        summary="The code needs a variable that a deployment does not set",
        help="Set the variable in the manifest, give the read a default, or list it under `optional_env` or `platform_env`.",
    )
    needs = (EnvRead, SettingsClass)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every linked container; a variable that several lack is one finding."""
        found: dict[tuple[Loc, str], list[tuple[Read, Service, Workload, Container, Scope, list[str]]]] = {}
        for service in model.services:
            if service.unlinked:
                continue
            for workload, container in service.runs:
                scope = model.variables.resolve(workload, container)
                reads, files = model.variables.reads_of(container)
                missing = [read for read in reads if self._lacks(model, scope, read, reads)]
                if not missing:
                    continue
                if not scope.closed:
                    report.silent(scope.open_reasons[0][0], scope.open_reasons[0][1])
                elif not _sets_some(scope, reads):
                    report.silent("the manifest sets nothing that the code reads", container.loc)
                else:
                    switches = Switches(model, scope, reads)
                    for read in missing:
                        if not read.import_time and switches.off_by(read):
                            report.silent("a switch that is off, or another choice, makes it needless", read.loc)
                            continue
                        found.setdefault((read.loc, read.name), []).append((read, service, workload, container, scope, files))
        for runs in _by_name(found):
            self._report(model, runs, report)

    def _lacks(self, model: DeploymentModel, scope: Scope, read: Read, reads: list[Read]) -> bool:
        if not read.required or read.name in model.settings.optional_env or model.variables.is_set(scope, read):
            return False
        # Set in another case or without its prefix: `env-name-case-or-prefix-mismatch` says so at the manifest.
        near = model.variables.near.of(scope, read, reads)
        return near is None or near.how == "spelling"

    def _report(
        self, model: DeploymentModel, runs: list[tuple[Read, Service, Workload, Container, Scope, list[str]]], report: Reporter
    ) -> None:
        read, service, workload, _container, _scope, _files = runs[0]
        environments = sorted({name for run in runs for name in run[2].environments})
        where = f" in {', '.join(environments)}" if environments else ""
        harm = "the process fails at its start" if read.import_time else "what needs it fails when it is called"
        evidence: dict[Loc, str] = {}
        for other in runs:
            evidence.setdefault(other[3].loc, f"`{other[2].name}` does not get it here")
        for other in runs:
            near = model.variables.near.of(other[4], other[0], ())
            if near is not None:
                evidence.setdefault(
                    near.entry.loc, f"`{near.entry.name}`, which is set here, is almost its name and is read nowhere"
                )
        for other in runs:
            if other[0].loc != read.loc:
                evidence.setdefault(other[0].loc, "read here as well")
        report(
            at=read.loc,
            message=f"`{read.name}` is required but `{workload.name}` does not get it{where}: {harm}",
            evidence=[*read.evidence, *evidence.items()],
            environments=environments,
            key=read.name,
            service=service.name,
            confidence=None if read.import_time else "medium",
            derived={path for run in runs for path in (*run[4].files, *run[5])},
        )


def _sets_some(scope: Scope, reads: list[Read]) -> bool:
    """Tell whether a manifest (not only the image) sets some variable that the code reads: then it is meant to be complete."""
    names = {name for read in reads for name in (read.name, *read.aliases)}
    lower = {name.lower() for name in names}
    bound = [binding for binding in scope.bindings.values() if binding.entry.origin != "ENV"]
    return any(binding.entry.name in names or binding.entry.name.lower() in lower for binding in bound)


def _by_name(
    found: dict[tuple[Loc, str], list[tuple[Read, Service, Workload, Container, Scope, list[str]]]],
) -> list[list[tuple[Read, Service, Workload, Container, Scope, list[str]]]]:
    """Join the reads of one variable in one service: the same line in the manifest mends them all."""
    joined: dict[tuple[str, str], list[tuple[Read, Service, Workload, Container, Scope, list[str]]]] = {}
    for (_loc, name), runs in found.items():
        joined.setdefault((name, runs[0][1].name), []).extend(runs)
    return list(joined.values())
