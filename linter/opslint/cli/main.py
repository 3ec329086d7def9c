"""The click front door: every command, each imported only when it is called."""

from __future__ import annotations

import sys
from typing import Any

import click

from opslint import __version__
from opslint.base.errors import OpslintError, nearest

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("opslint.cli.check_command:check", "Report what will fail after the next deploy."),
    "fix": ("opslint.cli.check_command:fix", "Check, and apply safe fixes."),
    "rules": ("opslint.cli.rules:rules", "List the rules."),
    "rule": ("opslint.cli.rules:rule", "Show one rule's page."),
    "model": ("opslint.cli.model:model", "Show what opslint believes about the repository."),
    "init": ("opslint.cli.init:init", "Write a first opslint.toml."),
    "baseline": ("opslint.cli.baseline:baseline", "Accept today's findings for now; shrink the list later."),
    "config": ("opslint.cli.config:config", "Show the configuration and where each key comes from."),
    "completion": ("opslint.cli.completion:completion", "Print a shell completion script."),
    "dev": ("opslint.cli.dev:dev", "For people who write rules."),
}


class Group(click.Group):
    """A group whose commands are imported when called, and that knows the nearest right name of a wrong one."""

    def __init__(self, *arguments: Any, table: dict[str, tuple[str, str]] | None = None, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table) + super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(__import__(module, fromlist=[name]), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"no command '{name}'{nearest(name, self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_target, text) in self.table.items()]
        rows += [
            (name, command.get_short_help_str(200))
            for name in super().list_commands(ctx)
            if (command := super(Group, self).get_command(ctx, name)) is not None
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class NearestChoice(click.Choice[str]):
    """A choice that names the nearest right word for a wrong one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in self.choices:
            return value
        words = [str(choice) for choice in self.choices]
        hint = nearest(str(value), words) or f" (one of {', '.join(words)})"
        raise click.BadParameter(f"'{value}' is none of them{hint}", ctx, param)


@click.command(
    cls=Group,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="opslint reads a repository the way an on-call engineer would read it the night before a deploy.",
)
@click.version_option(__version__, prog_name="opslint", message="%(prog)s %(version)s")
def cli() -> None:
    """Dispatch to a command."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command line (this process's when None) and return the exit code: bad usage is 2, Ctrl-C 130."""
    try:
        code = cli.main(args=arguments, prog_name="opslint", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except OpslintError as error:
        from opslint.report.escape import line_start, visible

        sys.stderr.write(f"opslint: error: {line_start(visible(str(error)))}\n")
        return error.exit_code
    except BrokenPipeError:
        return 0
