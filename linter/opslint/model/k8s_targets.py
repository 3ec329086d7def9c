"""What two environments put in one place of Kubernetes: a host that both serve, a workload that both write."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.kubernetes import KubernetesObject
from opslint.model.environment_names import tier_tokens
from opslint.model.environments import tier_of
from opslint.model.k8s_env import source_of
from opslint.model.kubernetes import normal_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Deployment, Workload

_TIERS = ("production", "staging", "development", "ephemeral")
_FILL_IN = ("your", "placeholder", "changeme", "change-me", "replace", "xxx", "todo", "domain.", "<", "$")
"""How labels of hosts begin that somebody is to fill in."""
_LOCAL = (".local", ".localhost", ".internal", ".svc", ".lan", ".test", ".invalid", ".nip.io", ".sslip.io")
"""Ends of hosts that mean something else in each network."""
_DNS_KINDS = frozenset("Gateway GRPCRoute HTTPRoute Ingress Service TLSRoute VirtualService".split())
_DNS = "external-dns.alpha.kubernetes.io/hostname"


class Served(Record):
    """A host that a deployment serves at a path. `loc` is where it is written, `thing` the object that serves it."""

    __slots__ = ("deployment", "host", "loc", "path", "thing")
    deployment: Deployment
    host: str
    loc: Loc
    path: str
    thing: str


class Clash(Record):
    """One place of two environments. `what`: ``host`` or ``workload``; `names` are the hosts or workloads; `lower` and `upper` the deployments
    (production's is the upper one where there is one), with where each says so; `others` further deployments in the same place; `why` in a
    message: how it is known that both are in one cluster ("" for hosts, which are unique in the whole world).
    """

    __slots__ = ("loc", "lower", "names", "others", "place", "upper", "upper_loc", "what", "why")
    loc: Loc
    lower: Deployment
    names: list[str]
    others: list[Deployment]
    place: str
    upper: Deployment
    upper_loc: Loc
    what: str
    why: str


class Targets:
    """Where the deployments of named environments go."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.deployments = [item for item in model.deployments if item.platform == "kubernetes" and _tier(item)]
        self.clusters = _clusters(model)
        self.unclear: list[Loc] = []

    def clashes(self) -> list[Clash]:
        """Hosts first, then workloads; each place once, in order."""
        return [*self._hosts(), *self._workloads()]

    # Hosts

    def _hosts(self) -> Iterator[Clash]:
        groups: dict[tuple[str, str], list[Served]] = {}
        for deployment in self.deployments:
            for served in _served(deployment):
                groups.setdefault((served.host, served.path), []).append(served)
        found: dict[tuple[Loc, ...], list[Served]] = {}
        said: set[str] = set()
        for (host, _path), group in groups.items():
            if len({_tier(item.deployment) for item in group}) > 1 and host not in said:
                said.add(host)
                found.setdefault(_objects(group), []).extend(group)
        for group in found.values():
            by_tier = sorted(group, key=lambda item: (_rank(item.deployment), item.deployment.key, item.host))
            upper = by_tier[0]
            lower = next(
                item for item in by_tier if _tier(item.deployment) != _tier(upper.deployment) and item.host == upper.host
            )
            keys = {upper.deployment.key, lower.deployment.key}
            yield Clash(
                loc=lower.loc,
                lower=lower.deployment,
                names=sorted({item.host for item in group}),
                others=_further(group, keys),
                place=lower.thing,
                upper=upper.deployment,
                upper_loc=upper.loc,
                what="host",
                why="",
            )

    # Workloads

    def _workloads(self) -> Iterator[Clash]:
        groups: dict[tuple[str, str, str], list[tuple[Deployment, Workload]]] = {}
        for deployment in self.deployments:
            for workload in deployment.workloads:
                space = workload.namespace.value if isinstance(workload.namespace, Known) else ""
                if space and workload.name and not getattr(workload.node.get("metadata", "name"), "guess", ""):
                    groups.setdefault((space, workload.kind, workload.name), []).append((deployment, workload))
        pairs: dict[tuple[str, str], dict[str, list[tuple[Workload, Workload]]]] = {}
        by_key = {item.key: item for item in self.deployments}
        for (space, _kind, _name), group in groups.items():
            ordered = sorted(group, key=lambda item: (_rank(item[0]), item[0].key))
            upper = ordered[0]
            for lower in ordered[1:]:
                if _tier(lower[0]) != _tier(upper[0]):
                    found = pairs.setdefault((space, upper[0].key), {})
                    found.setdefault(lower[0].key, []).append((upper[1], lower[1]))
        for (space, key), lowers in pairs.items():
            clash = self._clash(space, by_key[key], [(by_key[lower], found) for lower, found in lowers.items()])
            if clash is not None:
                yield clash

    def _clash(
        self, space: str, upper: Deployment, lowers: list[tuple[Deployment, list[tuple[Workload, Workload]]]]
    ) -> Clash | None:
        """The deployments that are known to write the same workloads as `upper` in its cluster, as one clash."""
        sure: list[tuple[Deployment, list[tuple[Workload, Workload]], str]] = []
        for lower, found in lowers:
            why = self._one_cluster(space, upper, lower)
            if not why:
                self.unclear.append(lower.loc)
            elif why != "apart":
                sure.append((lower, found, why))
        if not sure:
            return None
        first, pairs, why = sure[0]
        return Clash(
            loc=_space_loc(pairs[0][1], first),
            lower=first,
            names=sorted({workload.name for _lower, found, _why in sure for _upper, workload in found}),
            others=[lower for lower, _found, _why in sure[1:]],
            place=space,
            upper=upper,
            upper_loc=_space_loc(pairs[0][0], upper),
            what="workload",
            why=why,
        )

    def _one_cluster(self, space: str, upper: Deployment, lower: Deployment) -> str:
        """How it is known that two deployments are in one cluster: "" when it is not, ``apart`` when they are in two."""
        one, other = self.clusters.get(upper.key), self.clusters.get(lower.key)
        if one is not None and other is not None:
            if one == other:
                return "both are deployed to one cluster"
            if _IN_CLUSTER not in (one[0], other[0]):
                return "apart"
        named = tier_tokens(space)
        if _tier(upper) in named and _tier(lower) not in named:
            return f"the namespace is called after {_tier(upper)}"
        # At the front such a word may belong to the product's name (`dev-portal`).
        if tier_tokens(space.rpartition("-")[2]) == [_tier(lower)] and "-" in space:
            return f"the namespace is called after {_tier(lower)}"
        own = {_tier(item): _spaces(item) for item in self.deployments if item.key not in (upper.key, lower.key)}
        for tier, spaces in sorted(own.items()):
            if tier not in (_tier(upper), _tier(lower)) and any(
                tier in tier_tokens(name) and _is_kin(name, space) for name in spaces
            ):
                return f"{tier} has a namespace of its own beside it"
        return ""


def _is_kin(name: str, space: str) -> bool:
    """Tell whether a namespace is another's with the name of a tier added (``shop-dev`` of ``shop``)."""
    return name.startswith(f"{space}-") or name.endswith(f"-{space}")


def _tier(deployment: Deployment) -> str:
    tiers = {tier_of(name) for name in deployment.environments}
    tier = tiers.pop() if len(tiers) == 1 else ""
    return tier if tier in _TIERS else ""


def _rank(deployment: Deployment) -> int:
    return _TIERS.index(_tier(deployment))


def _further(group: list[Served], but: set[str]) -> list[Deployment]:
    found = {item.deployment.key: item.deployment for item in group if item.deployment.key not in but}
    return [found[key] for key in sorted(found)]


def _objects(group: list[Served]) -> tuple[Loc, ...]:
    """What hosts of one object have in common: the files they stand in and the object's name."""
    return tuple(sorted({(f"{item.loc[0]} {item.thing} {item.deployment.key}", (1, 1, 1, 1)) for item in group}))


def _spaces(deployment: Deployment) -> set[str]:
    return {workload.namespace.value for workload in deployment.workloads if isinstance(workload.namespace, Known)}


def _space_loc(workload: Workload, deployment: Deployment) -> Loc:
    node = workload.node.get("metadata", "namespace")
    return source_of(node, node) if node is not None else deployment.loc


def _served(deployment: Deployment) -> Iterator[Served]:
    for item in deployment.objects:
        kind = item.text("kind") or ""
        thing = f"{kind} {item.text('metadata', 'name') or ''}".strip()
        for node, text, path in _hosts(item, kind):
            host = text.strip().lower().rstrip(".")
            if _is_public(host) and not getattr(node, "guess", ""):
                yield Served(deployment=deployment, host=host, loc=source_of(node, node), path=path, thing=thing)


def _hosts(item: Mapping, kind: str) -> Iterator[tuple[Node, str, str]]:
    """The hosts of an object with the paths it serves there (``/``: all)."""
    if kind == "Ingress":
        for rule in item.sequence("spec", "rules"):
            node = rule.get("host") if isinstance(rule, Mapping) else None
            if isinstance(node, Scalar) and node.masked is None and isinstance(rule, Mapping):
                paths = [entry.text("path") or "/" for entry in rule.sequence("http", "paths") if isinstance(entry, Mapping)]
                for path in paths or ["/"]:
                    yield node, node.text, path
    elif kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "VirtualService"):
        for node in item.sequence("spec", "hosts" if kind == "VirtualService" else "hostnames"):
            if isinstance(node, Scalar) and node.masked is None:
                yield node, node.text, "/"
    if kind in _DNS_KINDS:
        node = item.get("metadata", "annotations", _DNS)
        if isinstance(node, Scalar) and node.masked is None:
            for part in node.text.split(","):
                yield node, part, "/"


def _is_public(host: str) -> bool:
    """Tell whether a host is one name in the whole world, and no text to be filled in."""
    if "." not in host or host.startswith("*") or host.endswith(_LOCAL) or set("${}<> _") & set(host):
        return False
    return not any(label.startswith(_FILL_IN) for label in host.split("."))


_IN_CLUSTER = "https://kubernetes.default.svc"
"""The cluster that Argo CD itself runs in: the same for what one directory installs, of others it is not known which."""


def _clusters(model: DeploymentModel) -> dict[str, tuple[str, str]]:
    """The cluster of each deployment that says it, with the directory that says so where the name means something else in each."""
    from opslint.model.helm_gitops import cluster_of

    found: dict[str, set[tuple[str, str]]] = {}

    def add(key: str, cluster: str, path: str) -> None:
        inside = cluster in (_IN_CLUSTER, "in-cluster")
        found.setdefault(key, set()).add((_IN_CLUSTER, path.rpartition("/")[0]) if inside else (cluster, ""))

    for fact in model.facts(KubernetesObject):
        tree = decode(fact.tree, fact.path) if fact.object_kind == "Application" else None
        spec = tree.mapping("spec") if isinstance(tree, Mapping) else None
        if spec is None:
            continue
        for source in (spec.get("source"), *spec.sequence("sources")):
            path = source.text("path") if isinstance(source, Mapping) else None
            if path:
                add(f"kustomize:{normal_path(path) or '.'}", cluster_of(spec), fact.path)
    if "helm-chart" in model.kinds:
        from opslint.model.helm import key_of

        for chart, variant in model.chart_variants:
            if variant.release is not None:
                add(key_of(chart, variant), variant.release.cluster, variant.release.loc[0])
    return {
        key: next(iter(clusters))
        for key, clusters in found.items()
        if len(clusters) == 1 and all(name for name, _path in clusters)
    }
