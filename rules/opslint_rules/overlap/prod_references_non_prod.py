"""Production that rests on what belongs to staging or development."""

from __future__ import annotations

from opslint.api import (
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
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import Crossing, DeploymentModel, Identity, Reporter


class ProdReferencesNonProd(ProjectRule):
    """Production uses something of staging's or development's.

    What it finds
    -------------
    A value of production (a variable of a workload or of what a job deploys, a dotenv file, tfvars, a literal in its own Terraform) whose
    host, bucket, queue or database name says staging, development, sandbox or preview; that points at a thing which only a lower
    environment declares; or that tells production itself that it is another environment (`environment = "dev"`, `APP_ENV=staging`).

    Shapes seen in: cisagov/crossfeed (the production job deploys the stage `staging`, so its `DOMAIN` is staging's), A0291221R/sentinel-mas
    (a root `environments/prod` copied from `environments/dev` with `default = "dev"`). Silent shape seen in: polarsource/polar
    (`NEXT_PUBLIC_SANDBOX_FRONTEND_BASE_URL`).

    In production
    -------------
    Orders go to a database that is wiped every night, payments to a sandbox that says yes to every card. Nobody is paged when it breaks,
    because to everyone who looks it is only staging.

    Bad:
        # file: deploy/.env.production
        DATABASE_URL=postgresql://app:x@db.staging.example.com/orders # expect: prod-references-non-prod

        # file: deploy/.env.staging
        DATABASE_URL=postgresql://app:x@db.staging.example.com/orders

    Good:
        # file: deploy/.env.production
        DATABASE_URL=postgresql://app:x@db.prod.example.com/orders
        STAGING_STATUS_URL=https://status.staging.example.com

        # file: deploy/.env.staging
        DATABASE_URL=postgresql://app:x@db.staging.example.com/orders

    Exempt
    ------
    Image registries, package and artefact stores, code; addresses that are only allowed (`CORS_ORIGINS`); links that are called after the
    environment they lead to; `NODE_ENV` and its like, which say how code was built; values that are masked or templates.

    Fix safety
    ----------
    None: which resource production should have is not in the repository.

    Authority
    ---------
    https://docs.aws.amazon.com/whitepapers/latest/organizing-your-aws-environment/organizing-your-aws-environment.html
    """

    meta = Meta(
        "prod-references-non-prod",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://docs.aws.amazon.com/whitepapers/latest/organizing-your-aws-environment/organizing-your-aws-environment.html",
        summary="Production uses something of staging's or development's",
        help="Point the value at production's own resource.",
    )
    needs = (TfBlock, TfVars, DotenvFile, KubernetesObject, ComposeFile, CfnResource, Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report what production holds of the lower environments'."""
        for crossing in crossings(model, UPPER, LOWER):
            first = crossing.identities[0]
            if crossing.reason == "same" and crossing.other is not None and not crossing.other.owned:
                # Both refer to it and nothing says whose it is: that is the other environment's finding.
                report.silent("whose the shared thing is is not known", crossing.loc)
                continue
            report(
                at=crossing.loc,
                message=self._message(crossing, first),
                evidence=[(crossing.other.loc, f"{crossing.other.environment} declares it")]
                if crossing.other is not None
                else [],
                environments=sorted({identity.environment for identity in crossing.identities}),
                key=crossing.name,
                confidence=None if crossing.other is not None or first.scope is not None else "medium",
                derived={path for identity in crossing.identities for path in identity.files},
            )

    @staticmethod
    def _message(crossing: Crossing, first: Identity) -> str:
        who = " and ".join(sorted({identity.environment for identity in crossing.identities}))
        shown = f" (`{first.shown}`)" if first.shown and not first.shown.isalpha() else ""
        if crossing.reason == "named":
            tier = next(tier for tier in first.tiers if tier in LOWER)
            if first.kind in ("tier", "mode"):
                return f"`{crossing.name}` tells {who} that it is {tier} (`{first.shown}`)"
            return f"`{crossing.name}` of {who} names {tier}{shown}"
        other = tier_of(crossing.other.environment) if crossing.other is not None else "another tier"
        if crossing.reason == "account":
            return f"`{crossing.name}` of {who} lives in {other}'s account{shown}"
        return f"`{crossing.name}` of {who} points at what {other} declares{shown}"
