"""Values of Go templates: text that remembers where its pieces came from, values that are not known, Go's print formats.

A value is None, bool, int, float, str, list, dict (string keys), `Opaque` or `Scope` (an object with methods). Numbers of values
files are floats, as in Helm. `Text` is a string with marks ``(start, end, what)``: `what` is the `Loc` of the values file scalar that
the piece was printed from, or the `Opaque` it stands for.
"""

from __future__ import annotations

from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.helm import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Node

MAX_TEXT = 2_000_000
"""Longest string a template may make, in characters (a rendered chart of a large product is 0.5 MB)."""

MAX_NODES = 100_000
"""Most values that one print, copy or merge may touch."""


class RenderError(Exception):
    """A template cannot be rendered here: Helm would refuse it too, or a limit was hit. `loc` is set by the evaluator."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.loc: Loc | None = None


class Opaque:
    """A value that is not known, with its reason. Soft ones (`placeholder`) print as a likely text and may be compared."""

    __slots__ = ("placeholder", "reason")

    def __init__(self, reason: str, placeholder: str | None = None) -> None:
        self.reason = reason
        self.placeholder = placeholder

    def text(self) -> Text:
        """What it prints as."""
        text = TOKEN if self.placeholder is None else self.placeholder
        return Text(text, ((0, len(text), self),))


class Scope:
    """An object of Helm with fields and methods (``.Files``, ``.Capabilities.APIVersions``)."""

    __slots__ = ("fields", "methods")

    def __init__(self, fields: dict[str, Any], methods: dict[str, Callable[..., Any]] | None = None) -> None:
        self.fields = fields
        self.methods = methods or {}

    def pairs(self) -> list[tuple[Any, Any]] | None:
        """What ``range`` goes over; None when it cannot."""
        return None


Marks = tuple[tuple[int, int, "Loc | Opaque"], ...]


class Text(str):
    """A string with marks."""

    __slots__ = ("marks",)
    marks: Marks

    def __new__(cls, text: str, marks: Marks = ()) -> Text:
        made = super().__new__(cls, text)
        made.marks = marks
        return made


class Number(float):
    """A number of a values file, with the place it was written at."""

    __slots__ = ("loc",)
    loc: Loc

    def __new__(cls, value: float, loc: Loc) -> Number:
        made = super().__new__(cls, value)
        made.loc = loc
        return made


def marks_of(value: Any) -> Marks:
    """The marks of a value as text (whole-value marks for numbers)."""
    if isinstance(value, Text):
        return value.marks
    if isinstance(value, Number):
        return ((0, 1, value.loc),)
    if isinstance(value, Opaque):
        return ((0, 1, value),)
    return ()


def is_open(value: Any) -> bool:
    """Tell whether a text holds a piece that is not known."""
    return isinstance(value, Text) and any(isinstance(what, Opaque) and what.placeholder is None for _s, _e, what in value.marks)


def join(parts: Iterable[str]) -> Text:
    """Concatenate texts, keeping their marks."""
    out: list[str] = []
    marks: list[tuple[int, int, Loc | Opaque]] = []
    length = 0
    for part in parts:
        if isinstance(part, Text):
            marks.extend((start + length, end + length, what) for start, end, what in part.marks)
        out.append(str(part))
        length += len(part)
        if length > MAX_TEXT:
            raise RenderError("output too large")
    return Text("".join(out), tuple(marks))


def cut(text: str, start: int, end: int) -> Text:
    """``text[start:end]`` with the marks that fall into it."""
    marks = text.marks if isinstance(text, Text) else ()
    kept = tuple((max(s, start) - start, min(e, end) - start, what) for s, e, what in marks if s < end and e > start)
    return Text(str(text)[start:end], kept)


def collapsed(text: str, sources: Iterable[Any]) -> Text:
    """`text`, made of `sources` in a way that lost the positions: their marks cover all of it (at most four places)."""
    found: list[Loc | Opaque] = []
    for source in sources:
        for _start, _end, what in marks_of(source):
            if what not in found:
                found.append(what)
    holes = [what for what in found if isinstance(what, Opaque)]
    kept = holes[:1] or found
    if len(kept) > 4:
        kept = []
    return Text(text, tuple((0, len(text), what) for what in kept))


def truth(value: Any) -> bool | None:
    """Go's truth of a value: False for zero values; None when it is not known."""
    if isinstance(value, Opaque):
        return None if value.placeholder is None else True
    if isinstance(value, Scope):
        return True
    return bool(value)


def kind_of(value: Any) -> str:
    """Sprig's ``kindOf``."""
    if value is None:
        return "invalid"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, list):
        return "slice"
    return "map"


def go_float(value: float, *, json: bool = False) -> str:
    """Print a float as Go does: the shortest digits, with an exponent from 1e+06 on (`json`: from 1e+21 on)."""
    if repr(float(value)).lstrip("-") in ("inf", "nan"):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(repr(float(value)), "NaN")
    text = repr(float(value))
    mantissa, _, power = text.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + ("" if fraction == "0" else fraction)).lstrip("0")
    if not digits:
        return f"{sign}0"
    leading = len(whole + fraction) - len((whole + fraction).lstrip("0"))
    exponent = len(whole) - 1 + int(power or 0) - leading
    digits = digits.rstrip("0") or "0"
    if exponent < (-6 if json else -4) or exponent >= (21 if json else 6):
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if len(digits) <= exponent + 1:
        return sign + digits + "0" * (exponent + 1 - len(digits))
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


class Budget:
    """Counts the values that one operation touches."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_NODES

    def take(self, depth: int) -> None:
        self.left -= 1
        if self.left < 0 or depth > 100:
            raise RenderError("a value is too large to print")


def go_text(value: Any, nil: str = "<nil>") -> Text:
    """Print a value as Go's ``%v`` does."""
    return join(_printed(value, nil, Budget(), 0))


def _printed(value: Any, nil: str, budget: Budget, depth: int) -> list[str]:
    budget.take(depth)
    if value is None:
        return [nil]
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, Opaque):
        return [value.text()]
    if isinstance(value, float):
        return [collapsed(go_float(value), [value])]
    if isinstance(value, list):
        parts: list[str] = ["["]
        for index, item in enumerate(value):
            parts.extend((*([" "] if index else []), *_printed(item, "<nil>", budget, depth + 1)))
        return [*parts, "]"]
    if isinstance(value, dict):
        parts = ["map["]
        for index, key in enumerate(sorted(value)):
            parts.extend((*([" "] if index else []), key, ":", *_printed(value[key], "<nil>", budget, depth + 1)))
        return [*parts, "]"]
    return [str(value)] if isinstance(value, int) else ["{}"]


def copied(value: Any) -> Any:
    """A deep copy (scalars are shared)."""
    return _copied(value, Budget(), 0)


def _copied(value: Any, budget: Budget, depth: int) -> Any:
    budget.take(depth)
    if isinstance(value, dict):
        return {key: _copied(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item, budget, depth + 1) for item in value]
    return value


_TRUE = frozenset("y Y yes Yes YES on On ON true True TRUE".split())
_FALSE = frozenset("n N no No NO off Off OFF false False FALSE".split())


def resolve_scalar(text: str) -> Any:
    """What an unquoted YAML 1.1 scalar means to Helm: None, bool, float or str."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    first = text[0]
    if first.isdigit() or first in "+-.":
        number = _number(text)
        if number is not None:
            return number
    return text


def _number(text: str) -> float | None:
    plain = text.replace("_", "")
    body = plain.lstrip("+-")
    if len(plain) > 64 or len(plain) - len(body) > 1 or not body or not body.isascii():
        return None
    sign = -1 if plain[0] == "-" else 1
    lower = body.lower()
    try:
        if lower.startswith(("0x", "0b", "0o")):
            return float(sign * int(lower, 0))
        if body.isdigit():
            return float(sign * (int(body, 8) if len(body) > 1 and body[0] == "0" else int(body)))
        if lower in (".inf", ".nan"):
            return float(lower[1:]) * sign
        mantissa, mark, exponent = lower.partition("e")
        digits = mantissa.replace(".", "", 1)
        if not digits.isdigit() or (mark and not exponent.lstrip("+-").isdigit()):
            return None
        found = float(lower) * sign
    except (ValueError, OverflowError):
        return None
    return found if abs(found) != float("inf") else None


def from_node(node: Node | None, place: Callable[[Node], Loc] | None) -> Any:
    """Turn a YAML tree into values; with `place`, every key, string and number remembers where it was written."""
    return _from_node(node, place, Budget(), 0)


def _from_node(node: Node | None, place: Callable[[Node], Loc] | None, budget: Budget, depth: int) -> Any:
    budget.take(depth)
    if isinstance(node, Mapping):
        made: dict[str, Any] = {}
        for key, child in node.pairs:
            name = key.text if key.quoted else go_text(resolve_scalar(key.text), "null")
            made.pop(name, None)
            made[_marked(name, key, place)] = _from_node(child, place, budget, depth + 1)
        return made
    if isinstance(node, Sequence):
        return [_from_node(child, place, budget, depth + 1) for child in node.items]
    if isinstance(node, Scalar):
        value = node.text if node.quoted else resolve_scalar(node.text)
        if isinstance(value, str):
            return _marked(value, node, place)
        if isinstance(value, float) and place is not None:
            return Number(value, place(node))
        return value
    if isinstance(node, Hole):
        return Opaque(node.reason)
    return None


def _marked(text: str, node: Node, place: Callable[[Node], Loc] | None) -> str:
    return Text(text, ((0, len(text), place(node)),)) if place is not None else str(text)


def opaque_inside(value: Any) -> Opaque | None:
    """The first unknown piece in a value of any depth (bounded)."""
    stack, seen = [value], 0
    while stack:
        seen += 1
        if seen > MAX_NODES:
            raise RenderError("a value is too large to look through")
        item = stack.pop()
        if isinstance(item, Opaque):
            if item.placeholder is None:
                return item
        elif isinstance(item, Text):
            for _start, _end, what in item.marks:
                if isinstance(what, Opaque) and what.placeholder is None:
                    return what
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return None
