"""Terraform's functions over values. What is not listed gives Unknown with the function's name.

Meaning of each: the Terraform language reference, "Functions".
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Unknown, known, unknown
from opslint.model.terraform_paths import CHECKOUT, absolute, in_repository
from opslint.model.terraform_patterns import first_match
from opslint.model.terraform_plain_functions import FUNCTIONS, MAX_ITEMS
from opslint.model.terraform_values import (
    Encoded,
    Missing,
    OpenList,
    OpenMap,
    PathParts,
    Shaped,
    as_number,
    as_text,
    lift,
    plain,
    same_value,
    settled,
    text_with_holes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

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
            return _weaker(name, value)
        texts.append(value.value)
    try:
        return lift(strict(*texts))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return unknown(f"{name}() does not apply")


def is_known_function(name: str) -> bool:
    """Tell whether a function of Terraform is followed at all."""
    return name in _LOOSE or name in FUNCTIONS


def _weaker(name: str, value: Value) -> Unknown:
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
    weak: Unknown | None = None
    for argument in arguments:
        value = settled(argument)
        if isinstance(value, Known):
            if value.value is not None and not isinstance(value.value, dict):
                return unknown("merge() of no map")
            merged.update(value.value or {})
            continue
        weak = weak or _weaker("merge", value)
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
        weak = weak or _weaker("concat", value)
        out.extend(value.items if isinstance(value, OpenList) else [])
    if len(out) > MAX_ITEMS * 10:
        return unknown("too many items")
    return known(out) if weak is None else OpenList(items=out, prefix="", reason=weak.reason)


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
    if isinstance(source, PathParts):
        return unknown("a segment counted from the start of an absolute path")
    if isinstance(source, Known) and isinstance(source.value, list) and source.value and index is not None:
        found: Value = source.value[int(index) % len(source.value)]
        return found
    return unknown("element() of something unknown")


def _length(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list | dict | str) and not isinstance(value, Encoded):
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
            # What fills the holes is changed too, so that they must stay holes.
            return text_with_holes([change(part) if isinstance(part, str) else _weaker("text", part) for part in value.parts])
        text = as_text(value)
        return known(change(text)) if text is not None else _weaker("text", settled(value))

    return apply


def _trimspace(arguments: list[Value]) -> Value:
    value = _first(arguments)
    if isinstance(value, Shaped):
        parts = list(value.parts)
        if isinstance(parts[0], str):
            parts[0] = parts[0].lstrip()
        if isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        return text_with_holes(parts)
    text = as_text(value)
    return known(text.strip()) if text is not None else _weaker("trimspace", settled(value))


def _jsonencode(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    return Encoded(value=value.value) if isinstance(value, Known) else value


def _jsondecode(arguments: list[Value]) -> Value:
    value = settled(_first(arguments))
    if isinstance(value, Encoded) or (isinstance(value, Known) and not isinstance(value.value, str)):
        return known(value.value)
    text = as_text(value)
    if text is None:
        return _weaker("jsondecode", value)
    from json import loads

    try:
        return lift(loads(text))
    except (ValueError, RecursionError):
        return unknown("jsondecode() of no JSON")


def _toset(arguments: list[Value]) -> Value:
    """A set: sorted, each once; one with items that are not known keeps the order it is written in."""
    value = plain(_first(arguments))
    if isinstance(value, Known) and isinstance(value.value, list) and all(isinstance(item, str) for item in value.value):
        return lift(sorted(set(value.value)))
    return _first(arguments)


def _formatlist(arguments: list[Value]) -> Value:
    lists = [settled(argument) for argument in arguments[1:]]
    sizes = {len(item.value) for item in lists if isinstance(item, Known) and isinstance(item.value, list)}
    if len(sizes) != 1:
        return unknown("formatlist() of something unknown")
    rows = []
    for number in range(min(sizes.pop(), MAX_ITEMS)):
        row = [item.value[number] if isinstance(item, Known) and isinstance(item.value, list) else item for item in lists]
        rows.append(_format([arguments[0], *row]))
    return known(rows)


def _setproduct(arguments: list[Value]) -> Value:
    rows: list[list[Value]] = [[]]
    for argument in arguments:
        value = settled(argument)
        if not isinstance(value, Known) or not isinstance(value.value, list):
            return _weaker("setproduct", value)
        if len(rows) * len(value.value) > MAX_ITEMS:
            return unknown("too many items")
        rows = [[*row, item] for row in rows for item in value.value]
    return known([known(row) for row in rows])


def _basename(arguments: list[Value]) -> Value:
    value = _first(arguments)
    text = as_text(value)
    if text is None and isinstance(value, Shaped) and isinstance(value.parts[-1], str) and "/" in value.parts[-1].rstrip("/"):
        text = value.parts[-1]
    return known(text.rstrip("/").rpartition("/")[2]) if text is not None else _weaker("basename", settled(value))


def _dirname(arguments: list[Value]) -> Value:
    value = _first(arguments)
    path = in_repository(value, "") if isinstance(value, Shaped) else None
    if path is not None and "/" in path:
        return absolute(path.rpartition("/")[0])
    if path:
        return absolute("")
    text = as_text(value)
    return known(text.rstrip("/").rpartition("/")[0] or ".") if text is not None else _weaker("dirname", settled(value))


def _abspath(arguments: list[Value]) -> Value:
    """A path as seen from the top of the file system: where the checkout is stays open."""
    text = as_text(_first(arguments))
    if text is None or text.startswith(("/", "..")):
        return _first(arguments) if text is None else unknown("abspath() of something unknown")
    return absolute(text)


def _split(arguments: list[Value]) -> Value:
    value = arguments[1] if len(arguments) == 2 else unknown("split()")
    separator, text = as_text(_first(arguments)), as_text(value)
    if separator and text is not None:
        return lift(text.split(separator))
    path = in_repository(value, "")
    if separator == "/" and path is not None:
        return PathParts(value=[unknown(CHECKOUT), *(known(part) for part in path.split("/") if part)])
    return _weaker("split", settled(value))


def _regex(arguments: list[Value]) -> Value:
    pattern = as_text(_first(arguments))
    value = arguments[1] if len(arguments) == 2 else unknown("regex()")
    text = as_text(value)
    ends = text is None and isinstance(value, Shaped) and isinstance(value.parts[-1], str)
    if isinstance(value, Shaped) and ends:
        text = str(value.parts[-1])
    if pattern is None or text is None:
        return _weaker("regex", settled(value) if pattern is not None else unknown("a pattern that is not known"))
    found = first_match(pattern, text, from_end=ends)
    return lift(found) if found is not None else unknown("regex() is not followed here")


_LOOSE: dict[str, Callable[[list[Value]], Value]] = {
    "abspath": _abspath,
    "basename": _basename,
    "can": _can,
    "coalesce": _coalesce,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "dirname": _dirname,
    "element": _element,
    "flatten": _flatten,
    "format": _format,
    "formatlist": _formatlist,
    "join": _join,
    "jsondecode": _jsondecode,
    "jsonencode": _jsonencode,
    "jsontext": _first,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "lower": _text_case(str.lower),
    "merge": _merge,
    "nonsensitive": _first,
    "one": _one,
    "regex": _regex,
    "sensitive": _first,
    "split": _split,
    "setproduct": _setproduct,
    "tolist": _first,
    "tomap": _first,
    "toset": _toset,
    "trimspace": _trimspace,
    "try": _try,
    "upper": _text_case(str.upper),
    "values": _values,
    "yamlencode": _first,
}
