"""Values that the code cannot parse, or parses as something else than they say."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, EnvRead, Known, Meta, ProjectRule, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, EnvEntry, Loc, Masked, Read, Reporter, Workload

_FALSE = frozenset("false 0 no off f n".split())
_NOT_JUDGED = frozenset(("test",))


class EnvTypeParseHazard(ProjectRule):
    """A value is parsed as something else than it says.

    What it finds
    -------------
    `bool(os.getenv(…))` of a variable that a manifest sets to `false`, `0`, `no` or `off`, or whose default in the code is such a
    text (any text but the empty one is true), and `int(os.getenv(…))` or `float(…)` of a variable that a manifest sets to
    something that is no number, or to nothing.

    In production
    -------------
    What was switched off is on; or the process stops with a `ValueError` in the one environment that has the value.

    Shape met in a real repository: `DEBUG = bool(os.environ.get("DEBUG", True))` in Django settings
    (briancaffey/django-postgres-vue-gitlab-ecs), with a manifest that says `DEBUG: "False"`.

    Bad:
        # file: app.py
        import os
        DEBUG = bool(os.environ.get("SHOP_DEBUG", ""))
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
              SHOP_DEBUG: "false" # expect: env-type-parse-hazard

    Good:
        # file: app.py
        import os
        DEBUG = os.environ.get("SHOP_DEBUG", "").lower() == "true"
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
              SHOP_DEBUG: "false"

    Exempt
    ------
    Values that are not known, and everything that goes through another function than these three (pydantic, `strtobool`, a
    comparison). Environments for tests.

    Fix safety
    ----------
    None: compare the text (`.lower() in ("1", "true", "yes", "on")`).

    Authority
    ---------
    https://docs.python.org/3/library/stdtypes.html#truth-value-testing
    """

    meta = Meta(
        "env-type-parse-hazard",
        category="env",
        severity="error",
        confidence="high",
        authority="https://docs.python.org/3/library/stdtypes.html#truth-value-testing",
        summary="A value is parsed as something else than it says",
        help="Compare the text with the values that mean true, or write a number into the manifest.",
        status="preview",
    )
    needs = (EnvRead,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge the defaults of all reads, and the values of every linked container."""
        for reads in model.variables.all_reads.by_path.values():
            for read in reads:
                if read.parse == "bool" and (read.default or "").lower() in _FALSE:
                    report(
                        at=read.loc,
                        message=f"`bool()` of the default `{read.default}` of `{read.name}` is true: any text but the empty one is",
                        key=read.name,
                    )
        found: dict[Loc, tuple[EnvEntry, Read, list[Workload]]] = {}
        for service in model.services:
            for workload, container in service.runs if not service.unlinked else ():
                if {tier_of(name) for name in workload.environments} & _NOT_JUDGED:
                    continue
                scope = model.variables.resolve(workload, container)
                for read in model.variables.possible_reads_of(container)[0]:
                    binding = scope.get(read.name) if read.parse else None
                    if (
                        binding is not None
                        and isinstance(binding.entry.value, Known)
                        and _is_wrong(read.parse, binding.entry.value.value)
                    ):
                        found.setdefault(binding.entry.loc, (binding.entry, read, []))[2].append(workload)
        for loc, (entry, read, workloads) in found.items():
            what = "true, whatever it says" if read.parse == "bool" else f"no {read.parse}: the process stops with a ValueError"
            report(
                at=loc,
                message=f"`{entry.name}` goes through `{read.parse}()` in the code, where this value is {what}",
                evidence=[(read.loc, f"`{read.parse}()` of the text")],
                environments=sorted({name for workload in workloads for name in workload.environments}),
                key=entry.name,
                derived={path for workload in workloads for path in workload.files},
            )


def _is_wrong(parse: str, value: Masked) -> bool:
    if parse == "bool":
        return (value.plain or "").lower() in _FALSE
    if parse == "int":
        return value.kind in ("empty", "url", "arn", "email", "path", "host") or (
            value.kind == "bool" and not (value.plain or "").isdigit()
        )
    return value.kind in ("empty", "url", "arn", "email", "path") or (value.kind == "bool" and not (value.plain or "").isdigit())
