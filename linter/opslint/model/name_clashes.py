"""Resources of several environments that are one thing, or would be wherever two of them live in one account."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environment_names import tier_tokens
from opslint.model.environments import tier_of
from opslint.model.physical_names import NAMED, WORLD, apart, carries_environment, named_resources, same_state, tiers_of, varies

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.physical_names import Named
    from opslint.model.terraform_nodes import Resource
    from opslint.model.terraform_roots import Root

PLURAL = 2
"""Environments that a root must be applied in before its constant names can meet."""


class NameClash(Record):
    """Resources of one file that have the same names in the same environments. `first` are the instances of the first of them, those that
    are not production's first; `others` the names of the further ones; `environments` all that meet (of a root whose environment is a
    variable or a workspace, the tiers that are known, maybe none). `sibling` is a resource of the same code whose name does carry the
    environment, where that is the evidence.
    """

    __slots__ = ("environments", "first", "others", "sibling")
    environments: list[str]
    first: list[Named]
    others: list[Named]
    sibling: Resource | None


def name_clashes(model: DeploymentModel) -> list[NameClash]:
    """Return the resources that two environments both declare: equal names within what a name must be unique in."""
    groups: dict[tuple[str, str, str], list[Named]] = {}
    for found in named_resources(model):
        if found.scope and found.environment:
            groups.setdefault((found.resource.type, found.scope, found.name), []).append(found)
    meeting = []
    for group in groups.values():
        members = _first_of_each(group)
        if len(tiers_of(members)) >= PLURAL and not any(same_state(members[0].root, other.root) for other in members[1:]):
            meeting.append(members)
    spoken = _spoken_for(model) if meeting else set()
    clashes = [members for members in meeting if not any(_names_other(member, spoken) for member in members)]
    return _by_file(clashes, None)


def constant_names(model: DeploymentModel) -> tuple[list[NameClash], list[tuple[Loc, str]]]:
    """Return the names that no environment changes although the same code's other names carry the environment, for environments of which
    nothing says that their accounts differ; and where that could not be decided, with why.
    """
    undecided: list[tuple[Loc, str]] = []
    groups: dict[tuple[str, str, str], list[Named]] = {}
    alone: list[Named] = []
    for found in named_resources(model):
        if found.scope or found.place.settings is None:
            if not found.scope and found.environment:
                undecided.append((found.loc, "the account is not known"))
            continue
        if found.environment:
            groups.setdefault((found.resource.type, found.name, found.resource.address), []).append(found)
        elif _is_plural(model, found.root):
            if apart(found.root, found.root) is None:
                undecided.append((found.loc, "where the state of each environment is kept is not known"))
            else:
                alone.append(found)
    clashes: dict[int, tuple[Resource, list[list[Named]]]] = {}
    for group in groups.values():
        members = _first_of_each(group)
        if len(tiers_of(members)) < PLURAL or not _may_meet(members):
            continue
        sibling = _varying(model, members[0], members[1])
        if sibling is not None:
            clashes.setdefault(id(sibling), (sibling, []))[1].append(members)
    for found in alone:
        sibling = _carrying(model, found.root, found.resource)
        if sibling is not None and not carries_environment(found.resource):
            clashes.setdefault(id(sibling), (sibling, []))[1].append([found])
    return [clash for sibling, found in clashes.values() for clash in _by_file(found, sibling)], undecided


def _first_of_each(group: list[Named]) -> list[Named]:
    """Return one resource an environment, production's last."""
    found: dict[str, Named] = {}
    for item in group:
        found.setdefault(item.environment, item)
    return sorted(found.values(), key=lambda item: (tier_of(item.environment) == "production", item.environment))


def _by_file(groups: list[list[Named]], sibling: Resource | None) -> list[NameClash]:
    """Put the resources of one file and the same environments together: it is one file that was copied or not parted."""
    files: dict[tuple[str, tuple[str, ...]], list[list[Named]]] = {}
    for members in groups:
        files.setdefault((members[0].loc[0], tuple(member.environment for member in members)), []).append(members)
    return [
        NameClash(
            environments=sorted(name for name in environments if name),
            first=found[0],
            others=[members[0] for members in found[1:]],
            sibling=sibling,
        )
        for (_path, environments), found in files.items()
    ]


def _spoken_for(model: DeploymentModel) -> set[tuple[str, str]]:
    """The names that values of an environment hold and that say another tier: that value is a finding of its own."""
    return {(found.environment, found.digest) for found in model.identities if not found.owned and found.tiers}


def _names_other(member: Named, spoken: set[tuple[str, str]]) -> bool:
    tiers = tier_tokens(member.name)
    if not tiers or tier_of(member.environment) in tiers:
        return False
    from opslint.model.identity_shapes import named_shape

    return (member.environment, named_shape("name", None, member.name).digest) in spoken


def _may_meet(members: list[Named]) -> bool:
    """Nothing tells the accounts or regions of the environments apart, and their states are kept in one place."""
    first = members[0]
    for other in members[1:]:
        if other.place.settings != first.place.settings or same_state(first.root, other.root):
            return False
        if first.place.region and other.place.region and first.place.region != other.place.region and first.reach != "account":
            return False
        if first.root is not other.root and apart(first.root, other.root) is not False:
            return False
    return True


def _varying(model: DeploymentModel, left: Named, right: Named) -> Resource | None:
    """Return a resource of the same code whose names differ between two environments, or are made of the environment's name."""
    theirs = {resource.address: resource for resource in model.terraform.resources_in(right.root, *NAMED)}
    for resource in model.terraform.resources_in(left.root, *NAMED):
        other = theirs.get(resource.address)
        if other is None or resource.address == left.resource.address or NAMED[resource.type][1] == WORLD:
            continue
        if varies(resource, other) or (carries_environment(resource) and carries_environment(other)):
            return resource
    return None


def _is_plural(model: DeploymentModel, root: Root) -> bool:
    """Tell whether a root without an environment of its own is applied for several: by a variable that names tiers, or by workspaces."""
    if root.environments:
        return False
    if root.uses_workspace or root.path in model.terraform.workspace_roots:
        return True
    variable = model.terraform.environment_variable(root)
    return variable is not None and len(variable[2]) >= PLURAL


def _carrying(model: DeploymentModel, root: Root, resource: Resource) -> Resource | None:
    for other in model.terraform.resources_in(root, *NAMED):
        if other.address != resource.address and NAMED[other.type][1] != WORLD and carries_environment(other):
            return other
    return None
