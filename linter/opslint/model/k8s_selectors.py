"""What the selectors of Services and PodDisruptionBudgets take, and the ports that Services forward to."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Hole, Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes import group_of
from opslint.model.k8s_containers import named_ports
from opslint.model.kubernetes import pod_labels, pod_spec

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Deployment


_SUFFIXES = ("-service", "-svc", "-pdb", "-deployment", "-deploy", "-headless", "-lb")


def _stem(name: str) -> str:
    """A name without what only says the kind of the object."""
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


class Selection(Record):
    """An object with a selector (`kind`, `name`): the workload objects it takes. `open` says why more may be taken, "" when not.

    `near`: when nothing is taken, the workload of the same name, which was surely meant, with the label that differs.
    `headless`: a Service without a cluster address, for peers that find each other.
    """

    __slots__ = ("deployment", "headless", "kind", "loc", "name", "near", "node", "open", "taken")
    deployment: Deployment
    headless: bool
    kind: str
    loc: Loc
    name: str
    near: tuple[Mapping, Node, str] | None
    node: Mapping
    open: str
    taken: list[Mapping]


class PortMismatch(Record):
    """A Service's target port that none of the pods it selects has. `named`: it is a name, so that it cannot work at all."""

    __slots__ = ("loc", "named", "other", "port", "selection")
    loc: Loc
    named: bool
    other: Loc
    port: str
    selection: Selection


def selections(model: DeploymentModel) -> list[Selection]:
    """The selectors of all Kubernetes deployments, in order of deployment and object."""
    found: list[Selection] = []
    shared: list[Mapping] = []
    for deployment in model.deployments:
        if deployment.platform == "kubernetes" and deployment.key.startswith("manifests:"):
            shared.extend(node for node in deployment.objects if pod_spec(node) is not None)
    for deployment in model.deployments:
        if deployment.platform != "kubernetes":
            continue
        workloads = [node for node in deployment.objects if pod_spec(node) is not None]
        further = shared if deployment.key.startswith("manifests:") else []
        for node in deployment.objects:
            made = _selection(node, deployment, workloads, further)
            if made is not None:
                found.append(made)
    return found


def _selection(node: Mapping, deployment: Deployment, workloads: list[Mapping], further: list[Mapping]) -> Selection | None:
    kind, group = node.text("kind") or "", group_of(node.text("apiVersion") or "")
    if kind == "Service" and not group:
        selector = node.get("spec", "selector")
        if node.text("spec", "type") == "ExternalName":
            return None
    elif kind == "PodDisruptionBudget":
        selector = node.get("spec", "selector", "matchLabels")
        if node.get("spec", "selector", "matchExpressions") is not None:
            return None
    else:
        return None
    if not isinstance(selector, Mapping) or not selector.pairs:
        return None
    why = "its selector is not known" if _is_open(selector) else ""
    if not why and deployment.open_reasons:
        why = deployment.open_reasons[0][0]
    taken = [workload for workload in workloads if _takes(selector, workload)]
    if not taken and any(_takes(selector, workload) for workload in further):
        return None
    name = node.get("metadata", "name")
    return Selection(
        deployment=deployment,
        headless=node.text("spec", "clusterIP") == "None",
        kind=kind,
        loc=selector.loc,
        name=name.text if isinstance(name, Scalar | Hole) else "",
        near=None if taken else _near(selector, node.text("metadata", "name") or "", workloads),
        node=node,
        open=why,
        taken=taken,
    )


def _is_open(selector: Mapping) -> bool:
    return any(not isinstance(value, Scalar) for _key, value in selector.pairs)


def _takes(selector: Mapping, workload: Mapping) -> bool:
    labels = pod_labels(workload)
    if labels is None:
        return False
    if any(not isinstance(value, Scalar) for _key, value in labels.pairs):
        return True
    return all(isinstance(value, Scalar) and labels.text(key.text) == value.text for key, value in selector.pairs)


def _near(selector: Mapping, name: str, workloads: list[Mapping]) -> tuple[Mapping, Node, str] | None:
    """The workload whose name the object has, with the label that differs."""
    wanted = _stem(name)
    best = next(
        (item for item in workloads if wanted and pod_labels(item) and _stem(item.text("metadata", "name") or "") == wanted), None
    )
    if best is None:
        return None
    labels = pod_labels(best)
    assert labels is not None
    for key, value in selector.pairs:
        own = labels.get(key.text)
        if not isinstance(value, Scalar) or not isinstance(own, Scalar) or own.text != value.text:
            return best, own if own is not None else labels, key.text
    return None


def port_mismatches(found: list[Selection]) -> list[PortMismatch]:
    """Target ports of Services that none of the selected pods has."""
    wrong: list[PortMismatch] = []
    for selection in found:
        if selection.kind != "Service" or not selection.taken or selection.open:
            continue
        pods = [pod for pod in map(pod_spec, selection.taken) if pod is not None]
        ports = [named_ports(pod) for pod in pods]
        if not all(ports):
            continue  # a container need not declare what it listens on
        for item in selection.node.sequence("spec", "ports"):
            target = (item.get("targetPort") or item.get("port")) if isinstance(item, Mapping) else None
            if not isinstance(target, Scalar) or not target.text or any(target.text in known for known in ports):
                continue
            place = pods[0].get("containers")
            wrong.append(
                PortMismatch(
                    loc=target.loc,
                    named=not target.text.isdigit(),
                    other=place.loc if place is not None else pods[0].loc,
                    port=target.text,
                    selection=selection,
                )
            )
    return wrong
