"""Which rules are on, and what severity a finding has where it happens."""

from __future__ import annotations

from opslint.base.errors import UsageError, nearest
from opslint.base.finding import CATEGORIES, CONFIDENCES, SEVERITIES
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.rule import Catalogued
    from opslint.base.settings import ProjectSettings, RunOptions

_MINOR_TIERS = frozenset(("development", "test", "ephemeral"))
_SOFTER_IN_STAGING = frozenset(("rollback", "ci"))
UNNAMED_TIER = "production"
"""A finding in no known environment is judged like production."""


def selected_rules(rules: dict[str, Catalogued], settings: ProjectSettings, options: RunOptions) -> set[str]:
    """Return the names of the rules that are on.

    ``--select`` replaces the configuration's selection, ``--extend-select`` and ``--ignore`` add to it. A rule named itself
    beats its category: ``--select env --ignore env-x`` and ``--ignore env --extend-select env-x`` both do what they say.
    UsageError, with the nearest right name, for what is neither rule nor category.
    """
    where = settings.source or "configuration"
    chosen = options.select or settings.select
    wanted = [*(chosen or []), *settings.extend_select, *options.extend_select]
    refused = [*settings.ignore, *options.ignore]
    from_line = {*options.select, *options.extend_select, *options.ignore}
    for name in [*wanted, *refused]:
        if name not in rules and name not in CATEGORIES and name != "all":
            origin = "" if name in from_line else f"{where}: "
            raise UsageError(f"{origin}no rule or category '{name}'{nearest(name, [*rules, *CATEGORIES])}")
    on = set()
    for name, rule in rules.items():
        if name in refused:
            continue
        if name in wanted:
            on.add(name)
        elif rule.category in refused or rule.status != "stable":
            continue
        elif rule.category in wanted or "all" in wanted:
            # Off by default means off until named, in a category too: `all` and categories give what a category has by default.
            if rule.default or "all" in wanted:
                on.add(name)
        elif not chosen and rule.default:
            on.add(name)
    return on


def check_options(rules: dict[str, Catalogued], settings: ProjectSettings) -> None:
    """UsageError when the configuration names a rule or an option of a rule that does not exist."""
    where = settings.source or "configuration"
    for name, values in sorted(settings.rule_options.items()):
        rule = rules.get(name)
        if rule is None:
            raise UsageError(f"{where}: rules.{name}: no such rule{nearest(name, list(rules))}")
        for option in sorted(values):
            if option not in rule.option_names:
                raise UsageError(f"{where}: rules.{name}.{option}: no such option{nearest(option, rule.option_names)}")
    names = [(f"severity {item.rule}", item.rule) for item in settings.severities]
    names += [(f"ignore {item.rule}", item.rule) for item in settings.ignores]
    for label, name in names:
        if name not in rules and name not in CATEGORIES:
            raise UsageError(f"{where}: {label}: no rule or category '{name}'{nearest(name, [*rules, *CATEGORIES])}")


class Severities:
    """The tier table of the design with the configuration's overrides."""

    def __init__(self, settings: ProjectSettings) -> None:
        self._overrides = settings.severities

    def of(self, rule: Catalogued, base: str, environments: Iterable[str]) -> tuple[str | None, str | None]:
        """Return (severity, the environment that set it); (None, …) when an override switches it off everywhere.

        `base` is the severity in production. The most severe environment counts; ``None`` as environment when none is known.
        """
        best: tuple[int, str, str | None] | None = None
        names: list[str | None] = [*environments]
        for name in names or [None]:
            level = self._in_tier(rule, base, (name or UNNAMED_TIER).partition("/")[0], known=name is not None)
            if level == "off":
                continue
            rank = SEVERITIES.index(level)
            if best is None or rank > best[0]:
                best = (rank, level, name)
        return (None, None) if best is None else (best[1], best[2])

    def _in_tier(self, rule: Catalogued, base: str, tier: str, *, known: bool) -> str:
        level = tier_severity(rule.category, base, tier)
        for override in self._overrides:
            if override.rule in (rule.name, rule.category) and (override.tier is None or (known and override.tier == tier)):
                level = override.level
        return level


def tier_severity(category: str, base: str, tier: str) -> str:
    """Return the severity of a finding in one tier; `base` is the one in production."""
    if tier in _MINOR_TIERS:
        return "note"
    if tier == "staging" and base == "error" and category in _SOFTER_IN_STAGING:
        return "warning"
    return base


def lower(left: str, right: str | None, order: tuple[str, ...]) -> str:
    """Return the lower of two levels; None is no opinion, and so is a word that is no level."""
    if right is None or right not in order:
        return left
    return order[min(order.index(left), order.index(right))]


def at_least(level: str, minimum: str, order: tuple[str, ...] = SEVERITIES) -> bool:
    """Tell whether `level` is `minimum` or above."""
    return order.index(level) >= order.index(minimum)


__all__ = ["CONFIDENCES", "Severities", "at_least", "check_options", "lower", "selected_rules", "tier_severity"]
