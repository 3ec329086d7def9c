"""Variables that a manifest sets under a name the code does not know."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, EnvRead, Meta, ProjectRule, SettingsClass

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, EnvEntry, Loc, Read, Reporter, Service, Workload


class EnvDeclaredButNeverRead(ProjectRule):
    """A variable is set under a misspelt name.

    What it finds
    -------------
    A name that a manifest sets and no code of the repository reads, one or two letters in one word away from a name that the
    service reads and that this deployment does not set.

    In production
    -------------
    The value never arrives: the code goes on with its default, or with nothing.

    Shape met in real repositories: a manifest that sets `RATE_LIMIT_REQUEST_PER_MINUTE` for a settings class that reads
    `RATE_LIMIT_REQUESTS_PER_MINUTE` (the settings of Arcane-Fly/Z2, one letter taken away).

    Bad:
        # file: app.py
        import os
        BROKERS = os.environ.get("KAFKA_BROKERS", "")
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
              KAFKA_BROKER: kafka:9092 # expect: env-declared-but-never-read

    Good:
        # file: app.py
        import os
        BROKERS = os.environ.get("KAFKA_BROKERS", "")
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
              KAFKA_BROKERS: kafka:9092

    Exempt
    ------
    Names that any code of the repository reads. Names that differ in a digit, in a short word, or in more than one word. Names
    that nothing resembles: images read more than the code does, so those are not reported at all.

    Fix safety
    ----------
    None: either name may be the right one.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "env-declared-but-never-read",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/config",
        summary="A variable is set under a misspelt name",
        help="Use the name that the code reads.",
    )
    needs = (EnvRead, SettingsClass)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare what each container gets and nothing reads with what its code reads and does not get."""
        found: dict[Loc, tuple[EnvEntry, Read, Service, Workload]] = {}
        for service in model.services:
            for workload, container in service.runs if not service.unlinked else ():
                scope = model.variables.resolve(workload, container)
                reads = model.variables.possible_reads_of(container)[0]
                surely = {(read.loc, read.name) for read in model.variables.reads_of(container)[0]} if scope.closed else set()
                for read in reads:
                    # What is required and surely missing is a finding of its own, with this entry as evidence.
                    lacking = read.required and (read.loc, read.name) in surely and not model.variables.is_set(scope, read)
                    if lacking or model.variables.is_given(scope, read):
                        continue
                    near = model.variables.near.of(scope, read, reads)
                    if near is not None and near.how == "spelling":
                        found.setdefault(near.entry.loc, (near.entry, read, service, workload))
        for loc, (entry, read, service, workload) in found.items():
            report(
                at=loc,
                message=f"`{entry.name}` is set for `{workload.name}`, but the code reads `{read.name}`, which no manifest sets",
                evidence=[(read.loc, f"`{read.name}` is read here")],
                environments=workload.environments,
                key=entry.name,
                service=service.name,
                derived=workload.files,
            )
