"""A pytest plugin that runs rules' examples and fixtures.

It does nothing until asked: ``--opslint-rules PACKAGE`` collects the docstring examples of every rule below an importable
package, ``--opslint-fixtures DIRECTORY`` the cases of a fixtures directory (both repeatable; ini: ``opslint_rules``,
``opslint_fixtures``). Each example and each case is one test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opslint.base.rule import Rule
    from opslint.testing.examples import Example
    from opslint.testing.fixtures import Case


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options and their ini keys."""
    group = parser.getgroup("opslint")
    group.addoption("--opslint-rules", action="append", default=[], metavar="PACKAGE", help="run the examples of a rule pack")
    group.addoption(
        "--opslint-fixtures", action="append", default=[], metavar="DIR", help="run the cases of a fixtures directory"
    )
    parser.addini("opslint_rules", "packages whose rules' examples are run", type="args", default=[])
    parser.addini("opslint_fixtures", "fixtures directories whose cases are run", type="args", default=[])


def pytest_collection(session: pytest.Session) -> None:
    """Register the collector of this session's examples and fixtures."""
    config = session.config
    packages = [*config.getoption("--opslint-rules"), *config.getini("opslint_rules")]
    directories = [*config.getoption("--opslint-fixtures"), *config.getini("opslint_fixtures")]
    if packages or directories:
        config.pluginmanager.register(_Adder(packages, directories), "opslint-adder")


class _Adder:
    """Adds the items once collection of files is over."""

    def __init__(self, packages: list[str], directories: list[str]) -> None:
        self.packages = packages
        self.directories = directories

    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Append one item an example and one a case."""
        from opslint.testing.examples import parse_examples
        from opslint.testing.fixtures import fixture_cases

        for package in self.packages:
            for rule in rules_below(package):
                for example in parse_examples(rule):
                    items.append(ExampleItem.from_parent(session, name=example.id, example=example))
        for directory in self.directories:
            for case in fixture_cases(session.config.rootpath / directory):
                items.append(CaseItem.from_parent(session, name=case.id, case=case))


def rules_below(package: str) -> Iterator[type[Rule]]:
    """Yield the rules of all modules below an importable package, in order of module names."""
    import importlib
    import os

    from opslint.engine.catalogue import module_names
    from opslint.testing.examples import rule_classes

    top = importlib.import_module(package)
    for name in module_names(package, os.fspath(next(iter(top.__path__)))):
        yield from rule_classes(importlib.import_module(name))


class _Item(pytest.Item):
    """A test whose failure is a list of lines."""

    def lines(self) -> list[str]:
        """Return what is wrong, one line each."""
        raise AssertionError("a subclass says what is compared")

    def runtest(self) -> None:
        lines = self.lines()
        if lines:
            raise Mismatch("\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Mismatch):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.config.rootpath, None, f"opslint: {self.name}"


class Mismatch(Exception):  # noqa: N818 - the word for what it is
    """Findings and marks differ."""


class ExampleItem(_Item):
    """One docstring example."""

    def __init__(self, *, example: Example, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.example = example

    def lines(self) -> list[str]:
        from opslint.testing.verify import check_example

        return check_example(self.example)


class CaseItem(_Item):
    """One fixture case."""

    def __init__(self, *, case: Case, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.case = case

    def lines(self) -> list[str]:
        from opslint.testing.verify import check_fixture

        return check_fixture(self.case)
