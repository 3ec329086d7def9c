"""SQL: a light, linear statement splitter that any dialect survives.

It knows quotes, dollar quotes, comments and ``DELIMITER``; it builds no tree. What a statement does is read from its
leading words (`opslint.facts.sql_statements`); a full parser is a question for rules that need expressions.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Span

MAX_STATEMENTS = 5000
"""Statements looked at in one file; dumps have more, and are data, not migrations."""

_PUNCTUATION = frozenset("(),;=<>+-*/%|&^~!?:.[]{}@#")


class Token:
    """One token: `text` (quotes of identifiers cut), its upper-case `word` ("" for strings and quoted names), `offset`."""

    __slots__ = ("kind", "offset", "text", "word")

    def __init__(self, kind: str, text: str, offset: int) -> None:
        self.kind = kind
        self.text = text
        self.offset = offset
        self.word = text.upper() if kind == "word" else ""


class Statement:
    """One statement: its tokens without comments, and its span."""

    __slots__ = ("span", "tokens")

    def __init__(self, tokens: list[Token], span: Span) -> None:
        self.tokens = tokens
        self.span = span

    @property
    def words(self) -> list[str]:
        """The upper-case words and punctuation; strings are ``''``, quoted names their own text."""
        return [token.word or (token.text if token.kind != "string" else "''") for token in self.tokens]


def _quoted_end(text: str, at: int, quote: str) -> int:
    """Return the offset behind the string or quoted name that opens at `at`; doubled quotes and ``\\'`` are seen."""
    position = at + 1
    while True:
        end = text.find(quote, position)
        if end < 0:
            return len(text)
        slashes = 0
        while quote == "'" and text[end - 1 - slashes] == "\\" and end - 1 - slashes > at:
            slashes += 1
        if slashes % 2:
            position = end + 1
        elif text.startswith(quote, end + 1):
            position = end + 2
        else:
            return end + 1


def _dollar_end(text: str, at: int) -> int | None:
    """Return the offset behind a dollar-quoted body that opens at `at`, None when this is no dollar quote."""
    close = text.find("$", at + 1, at + 64)
    if close < 0:
        return None
    tag = text[at : close + 1]
    if not (tag == "$$" or tag[1:-1].replace("_", "a").isalnum()):
        return None
    end = text.find(tag, close + 1)
    return len(text) if end < 0 else end + len(tag)


def _comment_end(text: str, at: int) -> int | None:
    """Return the offset behind a comment that opens at `at`, None when there is none."""
    if text.startswith("--", at) or text[at] == "#":
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if text.startswith("/*", at):
        end = text.find("*/", at + 2)
        return len(text) if end < 0 else end + 2
    return None


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of `text` without comments: kinds ``word string name number punct``."""
    at, size = 0, len(text)
    while at < size:
        char = text[at]
        if char in " \t\r\n\f\v\ufeff":
            at += 1
        elif char in "-/#" and (end := _comment_end(text, at)) is not None:
            at = end
        elif char in "'\"`":
            end = _quoted_end(text, at, char)
            kind = "string" if char == "'" else "name"
            yield Token(kind, text[at + 1 : end - 1], at)
            at = end
        elif char == "$" and (end := _dollar_end(text, at)) is not None:
            yield Token("string", text[at:end], at)
            at = end
        elif char in _PUNCTUATION:
            yield Token("punct", char, at)
            at += 1
        else:
            end = at + 1
            while end < size and not text[end].isspace() and text[end] not in _PUNCTUATION and text[end] not in "'\"`":
                end += 1
            yield Token("word", text[at:end], at)
            at = end


def split(text: str, line_of: _Lines | None = None) -> list[Statement]:
    """Split `text` into statements at ``;`` (or MySQL's ``DELIMITER``, or a line that is ``GO``)."""
    lines = line_of or _Lines(text)
    found: list[Statement] = []
    current: list[Token] = []
    end_offset = 0

    def close() -> None:
        if current and len(found) < MAX_STATEMENTS:
            found.append(Statement(list(current), lines.span(current[0].offset, end_offset)))
        current.clear()

    depth = 0
    for token in tokens(text):
        if token.kind == "punct" and token.text == ";" and depth == 0:
            close()
            continue
        if token.word == "GO" and (not current or lines.alone(token.offset, 2)):
            close()
            continue
        if token.word == "ATOMIC" and current and current[-1].word == "BEGIN":
            depth += 1
        elif depth and token.word == "END":
            depth -= 1
        current.append(token)
        end_offset = token.offset + len(token.text) + (2 if token.kind in ("string", "name") else 0)
    close()
    return found


class _Lines:
    """Offsets to lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def position(self, offset: int) -> tuple[int, int]:
        from bisect import bisect_right

        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        end = max(start, min(end, len(self.text)))
        return (*self.position(start), *self.position(end))

    def alone(self, offset: int, length: int) -> bool:
        line, column = self.position(offset)
        start = self.starts[line - 1]
        stop = self.starts[line] if line < len(self.starts) else len(self.text)
        return not self.text[start : start + column - 1].strip() and not self.text[offset + length : stop].strip()


class SqlDocument(Document):
    """A SQL script: its `statements` and its `marks` (``-- +goose Up``, ``-- migrate:up``… as (line, text))."""

    def __init__(self, data: bytes, text: str) -> None:
        super().__init__(data, "sql")
        self.text = text
        self.lines = _Lines(text)
        self.statements = split(text, self.lines)
        self.marks = [
            (number, line.strip()[2:].strip())
            for number, line in enumerate(text.split("\n"), 1)
            if line.lstrip().startswith("--") and ("migrate:" in line or "+goose" in line or "+migrate" in line)
        ]

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield ``--`` and ``#`` comments that hold ``opslint:``."""
        if b"opslint:" not in self.data:
            return
        for number, line in enumerate(self.text.split("\n"), 1):
            mark = line.find("--") if "--" in line else line.find("#")
            at = line.find("opslint:")
            if 0 <= mark < at and "'" not in line[:mark]:
                yield (number, mark + 1, number, len(line) + 1), line[mark:].lstrip("-# ").strip(), not line[:mark].strip()

    def block_end(self, line: int) -> int:
        """Return the last line of the statement that starts at `line`."""
        return next((statement.span[2] for statement in self.statements if statement.span[0] == line), line)


def read(data: bytes, kind: str = "sql") -> SqlDocument:
    """Read a SQL script. Raises ReadProblem ``decode-error`` for text in no Unicode encoding."""
    try:
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return SqlDocument(data, data.decode(encoding))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReadProblem("decode-error", f"not valid UTF-8: {error}", (line, 1, line, 1)) from None
