"""The secrets and variables that a job is given, and the tiers their names are kept for.

What a secret holds is never known; what it is for is what the people who made it called it. Only whole words count
(``PROD_ROLE_ARN``, ``STAGING_HOST``), and only where all of a job's names agree.
"""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environment_names import STRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node

_CONTEXTS = ("secrets.", "vars.")


def secrets_of(node: Node, *, sure: bool = False) -> Iterator[tuple[str, Loc]]:
    """Yield (name, place) of every ``secrets.NAME`` and ``vars.NAME`` in the expressions of a job or step, in file order.

    `sure`: only of expressions without a condition, for ``a && secrets.X || secrets.Y`` gives one of the two.
    """
    stack: list[Node] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Mapping):
            stack.extend(value for _key, value in reversed(current.pairs))
        elif isinstance(current, Sequence):
            stack.extend(reversed(list(current)))
        elif isinstance(current, Scalar) and "${{" in current.text:
            for name in _names(current.text, sure=sure):
                yield name, current.loc


def _names(text: str, *, sure: bool) -> Iterator[str]:
    for part in text.split("${{")[1:]:
        expression = part.partition("}}")[0]
        if sure and ("&&" in expression or "||" in expression):
            continue
        for context in _CONTEXTS:
            for rest in expression.split(context)[1:]:
                end = next((index for index, char in enumerate(rest) if not (char.isalnum() or char == "_")), len(rest))
                if end:
                    yield rest[:end]


def tier_word(name: str) -> str:
    """Return the word of a secret's name that names a tier, "" when none or several do."""
    found = [word for word in name.lower().split("_") if word in STRONG]
    return found[0] if len({STRONG[word] for word in found}) == 1 else ""


def secret_tiers(node: Node) -> list[str]:
    """Return one word for each tier that the names of a job's secrets are kept for, sorted."""
    found: dict[str, str] = {}
    for name, _loc in secrets_of(node):
        word = tier_word(name)
        if word:
            found.setdefault(STRONG[word], word)
    return [found[tier] for tier in sorted(found)]
