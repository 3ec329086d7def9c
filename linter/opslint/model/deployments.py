"""All deployments of a project: compose, Kubernetes (plain, kustomize, Helm), Terraform and CloudFormation workloads."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Deployment


def deployments(model: DeploymentModel) -> list[Deployment]:
    """Return the deployments of all platforms, sorted by key."""
    from opslint.model import compose, kubernetes, terraform_workloads

    found = [*compose.deployments(model), *kubernetes.deployments(model), *terraform_workloads.deployments(model)]
    if any(item.platform != "compose" and item.workloads for item in found):
        # Where something else deploys the project, a bare `docker compose up` without a tier is for the workstation.
        for item in found:
            if item.platform == "compose" and not item.environments and compose.is_default(item):
                compose.set_environments(item, ["development"])
    return sorted(found, key=lambda item: item.key)
