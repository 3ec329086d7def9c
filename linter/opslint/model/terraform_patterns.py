"""Terraform's `regex`, for patterns that cannot run away and that mean the same in Python."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

MAX_TEXT = 200
MAX_PATTERN = 120
MAX_LOOPS = 3
"""Unbounded repetitions of one pattern: with three the work is at most cubic in `MAX_TEXT`."""


def first_match(pattern: str, text: str, *, from_end: bool = False) -> Any:
    """Return what `regex(pattern, text)` gives (a text, a list or an object of groups), None when it is not followed.

    `from_end`: only the end of the text is known. Then the pattern must be tied to the end and may not reach over a slash it does not name.
    """
    if len(pattern) > MAX_PATTERN or len(text) > MAX_TEXT or not _is_tame(pattern):
        return None
    if from_end and (not pattern.endswith("$") or pattern.startswith("^") or not _keeps_to_segments(pattern)):
        return None
    import re

    try:
        found = re.search(pattern, text)
    except re.error:
        return None
    if found is None:
        return None
    if found.re.groupindex:
        return {name: found[name] for name in found.re.groupindex}
    return list(found.groups()) if found.re.groups else found[0]


def _is_tame(pattern: str) -> bool:
    """No repeated groups, no look-around and back-references, few unbounded repetitions."""
    loops, escaped = 0, False
    for at, char in enumerate(pattern):
        if escaped:
            if char.isdigit():
                return False
            escaped = False
            continue
        escaped = char == "\\"
        if char in "*+{":
            loops += 1
            if pattern[at - 1 : at] == ")":
                return False
        if char == "(" and pattern[at + 1 : at + 2] == "?" and pattern[at + 2 : at + 4] != "P<":
            return False
    return loops <= MAX_LOOPS


def _keeps_to_segments(pattern: str) -> bool:
    """Nothing in the pattern stands for a slash but a slash: how many segments it covers is fixed, and the end of the text decides."""
    rest = pattern.replace("\\.", "").replace("\\-", "")
    if "\\" in rest.replace("\\w", "").replace("\\d", ""):
        return False
    outside = rest
    while "[" in outside:
        before, _, after = outside.partition("[")
        inner, _, after = after.partition("]")
        if inner.startswith("^") != ("/" in inner):
            return False
        outside = before + after
    return "." not in outside and "|" not in outside
