"""Services that a kustomization renames (namePrefix, nameSuffix), and the values that still name them as they were written."""

from __future__ import annotations

from opslint.base.masking import Masked, mask
from opslint.base.record import Record
from opslint.base.tree import Mapping, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Secret
from opslint.facts.kubernetes import KubernetesObject
from opslint.model.k8s_secret_values import secret_values

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Deployment, Workload


class StaleHost(Record):
    """A value that names a Service by the name it has before the overlay renames it. `entry_loc` is where the value is written,
    `service_loc` the Service's name, `old` and `new` its names.
    """

    __slots__ = ("container", "entry_loc", "name", "new", "old", "service_loc", "workload")
    container: Container
    entry_loc: Loc
    name: str
    new: str
    old: str
    service_loc: Loc
    workload: Workload


def stale_hosts(model: DeploymentModel) -> list[StaleHost]:
    """Return the variables whose host is a Service of the same deployment under the name it no longer has there."""
    deployments = [item for item in model.deployments if item.key.startswith("kustomize:")]
    if not deployments:
        return []
    written = _written_names(model)
    secrets = secret_values(model)
    found: list[StaleHost] = []
    for deployment in deployments:
        renamed, present = _renamed(deployment, written)
        stale = {old: value for old, value in renamed.items() if old not in present}
        if not stale:
            continue
        digests = {mask(f"{old}{port}").digest: old for old, (_new, _loc, ports) in stale.items() for port in ("", *ports)}
        for workload in deployment.workloads:
            for container in workload.containers:
                for entry in {entry.name: entry for entry in container.entries}.values():
                    loc, value = entry.loc, entry.value.value if isinstance(entry.value, Known) else None
                    if isinstance(entry.value, Secret) and entry.value.ref in secrets:
                        loc, value = secrets[entry.value.ref]
                    old = _host(entry.name, value, stale, digests) if isinstance(value, Masked) else None
                    if old is not None:
                        new, service_loc, _ports = stale[old]
                        found.append(
                            StaleHost(
                                container=container,
                                entry_loc=loc,
                                name=entry.name,
                                new=new,
                                old=old,
                                service_loc=service_loc,
                                workload=workload,
                            )
                        )
    return found


_HOST_NAMES = ("HOST", "HOSTNAME", "SERVER", "ADDR", "ADDRESS", "ENDPOINT", "URL", "URI", "SERVICE")
"""Endings of variables whose whole value may be a host without a port: a bare word may be a user or a database as well."""


def _host(name: str, value: Masked, stale: dict[str, tuple[str, Loc, list[str]]], digests: dict[str, str]) -> str | None:
    if value.kind == "url":
        return value.host if value.host in stale else None
    old = digests.get(value.digest)
    return old if old is not None and (name.upper().endswith(_HOST_NAMES) or mask(old).digest != value.digest) else None


def _written_names(model: DeploymentModel) -> dict[Loc, str]:
    """The names of Services as their manifests have them, by place."""
    found: dict[Loc, str] = {}
    for fact in model.facts(KubernetesObject):
        if fact.object_kind == "Service":
            tree = decode(fact.tree, fact.path)
            name = tree.get("metadata", "name") if isinstance(tree, Mapping) else None
            if name is not None:
                found[name.loc] = fact.name
    return found


def _renamed(deployment: Deployment, written: dict[Loc, str]) -> tuple[dict[str, tuple[str, Loc, list[str]]], set[str]]:
    """Old name → (new name, place, ``:port`` texts) of the renamed Services, and the names all Services of the deployment have."""
    renamed: dict[str, tuple[str, Loc, list[str]]] = {}
    present: set[str] = set()
    for node in deployment.objects:
        name = node.get("metadata", "name")
        text = node.text("metadata", "name")
        if node.text("kind") != "Service" or name is None or text is None:
            continue
        present.add(text)
        old = written.get(name.loc)
        if old is not None and old != text:
            numbers = (item.text("port") for item in node.sequence("spec", "ports") if isinstance(item, Mapping))
            renamed[old] = (text, name.loc, [f":{number}" for number in numbers if number])
    return renamed, present
