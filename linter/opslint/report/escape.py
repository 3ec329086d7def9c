"""Text from a repository made safe to show: it may not move a cursor, reorder a line or command a CI runner."""

from __future__ import annotations

from opslint.base.lazy import cache
from opslint.base.masking import strip_credentials
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_INVISIBLE = (
    *range(0x20),
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
            out = "".join(f"\\U{ord(ch):08x}" if 0xD800 <= ord(ch) < 0xE000 or 0xE0000 <= ord(ch) < 0xE1000 else ch for ch in out)
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
    """Return `value` as ASCII JSON in the order it was made; runner marks inside strings are written as escapes.

    The `json` package costs 7 ms to import, more than the rest of a report: only its string encoder is used here.
    """
    text = _encode(value, indent, "\n" if indent is not None else "")
    return text.replace("##", "#\\u0023") if "##" in text else text


@cache
def _quote() -> Callable[[str], str]:
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json.encoder import encode_basestring_ascii
    return encode_basestring_ascii


def _encode(value: object, indent: int | None, line: str) -> str:
    if isinstance(value, str):
        quoted = _quote()(value)
        return quoted.replace("\x7f", "\\u007f") if "\x7f" in quoted else quoted
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    below = line + " " * (indent or 0)
    if isinstance(value, dict):
        colon = ":" if indent is None else ": "
        items = [f"{_encode(str(key), None, '')}{colon}{_encode(item, indent, below)}" for key, item in value.items()]
        return "{" + below + f",{below}".join(items) + line + "}" if items else "{}"
    if isinstance(value, list | tuple):
        items = [_encode(item, indent, below) for item in value]
        return "[" + below + f",{below}".join(items) + line + "]" if items else "[]"
    raise TypeError(f"{type(value).__name__} is no JSON value")
