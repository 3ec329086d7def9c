"""Addresses on "this machine" as containers see it: whether something in the same pod or on the same network stack listens there."""

from __future__ import annotations

from opslint.base.masking import mask
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.masking import Masked
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Workload

LOCAL_HOSTS = frozenset(("localhost", "127.0.0.1", "[::1]", "::1"))
"""Names of the container itself."""

BACKING_PORTS = {
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "mongodb": 27017,
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "amqps": 5671,
    "pyamqp": 5672,
    "nats": 4222,
    "kafka": 9092,
    "memcached": 11211,
    "mssql": 1433,
    "jdbc": 0,
}
"""Schemes of databases, brokers and caches with the port each takes where none is written (each project's documentation; 0: not known)."""

_WEB_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def is_local(value: Masked) -> bool:
    """Tell whether a masked value is an address on the machine itself."""
    return value.kind in ("url", "host") and value.host in LOCAL_HOSTS


def scheme_of(value: Masked) -> str:
    """Return the scheme of a URL without its driver (``postgresql`` of ``postgresql+asyncpg``)."""
    return value.scheme.partition("+")[0]


def port_of(value: Masked) -> int | None:
    """Return the port that an address names, or its scheme's, None when it cannot be told."""
    if value.port.isdigit():
        return int(value.port)
    scheme = scheme_of(value)
    return BACKING_PORTS.get(scheme) or _WEB_PORTS.get(scheme)


def shares_network(workload: Workload) -> bool:
    """Tell whether the containers use the network stack of their host, or of another container."""
    if workload.platform == "kubernetes":
        return (workload.pod.text("hostNetwork") or "").lower() in ("true", "yes", "on")
    if workload.platform == "compose":
        mode = workload.pod.text("network_mode") or ""
        return mode == "host" or mode.startswith(("service:", "container:"))
    if workload.platform == "ecs":
        return (workload.node.text("network_mode") or "") in ("host", "bridge")
    return False


def served_beside(workload: Workload, container: Container, value: Masked) -> bool:
    """Tell whether a container of the same pod, other than this one, listens (or may listen) at a local address."""
    if shares_network(workload):
        return True
    if workload.platform == "compose":
        return False
    port = port_of(value)
    for other in workload.containers:
        if other is container or other.init:
            continue
        if port is None or not other.ports or port in other.ports.values():
            return True
    return False


def local_address(workload: Workload, container: Container, text: str) -> bool:
    """Tell whether a default that points at this machine is right in this container (see `served_beside`)."""
    return served_beside(workload, container, mask(text.partition(",")[0]))


def listens_at(model: DeploymentModel, container: Container, text: str) -> bool:
    """Tell whether a container itself listens at a local address."""
    port = port_of(mask(text.partition(",")[0]))
    return port is not None and port in own_ports(model, container)


def own_ports(model: DeploymentModel, container: Container) -> set[int]:
    """Return the ports that a container itself listens on: declared in the manifest or the image, or given to its server."""
    found = set(container.ports.values())
    image = model.linked.image(container)
    for steps in image.steps.values() if image is not None else ():
        for step in steps:
            if step.name == "EXPOSE":
                found.update(int(word.partition("/")[0]) for word in step.text.split() if word.partition("/")[0].isdigit())
    start = model.linked.start(container)
    for entry in start.entries if start is not None else ():
        words = entry.words
        for flag, following in zip(words, [*words[1:], ""], strict=True):
            name, equals, inline = flag.partition("=")
            if name in ("--port", "-p", "--bind", "-b", "--server.port"):
                port = (inline if equals else following).rpartition(":")[2]
                if port.isdigit():
                    found.add(int(port))
    return found
