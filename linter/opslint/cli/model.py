"""`opslint model`: what opslint believes, so that "why did it not see this?" has an answer."""

from __future__ import annotations

import os
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
    from opslint.engine.run import ProjectRun


@click.command()
@click.argument("words", nargs=-1, metavar="[PATH] | export [FILE [PATH]]")
@click.option("--format", "format_", type=NearestChoice(["text", "json", "mermaid"]), help="[default: text]")
@click.option("--env", "environments", multiple=True, metavar="NAME", help="Only this environment or tier (repeatable).")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service, in detail (repeatable).")
@click.option("--only-differences", is_flag=True, help="Only what is not the same in every environment.")
@click.option("--output", metavar="FILE", help="Write to FILE instead of standard output.")
@click.option("--all", "everything", is_flag=True, help="Every row of every table.")
@click.option("--facts", multiple=True, metavar="NAME=FILE", help="What the sibling NAME exported (repeatable).")
@click.option("--config", metavar="FILE", help="Use this configuration file.")
@click.option("--root", metavar="DIR", help="Take this directory as the project.")
@click.option("--cache-dir", metavar="DIR", help="Where the cache lives.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
@click.option("--tracked", is_flag=True, help="Only files in the git index.")
def model(
    words: tuple[str, ...],
    format_: str | None,
    environments: tuple[str, ...],
    services: tuple[str, ...],
    only_differences: bool,
    output: str | None,
    everything: bool,
    facts: tuple[str, ...],
    **engine: Any,
) -> int:
    """Show environments side by side: what each service gets and reads, resources, links, and what is not known.

    `export FILE` writes what siblings of this repository need to know of it, for their `--facts NAME=FILE`: names, shapes and
    hashes, no values.
    """
    engine["facts"] = list(facts)
    if words[:1] == ("export",):
        if format_ is not None or environments or services or only_differences or everything:
            raise UsageError("opslint model export writes everything there is, in one format; it takes no option that chooses")
        return _export(list(words[1:]), output, engine)
    if len(words) > 1:
        raise UsageError("opslint model takes one PATH; each project has a model of its own")
    chosen = (environments, services, only_differences)
    view, crashed = view_of(list(words), engine, chosen)
    if format_ == "json":
        rendered = json_text(view, indent=2) + "\n"
    elif format_ == "mermaid":
        from opslint.cli.model_mermaid import mermaid

        rendered = mermaid(view)
    else:
        from opslint.cli.model_text import text

        rendered = text(view, everything=everything, detailed=bool(services))
    _write(rendered, output)
    for line in crashed:
        sys.stderr.write(f"opslint: {visible(line)}\n")
    return 3 if crashed else 0


def _write(text: str, output: str | None) -> None:
    if output:
        write_atomically(output, text)
    else:
        write_standard(text)


def view_of(
    paths: list[str],
    engine: dict[str, Any],
    chosen: tuple[tuple[str, ...], tuple[str, ...], bool] = ((), (), False),
) -> tuple[dict[str, Any], list[str]]:
    """Return the view of the project that `paths` touch, and what crashed while it was made.

    `chosen` are environments, services (words as given), and whether only differences are wanted. UsageError when a word names nothing.
    """
    from opslint.cli.model_choice import chosen_environments, chosen_services, narrowed
    from opslint.cli.model_view import View
    from opslint.engine.project import Positions

    project = _checked(paths, engine)
    positions = Positions(project.stage)

    def place(loc: Loc) -> tuple[str, int]:
        return project.stage.shown(loc[0]), positions.of(loc)[0]

    deployment = project.model()
    view = View(deployment, place)
    data = view.data()
    environments = chosen_environments(chosen[0], data, deployment.environments)
    services = chosen_services(chosen[1], data)
    rules = []
    for name in sorted(project.enabled):
        rule = project.packs.rule(name) if not project.packs.rules[name].file_rule else None
        if rule is not None and issubclass(rule, ProjectRule):
            rules.append(rule(project.settings.rule_options.get(name)))
    data["blind_spots"] = view.blind_spots(rules)
    return narrowed(data, environments, services, only_differences=chosen[2]), view.crashed


def _checked(paths: list[str], engine: dict[str, Any], *, exporting: bool = False) -> ProjectRun:
    from opslint.cli.packs import installed
    from opslint.engine.discover import find_targets
    from opslint.engine.options import run_options
    from opslint.engine.run import open_project
    from opslint.engine.siblings import check_names, read_facts

    options = run_options(paths=paths, **engine)
    # An export is hashed as what siblings give is, whether any is given or not.
    given = read_facts(options.facts) if options.facts or exporting else None
    targets = find_targets(paths, options.root)
    packs = installed(options.cache_dir, no_cache=options.no_cache)
    project = open_project(targets[0], options, packs, {}, given)
    if given:
        check_names(given, [project.settings])
    project.check()
    return project


def _export(words: list[str], output: str | None, engine: dict[str, Any]) -> int:
    """Write the facts of the project for its siblings: to FILE, else to standard output."""
    from opslint.engine.siblings import exported

    if words and output is None and not os.path.isdir(words[0]):
        output = words.pop(0)
    if len(words) > 1:
        raise UsageError("opslint model export takes one FILE and one PATH")
    if engine.pop("facts"):
        raise UsageError("opslint model export tells what this repository has; it takes no --facts")
    engine["no_prescreen"] = True
    _write(exported(_checked(words, engine, exporting=True)), output)
    return 0
