"""Terraform's functions of plain values: all arguments are known (see `opslint.model.terraform_functions`)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import known
from opslint.model.terraform_values import as_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_ITEMS = 1_000
"""Items that `range`, `setproduct` and the like may make."""


def _replace(text: str, old: str, new: str) -> str:
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        raise ValueError("a pattern")
    return text.replace(old, new)


def _substr(text: str, offset: float, length: float) -> str:
    start = int(offset) if offset >= 0 else max(len(text) + int(offset), 0)
    return text[start:] if length < 0 else text[start : start + int(length)]


def _range(*bounds: float) -> list[int]:
    found = range(*(int(bound) for bound in bounds))
    if len(found) > MAX_ITEMS:
        raise ValueError("too many items")
    return list(found)


def _distinct(items: list[Any]) -> list[Any]:
    out: list[Any] = []
    if len(items) > MAX_ITEMS:
        raise ValueError("too many items")
    for item in items:
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


def _title(text: str) -> str:
    """Capitals at the start of each word; other letters stay as they are."""
    out, before = "", " "
    for char in text:
        out += char.upper() if not (before.isalnum() or before in "_'") else char
        before = char
    return out


def _sorted(items: list[Any]) -> list[str]:
    if not all(isinstance(item, str) for item in items):
        raise TypeError("sort() is of texts")
    return sorted(items)


def _first_list(*lists: list[Any]) -> list[Any]:
    for items in lists:
        if items:
            return items
    raise ValueError("all are empty")


def _chunks(items: list[Any], size: float) -> list[list[Any]]:
    step = int(size)
    return [items[at : at + step] for at in range(0, len(items), step)]


def _base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()


def _hash(name: str) -> Callable[[str], str]:
    def digest(text: str) -> str:
        import hashlib

        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    return digest


def _union(*sets: list[Any]) -> list[Any]:
    return sorted({item for items in sets for item in items})


def _common(first: list[Any], *others: list[Any]) -> list[Any]:
    return sorted({item for item in first if all(item in other for other in others)})


def _without(source: list[Any], *others: list[Any]) -> list[Any]:
    return [item for item in source if all(item not in other for other in others)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "base64encode": _base64,
    "alltrue": all,
    "anytrue": any,
    "ceil": lambda number: int(-(-number // 1)),
    "chomp": lambda text: text.rstrip("\r\n"),
    "chunklist": _chunks,
    "coalescelist": _first_list,
    "distinct": _distinct,
    "endswith": str.endswith,
    "floor": lambda number: int(number // 1),
    "index": lambda items, item: items.index(item),
    "max": max,
    "md5": _hash("md5"),
    "min": min,
    "parseint": lambda text, base: int(str(text), int(base)),
    "range": _range,
    "replace": _replace,
    "reverse": lambda items: items[::-1],
    "setintersection": _common,
    "setsubtract": _without,
    "setunion": _union,
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "slice": lambda items, start, end: items[int(start) : int(end)],
    "sort": _sorted,
    "startswith": str.startswith,
    "strcontains": lambda text, part: part in text,
    "substr": _substr,
    "sum": sum,
    "title": _title,
    "tobool": _tobool,
    "tonumber": _tonumber,
    "tostring": _tostring,
    "trim": str.strip,
    "trimprefix": str.removeprefix,
    "trimsuffix": str.removesuffix,
    "zipmap": lambda names, items: dict(zip(names, items, strict=True)),
}
