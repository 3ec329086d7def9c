"""How many instances `count` and `for_each` make of a block, and the names each of them binds."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.model.terraform_eval import items_of
from opslint.model.terraform_values import as_number, as_text, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.expression import Expression
    from opslint.base.value import Value
    from opslint.facts.terraform import TfBlock

    Instance = tuple[str | None, dict[str, Value], bool]
    """(key, names bound, uncertain): whether it exists is not known when `uncertain`."""

MAX_INSTANCES = 40
"""Resources or module calls that one `for_each` or `count` is expanded to; beyond it stands one whose key is unknown."""


def instances_of(block: TfBlock, value: Callable[[Expression], Value]) -> list[Instance]:
    """Return the instances of a block; `value` evaluates in the names the block stands in."""
    for name, _at, expression in block.body[0]:
        if name == "count":
            return _counted(as_number(value(expression)))
        if name == "for_each":
            return _each(value(expression))
    return [("", {}, False)]


def _counted(number: float | None) -> list[Instance]:
    if number is None or number > MAX_INSTANCES:
        return [("", {"count": known({"index": unknown("count.index")})}, number is None)]
    return [(str(index), {"count": known({"index": known(index)})}, False) for index in range(int(number))]


def _each(value: Value) -> list[Instance]:
    items = items_of(value)
    loose: dict[str, Value] = {"each": known({"key": unknown("each.key"), "value": unknown("each.value")})}
    if items is None:
        return [("", loose, True)]
    if len(items) > MAX_INSTANCES:
        return [("", loose, False)]
    inner = settled(value)
    keyed = isinstance(inner, Known) and isinstance(inner.value, dict)
    out: list[Instance] = []
    for key, item in items:
        text = as_text(key) if keyed else as_text(item)
        each = known({"key": key if keyed else item, "value": item})
        out.append((text or "", {"each": each}, text is None))
    return out


def suffix_of(key: str | None, bound: dict[str, Value]) -> str:
    """Return the instance key of an address as Terraform writes it."""
    if not key:
        return ""
    return f"[{key}]" if "count" in bound else f'["{key}"]'
