"""One run: the projects its paths touch, each checked as a whole, merged into one result."""

from __future__ import annotations

import os
import sys
from time import perf_counter

from opslint.base.jsonio import dumps
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.configuration import settings_of
from opslint.engine.discover import add_nested, find_targets
from opslint.engine.files import FileStage
from opslint.engine.packs import find_packs
from opslint.engine.project import conclude, link
from opslint.engine.recall import Asked, linked_key, recall_linked
from opslint.engine.select import check_options, selected_rules
from opslint.engine.share import merge, share_of
from opslint.engine.source import DiskSource
from opslint.engine.worker import MAX_BYTES, Analyser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.finding import RunResult
    from opslint.base.settings import ProjectSettings, RunOptions
    from opslint.engine.baseline import Baseline
    from opslint.engine.cache import Cupboard
    from opslint.engine.discover import Target
    from opslint.engine.packs import Packs
    from opslint.engine.policy import Policy
    from opslint.engine.project import Verdict
    from opslint.engine.siblings import Guest
    from opslint.engine.source import Source
    from opslint.model.model import DeploymentModel


class ProjectRun:
    """One project while it is checked: everything a baseline, a diff, a server or a fix may ask for afterwards."""

    def __init__(
        self,
        source: Source,
        settings: ProjectSettings,
        packs: Packs,
        options: RunOptions,
        policy: Policy | None = None,
        *,
        given: dict[str, Guest] | None = None,
    ) -> None:
        self.source = source
        self.settings = settings
        self.packs = packs
        self.options = options
        self.root = source.root
        self.enabled = selected_rules(packs.rules, settings, options)
        check_options(packs.rules, settings)
        self.given = given
        """Facts of siblings by name. With any (or an empty table, for an export), hashes are made for the exchange and nothing is cached."""
        self.stage = self._stage()
        self.policy = policy
        self.verdict: Verdict | None = None
        self.seconds: dict[str, float] = {}
        """What each step took, and each project rule."""
        self.linked_anew = False
        self.base: str | None = None
        """The commit that tells new migrations from old ones where the caller chose one (`--diff`)."""

    def at(self, source: Source) -> ProjectRun:
        """Return the same project over other files, under the same configuration."""
        policy = self.policy and self.policy.apart()
        return ProjectRun(source, self.settings, self.packs, self.options, policy, given=self.given)

    def base_commit(self) -> str | None:
        """Return the commit that tells new migrations from old ones; None: all are history."""
        from opslint.engine import git

        if self.base is not None or git.top_of(self.root) is None:
            return self.base
        return git.base_commit(self.root)

    def _stage(self) -> FileStage:
        options = self.options
        store = None
        if not options.no_cache and self.given is None:
            from opslint.engine.cache import open_store

            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            stamp = dumps([self.packs.stamp, version, MAX_BYTES, options.no_prescreen])
            store = open_store(self.root, options.cache_dir, stamp, self.source.name)
        excluded = None
        if self.settings.exclude:
            from opslint.engine.globs import path_matcher

            excluded = path_matcher(self.settings.exclude)
        analyser = Analyser(self.packs, prescreen=not options.no_prescreen)
        stage = FileStage(self.source, analyser, store, jobs=options.jobs, excluded=excluded)
        if self.given:
            from opslint.engine.siblings import guests_of

            stage.guests = guests_of(self.settings, self.given)
        return stage

    def model(self, asked: Asked | None = None) -> DeploymentModel:
        """Return the deployment model of the analysed files."""
        from opslint.model.model import DeploymentModel, FileInfo

        asked = asked or Asked(self)
        files = {
            path: FileInfo(digest=entry.content, kind=entry.refined or "", role=entry.role, screened=entry.screened)
            for path, entry in self.stage.entries.items()
            if entry.state != "excluded"
        }
        guests = self.stage.guests
        for path, (kind, role) in guests.files.items() if guests is not None else ():
            files[path] = FileInfo(digest="", kind=kind, role=role, screened=False)
        return DeploymentModel(
            files,
            self.stage.facts,
            asked.read,
            self.settings if guests is None else guests.joined(self.settings),
            is_ignored=asked.is_ignored,
            old_paths=asked.old_paths,
            full=asked.full,
            all_migrations=self.options.all_migrations,
            join=(lambda own: own) if guests is None else guests.deployments,
            missing_siblings=[name for name in self.settings.siblings if name not in (self.given or ())],
        )

    def check(self) -> Verdict:
        """Analyse, link, judge; what the cache holds of an unchanged project is replayed."""
        from opslint.engine.sealed import DamagedError

        try:
            return self._check()
        except DamagedError:
            if self.stage.store is not None:
                self.stage.store.wipe()
            self.stage = self._stage()
            return self._check()

    def _check(self) -> Verdict:
        stage = self.stage
        if self.given is not None:
            from opslint.base.masking import set_digest_key
            from opslint.engine.siblings import exchange_key

            set_digest_key(exchange_key())
        elif stage.store is not None or "opslint.base.masking" in sys.modules:
            from opslint.base.masking import set_digest_key

            set_digest_key(stage.store.key if stage.store is not None else b"opslint")
        started = perf_counter()
        stage.run()
        self.seconds["files"] = perf_counter() - started
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
        self.seconds["link"] = perf_counter() - started - self.seconds["files"]
        self.seconds.update({f"rule {name}": seconds for name, seconds in linked.seconds.items()})
        self.verdict = conclude(linked, stage, self.packs, self.settings, self.enabled, policy=self.policy)
        stage.save()
        self.seconds["all"] = perf_counter() - started
        return self.verdict


def run(
    options: RunOptions, *, notes: list[str] | None = None, overlay: dict[str, bytes] | None = None, apart: bool = False
) -> RunResult:
    """Check what `options` ask for. Places of one habit are one finding unless wanted `apart` (a baseline lists places).

    `notes` collects lines for standard error; `overlay` holds unsaved content by absolute path. UsageError and ConfigError
    end the run.
    """
    if options.stdin_filename is not None and overlay is None:
        overlay = {os.path.abspath(options.stdin_filename): sys.stdin.buffer.read()}
    targets = find_targets(options.paths, options.root, overlay=options.stdin_filename)
    if options.root is None:
        targets = add_nested(targets)
    if options.tracked and not options.paths and os.environ.get("PRE_COMMIT") == "1":
        # pre-commit names no deleted file: when it names none at all, only what is deleted in the index is judged.
        for target in targets:
            target.selected.clear()
    packs = find_packs(cupboard(options, [target.root for target in targets]))
    said = notes if notes is not None else []
    known = _baseline(options, said)
    given = None
    if options.facts:
        from opslint.engine.siblings import check_names, read_facts

        given = read_facts(options.facts)
        check_names(given, [load_settings(target.root, options, packs) for target in targets])
    shares = []
    projects = []
    for target in targets:
        project = open_project(target, options, packs, overlay or {}, given)
        if options.diff is None:
            project.check()
        else:
            from opslint.engine.diff import check_against

            check_against(project, options.diff)
        share = share_of(project, target, options)
        if known is not None:
            share.findings, share.statistics["baselined"] = known.split(share.findings)
        shares.append(share)
        projects.append(project)
        if project.policy is not None:
            said += project.policy.notes(project.settings, _own_settings(target.root, options, packs))
            project.policy.close()
    if options.trace is not None:
        from opslint.engine.trace import write

        write(options.trace, projects)
    return merge(shares, said, apart=apart)


def _baseline(options: RunOptions, notes: list[str]) -> Baseline | None:
    if options.baseline is None:
        return None
    from opslint.engine.baseline import at_revision, load

    if options.policy_from is None:
        return load(options.baseline)
    known, more = at_revision(options.baseline, options.policy_from)
    notes += more
    return known


def _own_settings(root: str, options: RunOptions, packs: Packs) -> ProjectSettings | None:
    """Return the configuration of the working tree, which does not count under `--policy-from`; None when it cannot be read."""
    from opslint.base.errors import OpslintError

    try:
        return load_settings(root, options, packs)
    except OpslintError:
        return None


def cupboard(options: RunOptions, roots: Iterable[str]) -> Cupboard | None:
    """Return where the installation is remembered; None when that would be inside of a linted tree.

    `--no-cache` is about results: the list of installed packs is kept in any case, as it tells nothing about a project.
    UsageError when the user's choice of a directory lies inside of a linted tree.
    """
    from opslint.engine.cache import Cupboard, outside_directory

    directories = [outside_directory(root, options.cache_dir) for root in roots]
    return None if None in directories or not directories else Cupboard(directories[0] or "")


def open_project(
    target: Target, options: RunOptions, packs: Packs, overlay: dict[str, bytes], given: dict[str, Guest] | None = None
) -> ProjectRun:
    """Return the project of a target, with its configuration loaded; nothing is analysed yet. `given` are facts of siblings by name."""
    prefix = target.root.rstrip(os.sep) + os.sep
    inside = {path[len(prefix) :].replace(os.sep, "/"): data for path, data in overlay.items() if path.startswith(prefix)}
    source = DiskSource(target.root, tracked=options.tracked, overlay=inside, listing=target.listing)
    if options.policy_from is None:
        return ProjectRun(source, load_settings(target.root, options, packs), packs, options, given=given)
    from opslint.engine.policy import Policy

    policy = Policy(target.root, options.policy_from)
    return ProjectRun(source, policy.settings(packs), packs, options, policy, given=given)


def load_settings(root: str, options: RunOptions, packs: Packs) -> ProjectSettings:
    """Return the configuration of the project at `root`."""
    return settings_of(root, options.config, packs, cupboard(options, [root]))
