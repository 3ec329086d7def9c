"""What a run reports: findings about the repository, problems about the run itself."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Loc, Span

SEVERITIES = ("note", "warning", "error")
CONFIDENCES = ("low", "medium", "high")
CATEGORIES = ("timeouts", "idempotency", "migrations", "health", "env", "overlap", "monitoring", "ci", "rollback")


class Edit(Record):
    """Replace `span` of file `path` with `text`."""

    __slots__ = ("path", "span", "text")
    path: str
    span: Span
    text: str


class Fix(Record):
    """A named set of edits. `applicability`: ``safe`` (same meaning), ``unsafe`` (may change behaviour), ``manual``.

    `maker` names the function that makes the edits (a fix is built only when one is wanted), `data` its JSON input.
    """

    __slots__ = ("applicability", "data", "maker", "title")
    applicability: str
    data: dict[str, object]
    maker: str
    title: str


class Report(Record):
    """What a rule said, before tiers, suppression and positions: places, not spans.

    `key` tells two findings of one rule at one place apart (usually the variable or resource name).
    `environments` are names (``production``, ``staging/eu``); `derived` are all files the verdict rests on.
    `together` names the habit that this place shares with others: a reader sees them as one finding (engine/together.py).
    """

    __slots__ = (
        "at",
        "confidence",
        "derived",
        "environments",
        "evidence",
        "fix",
        "key",
        "message",
        "rule",
        "service",
        "severity",
        "together",
    )
    at: Loc
    confidence: str | None
    derived: list[str]
    environments: list[str]
    evidence: list[tuple[Loc, str]]
    fix: Fix | None
    key: str
    message: str
    rule: str
    service: str | None
    severity: str | None
    together: str


class Related(Record):
    """A related location of a finding, with the note that says what is to be seen there."""

    __slots__ = ("message", "path", "span")
    message: str
    path: str
    span: Span


class Finding(Record):
    """One thing that will break, with all that a reporter needs. `environment` is the one that set the severity."""

    __slots__ = (
        "category",
        "confidence",
        "derived",
        "environment",
        "environments",
        "evidence",
        "fingerprint",
        "fix",
        "help",
        "message",
        "path",
        "rule",
        "service",
        "severity",
        "span",
        "together",
    )
    category: str
    confidence: str
    derived: list[str]
    environment: str | None
    environments: list[str]
    evidence: list[Related]
    fingerprint: str
    fix: Fix | None
    help: str
    message: str
    path: str
    rule: str
    service: str | None
    severity: str
    span: Span
    together: str

    def sort_key(self) -> tuple[object, ...]:
        """Findings are sorted by path, line, column, rule, message."""
        return (self.path, self.span[0], self.span[1], self.rule, self.message, self.fingerprint)


class Problem(Record):
    """Something about the run: a file that could not be read to its end, a crashed rule, an unused suppression."""

    __slots__ = ("kind", "message", "path", "span")
    kind: str
    message: str
    path: str
    span: Span

    def sort_key(self) -> tuple[object, ...]:
        """Problems are sorted like findings."""
        return (self.path, self.span, self.kind, self.message)


INCOMPLETE_KINDS = frozenset(("parse-error", "decode-error", "read-error", "limit", "rule-crash", "reader-crash", "pack-error"))
"""Problem kinds that make a run incomplete (in a deployable file, or in the engine)."""


class Suppression(Record):
    """One `opslint: ignore[…]`, `ignore-file[…]` or `assume[…]` comment.

    `lines` is the half-open range of lines it covers; `at` its own span; `error` says why it is not valid.
    """

    __slots__ = ("at", "directive", "error", "lines", "names", "reason", "until")
    at: Span
    directive: str
    error: str | None
    lines: tuple[int, int]
    names: list[str]
    reason: str
    until: str | None


class Statistics(Record):
    """The counts of one run, as in the JSON summary."""

    __slots__ = ("baselined", "context", "excluded", "failed", "files", "selected", "skipped", "suppressed", "undecided")
    baselined: int
    context: int
    excluded: int
    failed: int
    files: int
    selected: int
    skipped: int
    suppressed: int
    undecided: int


class RunResult(Record):
    """All that a reporter sees. Paths are as the JSON contract says (relative to the project root).

    `root` is the absolute directory that paths are relative to; `environments` are all environment names seen;
    `hints` are lines for a person: what could not be linked, and the configuration that would help;
    `hidden` counts findings below `--min-severity` or `--min-confidence`, by severity.
    """

    __slots__ = ("complete", "environments", "findings", "hidden", "hints", "problems", "root", "statistics")
    complete: bool
    environments: list[str]
    findings: list[Finding]
    hidden: dict[str, int]
    hints: list[str]
    problems: list[Problem]
    root: str
    statistics: Statistics
