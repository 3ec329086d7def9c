"""Terraform's functions over values. What is not listed gives Unknown with the function's name.

Meaning of each: the Terraform language reference, "Functions".
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Unknown, known, unknown
from opslint.model.terraform_plain_functions import FUNCTIONS, MAX_ITEMS
from opslint.model.terraform_text_functions import TEXT_FUNCTIONS
from opslint.model.terraform_values import (
    Encoded,
    Missing,
    OpenList,
    OpenMap,
    PathParts,
    as_number,
    as_text,
    first,
    lift,
    plain,
    same_value,
    settled,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.value import Value


def call(name: str, arguments: list[Value]) -> Value:
    """Return the value of a function call."""
    loose = _LOOSE.get(name)
    if loose is not None:
        return loose(arguments)
    strict = FUNCTIONS.get(name)
    if strict is None:
        return unknown(f"function {name}() is not followed")
    texts = []
    for argument in arguments:
        value = plain(argument)
        if not isinstance(value, Known):
            return weaker(name, value)
        texts.append(value.value)
    try:
        return lift(strict(*texts))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return unknown(f"{name}() does not apply")


def is_known_function(name: str) -> bool:
    """Tell whether a function of Terraform is followed at all."""
    return name in _LOOSE or name in FUNCTIONS


# Functions that say something although an argument is unknown.


def _coalesce(arguments: list[Value]) -> Value:
    for argument in arguments:
        settled_value = settled(argument)
        if not isinstance(settled_value, Known):
            return argument
        if settled_value.value not in (None, ""):
            return argument
    return unknown("coalesce() of nothing")


def _try(arguments: list[Value]) -> Value:
    # An unknown argument may as well fail, so that the next one counts: only a known one decides.
    for argument in arguments:
        if not isinstance(argument, Missing):
            return argument if not _unsure(argument) else unknown("try() of something unknown")
    return unknown("try() of nothing")


def _unsure(value: Value) -> bool:
    return type(value) is Unknown


def _merge(arguments: list[Value]) -> Value:
    merged: dict[str, Value] = {}
    weak: Unknown | None = None
    for argument in arguments:
        value = settled(argument)
        if isinstance(value, Known):
            if value.value is not None and not isinstance(value.value, dict):
                return unknown("merge() of no map")
            merged.update(value.value or {})
            continue
        weak = weak or weaker("merge", value)
        # Whatever it is, it may replace what came before.
        merged = {key: unknown(weak.reason) for key in merged}
        if isinstance(value, OpenMap):
            merged.update(value.entries)
    return known(merged) if weak is None else OpenMap(entries=merged, prefix="", reason=weak.reason)


def _concat(arguments: list[Value]) -> Value:
    out: list[Value] = []
    weak: Unknown | None = None
    for argument in arguments:
        value = settled(argument)
        if isinstance(value, Known) and isinstance(value.value, list):
            out.extend(value.value)
            continue
        weak = weak or weaker("concat", value)
        out.extend(value.items if isinstance(value, OpenList) else [])
    if len(out) > MAX_ITEMS * 10:
        return unknown("too many items")
    return known(out) if weak is None else OpenList(items=out, prefix="", reason=weak.reason)


def _lookup(arguments: list[Value]) -> Value:
    if len(arguments) < 2:
        return unknown("lookup() without key")
    source, key = settled(arguments[0]), as_text(arguments[1])
    if not isinstance(source, Known) or not isinstance(source.value, dict) or key is None:
        return weaker("lookup", source if not isinstance(source, Known) else arguments[1])
    if key in source.value:
        found: Value = source.value[key]
        return found
    return arguments[2] if len(arguments) > 2 else unknown("no such key")


def _element(arguments: list[Value]) -> Value:
    source = settled(arguments[0]) if len(arguments) == 2 else unknown("element()")
    index = as_number(arguments[1]) if len(arguments) == 2 else None
    if isinstance(source, PathParts):
        return unknown("a segment counted from the start of an absolute path")
    if isinstance(source, Known) and isinstance(source.value, list) and source.value and index is not None:
        found: Value = source.value[int(index) % len(source.value)]
        return found
    return unknown("element() of something unknown")


def _length(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list | dict | str) and not isinstance(value, Encoded):
        return known(len(value.value))
    return weaker("length", value)


def _keys(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    if isinstance(value, Known) and isinstance(value.value, dict):
        return known([known(key) for key in sorted(value.value)])
    return weaker("keys", value)


def _values(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    if isinstance(value, Known) and isinstance(value.value, dict):
        return known([value.value[key] for key in sorted(value.value)])
    return weaker("values", value)


def _compact(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    if not isinstance(value, Known) or not isinstance(value.value, list):
        return weaker("compact", value)
    return known([item for item in value.value if not (isinstance(item, Known) and item.value in (None, ""))])


def _flatten(arguments: list[Value]) -> Value:
    out: list[Value] = []
    stack: list[Value] = [first(arguments)]
    while stack:
        value = stack.pop()
        inner = settled(value)
        if len(out) + len(stack) > MAX_ITEMS * 10:
            return unknown("too many items")
        if isinstance(inner, Known) and isinstance(inner.value, list):
            stack.extend(reversed(inner.value))
        elif out or inner is not value or isinstance(inner, Known):
            out.append(value)
        else:
            return weaker("flatten", inner)
    return known(out)


def _one(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list) and len(value.value) <= 1:
        found: Value = value.value[0] if value.value else known(None)
        return found
    return first(arguments) if not isinstance(value, Known) else unknown("one() of several")


def _contains(arguments: list[Value]) -> Value:
    source, wanted = (settled(arguments[0]), plain(arguments[1])) if len(arguments) == 2 else (unknown(""), unknown(""))
    if not isinstance(source, Known) or not isinstance(source.value, list) or not isinstance(wanted, Known):
        return unknown("contains() of something unknown")
    items = [plain(item) for item in source.value]
    if any(isinstance(item, Known) and same_value(item.value, wanted.value) for item in items):
        return known(True)
    return known(False) if all(isinstance(item, Known) for item in items) else unknown("contains() of something unknown")


def _can(arguments: list[Value]) -> Value:
    return known(True) if arguments and isinstance(settled(arguments[0]), Known) else unknown("can() of something unknown")


def _jsonencode(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    return Encoded(value=value.value) if isinstance(value, Known) else value


def _jsondecode(arguments: list[Value]) -> Value:
    value = settled(first(arguments))
    if isinstance(value, Encoded) or (isinstance(value, Known) and not isinstance(value.value, str)):
        return known(value.value)
    text = as_text(value)
    if text is None:
        return weaker("jsondecode", value)
    from json import loads

    try:
        return lift(loads(text))
    except (ValueError, RecursionError):
        return unknown("jsondecode() of no JSON")


def _toset(arguments: list[Value]) -> Value:
    """A set: sorted, each once; one with items that are not known keeps the order it is written in."""
    value = plain(first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list) and all(isinstance(item, str) for item in value.value):
        return lift(sorted(set(value.value)))
    return first(arguments)


def _setproduct(arguments: list[Value]) -> Value:
    rows: list[list[Value]] = [[]]
    for argument in arguments:
        value = settled(argument)
        if not isinstance(value, Known) or not isinstance(value.value, list):
            return weaker("setproduct", value)
        if len(rows) * len(value.value) > MAX_ITEMS:
            return unknown("too many items")
        rows = [[*row, item] for row in rows for item in value.value]
    return known([known(row) for row in rows])


_LOOSE: dict[str, Callable[[list[Value]], Value]] = {
    **TEXT_FUNCTIONS,
    "can": _can,
    "coalesce": _coalesce,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "element": _element,
    "flatten": _flatten,
    "jsondecode": _jsondecode,
    "jsonencode": _jsonencode,
    "jsontext": first,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "merge": _merge,
    "nonsensitive": first,
    "one": _one,
    "sensitive": first,
    "setproduct": _setproduct,
    "tolist": first,
    "tomap": first,
    "toset": _toset,
    "try": _try,
    "values": _values,
    "yamlencode": first,
}
