"""Every rule's docstring examples and fixture folders, and the proof that they can fail."""

from __future__ import annotations

import inspect
from pathlib import Path

import opslint_rules
import pytest
from opslint.base.finding import CATEGORIES, CONFIDENCES, SEVERITIES
from opslint.base.rule import Rule
from opslint.testing import check_example, check_fixture, fixture_cases, parse_examples, vacuous
from opslint.testing.examples import SECTIONS
from opslint.testing.plugin import rules_below

FIXTURES = Path(__file__).parents[2] / "fixtures" / "rules"
RULES = {rule.meta.name: rule for rule in rules_below("opslint_rules")}
EXAMPLES = [example for rule in RULES.values() for example in parse_examples(rule)]
CASES = fixture_cases(FIXTURES)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_docstring_example(example) -> None:
    assert check_example(example) == []


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_fixture(case) -> None:
    assert check_fixture(case) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_examples_can_fail(rule: type[Rule]) -> None:
    assert vacuous(rule) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_page_and_metadata(rule: type[Rule]) -> None:
    meta = rule.meta
    lines = inspect.cleandoc(rule.__doc__ or "").split("\n")
    heads = [line.partition(":")[0].partition(" (")[0] for line in lines[1:] if line and not line.startswith(" ")]
    assert list(dict.fromkeys(head for head in heads if head in SECTIONS)) == list(SECTIONS)
    assert lines[0].rstrip(".") == meta.summary.rstrip(".")
    assert meta.category in CATEGORIES
    assert meta.severity in SEVERITIES
    assert meta.confidence in CONFIDENCES
    assert meta.authority.startswith("https://")
    assert meta.help
    directory = Path(inspect.getfile(rule)).parent.name
    assert (directory, Path(inspect.getfile(rule)).stem) == (meta.category, meta.name.replace("-", "_"))


def test_fixture_folders_belong_to_rules() -> None:
    assert sorted({case.rule for case in CASES} - set(RULES)) == []


def test_rules_are_found() -> None:
    assert RULES
    assert Path(opslint_rules.__path__[0]).is_dir()
