"""Staging that points at what belongs to production."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    CfnResource,
    ComposeFile,
    DotenvFile,
    KubernetesObject,
    Meta,
    ProjectRule,
    TfBlock,
    TfVars,
    foreign_tier,
    is_store,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Mention, Reporter


class NonProdReferencesProd(ProjectRule):
    """An environment that is not production uses something of production's.

    What it finds
    -------------
    A value of staging, development or test (a variable of a workload, a dotenv file, tfvars, a literal in the environment's own
    Terraform) whose host, bucket, queue or database name says production, or that points at the same database, broker, queue or
    table as a value of production.

    In production
    -------------
    A test run in staging deletes rows, drains queues or sends mail of real customers. It looks like an attack and is a
    configuration file.

    Bad:
        # file: env/.env.staging
        DATABASE_URL=postgresql://app:x@db.prod.example.com/orders # expect: non-prod-references-prod

        # file: env/.env.production
        DATABASE_URL=postgresql://app:x@db.prod.example.com/orders

    Good:
        # file: env/.env.staging
        DATABASE_URL=postgresql://app:x@db.staging.example.com/orders

        # file: env/.env.production
        DATABASE_URL=postgresql://app:x@db.prod.example.com/orders

    Exempt
    ------
    Image registries, package and artefact stores, parent DNS zones, certificates, snapshots to restore from; names that resolve
    inside each environment (no dot); values that are masked or templates.

    Fix safety
    ----------
    None: which resource the environment should have is not in the repository.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "non-prod-references-prod",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://12factor.net/config",
        summary="An environment that is not production uses something of production's",
        help="Give the environment a resource of its own and point the value at it.",
    )
    needs = (TfBlock, TfVars, DotenvFile, KubernetesObject, ComposeFile, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Look at every value of every environment that is neither production nor shared."""
        stores: dict[str, Mention] = {}
        for found in model.mentions:
            if tier_of(found.environment) == "production" and is_store(found):
                stores.setdefault(found.value.digest, found)
        places: dict[tuple[Loc, str], list[tuple[Mention, str, Mention | None]]] = {}
        for found in model.mentions:
            if tier_of(found.environment) in ("production", "shared"):
                continue
            named = foreign_tier(found, "production")
            same = stores.get(found.value.digest) if is_store(found) else None
            if named or same is not None:
                places.setdefault((found.loc, found.name), []).append((found, named, same))
        for (loc, name), reasons in places.items():
            self._report(loc, name, reasons, report)

    def _report(self, loc: Loc, name: str, reasons: list[tuple[Mention, str, Mention | None]], report: Reporter) -> None:
        found, named, same = reasons[0]
        environments = sorted({mention.environment for mention, _named, _same in reasons})
        who = " and ".join(environments)
        if same is not None and same.loc == loc:
            message = f"`{name}` of {who} is the same value as production's, from one file: they share what it points at"
        elif same is not None:
            message = f"`{name}` of {who} points at production's own resource"
        else:
            message = f"`{name}` of {who} names production" + (f" (`{named}`)" if not named.isalpha() else "")
        evidence = [(same.loc, f"production uses the same value (`{same.name}`)")] if same is not None and same.loc != loc else []
        report(
            at=loc,
            message=message,
            evidence=evidence,
            environments=environments,
            key=name,
            confidence=None if same is not None or found.value.kind in ("url", "host", "arn") else "medium",
            derived={path for mention, _named, other in reasons for path in (*mention.files, *(other.files if other else ()))},
        )
