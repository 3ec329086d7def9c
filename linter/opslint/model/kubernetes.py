"""Kubernetes manifests as deployments: what one ``kubectl apply``, ``kustomize build`` or ``helm upgrade`` puts into a cluster."""

from __future__ import annotations

import posixpath

from opslint.base.record import Record
from opslint.base.tree import Hole, Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known, known, unknown
from opslint.facts.kubernetes import KubernetesObject, group_of
from opslint.model.k8s_containers import containers
from opslint.model.k8s_env import Objects
from opslint.model.records import Deployment, Workload

if TYPE_CHECKING:
    from collections.abc import Collection

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.base.value import Value
    from opslint.model.kustomize import Kustomizer
    from opslint.model.model import DeploymentModel

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "ScaledJob": ("spec", "jobTargetRef", "template"),
    "Pod": (),
}
_SCALED = frozenset(("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout"))


class Assembled(Record):
    """Objects that are deployed together, before workloads are made of them. `further`: those of other plain manifests.

    `namespace` is what the deployer gives objects that name none ("" when it is not known).
    """

    __slots__ = ("environments", "files", "further", "key", "loc", "namespace", "objects", "open_reasons")
    environments: list[str]
    files: list[str]
    further: Objects | None
    key: str
    loc: Loc
    namespace: str
    objects: list[Mapping]
    open_reasons: list[tuple[str, Loc]]


def deployments(model: DeploymentModel) -> list[Deployment]:
    """All Kubernetes deployments of the project: kustomizations that nothing references, charts by environment, plain manifests."""
    assembled: list[Assembled] = []
    kustomizer: Kustomizer | None = None
    charts: list[str] = []
    if "kustomization" in model.kinds:
        kustomizer = model.kustomizer
        assembled.extend(_overlays(model, kustomizer))
    if "helm-chart" in model.kinds:
        from opslint.model.helm import chart_deployments
        from opslint.model.helm_charts import chart_directories

        assembled.extend(chart_deployments(model))
        charts = chart_directories(model)
    assembled.extend(_plain(model, kustomizer, charts))
    return sorted((deployment(item) for item in assembled), key=lambda item: item.key)


def _is_left_base(directory: str, known: Collection[str]) -> bool:
    """Tell whether a `base` that nothing includes or deploys stands beside overlays, which took another (the layout of kustomize's own docs)."""
    parent, _, name = directory.rpartition("/")
    return name == "base" and any(other.startswith(f"{parent}/overlays/".lstrip("/")) for other in known)


def _overlays(model: DeploymentModel, kustomizer: Kustomizer) -> list[Assembled]:
    built = {}
    for directory, fact in sorted(kustomizer.by_directory.items()):
        if not fact.component:
            built[directory] = kustomizer.build(directory)
    targets = deployed_paths(model)
    found: list[Assembled] = []
    roots = {directory for directory in built if directory not in kustomizer.referenced or directory in targets}
    of_environments: set[str] = set()
    for directory in sorted(roots):
        if _environments(model, kustomizer.by_directory[directory].path, built[directory].namespace, targets.get(directory)):
            of_environments.update(built[directory].files)
    for directory in sorted(roots):
        result, fact = built[directory], kustomizer.by_directory[directory]
        if directory not in targets and (
            _is_spare(result.files, fact.path, of_environments) or _is_left_base(directory, kustomizer.by_directory)
        ):
            continue
        found.append(
            Assembled(
                environments=_environments(model, fact.path, result.namespace, targets.get(directory)),
                files=result.files,
                further=None,
                key=f"kustomize:{directory or '.'}",
                loc=fact.loc,
                namespace=targets.get(directory) or "",
                objects=result.objects,
                open_reasons=result.open_reasons,
            )
        )
    return found


def _is_spare(files: list[str], own: str, of_environments: set[str]) -> bool:
    """A kustomization of no environment whose every resource is also part of an environment's is another way to name a base."""
    rest = [path for path in files if path != own]
    return bool(rest) and own not in of_environments and of_environments.issuperset(rest)


def deployed_paths(model: DeploymentModel) -> dict[str, str | None]:
    """Directories that an Argo CD Application or a Flux Kustomization of this repository deploys, with the namespace it names."""
    found: dict[str, str | None] = {}
    for fact in model.facts(KubernetesObject):
        if fact.object_kind == "Application":
            tree = decode(fact.tree, fact.path)
            if isinstance(tree, Mapping):
                namespace = tree.text("spec", "destination", "namespace")
                for source in (tree.get("spec", "source"), *tree.sequence("spec", "sources")):
                    path = source.text("path") if isinstance(source, Mapping) else None
                    if path:
                        found[normal_path(path)] = namespace
        elif fact.object_kind == "Kustomization" and group_of(fact.api) == "kustomize.toolkit.fluxcd.io":
            tree = decode(fact.tree, fact.path)
            path = tree.text("spec", "path") if isinstance(tree, Mapping) else None
            if path and isinstance(tree, Mapping):
                found[normal_path(path)] = tree.text("spec", "targetNamespace")
    return found


def normal_path(path: str) -> str:
    """A path of an Application or a Flux Kustomization as a project path ("" for the top)."""
    joined = posixpath.normpath(path.lstrip("/") or ".")
    return "" if joined == "." else joined


def _environments(model: DeploymentModel, path: str, *values: str | None) -> list[str]:
    by_path = model.environments.of_path(path)
    if by_path is not None:
        return [by_path.name]
    for value in values:
        named = model.environments.of_value(value) if value else None
        if named is not None:
            return [named.name]
    return []


def _plain(model: DeploymentModel, kustomizer: Kustomizer | None, charts: list[str]) -> list[Assembled]:
    """Manifests that no kustomization and no chart takes, one deployment a directory."""
    # What lies beside a kustomization and is not in it is applied by hand or not at all.
    owned = {*charts, *(kustomizer.by_directory if kustomizer is not None else ())}
    used = kustomizer.used_files if kustomizer is not None else ()
    by_directory: dict[str, list[KubernetesObject]] = {}
    for fact in model.facts(KubernetesObject):
        directory = posixpath.dirname(fact.path)
        if fact.path in used or group_of(fact.api) == "kustomize.config.k8s.io":
            continue
        if not _lies_in(directory, owned):
            by_directory.setdefault(directory, []).append(fact)
    nodes = {directory: _decoded(facts) for directory, facts in by_directory.items()}
    by_tier: dict[str, list[Mapping]] = {}
    tiers = {directory: _tier(model, facts[0].path) for directory, facts in by_directory.items()}
    for directory in sorted(nodes):
        by_tier.setdefault(tiers[directory], []).extend(nodes[directory])
    pools = {tier: Objects(f"manifests {tier}", shared) for tier, shared in by_tier.items()}
    found: list[Assembled] = []
    for directory, facts in sorted(by_directory.items()):
        files = sorted({fact.path for fact in facts})
        namespaces = {fact.namespace for fact in facts if fact.namespace}
        found.append(
            Assembled(
                environments=_environments(model, files[0], next(iter(namespaces)) if len(namespaces) == 1 else None),
                files=files,
                further=pools[tiers[directory]],
                key=f"manifests:{directory or '.'}",
                loc=facts[0].loc,
                namespace="",
                objects=nodes[directory],
                open_reasons=[],
            )
        )
    return found


def _lies_in(directory: str, owned: set[str]) -> bool:
    while directory:
        if directory in owned:
            return True
        directory = directory.rpartition("/")[0]
    return "" in owned


def _tier(model: DeploymentModel, path: str) -> str:
    found = model.environments.of_path(path)
    return found.name if found is not None else ""


def _decoded(facts: list[KubernetesObject]) -> list[Mapping]:
    nodes = [decode(fact.tree, fact.path) for fact in facts]
    return [node for node in nodes if isinstance(node, Mapping)]


def deployment(found: Assembled) -> Deployment:
    """Make a deployment with its workloads."""
    objects = Objects(found.key, found.objects, found.further)
    workloads: list[Workload] = []
    for node in found.objects:
        made = _workload(node, found, objects)
        if made is not None:
            workloads.append(made)
    return Deployment(
        environments=found.environments,
        files=found.files,
        key=found.key,
        loc=found.loc,
        objects=found.objects,
        open_reasons=found.open_reasons,
        platform="kubernetes",
        workloads=sorted(workloads, key=lambda item: (item.kind, item.name, item.loc[0], str(item.loc[1]))),
    )


def pod_spec(node: Mapping) -> Mapping | None:
    """The pod spec of a workload object (None for other kinds)."""
    kind, group = node.text("kind") or "", group_of(node.text("apiVersion") or "")
    if kind == "Service" and group == "serving.knative.dev":
        return node.mapping("spec", "template", "spec")
    path = _TEMPLATES.get(kind)
    return node.mapping(*path, "spec") if path is not None else None


def pod_labels(node: Mapping) -> Mapping | None:
    """The labels that the pods of a workload object get."""
    path = _TEMPLATES.get(node.text("kind") or "")
    return node.mapping(*path, "metadata", "labels") if path is not None else None


def _workload(node: Mapping, found: Assembled, objects: Objects) -> Workload | None:
    pod = pod_spec(node)
    if pod is None:
        return None
    kind = node.text("kind") or ""
    name = node.get("metadata", "name") or node.get("metadata", "generateName")
    replicas, most = _replicas(node, kind, found.objects)
    inherited = [] if not found.open_reasons else found.open_reasons
    namespace = _namespace(node.get("metadata", "namespace"), found.namespace)
    return Workload(
        containers=containers(pod, objects.within(namespace), inherited),
        deployment=found.key,
        environments=found.environments,
        files=_files(node, found),
        kind=kind,
        loc=name.loc if name is not None else node.loc,
        max_replicas=most,
        name=name.text if isinstance(name, Scalar | Hole) else "",
        namespace=namespace,
        node=node,
        platform="kubernetes",
        pod=pod,
        replicas=replicas,
    )


def _files(node: Mapping, found: Assembled) -> list[str]:
    """The files a workload was derived from: those of its own tree and those that steer the whole deployment."""
    paths: set[str] = {found.loc[0]}
    stack: list[Node] = [node]
    while stack:
        item = stack.pop()
        if item.path:
            paths.add(item.path)
        if isinstance(item, Mapping):
            stack.extend(value for _key, value in item.pairs)
        elif not isinstance(item, Scalar | Hole):
            stack.extend(getattr(item, "items", ()))
    if not found.key.startswith("manifests:"):
        paths.update(found.files)
    return sorted(paths)


def _namespace(node: Node | None, given: str) -> Value:
    if node is None:
        return known(given) if given else ABSENT
    if isinstance(node, Scalar) and node.masked is None and not getattr(node, "guess", ""):
        return known(node.text)
    return unknown("a name that is not known")


def _whole(node: Node | None, default: int) -> Value:
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return known(default)
    number = node.number if isinstance(node, Scalar) else None
    return known(int(number)) if number is not None else unknown("a number that is not known")


def _replicas(node: Mapping, kind: str, objects: list[Mapping]) -> tuple[Value, Value]:
    if kind == "Job":
        count = _whole(node.get("spec", "parallelism"), 1)
        return count, count
    if kind == "DaemonSet":
        return unknown("one on every node"), unknown("one on every node")
    if kind not in _SCALED:
        return known(1), known(1)
    replicas = _whole(node.get("spec", "replicas"), 1)
    scaler = _scaler(node, objects)
    if scaler is None:
        return replicas, replicas
    keda = scaler.text("kind") == "ScaledObject"
    least = _whole(scaler.get("spec", "minReplicaCount" if keda else "minReplicas"), 0 if keda else 1)
    most = _whole(scaler.get("spec", "maxReplicaCount" if keda else "maxReplicas"), 100 if keda else 1)
    if node.get("spec", "replicas") is None or not isinstance(replicas, Known):
        replicas = least
    return replicas, most


def _scaler(node: Mapping, objects: list[Mapping]) -> Mapping | None:
    kind, name = node.text("kind"), node.text("metadata", "name")
    for item in objects:
        if item.text("kind") in ("HorizontalPodAutoscaler", "ScaledObject"):
            target = item.mapping("spec", "scaleTargetRef")
            if target is not None and target.text("name") == name and (target.text("kind") or "Deployment") == kind:
                return item
    return None
