"""Suppressions: reading the comments, and applying them (and `[[ignore]]`) to findings."""

from __future__ import annotations

from opslint.base.errors import nearest
from opslint.base.finding import CATEGORIES, Problem, Suppression
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.globs import path_matcher

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import Finding
    from opslint.base.location import Span
    from opslint.base.rule import Catalogued
    from opslint.base.settings import ProjectSettings
    from opslint.syntax.document import Document

DIRECTIVES = ("ignore", "ignore-file", "assume")
ASSUMPTIONS = ("idempotent", "irreversible", "expand", "contract")
_COMMENT_STARTS = ("#", "//", "--", ";", "/*", "*", "{#", "{{/*")


def parse_comments(document: Document) -> list[list[Any]]:
    """Return the suppressions of a document as rows ``[directive, names, reason, until, error, first line, end line, span]``.

    They cover the half-open range of lines; a row with an error covers nothing.
    """
    rows = []
    lines: list[str] | None = None
    for span, text, alone in document.comments():
        at = text.find("opslint:")
        if at < 0:
            continue
        directive, names, reason, until, error = parse(text[at + len("opslint:") :])
        line = span[0]
        first, end = line, line + 1
        if directive == "ignore-file":
            if lines is None:
                lines = _lines(document.data)
            if any(_is_code(row) for row in lines[: line - 1]):
                error = error or "ignore-file must stand before the first line of code"
            end = len(lines) + 2
            first = 1
        elif alone:
            if lines is None:
                lines = _lines(document.data)
            following = next((n for n in range(line + 1, len(lines) + 1) if _is_code(lines[n - 1])), line)
            end = document.block_end(following) + 1
        rows.append([directive, names, reason, until, error, first, end, list(span)])
    return rows


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_code(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith(_COMMENT_STARTS) and text != "---"


def parse(text: str) -> tuple[str, list[str], str, str | None, str | None]:
    """Parse what follows ``opslint:``; return (directive, names, reason, until, error)."""
    text = text.strip()
    head, bracket, rest = text.partition("[")
    directive = head.strip()
    if directive not in DIRECTIVES:
        word = directive.split()[0] if directive.split() else ""
        if word in DIRECTIVES:
            return word, [], "", None, f"{word} needs names in brackets: {word}[rule-name] -- reason"
        return directive[:40], [], "", None, f"'{word[:40]}' is none of {', '.join(DIRECTIVES)}"
    inside, closing, tail = rest.partition("]")
    names = [name.strip() for name in inside.split(",") if name.strip()]
    if not bracket or not closing or not names:
        return directive, names, "", None, f"{directive} needs names in brackets: {directive}[rule-name] -- reason"
    options, dashes, reason = tail.partition("--")
    reason = reason.strip()
    for mark in ("*/", "-->", "#}"):
        reason = reason.removesuffix(mark).strip()
    until = None
    for word in options.split():
        if not word.startswith("until="):
            return directive, names, reason, None, f"'{word[:40]}' is not understood; known is until=YYYY-MM-DD"
        until = word[6:]
        if not is_date(until):
            return directive, names, reason, None, f"until={until[:40]} is no date (YYYY-MM-DD)"
    if not dashes or not reason:
        return directive, names, "", until, "the reason is missing: add ' -- why this is right here'"
    if directive == "assume":
        wrong = [name for name in names if name not in ASSUMPTIONS]
        if wrong:
            return directive, names, reason, until, f"cannot assume '{wrong[0][:40]}'; known are {', '.join(ASSUMPTIONS)}"
    return directive, names, reason, until, None


def is_date(text: str) -> bool:
    """Tell whether `text` is a calendar date ``YYYY-MM-DD``."""
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(part.isascii() and part.isdigit() for part in parts):
        return False
    year, month, day = map(int, parts)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= days[month - 1] and year > 0


def today() -> str:
    """Return today's date in UTC, or the day of ``SOURCE_DATE_EPOCH``."""
    import os
    import time

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = float(epoch) if epoch.isdigit() else time.time()
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


class Suppressions:
    """All suppressions of one project, and which of them were used."""

    def __init__(self, rules: dict[str, Catalogued], settings: ProjectSettings, day: str) -> None:
        self._rules = rules
        self._settings = settings
        self._day = day
        self._by_path: dict[str, list[Suppression]] = {}
        self._used: set[tuple[str, Span]] = set()
        self._used_entries: set[int] = set()
        self._globs = [(entry, path_matcher([entry.path])) for entry in settings.ignores]
        self.problems: list[Problem] = []

    def add(self, path: str, rows: list[list[Any]]) -> None:
        """Take the rows that `parse_comments` made of file `path`; what is not valid or has expired becomes a problem."""
        for directive, names, reason, until, error, first, end, span in rows:
            at = (span[0], span[1], span[2], span[3])
            if error is None and directive != "assume":
                error = self._unknown(names)
            if error is not None:
                self._problem("suppression-invalid", error, path, at)
            elif until is not None and until < self._day:
                self._problem("suppression-expired", f"expired on {until}: {', '.join(names)}", path, at)
            elif directive != "assume":
                self._by_path.setdefault(path, []).append(
                    Suppression(
                        at=at,
                        directive=directive,
                        error=None,
                        lines=(first, end),
                        names=names,
                        reason=reason,
                        until=until,
                    )
                )

    def _unknown(self, names: list[str]) -> str | None:
        for name in names:
            if name not in self._rules and name not in CATEGORIES:
                return f"no rule or category '{name[:60]}'{nearest(name, [*self._rules, *CATEGORIES])}"
        return None

    def _problem(self, kind: str, message: str, path: str, span: Span) -> None:
        self.problems.append(Problem(kind=kind, message=message, path=path, span=span))

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is suppressed, and note by what."""
        covered = False
        places = [(finding.path, finding.span), *((item.path, item.span) for item in finding.evidence)]
        for path, span in places:
            for item in self._by_path.get(path, ()):
                if item.lines[0] <= span[0] < item.lines[1] and (finding.rule in item.names or finding.category in item.names):
                    self._used.add((path, item.at))
                    covered = True
        for entry, matches in self._globs:
            if entry.rule in (finding.rule, finding.category) and matches(finding.path):
                if entry.until is not None and entry.until < self._day:
                    continue
                self._used_entries.add(entry.index)
                covered = True
        return covered

    def judge_unused(self, enabled: set[str]) -> None:
        """Add a problem for each suppression that suppressed nothing although all it names was on."""
        for path, items in sorted(self._by_path.items()):
            for item in items:
                if (path, item.at) not in self._used and self._all_on(item.names, enabled):
                    self._problem("suppression-unused", f"nothing to suppress: {', '.join(item.names)}", path, item.at)
        for entry, _matches in self._globs:
            source = self._settings.source
            if entry.until is not None and entry.until < self._day:
                message = f"[[ignore]] number {entry.index + 1} expired on {entry.until}: {entry.rule} in {entry.path}"
                self._problem("suppression-expired", message, source, (1, 1, 1, 1))
            elif entry.index not in self._used_entries and self._all_on([entry.rule], enabled):
                message = f"[[ignore]] number {entry.index + 1} suppresses nothing: {entry.rule} in {entry.path}"
                self._problem("suppression-unused", message, source, (1, 1, 1, 1))

    def _all_on(self, names: list[str], enabled: set[str]) -> bool:
        for name in names:
            if name in self._rules:
                if name not in enabled:
                    return False
            elif any(rule.category == name and rule.default and rule.name not in enabled for rule in self._rules.values()):
                return False
        return True
