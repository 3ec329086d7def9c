"""Terraform's functions over values. What is not listed gives Unknown with the function's name.

Meaning of each: the Terraform language reference, "Functions".
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Unknown, known, unknown
from opslint.model.terraform_values import Missing, Shaped, as_number, as_text, lift, plain, same_value, settled, text_with_holes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.value import Value

MAX_ITEMS = 1_000
"""Items that `range`, `setproduct` and the like may make."""


def call(name: str, arguments: list[Value]) -> Value:
    """Return the value of a function call."""
    loose = _LOOSE.get(name)
    if loose is not None:
        return loose(arguments)
    strict = _STRICT.get(name)
    if strict is None:
        return unknown(f"function {name}() is not followed")
    texts = []
    for argument in arguments:
        value = plain(argument)
        if not isinstance(value, Known):
            return _weaker(name, value)
        texts.append(value.value)
    try:
        return lift(strict(*texts))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return unknown(f"{name}() does not apply")


def _weaker(name: str, value: Value) -> Value:
    if isinstance(value, Unknown):
        return unknown(value.reason)
    return unknown(f"{name}() of a secret")


# Functions that say something although an argument is unknown.


def _first(arguments: list[Value]) -> Value:
    return arguments[0] if arguments else unknown("no argument")


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
    for argument in arguments:
        value = settled(argument)
        if not isinstance(value, Known):
            return _weaker("merge", value)
        if value.value is None:
            continue
        if not isinstance(value.value, dict):
            return unknown("merge() of no map")
        merged.update(value.value)
    return known(merged)


def _concat(arguments: list[Value]) -> Value:
    out: list[Value] = []
    for argument in arguments:
        value = settled(argument)
        if not isinstance(value, Known) or not isinstance(value.value, list):
            return _weaker("concat", value)
        out.extend(value.value)
    return known(out) if len(out) <= MAX_ITEMS * 10 else unknown("too many items")


def _lookup(arguments: list[Value]) -> Value:
    if len(arguments) < 2:
        return unknown("lookup() without key")
    source, key = settled(arguments[0]), as_text(arguments[1])
    if not isinstance(source, Known) or not isinstance(source.value, dict) or key is None:
        return _weaker("lookup", source if not isinstance(source, Known) else arguments[1])
    if key in source.value:
        found: Value = source.value[key]
        return found
    return arguments[2] if len(arguments) > 2 else unknown("no such key")


def _element(arguments: list[Value]) -> Value:
    source = settled(arguments[0]) if len(arguments) == 2 else unknown("element()")
    index = as_number(arguments[1]) if len(arguments) == 2 else None
    if isinstance(source, Known) and isinstance(source.value, list) and source.value and index is not None:
        found: Value = source.value[int(index) % len(source.value)]
        return found
    return unknown("element() of something unknown")


def _length(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list | dict | str):
        return known(len(value.value))
    return _weaker("length", value)


def _keys(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if isinstance(value, Known) and isinstance(value.value, dict):
        return known([known(key) for key in sorted(value.value)])
    return _weaker("keys", value)


def _values(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if isinstance(value, Known) and isinstance(value.value, dict):
        return known([value.value[key] for key in sorted(value.value)])
    return _weaker("values", value)


def _compact(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if not isinstance(value, Known) or not isinstance(value.value, list):
        return _weaker("compact", value)
    return known([item for item in value.value if not (isinstance(item, Known) and item.value in (None, ""))])


def _flatten(arguments: list[Value]) -> Value:
    out: list[Value] = []
    stack: list[Value] = [_first(arguments)]
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
            return _weaker("flatten", inner)
    return known(out)


def _one(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list) and len(value.value) <= 1:
        found: Value = value.value[0] if value.value else known(None)
        return found
    return _first(arguments) if not isinstance(value, Known) else unknown("one() of several")


def _format(arguments: list[Value]) -> Value:
    pattern = as_text(_first(arguments))
    if pattern is None:
        return unknown("format() of an unknown pattern")
    parts: list[Any] = []
    rest = list(arguments[1:])
    pieces = pattern.replace("%%", "\x00").split("%")
    parts.append(pieces[0].replace("\x00", "%"))
    for piece in pieces[1:]:
        if not piece or piece[0] not in "sdvq" or not rest:
            return unknown("format() verb is not followed")
        value = rest.pop(0)
        parts.extend(['"', value, '"'] if piece[0] == "q" else [value])
        parts.append(piece[1:].replace("\x00", "%"))
    return text_with_holes(parts)


def _join(arguments: list[Value]) -> Value:
    separator = as_text(_first(arguments))
    items: list[Value] = []
    for argument in arguments[1:]:
        value = settled(argument)
        if not isinstance(value, Known) or not isinstance(value.value, list):
            return _weaker("join", value)
        items.extend(value.value)
    if separator is None:
        return unknown("join() with an unknown separator")
    parts: list[Any] = []
    for number, item in enumerate(items):
        parts.extend([separator, item] if number else [item])
    return text_with_holes(parts)


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


def _text_case(change: Callable[[str], str]) -> Callable[[list[Value]], Value]:
    def apply(arguments: list[Value]) -> Value:
        value = _first(arguments)
        if isinstance(value, Shaped):
            return text_with_holes([change(part) if isinstance(part, str) else part for part in value.parts])
        text = as_text(value)
        return known(change(text)) if text is not None else _weaker("text", settled(value))

    return apply


_LOOSE: dict[str, Callable[[list[Value]], Value]] = {
    "can": _can,
    "coalesce": _coalesce,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "element": _element,
    "flatten": _flatten,
    "format": _format,
    "join": _join,
    "jsondecode": _first,
    "jsonencode": _first,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "lower": _text_case(str.lower),
    "merge": _merge,
    "nonsensitive": _first,
    "one": _one,
    "sensitive": _first,
    "tolist": _first,
    "tomap": _first,
    "toset": _first,
    "trimspace": _text_case(str.strip),
    "try": _try,
    "upper": _text_case(str.upper),
    "values": _values,
    "yamlencode": _first,
}

# Functions of plain values only.


def _replace(text: str, old: str, new: str) -> str:
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        raise ValueError("a pattern")
    return text.replace(old, new)


def _substr(text: str, offset: float, length: float) -> str:
    start = int(offset)
    return text[start:] if length < 0 else text[start : start + int(length)]


def _range(*bounds: float) -> list[int]:
    found = range(*(int(bound) for bound in bounds))
    if len(found) > MAX_ITEMS:
        raise ValueError("too many items")
    return list(found)


def _distinct(items: list[Any]) -> list[Any]:
    out: list[Any] = []
    for item in items[:MAX_ITEMS]:
        if item not in out:
            out.append(item)
    return out


def _tonumber(value: Any) -> Any:
    number = float(value)
    return int(number) if number.is_integer() else number


def _tobool(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError("no boolean")


def _tostring(value: Any) -> Any:
    return as_text(known(value)) if value is not None else None


def _without(source: list[Any], *others: list[Any]) -> list[Any]:
    return [item for item in source if all(item not in other for other in others)]


_STRICT: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "alltrue": all,
    "anytrue": any,
    "basename": lambda path: path.rstrip("/").rpartition("/")[2],
    "ceil": lambda number: int(-(-number // 1)),
    "chomp": lambda text: text.rstrip("\r\n"),
    "coalescelist": lambda *lists: next(items for items in lists if items),
    "dirname": lambda path: path.rstrip("/").rpartition("/")[0] or ".",
    "distinct": _distinct,
    "endswith": str.endswith,
    "floor": lambda number: int(number // 1),
    "index": lambda items, item: items.index(item),
    "max": max,
    "min": min,
    "parseint": lambda text, base: int(str(text), int(base)),
    "range": _range,
    "replace": _replace,
    "reverse": lambda items: items[::-1],
    "setsubtract": _without,
    "slice": lambda items, start, end: items[int(start) : int(end)],
    "sort": sorted,
    "split": lambda separator, text: text.split(separator),
    "startswith": str.startswith,
    "strcontains": lambda text, part: part in text,
    "substr": _substr,
    "sum": sum,
    "title": str.title,
    "tobool": _tobool,
    "tonumber": _tonumber,
    "tostring": _tostring,
    "trim": str.strip,
    "trimprefix": str.removeprefix,
    "trimsuffix": str.removesuffix,
    "zipmap": lambda names, items: dict(zip(names, items, strict=True)),
}
