"""`opslint baseline`: accept today's findings, one line each; `--prune` drops those that are gone."""

from __future__ import annotations

import os
import sys

import click

from opslint.base.errors import UsageError
from opslint.engine.baseline import DEFAULT_FILE, create, prune


@click.command()
@click.argument("path", default=".")
@click.option("--output", "file", metavar="FILE", help=f"The baseline file [default: {DEFAULT_FILE} in the project].")
@click.option("--prune", "pruning", is_flag=True, help="Drop entries that no finding has any more; add nothing.")
@click.option("--min-severity", default="warning", type=click.Choice(["error", "warning", "note"]), help="[default: warning]")
@click.option("--min-confidence", default="medium", type=click.Choice(["high", "medium", "low"]), help="[default: medium]")
@click.option("--facts", multiple=True, metavar="NAME=FILE", help="What the sibling NAME exported (repeatable).")
@click.option("--config", metavar="FILE", help="Use this configuration file.")
@click.option("--root", metavar="DIR", help="Take this directory as the project.")
@click.option("--cache-dir", metavar="DIR", help="Where the cache lives.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
def baseline(
    path: str, file: str | None, pruning: bool, min_severity: str, min_confidence: str, facts: tuple[str, ...],
    config: str | None, root: str | None, cache_dir: str | None, no_cache: bool,
) -> int:  # fmt: skip
    """Write a baseline of the project that PATH belongs to; `check --baseline FILE` then leaves those findings out."""
    from opslint.engine.discover import find_targets
    from opslint.engine.options import run_options
    from opslint.engine.run import run

    top = find_targets([path], root)[0].root
    if pruning:
        # What is below the thresholds now may still be in the list: only what is really gone is dropped.
        min_severity, min_confidence = "note", "low"
    result = run(
        run_options(
            paths=[top], root=top, config=config, cache_dir=cache_dir, no_cache=no_cache, min_severity=min_severity,
            min_confidence=min_confidence, facts=list(facts),
        ),
        apart=True,
    )  # fmt: skip
    if not result.complete:
        first = result.problems[0]
        raise UsageError(f"the project was not read to its end, so what is gone cannot be told ({first.path}: {first.message})")
    target = file or os.path.join(top, DEFAULT_FILE)
    if pruning:
        dropped, left = prune(target, result.findings)
        sys.stderr.write(f"opslint: {dropped} entries dropped, {left} left in {target}\n")
    else:
        count = create(target, result.findings)
        sys.stderr.write(f"opslint: {count} findings in {target}; next: opslint check --baseline {os.path.relpath(target)}\n")
    return 0
