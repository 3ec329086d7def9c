"""The Bad and Good blocks of a rule's docstring: its documentation, its examples, its first tests.

A line `Bad:` or `Good:` opens an example (`Bad: words` names it). Files follow as indented blocks that start with
``# file: path``; a mark ``# expect: rule-name`` at the end of a line names the rule that must report there, and where the
file's format has no comments a line ``expect: path:line`` does (of this rule, or ``expect: path:line rule-name``).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

from opslint.base.rule import FileRule, ProjectRule, Rule
from opslint.testing.marks import Mark, marks_in

if TYPE_CHECKING:
    from types import ModuleType

SECTIONS = ("What it finds", "In production", "Bad", "Good", "Exempt", "Fix safety", "Authority")


class ExampleError(ValueError):
    """A docstring's examples cannot be read; the message says where."""


class Example(NamedTuple):
    """One Bad or Good block. `marks` are the findings it must give (none for Good)."""

    rule: str
    good: bool
    title: str
    files: dict[str, str]
    marks: list[Mark]

    @property
    def id(self) -> str:
        """Return a name for test reports."""
        return f"{self.rule}-{'good' if self.good else 'bad'}-{self.title}"


def rule_classes(module: ModuleType) -> list[type[Rule]]:
    """Return the rules a module defines itself, in order of definition."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, FileRule | ProjectRule)
        and value.__module__ == module.__name__
        and "meta" in vars(value)
    ]


def parse_examples(rule: type[Rule]) -> list[Example]:
    """Return the examples of a rule's docstring in order; ExampleError when a block has no file or a Bad one no mark."""
    name = rule.meta.name
    examples: list[Example] = []
    block: _Block | None = None
    for line in inspect.cleandoc(rule.__doc__ or "").split("\n"):
        head = line.rstrip()
        if head and not head.startswith(" "):
            opened = _opening(head)
            if opened is not None:
                if block is not None:
                    examples.append(block.finish())
                block = _Block(name, opened[0], opened[1] or str(1 + sum(item.good == opened[0] for item in examples)))
                continue
            if block is not None and not block.expect(head):
                examples.append(block.finish())
                block = None
            continue
        if block is not None:
            block.add(line)
    if block is not None:
        examples.append(block.finish())
    return examples


def _opening(line: str) -> tuple[bool, str] | None:
    """Return (good, title) for `Bad:`, `Good:`, `Bad: title`, `Good (title):`."""
    for word, good in (("Bad", False), ("Good", True)):
        if line.startswith(word) and ":" in line:
            rest = line[len(word) :].strip()
            if rest.startswith(":"):
                return good, rest[1:].strip()
            if rest.startswith("(") and rest.endswith("):"):
                return good, rest[1:-2].strip()
    return None


class _Block:
    """An example while its lines are read."""

    def __init__(self, rule: str, good: bool, title: str) -> None:
        self.rule = rule
        self.good = good
        self.title = title
        self.lines: list[str] = []
        self.extra: list[tuple[str, int, str]] = []

    def add(self, line: str) -> None:
        stripped = line.strip()
        if stripped.startswith("expect:") and not stripped.startswith("expect: " + self.rule):
            self.expect(stripped)
        else:
            self.lines.append(line)

    def expect(self, line: str) -> bool:
        """Read an `expect: path:line [rule]` line; False when the line is none."""
        if not line.startswith("expect:"):
            return False
        words = line.removeprefix("expect:").split()
        path, colon, number = words[0].rpartition(":") if words else ("", "", "")
        if not colon or not number.isdigit():
            raise ExampleError(f"{self.rule}: {line!r} is no `expect: path:line`")
        self.extra.append((path, int(number), words[1] if len(words) > 1 else self.rule))
        return True

    def finish(self) -> Example:
        files: dict[str, list[str]] = {}
        current: list[str] | None = None
        for line in inspect.cleandoc("\n".join(self.lines)).split("\n"):
            for mark in ("# file:", "// file:", "-- file:"):
                if line.startswith(mark):
                    current = files.setdefault(line.removeprefix(mark).strip(), [])
                    break
            else:
                if current is not None:
                    current.append(line)
                elif line.strip():
                    raise ExampleError(f"{self.rule}: the {self._kind()} block starts with {line!r}, not with `# file: path`")
        if not files:
            raise ExampleError(f"{self.rule}: a {self._kind()} block without a file")
        texts = {path: "\n".join(_trimmed(lines)) + "\n" for path, lines in files.items()}
        marks = [mark for path, text in texts.items() for mark in marks_in(path, text)]
        marks += [Mark(*extra) for extra in self.extra]
        if not self.good and not any(mark.rule == self.rule for mark in marks):
            raise ExampleError(f"{self.rule}: a Bad block without `# expect: {self.rule}`")
        return Example(self.rule, self.good, self.title, texts, sorted(marks))

    def _kind(self) -> str:
        return "Good" if self.good else "Bad"


def _trimmed(lines: list[str]) -> list[str]:
    """Drop blank lines at both ends and the indentation that all lines share."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    while lines and not lines[0].strip():
        lines = lines[1:]
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    cut = min(indents, default=0)
    return [line[cut:] for line in lines]
