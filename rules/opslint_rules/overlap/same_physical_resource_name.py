"""Two environments that declare one resource."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, TfBlock, name_clashes

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, NameClash, Reporter


class SamePhysicalResourceName(ProjectRule):
    """Two environments declare a resource of the same name in the same place.

    What it finds
    -------------
    A bucket, queue, topic, table, database, role, log group and the like that the Terraform of two environments (two roots, or one root with
    a value file for each) gives the same name: a name that is unique in the whole world (buckets, storage accounts), or in an account and
    region that both environments are known to live in (the provider's account, role or project; the ARNs in their value files).

    Shape seen in: cisagov/crossfeed (one root for `stage.tfvars` and `prod.tfvars`, whose event rules and parameters have constant names,
    in the account that the certificate's ARN in both value files names).

    In production
    -------------
    Whoever applies second either fails or takes the resource over: an SQS queue or a log group of that name is adopted silently. From then on
    staging reads production's messages, and `terraform destroy` of staging deletes what production uses.

    Bad:
        # file: envs/staging/main.tf
        resource "aws_s3_bucket" "uploads" {
          bucket = "acme-shop-uploads" # expect: same-physical-resource-name
        }

        # file: envs/production/main.tf
        resource "aws_s3_bucket" "uploads" {
          bucket = "acme-shop-uploads"
        }

    Good:
        # file: envs/staging/main.tf
        resource "aws_s3_bucket" "uploads" {
          bucket = "acme-shop-staging-uploads"
        }

        # file: envs/production/main.tf
        resource "aws_s3_bucket" "uploads" {
          bucket = "acme-shop-production-uploads"
        }

    Exempt
    ------
    Environments whose accounts, projects or regions differ or are not known (`env-not-in-name` looks at those), resources of shared roots,
    two instances of one tier, roots that keep one state (`shared-terraform-state`), resources whose existence hangs on something unknown,
    and a name that a value of one environment takes from the other (`non-prod-references-prod`): each cause is reported once.

    Fix safety
    ----------
    None: a renamed bucket, queue or database is a new one.

    Authority
    ---------
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """

    meta = Meta(
        "same-physical-resource-name",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
        summary="Two environments declare a resource of the same name in the same place",
        help="Make the environment part of the name (`${var.environment}`), or keep the resource in a root that both environments share.",
    )
    needs = (TfBlock,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each file whose resources two environments have under one name."""
        for clash in name_clashes(model):
            _report(clash, report)


def _report(clash: NameClash, report: Reporter) -> None:
    first, *rest = clash.first
    who = " and ".join(clash.environments)
    more = f"; {len(clash.others)} more in this file" if clash.others else ""
    where = "everywhere" if first.reach == "world" else "in the same account"
    evidence = [(other.loc, f"{other.environment} declares it too") for other in rest if other.loc != first.loc]
    evidence.extend((other.loc, f"the same: `{other.name}`") for other in clash.others[:8])
    report(
        at=first.loc,
        message=f"`{first.resource.type}.{first.resource.name}` is called `{first.name}` in {who}: one name {where}{more}",
        evidence=evidence,
        environments=clash.environments,
        key=first.resource.address,
        confidence=None if first.reach == "world" or first.place.settings else "medium",
        derived={path for member in (*clash.first, *clash.others) for path in (*member.root.files, *member.resource.files)},
    )
