"""References of containers to keys that their ConfigMap or Secret does not have."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.model.k8s_env import Objects, source_of
from opslint.syntax.helm import SourcedScalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Deployment, Workload

_FILLED = frozenset(("Opaque", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth", ""))
"""Types of Secrets whose keys are those of the manifest; controllers add to the others."""


class MissingKey(Record):
    """One reference (at `loc`) to `key` of the `kind` object `name` (at `object_loc`) that lacks it."""

    __slots__ = ("key", "kind", "loc", "name", "object_loc", "workload")
    key: str
    kind: str
    loc: Loc
    name: str
    object_loc: Loc
    workload: Workload


def missing_keys(model: DeploymentModel) -> list[MissingKey]:
    """Return the references that fail, over all Kubernetes deployments."""
    return [found for deployment in model.deployments if deployment.platform == "kubernetes" for found in _of(deployment)]


def _of(deployment: Deployment) -> Iterator[MissingKey]:
    if deployment.open_reasons:
        return
    nodes = [node for node in deployment.objects if node.text("kind") != "Secret" or (node.text("type") or "") in _FILLED]
    typed = {node.text("metadata", "name") for node in deployment.objects if node.text("kind") == "Secret"} - {
        node.text("metadata", "name") for node in nodes
    }
    objects = Objects(deployment.key, nodes)
    for workload in deployment.workloads:
        seen = objects.within(workload.namespace)
        for container in workload.containers:
            for item in container.node.sequence("env") if container.node is not None else ():
                if isinstance(item, Mapping):
                    yield from _reference(item, seen, typed, workload)


def _reference(item: Mapping, objects: Objects, typed: set[str | None], workload: Workload) -> Iterator[MissingKey]:
    name = item.key("name")
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        ref = item.mapping("valueFrom", field)
        if ref is None or ref.text("optional") == "true":
            continue
        named, key = ref.text("name"), ref.text("key")
        found = objects.find(kind, named) if named and named not in typed else None
        if found is None or not key or key in found.names or found.open_reason or not found.names:
            continue
        if _is_guess(ref.get("name")) or _is_guess(ref.get("key")):
            continue
        node = item.get("name")
        loc = source_of(node, node) if node is not None and name is not None else item.loc
        yield MissingKey(key=key, kind=kind, loc=loc, name=named or "", object_loc=found.open_loc, workload=workload)


def _is_guess(node: Node | None) -> bool:
    return isinstance(node, SourcedScalar) and bool(node.guess)
