"""`opslint completion SHELL`: the script a shell evaluates to complete opslint's words."""

from __future__ import annotations

import click

from opslint.cli.main import NearestChoice


@click.command()
@click.argument("shell", type=NearestChoice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of SHELL: eval "$(opslint completion bash)"."""
    from click.shell_completion import get_completion_class

    from opslint.cli.main import cli
    from opslint.report import write_standard

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this click has no completion for {shell}")
    write_standard(kind(cli, {}, "opslint", "_OPSLINT_COMPLETE").source())
    return 0
