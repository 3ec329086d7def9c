"""Values of environment variables as facts keep them: masked, with what they interpolate.

A value is a JSON list: ``["x", …Masked]`` a literal, ``["p", part, …]`` parts of a string with interpolation, ``None`` for a name
without a value (passed through from the host). A part is a literal (``["x", …]``) or ``["v", name, operator, default]`` with the
default a value again, or None; operators are those of Compose: ``"" - :- ? :? + :+``.
"""

from __future__ import annotations

from opslint.base.masking import PLAIN_NAMES, Masked, mask_named, strip_credentials
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_OPERATORS = (":-", ":?", ":+", "-", "?", "+")

MAX_NESTED = 8
"""Levels of defaults within defaults that are looked into; deeper ones are taken as literal text."""


def masked(name: str, text: str) -> Masked:
    """Mask the value of variable `name`; the text is kept for names that hold no secret by their meaning."""
    value = mask_named(name, text)
    if value.plain is None and name in PLAIN_NAMES:
        return value.replace(plain=strip_credentials(text.strip()))
    return value


def literal(name: str, text: str) -> list[Any]:
    """Return the JSON form of a literal value."""
    return ["x", *masked(name, text).as_tuple()]


def decode_literal(data: list[Any]) -> Masked:
    """Turn ``["x", …]`` back into a Masked."""
    return Masked(**dict(zip(Masked.FIELDS, data[1:], strict=True)))


def value_of(name: str, text: str | None, depth: int = 0) -> list[Any] | None:
    """Return the JSON form of a value that Compose interpolates (``$$`` is a dollar sign)."""
    if text is None:
        return None
    parts: list[str | tuple[str, str, str]] = split(text) if depth < MAX_NESTED else [text]
    if all(isinstance(part, str) for part in parts):
        return literal(name, "".join(part for part in parts if isinstance(part, str)))
    address = _without_user(parts)
    if address:
        return literal(name, address)
    out: list[Any] = ["p"]
    for part in parts:
        if isinstance(part, str):
            out.append(literal("", part))
        else:
            variable, operator, default = part
            keep = name if len(parts) == 1 else ""
            out.append(["v", variable, operator, value_of(keep, default, depth + 1) if operator else None])
    return out


def _without_user(parts: list[str | tuple[str, str, str]]) -> str:
    """Return a URL whose variables all stand in its user-info, without that: of a URL nothing else is kept anyway. Else ""."""
    first, last = parts[0], parts[-1]
    if not isinstance(first, str) or not isinstance(last, str) or "@" not in last:
        return ""
    scheme, mark, user = first.partition("://")
    between = [user, *(part for part in parts[1:-1] if isinstance(part, str)), last.partition("@")[0]]
    if not mark or any(char in text for text in between for char in "/@?#"):
        return ""
    return f"{scheme}://{last.partition('@')[2]}"


def split(text: str) -> list[str | tuple[str, str, str]]:
    """Split text with Compose interpolation into literals and (name, operator, default) triples.

    A default that interpolates itself is left as it is written. Linear; never fails: what is no valid expression is literal text.
    """
    parts: list[str | tuple[str, str, str]] = []
    at = start = 0
    while (at := text.find("$", at)) >= 0:
        if text.startswith("$$", at):
            parts.append(text[start : at + 1])
            at = start = at + 2
            continue
        found = _variable(text, at)
        if found is None:
            at += 1
            continue
        variable, end = found
        if at > start:
            parts.append(text[start:at])
        parts.append(variable)
        at = start = end
    if start < len(text) or not parts:
        parts.append(text[start:])
    return parts


def _variable(text: str, at: int) -> tuple[tuple[str, str, str], int] | None:
    braced = text[at + 1 : at + 2] == "{"
    start = at + 1 + braced
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] == "_") and text[end].isascii():
        end += 1
    name = text[start:end]
    if not name or name[0].isdigit():
        return None
    if not braced:
        return (name, "", ""), end
    depth, close = 1, end
    while close < len(text):
        if text[close] == "{":
            depth += 1
        elif text[close] == "}":
            depth -= 1
            if not depth:
                break
        close += 1
    if depth:
        return None
    rest = text[end:close]
    operator = next((op for op in _OPERATORS if rest.startswith(op)), "")
    if rest and not operator:
        return None
    return (name, operator, rest[len(operator) :]), close + 1
