"""The `if:` of a GitHub job under one event and ref, in three values: True, False, None (Unknown)."""

from __future__ import annotations

import functools

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

_MAX_TOKENS = 400
_MAX_DEPTH = 40


class _NotUnderstoodError(Exception):
    """The text is no expression that is understood here."""


@functools.cache
def _lexer() -> re.Pattern[str]:
    import re

    return re.compile(r"\s*(?:'((?:[^']|'')*)'|(&&|\|\||==|!=|<=|>=|[!()<>,])|([A-Za-z_][\w.\-]*|[\[\]*.\w-]+))")


def literals(condition: str) -> list[str]:
    """Return the quoted texts of a condition, sorted out of what is no expression."""
    return [match.group(1) for match in _lexer().finditer(condition) if match.group(1)]


@functools.cache
def holds(condition: str, event: str, ref: str) -> bool | None:
    """Judge a condition. `event` is ``github.event_name``, `ref` is ``github.ref``; "" is Unknown."""
    text = condition.strip()
    if not text:
        return True
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        text = text[3:-2]
    if "${{" in text:
        return None
    try:
        reader = _Reader(_tokens(text), event, ref)
        value = reader.either(0)
        if reader.at != len(reader.tokens):
            return None
    except _NotUnderstoodError:
        return None
    return _truth(value)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _lexer().match(text, place)
        if match is None or match.end() == place or len(found) >= _MAX_TOKENS:
            raise _NotUnderstoodError
        place = match.end()
        if match.group(1) is not None:
            found.append(("text", match.group(1).replace("''", "'")))
        elif match.group(2) is not None:
            found.append(("sign", match.group(2)))
        else:
            found.append(("name", match.group(3)))
    return found


def _truth(value: str | bool | None) -> bool | None:
    return value if isinstance(value, bool) or value is None else bool(value)


class _Reader:
    """Reads the tokens of one expression from the left; every method returns a text, a truth value, or None for Unknown."""

    def __init__(self, tokens: list[tuple[str, str]], event: str, ref: str) -> None:
        self.tokens, self.event, self.ref = tokens, event, ref
        self.at = 0

    def _next(self, sign: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False

    def either(self, depth: int) -> str | bool | None:
        """``a || b``."""
        if depth > _MAX_DEPTH:
            raise _NotUnderstoodError
        value = self._both(depth)
        while self._next("||"):
            left, right = _truth(value), _truth(self._both(depth))
            value = True if left or right else None if left is None or right is None else False
        return value

    def _both(self, depth: int) -> str | bool | None:
        value = self._compared(depth)
        while self._next("&&"):
            left, right = _truth(value), _truth(self._compared(depth))
            value = False if left is False or right is False else None if left is None or right is None else True
        return value

    def _compared(self, depth: int) -> str | bool | None:
        value = self._one(depth)
        for sign in ("==", "!="):
            if self._next(sign):
                same = _same(value, self._one(depth))
                return same if same is None or sign == "==" else not same
        if any(self._next(sign) for sign in ("<", ">", "<=", ">=")):
            self._one(depth)
            return None
        return value

    def _one(self, depth: int) -> str | bool | None:
        if self._next("!"):
            if depth > _MAX_DEPTH:
                raise _NotUnderstoodError
            truth = _truth(self._one(depth + 1))
            return None if truth is None else not truth
        if self._next("("):
            value = self.either(depth + 1)
            if not self._next(")"):
                raise _NotUnderstoodError
            return value
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "sign":
            raise _NotUnderstoodError
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            return text
        return self._called(text.lower(), depth) if self._next("(") else self._named(text.lower())

    def _called(self, name: str, depth: int) -> bool | None:
        given: list[str | bool | None] = []
        while not self._next(")"):
            given.append(self.either(depth + 1))
            self._next(",")
        if len(given) != 2 or not isinstance(given[0], str) or not isinstance(given[1], str):
            return True if name in ("always", "success") else None
        left, right = given[0].lower(), given[1].lower()
        return {"startswith": left.startswith(right), "endswith": left.endswith(right), "contains": right in left}.get(name)

    def _named(self, name: str) -> str | bool | None:
        if name in ("true", "false"):
            return name == "true"
        if name == "github.event_name" and self.event not in ("workflow_call", ""):
            return self.event
        if name.startswith(("inputs.", "github.event.inputs.")) and self.event not in ("workflow_dispatch", "workflow_call", ""):
            return ""
        if not self.ref:
            return None
        if name == "github.ref":
            return self.ref
        if name == "github.ref_name":
            return self.ref.split("/", 2)[2]
        if name == "github.ref_type" and not self.ref.startswith("refs/pull/"):
            return "tag" if self.ref.startswith("refs/tags/") else "branch"
        return None


def _same(left: str | bool | None, right: str | bool | None) -> bool | None:
    """Compare as GitHub does: texts without regard to case; an empty text is false."""
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, bool) and isinstance(right, bool):
        return left == right
    text, truth = (left, right) if isinstance(left, str) else (right, left)
    return not truth if text == "" else None
