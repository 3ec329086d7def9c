"""`opslint init`: a first configuration, made of what opslint could not see by itself."""

from __future__ import annotations

import os
import sys

import click

from opslint.base.errors import UsageError


@click.command()
@click.argument("path", default=".")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print it instead of writing opslint.toml.")
def init(path: str, to_stdout: bool) -> int:
    """Write opslint.toml for the project that PATH belongs to. Everything in it is a comment until you decide."""
    from opslint.config.load import find
    from opslint.engine.discover import find_targets
    from opslint.engine.options import run_options
    from opslint.engine.run import run
    from opslint.report import write_atomically, write_standard

    top = find_targets([path], None)[0].root
    there = find(top)
    if there is not None and not to_stdout:
        raise UsageError(f"{os.path.relpath(there)} configures this project already; `opslint config show` prints it")
    result = run(run_options(paths=[top], root=top))
    text = template(result.environments, result.hints)
    if to_stdout:
        write_standard(text)
        return 0
    target = os.path.join(top, "opslint.toml")
    write_atomically(target, text)
    sys.stderr.write(f"opslint: wrote {os.path.relpath(target)}; next: opslint check\n")
    return 0


def template(environments: list[str], hints: list[str]) -> str:
    """Return the text of a first `opslint.toml`."""
    from opslint.report.escape import visible

    found = ", ".join(environments) or "none"
    lines = [
        "# opslint configuration; every key is explained in the schema that `opslint config show` follows.",
        "",
        f"# Environments that were recognised: {visible(found)}.",
        "# [[environment]]",
        '# name = "live"',
        '# tier = "production"  # production staging development test ephemeral shared',
        '# paths = ["clusters/live/**"]',
        "",
        "# [[service]]",
        '# name = "api"',
        '# code = "src/api"',
        '# images = ["registry.example.com/team/api"]',
        "",
        "# Variables that the platform sets in every environment:",
        '# platform_env = ["PORT"]',
        "",
        "# Monitoring that lives outside of this repository:",
        '# telemetry = "platform"',
        "",
        "# [fix]",
        "# http_timeout = 10  # seconds; without it no timeout is written for you",
    ]
    if hints:
        lines += ["", "# What could not be seen:"]
        lines += [f"# - {visible(line)}" for hint in hints for line in hint.split("\n")]
    return "\n".join(lines) + "\n"
