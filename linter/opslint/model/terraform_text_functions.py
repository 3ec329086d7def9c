"""Terraform's functions that make and take apart texts and paths; a text with holes keeps its shape.

Meaning of each: the Terraform language reference, "Functions".
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.model.terraform_paths import CHECKOUT, absolute, in_repository
from opslint.model.terraform_plain_functions import MAX_ITEMS
from opslint.model.terraform_values import PathParts, Shaped, as_text, first, lift, settled, text_with_holes, weaker

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.value import Value


def _format(arguments: list[Value]) -> Value:
    pattern = as_text(first(arguments))
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
    separator = as_text(first(arguments))
    items: list[Value] = []
    for argument in arguments[1:]:
        value = settled(argument)
        if not isinstance(value, Known) or not isinstance(value.value, list):
            return weaker("join", value)
        items.extend(value.value)
    if separator is None:
        return unknown("join() with an unknown separator")
    parts: list[Any] = []
    for number, item in enumerate(items):
        parts.extend([separator, item] if number else [item])
    return text_with_holes(parts)


def _text_case(change: Callable[[str], str]) -> Callable[[list[Value]], Value]:
    def apply(arguments: list[Value]) -> Value:
        value = first(arguments)
        if isinstance(value, Shaped):
            # What fills the holes is changed too, so that they must stay holes.
            return text_with_holes([change(part) if isinstance(part, str) else weaker("text", part) for part in value.parts])
        text = as_text(value)
        return known(change(text)) if text is not None else weaker("text", settled(value))

    return apply


def _trimspace(arguments: list[Value]) -> Value:
    value = first(arguments)
    if isinstance(value, Shaped):
        parts = list(value.parts)
        if isinstance(parts[0], str):
            parts[0] = parts[0].lstrip()
        if isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        return text_with_holes(parts)
    text = as_text(value)
    return known(text.strip()) if text is not None else weaker("trimspace", settled(value))


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


def _basename(arguments: list[Value]) -> Value:
    value = first(arguments)
    text = as_text(value)
    if text is None and isinstance(value, Shaped) and isinstance(value.parts[-1], str) and "/" in value.parts[-1].rstrip("/"):
        text = value.parts[-1]
    return known(text.rstrip("/").rpartition("/")[2]) if text is not None else weaker("basename", settled(value))


def _dirname(arguments: list[Value]) -> Value:
    value = first(arguments)
    path = in_repository(value, "") if isinstance(value, Shaped) else None
    if path is not None and "/" in path:
        return absolute(path.rpartition("/")[0])
    if path:
        return absolute("")
    text = as_text(value)
    return known(text.rstrip("/").rpartition("/")[0] or ".") if text is not None else weaker("dirname", settled(value))


def _abspath(arguments: list[Value]) -> Value:
    """A path as seen from the top of the file system: where the checkout is stays open."""
    text = as_text(first(arguments))
    if text is None or text.startswith(("/", "..")):
        return first(arguments) if text is None else unknown("abspath() of something unknown")
    return absolute(text)


def _split(arguments: list[Value]) -> Value:
    value = arguments[1] if len(arguments) == 2 else unknown("split()")
    separator, text = as_text(first(arguments)), as_text(value)
    if separator and text is not None:
        return lift(text.split(separator))
    path = in_repository(value, "")
    if separator == "/" and path is not None:
        return PathParts(value=[unknown(CHECKOUT), *(known(part) for part in path.split("/") if part)])
    return weaker("split", settled(value))


def _regex(arguments: list[Value]) -> Value:
    pattern = as_text(first(arguments))
    value = arguments[1] if len(arguments) == 2 else unknown("regex()")
    text = as_text(value)
    ends = text is None and isinstance(value, Shaped) and isinstance(value.parts[-1], str)
    if isinstance(value, Shaped) and ends:
        text = str(value.parts[-1])
    if pattern is None or text is None:
        return weaker("regex", settled(value) if pattern is not None else unknown("a pattern that is not known"))
    from opslint.model.terraform_patterns import first_match

    found = first_match(pattern, text, from_end=ends)
    return lift(found) if found is not None else unknown("regex() is not followed here")


TEXT_FUNCTIONS: dict[str, Callable[[list[Value]], Value]] = {
    "abspath": _abspath,
    "basename": _basename,
    "dirname": _dirname,
    "format": _format,
    "formatlist": _formatlist,
    "join": _join,
    "lower": _text_case(str.lower),
    "regex": _regex,
    "split": _split,
    "trimspace": _trimspace,
    "upper": _text_case(str.upper),
}
