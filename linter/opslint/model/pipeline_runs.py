"""Code of the repository that pipelines run themselves (migrations, management commands), and the variables its steps are given."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.workflows import Workflow
from opslint.model.entries import Resolver
from opslint.model.pipeline_actions import join
from opslint.model.start_files import StartFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.pipelines import Job, Step

_NO_VARIABLES = (
    "actions/", "docker/", "astral-sh/setup-uv", "snok/install-poetry", "pre-commit/action", "codecov/", "github/codeql-action",
)  # fmt: skip
"""Owners or names of actions that set no variables an application reads (each one's action.yml)."""

_STARTERS = frozenset(("python", "python3", "alembic", "flask", "django-admin", "celery", "poetry", "uv", "pipenv", "pdm"))


class PipelineRun(Record):
    """One command of a pipeline that runs modules of the repository.

    `words` are the command; `modules` the files that it starts with; `names` the variables that the workflow, job, step and script set;
    `open_reason` says why there may be others ("" when there are none); `settings` is the value of ``DJANGO_SETTINGS_MODULE`` (None: not
    set, "": not known).
    """

    __slots__ = ("job", "loc", "modules", "names", "open_reason", "settings", "words")
    job: Job
    loc: Loc
    modules: list[str]
    names: set[str]
    open_reason: str
    settings: str | None
    words: list[str]


def pipeline_runs(model: DeploymentModel) -> Iterator[PipelineRun]:
    """Yield what GitHub workflows run of the repository's Python in the runner itself (not in a container or on another machine)."""
    scripts = {fact.path: dict(fact.scripts) for fact in model.facts(Workflow)}
    for pipeline, job in model.pipelines.jobs():
        if pipeline.provider != "github" or job.view is None or job.node.get("container") is not None:
            continue
        outer = {*_names(job.view.workflow.mapping("env")), *_names(job.node.mapping("env"))}
        reason = ""
        for step in job.steps:
            run = step.view.node.get("run") if step.view is not None else None
            if step.view is not None and isinstance(run, Scalar) and isinstance(run.at, int):
                names = outer | _names(step.view.node.mapping("env")) | _exported(step)
                for at, words, info in scripts.get(pipeline.path, {}).get(run.at, ()):
                    modules = _started(model, words, join("", step.view.working_directory or "", info.get("dir", "")), info)
                    if modules:
                        loc = (pipeline.path, at)
                        blocks = [step.view.node, job.node, job.view.workflow]
                        yield PipelineRun(
                            job=job,
                            loc=loc,
                            modules=modules,
                            names=names,
                            open_reason=reason,
                            settings=_settings(blocks) if "DJANGO_SETTINGS_MODULE" in names else None,
                            words=words,
                        )
            reason = reason or _opens(step)


def _settings(blocks: list[Mapping]) -> str:
    """The plain value of ``DJANGO_SETTINGS_MODULE`` in the innermost ``env:`` that has it, "" when it is not known."""
    for block in blocks:
        env = block.mapping("env")
        node = env.get("DJANGO_SETTINGS_MODULE") if env is not None else None
        if isinstance(node, Scalar):
            text = (node.masked.plain if node.masked is not None else node.text) or ""
            return "" if "{" in text else text
    return ""


def _started(model: DeploymentModel, words: list[str], path: str | None, info: dict[str, Any]) -> list[str]:
    """The modules that a command starts in the runner, from the directory `path` of the checkout."""
    if path is None or not words or info.get("remote") or info.get("engine") or words[0].rpartition("/")[2] not in _STARTERS:
        return []
    linked = model.linked
    files = StartFiles(linked.tree, linked.scripts, None, [], workdir=f"/{path}", root="")
    entries = Resolver(files).run(list(words), ("", 0)).entries
    found = {module for entry in entries for module in entry.modules}
    if any(entry.server == "alembic" for entry in entries):
        found.update(_alembic_environment(model, words, path))
    return sorted(found)


def _alembic_environment(model: DeploymentModel, words: list[str], path: str) -> list[str]:
    """The ``env.py`` that alembic loads: in the ``script_location`` of its configuration (alembic.sqlalchemy.org/en/latest/tutorial.html)."""
    named = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-c", "--config")), "alembic.ini")
    config = join(path, named)
    data = model.read(config) if config is not None else None
    for line in (data or b"").decode("utf-8", "replace").split("\n"):
        key, equals, value = line.partition("=")
        if equals and key.strip() == "script_location" and config is not None:
            here = config.rpartition("/")[0]
            text = value.strip()
            directory = join(here, text[len("%(here)s") :].lstrip("/")) if text.startswith("%(here)s") else join(path, text)
            found = f"{directory}/env.py" if directory else "env.py"
            return [found] if found in model.files else []
    return []


def _names(block: Mapping | None) -> set[str]:
    return set(block.keys()) if block is not None else set()


def _exported(step: Step) -> set[str]:
    """Names that the script of a step exports or sets before a command."""
    text = step.view.run if step.view is not None else None
    found: set[str] = set()
    for line in (text or "").split("\n"):
        for word in line.replace(";", " ").split():
            name, equals, _value = word.partition("=")
            if equals and name.isidentifier():
                found.add(name)
    return found


def _opens(step: Step) -> str:
    """Why the steps after this one may have variables that no ``env:`` names."""
    view = step.view
    if view is None:
        return "a step is not understood"
    uses = view.uses
    if uses is not None and not uses.startswith(_NO_VARIABLES):
        return f"{uses.partition('@')[0]} may set variables"
    text = view.run or ""
    if "GITHUB_ENV" in text:
        return "a step writes to GITHUB_ENV"
    return ""


def writes_dotenv(job: Job) -> bool:
    """Tell whether a step of the job makes a ``.env`` (copies, writes or loads one)."""
    for step in job.steps:
        node = step.view.node.get("run") if step.view is not None else None
        if isinstance(node, Scalar) and ".env" in node.text:
            return True
    return False
