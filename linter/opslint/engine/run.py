"""One run: the projects its paths touch, each checked as a whole, merged into one result."""

from __future__ import annotations

import os
import sys

from opslint.base.finding import CONFIDENCES, INCOMPLETE_KINDS, SEVERITIES, Problem, RunResult, Statistics
from opslint.base.jsonio import dumps
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.configuration import settings_of
from opslint.engine.discover import add_nested, find_targets
from opslint.engine.files import FileStage
from opslint.engine.globs import path_matcher
from opslint.engine.packs import find_packs
from opslint.engine.project import Linked, complete, conclude, link
from opslint.engine.select import at_least, check_options, selected_rules
from opslint.engine.source import DiskSource
from opslint.engine.worker import MAX_BYTES, Analyser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.base.finding import Finding
    from opslint.base.settings import ProjectSettings, RunOptions
    from opslint.engine.baseline import Baseline
    from opslint.engine.cache import Cupboard
    from opslint.engine.discover import Target
    from opslint.engine.packs import Packs
    from opslint.engine.project import Verdict
    from opslint.engine.source import Source
    from opslint.model.model import DeploymentModel


class ProjectRun:
    """One project while it is checked: everything a baseline, a diff, a server or a fix may ask for afterwards."""

    def __init__(self, source: Source, settings: ProjectSettings, packs: Packs, options: RunOptions) -> None:
        self.source = source
        self.settings = settings
        self.packs = packs
        self.options = options
        self.root = source.root
        self.enabled = selected_rules(packs.rules, settings, options)
        check_options(packs.rules, settings)
        self.stage = self._stage()
        self.verdict: Verdict | None = None
        self.linked_anew = False
        self.base: str | None = None
        """The commit that tells new migrations from old ones where the caller chose one (`--diff`)."""

    def at(self, source: Source) -> ProjectRun:
        """Return the same project over other files, under the same configuration."""
        return ProjectRun(source, self.settings, self.packs, self.options)

    def base_commit(self) -> str | None:
        """Return the commit that tells new migrations from old ones; None: all are history."""
        from opslint.engine import git

        if self.base is not None or git.top_of(self.root) is None:
            return self.base
        return git.base_commit(self.root)

    def _stage(self) -> FileStage:
        options = self.options
        store = None
        if not options.no_cache:
            from opslint.engine.cache import open_store

            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            stamp = dumps([self.packs.stamp, version, MAX_BYTES, options.no_prescreen])
            store = open_store(self.root, options.cache_dir, stamp, self.source.name)
        return FileStage(
            self.source,
            Analyser(self.packs, prescreen=not options.no_prescreen),
            store,
            jobs=options.jobs,
            excluded=path_matcher(self.settings.exclude) if self.settings.exclude else None,
        )

    def model(self, asked: Asked | None = None) -> DeploymentModel:
        """Return the deployment model of the analysed files."""
        from opslint.model.model import DeploymentModel, FileInfo

        asked = asked or Asked(self)
        files = {
            path: FileInfo(digest=entry.content, kind=entry.refined or "", role=entry.role, screened=entry.screened)
            for path, entry in self.stage.entries.items()
            if entry.state != "excluded"
        }
        return DeploymentModel(
            files,
            self.stage.facts,
            asked.read,
            self.settings,
            is_ignored=lambda path: path in self.source.ignored([path]),
            old_paths=asked.old_paths,
            full=asked.full,
            all_migrations=self.options.all_migrations,
        )

    def check(self) -> Verdict:
        """Analyse, link, judge; what the cache holds of an unchanged project is replayed."""
        from opslint.engine.segments import Damaged

        try:
            return self._check()
        except Damaged:
            if self.stage.store is not None:
                self.stage.store.wipe()
            self.stage = self._stage()
            return self._check()

    def _check(self) -> Verdict:
        from opslint.base.masking import set_digest_key

        stage = self.stage
        set_digest_key(stage.store.key if stage.store is not None else b"opslint")
        stage.run()
        key = linked_key(self) if stage.store is not None else ""
        linked = recall_linked(self, key)
        if linked is None:
            self.linked_anew = True
            asked = Asked(self)
            linked = link(self.model(asked), stage, self.packs, self.settings, self.enabled)
            if (
                stage.store is not None
                and not linked.problems
                and not self.packs.problems
                and not getattr(self.source, "overlay", None)
            ):
                stage.store.write_link(key, [linked.encode(), asked.encode()])
        self.verdict = conclude(linked, stage, self.packs, self.settings, self.enabled)
        stage.save()
        return self.verdict


class Asked:
    """Answers what a model asks beyond facts, and remembers it: a linked result holds as long as the answers do."""

    def __init__(self, project: ProjectRun) -> None:
        self._project = project
        self._contents: dict[str, str] = {}
        self._base: list[str | None] = []
        self._paths: frozenset[str] | None = None

    def read(self, path: str) -> bytes | None:
        """Return a file's content."""
        data = self._project.stage.read(path)
        self._contents[path] = "" if data is None else self._project.stage.hash(data)
        return data

    def full(self, path: str) -> dict[type[Fact], list[Fact]]:
        """Return the facts of a file that the prescreen passed over."""
        entry = self._project.stage.entries.get(path)
        self._contents[path] = "" if entry is None else entry.content
        return self._project.stage.full(path)

    def old_paths(self) -> frozenset[str] | None:
        """Return the paths of the base revision."""
        if not self._base:
            base = self._project.base_commit()
            if base is not None:
                from opslint.engine.diff import paths_at

                self._paths = paths_at(self._project.root, base)
            self._base.append(base)
        return self._paths

    def encode(self) -> list[Any]:
        """Return what was asked as JSON values."""
        return [dict(sorted(self._contents.items())), self._base]


def linked_key(project: ProjectRun) -> str:
    """Return the digest of everything a linked result rests on, but for what `Asked` remembers."""
    entries = project.stage.entries
    parts = [
        "\0".join(entries),
        "\0".join([f"{entry.digest}{entry.role}{entry.state}{entry.refined}{entry.kind}" for entry in entries.values()]),
        repr(project.settings),
        "\0".join(sorted(project.enabled)),
        str(project.options.all_migrations),
        outer_ignores(project.root),
    ]
    hashed = [project.stage.hash(part.encode("utf-8", "surrogatepass")) for part in parts]
    return project.stage.hash("".join(hashed).encode())


def outer_ignores(root: str) -> str:
    """Return the content of the ignore files between the git top and a project below it."""
    from opslint.engine.git import top_of

    top = top_of(root)
    texts = []
    directory = root
    while top is not None and directory != top:
        directory = os.path.dirname(directory)
        path = os.path.join(directory, ".gitignore")
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as handle:
                texts.append(handle.read(1 << 20))
    return "\0".join(texts)


def recall_linked(project: ProjectRun, key: str) -> Linked | None:
    """Return the linked result kept under `key` when all that it asked for would be answered the same, else None."""
    stage = project.stage
    kept = stage.store.read_link(key) if stage.store is not None and key else None
    if kept is None:
        return None
    values, (contents, base) = kept
    for path, content in contents.items():
        entry = stage.entries.get(path)
        now = entry.content if entry is not None else ""
        if not now and entry is not None:
            data = stage.read(path)
            now = "" if data is None else stage.hash(data)
        if now != content:
            return None
    if base and project.base_commit() != base[0]:
        return None
    return Linked.decode(values)


def run(options: RunOptions, *, notes: list[str] | None = None, overlay: dict[str, bytes] | None = None) -> RunResult:
    """Check what `options` ask for.

    `notes` collects lines for standard error; `overlay` holds unsaved content by absolute path. UsageError and ConfigError
    end the run.
    """
    if options.stdin_filename is not None and overlay is None:
        import sys

        overlay = {os.path.abspath(options.stdin_filename): sys.stdin.buffer.read()}
    targets = find_targets(options.paths, options.root, overlay=options.stdin_filename)
    if options.root is None:
        targets = add_nested(targets)
    packs = find_packs(cupboard(options, [target.root for target in targets]))
    known = _baseline(options)
    shares = []
    for target in targets:
        project = open_project(target, options, packs, overlay or {})
        if options.diff is None:
            project.check()
        else:
            from opslint.engine.diff import check_against

            check_against(project, options.diff)
        share = share_of(project, target, options)
        if known is not None:
            share.findings, share.statistics["baselined"] = known.split(share.findings)
        shares.append(share)
    return merge(shares, options, notes if notes is not None else [])


def _baseline(options: RunOptions) -> Baseline | None:
    if options.baseline is None:
        return None
    from opslint.engine.baseline import load

    return load(options.baseline)


def cupboard(options: RunOptions, roots: Iterable[str]) -> Cupboard | None:
    """Return where the installation is remembered; None when that would be inside of a linted tree.

    `--no-cache` is about results: the list of installed packs is kept in any case, as it tells nothing about a project.
    UsageError when the user's choice of a directory lies inside of a linted tree.
    """
    from opslint.engine.cache import Cupboard, outside_directory

    directories = [outside_directory(root, options.cache_dir) for root in roots]
    return None if None in directories or not directories else Cupboard(directories[0] or "")


def open_project(target: Target, options: RunOptions, packs: Packs, overlay: dict[str, bytes]) -> ProjectRun:
    """Return the project of a target, with its configuration loaded; nothing is analysed yet."""
    prefix = target.root.rstrip(os.sep) + os.sep
    inside = {path[len(prefix) :].replace(os.sep, "/"): data for path, data in overlay.items() if path.startswith(prefix)}
    source = DiskSource(target.root, tracked=options.tracked, overlay=inside)
    return ProjectRun(source, load_settings(target.root, options, packs), packs, options)


def load_settings(root: str, options: RunOptions, packs: Packs) -> ProjectSettings:
    """Return the configuration of the project at `root`."""
    return settings_of(root, options.config, packs, cupboard(options, [root]))


class Share:
    """What one project gives to a run, filtered by what was asked for."""

    __slots__ = ("environments", "findings", "hidden", "hints", "notes", "problems", "root", "statistics")

    def __init__(self, root: str) -> None:
        self.root = root
        self.findings: list[Finding] = []
        self.problems: list[Problem] = []
        self.environments: list[str] = []
        self.hints: list[str] = []
        self.notes: list[str] = []
        self.hidden: dict[str, int] = {}
        self.statistics: dict[str, int] = {}


def chooser(selected: set[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a project path was given itself or stands below a given directory."""
    if "" in selected:
        return lambda _path: True
    below = tuple(sorted(f"{path}/" for path in selected))
    return lambda path: path in selected or path.startswith(below)


def share_of(project: ProjectRun, target: Target, options: RunOptions) -> Share:
    """Filter a project's verdict by the given paths, severity and confidence, and count."""
    verdict = project.verdict
    assert verdict is not None
    share = Share(project.root)
    selected = set(target.selected)
    if options.tracked:
        from opslint.engine import git

        if git.top_of(project.root) is not None:
            selected.update(git.deleted_in_index(project.root))
    chosen = chooser(selected)
    whole = "" in selected

    def wanted(finding: Finding) -> bool:
        return whole or any(map(chosen, finding.derived)) or chosen(finding.path)

    share.environments, share.hints = verdict.environments, verdict.hints
    shown = [finding for finding in verdict.findings if wanted(finding)]
    for finding in shown:
        if not at_least(finding.severity, options.min_severity, SEVERITIES) or not at_least(finding.confidence, options.min_confidence, CONFIDENCES):
            share.hidden[finding.severity] = share.hidden.get(finding.severity, 0) + 1
        else:
            share.findings.append(finding)
    elsewhere = []
    for problem in verdict.problems:
        if not problem.path or chosen(problem.path):
            share.problems.append(problem)
        elif problem.kind in INCOMPLETE_KINDS:
            elsewhere.append(problem.path)
    if whole and options.diff is None:
        share.problems += verdict.suppression_problems
    if elsewhere:
        names = sorted(set(elsewhere))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        share.notes.append(f"not read to the end, outside of the given paths: {', '.join(names[:3])}{more}")
    share.statistics = _count(project, chosen, share.problems)
    share.statistics["suppressed"] = sum(1 for finding in verdict.suppressed if wanted(finding))
    share.statistics["undecided"] = verdict.undecided
    return share


def _count(project: ProjectRun, chosen: Callable[[str], bool], problems: list[Problem]) -> dict[str, int]:
    broken = {problem.path for problem in problems if problem.kind in INCOMPLETE_KINDS}
    counts = dict.fromkeys(("context", "excluded", "failed", "files", "selected", "skipped"), 0)
    empty = {path for path, result in project.stage.details() if result.skipped}
    for path, entry in project.stage.entries.items():
        state = entry.state
        if state == "read" and (entry.kind == "gitignore" or path in empty):
            state = "skipped"
        if not chosen(path):
            counts["context"] += state == "read"
            continue
        counts["selected"] += 1
        if path in broken:
            counts["failed"] += 1
        else:
            counts["files" if state == "read" else state] += 1
    return counts


def merge(shares: list[Share], options: RunOptions, notes: list[str]) -> RunResult:
    """Merge the shares of all projects; with several, paths become relative to their common ancestor."""
    del options
    roots = [share.root for share in shares]
    base = roots[0] if len(roots) == 1 else (os.path.commonpath(roots) if roots else os.getcwd())
    findings: list[Finding] = []
    problems: list[Problem] = []
    environments: list[str] = []
    hints: list[str] = []
    hidden: dict[str, int] = {}
    totals = dict.fromkeys(Statistics.FIELDS, 0)
    for share in shares:
        prefix = "" if share.root == base else os.path.relpath(share.root, base).replace(os.sep, "/") + "/"
        findings += [_moved(finding, prefix) if prefix else finding for finding in share.findings]
        for problem in share.problems:
            moved = problem.replace(path=prefix + problem.path) if problem.path and prefix else problem
            if moved not in problems:
                problems.append(moved)
        environments += [name for name in share.environments if name not in environments]
        hints += [hint for hint in share.hints if hint not in hints]
        notes += share.notes
        for level, count in share.hidden.items():
            hidden[level] = hidden.get(level, 0) + count
        for name, count in share.statistics.items():
            totals[name] += count
    findings.sort(key=lambda finding: finding.sort_key())
    problems.sort(key=lambda problem: problem.sort_key())
    return RunResult(
        complete=complete(problems),
        environments=environments,
        findings=findings,
        hidden=dict(sorted(hidden.items())),
        hints=hints,
        problems=problems,
        root=base,
        statistics=Statistics(**totals),
    )


def _moved(finding: Finding, prefix: str) -> Finding:
    return finding.replace(
        derived=[prefix + path for path in finding.derived],
        evidence=[item.replace(path=prefix + item.path) for item in finding.evidence],
        path=prefix + finding.path,
    )
