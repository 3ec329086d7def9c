"""`opslint check` and `opslint fix` for click, made from the engine's option table."""

from __future__ import annotations

from typing import Any

import click

from opslint.cli.main import NearestChoice
from opslint.engine.options import OPTIONS, CheckOption, finish


def _parameter(option: CheckOption) -> click.Option:
    kind: Any = None
    if option.choices:
        kind = NearestChoice(option.choices)
    elif option.type == "int":
        kind = click.IntRange(min=0)
    elif option.type == "str":
        kind = click.STRING
    shown = option.default if option.choices or option.type == "int" else None
    return click.Option(
        [option.name, option.dest],
        type=kind,
        is_flag=option.type == "flag",
        multiple=option.repeatable,
        default=() if option.repeatable else option.default,
        metavar=option.metavar or None,
        help=option.help + (f" [default: {shown}]" if shown is not None else ""),
    )


def _command(name: str, help: str, *, fixing: bool) -> click.Command:
    def run(**values: Any) -> int:
        from opslint.cli.check import check as run_check

        for option in OPTIONS:
            if option.repeatable:
                values[option.dest] = list(values[option.dest])
        values["paths"] = list(values["paths"])
        values["fix"] = fixing or values.get("fix", False)
        return run_check(finish(values))

    options = [_parameter(option) for option in OPTIONS if not (fixing and option.name == "--fix")]
    paths = click.Argument(["paths"], nargs=-1, type=click.STRING, metavar="[PATHS]...")
    return click.Command(name, callback=run, params=[paths, *options], help=help)


check = _command(
    "check",
    "Report what will fail after the next deploy. PATHS select what is reported; the whole project is read. Without PATHS"
    " the current directory.\n\nExit codes: 0 nothing at or above --fail-on, 1 findings, 2 usage or configuration error, 3 not"
    " everything could be read, 130 interrupted.",
    fixing=False,
)
fix = _command("fix", "Check PATHS, apply safe fixes and report what is left.", fixing=True)
