"""`opslint dev …`: for people who write rules. Each command works on a rule pack's source tree."""

from __future__ import annotations

import os
import sys

import click

from opslint.base.errors import UsageError, nearest
from opslint.base.finding import CATEGORIES
from opslint.cli.main import Group, NearestChoice


@click.group(
    cls=Group,
    table={
        "corpus": ("opslint.cli.dev_corpus:corpus", "Print a seeded sample of one rule's findings on real repositories."),
        "docs": ("opslint.cli.dev_docs:docs", "Write the generated rule table, or check that it is current."),
    },
)
def dev() -> None:
    """Write, check and measure rules."""


@dev.command("new-rule")
@click.argument("name")
@click.option("--category", required=True, type=NearestChoice(CATEGORIES))
@click.option("--kind", type=NearestChoice(["file", "project"]), default="project", help="[default: project]")
@click.option("--package", metavar="DIR", help="The pack's package directory [default: rules/opslint_rules].")
@click.option("--fixtures", metavar="DIR", help="The fixtures directory [default: fixtures/rules].")
def new_rule(name: str, category: str, kind: str, package: str | None, fixtures: str | None) -> int:
    """Make the file of a new rule, with examples that run, and one bad and one good fixture."""
    from opslint.cli.dev_new_rule import create

    package = package or os.path.join("rules", "opslint_rules")
    if not os.path.isdir(package):
        raise UsageError(f"{package}: no such directory; --package names the directory that holds the rules")
    made = create(name, category, kind, package, fixtures or os.path.join("fixtures", "rules"))
    for path in made:
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(f"Next: opslint dev check {name}\n")
    return 0


@dev.command("check")
@click.argument("names", nargs=-1)
@click.option("--fixtures", metavar="DIR", help="The fixtures directory [default: fixtures/rules].")
def check(names: tuple[str, ...], fixtures: str | None) -> int:
    """Run the examples and fixtures of the rules NAMES (all when none is given), and see that they can fail."""
    from opslint.cli.packs import installed, rule_named
    from opslint.testing import check_example, check_fixture, fixture_cases, parse_examples, vacuous
    from opslint.testing.examples import ExampleError

    packs = installed()
    cases = fixture_cases(fixtures or os.path.join("fixtures", "rules"))
    failed = 0
    for name in names or sorted(packs.rules):
        rule = rule_named(packs, name)
        own = [case for case in cases if case.rule == name]
        try:
            examples = parse_examples(rule)
            lines = [f"{example.id}: {line}" for example in examples for line in check_example(example)]
            lines += [f"{case.id}: {line}" for case in own for line in check_fixture(case)]
            lines += vacuous(rule, own)
        except ExampleError as error:
            examples, lines = [], [str(error)]
        if not examples and not lines:
            lines.append(f"{name}: no examples in its docstring")
        failed += bool(lines)
        state = "ok" if not lines else "failed"
        sys.stdout.write(f"{state:<6} {name} ({len(examples)} examples, {len(own)} fixtures)\n")
        for line in lines:
            sys.stdout.write(f"       {line}\n")
    unknown = sorted({case.rule for case in cases} - set(packs.rules))
    for name in unknown if not names else []:
        failed += 1
        sys.stdout.write(f"failed fixtures of no rule: {name}{nearest(name, list(packs.rules))}\n")
    return 1 if failed else 0
