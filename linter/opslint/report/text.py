"""`--format text`: what a person reads before a deploy."""

from __future__ import annotations

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import line_start, prose, visible

if TYPE_CHECKING:
    from opslint.base.finding import Finding, Problem, RunResult
    from opslint.base.location import Span
    from opslint.report.context import RenderContext
    from opslint.report.frames import Frames

_COLOURS = {"error": "1;31", "warning": "1;33", "note": "1;36", "go": "1;32", "dim": "2", "bold": "1"}

MAX_EVIDENCE = 3
"""Related places shown of one finding; the rest is counted (`--verbose` and machine formats hold all)."""

MAX_FULL = 10
"""Findings shown with their code, errors first; the others are one line each. Ten take about two screens."""

MAX_CARETS = 100
"""Columns that are marked: a mark as long as the line says nothing."""

MAX_PROBLEMS = 10

NOT_LINKED = "no service could be linked"
"""How the hint begins that takes the ground from under every verdict; other hints are only things not seen."""


def render(result: RunResult, context: RenderContext) -> str:
    """Return the verdict by environment, the findings (errors first), what could not be read, the counts, the next command."""
    page = _Page(result, context)
    if not context.quiet:
        page.verdicts()
        page.hints(not_linked=True)
    page.findings()
    page.problems()
    if not context.quiet:
        page.hints(not_linked=False)
        page.totals()
    return "".join(f"{line}\n" for line in page.lines)


def understood(result: RunResult) -> bool:
    """Tell whether anything was read that a verdict could rest on."""
    return result.statistics.files + result.statistics.context > 0


def verdict(result: RunResult, environment: str | None) -> tuple[str, str]:
    """Return the verdict on one environment and why; None stands for a project that names no environment.

    ``NO-GO`` when an error is known. ``GO`` only when the run is complete and the project could be linked; else
    ``not enough known``.
    """
    errors = warnings = 0
    for finding in result.findings:
        if environment is None or not finding.environments or environment in finding.environments:
            errors += finding.severity == "error"
            warnings += finding.severity == "warning"
    counts = _join([_count(errors, "error"), _count(warnings, "warning")])
    if errors:
        return "NO-GO", counts
    if not understood(result):
        return "not enough known", "nothing here was read"
    if not result.complete:
        return "not enough known", _join([counts, "some files were not read to their end"])
    if any(hint.startswith(NOT_LINKED) for hint in result.hints):
        return "not enough known", _join([counts, "see what could not be linked"])
    return "GO", counts or "nothing found"


def _first_sentence(text: str) -> str:
    """Return what a message says first, up to 140 characters: the part before the consequence."""
    head = text.partition(": ")[0]
    return head if len(head) <= 140 else head[:139] + "…"


def _count(number: int, word: str) -> str:
    return "" if number == 0 else f"{number} {word}" if number == 1 else f"{number} {word}s"


def _join(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)


class _Page:
    """The lines of one report while it is being written."""

    __slots__ = ("context", "frames", "lines", "result")

    def __init__(self, result: RunResult, context: RenderContext) -> None:
        self.result = result
        self.context = context
        self.frames: Frames | None = None
        self.lines: list[str] = []

    def paint(self, colour: str, text: str) -> str:
        """Wrap `text` in an ANSI colour, on terminals only."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.context.colour else text

    def say(self, text: str = "") -> None:
        """Add one line."""
        self.lines.append(line_start(text))

    def verdicts(self) -> None:
        """One line per environment; a project that names none is one deployment."""
        names: list[str | None] = [*self.result.environments] or [None]
        width = max(len(visible(name or "deployment")) for name in names)
        for name in names:
            word, why = verdict(self.result, name)
            colour = {"GO": "go", "NO-GO": "error"}.get(word, "warning")
            label = visible(name or "deployment").ljust(width)
            self.say(f"{label}  {self.paint(colour, word)}" + (f"  ({why})" if why else ""))
        self.say()

    def place(self, path: str, span: Span) -> str:
        """Return `path:line:column` as seen from the working directory."""
        return f"{visible(self.context.shown(self.result.root, path))}:{span[0]}:{span[1]}"

    def findings(self) -> None:
        """Errors first, then warnings, then notes: the first in full, the others as one line each."""
        levels = ("error", "warning", "note")
        ordered = [finding for level in levels for finding in self.result.findings if finding.severity == level]
        full = len(ordered) if self.context.verbose or len(ordered) <= MAX_FULL + 2 else MAX_FULL
        for finding in ordered[:full]:
            self.finding(finding)
        for finding in ordered[full:]:
            head = self.paint(finding.severity, f"{finding.severity}[{finding.rule}]")
            self.say(f"{head} {self.place(finding.path, finding.span)}: {_first_sentence(prose(finding.message))}")
        if full < len(ordered):
            self.say(f"  ({len(ordered) - full} in short; --verbose shows them like the first {full})")
            self.say()

    def finding(self, finding: Finding) -> None:
        """One finding: what, where, the code, the evidence, the smallest safe change."""
        head = self.paint(finding.severity, f"{finding.severity}[{finding.rule}]")
        self.say(f"{head} {self.paint('bold', prose(finding.message))}")
        where = []
        if finding.environments:
            where.append(visible(", ".join(finding.environments)))
        if finding.service:
            where.append("service " + visible(finding.service))
        if finding.confidence != "high":
            where.append(f"{finding.confidence} confidence")
        tail = f"  ({'; '.join(where)})" if where else ""
        self.code(f"  --> {self.place(finding.path, finding.span)}{tail}", finding.path, finding.span, finding.severity)
        shown = len(finding.evidence) if self.context.verbose else MAX_EVIDENCE
        for related in finding.evidence[:shown]:
            note = f"  {prose(related.message)}" if related.message else ""
            self.code(f"   at {self.place(related.path, related.span)}{note}", related.path, related.span, "", limit=1)
        if len(finding.evidence) > shown:
            more = len(finding.evidence) - shown
            self.say(f"   and {_count(more, 'more place')}")
        if finding.help:
            self.say(f"   = help: {prose(finding.help)}")
        if finding.fix is not None:
            self.say(f"   = fix ({finding.fix.applicability}): {prose(finding.fix.title)}")
        self.say()

    def code(self, heading: str, path: str, span: Span, colour: str, limit: int = 3) -> None:
        """A heading and the lines it speaks of; a span of nothing (the file as a whole) has no lines."""
        self.say(heading)
        if span[:2] == span[2:] == (1, 1):
            return
        if self.frames is None:
            from opslint.report.frames import Frames

            self.frames = Frames(self.context.read)
        for line in self.frames.frame(path, span, limit):
            gutter = f"{line.number:>5} | "
            self.say(f"{self.paint('dim', gutter)}{line.text}".rstrip())
            if colour and line.mark is not None and line.number == span[0] and span[2] == span[0]:
                start, end = line.mark[0], min(line.mark[1], line.mark[0] + MAX_CARETS)
                if not line.text[:start].strip() + line.text[end:].strip():
                    # The whole line is meant: a mark under all of it tells nothing.
                    continue
                self.say("      " + self.paint("dim", "| ") + " " * start + self.paint(colour, "^" * (end - start)))

    def problems(self) -> None:
        """What about the run itself the reader must know; those that make it incomplete first."""
        ordered = sorted(self.result.problems, key=lambda problem: problem.kind not in INCOMPLETE_KINDS)
        shown = ordered if self.context.verbose else ordered[:MAX_PROBLEMS]
        for problem in shown:
            self.problem(problem)
        if len(shown) < len(ordered):
            self.say(f"... and {len(ordered) - len(shown)} more problems (--verbose lists them)")
        if ordered:
            self.say()

    def problem(self, problem: Problem) -> None:
        """One problem on one line."""
        head = self.paint("warning", f"problem[{problem.kind}]")
        where = f" {self.place(problem.path, problem.span)}:" if problem.path else ""
        self.say(f"{head}{where} {prose(problem.message)}")

    def hints(self, *, not_linked: bool) -> None:
        """What could not be linked, and the configuration that would help: what takes the ground from all else comes first."""
        hints = [hint for hint in self.result.hints if hint.startswith(NOT_LINKED) == not_linked]
        for hint in hints:
            lines = hint.split("\n")
            self.say(f"{self.paint('warning', 'not linked:' if not_linked else 'not seen:')} {prose(lines[0])}")
            for line in lines[1:]:
                self.say(f"    {visible(line)}")
        if hints:
            self.say()

    def totals(self) -> None:
        """The counts, and the next command."""
        result, counts = self.result, self.result.statistics
        found = dict.fromkeys(("error", "warning", "note"), 0)
        for finding in result.findings:
            found[finding.severity] += 1
        read = _join([_count(counts.files, "file"), f"{counts.context} more as context" if counts.context else ""])
        if not understood(result):
            self.say(_nothing_read(result))
        elif result.findings:
            self.say(f"{_join([_count(found[name], name) for name in found])} in {read}.")
        else:
            self.say(f"No findings in {read}.")
        details = [
            f"{counts.excluded} excluded" if counts.excluded else "",
            f"{counts.skipped} skipped" if counts.skipped else "",
            f"{counts.failed} not read to the end" if counts.failed else "",
            f"{counts.suppressed} suppressed" if counts.suppressed else "",
            f"{counts.baselined} in the baseline" if counts.baselined else "",
            f"{counts.undecided} left undecided" if counts.undecided else "",
        ]
        hidden = [_count(number, severity) for severity, number in sorted(result.hidden.items())]
        if any(hidden):
            details.append(f"{_join(hidden)} below what is shown (--min-severity, --min-confidence)")
        if any(details):
            self.say(f"({_join(details)})")
        if self.context.statistics:
            self.by_rule()
        self.say(f"Next: {self.next_command()}")

    def by_rule(self) -> None:
        """Findings counted by rule, most frequent first."""
        counts: dict[str, int] = {}
        for finding in self.result.findings:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
        for rule, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            self.say(f"{number:>6}  {rule}")

    def next_command(self) -> str:
        """The one command that helps most from here."""
        result = self.result
        if not understood(result):
            return "opslint check PATH  (a directory with code, manifests or pipelines)"
        paths = [visible(word) if word.isprintable() and " " not in word else repr(word) for word in self.context.command[2:]]
        if any(finding.fix is not None and finding.fix.applicability == "safe" for finding in result.findings):
            return " ".join(["opslint fix", *paths])
        for severity in ("error", "warning", "note"):
            for finding in result.findings:
                if finding.severity == severity:
                    return f"opslint rule {finding.rule}"
        if result.hints or result.statistics.undecided:
            return "opslint model  (what opslint believes, and what it could not see)"
        if result.problems:
            return " ".join(["opslint check --verbose", *paths])
        return "opslint rules  (what was looked for)"


def _nothing_read(result: RunResult) -> str:
    counts = result.statistics
    if counts.selected == 0:
        return "No file to check."
    reasons = _join(
        [
            f"{counts.excluded} excluded by configuration" if counts.excluded else "",
            f"{counts.skipped} of no kind that opslint reads, or test, example or generated files" if counts.skipped else "",
            f"{counts.failed} not read to the end" if counts.failed else "",
        ]
    )
    return f"Nothing was understood: of {_count(counts.selected, 'file')}, {reasons or 'none could be read'}."
