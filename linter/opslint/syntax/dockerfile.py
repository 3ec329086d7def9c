"""Dockerfiles as instructions: continuations, here-documents, parser directives, flags and the JSON form."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem
from opslint.syntax.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Span

INSTRUCTIONS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split()
)
_HEREDOC_INSTRUCTIONS = frozenset(("RUN", "COPY", "ADD"))


class Instruction(Record):
    """One instruction.

    `name` in upper case; `flags` (name, value) pairs of the leading ``--flag=value`` words; `value` the rest of the logical line,
    continuations joined by nothing (as Docker does); `words` the JSON (exec) form, else None; `heredocs` (name, body) pairs;
    `stage` the number of the build stage it stands in (-1 before the first ``FROM``); `line`, `end_line` what it covers;
    `at` the place of the whole instruction.
    """

    __slots__ = ("at", "end_line", "flags", "heredocs", "line", "name", "stage", "value", "words")
    at: int
    end_line: int
    flags: list[tuple[str, str]]
    heredocs: list[tuple[str, str]]
    line: int
    name: str
    stage: int
    value: str
    words: list[str] | None

    def flag(self, name: str) -> str | None:
        """Return the value of flag `name` (without dashes), None when it is not given."""
        return next((value for key, value in self.flags if key == name), None)


class DockerfileDocument(Document):
    """One Dockerfile: `instructions` in order, `escape` the escape character."""

    def __init__(self, data: bytes, kind: str) -> None:
        super().__init__(data, kind)
        self.instructions: list[Instruction] = []
        self.escape = "\\"
        self._comments: list[tuple[int, str]] = []

    def views(self, hook: str, names: tuple[str, ...]) -> Iterator[Any]:
        """Yield (document, instruction) pairs for `Instructions`."""
        if hook == "instructions":
            for instruction in self.instructions:
                if not names or instruction.name in names:
                    yield self, instruction

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield the comment lines that hold ``opslint:`` (a Dockerfile has no others)."""
        for line, text in self._comments:
            if "opslint:" in text:
                column = text.index("#") + 1
                yield (line, column, line, len(text) + 1), text[column:].strip(), True

    def block_end(self, line: int) -> int:
        """Return the last line of the instruction that starts on `line`."""
        return next((found.end_line for found in self.instructions if found.line == line), line)


def read(data: bytes, kind: str) -> DockerfileDocument:
    """Read a Dockerfile; raises ReadProblem ``decode-error``, or ``template`` for another tool's template."""
    text = decode(data)
    document = DockerfileDocument(data, kind)
    _Splitter(document, text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).run()
    return document


class _Splitter:
    __slots__ = ("document", "lines", "next", "stage")

    def __init__(self, document: DockerfileDocument, lines: list[str]) -> None:
        self.document = document
        self.lines = lines
        self.next = 0
        self.stage = -1

    def run(self) -> None:
        """Split all lines."""
        self._directives()
        while self.next < len(self.lines):
            line = self.lines[self.next]
            stripped = line.strip()
            if not stripped:
                self.next += 1
            elif stripped.startswith("#"):
                self.document._comments.append((self.next + 1, line))
                self.next += 1
            else:
                self._instruction()

    def _directives(self) -> None:
        """Parser directives: comments of the form ``# name=value`` before anything else."""
        for line in self.lines:
            name, equals, value = line.strip().lstrip("#").partition("=")
            if not line.strip().startswith("#") or not equals or not name.strip().isalpha():
                return
            if name.strip().lower() == "escape" and value.strip() == "`":
                self.document.escape = "`"

    def _logical_line(self) -> str:
        """Take the next logical line: continued lines joined, comment and empty lines inside it dropped."""
        escape = self.document.escape
        parts: list[str] = []
        continued = True
        while continued and self.next < len(self.lines):
            line = self.lines[self.next]
            stripped = line.lstrip()
            if parts and (not stripped or stripped.startswith("#")):
                if stripped:
                    self.document._comments.append((self.next + 1, line))
                self.next += 1
                continue
            self.next += 1
            body = line.rstrip(" \t")
            continued = body.endswith(escape)
            parts.append(body[:-1] if continued else line)
        return "".join(parts).strip()

    def _instruction(self) -> None:
        first = self.next
        logical = self._logical_line()
        name, _, rest = logical.replace("\t", " ", 1).partition(" ") if logical[:1] else ("", "", "")
        name = name.upper()
        if name not in INSTRUCTIONS:
            span = (first + 1, 1, first + 1, len(self.lines[first]) + 1)
            if "{{" in logical or "{%" in logical:
                raise ReadProblem("template", "a template of another tool, not a Dockerfile yet", span)
            self.document.problems.append(ReadProblem("parse-error", f"unknown instruction {name[:40]}", span))
            return
        if name == "FROM":
            self.stage += 1
        flags, value = _flags(rest.strip())
        heredocs = self._heredocs(value) if name in _HEREDOC_INSTRUCTIONS and "<<" in value else []
        last = self.next - 1
        while last > first and not self.lines[last].strip():
            last -= 1
        column = len(self.lines[first]) - len(self.lines[first].lstrip()) + 1
        span = (first + 1, column, last + 1, len(self.lines[last]) + 1)
        self.document.instructions.append(
            Instruction(
                at=self.document.places.add(span),
                end_line=last + 1,
                flags=flags,
                heredocs=heredocs,
                line=first + 1,
                name=name,
                stage=self.stage,
                value=value,
                words=json_words(value),
            )
        )

    def _heredocs(self, value: str) -> list[tuple[str, str]]:
        bodies: list[tuple[str, str]] = []
        for delimiter, strip_tabs in _delimiters(value):
            start = self.next
            while self.next < len(self.lines):
                line = self.lines[self.next]
                self.next += 1
                if (line.lstrip("\t") if strip_tabs else line) == delimiter:
                    break
            else:
                span = (start, 1, start, 1)
                self.document.problems.append(ReadProblem("parse-error", f"here-document {delimiter} is never closed", span))
                bodies.append((delimiter, "\n".join(self.lines[start:])))
                continue
            bodies.append((delimiter, "\n".join(self.lines[start : self.next - 1])))
        return bodies


def _delimiters(value: str) -> list[tuple[str, bool]]:
    """The here-document words of an instruction: (delimiter, whether leading tabs are stripped)."""
    found: list[tuple[str, bool]] = []
    quote = ""
    at = 0
    while at < len(value):
        char = value[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif value.startswith("<<", at) and not value.startswith("<<<", at):
            at += 2
            strip_tabs = value.startswith("-", at)
            at += strip_tabs
            mark = value[at : at + 1] if value[at : at + 1] in ("'", '"') else ""
            start = at + len(mark)
            end = start
            while end < len(value) and (value[end].isalnum() or value[end] == "_"):
                end += 1
            if end > start and not value[start].isdigit():
                found.append((value[start:end], strip_tabs))
            at = end + len(mark)
            continue
        elif value.startswith("<<<", at):
            at += 3
            continue
        at += 1
    return found


def _flags(rest: str) -> tuple[list[tuple[str, str]], str]:
    flags: list[tuple[str, str]] = []
    while rest.startswith("--"):
        word, _, after = rest.partition(" ")
        name, _, value = word[2:].partition("=")
        if not name:
            break
        flags.append((name, value.strip('"')))
        rest = after.lstrip()
    return flags, rest


def json_words(value: str) -> list[str] | None:
    """Return the words of the JSON (exec) form, None for the shell form."""
    if not value.startswith("["):
        return None
    from json import loads

    try:
        words = loads(value)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None
