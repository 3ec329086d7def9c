"""Fixture folders: ``<rule-name>/{bad,good}/<case>/…`` small trees with `# expect: rule-name` marks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from opslint.testing.marks import Mark, marks_in

EXPECTED = "expected.txt"
"""Beside the files of a case: further marks, one `path:line rule-name` a line, where a format has no comments."""


class Case(NamedTuple):
    """One case of one rule."""

    rule: str
    good: bool
    directory: Path

    @property
    def id(self) -> str:
        """Return a name for test reports."""
        return f"{self.rule}-{'good' if self.good else 'bad'}-{self.directory.name}"

    def marks(self) -> list[Mark]:
        """Return the findings the case must give, read from its files."""
        found: list[Mark] = []
        for path in sorted(self.directory.rglob("*")):
            if not path.is_file():
                continue
            name = path.relative_to(self.directory).as_posix()
            try:
                text = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue
            if name == EXPECTED:
                for line in text.split("\n"):
                    place, _, rule = line.strip().partition(" ")
                    if place and not place.startswith("#"):
                        file, _, number = place.rpartition(":")
                        found.append(Mark(file, int(number), rule.strip()))
            else:
                found += marks_in(name, text.replace("\r\n", "\n"))
        return sorted(found)


def fixture_cases(directory: str | Path) -> list[Case]:
    """Return all cases below a fixtures directory, sorted by rule, then bad before good, then name."""
    cases = []
    top = Path(directory)
    for rule in sorted(top.iterdir()) if top.is_dir() else []:
        for kind in ("bad", "good"):
            for case in sorted((rule / kind).iterdir()) if (rule / kind).is_dir() else []:
                if case.is_dir():
                    cases.append(Case(rule.name, kind == "good", case))
    return cases
