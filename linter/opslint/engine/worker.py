"""The file stage: (bytes, kind, role) → `FileResult`. A pure function of these and the installed packs.

It runs every extractor and every installed file rule: options only filter later. A crash of a reader, an extractor or a
rule is a problem at the file, never the end of the run.
"""

from __future__ import annotations

from _blake2 import blake2b

from opslint.base.jsonio import dumps, loads
from opslint.base.location import FILE_TOP, Places
from opslint.base.rule import Reporter
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.classify import PRESCREENED
from opslint.engine.packs import PackError
from opslint.facts.registry import SCANNERS, modules_for, views
from opslint.syntax import readers
from opslint.syntax.document import ReadProblem
from opslint.syntax.guard import is_heavy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.base.finding import Report
    from opslint.base.location import Loc, Span
    from opslint.base.rule import Catalogued, Rule
    from opslint.engine.packs import Packs
    from opslint.engine.prescreen import Prescreen
    from opslint.syntax.document import Document

MAX_BYTES = 4 << 20
"""Largest file that is read. The largest hand-written source or manifest in the corpus is 1.3 MB; above are data and bundles."""

CLAIMING_WORDS = (b"apiVersion", b"AWSTemplateFormatVersion", b"services:", b"\njobs:")
"""A YAML or JSON file without a telling path is a manifest when it holds one of these: only then is its breakage a problem."""


class FileResult:
    """What one file gives.

    `kind` is the refined kind; `facts` maps a fact kind to the JSON text of rows of field values (`rows` while they are
    made; text, because a cold and a warm run then work on the very same values, and a large project's stay small);
    `places` is the encoded place table;
    `reports`, `suppressions` and `problems` are rows (see `encode_report`); `undecided` counts by rule the places where a file rule kept
    silent; `digest` covers all that a join or a project rule can see (no positions); `skipped` says why there is nothing
    although nothing is wrong; `screened` that the prescreen found no reason to parse it.
    """

    PACKED = ("digest", "facts", "kind", "places", "problems", "reports", "screened", "skipped", "suppressions", "undecided")
    __slots__ = (*PACKED, "rows", "seconds")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.rows: dict[str, list[list[Any]]] = {}
        self.facts: dict[str, str] = {}
        self.places = ""
        self.reports: list[list[Any]] = []
        self.suppressions: list[list[Any]] = []
        self.problems: list[list[Any]] = []
        self.undecided: dict[str, int] = {}
        self.digest = ""
        self.screened = False
        self.skipped = ""
        self.seconds = 0.0
        """What making it took; for the trace alone, kept nowhere."""

    def pack(self) -> list[Any]:
        """Return the result as JSON values."""
        return [getattr(self, name) for name in self.PACKED]

    @classmethod
    def unpack(cls, values: list[Any]) -> FileResult:
        """Return the result that `pack` gave."""
        result = cls("")
        for name, value in zip(cls.PACKED, values, strict=True):
            setattr(result, name, value)
        return result


def failed(kind: str, problem: str, message: str, span: Span = FILE_TOP) -> FileResult:
    """Return the result of a file that could not be read."""
    result = FileResult(kind)
    result.problems.append([problem, message, list(span)])
    _seal(result, Places())
    return result


def nothing(kind: str, digest: str) -> FileResult:
    """Return the result of a file that only counts by its content (an ignore file)."""
    result = FileResult(kind)
    result.digest = digest
    return result


class Analyser:
    """Analyses files with the installed packs. One per process; keeps what it imported."""

    def __init__(self, packs: Packs, *, prescreen: bool = True) -> None:
        self._packs = packs
        self._prescreen = prescreen
        self._rules: dict[str, list[Catalogued]] = {}
        self._instances: dict[str, Rule | None] = {}
        self._extractors: dict[str, list[tuple[str, list[tuple[frozenset[bytes], bool]]]]] = {}
        self._screens: dict[str, Prescreen] = {}
        self._deciding: dict[str, frozenset[bytes] | None] = {}
        """By kind, the literals one of which is a reason to parse a file; None: something wants every file."""

    def analyse(self, data: bytes, kind: str, *, guarded: bool = False) -> FileResult:
        """Return the result of one file. `guarded`: this process may be killed, so any shape of file may be read."""
        if len(data) > MAX_BYTES:
            return failed(kind, "limit", f"larger than {MAX_BYTES >> 20} MiB; not read")
        hits = self._hits(data, kind)
        if kind in PRESCREENED and self._prescreen and self._is_idle(kind, hits) and b"opslint:" not in data:
            return self._scan(data, kind)
        if not guarded:
            heavy = is_heavy(data)
            if heavy:
                from opslint.engine.isolated import analyse_isolated

                return analyse_isolated(data, kind, heavy, prescreen=self._prescreen)
        return self._read(data, kind, hits)

    def analyse_fully(self, data: bytes, kind: str, spans: list[Span]) -> FileResult:
        """Return the result of a file that the prescreen passed over; its place table begins with `spans`, the screened one's."""
        if is_heavy(data):
            return failed(kind, "limit", "not read")
        return self._read(data, kind, self._hits(data, kind), spans)

    def _read(self, data: bytes, kind: str, hits: set[bytes], spans: Iterable[Span] = ()) -> FileResult:
        result = FileResult(kind)
        try:
            document = readers.read(data, kind)
        except ReadProblem as problem:
            return self._unreadable(data, kind, problem)
        except RecursionError:
            return failed(kind, "limit", "nested too deeply to be followed")
        except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
            return failed(kind, "reader-crash", f"the {kind} reader crashed: {type(error).__name__}: {_brief(error)}")
        result.kind = document.kind
        for span in spans:
            document.places.add(span)
        for minor in document.problems:
            result.problems.append([minor.kind, minor.message, list(minor.span)])
        if document.kind != kind:
            hits = hits | self._hits(data, document.kind)
        self._extract(document, hits, result)
        self._check(document, hits, result)
        if b"opslint:" in data:
            from opslint.engine.suppress import parse_comments

            result.suppressions = parse_comments(document)
        _seal(result, document.places)
        return result

    def _unreadable(self, data: bytes, kind: str, problem: ReadProblem) -> FileResult:
        from opslint.base.finding import INCOMPLETE_KINDS

        unclaimed = kind in readers.SOFT_KINDS and not any(word in data for word in CLAIMING_WORDS)
        if problem.kind not in INCOMPLETE_KINDS or unclaimed:
            result = FileResult(kind)
            result.skipped = problem.kind
            _seal(result, Places())
            return result
        return failed(kind, problem.kind, problem.message, problem.span)

    def _scan(self, data: bytes, kind: str) -> FileResult:
        result = FileResult(kind)
        result.screened = True
        places = Places()
        scanner = SCANNERS.get(kind)
        if scanner is not None:
            module, _, name = scanner.partition(":")
            scan = getattr(__import__(module, fromlist=[name]), name)
            _emit(result, scan(data, places))
        _seal(result, places)
        return result

    def _is_idle(self, kind: str, hits: set[bytes]) -> bool:
        """Tell whether nothing strong looks for anything in a file with these literals."""
        deciding = self._deciding[kind]
        return deciding is not None and deciding.isdisjoint(hits)

    def _hits(self, data: bytes, kind: str) -> set[bytes]:
        screen = self._screens.get(kind)
        if screen is None:
            literals: set[bytes] = set()
            deciding: set[bytes] = set()
            every = False
            for module, extractors in self._extractors_of(kind):
                del module
                for wanted, weak in extractors:
                    literals |= wanted
                    if not weak:
                        deciding |= wanted
                        every = every or not wanted
            for rule in self._rules_of(kind):
                wanted = frozenset(literal.encode() for literal in rule.literals)
                literals |= wanted
                deciding |= wanted
                every = every or not wanted
            from opslint.engine.prescreen import Prescreen

            screen = self._screens[kind] = Prescreen(literals)
            self._deciding[kind] = None if every else frozenset(deciding)
        return screen.hits(data)

    def _extractors_of(self, kind: str) -> list[tuple[str, list[tuple[frozenset[bytes], bool]]]]:
        """The modules with extractors for `kind`, with (literals, weak) of each, by the catalogue alone."""
        found = self._extractors.get(kind)
        if found is None:
            built_in = modules_for(kind)
            rows: dict[str, list[tuple[frozenset[bytes], bool]]] = {module: [] for module in built_in}
            for module, of_kind, literals, weak in self._packs.extractors:
                if of_kind == kind and (module in rows or not module.startswith("opslint.facts.")):
                    rows.setdefault(module, []).append((frozenset(text.encode() for text in literals), weak))
            found = self._extractors[kind] = [(module, rows[module]) for module in rows if rows[module]]
        return found

    def _rules_of(self, kind: str) -> list[Catalogued]:
        found = self._rules.get(kind)
        if found is None:
            found = self._rules[kind] = self._packs.file_rules(kind)
        return found

    def _extract(self, document: Document, hits: set[bytes], result: FileResult) -> None:
        kind = document.kind
        for module, wanted in self._extractors_of(kind):
            if self._prescreen and not any(weak or not literals or literals & hits for literals, weak in wanted):
                continue
            try:
                extractors = self._packs.extractors_of(module)
            except PackError as error:
                result.problems.append(["pack-error", str(error), list(FILE_TOP)])
                continue
            for extractor in extractors:
                if extractor.kind != kind:
                    continue
                facts: list[Fact] = []
                try:
                    extractor.extract(document, facts.append)
                except RecursionError:
                    result.problems.append(["limit", "nested too deeply to be followed", list(FILE_TOP)])
                except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
                    message = f"taking facts with {module} crashed: {type(error).__name__}: {_brief(error)}"
                    result.problems.append(["reader-crash", message, list(FILE_TOP)])
                _emit(result, facts)

    def _check(self, document: Document, hits: set[bytes], result: FileResult) -> None:
        for entry in self._rules_of(document.kind):
            literals = entry.literals
            if literals and self._prescreen and not any(literal.encode() in hits for literal in literals):
                continue
            rule = self._instance(entry.name)
            if rule is None:
                result.problems.append(["pack-error", f"rule {entry.name} could not be loaded", list(FILE_TOP)])
                continue
            reporter = Reporter(entry.name)
            try:
                subscription = rule.on  # type: ignore[attr-defined]
                for view in views(document, subscription.hook, subscription.names):
                    rule.check(view, reporter)  # type: ignore[attr-defined]
                rows = [encode_report(report) for report in reporter.reports]
            except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
                message = f"rule {entry.name} crashed: {type(error).__name__}: {_brief(error)}"
                result.problems.append(["rule-crash", message, list(FILE_TOP)])
                continue
            result.reports += rows
            silent = len({encode_text(at) for at, _reason in reporter.undecided})
            if silent:
                result.undecided[entry.name] = silent

    def _instance(self, name: str) -> Rule | None:
        if name not in self._instances:
            rule = self._packs.rule(name)
            self._instances[name] = rule() if rule is not None else None
        return self._instances[name]


def _brief(error: Exception) -> str:
    # The text of an exception may quote the file: one short line, so that no secret of a page's length gets out.
    return str(error).partition("\n")[0][:120]


def _emit(result: FileResult, facts: list[Fact]) -> None:
    for fact in facts:
        result.rows.setdefault(fact.kind, []).append([getattr(fact, name) for name in fact.FIELDS])


def _seal(result: FileResult, places: Places) -> None:
    """Encode positions and facts, and make the digest: cold and warm runs then work on the very same values."""
    result.places = encode_places(places.spans)
    result.facts = {kind: dumps(rows) for kind, rows in sorted(result.rows.items())}
    result.rows = {}
    text = dumps([result.kind, result.facts, result.reports, result.undecided, result.problems, result.skipped])
    result.digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    result.reports = loads(dumps(result.reports)) if result.reports else []


def encode_places(spans: list[Span]) -> str:
    """Return a place table as one string."""
    return ";".join([f"{a},{b},{c - a},{d}" for a, b, c, d in spans])


def decode_places(text: str) -> list[Span]:
    """Return the place table that `encode_places` wrote."""
    spans = []
    for item in text.split(";") if text else ():
        line, column, lines, end = item.split(",")
        first = int(line)
        spans.append((first, int(column), first + int(lines), int(end)))
    return spans


def encode_report(report: Report) -> list[Any]:
    """Return a report as JSON values."""
    fix = report.fix
    return [
        report.rule,
        _encode_loc(report.at),
        report.message,
        [[_encode_loc(loc), note] for loc, note in report.evidence],
        list(report.environments),
        report.service,
        None if fix is None else [fix.applicability, fix.data, fix.maker, fix.title],
        report.key,
        report.severity,
        report.confidence,
        list(report.derived),
        report.together,
    ]


def encode_text(loc: Loc | None) -> str:
    """Return a place as text, to tell places apart."""
    return "" if loc is None else f"{loc[0]}:{loc[1]}"


def _encode_loc(loc: Loc) -> list[Any]:
    path, at = loc
    return [path, at if isinstance(at, int) else list(at)]


def decode_report(row: list[Any], path: str) -> Report:
    """Return the report that `encode_report` wrote; the empty path of a file rule's places becomes `path`."""
    from opslint.base.finding import Fix, Report

    rule, at, message, evidence, environments, service, fix, key, severity, confidence, derived, together = row

    def loc(value: list[Any]) -> Loc:
        where = value[1]
        return (value[0] or path, where if isinstance(where, int) else (where[0], where[1], where[2], where[3]))

    return Report(
        at=loc(at),
        confidence=confidence,
        derived=sorted({name or path for name in derived}),
        environments=environments,
        evidence=[(loc(place), note) for place, note in evidence],
        fix=None if fix is None else Fix(applicability=fix[0], data=fix[1], maker=fix[2], title=fix[3]),
        key=key,
        message=message,
        rule=rule,
        service=service,
        severity=severity,
        together=together,
    )
