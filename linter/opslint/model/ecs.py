"""ECS task definitions and services as workloads.

Defaults are those of the ECS and Elastic Load Balancing APIs: container health check every 30 s, timeout 5 s, 3 retries; target
group check on ``/`` every 30 s, timeout 5 s, out after 3 failures (Terraform's `aws_lb_target_group`; CloudFormation: 2).
"""

from __future__ import annotations

from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Secret, known, unknown
from opslint.model.function_code import masked_value
from opslint.model.probes import requested
from opslint.model.records import Container, EnvEntry, Probe, Workload
from opslint.model.terraform_values import OpenList, as_number, as_text, settled

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Block, Resource

TASK_TYPES = ("aws_ecs_task_definition", "AWS::ECS::TaskDefinition")
SERVICE_TYPES = ("aws_ecs_service", "AWS::ECS::Service")


class Definition:
    """The container definitions of one task: values with the places they are written at, whatever the template's spelling."""

    __slots__ = ("loc", "places", "value")

    def __init__(self, value: dict[str, Value], loc: Loc, places: dict[str, Loc]) -> None:
        self.value = value
        self.loc = loc
        self.places = places

    def get(self, name: str) -> Value:
        """Return a field by its ECS name (``portMappings``; CloudFormation writes ``PortMappings``)."""
        found = self.value.get(name, self.value.get(name[0].upper() + name[1:], ABSENT))
        return ABSENT if isinstance(found, Known) and found.value is None else found

    def place(self, name: str) -> Loc:
        """Return where a field is written, else the definition's own place."""
        return self.places.get(name, self.places.get(name[0].upper() + name[1:], self.loc))


def workloads(model: DeploymentModel, key: str, resources: list[Resource]) -> list[Workload]:
    """Return the services among `resources` with their tasks, and the tasks that no service of theirs runs."""
    tasks = [resource for resource in resources if resource.type in TASK_TYPES]
    out: list[Workload] = []
    used: set[int] = set()
    for service in (resource for resource in resources if resource.type in SERVICE_TYPES):
        name = "task_definition" if service.platform == "terraform" else "TaskDefinition"
        task = model.resources.resolve(service, service.get(name))
        if task is not None and task.type in TASK_TYPES:
            used.add(id(task))
            out.append(_workload(model, key, task, service))
    out.extend(_workload(model, key, task, None) for task in tasks if id(task) not in used)
    return out


def _workload(model: DeploymentModel, key: str, task: Resource, service: Resource | None) -> Workload:
    owner = service or task
    empty = Mapping([], owner.loc[1], owner.path)
    containers = [_container(definition, task) for definition in definitions(task)]
    left = (service is not None and service.ignores_changes("task_definition")) or task.ignores_changes("container_definitions")
    if left and model.resources.revisions_registered:
        # The deployment registers revisions of its own; what is written here ran at the first apply only.
        containers = [found.replace(image=unknown("the deployment sets it: ignore_changes")) for found in containers]
    if service is not None:
        _target_groups(model, service, containers)
    replicas: Value = unknown("a task that something else starts")
    if service is not None:
        replicas = service.get("desired_count" if service.platform == "terraform" else "DesiredCount")
        replicas = known(1) if isinstance(replicas, Absent) else replicas
    return Workload(
        containers=containers,
        deployment=key,
        environments=owner.environments,
        files=sorted({*task.files, *owner.files}),
        kind="service" if service is not None else "task",
        loc=owner.loc,
        max_replicas=_max_replicas(model, service, replicas),
        name=owner.name,
        namespace=known(""),
        node=empty,
        platform="ecs",
        pod=empty,
        replicas=settled(replicas),
    )


def _max_replicas(model: DeploymentModel, service: Resource | None, replicas: Value) -> Value:
    if service is not None and service.platform == "terraform":
        root = model.terraform.root_of(service)
        for target in model.terraform.resources_in(root, "aws_appautoscaling_target"):
            if service in model.terraform.references(target):
                return settled(target.get("max_capacity"))
    return settled(replicas)


def definitions(task: Resource) -> list[Definition]:
    """Return the container definitions of a task definition, as far as they are known."""
    name = "container_definitions" if task.platform == "terraform" else "ContainerDefinitions"
    value = settled(task.get(name))
    loc = task.loc_of(name)
    items = value.value if isinstance(value, Known) and isinstance(value.value, list) else []
    shapes = _shapes(task, name)
    out = []
    for number, item in enumerate(items):
        inner = settled(item)
        if isinstance(inner, Known) and isinstance(inner.value, dict):
            place, places = shapes[number] if number < len(shapes) else (loc, {})
            out.append(Definition(inner.value, place, places))
    return out


def _shapes(task: Resource, name: str) -> list[tuple[Loc, dict[str, Loc]]]:
    """Return the place of each object of a list written in place, and of its entries."""
    found = task.body.expression(name)
    if found is None:
        return []
    at, expression = found
    if expression[0] == "call" and expression[2]:
        expression = expression[2][0]
    if expression[0] != "list":
        return []
    out: list[tuple[Loc, dict[str, Loc]]] = []
    for item in expression[1]:
        entries: list[Any] = item[2] if item[0] == "obj" else []
        own = item[1] if item[0] == "obj" and item[1] >= 0 else at
        places = {key[1]: (task.path, place) for key, _value, place in entries if key[0] == "lit" and place >= 0}
        out.append(((task.path, own), places))
    return out


def _container(definition: Definition, task: Resource) -> Container:
    entries, reasons = _entries(definition)
    image = settled(definition.get("image"))
    return Container(
        args=words(definition.get("command")),
        build=None,
        command=words(definition.get("entryPoint")),
        entries=entries,
        image=unknown("no image") if image == ABSENT else image,
        image_loc=definition.place("image"),
        init=settled(definition.get("essential")) == known(False),
        loc=definition.loc,
        name=as_text(definition.get("name")) or task.name,
        node=None,
        open_reasons=reasons,
        ports=_ports(definition),
        probes=_healthcheck(definition),
    )


def words(value: Value) -> list[str] | None:
    """Return the words of a command, None when the image's own runs (or it is not known)."""
    inner = settled(value)
    if not isinstance(inner, Known) or not isinstance(inner.value, list):
        return None
    return [as_text(item) or "${…}" for item in inner.value]


def _items(value: Value) -> list[dict[str, Value]] | None:
    inner = settled(value)
    found = inner.items if isinstance(inner, OpenList) else inner.value if isinstance(inner, Known) else None
    if not isinstance(found, list):
        return None
    out = []
    for item in found:
        known_item = settled(item)
        if not isinstance(known_item, Known) or not isinstance(known_item.value, dict):
            return None
        out.append({key[0].lower() + key[1:]: value for key, value in known_item.value.items() if key})
    return out


def _entries(definition: Definition) -> tuple[list[EnvEntry], list[tuple[str, Loc]]]:
    entries: list[EnvEntry] = []
    reasons: list[tuple[str, Loc]] = []
    for field, value_name in (("environment", "value"), ("secrets", "valueFrom")):
        value = definition.get(field)
        loc = definition.place(field)
        if value == ABSENT:
            continue
        items = _items(value)
        if items is None:
            reasons.append((f"`{field}` of the task definition is not known", loc))
            continue
        if isinstance(settled(value), OpenList):
            reasons.append((f"`{field}` of the task definition is not wholly known", loc))
        for item in items:
            name = as_text(item.get("name", ABSENT))
            if name is None:
                reasons.append(("the name of a variable is not known", loc))
                continue
            given = item.get(value_name, ABSENT)
            held = Secret(ref=as_text(given) or name) if field == "secrets" else masked_value(given)
            entries.append(EnvEntry(loc=loc, name=name, origin=field, value=held))
    if definition.get("environmentFiles") != ABSENT:
        reasons.append(("an environment file in a bucket", definition.place("environmentFiles")))
    return entries, reasons


def _ports(definition: Definition) -> dict[str, int]:
    ports: dict[str, int] = {}
    for item in _items(definition.get("portMappings")) or []:
        number = as_number(item.get("containerPort", ABSENT))
        if number is not None:
            name = as_text(item.get("name", ABSENT))
            ports[str(int(number))] = int(number)
            if name:
                ports[name] = int(number)
    return ports


def _healthcheck(definition: Definition) -> list[Probe]:
    check = settled(definition.get("healthCheck"))
    if not isinstance(check, Known) or not isinstance(check.value, dict):
        return []
    fields = {key[0].lower() + key[1:]: value for key, value in check.value.items() if key}
    command = words(fields.get("command", ABSENT))
    if not command or command[0] == "NONE":
        return []
    shell = command[0] == "CMD-SHELL"
    path, port = requested(command)
    loc = definition.place("healthCheck")
    return [
        Probe(
            command=command[1:] if command[0] in ("CMD", "CMD-SHELL") else command,
            delay=as_number(fields.get("startPeriod", ABSENT)) or 0,
            failures=int(as_number(fields.get("retries", ABSENT)) or 3),
            loc=loc,
            method="exec",
            path=path,
            path_loc=loc,
            period=as_number(fields.get("interval", ABSENT)) or 30,
            port=port,
            role="healthcheck",
            shell=shell,
            timeout=as_number(fields.get("timeout", ABSENT)) or 5,
        )
    ]


def _target_groups(model: DeploymentModel, service: Resource, containers: list[Container]) -> None:
    """Add the checks of the target groups a service registers with to the container each names."""
    for block in service.blocks("load_balancer"):
        group = model.resources.resolve(service, block.body.get("target_group_arn"))
        name = as_text(block.body.get("container_name"))
        port = block.body.get("container_port")
        for container in containers:
            if group is not None and (container.name == name or len(containers) == 1):
                probe = _target_probe(group, port)
                if probe is not None:
                    container.probes.append(probe)


def _target_probe(group: Resource, port: Value) -> Probe | None:
    protocol = as_text(group.get("protocol")) or "HTTP"
    if protocol not in ("HTTP", "HTTPS"):
        return None
    blocks: list[Block] = group.blocks("health_check")
    if not blocks:
        return None
    body = blocks[0].body
    path = body.get("path")
    own = body.get("port")
    if isinstance(own, Absent) or as_text(own) == "traffic-port":
        own = port
    number = as_number(own)
    return Probe(
        command=None,
        delay=0,
        failures=int(as_number(body.get("unhealthy_threshold")) or 3),
        loc=blocks[0].loc,
        method="http",
        path=known("/") if isinstance(path, Absent) else settled(path),
        path_loc=body.loc_of("path"),
        period=as_number(body.get("interval")) or 30,
        port=known(int(number)) if number is not None else unknown("the port is not known"),
        role="target-group",
        shell=False,
        timeout=as_number(body.get("timeout")) or 5,
    )
