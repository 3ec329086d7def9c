"""Go template source → literal text and actions with their tokens (see `opslint.syntax.gotemplate`)."""

from __future__ import annotations

from bisect import bisect_right

from opslint.base.lazy import cache
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    import re

    from opslint.base.location import Span

_SPACE = " \t\r\n"


class Token:
    """A piece of an action: `what` is its class (``string``, ``number``, ``field``…), `spaced` whether space stands before it."""

    __slots__ = ("offset", "spaced", "text", "what")

    def __init__(self, what: str, text: str, offset: int, spaced: bool) -> None:
        self.what = what
        self.text = text
        self.offset = offset
        self.spaced = spaced


class Item:
    """Literal text (`tokens` None) or an action with its tokens."""

    __slots__ = ("end", "start", "text", "tokens")

    def __init__(self, start: int, end: int, text: str, tokens: list[Token] | None) -> None:
        self.start = start
        self.end = end
        self.text = text
        self.tokens = tokens


@cache
def _pattern() -> re.Pattern[str]:
    import re

    return re.compile(
        r'(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<raw>`[^`]*`)|(?P<char>\'(?:[^\'\\\n]|\\.)+\')'
        r"|(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?\d+)?|0[oObB][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?))"
        r"|(?P<field>\.[^\W\d]\w*)|(?P<variable>\$\w*)|(?P<word>[^\W\d]\w*)|(?P<declare>:=)|(?P<sign>[=|(),])|(?P<dot>\.)"
    )


class Lexer:
    """Splits a template; `lines` turns offsets into positions."""

    def __init__(self, text: str, lines: Lines) -> None:
        self.text = text
        self.lines = lines

    def items(self) -> list[Item]:
        """All items in order. Raises ReadProblem."""
        text, found = self.text, list[Item]()
        position, trim = 0, False
        while True:
            start = text.find("{{", position)
            literal_end = start if start >= 0 else len(text)
            begin = position
            if trim:
                while begin < literal_end and text[begin] in _SPACE:
                    begin += 1
            stop = literal_end
            body = start + 2
            if start >= 0 and text[body : body + 1] == "-" and text[body + 1 : body + 2] in tuple(_SPACE):
                while stop > begin and text[stop - 1] in _SPACE:
                    stop -= 1
                body += 2
            if stop > begin:
                found.append(Item(begin, stop, text[begin:stop], None))
            if start < 0:
                return found
            tokens, position, trim = self._action(body, start)
            if tokens is not None:
                found.append(Item(start, position, "", tokens))

    def _action(self, at: int, start: int) -> tuple[list[Token] | None, int, bool]:
        text = self.text
        begin = at
        while text[begin : begin + 1] and text[begin] in _SPACE:
            begin += 1
        if text.startswith("/*", begin):
            close = text.find("*/", begin + 2)
            if close < 0:
                raise self.lines.problem("unclosed comment", start)
            after = close + 2
            while text[after : after + 1] and text[after] in _SPACE:
                after += 1
            if text.startswith("-}}", after):
                return None, after + 3, True
            if text.startswith("}}", after):
                return None, after + 2, False
            raise self.lines.problem("comment ends before the closing delimiter", start)
        match = _pattern().match
        tokens: list[Token] = []
        while True:
            spaced = False
            while text[at : at + 1] and text[at] in _SPACE:
                at += 1
                spaced = True
            if text.startswith("}}", at):
                return tokens, at + 2, False
            if (spaced or not tokens) and text.startswith("-}}", at):
                return tokens, at + 3, True
            found = match(text, at)
            if found is None:
                raise self.lines.problem("unclosed action" if at >= len(text) else f"unexpected {text[at]!r} in an action", start)
            tokens.append(Token(found.lastgroup or "", found.group(), at, spaced))
            at = found.end()


class Lines:
    """Offsets to lines and columns."""

    def __init__(self, text: str) -> None:
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The span between two offsets."""
        return (*self.position(start), *self.position(end))

    def problem(self, message: str, offset: int) -> ReadProblem:
        """A parse error at an offset."""
        return ReadProblem("parse-error", message, self.span(offset, offset))


def number(text: str) -> int | float:
    """The value of a number token. Raises ValueError."""
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").lower()
    if digits.startswith("0x") and ("p" in digits or "." in digits):
        return sign * float.fromhex(digits)
    if digits.startswith(("0x", "0o", "0b")):
        return sign * int(digits, 0)
    if digits.isdigit():
        if len(digits) > 40:
            raise ValueError(text)
        return sign * (int(digits, 8) if len(digits) > 1 and digits[0] == "0" else int(digits))
    return sign * float(digits)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def unescape(text: str) -> str:
    """Resolve the escapes of an interpreted Go string."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "\\" or at >= len(text):
            out.append(char)
            continue
        kind = text[at]
        at += 1
        width = {"x": 2, "u": 4, "U": 8}.get(kind)
        if width is None:
            out.append(_ESCAPES.get(kind, kind))
            continue
        try:
            out.append(chr(int(text[at : at + width], 16)))
        except (ValueError, OverflowError):
            out.append("\ufffd")
        at += width
    return "".join(out)
