"""Variables that a module needs when it is imported, imported by a pipeline that does not set them."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, EnvRead, Meta, ProjectRule, SettingsClass, Workflow, pipeline_runs, writes_dotenv

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, PipelineRun, Read, Reporter

_MOST_NAMED = 4
"""Names spelled out in the message."""


class EnvReadAtImportVsRuntime(ProjectRule):
    """A pipeline imports code that needs a variable on import, and does not set it.

    What it finds
    -------------
    A step of a workflow that runs code of the repository in the runner (`manage.py migrate`, `alembic upgrade`, `python -m …`), whose
    imports surely reach a read that fails without the variable while the module is imported, where neither the workflow, nor the job,
    nor the step sets it.

    In production
    -------------
    The migration or the check fails at its start, not because it needs the variable, but because something that it imports does:
    the release stops there, or somebody invents a value to get it through.

    Shape seen in: AmaliTech-Training-Academy/data-pulse-team-9--2026-03 and Aesgard-lab/New_crm (workflows that run `manage.py migrate`
    with a list of variables); right in wger-project/wger, whose workflow chooses other settings.

    Bad:
        # file: settings.py
        import os
        DSN = os.environ["ORDERS_DSN"]
        MAIL_KEY = os.environ["MAIL_KEY"]
        # file: manage_orders.py
        import settings
        print(settings.DSN)
        # file: .github/workflows/deploy.yml
        on: push
        jobs:
          migrate:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - run: python manage_orders.py # expect: env-read-at-import-vs-runtime
                env:
                  ORDERS_DSN: ${{ secrets.ORDERS_DSN }}

    Good:
        # file: settings.py
        import os
        DSN = os.environ["ORDERS_DSN"]
        def mail_key():
            return os.environ["MAIL_KEY"]
        # file: manage_orders.py
        import settings
        print(settings.DSN)
        # file: .github/workflows/deploy.yml
        on: push
        jobs:
          migrate:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - run: python manage_orders.py
                env:
                  ORDERS_DSN: ${{ secrets.ORDERS_DSN }}

    Exempt
    ------
    Jobs after a step that may set variables (an action that is not known, `GITHUB_ENV`), and jobs that make a `.env` for code that
    loads one. Commands in containers and on other machines. Commands for which nothing that the code reads is set: they are not meant to work.

    Fix safety
    ----------
    None: set the variable, or read it where it is used.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "env-read-at-import-vs-runtime",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/config",
        summary="A pipeline imports code that needs a variable on import, and does not set it",
        help="Set the variable for the step, or read it where it is used instead of when the module is imported.",
        status="preview",
    )
    needs = (EnvRead, SettingsClass)
    joins = (Workflow,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every command of every workflow that starts modules of the repository; those that lack the same are one finding."""
        found: dict[tuple[str, ...], list[tuple[PipelineRun, dict[str, Read], list[str]]]] = {}
        for run in pipeline_runs(model):
            reads, files = model.variables.reads_from(run.modules, run.settings)
            missing: dict[str, Read] = {}
            for read in reads:
                if read.required and read.import_time and not read.guarded and not _is_set(model, run, read, files):
                    missing.setdefault(read.name, read)
            if not missing:
                continue
            if run.open_reason:
                report.silent(run.open_reason, run.loc)
            elif _loads_dotenv(model, run, reads, files):
                report.silent("a .env may be loaded", run.loc)
            elif run.settings is None and not any({read.name, *read.aliases} & run.names for read in reads):
                report.silent("the step sets nothing that the code reads", run.loc)
            else:
                found.setdefault(tuple(sorted(missing)), []).append((run, missing, files))
        for runs in found.values():
            run, missing, files = runs[0]
            names = ", ".join(f"`{name}`" for name in list(missing)[:_MOST_NAMED])
            more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
            shown = " ".join(run.words[:4])
            report(
                at=run.loc,
                message=f"`{shown}` imports code that needs {names}{more} on import, and job `{run.job.id}` does not set"
                f" {'them' if len(missing) > 1 else 'it'}",
                evidence=[
                    *((read.loc, f"`{read.name}` is read when the module is imported") for read in missing.values()),
                    *((other[0].loc, f"nor does job `{other[0].job.id}` here") for other in runs[1:]),
                ],
                environments=run.job.environments,
                key=",".join(missing),
                derived={path for other in runs for path in other[2]},
            )


def _is_set(model: DeploymentModel, run: PipelineRun, read: Read, files: list[str]) -> bool:
    names = (read.name, *read.aliases, *read.instead)
    lower = {name.lower() for name in run.names}
    if any(name in run.names or (read.ignore_case and name.lower() in lower) for name in names):
        return True
    if model.variables.is_platform("github", read):
        return True
    written = {write.name for path in files for write in model.variables.all_reads.writes.get(path, ())}
    return any(name in written or name in model.settings.optional_env for name in names)


def _loads_dotenv(model: DeploymentModel, run: PipelineRun, reads: list[Read], files: list[str]) -> bool:
    """Tell whether the code loads a ``.env`` that is in the repository or that the job makes."""
    loads = any(path in model.variables.all_reads.loads_dotenv for path in files)
    loads = loads or any(read.how in ("pydantic", "decouple", "starlette") for read in reads)
    # A loader looks beside the file that calls it and above it, or where the command runs.
    above = {"", *(path[:end] for path in files for end, char in enumerate(path) if char == "/")}
    there = any(f"{directory}/.env".lstrip("/") in model.files for directory in above)
    return loads and (there or writes_dotenv(run.job))
