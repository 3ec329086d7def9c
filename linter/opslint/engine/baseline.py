"""The baseline: findings a team has accepted for now, one line each. It only ever shrinks by itself."""

from __future__ import annotations

import os

from opslint.base.errors import UsageError
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.finding import Finding

DEFAULT_FILE = "opslint-baseline.txt"
_HEADER = "# opslint baseline 1: fingerprint, rule, path. Made by `opslint baseline`, shrunk by `opslint baseline --prune`."
_DIGITS = frozenset("0123456789abcdef")


class Baseline:
    """The entries of a baseline file: fingerprint → (rule, path as written)."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[str, tuple[str, str]]) -> None:
        self.entries = entries

    def split(self, findings: Iterable[Finding]) -> tuple[list[Finding], int]:
        """Return the findings that are not in the baseline, and how many are."""
        kept, baselined = [], 0
        for finding in findings:
            if finding.fingerprint in self.entries:
                baselined += 1
            else:
                kept.append(finding)
        return kept, baselined

    def pruned(self, findings: Iterable[Finding]) -> Baseline:
        """Return the baseline without the entries that no finding has any more; nothing is ever added."""
        still = {finding.fingerprint for finding in findings}
        return Baseline({key: value for key, value in self.entries.items() if key in still})

    def text(self) -> str:
        """Return the file's content, sorted by path, rule, fingerprint: two branches' baselines merge line by line."""
        rows = sorted((path, rule, key) for key, (rule, path) in self.entries.items())
        return "".join(f"{line}\n" for line in [_HEADER, *(f"{key} {rule} {path}" for path, rule, key in rows)])


def of(findings: Iterable[Finding]) -> Baseline:
    """Return the baseline that holds exactly `findings`."""
    return Baseline({finding.fingerprint: (finding.rule, _one_line(finding.path)) for finding in findings})


def _one_line(path: str) -> str:
    return path if path.isprintable() else path.encode("unicode_escape", "backslashreplace").decode("ascii")


def load(path: str) -> Baseline:
    """Read a baseline file. UsageError (exit 2) when it is not there or a line is none of ours."""
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
    except FileNotFoundError:
        raise UsageError(f"--baseline: {path} is not there; `opslint baseline` makes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--baseline: {path} cannot be read: {error}") from error
    return parse(text, path)


def at_revision(path: str, revision: str) -> tuple[Baseline, list[str]]:
    """Return the baseline `path` as it stands in `revision` (empty when it is not there), and notes on what the file here adds."""
    from opslint.engine.policy import baseline_text

    text = baseline_text(path, revision)
    known = Baseline({}) if text is None else parse(text, f"{revision}:{path}")
    added = []
    if os.path.lexists(path):
        added = [key for key in load(path).entries if key not in known.entries]
    elif text is None:
        raise UsageError(f"--baseline: {path} is neither here nor in {revision}")
    if not added:
        return known, []
    return known, [f"{path}: {len(added)} more than in {revision} do not count (--policy-from)"]


def parse(text: str, path: str) -> Baseline:
    """Read the text of a baseline file; UsageError names `path` when a line is none of ours."""
    entries: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.rstrip("\r").split(" ", 2)
        if len(fields) != 3 or len(fields[0]) != 32 or not _DIGITS.issuperset(fields[0]):
            raise UsageError(f"--baseline: {path}:{number} is no baseline entry (fingerprint, rule, path)")
        entries[fields[0]] = (fields[1], fields[2])
    return Baseline(entries)


def create(path: str, findings: Iterable[Finding]) -> int:
    """Write a new baseline of `findings` and return its size. UsageError when there is one: it would silently grow."""
    if os.path.lexists(path):
        raise UsageError(
            f"{path} is there already; `opslint baseline --prune` drops what is gone. To accept new findings too, remove it first"
        )
    made = of(findings)
    _write(path, made)
    return len(made.entries)


def prune(path: str, findings: Iterable[Finding]) -> tuple[int, int]:
    """Drop the entries of `path` that no finding has any more; return how many were dropped and how many stay."""
    before = load(path)
    after = before.pruned(findings)
    dropped = len(before.entries) - len(after.entries)
    if dropped:
        _write(path, after)
    return dropped, len(after.entries)


def _write(path: str, baseline: Baseline) -> None:
    draft = f"{path}.{os.getpid()}.part"
    try:
        with open(draft, "w", encoding="utf-8", newline="\n") as handle:
            handle.write(baseline.text())
        os.replace(draft, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if os.path.lexists(draft):
            os.unlink(draft)
