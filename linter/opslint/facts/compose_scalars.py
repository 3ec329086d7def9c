"""The text a variable gets from a plain YAML scalar: Compose reads ``0123``, ``1.50`` and ``True`` as numbers and booleans, then prints them.

The rules are those of the YAML parser Compose is built with (the YAML 1.2 core schema, octals of YAML 1.1, digits grouped by ``_``) and of Go's
default format for numbers (pkg.go.dev/fmt, ``%v``). The tests hold what Docker Compose itself printed.
"""

from __future__ import annotations

from functools import cache

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from opslint.base.tree import Scalar

_WORDS = {"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false"}
_SPECIAL = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "NaN"),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), "+Inf"),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), "-Inf"),
}
_BASES = {"0x": 16, "0X": 16, "0o": 8, "0O": 8, "0b": 2, "0B": 2}
_LARGE = 6
"""From this power of ten on, and below 10⁻⁴, Go prints a float with an exponent (strconv.FormatFloat, format ``g``)."""


def variable_text(scalar: Scalar) -> str | None:
    """Return what the variable holds; None where Compose refuses the value (a timestamp)."""
    text = scalar.text
    if scalar.quoted or not text or "$" in text:
        return text
    if text[0] not in "+-.0123456789":
        return _WORDS.get(text, text)
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _timestamp().match(text):
        return None
    plain = text.replace("_", "")
    whole = _integer(plain)
    if whole is not None and -(1 << 63) <= whole < 1 << 64:
        return str(whole)
    if _float().fullmatch(plain):
        return _printed(float(plain), text)
    return text


@cache
def _timestamp() -> re.Pattern[str]:
    import re

    return re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ][\d:.]+(?: ?(?:Z|[-+]\d{1,2}(?::?\d\d)?))?)?$")


@cache
def _float() -> re.Pattern[str]:
    import re

    return re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def _integer(text: str) -> int | None:
    sign = -1 if text[0] == "-" else 1
    digits = text[1:] if text[0] in "+-" else text
    base = _BASES.get(digits[:2])
    if base is not None:
        digits = digits[2:]
    else:
        base = 8 if len(digits) > 1 and digits[0] == "0" else 10
    if not digits.isascii() or not digits.isalnum() or len(digits) > 66:
        return None
    try:
        return sign * int(digits, base)
    except ValueError:
        return None


def _printed(value: float, text: str) -> str:
    """Print a float with the fewest digits that name it."""
    if value in (float("inf"), float("-inf")):
        return text  # too large for a number: a text again
    mantissa, mark, exponent = repr(value).partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return f"{sign}0"
    power = len((whole + fraction).lstrip("0")) - len(fraction) - 1 + (int(exponent) if mark else 0)
    digits = digits.rstrip("0")
    if power < -4 or power >= _LARGE:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{'-' if power < 0 else '+'}{abs(power):02}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    if power + 1 >= len(digits):
        return sign + digits + "0" * (power + 1 - len(digits))
    return f"{sign}{digits[: power + 1]}.{digits[power + 1 :]}"
