"""What one environment's copy of a thing has and another's lacks: grants of a role, paths through a network."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environments import tier_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.network_paths import Paths
    from opslint.model.permissions import Grant

COMPARED = ("staging", "production")
"""Tiers that are meant to be alike: what passes the first is let into the second."""


class Difference(Record):
    """`extra`: what `having` has and `lacking`, which is known to its end, has not, each with its place."""

    __slots__ = ("extra", "having", "lacking")
    extra: list[tuple[str, Loc]]
    having: Grant | Paths
    lacking: Grant | Paths


def differences(items: Iterable[Grant | Paths]) -> tuple[list[Difference], list[tuple[str, Loc]]]:
    """Compare what plays one role in production and staging; also return the reasons (with places) why some could not be compared."""
    roles: dict[tuple[str, str], dict[str, list[Grant | Paths]]] = {}
    for item in items:
        tiers = {tier_of(name) for name in item.environments}
        if len(tiers) == 1 and tiers <= set(COMPARED):
            roles.setdefault((item.kind, item.role), {}).setdefault(tiers.pop(), []).append(item)
    found: list[Difference] = []
    silent: list[tuple[str, Loc]] = []
    for tiers_of_role in roles.values():
        if len(tiers_of_role) < len(COMPARED):
            continue
        staging, production = (tiers_of_role[tier] for tier in COMPARED)
        for having, lacking in ((staging, production), (production, staging)):
            unknown = next((item for item in lacking if item.open), None)
            extra = [row for row in having[0].actions.items() if not any(item.allows(row[0]) for item in lacking)]
            if extra and unknown is not None:
                silent.append((unknown.open, unknown.loc))
            elif extra and _is_one_copy(having[0], lacking[0]):
                found.append(Difference(extra=extra, having=having[0], lacking=lacking[0]))
                break
    return found, silent


def _is_one_copy(first: Grant | Paths, second: Grant | Paths) -> bool:
    """Two things without anything in common are two designs, not one of which a line was forgotten."""
    return any(second.allows(action) for action in first.actions)


def without_environment(model: DeploymentModel, text: str) -> str:
    """Return `text` with every word that names an environment (none that is shared) replaced by ``*``."""
    out, word = "", ""
    for char in f"{text}\0":
        if char.isalnum():
            word += char
            continue
        named = model.environments.of_value(word) if word else None
        out += "*" if named is not None and named.tier != "shared" else word
        out += "" if char == "\0" else char
        word = ""
    return out
