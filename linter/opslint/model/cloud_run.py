"""Cloud Run services and jobs as workloads.

Defaults of the Cloud Run API: startup probe every 240 s, timeout 240 s, 1 failure (TCP); written probes every 10 s, timeout 1 s,
3 failures (provider documentation of `google_cloud_run_v2_service`).
"""

from __future__ import annotations

from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Secret, known, unknown
from opslint.model.ecs import words
from opslint.model.function_code import masked_value
from opslint.model.records import Container, EnvEntry, Probe, Workload
from opslint.model.terraform_values import as_number, as_text, settled

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.terraform_nodes import Block, Body, Resource

TYPES = {
    "google_cloud_run_v2_service": (("template",), "service"),
    "google_cloud_run_v2_job": (("template", "template"), "job"),
    "google_cloud_run_service": (("template", "spec"), "service"),
}
"""Resource type → where its containers stand, and the workload's kind."""

PORT_DEFAULT = 8080
"""What a container listens on when nothing says otherwise (Cloud Run container contract)."""


def workloads(key: str, resources: list[Resource]) -> list[Workload]:
    """Return the Cloud Run services and jobs among `resources`."""
    return [_workload(key, resource) for resource in resources if resource.type in TYPES]


def _workload(key: str, resource: Resource) -> Workload:
    path, kind = TYPES[resource.type]
    body = _descend(resource.body, path)
    containers: list[Container] = []
    scale: Value = unknown("the platform scales it")
    if body is not None:
        containers = [_container(block, resource) for block in body.blocks("containers")]
        limit = body.get("scaling", "max_instance_count")
        scale = scale if isinstance(limit, Absent) else settled(limit)
    empty = Mapping([], resource.loc[1], resource.path)
    return Workload(
        containers=containers,
        deployment=key,
        environments=resource.environments,
        files=resource.files,
        kind=kind,
        loc=resource.loc,
        max_replicas=scale,
        name=as_text(resource.get("name")) or resource.name,
        namespace=known(""),
        node=empty,
        platform="cloudrun",
        pod=empty,
        replicas=unknown("the platform scales it"),
    )


def _descend(body: Body, path: tuple[str, ...]) -> Body | None:
    for name in path:
        blocks = body.blocks(name)
        if not blocks:
            return None
        body = blocks[0].body
    return body


def _container(block: Block, resource: Resource) -> Container:
    body = block.body
    entries: list[EnvEntry] = []
    reasons: list[tuple[str, Loc]] = []
    for env in body.blocks("env"):
        name = as_text(env.body.get("name"))
        if env.uncertain or name is None:
            reasons.append(("the name of a variable is not known", env.loc))
            continue
        value = env.body.get("value")
        source = bool(env.body.blocks("value_source") or env.body.blocks("value_from"))
        held = Secret(ref=name) if source else masked_value(value)
        entries.append(EnvEntry(loc=env.loc, name=name, origin="env", value=held))
    if body.blocks("env_from"):
        reasons.append(("env_from", body.loc_of("env_from")))
    ports: dict[str, int] = {}
    for port in body.blocks("ports"):
        number = as_number(port.body.get("container_port"))
        if number is not None:
            ports[str(int(number))] = int(number)
    image = body.get("image")
    return Container(
        args=words(body.get("args")),
        build=None,
        command=words(body.get("command")),
        entries=entries,
        image=unknown("no image") if image == ABSENT else settled(image),
        image_loc=body.loc_of("image"),
        init=False,
        loc=block.loc,
        name=as_text(body.get("name")) or resource.name,
        node=None,
        open_reasons=reasons,
        ports=ports or {str(PORT_DEFAULT): PORT_DEFAULT},
        probes=[probe for role in ("liveness", "startup") for probe in _probes(body, role)],
    )


def _probes(body: Body, role: str) -> list[Probe]:
    out = []
    for block in body.blocks(f"{role}_probe"):
        checks = block.body.blocks("http_get")
        if not checks:
            continue
        path = checks[0].body.get("path")
        number = as_number(checks[0].body.get("port"))
        out.append(
            Probe(
                command=None,
                delay=as_number(block.body.get("initial_delay_seconds")) or 0,
                failures=int(as_number(block.body.get("failure_threshold")) or 3),
                loc=block.loc,
                method="http",
                path=known("/") if isinstance(path, Absent) else settled(path),
                path_loc=checks[0].body.loc_of("path"),
                period=as_number(block.body.get("period_seconds")) or 10,
                port=known(int(number)) if number is not None else ABSENT,
                role=role,
                shell=False,
                timeout=as_number(block.body.get("timeout_seconds")) or 1,
            )
        )
    return out
