"""CI pipelines of a project, GitHub Actions and GitLab CI in one shape (model, section 9)."""

from __future__ import annotations

from opslint.base.location import FILE_TOP
from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.workflow_views import concurrency_of, jobs_of, names
from opslint.facts.workflows import Workflow
from opslint.model.gitlab_pipelines import GitlabPipelines
from opslint.model.job_starts import set_starts
from opslint.model.lost_charts import is_lost_chart
from opslint.model.pipeline_actions import PRODUCTION_BRANCH, Actions, Where, join, only_talks, other_engine
from opslint.model.pipeline_records import DEPLOYING, Action, Job, Mask, Pipeline, Step, Trigger
from opslint.model.pipeline_secrets import secret_tiers
from opslint.model.runner_commands import stays_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.tree import Node
    from opslint.facts.workflow_views import JobView, StepView
    from opslint.model.model import DeploymentModel

__all__ = ["Action", "Job", "Mask", "Pipeline", "Pipelines", "Step", "Trigger"]

_LOCAL_TOOLS = ("kind", "minikube", "k3d", "k3s", "microk8s", "localstack", "awslocal", "tflocal", "act")
_LOCAL_ACTIONS = (
    "kind-action",
    "setup-kind",
    "setup-minikube",
    "k3d-action",
    "setup-k3d",
    "localstack",
    "setup-k3s",
    "action-k3s",
)


class Pipelines:
    """All pipelines, sorted by path. `all` holds them; `jobs()` yields every job with its pipeline."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.actions = Actions(model)
        self.all: list[Pipeline] = [self._github(fact) for fact in model.facts(Workflow) if _is_live(fact.path)]
        by_path = {pipeline.path: pipeline for pipeline in self.all}
        for path, info in model.files.items():
            if info.kind == "workflow" and info.role == "deploy" and path not in by_path and _is_live(path):
                model.blind(
                    "workflow-not-read", (path, FILE_TOP), f"{path} holds no mapping of jobs: nothing of it is understood"
                )
        for pipeline in self.all:
            for job in pipeline.jobs:
                called = by_path.get(job.called)
                if called is not None:
                    called.callers.append(job)
                elif job.called:
                    job.called_elsewhere, job.called = job.called, ""
        known = {pipeline.name for pipeline in self.all}
        for pipeline in self.all:
            # A run of a workflow that is not there never ends, so that nothing waits for it.
            pipeline.triggers[:] = [
                trigger
                for trigger in pipeline.triggers
                if trigger.event != "workflow_run" or not trigger.workflows or not known.isdisjoint(trigger.workflows)
            ]
            set_starts(pipeline)
            for job in pipeline.jobs:
                for step in job.steps:
                    step.actions[:] = [action for action in step.actions if not is_lost_chart(action, model.files)]
                _mark_previews(job)
                self._inherit(pipeline, job, by_path)
        self.all.extend(GitlabPipelines(model, self.actions).all)
        self.all.sort(key=lambda pipeline: pipeline.path)

    def jobs(self) -> Iterator[tuple[Pipeline, Job]]:
        """Yield each job that something can start, with its pipeline."""
        for pipeline in self.all:
            for job in pipeline.jobs:
                if job.starts:
                    yield pipeline, job

    def called_by(self, job: Job) -> Pipeline | None:
        """The reusable workflow of this repository that a job calls."""
        return next((pipeline for pipeline in self.all if job.called and pipeline.path == job.called), None)

    def all_actions(self, job: Job, depth: int = 0) -> list[Action]:
        """The actions of a job, with those of the reusable workflow it calls."""
        called = self.called_by(job)
        if called is None or depth > 3:
            return job.actions
        return [action for inner in called.jobs for action in self.all_actions(inner, depth + 1)]

    def _inherit(self, pipeline: Pipeline, job: Job, by_path: dict[str, Pipeline]) -> None:
        """Give the jobs of a reusable workflow what their callers say: concurrency, and inputs that name an environment."""
        if job.environments or not pipeline.callers:
            if not pipeline.callers:
                return
        for caller in pipeline.callers:
            for limit in caller.limits:
                if limit not in job.limits:
                    job.limits.append(limit)
            name = _input_of(job.environment)
            value = caller.view.inputs.text(name) if name and caller.view is not None and caller.view.inputs is not None else None
            item = self.model.environments.of_value(value) if value else None
            if item is not None and item.name not in job.environments:
                job.environments.append(item.name)

    def _github(self, fact: Workflow) -> Pipeline:
        tree = decode(fact.tree, fact.path)
        assert isinstance(tree, Mapping)
        scripts = dict(fact.scripts)
        triggers = list(_triggers(tree))
        jobs = [self._job(view, scripts, tree) for view in jobs_of(tree)]
        _mark_checked(jobs)
        return Pipeline(
            callers=[],
            files=[fact.path],
            jobs=jobs,
            loc=(fact.path, fact.at),
            name=tree.text("name") or fact.path.rpartition("/")[2],
            path=fact.path,
            provider="github",
            reusable=any(trigger.event == "workflow_call" for trigger in triggers),
            stages=[],
            triggers=triggers,
        )

    def _job(self, view: JobView, scripts: dict[int, list[Any]], tree: Mapping) -> Job:
        path = view.node.path
        steps = [self._step(step, scripts) for step in view.steps]
        limits = [limit for limit in (concurrency_of(view.node, "job"), concurrency_of(tree, "workflow")) if limit is not None]
        uses = view.uses or ""
        masks = []
        if view.continue_on_error == "true":
            masks.append(Mask(kind="continue-on-error", loc=view.key_loc("continue-on-error"), text="continue-on-error: true"))
        job = Job(
            blocked="",
            called=uses.removeprefix("./") if uses.startswith("./") else "",
            called_elsewhere=uses if uses and not uses.startswith("./") else "",
            condition=view.condition or "",
            environment=view.environment or "",
            environments=[],
            id=view.id,
            limits=limits,
            loc=view.loc,
            local=_is_local(view, scripts),
            manual=False,
            masks=masks,
            name=view.name,
            needs=view.needs,
            node=view.node,
            path=path,
            provider="github",
            runner=names(view.node.get("runs-on")),
            stage="",
            starts=[("", "")],
            steps=steps,
            timeout=view.timeout,
            view=view,
        )
        job.environments = self._environments(job, tree)
        return job

    def _environments(self, job: Job, tree: Mapping) -> list[str]:
        """`environment:` decides; else what the deploying actions name, else the secrets a deploying job is given.

        An input stands for what its options or default say.
        """
        found: list[str] = []
        texts = [job.environment] if job.environment else []
        name = _input_of(job.environment)
        if name:
            options = tree.sequence("on", "workflow_dispatch", "inputs", name, "options")
            texts = [node.text for node in options if isinstance(node, Scalar)]
            texts.append(tree.text("on", "workflow_dispatch", "inputs", name, "default") or "")
        for text in texts:
            item = self.model.environments.of_value(text) if text else None
            if item is not None and item.name not in found:
                found.append(item.name)
        if not job.environment:
            for action in job.actions:
                if action.kind in DEPLOYING or action.kind in ("migrate", "plan", "validate"):
                    found.extend(item for item in action.environments if item not in found)
            if not found and job.deploys:
                tiers = secret_tiers(job.node)
                item = self.model.environments.of_value(tiers[0]) if len(tiers) == 1 else None
                found.extend([item.name] if item is not None else [])
        return found

    def _step(self, view: StepView, scripts: dict[int, list[Any]]) -> Step:
        path = view.node.path
        directory = join("", view.working_directory or "")
        job = view.job
        outer = (job.node.get("env"), job.workflow.get("env")) if job is not None else ()
        where = Where(path, directory, view.shell, [], False, other_engine(view.node.get("env"), *outer))
        actions, unknown = self.actions.of_step(view, scripts, where)
        masks = []
        if view.continue_on_error == "true":
            masks.append(Mask(kind="continue-on-error", loc=view.key_loc("continue-on-error"), text="continue-on-error: true"))
        run = view.node.get("run")
        commands = scripts.get(run.at, []) if isinstance(run, Scalar) and isinstance(run.at, int) else []
        return Step(
            actions=actions,
            checked_later=False,
            commands=[((path, at), words, info) for at, words, info in commands],
            condition=view.condition or "",
            id=view.id or "",
            loc=view.loc,
            masks=masks,
            name=view.name or "",
            only_talks=only_talks(commands),
            stays=not unknown and stays_here(commands, view.uses or ""),
            unknown=unknown,
            view=view,
        )


def _is_live(path: str) -> bool:
    """GitHub runs only workflows at the top of a repository; copies elsewhere are templates (or a nested project's)."""
    return path.startswith(".github/workflows/")


def _input_of(text: str) -> str:
    """The input that an expression stands for: ``${{ inputs.environment }}`` → ``environment``."""
    body = text.strip()
    if body.startswith("${{") and body.endswith("}}"):
        body = body[3:-2].strip()
        for prefix in ("inputs.", "github.event.inputs."):
            if body.startswith(prefix):
                rest = body.removeprefix(prefix)
                return rest if rest.replace("-", "").replace("_", "").isalnum() else ""
    return ""


def _triggers(tree: Mapping) -> Iterator[Trigger]:
    node = tree.get("on")
    if node is None:
        return
    events: list[tuple[str, Node | None, Any]] = []
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            events.append((key.text, value, key.loc))
    else:
        events = [(name, None, node.loc) for name in names(node)]
    for event, body, loc in events:
        block = body if isinstance(body, Mapping) else Mapping([], node.at, node.path)
        yield Trigger(
            branches=names(block.get("branches")) or [f"!{name}" for name in names(block.get("branches-ignore"))],
            event=event,
            loc=loc,
            paths=names(block.get("paths")) or [f"!{name}" for name in names(block.get("paths-ignore"))],
            tags=names(block.get("tags")),
            types=names(block.get("types")),
            workflows=names(block.get("workflows")),
        )


def _is_local(view: JobView, scripts: dict[int, list[Any]]) -> bool:
    """Tell whether a job starts a cluster or cloud emulator of its own: what it deploys there is a test."""
    for step in view.steps:
        if any(part in (step.uses or "") for part in _LOCAL_ACTIONS):
            return True
        run = step.node.get("run")
        commands = scripts.get(run.at, []) if isinstance(run, Scalar) and isinstance(run.at, int) else []
        if any(words[0].rpartition("/")[2] in _LOCAL_TOOLS for _at, words, _info in commands):
            return True
    services = view.node.mapping("services")
    images = (
        [node.text("image") or "" for _name, node in services.items() if isinstance(node, Mapping)]
        if services is not None
        else []
    )
    return any("localstack" in image or "moto" in image for image in images)


def _mark_previews(job: Job) -> None:
    """A static host makes a preview of every branch but its production branch."""
    for action in job.actions:
        names = [flag.removeprefix(PRODUCTION_BRANCH) for flag in action.flags if flag.startswith(PRODUCTION_BRANCH)]
        if names and not any(ref in ("", f"refs/heads/{names[0]}") for _event, ref in job.starts):
            action.flags.append("preview")


def _mark_checked(jobs: list[Job]) -> None:
    """Find the steps whose outcome something later acts on: an ``if:``, a script that can exit, or another job through outputs."""
    for job in jobs:
        texts: list[tuple[int, str]] = []
        for index, step in enumerate(job.steps):
            node = step.view.node if step.view is not None else None
            if node is None:
                continue
            texts.append((index, step.condition))
            run = node.text("run") or ""
            acts = any(word in run for word in ("exit ", "exit\n", "false", "core.setFailed", "return 1")) or run.endswith("exit")
            if acts or "/" in run:
                texts.append((index, run))
                texts.append((index, " ".join(_texts(node.get("env")))))
            if step.view is not None and (step.view.uses or "").startswith("./"):
                texts.append((index, " ".join(_texts(node.get("with")))))
            if "setFailed" in (node.text("with", "script") or ""):
                texts.append((index, node.text("with", "script") or ""))
        outputs = " ".join(_texts(job.node.get("outputs")))
        for index, step in enumerate(job.steps):
            if not step.id:
                continue
            marks = (f"steps.{step.id}.outcome", f"steps.{step.id}.conclusion", f"steps.{step.id}.outputs")
            step.checked_later = any(mark in outputs for mark in marks) or any(
                at > index and any(mark in text for mark in marks) for at, text in texts
            )


def _texts(node: Node | None) -> list[str]:
    if isinstance(node, Scalar):
        return [node.text]
    if isinstance(node, Mapping):
        return [text for _key, value in node.pairs for text in _texts(value)]
    return []
