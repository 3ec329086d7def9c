"""Kubernetes workloads that Terraform declares (`kubernetes_deployment` and its like).

Defaults are those of the Kubernetes API: a probe every 10 s, timeout 1 s, 3 failures.
"""

from __future__ import annotations

from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Secret, Unknown, known, unknown
from opslint.model.ecs import words
from opslint.model.function_code import masked_value
from opslint.model.records import Container, EnvEntry, Probe, Workload
from opslint.model.terraform_values import as_number, as_text, settled

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Block, Body, Resource

_POD = ("spec", "template", "spec")
_CRON = ("spec", "job_template", *_POD)

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "kubernetes_cron_job": ("CronJob", _CRON),
    "kubernetes_cron_job_v1": ("CronJob", _CRON),
    "kubernetes_daemonset": ("DaemonSet", _POD),
    "kubernetes_daemon_set_v1": ("DaemonSet", _POD),
    "kubernetes_deployment": ("Deployment", _POD),
    "kubernetes_deployment_v1": ("Deployment", _POD),
    "kubernetes_job": ("Job", _POD),
    "kubernetes_job_v1": ("Job", _POD),
    "kubernetes_stateful_set": ("StatefulSet", _POD),
    "kubernetes_stateful_set_v1": ("StatefulSet", _POD),
}
"""Type → kind of the object and where its pod stands (provider documentation of each)."""

MAPS = ("kubernetes_config_map", "kubernetes_config_map_v1")
SECRETS = ("kubernetes_secret", "kubernetes_secret_v1")

TYPES = tuple(KINDS)


def workloads(model: DeploymentModel, key: str, resources: list[Resource]) -> list[Workload]:
    """Return the Kubernetes workloads among `resources`."""
    return [_workload(model, key, resource) for resource in resources if resource.type in KINDS]


def _workload(model: DeploymentModel, key: str, resource: Resource) -> Workload:
    kind, path = KINDS[resource.type]
    body: Body | None = resource.body
    for name in path:
        found = body.blocks(name) if body is not None else []
        body = found[0].body if found and not found[0].uncertain else None
    containers: list[Container] = []
    if body is not None:
        containers = [_container(model, resource, block, init=True) for block in body.blocks("init_container")]
        containers += [_container(model, resource, block) for block in body.blocks("container")]
    replicas = resource.get("spec", "replicas")
    count = known(1) if isinstance(replicas, Absent) else settled(replicas)
    namespace = resource.get("metadata", "namespace")
    empty = Mapping([], resource.loc[1], resource.path)
    return Workload(
        containers=containers,
        deployment=key,
        environments=resource.environments,
        files=resource.files,
        kind=kind,
        loc=resource.loc,
        max_replicas=count,
        name=as_text(resource.get("metadata", "name")) or resource.name,
        namespace=known("") if isinstance(namespace, Absent) else settled(namespace),
        node=empty,
        platform="kubernetes",
        pod=empty,
        replicas=count,
    )


def _container(model: DeploymentModel, resource: Resource, block: Block, *, init: bool = False) -> Container:
    body = block.body
    entries: list[EnvEntry] = []
    reasons: list[tuple[str, Loc]] = []
    for source in body.blocks("env_from"):
        _from(model, resource, source, entries, reasons)
    for env in body.blocks("env"):
        name = as_text(env.body.get("name"))
        if env.uncertain or name is None:
            reasons.append(("the name of a variable is not known", env.loc))
            continue
        entries.append(EnvEntry(loc=env.loc, name=name, origin="env", value=_held(env.body, name)))
    image = body.get("image")
    ports: dict[str, int] = {}
    for port in body.blocks("port"):
        number = as_number(port.body.get("container_port"))
        if number is not None:
            ports[as_text(port.body.get("name")) or str(int(number))] = int(number)
    return Container(
        args=words(body.get("args")),
        build=None,
        command=words(body.get("command")),
        entries=entries,
        image=unknown("no image") if image == ABSENT else settled(image),
        image_loc=body.loc_of("image"),
        init=init,
        loc=block.loc,
        name=as_text(body.get("name")) or resource.name,
        node=None,
        open_reasons=reasons,
        ports=ports,
        probes=[probe for role in ("liveness", "readiness", "startup") for probe in _probes(body, role)],
    )


def _held(body: Body, name: str) -> Value:
    sources = body.blocks("value_from")
    if not sources:
        return masked_value(body.get("value"))
    if sources[0].body.blocks("secret_key_ref"):
        return Secret(ref=name)
    return unknown("a key of a ConfigMap or of the pod")


def _from(
    model: DeploymentModel, resource: Resource, source: Block, entries: list[EnvEntry], reasons: list[tuple[str, Loc]]
) -> None:
    """Add the keys of a ConfigMap or Secret that the same root declares; another one opens the scope."""
    prefix = as_text(source.body.get("prefix")) or ""
    for kind, types in (("config_map_ref", MAPS), ("secret_ref", SECRETS)):
        for block in source.body.blocks(kind):
            owner = _declared(model, resource, block.body.get("name"), types)
            data = settled(owner.get("data")) if owner is not None else unknown("elsewhere")
            if owner is None or not isinstance(data, Known) or not isinstance(data.value, dict) or source.uncertain:
                reasons.append((f"the keys of a {'Secret' if types is SECRETS else 'ConfigMap'} are not known", block.loc))
                continue
            for name, item in data.value.items():
                held = Secret(ref=name) if types is SECRETS else masked_value(item)
                entries.append(EnvEntry(loc=owner.loc_of("data", name), name=prefix + name, origin=owner.address, value=held))


def _declared(model: DeploymentModel, resource: Resource, name: Value, types: tuple[str, ...]) -> Resource | None:
    target = model.resources.resolve(resource, name)
    if target is not None:
        return target if target.type in types else None
    text = as_text(name)
    root = model.terraform.root_of(resource)
    found = [
        other for other in model.terraform.resources_in(root, *types) if text and as_text(other.get("metadata", "name")) == text
    ]
    return found[0] if len(found) == 1 else None


def _probes(body: Body, role: str) -> list[Probe]:
    out = []
    for block in body.blocks(f"{role}_probe"):
        checks = block.body.blocks("http_get")
        path: Value = ABSENT
        port: Value = ABSENT
        method, command = "tcp" if block.body.blocks("tcp_socket") else "exec", None
        loc = block.loc
        if checks:
            method, loc = "http", checks[0].body.loc_of("path")
            written = checks[0].body.get("path")
            path = known("/") if isinstance(written, Absent) else settled(written)
            port = _port(checks[0].body.get("port"))
        elif block.body.blocks("exec"):
            command = words(block.body.get("exec", "command"))
        out.append(
            Probe(
                command=command,
                delay=as_number(block.body.get("initial_delay_seconds")) or 0,
                failures=int(as_number(block.body.get("failure_threshold")) or 3),
                loc=block.loc,
                method=method,
                path=path,
                path_loc=loc,
                period=as_number(block.body.get("period_seconds")) or 10,
                port=port,
                role=role,
                shell=False,
                timeout=as_number(block.body.get("timeout_seconds")) or 1,
            )
        )
    return out


def _port(value: Value) -> Value:
    number = as_number(value)
    if number is not None:
        return known(int(number))
    inner = settled(value)
    return inner if isinstance(inner, Known | Unknown) else unknown("the port is not known")
