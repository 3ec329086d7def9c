"""`opslint rules` and `opslint rule NAME`: the catalogue and its pages."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import click

from opslint.base.finding import CATEGORIES
from opslint.cli.main import NearestChoice
from opslint.cli.packs import installed, rule_named
from opslint.report import write_standard
from opslint.report.context import wants_colour
from opslint.report.escape import json_text

if TYPE_CHECKING:
    from opslint.base.rule import Catalogued, Rule


def rule_object(rule: Catalogued) -> dict[str, Any]:
    """Return one row of `opslint rules --format json` (the output contract)."""
    return {
        "rule": rule.name,
        "category": rule.category,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "default": rule.default,
        "status": rule.status,
        "cross_file": not rule.file_rule,
        "fix": rule.fix,
        "summary": rule.summary,
        "authority": rule.authority,
    }


@click.command()
@click.option("--format", "format_", type=NearestChoice(["text", "json"]), default="text", help="[default: text]")
def rules(format_: str) -> int:
    """List all installed rules."""
    packs = installed()
    if format_ == "json":
        write_standard(json_text([rule_object(rule) for rule in packs.rules.values()], indent=2) + "\n")
        return 0
    lines = []
    width = max((len(name) for name in packs.rules), default=0)
    for category in CATEGORIES:
        found = [rule for rule in packs.rules.values() if rule.category == category]
        if found:
            lines += [category, *(_row(rule, width) for rule in found), ""]
    lines.append(f"{len(packs.rules)} rules. Next: opslint rule NAME")
    write_standard("\n".join(lines) + "\n")
    for problem in packs.problems:
        sys.stderr.write(f"opslint: {problem.message}\n")
    return 3 if packs.problems else 0


def _row(rule: Catalogued, width: int) -> str:
    marks = [word for word, on in (("off", not rule.default), (rule.status, rule.status != "stable"), ("fix", rule.fix)) if on]
    tail = f" [{', '.join(marks)}]" if marks else ""
    return f"  {rule.name:<{width}}  {rule.severity:<7}  {rule.summary}{tail}"


@click.command()
@click.argument("name")
def rule(name: str) -> int:
    """Show the page of rule NAME: what it finds, what happens in production, examples, exemptions, options."""
    packs = installed()
    found = rule_named(packs, name)
    write_standard(page(found, packs.rules[name], colour=wants_colour(sys.stdout)))
    return 0


def page(rule: type[Rule], entry: Catalogued, *, colour: bool) -> str:
    """Return a rule's page: its docstring under its metadata, with options and how to suppress it."""

    def bold(text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if colour else text

    kind = "file" if entry.file_rule else "project"
    facts = (
        f"{entry.category} · {entry.severity} · {entry.confidence} confidence · {entry.status} · {kind} rule · pack {entry.pack}"
    )
    lines = [bold(entry.name), facts, ""]
    for line in inspect.cleandoc(rule.__doc__ or entry.summary).split("\n"):
        heading = bool(line) and not line.startswith(" ") and line.rstrip().endswith(":") and len(line) < 60
        lines.append(bold(line) if heading else line)
    lines += ["", bold("Smallest safe change:"), f"    {entry.help}"]
    if entry.fix:
        lines += [
            "",
            bold("Fix:"),
            f"    {entry.fix}; `opslint fix` applies " + ("it" if entry.fix == "safe" else "it with --unsafe-fixes"),
        ]
    if rule.meta.options:
        lines += ["", bold("Options:") + f" [rules.{entry.name}]"]
        lines += [f"    {option.name} = {json_text(option.default)}  {option.help}" for option in rule.meta.options]
    lines += [
        "",
        bold("Accept one finding:"),
        f"    opslint: ignore[{entry.name}] -- reason   (a comment at the end of the line)",
    ]
    lines += ["", bold("Why:"), f"    {entry.authority}"]
    return "\n".join(lines) + "\n"
