"""Ports that are open in one environment and closed in the other."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    HelmChart,
    KubernetesObject,
    Kustomization,
    Meta,
    ProjectRule,
    TfBlock,
    differences,
    network_paths,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Difference, Reporter


class NetworkPathDiffers(ProjectRule):
    """A port is open in one environment and closed in the other.

    What it finds
    -------------
    A security group of Terraform or a NetworkPolicy of Kubernetes that stands in production and in staging under one name (environment words
    left out), where one lets a port (of a NetworkPolicy: from or to the same peers) through and the other, all of its rules being known, does
    not. Address ranges are not compared: they differ by design.

    Shape seen in: Aesgard-lab/New_crm (policies of the base that overlays may patch); right in AbuCloud1/Gatus-ECS-App (one module for
    each environment). No difference was met in a public repository yet.

    In production
    -------------
    The connection that works in staging times out in production, after the deploy and without an error that names the network.

    Bad:
        # file: k8s/overlays/staging/policy.yaml
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: api, namespace: shop}
        spec:
          podSelector: {matchLabels: {app: api}}
          egress:
            - to: [{podSelector: {matchLabels: {app: db}}}]
              ports: [{port: 5432}]
            - to: [{podSelector: {matchLabels: {app: redis}}}]
              ports: [{port: 6379}]
        # file: k8s/overlays/staging/kustomization.yaml
        resources: [policy.yaml]
        # file: k8s/overlays/production/policy.yaml
        apiVersion: networking.k8s.io/v1 # expect: network-path-differs
        kind: NetworkPolicy
        metadata: {name: api, namespace: shop}
        spec:
          podSelector: {matchLabels: {app: api}}
          egress:
            - to: [{podSelector: {matchLabels: {app: db}}}]
              ports: [{port: 5432}]
        # file: k8s/overlays/production/kustomization.yaml
        resources: [policy.yaml]

    Good:
        # file: infra/staging/main.tf
        resource "aws_security_group" "db" {
          name = "db"
          ingress {
            from_port   = 5432
            to_port     = 5432
            protocol    = "tcp"
            cidr_blocks = ["10.1.0.0/16"]
          }
        }
        # file: infra/production/main.tf
        resource "aws_security_group" "db" {
          name = "db"
          ingress {
            from_port   = 5432
            to_port     = 5432
            protocol    = "tcp"
            cidr_blocks = ["10.2.0.0/16"]
          }
        }

    Exempt
    ------
    Rules whose port or protocol is not known, groups that have nothing in common, development and test.

    Fix safety
    ----------
    None: which of the two is right is a decision.

    Authority
    ---------
    https://12factor.net/dev-prod-parity
    """

    meta = Meta(
        "network-path-differs",
        category="env",
        severity="warning",
        confidence="medium",
        authority="https://12factor.net/dev-prod-parity",
        summary="A port is open in one environment and closed in the other",
        help="Let the same ports through in both environments, or take the one away that nothing needs.",
        status="preview",
    )
    needs = (TfBlock, KubernetesObject, Kustomization, HelmChart)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare what each group or policy lets through in production and in staging."""
        found, silent = differences(network_paths(model))
        for reason, loc in silent:
            report.silent(reason, loc)
        for difference in found:
            _report(difference, report)


def _report(found: Difference, report: Reporter) -> None:
    there, here = found.having.environments, found.lacking.environments
    shown = ", ".join(f"`{path}`" for path, _loc in found.extra[:3])
    more = f" and {len(found.extra) - 3} more" if len(found.extra) > 3 else ""
    kind = found.lacking.kind
    report(
        at=found.lacking.loc,
        message=f"{kind[0].upper()}{kind[1:]} `{found.lacking.name}` lets {shown}{more} through in {', '.join(there)} and not in {', '.join(here)}",
        evidence=[
            (found.having.loc, f"the same in {', '.join(there)}"),
            *((loc, f"lets `{path}` through") for path, loc in found.extra[:4]),
        ],
        environments=sorted({*there, *here}),
        key=found.lacking.role,
        derived={*found.lacking.files, *found.having.files},
    )
