"""Whole-text matching of the regular expressions that manifests hold, in time bounded by text and pattern (Python's `re` is not)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[str, set[int]], set[int]]

MAX_PATTERN = 300
"""Longest pattern that is followed; the longest seen in public kustomizations has 90 characters."""

_CLASSES = {
    "d": frozenset("0123456789"),
    "w": frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
    "s": frozenset(" \t\r\n\f"),
}


class PatternError(ValueError):
    """A pattern of a form that is not followed here."""


def fits(pattern: str, text: str) -> bool:
    """Tell whether the whole of `text` matches. Raises PatternError."""
    if pattern in (text, ".*", ""):
        return True
    if len(pattern) > MAX_PATTERN:
        raise PatternError(pattern)
    parser = _Parser(pattern)
    step = parser.alternatives(0)
    if parser.at != len(pattern):
        raise PatternError(pattern)
    return len(text) in step(text, {0})


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self, depth: int) -> Step:
        """Alternatives up to the end or a closing parenthesis."""
        if depth > 20:
            raise PatternError(self.pattern)
        options = [self._sequence(depth)]
        while self.pattern[self.at : self.at + 1] == "|":
            self.at += 1
            options.append(self._sequence(depth))
        if len(options) == 1:
            return options[0]
        return lambda text, starts: {end for option in options for end in option(text, starts)}

    def _sequence(self, depth: int) -> Step:
        steps: list[Step] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            steps.append(self._repeated(self._atom(depth)))

        def run(text: str, starts: set[int]) -> set[int]:
            for step in steps:
                if not starts:
                    break
                starts = step(text, starts)
            return starts

        return run

    def _repeated(self, step: Step) -> Step:
        sign = self.pattern[self.at : self.at + 1]
        if sign == "{":
            raise PatternError(self.pattern)
        if sign not in ("*", "+", "?") or not sign:
            return step
        self.at += 1
        if self.pattern[self.at : self.at + 1] in ("?", "+", "*"):
            if self.pattern[self.at] != "?":
                raise PatternError(self.pattern)
            self.at += 1  # lazy: the same for a whole text

        def run(text: str, starts: set[int]) -> set[int]:
            found = set(starts) if sign != "+" else set[int]()
            new = starts
            while new:
                new = step(text, new) - found
                found |= new
                if sign == "?":
                    break
            return found

        return run

    def _atom(self, depth: int) -> Step:
        char = self.pattern[self.at]
        self.at += 1
        if char == "(":
            if self.pattern.startswith("?", self.at):
                if not self.pattern.startswith("?:", self.at):
                    raise PatternError(self.pattern)
                self.at += 2
            inner = self.alternatives(depth + 1)
            if self.pattern[self.at : self.at + 1] != ")":
                raise PatternError(self.pattern)
            self.at += 1
            return inner
        if char == "^":
            return lambda _text, starts: {at for at in starts if at == 0}
        if char == "$":
            return lambda text, starts: {at for at in starts if at == len(text)}
        if char == ".":
            return lambda text, starts: {at + 1 for at in starts if at < len(text)}
        if char == "[":
            return self._class()
        if char in "*+?{":
            raise PatternError(self.pattern)
        allowed = self._escaped() if char == "\\" else frozenset(char)
        return lambda text, starts: {at + 1 for at in starts if text[at : at + 1] in allowed and at < len(text)}

    def _escaped(self) -> frozenset[str]:
        char = self.pattern[self.at : self.at + 1]
        self.at += 1
        if char in _CLASSES and char:
            return _CLASSES[char]
        if not char or char.isalnum():
            raise PatternError(self.pattern)
        return frozenset(char)

    def _class(self) -> Step:
        negated = self.pattern[self.at : self.at + 1] == "^"
        self.at += negated
        allowed: set[str] = set()
        first = True
        while self.pattern[self.at : self.at + 1] != "]" or first:
            if self.at >= len(self.pattern):
                raise PatternError(self.pattern)
            char = self.pattern[self.at]
            self.at += 1
            first = False
            if char == "\\":
                allowed |= self._escaped()
            elif self.pattern[self.at : self.at + 1] == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                allowed |= {chr(code) for code in range(ord(char), ord(self.pattern[self.at + 1]) + 1)}
                self.at += 2
            else:
                allowed.add(char)
        self.at += 1
        return lambda text, starts: {at + 1 for at in starts if at < len(text) and (text[at] in allowed) is not negated}
