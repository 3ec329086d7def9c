"""Roles that may do more in one environment than in the other."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, HelmChart, KubernetesObject, Kustomization, Meta, ProjectRule, TfBlock, differences

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Difference, Reporter


class PermissionDiffersAcrossEnvironments(ProjectRule):
    """A role may do in one environment what it may not do in the other.

    What it finds
    -------------
    An IAM role of Terraform, or a Role or ClusterRole of Kubernetes, that stands in production and in staging under one name (environment
    words left out), where an action is allowed in one and, all policies of the other being known, not there. Actions are compared, not
    the resources they are about: those differ by design.

    Shape seen in: Aesgard-lab/New_crm (a Role of the base, and one role module called by a directory for each environment); right in
    Arjunrayhod/novapay-ai-devop (cluster roles that three overlays share). No difference was met in a public repository yet.

    In production
    -------------
    What was tested under the wider role is refused under the narrower one: `AccessDenied` at the first call, in production only.

    Bad:
        # file: infra/staging/main.tf
        resource "aws_iam_role" "worker" {
          name               = "worker"
          assume_role_policy = "{}"
        }
        resource "aws_iam_role_policy" "worker" {
          role = aws_iam_role.worker.id
          policy = jsonencode({
            Statement = [{ Effect = "Allow", Action = ["sqs:ReceiveMessage", "s3:PutObject"], Resource = "*" }]
          })
        }

        # file: infra/production/main.tf
        resource "aws_iam_role" "worker" { # expect: permission-differs-across-environments
          name               = "worker"
          assume_role_policy = "{}"
        }
        resource "aws_iam_role_policy" "worker" {
          role = aws_iam_role.worker.id
          policy = jsonencode({
            Statement = [{ Effect = "Allow", Action = ["sqs:ReceiveMessage"], Resource = "*" }]
          })
        }

    Good:
        # file: infra/staging/main.tf
        resource "aws_iam_role" "worker" {
          name               = "worker"
          assume_role_policy = "{}"
        }
        resource "aws_iam_role_policy" "worker" {
          role   = aws_iam_role.worker.id
          policy = jsonencode({ Statement = [{ Effect = "Allow", Action = ["sqs:ReceiveMessage"], Resource = "queue-staging" }] })
        }

        # file: infra/production/main.tf
        resource "aws_iam_role" "worker" {
          name               = "worker"
          assume_role_policy = "{}"
        }
        resource "aws_iam_role_policy" "worker" {
          role   = aws_iam_role.worker.id
          policy = jsonencode({ Statement = [{ Effect = "Allow", Action = ["sqs:*"], Resource = "queue-production" }] })
        }

    Exempt
    ------
    Roles that have nothing in common, roles with a policy that is not in the repository, development and test, `Deny` statements.

    Fix safety
    ----------
    None: which of the two is right is a decision.

    Authority
    ---------
    https://12factor.net/dev-prod-parity
    """

    meta = Meta(
        "permission-differs-across-environments",
        category="env",
        severity="warning",
        confidence="medium",
        authority="https://12factor.net/dev-prod-parity",
        summary="A role may do in one environment what it may not do in the other",
        help="Grant the same actions in both environments, each on its own resources.",
        status="preview",
    )
    needs = (TfBlock, KubernetesObject, Kustomization, HelmChart)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare what each role may do in production and in staging."""
        found, silent = differences([*model.permissions.iam(), *model.permissions.rbac()])
        for reason, loc in silent:
            report.silent(reason, loc)
        for difference in found:
            _report(difference, report)


def _report(found: Difference, report: Reporter) -> None:
    there, here = found.having.environments, found.lacking.environments
    shown = ", ".join(f"`{action}`" for action, _loc in found.extra[:3])
    more = f" and {len(found.extra) - 3} more" if len(found.extra) > 3 else ""
    harm = "what was tested there is refused here" if "production" in here[0] else "production does what was never tried"
    report(
        at=found.lacking.loc,
        message=f"`{found.lacking.name}` may {shown}{more} in {', '.join(there)} and not in {', '.join(here)}: {harm}",
        evidence=[
            (found.having.loc, f"the same role in {', '.join(there)}"),
            *((loc, f"allows `{action}`") for action, loc in found.extra[:4]),
        ],
        environments=sorted({*there, *here}),
        key=found.lacking.role,
        derived={*found.lacking.files, *found.having.files},
    )
