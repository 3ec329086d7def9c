"""What a reporter may know besides the result: where the reader stands, how to read a line, what a rule is called."""

from __future__ import annotations

import os
import sys

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opslint.base.finding import Edit, Finding, RunResult
    from opslint.base.rule import Catalogued
    from opslint.base.settings import RunOptions


class RenderContext(Record):
    """Everything a format may use. `cwd` and `git_top` are absolute directories (`git_top` None outside git).

    `read(path)` gives the bytes of a result path (None when it cannot be read); `edits(finding)` builds the edits of
    its fix (paths as in the result; empty when none can be made); `rules` are the catalogue entries by name;
    `command` is how the run was started, in words, for "next command" lines; `minimum` is `--min-severity`.
    """

    __slots__ = (
        "colour",
        "command",
        "cwd",
        "edits",
        "git_top",
        "minimum",
        "quiet",
        "read",
        "rules",
        "statistics",
        "verbose",
        "version",
    )
    colour: bool
    command: list[str]
    cwd: str
    edits: Callable[[Finding], list[Edit]]
    git_top: str | None
    minimum: str
    quiet: bool
    read: Callable[[str], bytes | None]
    rules: dict[str, Catalogued]
    statistics: bool
    verbose: bool
    version: str

    def shown(self, root: str, path: str) -> str:
        """Return result path `path` relative to the working directory (absolute when that is another drive)."""
        if root == self.cwd or is_foreign(root, path):
            return path
        return os.path.relpath(os.path.join(root, path), self.cwd)

    def from_top(self, root: str, path: str) -> str:
        """Return result path `path` relative to the git top, or as it is outside git."""
        if self.git_top is None or self.git_top == root or is_foreign(root, path):
            return path
        return os.path.relpath(os.path.join(root, path), self.git_top).replace(os.sep, "/")


def is_foreign(root: str, path: str) -> bool:
    """Tell whether a result path is a place in a sibling repository, ``NAME:path``: it is relative to nothing here."""
    return ":" in path and not os.path.lexists(os.path.join(root, path))


def git_top(directory: str) -> str | None:
    """Return the nearest directory at or above `directory` that holds `.git` (a work tree's is a file), else None."""
    while True:
        if os.path.lexists(os.path.join(directory, ".git")):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def wants_colour(stream: object, environ: dict[str, str] | None = None) -> bool:
    """Tell whether `stream` is a terminal that shows colours and the user did not set `NO_COLOR`."""
    environ = dict(os.environ) if environ is None else environ
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())


def reader(root: str, overlay: dict[str, bytes] | None = None) -> Callable[[str], bytes | None]:
    """Return a function that reads a result path below `root`; `overlay` holds unsaved content by path.

    A frame is a few lines: files over 8 MB, and what is no regular file, are not opened for one.
    """

    def read(path: str) -> bytes | None:
        if overlay and path in overlay:
            return overlay[path]
        import stat

        full = os.path.join(root, path)
        try:
            status = os.stat(full)
            if not stat.S_ISREG(status.st_mode) or status.st_size > 8 << 20:
                return None
            with open(full, "rb") as handle:
                return handle.read()
        except OSError:
            return None

    return read


def context_for(
    result: RunResult,
    options: RunOptions,
    *,
    rules: Iterable[Catalogued] = (),
    edits: Callable[[Finding], list[Edit]] | None = None,
    overlay: dict[str, bytes] | None = None,
) -> RenderContext:
    """Return the context of a run that prints to this process's standard output."""
    from opslint import __version__

    return RenderContext(
        colour=options.output is None and wants_colour(sys.stdout),
        command=["opslint", "check", *options.paths],
        cwd=os.getcwd(),
        edits=edits or (lambda _finding: []),
        git_top=git_top(result.root),
        minimum=options.min_severity,
        quiet=options.quiet,
        read=reader(result.root, overlay),
        rules={rule.name: rule for rule in rules},
        statistics=options.statistics,
        verbose=options.verbose,
        version=__version__,
    )
