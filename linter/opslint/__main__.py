"""The fast door: `--version` and plain `check` and `server` lines; everything else, and every mistake, goes to click."""

from __future__ import annotations

import sys

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

    from opslint.base.settings import RunOptions


def main() -> int:
    """Run the command line of this process and return its exit code."""
    words = sys.argv[1:]
    if words == ["--version"]:
        from opslint import __version__

        sys.stdout.write(f"opslint {__version__}\n")
        return 0
    try:
        if words and words[0] == "check":
            from opslint.engine.options import parse

            options = parse(words[1:])
            if options is not None:
                return check(options)
        from opslint.cli.main import main as click_main

        return click_main()
    except KeyboardInterrupt:
        return 130


def check(options: RunOptions) -> int:
    """Run `opslint check` and return the exit code; mistakes of the caller are one line on standard error."""
    import gc

    from opslint.base.errors import OpslintError
    from opslint.cli.check import check as run_check

    # Hardly anything here is cyclic: looking for cycles at every 700 new objects costs a tenth of a large run.
    gc.set_threshold(20_000, 5, 20)
    try:
        return run_check(options)
    except OpslintError as error:
        from opslint.report.escape import visible

        sys.stderr.write(f"opslint: error: {visible(str(error))}\n")
        return error.exit_code


def leave(code: int) -> NoReturn:
    """End the process at once: what it holds need not be taken apart (a large model costs more to free than to make)."""
    import atexit
    import os

    try:
        # What a coverage tool or a logging handler has registered still runs.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code)


def program() -> NoReturn:
    """Be the whole process: what `python -m opslint` and the installed script run."""
    leave(main())


if __name__ == "__main__":
    program()
