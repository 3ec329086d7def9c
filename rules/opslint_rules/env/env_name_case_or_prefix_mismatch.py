"""Variables that a manifest spells in another case, without the prefix, or nested otherwise than the code reads them."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, EnvRead, Meta, ProjectRule, SettingsClass

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, NearName, Read, Reporter, Scope, Service, Workload

_WHY = {
    "case": "names are compared letter by letter",
    "prefix": "the settings put `{prefix}` before every name",
    "nesting": "parts of a model are named with the delimiter between them",
}


class EnvNameCaseOrPrefixMismatch(ProjectRule):
    """A variable is set under a name that differs from the one that is read in case, prefix or nesting.

    What it finds
    -------------
    A name that a manifest sets and nothing reads, where the code of the container reads the same name in another case (and the reader
    compares letter by letter), with the prefix of its settings class (`env_prefix`, starlette's `env_prefix`, a prefix of
    django-environ), or with the delimiter of nested models (`DB__HOST` for a manifest's `DB_HOST`), and that name is not set.

    In production
    -------------
    The value never arrives: a required field stops the process at its start, the others quietly keep their defaults.

    Shape seen in: AshleyHollis/yt-summarizer, whose settings classes have a prefix each, and aws-samples/aws-serverless-shopping-cart,
    whose functions read `os.environ` (a name written in small letters is not found).

    Bad:
        # file: app.py
        from pydantic_settings import BaseSettings, SettingsConfigDict
        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="SHOP_")
            broker: str
            mode: str = "fast"
        settings = Settings()
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
              BROKER: kafka:9092 # expect: env-name-case-or-prefix-mismatch
              SHOP_MODE: slow

    Good:
        # file: app.py
        from pydantic_settings import BaseSettings, SettingsConfigDict
        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="SHOP_")
            broker: str
            mode: str = "fast"
        settings = Settings()
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
              SHOP_BROKER: kafka:9092
              SHOP_MODE: slow

    Exempt
    ------
    Readers that take a name in any case (pydantic unless `case_sensitive`). Names that other code, a script or another language in
    the repository mentions. For a field with a default, a missing prefix counts only when two fields of the class lack it, and never
    for names that servers and libraries read themselves (`PORT`, `OTEL_…`).

    Fix safety
    ----------
    None: either name may be the right one.

    Authority
    ---------
    https://docs.pydantic.dev/latest/concepts/pydantic_settings/#environment-variable-names
    """

    meta = Meta(
        "env-name-case-or-prefix-mismatch",
        category="env",
        severity="error",
        confidence="high",
        authority="https://docs.pydantic.dev/latest/concepts/pydantic_settings/#environment-variable-names",
        summary="A variable is set under a name that differs from the one that is read in case, prefix or nesting",
        help="Set the name that the code reads.",
    )
    needs = (EnvRead, SettingsClass)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Ask for every read that a container does not get whether something nearly of its name is set."""
        found: dict[Loc, tuple[NearName, Read, Service, Workload, Scope]] = {}
        for service in model.services:
            for workload, container in service.runs if not service.unlinked else ():
                scope = model.variables.resolve(workload, container)
                reads = model.variables.possible_reads_of(container)[0]
                for read in reads:
                    if model.variables.is_given(scope, read):
                        continue
                    near = model.variables.near.of(scope, read, reads)
                    if near is not None and near.how in _WHY:
                        found.setdefault(near.entry.loc, (near, read, service, workload, scope))
        for loc, (near, read, service, workload, scope) in found.items():
            report(
                at=loc,
                message=f"`{near.entry.name}` is set for `{workload.name}`, but the code reads `{read.name}`, which no manifest sets:"
                f" {_WHY[near.how].format(prefix=read.prefix)}",
                evidence=[(read.loc, f"`{read.name}` is read here"), *read.evidence],
                environments=workload.environments,
                key=near.entry.name,
                service=service.name,
                severity=None if read.required else "warning",
                derived=scope.files,
            )
