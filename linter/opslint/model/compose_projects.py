"""Compose projects of several environments that are one and the same for Docker: by their name, and by what they share.

Compose finds the containers, networks and volumes of a project by its name alone: that of ``-p``, of ``COMPOSE_PROJECT_NAME``, of the
top-level `name`, else of the project directory (docs.docker.com, "Specify a project name").
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.shell import ShellScript
from opslint.facts.workflows import Workflow
from opslint.model.compose import combinations
from opslint.model.environments import tier_of
from opslint.model.records import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.compose import Combination
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Deployment

_SERVERS = frozenset(("ephemeral", "production", "staging"))
_WORKSTATION = frozenset(("development", "test"))
"""Tiers that one machine may well run both of."""


class SharedThing(Record):
    """Something both projects have: `kind` (``volume``, ``container name``, ``host port``, ``service``), its name, and where each names it."""

    __slots__ = ("kind", "loc", "name", "other")
    kind: str
    loc: Loc
    name: str
    other: Loc


class ProjectCollision(Record):
    """Two combinations of compose files, of different tiers, that are one project. `left` is the one farther from production.

    `left_file` and `right_file` are where the files begin that make each what it is: the last of the combination.
    """

    __slots__ = ("left", "left_file", "right", "right_file", "things")
    left: Deployment
    left_file: Loc
    right: Deployment
    right_file: Loc
    things: list[SharedThing]


class _Project(Record):
    __slots__ = ("combination", "deployment", "names")
    combination: Combination
    deployment: Deployment
    names: list[str]


def project_collisions(model: DeploymentModel) -> tuple[list[ProjectCollision], list[tuple[str, Loc]]]:
    """Return the collisions, and (reason, place) of the combinations whose project name is not known."""
    environments = {item.key: item for item in model.deployments if item.platform == "compose"}
    if len({tier_of(name) for item in environments.values() for name in item.environments}) < 2:
        return [], []
    by_name: dict[str, list[_Project]] = {}
    unknown: list[tuple[str, Loc]] = []
    elsewhere = _named_elsewhere(model)
    for combination in combinations(model):
        deployment = environments.get(combination.group.key)
        if deployment is None or len({tier_of(name) for name in deployment.environments}) != 1:
            continue
        names = project_names(combination)
        if names is None or (elsewhere and not combination.group.projects):
            unknown.append(("the project's name depends on the host", deployment.loc))
            continue
        for name in names:
            by_name.setdefault(name, []).append(_Project(combination=combination, deployment=deployment, names=names))
    found: dict[tuple[str, str], ProjectCollision] = {}
    for projects in by_name.values():
        projects.sort(key=lambda item: (-TIERS.index(_tier(item)), item.deployment.key))
        for index, left in enumerate(projects):
            # One collision for each combination, with the nearest of another tier: a third one is found by its own.
            right = next((item for item in projects[index + 1 :] if _may_meet(_tier(left), _tier(item))), None)
            things = _shared(left.combination, right.combination, _tier(left)) if right is not None else []
            if right is not None and things:
                key = (left.deployment.key, right.deployment.key)
                collision = ProjectCollision(
                    left=left.deployment,
                    left_file=left.combination.group.files[-1].loc,
                    right=right.deployment,
                    right_file=right.combination.group.files[-1].loc,
                    things=things,
                )
                found.setdefault(key, collision)
    return list(found.values()), unknown


def _tier(project: _Project) -> str:
    return tier_of(project.deployment.environments[0])


def _may_meet(left: str, right: str) -> bool:
    """Tell whether two tiers are likely to run on one machine."""
    return left != right and any({left, right} <= together for together in (_SERVERS, _WORKSTATION))


def project_names(combination: Combination) -> list[str] | None:
    """Return the names a project may get (``dir:…`` for that of its directory), None when the host decides."""
    group = combination.group
    if group.projects:
        return None if any("$" in name for name in group.projects) else sorted(group.projects)
    named = combination.names.values.get("COMPOSE_PROJECT_NAME")
    if named is not None:
        text = combination.names.find("COMPOSE_PROJECT_NAME") if isinstance(named, Known) else None
        return [text] if text else None
    own = [
        name.text for fact in combination.files if isinstance(name := combination.root(fact).get("name"), Scalar) and name.text
    ]
    if own:
        text = combination.names.text(own[-1])[0]
        return [text] if text else None
    return [f"dir:{group.directory.rpartition('/')[2].lower()}"]


def _named_elsewhere(model: DeploymentModel) -> bool:
    """Tell whether a workflow or script sets ``COMPOSE_PROJECT_NAME``: for which of the commands is not followed."""
    for script in model.facts(ShellScript):
        for step in script.steps():
            if any(name == "COMPOSE_PROJECT_NAME" for name, _value in step.assignments) or step.words[1:2] == [
                "COMPOSE_PROJECT_NAME"
            ]:
                return True
    return any(_mentions(decode(fact.tree, fact.path)) for fact in model.facts(Workflow))


def _mentions(root: Node) -> bool:
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            if "COMPOSE_PROJECT_NAME" in node:
                return True
            stack.extend(value for _key, value in node.pairs)
        elif not isinstance(node, Scalar):
            stack.extend(getattr(node, "items", ()))
    return False


def _shared(left: Combination, right: Combination, tier: str) -> list[SharedThing]:
    """Return what two combinations of one project have in common; on a workstation only what holds data, or is asked for by name."""
    found: list[SharedThing] = []
    kinds = {"volume": _volumes, "container name": _container_names, "host port": _ports, "service": _services}
    for kind, things_of in kinds.items():
        if kind in ("host port", "service") and tier in _WORKSTATION:
            continue
        theirs = dict(things_of(right))
        for name, loc in dict(things_of(left)).items():
            if name in theirs:
                found.append(SharedThing(kind=kind, loc=loc, name=name, other=theirs[name]))
    return found


def _volumes(combination: Combination) -> Iterator[tuple[str, Loc]]:
    """Yield the named volumes that the project makes, by the name they get; those made outside of it are shared on purpose."""
    for fact in combination.files:
        declared = combination.root(fact).mapping("volumes")
        for key, body in declared.pairs if declared is not None else ():
            if isinstance(body, Mapping) and ("external" in body or "!reset" in body):
                continue
            named = body.get("name") if isinstance(body, Mapping) else None
            text = combination.names_at(fact.path).text(named.text)[0] if isinstance(named, Scalar) else key.text
            if text:
                yield text, key.loc


def _services(combination: Combination) -> Iterator[tuple[str, Loc]]:
    for fact in combination.files:
        services = combination.root(fact).mapping("services")
        for key, _body in services.pairs if services is not None else ():
            yield key.text, key.loc


def _container_names(combination: Combination) -> Iterator[tuple[str, Loc]]:
    for fact in combination.files:
        for body in combination.bodies(fact).values():
            named = body.get("container_name")
            text = combination.names_at(fact.path).text(named.text)[0] if isinstance(named, Scalar) else None
            if text and named is not None:
                yield text, named.loc


def _ports(combination: Combination) -> Iterator[tuple[str, Loc]]:
    for fact in combination.files:
        for body in combination.bodies(fact).values():
            for item in body.sequence("ports"):
                published = item.get("published") if isinstance(item, Mapping) else item
                text = combination.names_at(fact.path).text(published.text)[0] if isinstance(published, Scalar) else None
                port = text if isinstance(item, Mapping) or text is None else text.rpartition("/")[0] or text
                if port is not None and not isinstance(item, Mapping):
                    port = port.rpartition(":")[0].rpartition(":")[2]
                if port and port.isdigit():
                    yield port, item.loc
