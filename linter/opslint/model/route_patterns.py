"""Path patterns of the web frameworks in one form, and what a request path matches.

A pattern is a list of segments: literal text, ``*`` (one segment, or a part of one, that a parameter fills), `NUMBER` and ``**`` (any
number of segments, at the end). Nothing here compiles a regular expression of the repository: it could be a catastrophic one.
"""

from __future__ import annotations

REGEX = "re:"
NUMBER = "<int>"
"""The segment of an integer converter: it takes digits only."""


def segments_of(pattern: str, framework: str) -> list[str]:
    """Return the segments of a full pattern; the last is "" when it ends with a slash."""
    text = pattern
    if REGEX in text:
        text = _regexes(text)
    elif framework == "aiohttp" or "{" in text:
        text = _braces(text)
    if framework in ("django", "drf", "flask", "flask-restful"):
        text = _angles(text)
    parts = text.lstrip("/").split("/")
    segments: list[str] = []
    for part in parts:
        if "**" in part:
            head = part.partition("**")[0]
            segments.append("**" if "*" in head or NUMBER in head else f"{head}**")
            break
        segments.append("*" if "*" in part or (NUMBER in part and part != NUMBER) else part)
    return segments


def _braces(text: str) -> str:
    """``{id}`` fills a segment, ``{rest:path}`` and ``{rest:.*}`` the whole rest."""
    out: list[str] = []
    rest = text
    while "{" in rest:
        before, _, rest = rest.partition("{")
        depth, end = 1, len(rest)
        for index, char in enumerate(rest):
            depth += (char == "{") - (char == "}")
            if not depth:
                end = index
                break
        inner, rest = rest[:end], rest[end + 1 :]
        kind = inner.partition(":")[2]
        out.append(before)
        out.append("**" if kind == "path" or ".*" in kind or ".+" in kind else "*")
    return "".join(out) + rest


def _angles(text: str) -> str:
    """``<int:id>`` fills a segment, ``<path:rest>`` the whole rest."""
    out: list[str] = []
    rest = text
    while "<" in rest:
        before, _, rest = rest.partition("<")
        inner, _, rest = rest.partition(">")
        out.append(before)
        kind = inner.partition(":")[0]
        out.append("**" if kind == "path" else NUMBER if kind == "int" else "*")
    return "".join(out) + rest


def _regexes(text: str) -> str:
    """Each part after ``re:`` is a regular expression: anchors go, groups fill a segment, anything else opens the rest."""
    first, *parts = text.split(REGEX)
    out = [first]
    for index, part in enumerate(parts):
        out.append(_regex(part, last=index == len(parts) - 1))
    return "".join(out)


def _regex(text: str, *, last: bool) -> str:
    out: list[str] = []
    at, size = 0, len(text)
    closed = False
    while at < size:
        char = text[at]
        following = text[at + 1] if at + 1 < size else ""
        if char == "^" and at == 0:
            at += 1
        elif char == "$" and at == size - 1:
            closed = True
            at += 1
        elif char == "\\" and following in ".-_/":
            out.append(following)
            at += 2
        elif char == "\\" and following in "Zz":
            closed = True
            at += 2
        elif char == "(":
            end = _group_end(text, at)
            inner = text[at:end]
            out.append("**" if ".*" in inner or ".+" in inner else "*")
            at = end + (text[end : end + 1] in ("?", "*", "+"))
        elif char == "/" and following in "?*":
            out.append("/")
            at += 2
        elif char.isalnum() or char in "/-_:~@%=":
            if following in "?*+{":
                out.append("**")
                return "".join(out)
            out.append(char)
            at += 1
        else:
            out.append("**")
            return "".join(out)
    if last and not closed:
        out.append("**")
    return "".join(out)


def _group_end(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        if text[at] == "\\":
            continue
        depth += (text[at] == "(") - (text[at] == ")")
        if not depth:
            return at + 1
    return len(text)


def matches(segments: list[str], path: str, framework: str, *, append_slash: bool = True) -> bool:
    """Tell whether a request path reaches a route, counting the redirects a framework makes for a trailing slash as served.

    Django (APPEND_SLASH) and Flask add a missing slash; Starlette and FastAPI add or take it away; aiohttp does neither.
    """
    asked = path.partition("?")[0].lstrip("/").split("/")
    if _same(segments, asked):
        return True
    if framework in ("django", "drf") and not append_slash:
        return False
    if framework != "aiohttp" and segments[-1:] == [""] and asked[-1:] != [""] and _same(segments, [*asked, ""]):
        return True
    if framework in ("fastapi", "starlette"):
        if asked[-1:] == [""] and _same(segments, asked[:-1]):
            return True
    return False


def _same(segments: list[str], asked: list[str]) -> bool:
    for index, segment in enumerate(segments):
        if segment == "**":
            return True
        if index >= len(asked):
            return False
        if segment.endswith("**"):
            return asked[index].startswith(segment[:-2])
        if segment == NUMBER:
            if not asked[index].isdigit():
                return False
        elif segment != asked[index] and not (segment == "*" and asked[index]):
            return False
    return len(segments) == len(asked)
