"""Dotenv files: the grammar of python-dotenv, which the tests compare this lexer with on every file they hold."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document
from opslint.syntax.text import Lines, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Span

_BREAKS = "\r\n"
_DOUBLE_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SINGLE_ESCAPES = {"\\": "\\", "'": "'"}


class Binding(Record):
    """One ``NAME=value`` line. `value` is None for a bare name; `quote` is ``"``, ``'`` or ``""``; `refs` the names it interpolates."""

    __slots__ = ("name", "name_at", "quote", "refs", "value", "value_at")
    name: str
    name_at: int
    quote: str
    refs: list[str]
    value: str | None
    value_at: int


class DotenvDocument(Document):
    """One dotenv file. `bindings` in file order; `errors` are the spans of lines that python-dotenv would not read."""

    def __init__(self, data: bytes, kind: str, text: str) -> None:
        super().__init__(data, kind)
        self.text = text
        self.bindings: list[Binding] = []
        self.errors: list[Span] = []
        self.comment_spans: list[tuple[int, int]] = []
        self.lines = Lines(text)

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield the comments that hold ``opslint:``."""
        for start, end in self.comment_spans:
            body = self.text[start:end]
            if "opslint:" in body:
                line_start = max(self.text.rfind("\n", 0, start), self.text.rfind("\r", 0, start)) + 1
                yield self.lines.span(start, end), body.lstrip("#").strip(), not self.text[line_start:start].strip()


def read(data: bytes, kind: str) -> DotenvDocument:
    """Read a dotenv file; raises ReadProblem ``decode-error``."""
    text = decode(data)
    document = DotenvDocument(data, kind, text)
    _Lexer(document).run()
    return document


class _Lexer:
    __slots__ = ("at", "document", "end", "text")

    def __init__(self, document: DotenvDocument) -> None:
        self.document = document
        self.text = document.text
        self.end = len(document.text)
        self.at = 0

    def run(self) -> None:
        """Read all bindings."""
        text, end = self.text, self.end
        while True:
            while self.at < end and text[self.at].isspace():
                self.at += 1
            if self.at >= end:
                return
            start = self.at
            if not self._binding():
                line_end = self._line_end(self.at)
                self.document.errors.append(self.document.lines.span(start, line_end))
                self.at = line_end

    def _line_end(self, at: int) -> int:
        text, end = self.text, self.end
        while at < end and text[at] not in _BREAKS:
            at += 1
        return at

    def _skip_blanks(self) -> None:
        text, end = self.text, self.end
        while self.at < end and text[self.at].isspace() and text[self.at] not in _BREAKS:
            self.at += 1

    def _binding(self) -> bool:
        """Read one binding or comment line; False when it is neither (`at` then stands where reading stopped)."""
        text = self.text
        if text.startswith("export", self.at) and self.at + 6 < self.end:
            after = self.at + 6
            if text[after].isspace() and text[after] not in _BREAKS:
                self.at = after
                self._skip_blanks()
        key = self._key()
        if key is None:
            return False
        name, name_start, name_end = key
        if name == "":
            return self._comment_and_end()
        self._skip_blanks()
        value: str | None = None
        quote = ""
        start = end = name_end
        if self.at < self.end and text[self.at] == "=":
            self.at += 1
            self._skip_blanks()
            start = self.at
            found = self._value()
            if found is None:
                return False
            value, quote, end = found
        if not self._comment_and_end():
            return False
        lines, places = self.document.lines, self.document.places
        self.document.bindings.append(
            Binding(
                name=name,
                name_at=places.add(lines.span(name_start, name_end)),
                quote=quote,
                refs=references(value) if value and quote != "'" else [],
                value=value,
                value_at=places.add(lines.span(start, end)),
            )
        )
        return True

    def _key(self) -> tuple[str, int, int] | None:
        """Return (name, start, end); the empty name stands for a comment line, None for no key."""
        text, end, start = self.text, self.end, self.at
        if start >= end:
            return None
        if text[start] == "#":
            return "", start, start
        if text[start] == "'":
            close = text.find("'", start + 1)
            if close <= start + 1:
                return None
            self.at = close + 1
            return text[start + 1 : close], start, close + 1
        at = start
        while at < end and text[at] not in "=#" and not text[at].isspace():
            at += 1
        if at == start:
            return None
        self.at = at
        return text[start:at], start, at

    def _value(self) -> tuple[str, str, int] | None:
        """Return (value, quote, end of the value), or None for a quote that is never closed."""
        text, start = self.text, self.at
        quote = text[start : start + 1]
        if quote not in ("'", '"') or not quote:
            line_end = self._line_end(start)
            raw = text[start:line_end]
            self.at = line_end
            spaced = text[start - 1].isspace()
            cut = 0 if spaced and raw.startswith("#") else _comment_start(raw)
            if cut < len(raw):
                hash_at = raw.index("#", cut)
                self.document.comment_spans.append((start + hash_at, line_end))
            value = raw[:cut].rstrip()
            return value, "", start + len(value)
        at = start + 1
        while True:
            close = text.find(quote, at)
            if close < 0:
                return None
            if text[close - 1] == "\\" and close - 1 > start:
                at = close + 1
                continue
            break
        self.at = close + 1
        return _unescape(text[start + 1 : close], _DOUBLE_ESCAPES if quote == '"' else _SINGLE_ESCAPES), quote, close + 1

    def _comment_and_end(self) -> bool:
        self._skip_blanks()
        if self.at < self.end and self.text[self.at] == "#":
            start = self.at
            self.at = self._line_end(start)
            self.document.comment_spans.append((start, self.at))
        return self.at >= self.end or self.text[self.at] in _BREAKS


def _comment_start(raw: str) -> int:
    """Where the first run of white space before a ``#`` starts, else the length of `raw`."""
    at = raw.find("#")
    while at >= 0:
        if at > 0 and raw[at - 1].isspace():
            return len(raw[:at].rstrip())
        at = raw.find("#", at + 1)
    return len(raw)


def _unescape(text: str, escapes: dict[str, str]) -> str:
    if "\\" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in escapes and at + 1 < len(text):
            out.append(escapes[text[at + 1]])
            at += 2
        else:
            out.append(char)
            at += 1
    return "".join(out)


def references(value: str) -> list[str]:
    """Return the names that ``${NAME}``, ``${NAME:-x}`` and ``$NAME`` in a value refer to, in order, once each."""
    names: list[str] = []
    at = value.find("$")
    while at >= 0:
        if value[at + 1 : at + 2] == "$":
            at = value.find("$", at + 2)
            continue
        start = at + 2 if value[at + 1 : at + 2] == "{" else at + 1
        end = start
        while end < len(value) and (value[end].isalnum() or value[end] == "_"):
            end += 1
        if end > start and not value[start].isdigit() and value[start:end] not in names:
            names.append(value[start:end])
        at = value.find("$", max(end, at + 1))
    return names
