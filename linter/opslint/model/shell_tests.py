"""Whether the branch of a script runs, given the arguments the script is started with (``[ "$1" = web ]``, ``case "$1" in``)."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def holds(guards: list[list[Any]], arguments: list[str]) -> bool | None:
    """Tell whether all guards (`opslint.syntax.shell.Command.when`) hold for `arguments`; None when that cannot be told."""
    known: bool | None = True
    for guard in guards:
        found = _guard(guard, arguments)
        if found is False:
            return False
        known = known and found if found is not None else None
    return known


def _guard(guard: list[Any], arguments: list[str]) -> bool | None:
    if guard[0] == "case":
        _kind, subject, patterns, earlier = guard
        before = _matches(subject, earlier, arguments)
        own = _matches(subject, patterns, arguments)
        return _and(own, _not(before))
    if guard[0] not in ("if", "else"):
        return None
    verdict: bool | None = _tests(guard[1], arguments) if guard[0] == "if" else True
    for tests in guard[-1]:
        verdict = _and(verdict, _not(_tests(tests, arguments)))
    return verdict


def _matches(subject: str, patterns: list[str], arguments: list[str]) -> bool | None:
    from fnmatch import fnmatchcase

    text = value(subject, arguments)
    if text is None or any("$" in pattern or pattern == "?" for pattern in patterns):
        return None
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _not(found: bool | None) -> bool | None:
    return None if found is None else not found


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return True if left and right else None


def _or(left: bool | None, right: bool | None) -> bool | None:
    return _not(_and(_not(left), _not(right)))


def _tests(tests: list[Any], arguments: list[str]) -> bool | None:
    """Evaluate commands joined by ``&&`` and ``||``, left to right; inside ``[[ ]]`` the former binds tighter."""
    verdict: bool | None = None
    group: list[Any] = []
    first = True
    joined = ""
    for words, operator, negated in tests:
        if not group:
            joined = operator
        group.append((words, operator, negated))
        if group[0][0][:1] == ["[["] and "]]" not in words:
            continue
        found = _bracket(group, arguments)
        group = []
        verdict = (
            found if first or joined not in ("&&", "||") else _and(verdict, found) if joined == "&&" else _or(verdict, found)
        )
        first = False
    return verdict if not group else None


def _bracket(group: list[Any], arguments: list[str]) -> bool | None:
    some: bool | None = False
    every: bool | None = True
    for at, (words, operator, negated) in enumerate(group):
        found = (
            _single([word for word in words if word not in ("[[", "]]")], arguments)
            if words[:1] != ["["]
            else _single(words[1:-1], arguments)
        )
        found = _not(found) if negated else found
        if at and operator == "||":
            some, every = _or(some, every), found
        else:
            every = _and(every, found)
    return _or(some, every)


def _single(words: list[str], arguments: list[str]) -> bool | None:
    """Evaluate one comparison: ``a = b``, ``a != b``, ``-z a``, ``-n a``, ``$# -gt n``."""
    from fnmatch import fnmatchcase

    if words[:1] == ["test"]:
        words = words[1:]
    if words[:1] == ["!"]:
        return _not(_single(words[1:], arguments))
    if len(words) == 2 and words[0] in ("-z", "-n"):
        text = value(words[1], arguments)
        return None if text is None else (text == "") == (words[0] == "-z")
    if len(words) != 3:
        return None
    left, right = value(words[0], arguments), value(words[2], arguments)
    if left is None or right is None:
        return None
    if words[1] in ("=", "=="):
        return fnmatchcase(left, right)
    if words[1] == "!=":
        return not fnmatchcase(left, right)
    if left.isdigit() and right.isdigit() and words[1] in _NUMBERS:
        return (int(left) > int(right)) - (int(left) < int(right)) in _NUMBERS[words[1]]
    return None


_NUMBERS = {"-eq": (0,), "-ne": (-1, 1), "-gt": (1,), "-ge": (0, 1), "-lt": (-1,), "-le": (-1, 0)}
"""Operator → the signs of left - right for which it holds."""


def value(word: str, arguments: list[str]) -> str | None:
    """Return what a word means to a script with these arguments; None when it holds anything but them."""
    if "$" not in word and "`" not in word:
        return word
    name = word[1:]
    if word.startswith("${") and word.endswith("}"):
        name = word[2:-1]
    if name == "#":
        return str(len(arguments))
    if name in ("*", "@"):
        return " ".join(arguments)
    number = name[:1]
    if not word.startswith("$") or not number.isdigit() or number == "0":
        return None
    text = arguments[int(number) - 1] if int(number) <= len(arguments) else ""
    rest = name[1:]
    if "$" in text or "$" in rest:
        return None
    if rest in ("", ":-", "-"):
        return text
    if rest.startswith((":-", "-")):
        return text or rest.lstrip(":-")
    if rest.startswith("#") and "*" not in rest and "?" not in rest:
        return text.removeprefix(rest.lstrip("#"))
    return None
