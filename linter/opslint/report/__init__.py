"""The formats: `render(result, context) -> str` in one module each, imported only when asked for."""

from __future__ import annotations

import os
import sys

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.finding import RunResult
    from opslint.report.context import RenderContext

FORMATS: dict[str, str] = {
    "text": "for people: verdict by environment, code frames, the next command",
    "concise": "one line a finding",
    "json": "one object, schema report-1",
    "jsonl": "one object a line",
    "sarif": "SARIF 2.1.0, for code scanning",
    "github": "GitHub Actions annotations",
    "gitlab": "GitLab code quality report",
    "junit": "JUnit XML",
    "markdown": "for pull request comments and job summaries",
    "html": "one page that stands alone",
    "agent": "compact JSON lines with the smallest safe change",
}
"""Every format with one line of help; the module of the same name renders it."""

MACHINE_FORMATS = frozenset(FORMATS) - {"text", "concise", "markdown"}
"""Formats that a program reads: nothing else may stand on standard output beside them."""


def render(name: str, result: RunResult, context: RenderContext) -> str:
    """Return `result` in format `name` (a key of `FORMATS`)."""
    module = __import__(f"opslint.report.{name}", fromlist=["render"])
    text: str = module.render(result, context)
    return text


def write_atomically(path: str, text: str) -> None:
    """Write `text` to `path` through a file beside it: a reader sees the old content or the new, never a part."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        # A device or a pipe (`--output /dev/stderr`) is written to, never replaced.
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as handle:
            handle.write(text)
        return
    directory, name = os.path.split(path)
    draft = os.path.join(directory, f".{name}.{os.getpid()}.part")
    try:
        with open(draft, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as handle:
            handle.write(text)
        os.replace(draft, path)
    except BaseException:
        if os.path.lexists(draft):
            os.unlink(draft)
        raise


def write_standard(text: str) -> None:
    """Write `text` to standard output as UTF-8, whole; a reader that went away (`| head`) is no error."""
    stream = sys.stdout
    try:
        stream.flush()
        binary = getattr(stream, "buffer", None)
        if binary is None:
            stream.write(text)
        else:
            binary.write(text.encode("utf-8", "backslashreplace"))
            binary.flush()
    except BrokenPipeError:
        # Python would complain once more when it closes the stream at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def split_reports(reports: list[str]) -> list[tuple[str, str]]:
    """Return `--report FORMAT=FILE` values as pairs; ValueError names the value that is none."""
    pairs = []
    for value in reports:
        name, equals, file = value.partition("=")
        if not equals or not file or name not in FORMATS:
            raise ValueError(value)
        pairs.append((name, file))
    return pairs


def deliver(result: RunResult, context: RenderContext, *, format: str, output: str | None, reports: list[str]) -> None:
    """Render everything that was asked for, then write it: files first and atomically, standard output last.

    OSError when a file cannot be written. Nothing is written when any format fails to render.
    """
    plain = context.replace(colour=False)
    files = [(file, render(name, result, plain)) for name, file in split_reports(reports)]
    text = render(format, result, plain if output else context)
    for file, content in files:
        write_atomically(file, content)
    if output:
        write_atomically(output, text)
    else:
        write_standard(text)
