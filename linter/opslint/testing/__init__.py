"""Public helpers to test rules: executable examples, fixture folders, trees in memory, checks against empty tests.

The built-in rules are tested with exactly these. `opslint.testing.plugin` makes pytest collect them.
"""

from __future__ import annotations

from opslint.testing.examples import Example, ExampleError, parse_examples, rule_classes
from opslint.testing.fixtures import Case, fixture_cases
from opslint.testing.marks import Mark, marks_in
from opslint.testing.trees import Outcome, check_directory, check_tree
from opslint.testing.vacuity import vacuous
from opslint.testing.verify import check_example, check_fixture, mismatches

__all__ = [
    "Case",
    "Example",
    "ExampleError",
    "Mark",
    "Outcome",
    "check_directory",
    "check_example",
    "check_fixture",
    "check_tree",
    "fixture_cases",
    "marks_in",
    "mismatches",
    "parse_examples",
    "rule_classes",
    "vacuous",
]
