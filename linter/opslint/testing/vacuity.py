"""Tests that cannot fail: a rule's examples must fail when its `check` says nothing, and when it says too much."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opslint.base.rule import FileRule, Reporter, Rule
from opslint.testing.examples import parse_examples
from opslint.testing.verify import check_example, check_fixture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opslint.testing.fixtures import Case


def _never(_self: Rule, _seen: Any, _report: Reporter) -> None:
    """Say nothing, whatever is seen."""


def _always_file(_self: Rule, view: Any, report: Reporter) -> None:
    """Report every view the rule subscribed to."""
    report(at=view.loc, message="always")


def _always_project(self: Rule, model: Any, report: Reporter) -> None:
    """Report the first fact of every class the rule needs, and the first line of every file."""
    for path in model.files:
        report(at=(path, (1, 1, 1, 1)), message="always")
    for fact in getattr(self, "needs", ()):
        for item in model.facts(fact):
            report(at=item.loc, message="always")


@contextmanager
def replaced(rule: type[Rule], check: Any) -> Iterator[None]:
    """Run with another `check` in place of the rule's."""
    own = rule.__dict__.get("check")
    setattr(rule, "check", check)  # noqa: B010 - a method, replaced for the length of one test
    try:
        yield
    finally:
        if own is None:
            del rule.check  # type: ignore[attr-defined]
        else:
            setattr(rule, "check", own)  # noqa: B010


def _passes(rule: type[Rule], cases: Iterable[Case]) -> bool:
    return not any(check_example(example) for example in parse_examples(rule)) and not any(map(check_fixture, cases))


def vacuous(rule: type[Rule], cases: Iterable[Case] = ()) -> list[str]:
    """Return why a rule's examples and fixtures prove nothing: they pass with a `check` that never, or always, reports."""
    cases = list(cases)
    always = _always_file if issubclass(rule, FileRule) else _always_project
    found = []
    for name, check in (("never", _never), ("always", always)):
        with replaced(rule, check):
            if _passes(rule, cases):
                found.append(f"{rule.meta.name}: its examples pass with a check that {name} reports")
    return found
