"""Dockerfiles as facts: stages and instructions, ENV and ARG values masked."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_values import split, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.syntax.dockerfile import DockerfileDocument, Instruction

__all__ = ["EXTRACTORS", "Dockerfile", "Step"]

_LONGEST_TEXT = 2000
"""Characters of a shell form or here-document that are kept."""


class Dockerfile(Fact):
    """One Dockerfile.

    `stages` are ``[name, base image or stage as written, place]``; `arguments` ``[name, default text]`` of the `ARG`s before the first
    `FROM`; `steps` ``[place, instruction, stage, flags, text, words, pairs, here-documents]``, see `Step`; `sources` ``[place, path,
    stage]`` of what `COPY` and `ADD` take from the build context. `broken`: it holds lines that are no instruction, so it does not build.
    """

    __slots__ = ("arguments", "broken", "sources", "stages", "steps")
    arguments: list[list[str]]
    broken: bool
    sources: list[list[Any]]
    stages: list[list[Any]]
    steps: list[list[Any]]

    def instructions(self) -> list[Step]:
        """Return the steps as objects."""
        return [Step(*step) for step in self.steps]


class Step:
    """One instruction of a `Dockerfile`. `pairs` are ``[name, value]`` of ENV and ARG (values as in `opslint.facts.env_values`)."""

    __slots__ = ("at", "flags", "heredocs", "name", "pairs", "stage", "text", "words")

    def __init__(
        self,
        at: int,
        name: str,
        stage: int,
        flags: list[list[str]],
        text: str,
        words: list[str] | None,
        pairs: list[list[Any]],
        heredocs: list[str],
    ) -> None:
        self.at = at
        self.name = name
        self.stage = stage
        self.flags = flags
        self.text = text
        self.words = words
        self.pairs = pairs
        self.heredocs = heredocs

    def flag(self, name: str) -> str | None:
        """Return the value of flag `name`, None when it is not given."""
        return next((value for key, value in self.flags if key == name), None)


def _extract(document: DockerfileDocument, emit: Callable[[Fact], None]) -> None:
    stages: list[list[Any]] = []
    arguments: list[list[str]] = []
    steps: list[list[Any]] = []
    sources: list[list[Any]] = []
    names = _Names()
    for instruction in document.instructions:
        if instruction.name == "FROM":
            words = instruction.value.split()
            named = len(words) >= 3 and words[1].upper() == "AS"
            base = names.filled(words[0]) if words else ""
            names.enter(base, words[2] if named else "")
            stages.append([words[2].lower() if named else "", strip_credentials(base), instruction.at])
        elif instruction.name == "ARG" and instruction.stage < 0:
            name, _, default = instruction.value.partition("=")
            arguments.append([name.strip(), strip_credentials(default.strip().strip("\"'"))])
            names.declare(name.strip(), default.strip().strip("\"'"))
        elif instruction.name not in ("LABEL", "MAINTAINER"):
            steps.append(_step(instruction, names))
            if instruction.name in ("COPY", "ADD") and instruction.flag("from") is None and not instruction.heredocs:
                sources.extend(_sources(document, instruction, names))
    if stages:
        at, broken = stages[0][2], bool(document.problems)
        emit(Dockerfile(arguments=arguments, at=at, broken=broken, sources=sources, stages=stages, steps=steps))


def _sources(document: DockerfileDocument, instruction: Instruction, names: _Names) -> Iterator[list[Any]]:
    """What a COPY takes from the context: each word but the last, where it is written."""
    words = instruction.words if instruction.words is not None else [word.strip("\"'") for word in instruction.value.split()]
    lines = document.data.decode("utf-8", "replace").split("\n")
    line, column = instruction.line, lines[instruction.line - 1].upper().find(instruction.name) + len(instruction.name)
    for word in words[:-1]:
        while line < instruction.end_line and lines[line - 1].find(word, column) < 0:
            line, column = line + 1, 0
        at = lines[line - 1].find(word, column)
        if at >= 0:
            column = at + len(word)
            yield [document.places.add((line, at + 1, line, column + 1)), names.filled(word), instruction.stage]


_FILLED = frozenset(("COPY", "ADD", "WORKDIR", "USER", "EXPOSE", "VOLUME", "STOPSIGNAL"))
"""Instructions in which Docker replaces variables (docs.docker.com/reference/dockerfile, "Environment replacement")."""


class _Names:
    """The ARG and ENV values that are in force, stage by stage."""

    def __init__(self) -> None:
        self.outer: dict[str, str] = {}
        self.inner: dict[str, str] = {}
        self.stages: dict[str, dict[str, str]] = {}
        self.started = False

    def declare(self, name: str, value: str | None) -> None:
        """Take an ARG (its default, or the outer one of the same name) or ENV."""
        if not self.started:
            self.outer[name] = self.filled(value or "")
        elif value is not None:
            self.inner[name] = self.filled(value)
        elif name in self.outer:
            self.inner.setdefault(name, self.outer[name])

    def enter(self, base: str, name: str) -> None:
        """Enter a stage: it inherits the variables of a stage it starts from."""
        self.started = True
        self.inner = dict(self.stages.get(base.lower(), {}))
        if name:
            self.stages[name.lower()] = self.inner

    def filled(self, text: str) -> str:
        """Return the text with the variables that are known replaced."""
        if "$" not in text:
            return text
        known = self.inner if self.started else self.outer
        out: list[str] = []
        for part in split(text):
            if isinstance(part, str):
                out.append(part)
                continue
            name, operator, default = part
            value = known.get(name, self.outer.get(name) if not self.started else None)
            if operator in (":+", "+"):
                out.append(default if value else "")
            elif value:
                out.append(value)
            elif operator in (":-", "-"):
                out.append(default)
            else:
                out.append(f"${{{name}}}")
        return "".join(out)


def _step(instruction: Instruction, names: _Names) -> list[Any]:
    pairs: list[list[Any]] = []
    text = ""
    words = None
    if instruction.name in ("ENV", "ARG"):
        for name, value in environment_pairs(instruction.value, instruction.name):
            names.declare(name, value)
            pairs.append([name, value_of(name, names.filled(value) if value is not None else None)])
    else:
        value = names.filled(instruction.value) if instruction.name in _FILLED else instruction.value
        text = strip_credentials(value[:_LONGEST_TEXT])
        words = [strip_credentials(word) for word in instruction.words] if instruction.words is not None else None
    return [
        instruction.at,
        instruction.name,
        instruction.stage,
        [list(flag) for flag in instruction.flags],
        text,
        words,
        pairs,
        [strip_credentials(body[:_LONGEST_TEXT]) for _delimiter, body in instruction.heredocs],
    ]


def environment_pairs(value: str, instruction: str) -> list[tuple[str, str | None]]:
    """Split the operand of `ENV` or `ARG` into names and values: ``A=1 B="x y"`` or the old form ``A rest of the line``."""
    pairs: list[tuple[str, str | None]] = []
    words = _quoted_words(value)
    if instruction == "ENV" and words and "=" not in words[0][1]:
        name, _, rest = value.strip().partition(" ")
        return [(name, rest.strip())] if name else []
    for text, raw in words:
        name, equals, content = text.partition("=")
        if name and raw[:1] not in ("'", '"'):
            pairs.append((name, content if equals else None))
    return pairs


def _quoted_words(value: str) -> list[tuple[str, str]]:
    """Split at blanks outside quotes; returns (text without quotes, as written)."""
    words: list[tuple[str, str]] = []
    out: list[str] = []
    raw_start, quote, at, inside = 0, "", 0, False
    while at < len(value):
        char = value[at]
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and at + 1 < len(value):
                at += 1
                out.append(value[at])
            else:
                out.append(char)
        elif char in "'\"":
            quote, inside = char, True
        elif char in " \t":
            if inside:
                words.append(("".join(out), value[raw_start:at]))
            out, inside, raw_start = [], False, at + 1
        elif char == "\\" and at + 1 < len(value):
            at += 1
            out.append(value[at])
            inside = True
        else:
            out.append(char)
            inside = True
        at += 1
    if inside:
        words.append(("".join(out), value[raw_start:]))
    return words


EXTRACTORS = (Extractor("dockerfile", (), _extract),)
