"""Dotenv files as Docker Compose reads them (docs.docker.com, "Env file syntax"): not quite what python-dotenv reads.

Compose separates a name from its value by ``=`` or ``:``, keeps ``#`` after ``=`` and blanks, takes escapes only in double quotes, knows a
raw format, and refuses the whole file for one line it does not understand. The tests hold what Docker Compose itself made of such files.
"""

from __future__ import annotations

from opslint.base.record import Record

_BLANKS = "\t\v\f\r \x85\xa0"
_NAME_EXTRA = "_.-[]"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_OCTAL = "01234567"


class Setting(Record):
    """One setting. `text` is its value before ``${}`` is resolved, None for a bare name (the host's value is taken).

    `expands` tells whether ``${}`` in it is resolved. `start`, `end` of the name and `value_start`, `value_end` are character offsets.
    """

    __slots__ = ("end", "expands", "name", "start", "text", "value_end", "value_start")
    end: int
    expands: bool
    name: str
    start: int
    text: str | None
    value_end: int
    value_start: int


def settings(text: str) -> list[Setting] | None:
    """Return what the default format says, in file order; None where Compose refuses the file."""
    found: list[Setting] = []
    at, size = 0, len(text)
    while True:
        while at < size and text[at].isspace():
            at += 1
        if at >= size:
            return found
        if text[at] == "#":
            at = _line_end(text, at)
            continue
        setting, at = _setting(text, at)
        if setting is None:
            return None
        if setting.name or setting.text is not None:
            found.append(setting)


def raw_settings(text: str) -> list[Setting] | None:
    """Return what ``format: raw`` says: every line is ``NAME=value`` as it stands, quotes and all."""
    found: list[Setting] = []
    at = 0
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        body = line.removesuffix("\r").lstrip()
        start += len(line) - len(line.lstrip())
        if not body or body.startswith("#"):
            continue
        name, equals, value = body.partition("=")
        if not name or any(char.isspace() for char in name):
            return None
        end = start + len(name)
        whole = value if equals else None
        found.append(_made(name, whole, False, start, end, end + 1, end + 1 + len(value)))
    return found


def _made(name: str, text: str | None, expands: bool, start: int, end: int, value_start: int, value_end: int) -> Setting:
    return Setting(end=end, expands=expands, name=name, start=start, text=text, value_end=value_end, value_start=value_start)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _setting(text: str, at: int) -> tuple[Setting | None, int]:
    """Read one setting from its name on: (the setting or None for what Compose refuses, where reading goes on)."""
    if text.startswith("export", at) and text[at + 6 : at + 7].isspace():
        at += 6
        while at < len(text) and text[at].isspace():
            at += 1
    start = at
    while at < len(text) and text[at] not in "=:\n":
        if not (text[at].isalnum() or text[at] in _NAME_EXTRA or text[at] in _BLANKS):
            return None, at
        at += 1
    name = text[start:at].rstrip()
    end = start + len(name)
    if at >= len(text):
        # Without a line break after it, a bare name at the very end of a file is lost on Compose.
        return (_made("", None, False, start, end, end, end) if name else None), at
    if " " in name:
        return None, at
    if text[at] == "\n":
        return _made(name, None, False, start, end, end, end), at + 1
    at += 1
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    if text[at : at + 1] in ('"', "'") and at < len(text):
        return _quoted(text, at, name, start, end)
    stop = _line_end(text, at)
    value = text[at:stop].partition(" #")[0].rstrip()
    return _made(name, value, True, start, end, at, at + len(value)), min(stop + 1, len(text))


def _quoted(text: str, at: int, name: str, start: int, end: int) -> tuple[Setting | None, int]:
    quote = text[at]
    out: list[str] = []
    stop = at + 1
    while stop < len(text) and text[stop] != quote:
        if text[stop] == "\\" and stop + 1 < len(text):
            # Only the quote itself is unescaped here; what else follows a backslash keeps it for the time being.
            out.append(text[stop + 1] if text[stop + 1] == quote else text[stop : stop + 2])
            stop += 2
        else:
            out.append(text[stop])
            stop += 1
    if stop >= len(text):
        return None, stop
    value = "".join(out)
    double = quote == '"'
    return _made(name, _unescaped(value) if double else value, double, start, end, at, stop + 1), stop + 1


def _unescaped(text: str) -> str:
    r"""Resolve the escapes of a double-quoted value; ``\$`` becomes ``$$``, which stands for a dollar sign."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        following = text[at + 1 : at + 2]
        if text[at] != "\\" or not following:
            out.append(text[at])
            at += 1
        elif following == "$":
            out.append("$$")
            at += 2
        elif following in _ESCAPES:
            out.append(_ESCAPES[following])
            at += 2
        elif following == "0":
            end = at + 2
            while end < len(text) and end < at + 5 and text[end] in _OCTAL:
                end += 1
            digits = text[at + 2 : end]
            out.append(chr(int(digits, 8)) if len(digits) == 3 and int(digits, 8) < 128 else text[at:end])
            at = end
        else:
            out.append(text[at])
            at += 1
    return "".join(out)
