"""Requirement files, pyproject.toml and lock files as (package, version, specifier) with their lines."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem
from opslint.syntax.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Span


class Requirement(Record):
    """One package. `name` normalised (lower case, ``-``); `version` the one version allowed, else ``""``; `specifier` as written."""

    __slots__ = ("at", "name", "specifier", "version")
    at: int
    name: str
    specifier: str
    version: str


class RequirementsDocument(Document):
    """One file of requirements. `includes` are the files named by ``-r`` and ``-c``, `locked` whether a tool wrote the versions."""

    def __init__(self, data: bytes, kind: str) -> None:
        super().__init__(data, kind)
        self.requirements: list[Requirement] = []
        self.includes: list[tuple[str, int]] = []
        self.locked = kind == "lock"
        self._comments: list[tuple[Span, str, bool]] = []

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield the comments that hold ``opslint:``."""
        return iter(self._comments)

    def add(self, name: str, specifier: str, line: int, length: int) -> None:
        """Add a requirement that stands on `line`."""
        specifier = specifier.strip()
        bare = specifier.partition(";")[0].strip()
        exact = bare.lstrip("=").strip() if bare.startswith("==") and "," not in bare and "*" not in bare else ""
        self.requirements.append(
            Requirement(
                at=self.places.add((line, 1, line, length + 1)), name=normalised(name), specifier=specifier, version=exact
            )
        )


def normalised(name: str) -> str:
    """Return a package name as indexes compare it: lower case, runs of ``-_.`` as one dash."""
    out = name.lower().replace("_", "-").replace(".", "-")
    while "--" in out:
        out = out.replace("--", "-")
    return out


def read(data: bytes, kind: str) -> RequirementsDocument:
    """Read requirements.txt, pyproject.toml, Pipfile.lock (JSON), poetry.lock or uv.lock; raises ReadProblem."""
    text = decode(data)
    document = RequirementsDocument(data, kind)
    head = text.lstrip()[:1]
    if kind == "requirements":
        _read_lines(document, text)
    elif head == "{":
        _read_pipfile_lock(document, text)
    elif kind == "lock":
        _read_toml_lock(document, text)
    else:
        _read_pyproject(document, text)
    if "opslint:" in text:
        for number, line in enumerate(text.splitlines(), 1):
            column = line.find("#")
            if column >= 0 and "opslint:" in line[column:]:
                span = (number, column + 1, number, len(line) + 1)
                document._comments.append((span, line[column + 1 :].strip(), not line[:column].strip()))
    return document


def split_requirement(text: str) -> tuple[str, str]:
    """Split ``name[extra]>=1; marker`` into name and the rest without extras; the name is empty for a URL or option."""
    end = 0
    while end < len(text) and (text[end].isalnum() or text[end] in "-_."):
        end += 1
    name, rest = text[:end], text[end:].lstrip()
    if rest.startswith("["):
        rest = rest.partition("]")[2]
    return name, rest.strip()


def _read_lines(document: RequirementsDocument, text: str) -> None:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        start = number
        line = lines[number]
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number]
        number += 1
        if line.lstrip().startswith("#"):
            continue
        body = line.partition(" #")[0].strip()
        body = body.partition(" --")[0].strip()
        length = len(lines[start])
        if body.startswith(("-r ", "-c ", "--requirement", "--constraint")):
            target = body.replace("=", " ").split(None, 1)[1:]
            if target:
                place = document.places.add((start + 1, 1, start + 1, length + 1))
                document.includes.append((target[0].strip(), place))
        elif body and not body.startswith("-"):
            name, specifier = split_requirement(body)
            if name and not specifier.startswith((":", "/", "\\")):
                document.add(name, specifier, start + 1, length)


def _read_toml_lock(document: RequirementsDocument, text: str) -> None:
    """``[[package]]`` tables of poetry.lock and uv.lock: generated text with one key a line, read without a TOML parser."""
    name, name_line, length = "", 0, 0
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            inside = line.strip() == "[[package]]"
            name = ""
        elif inside and line.startswith("name = "):
            name, name_line, length = line[7:].strip().strip('"'), number, len(line)
        elif inside and name and line.startswith("version = "):
            document.add(name, "==" + line[10:].strip().strip('"'), name_line, length)
            inside = False


def _read_pipfile_lock(document: RequirementsDocument, text: str) -> None:
    from json import loads

    try:
        lock: Any = loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadProblem("parse-error", f"not valid JSON: {error}") from None
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = line.strip().partition(":")[0].strip('"')
        lines.setdefault(key, number)
    for section in ("default", "develop"):
        packages = lock.get(section) if isinstance(lock, dict) else None
        for name, body in packages.items() if isinstance(packages, dict) else ():
            version = body.get("version") if isinstance(body, dict) else None
            if isinstance(version, str):
                document.add(name, version, lines.get(name, 1), len(name))
    document.locked = True


def _read_pyproject(document: RequirementsDocument, text: str) -> None:
    from tomllib import TOMLDecodeError, loads

    try:
        table: Any = loads(text)
    except (TOMLDecodeError, RecursionError) as error:
        raise ReadProblem("parse-error", f"not valid TOML: {error}") from None
    lines = text.splitlines()
    for name, specifier, needle in _declared(table):
        number = next((n for n, line in enumerate(lines, 1) if needle in line), 1)
        document.add(name, specifier, number, len(lines[number - 1]) if lines else 0)


def _declared(table: Any) -> Iterator[tuple[str, str, str]]:
    """Yield (name, specifier, text to find its line by) of PEP 621, dependency groups and Poetry tables; ``python`` is the interpreter."""
    project = table.get("project", {})
    groups: list[Any] = [project.get("dependencies", [])] if isinstance(project, dict) else []
    extras = project.get("optional-dependencies", {}) if isinstance(project, dict) else {}
    for source in (extras, table.get("dependency-groups", {})):
        groups.extend(source.values() if isinstance(source, dict) else ())
    python = project.get("requires-python") if isinstance(project, dict) else None
    if isinstance(python, str):
        yield "python", python, "requires-python"
    for group in groups:
        for entry in group if isinstance(group, list) else ():
            if isinstance(entry, str):
                name, specifier = split_requirement(entry)
                if name:
                    yield name, specifier, entry
    tool = table.get("tool", {})
    poetry = tool.get("poetry", {}) if isinstance(tool, dict) else {}
    tables = [poetry.get("dependencies", {})] if isinstance(poetry, dict) else []
    poetry_groups = poetry.get("group", {}) if isinstance(poetry, dict) else {}
    for group in poetry_groups.values() if isinstance(poetry_groups, dict) else ():
        tables.append(group.get("dependencies", {}) if isinstance(group, dict) else {})
    for dependencies in tables:
        for name, body in dependencies.items() if isinstance(dependencies, dict) else ():
            version = body.get("version", "") if isinstance(body, dict) else body
            if isinstance(version, str):
                exact = f"=={version}" if version[:1].isdigit() else version
                yield name, exact, f"{name} ="
