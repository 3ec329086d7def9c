"""`# expect: rule-name` marks: which rule must report on which line."""

from __future__ import annotations

import re
from typing import NamedTuple

_MARK = re.compile(r"\s*(?:#|//|--|;|/\*|<!--)?\s*\bexpect:\s*([a-z][a-z0-9-]*(?:\s*,\s*[a-z][a-z0-9-]*)*)\s*(?:\*/|-->)?\s*$")


class Mark(NamedTuple):
    """One expected finding."""

    path: str
    line: int
    rule: str


def split_line(line: str) -> tuple[str, list[str]]:
    """Return a line without its mark, and the rules its mark names."""
    if "expect:" not in line:
        return line, []
    match = _MARK.search(line)
    if match is None or not _is_comment(match[0]):
        return line, []
    return line[: match.start()].rstrip(), [name.strip() for name in match[1].split(",")]


def _is_comment(text: str) -> bool:
    return text.lstrip().startswith(("#", "//", "--", ";", "/*", "<!--"))


def marks_in(path: str, text: str) -> list[Mark]:
    """Return the marks of one file, in order. A mark alone on its line stands for the next line that is no mark."""
    found = []
    waiting: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        body, rules = split_line(line)
        if rules and not body.strip():
            waiting += rules
            continue
        found += [Mark(path, number, rule) for rule in [*waiting, *rules]]
        waiting = []
    return found


def strip_marks(text: str) -> str:
    """Return `text` without its marks and with all its lines: a mark may stand where the format itself has no comments."""
    if "expect:" not in text:
        return text
    return "\n".join(split_line(line)[0] for line in text.split("\n"))
