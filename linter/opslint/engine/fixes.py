"""From findings to changed files: edits are made on demand, spliced into the bytes, and written whole or not at all.

A *maker* turns one finding's fix into edits. It is named in `Fix.maker`: a name of `MAKERS`, or ``module:function`` of a
pack. It gets the file's bytes as they are now and raises `NoFixError` when it does not find there what the finding saw.
"""

from __future__ import annotations

import os

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opslint.base.finding import Edit, Finding, Fix, RunResult
    from opslint.base.location import Span
    from opslint.base.settings import ProjectSettings

    Maker = Callable[[bytes, Finding, ProjectSettings], list[Edit]]

MAKERS: dict[str, str] = {
    "hcl-attribute": "opslint.engine.fixes_hcl:set_attribute",
    "http-timeout": "opslint.engine.fixes_python:http_timeout",
}

NEEDS: dict[str, str] = {"http-timeout": "http_timeout"}
"""Makers that take a value from the `[fix]` table, and its key."""

MAX_ROUNDS = 10
"""A fix may uncover another; fixes that still change something after this many rounds undo each other."""

_BOM = b"\xef\xbb\xbf"


class NoFixError(Exception):
    """The edits cannot be made; the message says why."""


class FileChange(Record):
    """What fixes do to one file. `path` is a result path; `titles` name the fixes in order of application."""

    __slots__ = ("after", "before", "path", "titles")
    after: bytes
    before: bytes
    path: str
    titles: list[str]


class Plan(Record):
    """The changes of one round, by path, and why some fixes were left out (path, line, reason)."""

    __slots__ = ("changes", "refused")
    changes: list[FileChange]
    refused: list[tuple[str, int, str]]


def offered(fix: Fix | None, settings: ProjectSettings) -> Fix | None:
    """Return the fix as it may be offered under `settings`: None when it needs a value that nobody gave.

    The key of the `[fix]` table is its maker's (`NEEDS`), or named in ``data["needs"]``; ``{value}`` in the title stands for it.
    """
    if fix is None:
        return None
    needs = fix.data.get("needs", NEEDS.get(fix.maker))
    if needs is None:
        return fix
    value = settings.fix.get(str(needs))
    return None if value is None else fix.replace(title=fix.title.replace("{value}", format_number(value)))


def format_number(value: object) -> str:
    """Return a configured number as source text: ``10``, ``2.5``."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def make(finding: Finding, data: bytes, settings: ProjectSettings) -> list[Edit]:
    """Return the edits of a finding's fix in the file's current bytes; `NoFixError` when there are none."""
    fix = offered(finding.fix, settings)
    if fix is None or fix.applicability == "manual":
        raise NoFixError("it is to be made by hand" if fix is not None else "no value is configured for it")
    target = MAKERS.get(fix.maker, fix.maker)
    module, colon, name = target.partition(":")
    if not colon:
        raise NoFixError(f"there is no fix maker {fix.maker!r}")
    maker: Maker = getattr(__import__(module, fromlist=[name]), name)
    return maker(data, finding, settings)


def editor(read: Callable[[str], bytes | None], settings_of: Callable[[str], ProjectSettings]) -> Callable[[Finding], list[Edit]]:
    """Return a function for reporters: the edits of a finding, an empty list when they cannot be made."""

    def edits(finding: Finding) -> list[Edit]:
        data = read(finding.path)
        if finding.fix is None or data is None:
            return []
        try:
            return make(finding, data, settings_of(finding.path))
        except NoFixError:
            return []

    return edits


def plan(
    findings: Iterable[Finding],
    read: Callable[[str], bytes | None],
    settings_of: Callable[[str], ProjectSettings],
    *,
    unsafe: bool,
) -> Plan:
    """Return the changes that the findings' fixes make together. Of overlapping fixes the first wins; the rest wait a round.

    All edits of one fix are made, or none.
    """
    before: dict[str, bytes] = {}
    accepted: dict[str, list[Edit]] = {}
    titles: dict[str, list[str]] = {}
    refused: list[tuple[str, int, str]] = []
    for finding in findings:
        fix = finding.fix
        if fix is None or fix.applicability not in (("safe", "unsafe") if unsafe else ("safe",)):
            continue
        try:
            edits = _edits(finding, before, read, settings_of)
            if any(_overlaps(edit, accepted.get(edit.path, [])) for edit in edits):
                continue
            for edit in edits:
                splice(before[edit.path], [edit])
        except NoFixError as reason:
            refused.append((finding.path, finding.span[0], f"{finding.rule}: {reason}"))
            continue
        for edit in edits:
            accepted.setdefault(edit.path, []).append(edit)
        for path in sorted({edit.path for edit in edits}):
            titles.setdefault(path, []).append(fix.title)
    changes = [
        FileChange(after=splice(before[path], edits), before=before[path], path=path, titles=titles[path])
        for path, edits in sorted(accepted.items())
    ]
    return Plan(changes=[change for change in changes if change.after != change.before], refused=refused)


def _edits(
    finding: Finding,
    before: dict[str, bytes],
    read: Callable[[str], bytes | None],
    settings_of: Callable[[str], ProjectSettings],
) -> list[Edit]:
    def content(path: str) -> bytes:
        if path not in before:
            data = read(path)
            if data is None:
                raise NoFixError(f"{path} cannot be read")
            before[path] = data
        return before[path]

    edits = make(finding, content(finding.path), settings_of(finding.path))
    for edit in edits:
        content(edit.path)
    return edits


def _overlaps(edit: Edit, others: list[Edit]) -> bool:
    start, end = edit.span[:2], edit.span[2:]
    return any((start < other.span[2:] and other.span[:2] < end) or start == other.span[:2] for other in others)


def splice(data: bytes, edits: list[Edit]) -> bytes:
    """Return `data` with the spans of `edits` replaced; every byte outside of them stays.

    Line breaks of the new text become those of the file. `NoFixError` when the file is not UTF-8 or a span is not in it.
    """
    starts = _line_starts(data)
    newline = b"\r\n" if b"\r\n" in data and data.count(b"\r\n") * 2 > data.count(b"\n") else b"\n"
    ranges = []
    for edit in edits:
        start = offset(data, starts, edit.span[0], edit.span[1])
        end = offset(data, starts, edit.span[2], edit.span[3])
        if end < start:
            raise NoFixError("its span ends before it starts")
        ranges.append((start, end, edit.text.encode("utf-8").replace(b"\n", newline)))
    out, last = [], 0
    for start, end, text in sorted(ranges):
        if start < last:
            raise NoFixError("its edits overlap")
        out += [data[last:start], text]
        last = end
    out.append(data[last:])
    return b"".join(out)


def _line_starts(data: bytes) -> list[int]:
    """Return the byte offset of every line; ``\\n``, ``\\r\\n`` and a lone ``\\r`` end one. A BOM belongs to no line."""
    starts = [len(_BOM) if data.startswith(_BOM) else 0]
    at = 0
    while True:
        line_feed, carriage = data.find(b"\n", at), data.find(b"\r", at)
        ends = [end for end in (line_feed, carriage) if end >= 0]
        if not ends:
            return starts
        at = min(ends) + (2 if data[min(ends) : min(ends) + 2] == b"\r\n" else 1)
        starts.append(at)


def offset(data: bytes, starts: list[int], line: int, column: int) -> int:
    """Return the byte offset of a 1-based line and code point column."""
    if not 1 <= line <= len(starts):
        raise NoFixError(f"the file has no line {line}")
    start = starts[line - 1]
    end = starts[line] if line < len(starts) else len(data)
    try:
        text = data[start:end].decode("utf-8")
    except UnicodeDecodeError:
        raise NoFixError("the file is not UTF-8") from None
    if not 1 <= column <= len(text) + 1:
        raise NoFixError(f"line {line} has no column {column}")
    return start + len(text[: column - 1].encode("utf-8"))


def span_of(data: bytes, start: int, end: int) -> Span:
    """Return the span of a byte range: the inverse of `offset`."""
    starts = _line_starts(data)

    def position(at: int) -> tuple[int, int]:
        from bisect import bisect_right

        line = max(bisect_right(starts, at), 1)
        return line, len(data[starts[line - 1] : at].decode("utf-8", "replace")) + 1

    return (*position(start), *position(end))


def write(root: str, change: FileChange) -> None:
    """Write one change below `root`, atomically and with the file's mode.

    `NoFixError` when the file changed since it was read, is no regular file, or leads out of the root.
    """
    import stat

    top = os.path.realpath(root)
    full = os.path.realpath(os.path.join(top, change.path))
    if not full.startswith(top.rstrip(os.sep) + os.sep):
        raise NoFixError("the file is a link out of the project")
    draft = os.path.join(os.path.dirname(full), f".{os.path.basename(full)}.{os.getpid()}.part")
    try:
        status = os.stat(full)
        if not stat.S_ISREG(status.st_mode):
            raise NoFixError("it is no regular file")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(change.after)
        os.chmod(draft, stat.S_IMODE(status.st_mode))
        with open(full, "rb") as stream:
            if stream.read() != change.before:
                raise NoFixError("the file changed since it was read")
        os.replace(draft, full)
    except OSError as error:
        raise NoFixError(f"it cannot be written: {error.strerror}") from error
    finally:
        if os.path.lexists(draft):
            os.unlink(draft)


class Applied(Record):
    """What `apply` did: the last run's result, the fixes made (path, title), and those refused (path, line, reason)."""

    __slots__ = ("fixed", "refused", "result", "settled")
    fixed: list[tuple[str, str]]
    refused: list[tuple[str, int, str]]
    result: RunResult
    settled: bool


def apply(
    run: Callable[[], RunResult],
    settings_of: Callable[[str], ProjectSettings],
    read: Callable[[str], bytes | None],
    *,
    unsafe: bool,
) -> Applied:
    """Check, fix and check again until nothing more is fixed, at most `MAX_ROUNDS` times (`settled` says whether it was enough).

    `run` makes a fresh run over the tree; its result's `root` is where files are written.
    """
    fixed: list[tuple[str, str]] = []
    refused: list[tuple[str, int, str]] = []
    for _ in range(MAX_ROUNDS):
        result = run()
        current = plan(result.findings, read, settings_of, unsafe=unsafe)
        refused = list(current.refused)
        written = 0
        for change in current.changes:
            try:
                write(result.root, change)
            except NoFixError as reason:
                refused.append((change.path, 1, str(reason)))
                continue
            written += 1
            fixed += [(change.path, title) for title in change.titles]
        if written == 0:
            return Applied(fixed=fixed, refused=refused, result=result, settled=True)
    return Applied(fixed=fixed, refused=refused, result=run(), settled=False)


def patch(changes: Iterable[FileChange], shown: Callable[[str], str]) -> str:
    """Return a patch that `git apply` takes at the directory `shown` makes paths relative to (the git top)."""
    return "".join(_file_patch(change, shown(change.path)) for change in changes)


def _file_patch(change: FileChange, path: str) -> str:
    from difflib import unified_diff

    before = change.before.decode("utf-8", "surrogateescape").split("\n")
    after = change.after.decode("utf-8", "surrogateescape").split("\n")
    # `split` keeps "\r" in its line and tells by the last, empty item whether the file ends with a line break.
    before, after = _with_ends(before), _with_ends(after)
    context = _context(path, before, after)
    lines = unified_diff(before, after, _quoted(f"a/{path}"), _quoted(f"b/{path}"), n=context, lineterm="\n")
    out = []
    for line in lines:
        out.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)


def _context(path: str, before: list[str], after: list[str]) -> int:
    """Return how many unchanged lines may stand around a change: 3, or fewer so that no line with a secret is among them."""
    from difflib import SequenceMatcher

    from opslint.report.hidden import hidden_ranges

    hidden = hidden_ranges(path, [line.rstrip("\r\n") for line in before])
    if not hidden:
        return 3
    context = 3
    for tag, start, end, _start, _end in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            continue
        while context and any(number in hidden for number in (*range(start - context, start), *range(end, end + context))):
            context -= 1
    return context


def _with_ends(lines: list[str]) -> list[str]:
    ended = [f"{line}\n" for line in lines[:-1]]
    return ended + [lines[-1]] if lines[-1] else ended


def _quoted(path: str) -> str:
    """Return a path as git writes it in a patch: C-quoted when it holds anything unusual."""
    raw = os.fsencode(path)
    if all(0x20 < byte < 0x7F and byte not in b'"\\' for byte in raw):
        return path
    body = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}" for byte in raw)
    return f'"{body}"'
