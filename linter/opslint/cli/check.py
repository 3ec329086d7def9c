"""What `opslint check` and `opslint fix` do, whichever door their options came through. Imports nothing it may not need."""

from __future__ import annotations

import os
import sys

from opslint.base.errors import UsageError, nearest
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.outcome import exit_code
from opslint.engine.run import run
from opslint.report import FORMATS, deliver, split_reports, write_standard
from opslint.report.context import context_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.finding import Edit, Finding, RunResult
    from opslint.base.rule import Catalogued
    from opslint.base.settings import ProjectSettings, RunOptions

_WITH_RULES = ("sarif", "html")
_WITH_EDITS = ("sarif", "agent")


def check(options: RunOptions) -> int:
    """Check, fix when asked to, report; return the exit code. UsageError and ConfigError are the caller's to show."""
    _refuse(options)
    overlay = _overlay(options)
    notes: list[str] = []
    if options.show_fixes:
        result = run(options, notes=notes, overlay=overlay)
        _say(notes)
        write_standard(_patch(result, options, overlay))
        return exit_code(result, options)
    result = _fixed(options, notes) if options.fix else run(options, notes=notes, overlay=overlay)
    _say(notes)
    wanted = {options.format, *(name for name, _file in split_reports(options.report))}
    context = context_for(
        result,
        options,
        rules=_rules(options) if wanted.intersection(_WITH_RULES) else (),
        edits=_edits(result, options, overlay) if wanted.intersection(_WITH_EDITS) else None,
        overlay=_relative(overlay, result.root),
    )
    try:
        deliver(result, context, format=options.format, output=options.output, reports=options.report)
    except OSError as error:
        raise UsageError(f"the report cannot be written: {error.filename or ''}: {error.strerror}") from error
    return exit_code(result, options)


def _refuse(options: RunOptions) -> None:
    for value in options.report:
        name, equals, file = value.partition("=")
        if not equals or not file:
            raise UsageError(f"--report {value}: not of the form FORMAT=FILE")
        if name not in FORMATS:
            raise UsageError(f"--report {value}: no format '{name}'{nearest(name, list(FORMATS))}")
    for path in [options.output, *(file for _name, file in split_reports(options.report))]:
        directory = os.path.dirname(path) if path else ""
        if directory and not os.path.isdir(directory):
            raise UsageError(f"{path}: no directory {directory}")
    if options.fix and options.stdin_filename is not None:
        raise UsageError("--fix cannot write to what --stdin-filename reads; --show-fixes prints the patch")
    if options.fix and options.show_fixes:
        raise UsageError("--fix and --show-fixes exclude each other")


def _overlay(options: RunOptions) -> dict[str, bytes] | None:
    if options.stdin_filename is None:
        return None
    return {os.path.abspath(options.stdin_filename): sys.stdin.buffer.read()}


def _relative(overlay: dict[str, bytes] | None, root: str) -> dict[str, bytes] | None:
    if overlay is None:
        return None
    return {os.path.relpath(path, root).replace(os.sep, "/"): data for path, data in overlay.items()}


def _say(notes: list[str]) -> None:
    from opslint.report.escape import line_start, visible

    for note in notes:
        sys.stderr.write(f"opslint: {line_start(visible(note))}\n")


def _rules(options: RunOptions) -> list[Catalogued]:
    from opslint.cli.packs import installed

    return list(installed(options.cache_dir, no_cache=options.no_cache).rules.values())


def settings_finder(root: str, options: RunOptions) -> Callable[[str], ProjectSettings]:
    """Return a function that gives the settings of the project a result path belongs to."""
    from opslint.cli.packs import installed
    from opslint.engine.discover import find_targets
    from opslint.engine.run import load_settings

    packs = installed(options.cache_dir, no_cache=options.no_cache)
    by_root: dict[str, ProjectSettings] = {}

    def settings_of(path: str) -> ProjectSettings:
        top = find_targets([os.path.join(root, path)], options.root)[0].root
        if top not in by_root:
            by_root[top] = load_settings(top, options, packs)
        return by_root[top]

    return settings_of


def _edits(result: RunResult, options: RunOptions, overlay: dict[str, bytes] | None) -> Callable[[Finding], list[Edit]]:
    from opslint.engine.fixes import editor
    from opslint.report.context import reader

    return editor(reader(result.root, _relative(overlay, result.root)), settings_finder(result.root, options))


def _fixed(options: RunOptions, notes: list[str]) -> RunResult:
    """Fix until nothing more is fixed; what was done goes to standard error, one line a file."""
    from opslint.engine import fixes
    from opslint.report.context import reader

    roots: list[str] = []

    def run_again() -> RunResult:
        notes.clear()
        result = run(options, notes=notes)
        roots[:] = [result.root]
        return result

    applied = fixes.apply(
        run_again,
        lambda path: settings_finder(roots[0], options)(path),
        lambda path: reader(roots[0])(path),
        unsafe=options.unsafe_fixes,
    )
    if not options.quiet:
        counts: dict[str, int] = {}
        for path, _title in applied.fixed:
            counts[path] = counts.get(path, 0) + 1
        notes += [f"fixed {path} ({count})" for path, count in sorted(counts.items())]
    notes += [f"not fixed {path}:{line}: {reason}" for path, line, reason in sorted(set(applied.refused))]
    if not applied.settled:
        notes.append(f"fixes still change something after {fixes.MAX_ROUNDS} rounds: two of them undo each other")
    return applied.result


def _patch(result: RunResult, options: RunOptions, overlay: dict[str, bytes] | None) -> str:
    from opslint.engine import fixes
    from opslint.report.context import git_top, reader

    plan = fixes.plan(
        result.findings,
        reader(result.root, _relative(overlay, result.root)),
        settings_finder(result.root, options),
        unsafe=options.unsafe_fixes,
    )
    top = git_top(result.root) or result.root
    _say([f"not fixed {path}:{line}: {reason}" for path, line, reason in plan.refused])
    return fixes.patch(plan.changes, lambda path: os.path.relpath(os.path.join(result.root, path), top).replace(os.sep, "/"))
