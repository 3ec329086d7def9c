"""Path patterns of the configuration (`exclude`, `[[ignore]] path`).

A pattern without ``/`` (but at its end) matches a name at any depth, one with ``/`` from the project root; a directory
takes all below it. ``*`` and ``?`` stop at ``/``, ``**`` does not.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def path_matcher(patterns: list[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a project path matches any of `patterns`."""
    if not patterns:
        return lambda _path: False
    if all(not set(pattern) & set("*?[") and "/" in pattern.rstrip("/") for pattern in patterns):
        plain = tuple(pattern.strip("/") for pattern in patterns)
        below = tuple(f"{pattern}/" for pattern in plain)
        return lambda path: path in plain or path.startswith(below)
    import re

    compiled = re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns), re.DOTALL)
    return lambda path: compiled.fullmatch(path) is not None


def translate(pattern: str) -> str:
    """Return a pattern as a regular expression for the whole path. Linear: no nested repetition can arise from it."""
    from re import escape

    body = pattern.strip("/") if pattern != "/" else "**"
    anchored = "/" in pattern.rstrip("/")
    out = "" if anchored else "(?:.*/)?"
    index = 0
    while index < len(body):
        if body.startswith("**/", index):
            out += "(?:.*/)?"
            index += 3
        elif body.startswith("**", index):
            out += ".*"
            index += 2
        elif body[index] == "*":
            out += "[^/]*"
            index += 1
        elif body[index] == "?":
            out += "[^/]"
            index += 1
        else:
            out += escape(body[index])
            index += 1
    return out + "(?:/.*)?"
