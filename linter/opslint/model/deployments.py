"""All deployments of a project: compose, Kubernetes (plain, kustomize, Helm), Terraform and CloudFormation workloads."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.model import PROCESS_FILES

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Deployment


_CLUSTER_KINDS = frozenset(("kubernetes", "helm-chart", "kustomization"))


def deployments(model: DeploymentModel) -> list[Deployment]:
    """Return the deployments of all platforms, sorted by key. A platform without files is not even imported."""
    found: list[Deployment] = []
    if not model.kinds.isdisjoint(_CLUSTER_KINDS):
        from opslint.model import kubernetes

        found += kubernetes.deployments(model)
    if model.has_cloud:
        from opslint.model import terraform_workloads

        found += terraform_workloads.deployments(model)
    if "procfile" in model.kinds or any(path.endswith(PROCESS_FILES) for path in model.files):
        from opslint.model import processes

        found += processes.deployments(model)
    if "compose" in model.kinds:
        from opslint.model import compose

        elsewhere = any(item.workloads for item in found)
        for item in compose.deployments(model):
            # Where something else deploys the project, a bare `docker compose up` without a tier is for the workstation.
            if elsewhere and not item.environments and compose.is_default(item):
                compose.set_environments(item, ["development"])
            found.append(item)
    return sorted(found, key=lambda item: item.key)
