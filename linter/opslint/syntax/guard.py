"""One linear scan before a parser sees bytes: is the file shaped so that a recursive parser could die of it?

Files under the guard are read in process. Files over it are read by a worker process that can be killed
(`opslint.engine.isolated`).
"""

from __future__ import annotations

MAX_NESTING = 120
"""Bracket depth. CPython's tokenizer stops at 200, python-hcl2 dies at 300, LibCST in a 1 MB stack at 154; the deepest of 12,000 real files has 31."""

MAX_CHAIN = 700
"""Signs or attribute steps in one row (``- - -x``, ``a.b().c()…``): each is a level of recursion for a tree walk; Python's limit is 1,000."""

MAX_LINE = 200_000
"""Bytes in one line. Longer lines are data, and quadratic in more than one parser."""

MAX_INDENT = 400
"""Leading white space of a line, in bytes: block nesting of YAML is at most half of it."""

_BRACKETS = b"()[]{}"
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_ROUNDS = 24


def is_heavy(data: bytes) -> str:
    """Return why `data` must not be read in process, or the empty string."""
    if _longest_line(data) > MAX_LINE:
        return "a line is too long"
    if _nesting_over(data, MAX_NESTING):
        return "nested too deeply"
    if _chain_over(data):
        return "an expression is too long"
    if b" " * MAX_INDENT in data and b"\n" + b" " * MAX_INDENT in data:
        return "indented too deeply"
    return ""


def _longest_line(data: bytes) -> int:
    if len(data) <= MAX_LINE:
        return 0
    longest, start = 0, 0
    while start < len(data):
        # Steps of MAX_LINE: a line break within each step means no line is longer.
        end = data.rfind(b"\n", start, start + MAX_LINE + 1)
        if end < 0:
            return MAX_LINE + 1 if len(data) - start > MAX_LINE else longest
        start = end + 1
    return longest


def _nesting_over(data: bytes, limit: int) -> bool:
    brackets = data.translate(None, _NOT_BRACKETS)
    # Each round takes the innermost pairs away: what is left after a few rounds is either deep or unbalanced text.
    for _ in range(_ROUNDS):
        if len(brackets) <= limit:
            return False
        shorter = brackets.replace(b"()", b"").replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    depth = deepest = 0
    for byte in brackets:
        if byte in b"([{":
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest + _ROUNDS > limit


_OPERATORS = (b"+", b"-", b"*", b"~", b"!", b").", b"not ", b"await ")


def _chain_over(data: bytes) -> bool:
    # A chain over many lines ends in a RecursionError, which the readers report; only long lines can hold it in a row.
    if len(data) <= 2 * MAX_CHAIN:
        return False
    return any(len(line) > 2 * MAX_CHAIN and sum(map(line.count, _OPERATORS)) > MAX_CHAIN for line in data.split(b"\n"))
