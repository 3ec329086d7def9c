"""The fast door: `--version` and plain `check` and `server` lines; everything else, and every mistake, goes to click."""

from __future__ import annotations

import sys

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from opslint.base.errors import OpslintError
    from opslint.cli.check import check as run_check

    try:
        return run_check(options)
    except OpslintError as error:
        from opslint.report.escape import visible

        sys.stderr.write(f"opslint: error: {visible(str(error))}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
