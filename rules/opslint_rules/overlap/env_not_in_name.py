"""A resource whose name is the same in every environment of its code."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, TfBlock, constant_names

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, NameClash, Reporter


class EnvNotInName(ProjectRule):
    """A resource's name does not carry the environment, although the same code's other names do.

    What it finds
    -------------
    Terraform that is applied for several environments (a root or a copy of it for each, value files, workspaces, an `environment` variable)
    and gives a queue, role, function, table or log group one constant name, while other resources of the same root are named after the
    environment; and nothing says that the environments live in different accounts.

    Shape seen in: A0291221R/sentinel-mas (the functions and the role of `environments/{dev,prod}/lambda-hooks.tf` are called
    `codedeploy-…`, everything else `${var.project_name}-${var.environment}-…`).

    In production
    -------------
    The second environment cannot be created where the first one is (`EntityAlreadyExists`), or takes over what the first one made. Nobody
    notices until there is a second one, on the day it is needed.

    Bad:
        # file: infra/main.tf
        variable "environment" {
          validation {
            condition     = contains(["staging", "production"], var.environment)
            error_message = "staging or production"
          }
        }

        provider "aws" {
          region = "eu-west-1"
        }

        resource "aws_sqs_queue" "orders" {
          name = "${var.environment}-orders"
        }

        resource "aws_iam_role" "worker" {
          name               = "orders-worker" # expect: env-not-in-name
          assume_role_policy = "{}"
        }

    Good:
        # file: infra/main.tf
        variable "environment" {
          validation {
            condition     = contains(["staging", "production"], var.environment)
            error_message = "staging or production"
          }
        }

        provider "aws" {
          region = "eu-west-1"
        }

        resource "aws_sqs_queue" "orders" {
          name = "${var.environment}-orders"
        }

        resource "aws_iam_role" "worker" {
          name               = "${var.environment}-orders-worker"
          assume_role_policy = "{}"
        }

    Exempt
    ------
    One environment only; accounts, projects, profiles, roles or regions that differ by environment or are not known; states kept in different
    buckets, or in buckets that are not known; code none of whose names carries the environment, which may be one account an environment on
    purpose. Names that are unique in the world, and names in an account that is known to be the same, are `same-physical-resource-name`'s:
    the two rules share their evidence and part it by that, so that no name is reported twice.

    Fix safety
    ----------
    None: a renamed resource is a new one.

    Authority
    ---------
    https://developer.hashicorp.com/terraform/language/state/workspaces
    """

    meta = Meta(
        "env-not-in-name",
        category="overlap",
        severity="warning",
        confidence="medium",
        authority="https://developer.hashicorp.com/terraform/language/state/workspaces",
        summary="A resource's name does not carry the environment, although the same code's other names do",
        help="Build the name like its neighbours', with `var.environment` or `terraform.workspace` in it.",
    )
    needs = (TfBlock,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each file with constant names beside names that carry the environment."""
        clashes, undecided = constant_names(model)
        for loc, why in undecided:
            report.silent(why, loc)
        for clash in clashes:
            _report(clash, report)


def _report(clash: NameClash, report: Reporter) -> None:
    first, *rest = clash.first
    who = f"{' and '.join(clash.environments)}" if clash.environments else "every environment it is applied for"
    more = f"; {len(clash.others)} more in this file" if clash.others else ""
    evidence = [(other.loc, f"{other.environment} has it too") for other in rest if other.loc != first.loc]
    if clash.sibling is not None:
        evidence.append((clash.sibling.loc, "this name carries the environment"))
    evidence.extend((other.loc, f"the same: `{other.name}`") for other in clash.others[:8])
    report(
        at=first.loc,
        message=f"`{first.resource.type}.{first.resource.name}` is called `{first.name}` in {who}{more}",
        evidence=evidence,
        environments=clash.environments,
        key=first.resource.address,
        derived={path for member in (*clash.first, *clash.others) for path in (*member.root.files, *member.resource.files)},
    )
