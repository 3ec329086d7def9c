"""The nouns of CI: pipelines, triggers, jobs, steps, actions, and what swallows their failure."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.command_table import ATOMIC_DEPLOYS
from opslint.model.job_conditions import holds

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Mapping
    from opslint.facts.workflow_views import Concurrency, JobView, StepView

CHECKS = frozenset(("test", "lint", "scan", "plan", "validate"))
"""Kinds of actions that judge and change nothing."""

DEPLOYING = frozenset(("apply", "deploy", "rollback", "destroy"))
"""Kinds of actions that change a running system."""


class Trigger(Record):
    """One event of a pipeline.

    `branches`, `tags`, `paths`, `types` are the filters as written ([]: all); `workflows` those of ``workflow_run``.
    """

    __slots__ = ("branches", "event", "loc", "paths", "tags", "types", "workflows")
    branches: list[str]
    event: str
    loc: Loc
    paths: list[str]
    tags: list[str]
    types: list[str]
    workflows: list[str]


class Mask(Record):
    """Something that swallows a failure. `kind`: ``continue-on-error allow_failure or no-errexit exit-zero make``; `text` as written."""

    __slots__ = ("kind", "loc", "text")
    kind: str
    loc: Loc
    text: str


class Action(Record):
    """One thing a step does.

    `kind` as in `command_table` (and ``gate``: waits for another pipeline's result); `tool` the command or ``uses`` that says so;
    `path` the directory it works in when Known ("" is the repository's top), None when not; `environments` what its arguments name;
    `masks` what swallows its failure inside the step; `via` how it was reached (script, make target, composite action) with notes;
    `info` the shell facts (`opslint.facts.scripts`), `shell` the shell that runs it; `flags` as in `shell_commands`.
    """

    __slots__ = ("environments", "flags", "info", "kind", "loc", "masks", "path", "shell", "tool", "via", "words")
    environments: list[str]
    flags: list[str]
    info: dict[str, Any]
    kind: str
    loc: Loc
    masks: list[Mask]
    path: str | None
    shell: str | None
    tool: str
    via: list[tuple[Loc, str]]
    words: list[str]


class Step(Record):
    """One step: its `actions` in order, its own `masks`; `unknown` says what in it could not be followed ("" when all was).

    `checked_later`: a later step or job looks at this step's outcome. `only_talks`: a script of nothing but messages. `commands` are the
    commands of its own script as (place, words, info), understood or not. `stays`: all it does is known to stay on the runner's disk.
    """

    __slots__ = (
        "actions",
        "checked_later",
        "commands",
        "condition",
        "id",
        "loc",
        "masks",
        "name",
        "only_talks",
        "stays",
        "unknown",
        "view",
    )
    actions: list[Action]
    checked_later: bool
    commands: list[tuple[Loc, list[str], dict[str, Any]]]
    condition: str
    id: str
    loc: Loc
    masks: list[Mask]
    name: str
    only_talks: bool
    stays: bool
    unknown: str
    view: StepView | None

    def may_run(self, start: tuple[str, str]) -> bool:
        """Tell whether its condition does not exclude this (event, ref)."""
        return holds(self.condition, *start) is not False


class Job(Record):
    """One job of a pipeline.

    `environment` is the text of ``environment:`` ("" when there is none), `environments` the names of our environments that it or its
    deploying actions name. `limits` are the concurrency blocks that hold for it, the job's own first. `timeout` as written.
    `called` is the path of the pipeline it runs (a reusable workflow of this repository), `called_elsewhere` of another's.
    `local`: it works on a cluster or database it started itself. `stage` is GitLab's. `view` is None for GitLab.
    `starts` are the (event, ref) that may start it, standing for all ("" is Unknown); none: it never runs, `blocked` says why.
    """

    __slots__ = (
        "blocked",
        "called",
        "called_elsewhere",
        "condition",
        "environment",
        "environments",
        "id",
        "limits",
        "loc",
        "local",
        "manual",
        "masks",
        "name",
        "needs",
        "node",
        "path",
        "provider",
        "runner",
        "stage",
        "starts",
        "steps",
        "timeout",
        "view",
    )
    blocked: str
    called: str
    called_elsewhere: str
    condition: str
    environment: str
    environments: list[str]
    id: str
    limits: list[Concurrency]
    loc: Loc
    local: bool
    manual: bool
    masks: list[Mask]
    name: str
    needs: list[str]
    node: Mapping
    path: str
    provider: str
    runner: list[str]
    stage: str
    starts: list[tuple[str, str]]
    steps: list[Step]
    timeout: str | None
    view: JobView | None

    @property
    def actions(self) -> list[Action]:
        """All actions of all steps."""
        return [action for step in self.steps for action in step.actions]

    @property
    def deploys(self) -> list[Action]:
        """The actions that change a running system (not one that the job started for itself)."""
        if self.local or not self.starts:
            return []
        remote = bool(self.environment)
        return [
            action
            for action in self.actions
            if action.kind in DEPLOYING or (action.kind == "migrate" and (remote or "remote" in action.flags))
        ]

    @property
    def is_deployment(self) -> bool:
        """It changes a running system, or GitHub records a deployment for it (`environment:`) and it does something elsewhere.

        A job that only prints, copies files on its own disk or judges deploys nothing, whatever its `environment:` says.
        """
        return bool(self.deploys) or (self._is_recorded and not self.idle)

    @property
    def idle(self) -> str:
        """Why a job that is meant to deploy deploys nothing as it is written, "" for all others."""
        if not self.starts:
            meant = self._is_recorded or any(action.kind in DEPLOYING for action in self.actions)
            return f"never runs ({self.blocked})" if meant and not self.local else ""
        stays = not self.deploys and bool(self.steps) and all(step.stays for step in self.steps)
        return "only prints messages or copies files on the runner" if stays and self._is_recorded else ""

    @property
    def _is_recorded(self) -> bool:
        """GitHub or GitLab records a deployment for it and it does not judge."""
        tiers = {name.partition("/")[0] for name in self.environments} if self.environment else set()
        return bool(tiers & {"production", "staging"}) and not any(action.kind in CHECKS for action in self.actions)

    @property
    def is_atomic(self) -> bool:
        """All it deploys goes to hosts that switch to a complete build in one step."""
        found = self.deploys
        return bool(found) and all(action.tool.lower().startswith(ATOMIC_DEPLOYS) for action in found)

    @property
    def is_preview(self) -> bool:
        """It runs for pull requests only, or everything it names is short-lived."""
        found = self.deploys
        if found and all("preview" in action.flags for action in found):
            return True
        condition = self.condition.replace('"', "'")
        on_request = ("event_name == 'pull_request'" in condition or "merge_request_event" in condition) and "||" not in condition
        tiers = {name.partition("/")[0] for name in self.environments}
        return on_request or (bool(tiers) and tiers <= {"ephemeral", "test"})

    @property
    def events(self) -> set[str]:
        """The events that may start it ("" is Unknown)."""
        return {event for event, _ref in self.starts}

    @property
    def unknown(self) -> str:
        """What could not be followed in it, "" when all was."""
        if self.called_elsewhere:
            return f"calls {self.called_elsewhere}"
        return next((step.unknown for step in self.steps if step.unknown), "")


class Pipeline(Record):
    """One workflow file, or one GitLab pipeline with its includes. `reusable`: it has ``workflow_call``; `callers` are (job) that call it."""

    __slots__ = ("callers", "files", "jobs", "loc", "name", "path", "provider", "reusable", "stages", "triggers")
    callers: list[Job]
    files: list[str]
    jobs: list[Job]
    loc: Loc
    name: str
    path: str
    provider: str
    reusable: bool
    stages: list[str]
    triggers: list[Trigger]

    @property
    def events(self) -> set[str]:
        """The events that start it."""
        return {trigger.event for trigger in self.triggers}

    @property
    def only_pull_requests(self) -> bool:
        """It runs for pull or merge requests and nothing else."""
        return bool(self.triggers) and self.events <= {"pull_request", "pull_request_target", "merge_group", "merge_request"}

    def job(self, name: str) -> Job | None:
        """The job with this id."""
        return next((job for job in self.jobs if job.id == name), None)

    def before(self, job: Job) -> list[Job]:
        """Return the jobs that must have ended well before `job` starts, nearest first."""
        found: list[Job] = []
        work = list(job.needs)
        while work:
            current = self.job(work.pop(0))
            if current is not None and current not in found and current is not job:
                found.append(current)
                work.extend(current.needs)
        return found
