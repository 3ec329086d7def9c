"""One project, from its file stage to its findings: link, project rules, severities, suppressions, fingerprints."""

from __future__ import annotations

from time import perf_counter

from opslint.base.finding import CONFIDENCES, INCOMPLETE_KINDS, SEVERITIES, Finding, Problem, Related
from opslint.base.location import FILE_TOP
from opslint.base.rule import Reporter
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.select import Severities, lower
from opslint.engine.unlinked import unlinked
from opslint.engine.worker import decode_report, encode_report, encode_text
from opslint.syntax.readers import SOFT_KINDS, has_reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from opslint.base.finding import Report
    from opslint.base.location import Loc, Span
    from opslint.base.rule import Catalogued, Rule
    from opslint.base.settings import ProjectSettings
    from opslint.engine.files import FileStage
    from opslint.engine.packs import Packs
    from opslint.engine.policy import Policy
    from opslint.model.model import DeploymentModel

MAX_HINTS = 8

_OBJECTS = "opslint.facts.kubernetes:KubernetesObject"
_OBJECT_MAKERS = ("opslint.facts.helm:HelmChart", "opslint.facts.kustomize:Kustomization")
"""Facts that the link makes Kubernetes objects of: a project of charts alone has what a rule over objects needs."""


class Verdict:
    """What a project's rules said, independent of what was asked to be shown.

    `findings` are all of the enabled rules, sorted, suppressed ones apart in `suppressed`; `suppression_problems` hold
    only when the whole project is reported.
    """

    __slots__ = ("environments", "findings", "hints", "problems", "suppressed", "suppression_problems", "undecided")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.suppressed: list[Finding] = []
        self.problems: list[Problem] = []
        self.suppression_problems: list[Problem] = []
        self.environments: list[str] = []
        self.hints: list[str] = []
        self.undecided = 0


class Linked:
    """The reports of a project before positions: what the cache keeps under the digest of all facts."""

    __slots__ = ("environments", "hints", "problems", "reports", "seconds", "severities", "undecided")

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.severities: list[tuple[str, str | None, list[str]]] = []
        """Per report: severity, the environment that set it, all its environments."""
        self.problems: list[Problem] = []
        self.environments: list[str] = []
        self.hints: list[str] = []
        self.undecided = 0
        self.seconds: dict[str, float] = {}
        """What each project rule took, with the joins it was the first to ask for; empty when replayed."""

    def encode(self) -> list[Any]:
        """Return the linked result as JSON values."""
        return [
            [encode_report(report) for report in self.reports],
            [list(row) for row in self.severities],
            [list(problem.as_tuple()) for problem in self.problems],
            self.environments,
            self.hints,
            self.undecided,
        ]

    @classmethod
    def decode(cls, values: list[Any]) -> Linked:
        """Return the linked result that `encode` gave."""
        linked = cls()
        reports, severities, problems, linked.environments, linked.hints, linked.undecided = values
        linked.reports = [decode_report(row, "") for row in reports]
        linked.severities = [(level, environment, names) for level, environment, names in severities]
        linked.problems = [
            Problem(kind=kind, message=message, path=path, span=(span[0], span[1], span[2], span[3]))
            for kind, message, path, span in problems
        ]
        return linked


def link(model: DeploymentModel, stage: FileStage, packs: Packs, settings: ProjectSettings, enabled: set[str]) -> Linked:
    """Run the enabled project rules over the model and put the file rules' reports beside theirs."""
    linked = Linked()
    reports: list[Report] = []
    for path, result in stage.details():
        reports += [decode_report(row, path) for row in result.reports if row[0] in enabled]
        linked.undecided += sum(count for name, count in result.undecided.items() if name in enabled)
    kinds = stage.fact_kinds()
    if not kinds.isdisjoint(_OBJECT_MAKERS):
        kinds.add(_OBJECTS)
    for name, entry in packs.rules.items():
        if name not in enabled or entry.file_rule or not _has_input(entry, kinds):
            continue
        rule = _instance(packs, name, settings)
        if rule is None:
            continue
        reporter = Reporter(name)
        started = perf_counter()
        try:
            rule.check(model, reporter)  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
            message = f"rule {name} crashed: {type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
            linked.problems.append(Problem(kind="rule-crash", message=message, path="", span=FILE_TOP))
            continue
        linked.seconds[name] = perf_counter() - started
        reports += reporter.reports
        linked.undecided += len({(encode_text(at), "" if at else reason) for at, reason in reporter.undecided})
    if stage.guests is not None:
        reports = stage.guests.at_home(reports, model.environments)
    _rate(linked, reports, model, packs, settings)
    linked.environments = model.environments.seen()
    _note_unread(model, stage)
    linked.undecided += sum(1 for spot in model.blind_spots if spot.kind == "service-not-linked")
    linked.hints = [*unlinked(model), *hints_of(model)]
    return linked


def _has_input(entry: Catalogued, kinds: set[str]) -> bool:
    """Tell whether there are facts that a rule needs, and others that it joins them with, where it says so."""
    return all(not wanted or not kinds.isdisjoint(wanted) for wanted in (entry.needs, entry.joins))


def _instance(packs: Packs, name: str, settings: ProjectSettings) -> Rule | None:
    rule = packs.rule(name)
    return None if rule is None else rule(settings.rule_options.get(name))


def _rate(linked: Linked, reports: list[Report], model: DeploymentModel, packs: Packs, settings: ProjectSettings) -> None:
    """Merge reports of one cause, name their environments, and set the severity each has there."""
    severities = Severities(settings)
    merged: dict[str, Report] = {}
    for report in reports:
        key = repr((report.rule, report.at, report.message, report.key, report.service, report.evidence))
        kept = merged.get(key)
        if kept is None:
            merged[key] = report
        else:
            merged[key] = kept.replace(
                derived=sorted({*kept.derived, *report.derived}),
                environments=[*kept.environments, *(name for name in report.environments if name not in kept.environments)],
            )
    for report in merged.values():
        names = _in_order(report.environments) or model.environments.names_of([report.at[0]])
        rule = packs.rules[report.rule]
        base = lower(rule.severity, report.severity, SEVERITIES)
        severity, environment = severities.of(rule, base, names)
        if severity is not None:
            linked.reports.append(report)
            linked.severities.append((severity, environment, names))


def _in_order(names: Iterable[str]) -> list[str]:
    from opslint.model.records import TIERS

    def key(name: str) -> tuple[int, str]:
        tier = name.partition("/")[0]
        return (TIERS.index(tier) if tier in TIERS else len(TIERS), name)

    return sorted(set(names), key=key)


def _note_unread(model: DeploymentModel, stage: FileStage) -> None:
    """A format that nothing reads is a blind spot."""
    unread: dict[str, list[str]] = {}
    for path, entry in stage.entries.items():
        if entry.state == "skipped" and entry.role == "deploy" and entry.kind and entry.kind not in SOFT_KINDS:
            if not has_reader(entry.kind):
                unread.setdefault(entry.kind, []).append(path)
    for kind, paths in sorted(unread.items()):
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        model.blind("format-not-read", (paths[0], FILE_TOP), f"{kind} files are not read: {paths[0]}{more}")


def hints_of(model: DeploymentModel) -> list[str]:
    """Return lines for a person: what the model could not know, most frequent kind first, with what would help."""
    by_kind: dict[str, list[str]] = {}
    for spot in model.blind_spots:
        line = spot.message + (f" ({spot.help})" if spot.help else "")
        lines = by_kind.setdefault(spot.kind, [])
        if line not in lines:
            lines.append(line)
    hints: list[str] = []
    for kind in sorted(by_kind, key=lambda name: (-len(by_kind[name]), name)):
        lines = sorted(by_kind[kind])
        hints += lines[:2]
        if len(lines) > 2:
            hints.append(f"{len(lines) - 2} more like this ({kind}): opslint model")
    return hints[:MAX_HINTS]


def conclude(
    linked: Linked,
    stage: FileStage,
    packs: Packs,
    settings: ProjectSettings,
    enabled: set[str],
    *,
    policy: Policy | None = None,
) -> Verdict:
    """Give the reports positions and fingerprints, and apply the suppressions (those that `policy` allows)."""
    verdict = Verdict()
    verdict.environments, verdict.hints, verdict.undecided = linked.environments, linked.hints, linked.undecided
    findings = _findings(linked, stage, packs, settings) if linked.reports else []
    rows = []
    for path, result in stage.details():
        if result.suppressions:
            allowed = policy.allowed(path, stage.entries[path].kind or "", result.suppressions) if policy else result.suppressions
            rows.append((path, allowed))
        if result.problems and _is_other_template(stage, path):
            continue
        for kind, message, span in result.problems:
            if stage.source.target(path) in stage.entries and stage.source.target(path) != path:
                continue
            if kind == "pack-error":
                # It shows at every file that needed the pack, and is no fault of any of them.
                packs.note(message)
                continue
            verdict.problems.append(Problem(kind=kind, message=message, path=path, span=(span[0], span[1], span[2], span[3])))
    if rows or settings.ignores:
        _suppress(verdict, findings, rows, packs, settings, enabled)
    else:
        verdict.findings = findings
    verdict.problems += linked.problems + packs.problems
    return verdict


def _suppress(
    verdict: Verdict,
    findings: list[Finding],
    rows: list[tuple[str, list[list[Any]]]],
    packs: Packs,
    settings: ProjectSettings,
    enabled: set[str],
) -> None:
    from opslint.engine.suppress import Suppressions, today

    suppressions = Suppressions(packs.rules, settings, today())
    for path, comments in rows:
        suppressions.add(path, comments)
    for finding in findings:
        (verdict.suppressed if suppressions.covers(finding) else verdict.findings).append(finding)
    invalid = list(suppressions.problems)
    suppressions.judge_unused(enabled)
    verdict.suppression_problems = suppressions.problems[len(invalid) :]
    verdict.problems += invalid


def _findings(linked: Linked, stage: FileStage, packs: Packs, settings: ProjectSettings) -> list[Finding]:
    """Return the reports as findings, with positions and fingerprints, sorted."""
    from opslint.engine.aliases import once
    from opslint.engine.fingerprint import Addresses, stamp
    from opslint.engine.fixes import offered

    positions = Positions(stage)
    found = []
    for report, (severity, environment, names) in zip(linked.reports, linked.severities, strict=True):
        rule = packs.rules[report.rule]
        finding = Finding(
            category=rule.category,
            confidence=lower(rule.confidence, report.confidence, CONFIDENCES),
            derived=[stage.shown(path) for path in report.derived],
            environment=environment,
            environments=names,
            evidence=[
                Related(message=stage.shown(note), path=stage.shown(loc[0]), span=positions.of(loc))
                for loc, note in report.evidence
            ],
            fingerprint="",
            fix=offered(report.fix, settings),
            help=rule.help,
            message=stage.shown(report.message),
            path=report.at[0],
            rule=report.rule,
            service=report.service,
            severity=severity,
            span=positions.of(report.at),
            together=report.together,
        )
        found.append((finding, report.key))
    found.sort(key=lambda row: (row[0].sort_key(), row[1], row[0].service or ""))
    found = once(found, stage.source)
    findings = [finding for finding, _key in found]
    addresses = Addresses(stage.read, stage.kind, stage.content, stage.store.read_addresses() if stage.store else {})
    stamp(findings, addresses, [key for _finding, key in found])
    stage.addresses = addresses.used
    return findings


def _is_other_template(stage: FileStage, path: str) -> bool:
    """Tell whether a file under ``templates/`` belongs to no chart: it is another tool's template, which nothing claims."""
    if stage.entries[path].kind != "helm-template":
        return False
    directory = path
    while directory:
        directory = directory.rpartition("/")[0]
        if any((f"{directory}/{name}" if directory else name) in stage.entries for name in ("Chart.yaml", "Chart.yml")):
            return False
    return True


class Positions:
    """Turns places into spans; a file's place table is decoded when a finding stands in it."""

    def __init__(self, stage: FileStage) -> None:
        self._stage = stage
        self._tables: dict[str, list[Span]] = {}

    def of(self, loc: Loc) -> Span:
        """Return the span of a place."""
        path, at = loc
        if not isinstance(at, int):
            return (at[0], at[1], at[2], at[3])
        table = self._tables.get(path)
        if table is None:
            table = self._tables[path] = self._stage.places(path)
        if at >= len(table):
            # A replayed report may stand at a place that only the full parse of a screened file has.
            self._stage.full(path)
            table = self._tables[path] = self._stage.places(path)
        return table[at] if 0 <= at < len(table) else FILE_TOP


def complete(problems: Iterable[Problem]) -> bool:
    """Tell whether no problem makes the run incomplete."""
    return not any(problem.kind in INCOMPLETE_KINDS for problem in problems)
