"""Staging that points at what belongs to production."""

from __future__ import annotations

from opslint.api import (
    BROKER_KINDS,
    LOWER,
    TYPE_CHECKING,
    UPPER,
    CfnResource,
    ComposeFile,
    DotenvFile,
    GitlabPipeline,
    KubernetesObject,
    Meta,
    ProjectRule,
    TfBlock,
    TfVars,
    Workflow,
    crossings,
)

if TYPE_CHECKING:
    from opslint.api import Crossing, DeploymentModel, Reporter


class NonProdReferencesProd(ProjectRule):
    """An environment that is not production uses something of production's.

    What it finds
    -------------
    A value of staging, development or test (a variable of a workload or of what a job deploys, a dotenv file, tfvars, a literal in the environment's own
    Terraform) whose host, bucket, queue or database name says production; that points at the same database, table or
    deployed application as a value of production; at a host that production's own ingress serves; or into the AWS account that
    only production declares.

    Shape seen in: 0-Phoenix-0/E-commerce-Website-3d-Design (a base compose file whose service calls the deployed back end, in every
    environment), AshleyHollis/yt-summarizer (previews that read the vault `…-prd`). Silent shape seen in: polarsource/polar.

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
    Redis databases, virtual hosts, queues and topics that both only refer to (`same-broker-slot`). Image registries, package
    and artefact stores, parent DNS zones, certificates, snapshots to restore from; addresses that are only allowed or shown
    (`CORS_ORIGINS`, `DOCS_URL`); names that resolve inside each environment (no dot); two databases of one server; hosts that
    somebody is to fill in (`your-api…`); values that are masked or templates.

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
    needs = (TfBlock, TfVars, DotenvFile, KubernetesObject, ComposeFile, CfnResource, Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report what the lower environments hold of production's."""
        for crossing in crossings(model, LOWER, UPPER):
            other = crossing.other
            if crossing.reason == "same" and other is not None and not other.owned and other.kind in BROKER_KINDS:
                continue  # `same-broker-slot` says so, and what it means
            self._report(crossing, report)

    def _report(self, crossing: Crossing, report: Reporter) -> None:
        environments = sorted({identity.environment for identity in crossing.identities})
        who = " and ".join(environments)
        first, same = crossing.identities[0], crossing.other
        shown = f" (`{first.shown}`)" if first.shown and not first.shown.isalpha() else ""
        if crossing.reason == "named":
            message = f"`{crossing.name}` of {who} names production{shown}"
        elif crossing.reason == "account":
            message = f"`{crossing.name}` of {who} lives in production's account{shown}"
        elif same is not None and same.loc == crossing.loc:
            message = f"`{crossing.name}` of {who} is the same value as production's, from one file: they share what it points at"
        else:
            message = f"`{crossing.name}` of {who} points at production's own resource"
        evidence = []
        if same is not None and same.loc != crossing.loc:
            what = "production's account" if crossing.reason == "account" else "production uses the same value"
            evidence.append((same.loc, f"{what} (`{same.name}`)"))
        report(
            at=crossing.loc,
            message=message,
            evidence=evidence,
            environments=environments,
            key=crossing.name,
            confidence=None if same is not None or first.scope is not None else "medium",
            derived={path for identity in crossing.identities for path in identity.files} | set(same.files if same else ()),
        )
