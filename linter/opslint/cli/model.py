"""`opslint model`: what opslint believes, so that "why did it not see this?" has an answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from opslint.base.errors import UsageError
from opslint.base.rule import ProjectRule
from opslint.cli.main import NearestChoice
from opslint.report import write_atomically, write_standard
from opslint.report.escape import json_text, visible

if TYPE_CHECKING:
    from opslint.base.location import Loc


@click.command()
@click.argument("words", nargs=-1, metavar="[export] [PATH]")
@click.option("--format", "format_", type=NearestChoice(["text", "json", "mermaid"]), help="[default: text; export: json]")
@click.option("--output", metavar="FILE", help="Write to FILE instead of standard output.")
@click.option("--all", "everything", is_flag=True, help="Every row of every table.")
@click.option("--config", metavar="FILE", help="Use this configuration file.")
@click.option("--root", metavar="DIR", help="Take this directory as the project.")
@click.option("--cache-dir", metavar="DIR", help="Where the cache lives.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
@click.option("--tracked", is_flag=True, help="Only files in the git index.")
def model(words: tuple[str, ...], format_: str | None, output: str | None, everything: bool, **engine: Any) -> int:
    """Show environments with their variables and resources, services, links and blind spots of the project at PATH."""
    from opslint.cli.model_text import mermaid, text

    exporting = words[:1] == ("export",)
    paths = list(words[1:] if exporting else words)
    if len(paths) > 1:
        raise UsageError("opslint model takes one PATH; each project has a model of its own")
    format_ = format_ or ("json" if exporting else "text")
    view, crashed = view_of(paths, engine)
    if format_ == "json":
        rendered = json_text(view, indent=2) + "\n"
    elif format_ == "mermaid":
        rendered = mermaid(view)
    else:
        rendered = text(view, everything=everything)
    if output:
        write_atomically(output, rendered)
    else:
        write_standard(rendered)
    for line in crashed:
        sys.stderr.write(f"opslint: {visible(line)}\n")
    return 3 if crashed else 0


def view_of(paths: list[str], engine: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the view of the project that `paths` touch, and what crashed while it was made."""
    from opslint.cli.model_view import View
    from opslint.cli.packs import installed
    from opslint.engine.discover import find_targets
    from opslint.engine.options import run_options
    from opslint.engine.project import Positions
    from opslint.engine.run import open_project

    options = run_options(paths=paths, **engine)
    targets = find_targets(paths, options.root)
    packs = installed(options.cache_dir, no_cache=options.no_cache)
    project = open_project(targets[0], options, packs, {})
    project.check()
    positions = Positions(project.stage)

    def place(loc: Loc) -> tuple[str, int]:
        return loc[0], positions.of(loc)[0]

    deployment = project.model()
    view = View(deployment, place)
    data = view.data()
    rules = []
    for name in sorted(project.enabled):
        rule = packs.rule(name) if not packs.rules[name].file_rule else None
        if rule is not None and issubclass(rule, ProjectRule):
            rules.append(rule(project.settings.rule_options.get(name)))
    data["blind_spots"] = view.blind_spots(rules)
    return data, view.crashed
