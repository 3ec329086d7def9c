"""An environment that reads another environment's Terraform state."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, HclFile, Meta, ProjectRule, TfBlock, crossed_tier, state_reads, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter, StateRead


class RemoteStateCrossesEnv(ProjectRule):
    """A root of one environment reads the Terraform state of another.

    What it finds
    -------------
    `terraform_remote_state` data whose bucket and key are those of another environment's root, or name another tier; a Terragrunt
    `dependency` on a unit of another environment.

    Shape seen in: deptagency/engineering-blog-terraform-terragrunt (`soapbox/terraform/{dev,qa,prod}/iam/data.tf`, copies that differ in
    the bucket's last word only: one forgotten edit, and qa is wired to dev).

    In production
    -------------
    What staging creates hangs on production's network, roles or keys: a change in one is a change in the other, and an apply of staging needs
    credentials that can read production's state, which holds its passwords in plain text.

    Bad:
        # file: envs/staging/main.tf
        data "terraform_remote_state" "network" {
          backend = "s3"
          config = {
            bucket = "acme-state"
            key    = "production/network/terraform.tfstate" # expect: remote-state-crosses-env
            region = "eu-west-1"
          }
        }

        # file: envs/production/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-state"
            key          = "production/network/terraform.tfstate"
            region       = "eu-west-1"
            use_lockfile = true
          }
        }

    Good:
        # file: envs/staging/main.tf
        data "terraform_remote_state" "network" {
          backend = "s3"
          config = {
            bucket = "acme-state"
            key    = "staging/network/terraform.tfstate"
            region = "eu-west-1"
          }
        }

        # file: envs/production/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-state"
            key          = "production/network/terraform.tfstate"
            region       = "eu-west-1"
            use_lockfile = true
          }
        }

    Exempt
    ------
    Stacks that are shared by their place or their name (`shared`, `global`, `network` beside the environments); another instance of the same
    tier; keys of which some part is not known.

    Fix safety
    ----------
    None: which state the environment should read is not in the repository.

    Authority
    ---------
    https://developer.hashicorp.com/terraform/language/state/remote-state-data
    """

    meta = Meta(
        "remote-state-crosses-env",
        category="overlap",
        severity="warning",
        confidence="high",
        authority="https://developer.hashicorp.com/terraform/language/state/remote-state-data",
        summary="A root of one environment reads the Terraform state of another",
        help="Read the state of the root's own environment, or move what both need into a shared root.",
    )
    needs = (TfBlock, HclFile)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Look at every read of another root's state."""
        for read in state_reads(model):
            tier = crossed_tier(read)
            if tier:
                _report(read, tier, report)
            elif read.state is None and read.source is None and not read.tiers:
                report.silent("which state is read is not known", read.loc)


def _report(read: StateRead, tier: str, report: Reporter) -> None:
    environment = read.root.environments[0]
    whose = read.source.environments[0] if read.source is not None else tier
    evidence = [(read.source.loc, f"{whose} keeps it")] if read.source is not None else []
    lower = "production" not in (tier, tier_of(environment))
    report(
        at=read.loc,
        message=f"`{read.name}`, which {environment} reads, is {whose}'s Terraform state",
        evidence=evidence,
        environments=[environment],
        key=read.name,
        severity="note" if lower else None,
        confidence=None if read.source is not None else "medium",
        derived={*read.root.files, *(read.source.files if read.source is not None else ())},
    )
