"""All deployments of a project: compose, Kubernetes (plain, kustomize, Helm), Terraform and CloudFormation workloads."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.model.environment_names import WORKSTATIONS
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
    for item in found:
        if not item.environments and _is_on_workstation(item):
            for workload in item.workloads:
                workload.environments = workload.environments or ["development"]
            item.environments = ["development"]
    return sorted(found, key=lambda item: item.key)


def _is_on_workstation(deployment: Deployment) -> bool:
    """Tell whether a value of a workload names a cluster that runs on a developer's machine (``settings.minikube``, ``api.minikube.local``)."""
    for workload in deployment.workloads:
        for container in workload.containers:
            for entry in container.entries:
                value = entry.value.value if isinstance(entry.value, Known) else None
                if isinstance(value, Masked):
                    words = f"{value.plain or ''}.{value.host}".lower().replace("/", ".").replace(":", ".").split(".")
                    if not WORKSTATIONS.isdisjoint(words):
                        return True
    return False
