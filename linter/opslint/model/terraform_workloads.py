"""Workloads that Terraform and CloudFormation declare: ECS, Lambda, Cloud Run, App Service and Container Apps, Kubernetes objects."""

from __future__ import annotations

from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known, Unknown, known, unknown
from opslint.model import azure_apps, cloud_run, ecs, terraform_kubernetes
from opslint.model.records import Container, Deployment, Workload
from opslint.model.terraform_values import settled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.resource_records import Function
    from opslint.model.terraform_nodes import Resource


TYPES = (*ecs.TASK_TYPES, *ecs.SERVICE_TYPES, *cloud_run.TYPES, *azure_apps.TYPES, *terraform_kubernetes.TYPES)


def deployments(model: DeploymentModel) -> list[Deployment]:
    """Return one deployment for each Terraform root and each template that declares a workload, in order of keys."""
    functions: dict[str, list[Function]] = {}
    for function in model.resources.functions:
        functions.setdefault(_owner(model, function.resource), []).append(function)
    out: list[Deployment] = []
    for root in model.terraform.roots:
        key = f"terraform:{root.key}"
        resources = model.terraform.resources_in(root, *TYPES)
        made = _deployment(model, key, resources, root.environments, root.files, root.loc, functions.get(key, []))
        if made.workloads:
            out.append(made)
    for template in model.resources.templates:
        key = f"cloudformation:{template.key}"
        loc: Loc = (template.path, (1, 1, 1, 1))
        resources = template.resources
        made = _deployment(model, key, resources, template.environments, [template.path], loc, functions.get(key, []))
        if made.workloads:
            out.append(made)
    return out


def _owner(model: DeploymentModel, resource: Resource) -> str:
    if resource.platform == "cloudformation":
        return f"cloudformation:{resource.root}"
    return f"terraform:{model.terraform.root_of(resource).key}"


def _deployment(
    model: DeploymentModel,
    key: str,
    resources: Iterable[Resource],
    environments: list[str],
    files: list[str],
    loc: Loc,
    functions: list[Function],
) -> Deployment:
    listed = list(resources)
    workloads = [
        *ecs.workloads(model, key, listed),
        *(_function(key, function) for function in functions),
        *cloud_run.workloads(key, listed),
        *azure_apps.workloads(key, listed),
        *terraform_kubernetes.workloads(model, key, listed),
    ]
    return Deployment(
        environments=environments,
        files=sorted({*files, *(path for workload in workloads for path in workload.files)}),
        key=key,
        loc=loc,
        objects=[],
        open_reasons=[],
        platform="terraform" if key.startswith("terraform:") else "cloudformation",
        workloads=workloads,
    )


def _function(key: str, function: Function) -> Workload:
    resource = function.resource
    image = resource.get("image_uri" if resource.platform == "terraform" else "ImageUri")
    if image != ABSENT and resource.ignores_changes("image_uri"):
        image = unknown("the deployment sets it: ignore_changes")
    empty = Mapping([], resource.loc[1], resource.path)
    reasons = [("the function's variables are not known", resource.loc)] if function.is_open else []
    handler = settled(function.handler)
    zipped = image == ABSENT
    container = Container(
        args=[handler.value] if zipped and isinstance(handler, Known) and isinstance(handler.value, str) else None,
        build=(function.code, "", "") if zipped and function.code else None,
        command=None,
        entries=function.entries,
        image=ABSENT if image == ABSENT else settled(image),
        image_loc=resource.loc_of(_place_of(resource, zipped=zipped)),
        init=False,
        loc=resource.loc,
        name=resource.name,
        node=None,
        open_reasons=reasons,
        ports={},
        probes=[],
    )
    replicas: Unknown = unknown("the platform scales it")
    return Workload(
        containers=[container],
        deployment=key,
        environments=resource.environments,
        files=resource.files,
        kind="function",
        loc=resource.loc,
        max_replicas=replicas,
        name=resource.name,
        namespace=known(""),
        node=empty,
        platform="lambda",
        pod=empty,
        replicas=replicas,
    )


def _place_of(resource: Resource, *, zipped: bool) -> str:
    if resource.platform == "terraform":
        return "handler" if zipped else "image_uri"
    return "Handler" if zipped else "ImageUri"
