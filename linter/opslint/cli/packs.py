"""The installed rules, for commands that speak of rules rather than of a repository."""

from __future__ import annotations

from opslint.base.errors import UsageError, nearest
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.rule import Rule
    from opslint.engine.packs import Packs


def installed(cache_dir: str | None = None, *, no_cache: bool = False) -> Packs:
    """Return all installed rule packs; their catalogues are remembered in the cache."""
    from opslint.engine.cache import Cupboard, cache_directory
    from opslint.engine.packs import find_packs

    if no_cache:
        return find_packs(None)
    directory, _named = cache_directory(cache_dir)
    return find_packs(Cupboard(directory))


def rule_named(packs: Packs, name: str) -> type[Rule]:
    """Return the class of rule `name`; UsageError with the nearest right name when there is none."""
    if name not in packs.rules:
        raise UsageError(f"no rule '{name}'{nearest(name, list(packs.rules))}")
    rule = packs.rule(name)
    if rule is None:
        raise UsageError(packs.problems[-1].message)
    return rule
