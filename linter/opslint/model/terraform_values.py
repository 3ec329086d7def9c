"""Values that only infrastructure code has: references to other resources, texts with holes, and structures of values.

Inside the evaluator ``Known.value`` of a list or dict holds *values*, so that one unknown item does not spoil its siblings;
`plain` turns a fully known structure into plain Python.
"""

from __future__ import annotations

from opslint.base.masking import Masked, mask
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known, Secret, Unknown, known, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.value import Value


MAX_NODES = 50_000
"""Values of one structure that are looked at: shared structures may double at every level."""

MAX_TEXT = 100_000
"""Characters of one text that are put together."""

MAX_PARTS = 500
"""Parts of a text with holes."""


class Reference(Unknown):
    """An attribute of another resource, unknown before it is applied.

    `target` is that resource's address, `attribute` what is read (``arn``, ``id``…; "" for the whole), `value` what the other
    resource's own block says it is, where it does.
    """

    __slots__ = ("attribute", "target", "value")
    attribute: str
    target: str
    value: Value


class Encoded(Known):
    """A structure that `jsonencode` turned into text: `value` holds the structure, `as_text` gives the text."""

    __slots__ = ()


class Missing(Unknown):
    """A key that a known object does not have: `try` and `lookup` take the next answer."""

    __slots__ = ()


class FileText(Unknown):
    """The text of a file of the repository that is not followed; `path` names it."""

    __slots__ = ("path",)
    path: str


class PathParts(Known):
    """The segments of an absolute path: they are counted from the end, as nothing says how many come before those of the repository."""

    __slots__ = ()


class OpenMap(Unknown):
    """A map of which only some keys are known: `entries` holds them. Those that something unknown may replace have unknown values."""

    __slots__ = ("entries",)
    entries: dict[str, Value]


class OpenList(Unknown):
    """A list of which only some items are known: `items` holds them, in order."""

    __slots__ = ("items",)
    items: list[Value]


class Shaped(Unknown):
    """A text with holes. `parts` are its literal texts and the values in its holes, in order."""

    __slots__ = ("parts",)
    parts: list[Any]

    @property
    def literals(self) -> list[str]:
        """The literal texts."""
        return [part for part in self.parts if isinstance(part, str)]


def missing(key: str) -> Missing:
    """Return the value of a key that is not there."""
    return Missing(prefix="", reason=f"no key {key}")


def reference(target: str, attribute: str, value: Value) -> Reference:
    """Return a reference to `attribute` of the resource at `target`."""
    return Reference(attribute=attribute, prefix="", reason="known after apply", target=target, value=value)


def references_in(value: Value) -> Iterator[Reference]:
    """Yield every reference a value holds, at any depth."""
    stack: list[Any] = [value]
    seen = 0
    while stack and seen < MAX_NODES:
        seen += 1
        current = stack.pop()
        if isinstance(current, Reference):
            yield current
            if isinstance(current.value, Unknown):
                stack.append(current.value)
        elif isinstance(current, Shaped):
            stack.extend(part for part in current.parts if not isinstance(part, str))
        elif isinstance(current, OpenMap | OpenList):
            stack.extend(current.entries.values() if isinstance(current, OpenMap) else current.items)
        elif isinstance(current, Known):
            inner = current.value
            if isinstance(inner, dict):
                stack.extend(inner.values())
            elif isinstance(inner, list):
                stack.extend(inner)


def settled(value: Value) -> Value:
    """Return what a reference is known to hold; any other value as it is."""
    for _step in range(8):
        if not isinstance(value, Reference):
            return value
        if isinstance(value.value, Unknown) and not isinstance(value.value, Reference):
            return value
        value = value.value
    return value


_NOT_PLAIN = object()


def _plain(value: Any, depth: int, budget: list[int]) -> Any:
    if isinstance(value, Reference):
        value = settled(value)
    budget[0] -= 1
    if not isinstance(value, Known) or depth > 40 or budget[0] < 0:
        return _NOT_PLAIN
    inner = value.value
    if isinstance(inner, list):
        items = [_plain(item, depth + 1, budget) for item in inner]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items
    if isinstance(inner, dict):
        pairs = {key: _plain(item, depth + 1, budget) for key, item in inner.items()}
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in pairs.values()) else pairs
    return inner


def plain(value: Value) -> Value:
    """Return a structure as `Known` plain Python when all of it is known, else Unknown; other values as they are."""
    if isinstance(value, Reference):
        value = settled(value)
    if not isinstance(value, Known):
        return value
    found = _plain(value, 0, [MAX_NODES])
    return unknown("partly unknown") if found is _NOT_PLAIN else known(found)


def lift(value: Any) -> Known:
    """Turn plain Python into a structure of values (the inverse of `plain`)."""
    if isinstance(value, list | tuple):
        return known([lift(item) for item in value])
    if isinstance(value, dict):
        return known({str(key): lift(item) for key, item in value.items()})
    return known(value)


def text_with_holes(parts: list[Any]) -> Value:
    """Join literal texts and values: Known text when every value is known, else `Shaped` with the weakest reason."""
    merged: list[Any] = []
    for part in parts:
        text = part if isinstance(part, str) else _text(part)
        if text is None:
            if isinstance(part, Shaped):
                merged.extend(part.parts)
            else:
                merged.append(part)
        elif merged and isinstance(merged[-1], str):
            merged[-1] += text
        else:
            merged.append(text)
    if not merged:
        return known("")
    if len(merged) > MAX_PARTS or sum(len(part) for part in merged if isinstance(part, str)) > MAX_TEXT:
        return unknown("a text too long to follow")
    if len(merged) == 1:
        return known(merged[0]) if isinstance(merged[0], str) else _single(merged[0])
    prefix = merged[0] if isinstance(merged[0], str) else ""
    hole = next(part for part in merged if not isinstance(part, str))
    reason = hole.reason if isinstance(hole, Unknown) else "secret" if isinstance(hole, Secret) else "not text"
    return Shaped(parts=merged, prefix=prefix, reason=reason)


def _single(value: Value) -> Value:
    # A text of one masked part is that part.
    return value if not isinstance(value, Known) or isinstance(value.value, Masked) else unknown("not text")


def _text(value: Any) -> str | None:
    value = settled(value)
    if not isinstance(value, Known):
        return None
    if isinstance(value, Encoded):
        return _json(value)
    inner = value.value
    if isinstance(inner, bool):
        return "true" if inner else "false"
    if isinstance(inner, float) and inner.is_integer():
        return str(int(inner))
    return str(inner) if isinstance(inner, str | int | float) else None


_ESCAPED = (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
"""What Terraform's `jsonencode` writes as escapes (language reference, "jsonencode")."""


def _json(value: Encoded) -> str | None:
    found = plain(known(value.value))
    if not isinstance(found, Known):
        return None
    from json import dumps

    try:
        text = dumps(found.value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    except TypeError:
        # A masked text inside.
        return None
    for char, escape in _ESCAPED:
        text = text.replace(char, escape)
    return text


def same_value(a: Any, b: Any) -> bool:
    """Tell whether two plain values are equal; one that is masked is compared by its digest."""
    if isinstance(a, Masked) != isinstance(b, Masked):
        a, b = (mask(value) if isinstance(value, str) else value for value in (a, b))
    if isinstance(a, Masked) and isinstance(b, Masked):
        return a.digest == b.digest
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def as_text(value: Value) -> str | None:
    """Return the text of a known string, number or boolean, also through a reference; else None."""
    return _text(value)


def spelled(value: Value) -> str:
    """Return the text of a value with ``${…}`` for what is not known; "" when none of it is (for tags and endings of names)."""
    text = _text(value)
    if text is not None:
        return text
    inner = settled(value)
    if isinstance(inner, Shaped):
        return "".join(part if isinstance(part, str) else "${…}" for part in inner.parts)
    return ""


def as_number(value: Value) -> float | None:
    """Return a known number (or text that spells one); else None."""
    value = settled(value)
    if isinstance(value, Known) and not isinstance(value.value, bool):
        try:
            return float(value.value)
        except (TypeError, ValueError):
            return None
    return None


def is_null(value: Value) -> bool:
    """Tell whether nothing is set: Absent or a known null."""
    return value == ABSENT or (isinstance(value, Known) and value.value is None)


def weaker(name: str, value: Value) -> Unknown:
    """Return what a function gives for an argument that is not known."""
    if isinstance(value, Unknown):
        return unknown(value.reason)
    return unknown(f"{name}() of a secret")


def first(arguments: list[Value]) -> Value:
    """Return the first argument of a call."""
    return arguments[0] if arguments else unknown("no argument")
