"""A check in a pipe whose exit code is the other program's."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import Action, DeploymentModel, Reporter

_FILTERS = frozenset("tee tail head cat sed awk less more ts tr sort uniq column jq tap-xunit".split())
"""Programs that succeed whatever they read."""

_JUDGED = frozenset("test validate plan scan lint apply migrate deploy build".split())


class PipeHidesExitCode(ProjectRule):
    """A pipe throws away the exit code of a check.

    What it finds:
        A test, plan, scan, migration or deployment piped into `tee`, `tail`, `jq` and the like, in a step whose shell has
        no `pipefail`: GitHub's default shell on Linux is `bash -e`, and only `shell: bash` adds it.

    In production:
        The step's exit code is that of `tee`. A plan that fails looks like one that worked.

    Bad:
        # file: .github/workflows/ci.yml
        on: pull_request
        jobs:
          plan:
            runs-on: ubuntu-latest
            steps:
              - run: terraform plan -no-color | tee plan.txt  # expect: pipe-hides-exit-code

    Good:
        # file: .github/workflows/ci.yml
        on: pull_request
        jobs:
          plan:
            runs-on: ubuntu-latest
            steps:
              - shell: bash
                run: terraform plan -no-color | tee plan.txt

    Exempt:
        `shell: bash` of the step, job or workflow; `set -o pipefail`; scripts that look at `PIPESTATUS` or `$?`; GitLab,
        whose runner sets it; a pipe that ends in `grep`, which is a check of its own.

    Fix safety:
        Safe: `shell: bash`.

    Authority:
        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
    """

    meta = Meta(
        "pipe-hides-exit-code",
        category="ci",
        severity="warning",
        confidence="high",
        summary="A pipe throws away the exit code of a check",
        help="Add `shell: bash` to the step: it runs with `pipefail`.",
        authority="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every piped action once."""
        seen = set()
        for pipeline, job in model.pipelines.jobs():
            if pipeline.provider != "github":
                continue
            for step in job.steps:
                for action in step.actions:
                    if action.loc not in seen and _hidden(action) and not step.masks and not step.checked_later:
                        seen.add(action.loc)
                        report(
                            at=action.loc,
                            message=f"The exit code of `{action.tool}` is lost in the pipe to `{action.info['to'][0]}`: "
                            "this shell has no `pipefail`, the step is green when it fails.",
                            evidence=action.via,
                            environments=job.environments,
                            key=action.tool,
                        )


def _hidden(action: Action) -> bool:
    info = action.info
    if action.kind not in _JUDGED or not info.get("piped") or info.get("pipefail") or info.get("status_read"):
        return False
    if any(info.get(name) for name in ("nested", "test", "negated", "background", "mask")) or "remote" in action.flags:
        return False
    plain = action.shell is None or action.shell in ("sh", "bash -e {0}", "/bin/bash -e {0}")
    program = str(info["to"][0]).rpartition("/")[2]
    if program == "jq" and ("-e" in info["to"] or "--exit-status" in info["to"]):
        return False
    return plain and program in _FILTERS
