"""Containers of a pod spec: image, command, ports, probes with Kubernetes' defaults, variables."""

from __future__ import annotations

from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, known, unknown
from opslint.model.k8s_env import container_env
from opslint.model.probe_commands import is_shell, url_of
from opslint.model.records import Container, Probe
from opslint.syntax.helm import TOKEN, SourcedScalar

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.base.value import Value
    from opslint.model.k8s_env import Objects

_DEFAULTS = {"initialDelaySeconds": 0.0, "periodSeconds": 10.0, "timeoutSeconds": 1.0, "failureThreshold": 3.0}
"""Kubernetes' own defaults (Probe v1 core)."""


def containers(pod: Mapping, objects: Objects, inherited: list[tuple[str, Loc]]) -> list[Container]:
    """The containers of a pod, init containers first. A sidecar (init with ``restartPolicy: Always``) is no init container."""
    found: list[Container] = []
    for field, init in (("initContainers", True), ("containers", False)):
        for item in pod.sequence(field):
            if isinstance(item, Mapping):
                found.append(_container(item, objects, inherited, init and item.text("restartPolicy") != "Always"))
    return found


def _container(node: Mapping, objects: Objects, inherited: list[tuple[str, Loc]], init: bool) -> Container:
    entries, reasons = container_env(node, objects)
    image = node.get("image")
    ports = _ports(node)
    probes = [
        probe
        for role in ("startup", "readiness", "liveness")
        for probe in [_probe(node.get(f"{role}Probe"), role, ports)]
        if probe is not None
    ]
    return Container(
        args=_words(node.get("args")),
        build=None,
        command=_words(node.get("command")),
        entries=entries,
        image=_image(image),
        image_loc=_loc(image or node),
        init=init,
        loc=_loc(node.get("name") or node),
        name=node.text("name") or "",
        node=node,
        open_reasons=[*reasons, *inherited],
        ports=ports,
        probes=probes,
    )


def _loc(node: Node) -> Loc:
    return node.origins[-1] if isinstance(node, SourcedScalar) and node.origins else node.loc


def _image(node: Node | None) -> Value:
    if node is None:
        return ABSENT
    if isinstance(node, SourcedScalar) and node.guess:
        return unknown(node.guess)
    if isinstance(node, Scalar):
        return known(node.text)
    if isinstance(node, Hole):
        return unknown(node.reason, prefix=node.text.partition(TOKEN)[0])
    return unknown("an image that is not known")


def _words(node: Node | None) -> list[str] | None:
    if isinstance(node, Scalar) and not node.is_null:
        return [node.text]
    if not isinstance(node, Sequence):
        return None
    return [item.text if isinstance(item, Scalar | Hole) else TOKEN for item in node.items]


def named_ports(pod: Mapping) -> dict[str, int]:
    """The ports that all containers of a pod declare (see `Container.ports`)."""
    found: dict[str, int] = {}
    for field in ("containers", "initContainers"):
        for item in pod.sequence(field):
            if isinstance(item, Mapping):
                found.update(_ports(item))
    return found


def _ports(node: Mapping) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in node.sequence("ports"):
        number = item.get("containerPort") if isinstance(item, Mapping) else None
        value = number.number if isinstance(number, Scalar) else None
        if value is None or not isinstance(item, Mapping):
            continue
        found[str(int(value))] = int(value)
        name = item.text("name")
        if name:
            found[name] = int(value)
    return found


def _probe(node: Node | None, role: str, ports: dict[str, int]) -> Probe | None:
    if not isinstance(node, Mapping):
        return None
    times = {name: _seconds(node.get(name), default) for name, default in _DEFAULTS.items()}
    method, body = next(((key, node.get(key)) for key in ("httpGet", "exec", "tcpSocket", "grpc") if key in node), ("", None))
    path: Value = ABSENT
    port: Value = ABSENT
    path_loc = node.loc
    command: list[str] | None = None
    if method == "httpGet" and isinstance(body, Mapping):
        path, path_loc = _path(body)
    if method in ("httpGet", "tcpSocket", "grpc") and isinstance(body, Mapping):
        port = _port(body.get("port"), ports)
    if method == "exec" and isinstance(body, Mapping):
        command = _words(body.get("command")) or []
        path_loc = (body.get("command") or body).loc
        url = url_of(command)
        if url is not None:
            path = known(url.path)
            port = known(url.port) if url.port is not None else unknown("a port that is not known")
    if not method:
        return None
    return Probe(
        command=command,
        delay=times["initialDelaySeconds"],
        failures=int(times["failureThreshold"]),
        loc=_loc(node),
        method={"httpGet": "http", "tcpSocket": "tcp"}.get(method, method),
        path=path,
        path_loc=path_loc,
        period=times["periodSeconds"],
        port=port,
        role=role,
        shell=command is not None and is_shell(command),
        timeout=times["timeoutSeconds"],
    )


def _path(body: Mapping) -> tuple[Value, Loc]:
    node = body.get("path")
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return known("/"), body.loc
    if isinstance(node, Scalar) and not (isinstance(node, SourcedScalar) and node.guess):
        return known(node.text if node.text.startswith("/") else f"/{node.text}"), _loc(node)
    return unknown("a path that is not known"), _loc(node)


def _port(node: Node | None, ports: dict[str, int]) -> Value:
    if not isinstance(node, Scalar) or not node.text:
        return unknown("a port that is not known")
    if node.text.isdigit() and len(node.text) < 6:
        return known(int(node.text))
    # A name stays a name where no port carries it: what it means is then not known to anybody.
    return known(ports.get(node.text, node.text))


def _seconds(node: Node | None, default: float) -> float:
    number = node.number if isinstance(node, Scalar) else None
    return number if number is not None and number > 0 else default if number is None else 0.0
