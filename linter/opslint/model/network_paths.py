"""Which ports a security group or NetworkPolicy lets through, environment by environment."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environment_differences import without_environment
from opslint.model.terraform_values import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Body, Resource


class Paths(Record):
    """What one security group or NetworkPolicy lets through. `actions` maps ``ingress tcp 5432-5432`` (for a policy with whom) to where;
    the other fields as in `Grant`.
    """

    __slots__ = ("actions", "environments", "files", "kind", "loc", "name", "open", "role")
    actions: dict[str, Loc]
    environments: list[str]
    files: list[str]
    kind: str
    loc: Loc
    name: str
    open: str
    role: str

    def allows(self, path: str) -> bool:
        """Tell whether a path is let through: by name, or because everything in its direction is."""
        return path in self.actions or f"{path.split(' ', maxsplit=1)[0]} all" in self.actions


_RULES = {
    "aws_security_group_rule": "",
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
}


def network_paths(model: DeploymentModel) -> Iterator[Paths]:
    """Yield the security groups of Terraform and the NetworkPolicies of all deployments."""
    if model.has_cloud:
        for group in model.terraform.resources("aws_security_group"):
            yield _group(model, group)
    for deployment in model.deployments:
        if deployment.platform == "kubernetes":
            for item in deployment.objects:
                if item.text("kind") == "NetworkPolicy":
                    yield _policy(model, item, deployment.environments, deployment.files)


def _group(model: DeploymentModel, group: Resource) -> Paths:
    found: dict[str, Loc] = {}
    unknown = ""
    for direction in ("ingress", "egress"):
        if group.body.expression(direction) is not None:
            unknown = "rules written as a list"
        for block in group.blocks(direction):
            unknown = _take(found, direction, block.body, "protocol", block.loc, certain=not block.uncertain) or unknown
    for user in model.terraform.referenced_by(group):
        if user.type in _RULES and model.terraform.resolve(user, user.get("security_group_id")) is group:
            direction = _RULES[user.type] or as_text(user.get("type")) or ""
            protocol = "protocol" if user.type == "aws_security_group_rule" else "ip_protocol"
            unknown = _take(found, direction, user.body, protocol, user.loc, certain=not user.uncertain) or unknown
    root = model.terraform.root_of(group)
    return Paths(
        actions=found,
        environments=group.environments,
        files=group.files,
        kind="security group",
        loc=group.loc,
        name=group.name,
        open=unknown,
        role=f"{without_environment(model, root.path)}:{group.address}",
    )


def _take(found: dict[str, Loc], direction: str, body: Body, protocol: str, loc: Loc, *, certain: bool) -> str:
    """Take one rule; return why it is not known, "" when it is."""
    name = as_text(body.get(protocol))
    first, last = as_text(body.get("from_port")), as_text(body.get("to_port"))
    if name in ("-1", "all") and certain and direction:
        found.setdefault(f"{direction} all", loc)
        return ""
    if not certain or not direction or name is None or first is None or last is None:
        return "a rule that is not known"
    found.setdefault(f"{direction} {name} {first}" if first == last else f"{direction} {name} {first}-{last}", loc)
    return ""


def _policy(model: DeploymentModel, item: Mapping, environments: list[str], files: list[str]) -> Paths:
    found: dict[str, Loc] = {}
    unknown = ""
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in item.sequence("spec", direction):
            if not isinstance(rule, Mapping):
                unknown = "a rule that is not known"
                continue
            ports = [_port(port) for port in rule.sequence("ports")] or ["all"]
            whom = [_peer(model, peer) for peer in rule.sequence(peers)] or ["anyone"]
            if None in ports or None in whom:
                unknown = "a rule that is not known"
                continue
            for port in ports:
                for peer in whom:
                    found.setdefault(f"{direction} {port} {'from' if direction == 'ingress' else 'to'} {peer}", rule.loc)
    name = item.text("metadata", "name") or ""
    return Paths(
        actions=found,
        environments=environments,
        files=files,
        kind="NetworkPolicy",
        loc=item.loc,
        name=name,
        open=unknown,
        role=without_environment(model, name),
    )


def _port(port: object) -> str | None:
    if not isinstance(port, Mapping):
        return None
    number = port.text("port")
    return None if number is None else f"{(port.text('protocol') or 'TCP').lower()} {number}"


def _peer(model: DeploymentModel, peer: object) -> str | None:
    """Return whom a rule is about, without the words that name an environment."""
    if not isinstance(peer, Mapping):
        return None
    words = []
    for key in ("namespaceSelector", "podSelector"):
        selector = peer.mapping(key)
        if selector is None:
            continue
        labels = selector.mapping("matchLabels")
        if selector.get("matchExpressions") is not None:
            return None
        pairs = labels.items() if labels is not None else ()
        texts = [f"{name}={node.text}" for name, node in pairs if isinstance(node, Scalar)]
        words.append(f"{'namespaces' if key == 'namespaceSelector' else 'pods'} {', '.join(sorted(texts)) or 'of any label'}")
    if peer.mapping("ipBlock") is not None:
        words.append("addresses")
    return without_environment(model, " and ".join(words)) if words else None
