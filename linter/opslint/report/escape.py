"""Text from a repository made safe to show: it may not move a cursor, reorder a line or command a CI runner."""

from __future__ import annotations

from functools import cache

from opslint.base.masking import strip_credentials

_INVISIBLE = (
    *range(0x00, 0x20),
    *range(0x7F, 0xA0),
    0xAD,  # soft hyphen
    0x61C,  # Arabic letter mark
    0x180E,
    *range(0x200B, 0x2010),  # zero width, left-to-right and right-to-left marks
    *range(0x2028, 0x202F),  # line and paragraph separators, embeddings, overrides
    *range(0x2060, 0x2070),  # word joiner, isolates
    0xFEFF,
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
)


@cache
def _table() -> dict[int, str]:
    table = {code: (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") for code in _INVISIBLE}
    table.update({0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"})
    return table


_RUNNER_MARKS = ("##[", "##vso[", "##teamcity[")


def visible(text: str) -> str:
    """Return `text` on one line with every control, invisible and bidirectional character written as an escape.

    Marks that CI runners take for commands anywhere in a line (`##[`, `##vso[`, `##teamcity[`) are broken up too.
    """
    if text.isascii() and text.isprintable():
        out = text
    else:
        out = text.translate(_table())
        if not out.isprintable() and any(0xD800 <= ord(ch) < 0xE000 or ord(ch) >= 0xE0000 for ch in out):
            out = "".join(
                f"\\U{ord(ch):08x}" if 0xD800 <= ord(ch) < 0xE000 or 0xE0000 <= ord(ch) < 0xE1000 else ch for ch in out
            )
    if "##" in out:
        for mark in _RUNNER_MARKS:
            out = out.replace(mark, "#\\x23" + mark[2:])
    return out


def line_start(text: str) -> str:
    """Return `text`, already `visible`, so that a line may begin with it: GitHub takes a leading `::` for a command."""
    bare = text.lstrip()
    return text[: len(text) - len(bare)] + "\\x3a" + bare[1:] if bare.startswith("::") else text


def prose(text: str) -> str:
    """Return a message as it may be shown: `visible`, and without credentials in URLs."""
    return visible(strip_credentials(text))


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return `value` as ASCII JSON in the order it was made; runner marks inside strings are written as escapes."""
    import json

    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=True, indent=indent, separators=separators)
    text = text.replace("\x7f", "\\u007f")
    return text.replace("##", "#\\u0023") if "##" in text else text
