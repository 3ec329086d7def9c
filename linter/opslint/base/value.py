"""What opslint knows of a value: `Known`, `Secret`, `Unknown` or `Absent`.

Operations carry the weaker side: a template with one hole is `Unknown` with a known prefix. `Absent` is
the strongest statement of all and exists only in a closed scope, one whose sources were all read to the end.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class Known(Record):
    """A value that follows from the repository alone (str, int, float, bool, None, list, dict)."""

    __slots__ = ("value",)
    value: Any


class Secret(Record):
    """Something is set, named `ref`; its value is not in the repository, or is treated as if it were not."""

    __slots__ = ("ref",)
    ref: str


class Unknown(Record):
    """Could be anything. `prefix` is the literal text a partly known string starts with, else ``""``."""

    __slots__ = ("prefix", "reason")
    prefix: str
    reason: str


class Absent(Record):
    """Every place that could set it was read, and none does."""

    __slots__ = ()


Value = Known | Secret | Unknown | Absent

ABSENT = Absent()


def known(value: Any) -> Known:
    """Return `Known(value)`."""
    return Known(value=value)


def unknown(reason: str, prefix: str = "") -> Unknown:
    """Return `Unknown` with a reason that a reader of `opslint model` understands."""
    return Unknown(prefix=prefix, reason=reason)


def text_of(value: Value) -> str | None:
    """Return the string a `Known` string or number holds, else None. Booleans become ``true``/``false``."""
    if isinstance(value, Known):
        inner = value.value
        if isinstance(inner, bool):
            return "true" if inner else "false"
        if isinstance(inner, str | int | float):
            return str(inner)
    return None


def same(left: Value, right: Value) -> bool | None:
    """Compare two values: True or False when both are Known (or the same secret), None when it cannot be told."""
    if isinstance(left, Known) and isinstance(right, Known):
        return bool(left.value == right.value)
    if isinstance(left, Secret) and isinstance(right, Secret) and left.ref == right.ref:
        return True
    return None
