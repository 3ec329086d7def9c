"""Type constraints of variables: what Terraform makes of a value before anything sees it.

Optional attributes get their default or null, attributes that the type does not have are dropped, texts and numbers are turned into
each other, sets are sorted (Terraform language reference, "Type Constraints").
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.model.terraform_values import Encoded, Reference, as_number, as_text, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.expression import Expression
    from opslint.base.value import Value

MAX_DEPTH = 20
"""Types inside types that are followed."""


def converted(value: Value, kind: Expression, default: Callable[[Expression], Value], depth: int = 0) -> Value:
    """Return `value` as the type expression `kind` makes it; `default` evaluates the defaults of optional attributes."""
    inner = settled(value)
    if not isinstance(inner, Known) or inner.value is None or depth > MAX_DEPTH:
        return value
    if kind[0] == "ref":
        return _primitive(value, inner, str(kind[1]))
    if kind[0] != "call" or not kind[2]:
        return value
    item = kind[2][0]
    if kind[1] in ("list", "set") and isinstance(inner.value, list):
        items = [converted(found, item, default, depth + 1) for found in inner.value]
        return known(_in_order(items) if kind[1] == "set" else items)
    if kind[1] == "map" and isinstance(inner.value, dict):
        return known({key: converted(found, item, default, depth + 1) for key, found in inner.value.items()})
    if kind[1] == "object" and isinstance(inner.value, dict) and item[0] == "obj":
        return _object(inner.value, item, default, depth)
    return value


def _primitive(value: Value, inner: Known, kind: str) -> Value:
    if kind == "string" and isinstance(inner.value, bool | int | float):
        text = as_text(inner)
        return known(text) if text is not None else value
    if kind == "number" and isinstance(inner.value, str):
        number = as_number(inner)
        return known(int(number) if number.is_integer() else number) if number is not None else value
    if kind == "bool" and inner.value in ("true", "false"):
        return known(inner.value == "true")
    return value


def _object(given: dict[str, Value], declared: Expression, default: Callable[[Expression], Value], depth: int) -> Value:
    out: dict[str, Value] = {}
    for key, kind, _at in declared[2]:
        if key[0] != "lit":
            return known(given)
        name = str(key[1])
        optional = kind[0] == "call" and kind[1] == "optional" and bool(kind[2])
        inner = kind[2][0] if optional else kind
        found = given.get(name)
        if optional and len(kind[2]) > 1 and (found is None or found == known(None)):
            found = default(kind[2][1])
        if found is None:
            found = known(None) if optional else unknown(f"attribute {name} is not given")
        out[name] = converted(found, inner, default, depth + 1)
    return known(out)


def _in_order(items: list[Value]) -> list[Value]:
    """Return the items of a set as Terraform goes through them; as they are when some are no known texts."""
    texts = [item.value for item in items if isinstance(item, Known) and not isinstance(item, Encoded | Reference)]
    if len(texts) == len(items) and all(isinstance(text, str) for text in texts):
        return [known(text) for text in sorted(set(texts))]
    return items
