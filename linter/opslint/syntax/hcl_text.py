"""The text of HCL strings: escapes of quoted templates, indentation of heredocs."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def unescape(text: str) -> str:
    """Return what a quoted template's literal text means (``\\n``, ``\\u00e9``, ``$${`` and ``%%{``)."""
    if "\\" in text:
        out: list[str] = []
        at = 0
        while at < len(text):
            char = text[at]
            follow = text[at + 1 : at + 2]
            if char != "\\" or not follow:
                out.append(char)
                at += 1
            elif follow in _ESCAPES:
                out.append(_ESCAPES[follow])
                at += 2
            elif follow in "uU":
                size = 4 if follow == "u" else 8
                out.append(_character(text[at + 2 : at + 2 + size]))
                at += 2 + size
            else:
                out.append(char + follow)
                at += 2
        text = "".join(out)
    return text.replace("$${", "${").replace("%%{", "%{")


def _character(digits: str) -> str:
    try:
        return chr(int(digits, 16))
    except (ValueError, OverflowError):
        return "\ufffd"


def heredoc_text(parts: list[Any], indented: bool) -> list[Any]:
    """Return the parts of a heredoc as they are read: ``<<-`` loses the smallest indentation of its lines."""
    if indented:
        parts = _dedent(parts)
    return [part.replace("$${", "${").replace("%%{", "%{") if isinstance(part, str) else part for part in parts]


def _dedent(parts: list[Any]) -> list[Any]:
    smallest: int | None = None
    at_start = True
    for part in parts:
        if not isinstance(part, str):
            smallest = 0 if at_start else smallest
            at_start = False
            continue
        lines = part.split("\n")
        for number, line in enumerate(lines):
            is_last = number == len(lines) - 1
            if (number or at_start) and (line.strip() or (is_last and line)):
                width = len(line) - len(line.lstrip(" \t"))
                smallest = width if smallest is None else min(smallest, width)
        at_start = part.endswith("\n")
    if not smallest:
        return parts
    return _cut(parts, smallest)


def _cut(parts: list[Any], width: int) -> list[Any]:
    out: list[Any] = []
    at_start = True
    for part in parts:
        if isinstance(part, str):
            lines = part.split("\n")
            cut = [line[width:] if number or at_start else line for number, line in enumerate(lines)]
            at_start = part.endswith("\n")
            part = "\n".join(cut)
        else:
            at_start = False
        out.append(part)
    return out
