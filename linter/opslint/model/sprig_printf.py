"""Go's ``print`` family (see `opslint.model.sprig`)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_print import quoted
from opslint.model.gotemplate_values import Opaque, RenderError, collapsed, cut, go_float, go_text, join, kind_of
from opslint.model.sprig_math import text

if TYPE_CHECKING:
    from typing import Any


def printf(form: Any, *args: Any) -> str:
    """Go's ``printf``."""
    source = str(text(form))
    parts: list[str] = []
    at, used = 0, 0
    while at < len(source):
        hit = source.find("%", at)
        if hit < 0:
            parts.append(source[at:])
            break
        parts.append(source[at:hit])
        end = hit + 1
        while end < len(source) and source[end] in "+-# 0123456789.":
            end += 1
        verb, flags = source[end : end + 1], source[hit + 1 : end]
        at = end + 1
        if verb == "%":
            parts.append("%")
        elif used >= len(args):
            parts.append(f"%!{verb}(MISSING)" if verb else "%!(NOVERB)")
        else:
            parts.append(_verb(verb, flags, args[used]))
            used += 1
    if used < len(args):
        extra = ", ".join(f"{go_type(arg)}={go_text(arg)}" for arg in args[used:])
        parts.append(f"%!(EXTRA {extra})")
    return join(parts)


def go_type(value: Any) -> str:
    """Go's name for the type of a value."""
    return {"slice": "[]interface {}", "map": "map[string]interface {}", "invalid": "<nil>"}.get(kind_of(value), kind_of(value))


def _verb(verb: str, flags: str, value: Any) -> str:
    if isinstance(value, Opaque):
        return value.text()
    width, _, precision = flags.lstrip("+-# 0").partition(".")
    if (width.isdigit() and int(width) > 1000) or (precision.isdigit() and int(precision) > 1000):
        raise RenderError("a number is too large")
    printed: str | None = None
    if verb in ("v", "s"):
        if verb == "s" and (value is None or isinstance(value, bool | int | float)):
            printed = None
        else:
            printed = go_text(value)
            if precision.isdigit() and verb == "s":
                printed = cut(printed, 0, int(precision))
    elif verb == "q" and isinstance(value, str):
        printed = quoted(value)
    elif verb == "t" and isinstance(value, bool):
        printed = "true" if value else "false"
    elif verb in ("d", "x", "X", "o", "b", "c") and isinstance(value, int) and not isinstance(value, bool):
        printed = chr(value) if verb == "c" and 0 < value < 0x110000 else format(value, verb)
    elif verb in ("f", "g", "e", "F") and isinstance(value, float):
        printed = go_float(value) if verb == "g" and not precision else format(float(value), f".{precision or 6}{verb}")
        printed = collapsed(printed, [value])
    elif verb == "T":
        printed = go_type(value)
    elif verb in ("x", "X") and isinstance(value, str):
        printed = str(value).encode().hex()
    if printed is None:
        return f"%!{verb}({go_type(value)}={go_text(value)})" if value is not None else f"%!{verb}(<nil>)"
    if "+" in flags and verb == "d" and not printed.startswith("-"):
        printed = "+" + printed
    missing = int(width) - len(printed) if width.isdigit() else 0
    if missing <= 0:
        return printed
    if "-" in flags:
        return join([printed, " " * missing])
    zero = flags.lstrip("+- #").startswith("0") and verb != "s"
    return join(["0" * missing if zero else " " * missing, printed])


def print_values(*args: Any) -> str:
    """Go's ``print``: spaces between operands when neither is a string."""
    parts: list[str] = []
    for index, arg in enumerate(args):
        if index and not isinstance(arg, str) and not isinstance(args[index - 1], str):
            parts.append(" ")
        parts.append(go_text(arg))
    return join(parts)


def println(*args: Any) -> str:
    """Go's ``println``."""
    return join([*spaced_parts(args), "\n"])


def spaced_parts(args: tuple[Any, ...]) -> list[str]:
    """The printed arguments with spaces between them."""
    parts: list[str] = []
    for arg in args:
        parts.extend(([" "] if parts else []) + [go_text(arg)])
    return parts
