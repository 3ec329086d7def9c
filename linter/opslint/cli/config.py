"""`opslint config show`: the settings in force, each with its origin."""

from __future__ import annotations

import os

import click

from opslint.cli.main import NearestChoice
from opslint.report import write_standard
from opslint.report.escape import json_text, visible


@click.group(invoke_without_command=False)
def config() -> None:
    """Show the configuration."""


@config.command()
@click.argument("path", default=".")
@click.option("--config", "explicit", metavar="FILE", help="Use this configuration file.")
@click.option("--root", metavar="DIR", help="Take this directory as the project.")
@click.option("--format", "format_", type=NearestChoice(["text", "json"]), default="text", help="[default: text]")
def show(path: str, explicit: str | None, root: str | None, format_: str) -> int:
    """Show the settings of the project that PATH belongs to, and where each comes from."""
    from opslint.cli.packs import installed
    from opslint.config.load import load
    from opslint.engine.configuration import options_finder
    from opslint.engine.discover import find_targets

    target = find_targets([path], root)[0]
    packs = installed()
    settings, origins = load(target.root, explicit, names=list(packs.rules), options_of=options_finder(packs))
    rows = []
    for name in settings.FIELDS:
        if name == "source":
            continue
        value = getattr(settings, name)
        if isinstance(value, list):
            value = [_plain(item) for item in value]
        rows.append({"key": name, "value": value, "origin": origins[name]})
    if format_ == "json":
        write_standard(json_text({"root": target.root, "source": settings.source or None, "settings": rows}, indent=2) + "\n")
        return 0
    width = max(len(row["key"]) for row in rows)
    lines = [f"project {visible(os.path.relpath(target.root))}, configured by {visible(settings.source or 'nothing')}", ""]
    lines += [f"{row['key']:<{width}}  {visible(json_text(row['value']))}  ({visible(row['origin'])})" for row in rows]
    write_standard("\n".join(lines) + "\n")
    return 0


def _plain(item: object) -> object:
    fields = getattr(item, "FIELDS", None)
    return {name: getattr(item, name) for name in fields} if fields else item
