"""Paths of the machine that runs Terraform: where the repository is checked out is a hole, what follows it is known."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Unknown, unknown
from opslint.model.terraform_values import Shaped, as_text, text_with_holes

if TYPE_CHECKING:
    from opslint.base.value import Value

CHECKOUT = "where the repository is checked out"


def absolute(path: str) -> Value:
    """Return a project path as the absolute path a function gives."""
    return text_with_holes([unknown(CHECKOUT), f"/{path}" if path not in ("", ".") else ""])


def in_repository(value: Value, base: str) -> str | None:
    """Return the project path that a value names, relative to `base` unless it is absolute; None when it names none."""
    text = as_text(value)
    if text is not None:
        if text.startswith(("/", "~")):
            return None
        return _tidy(f"{base or '.'}/{text}")
    if isinstance(value, Shaped) and len(value.parts) == 2 and _is_checkout(value.parts[0]) and isinstance(value.parts[1], str):
        return _tidy(f"./{value.parts[1].lstrip('/')}")
    return "" if _is_checkout(value) else None


def _is_checkout(value: Value) -> bool:
    return type(value) is Unknown and value.reason == CHECKOUT


def _tidy(path: str) -> str | None:
    # `//` marks the part of a source that is copied; `normpath` would keep two leading slashes.
    found = normpath(path.replace("//", "/"))
    if found.startswith(".."):
        return None
    return "" if found == "." else found
