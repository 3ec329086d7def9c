"""Two deployments of one environment at the same time."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Job, Pipeline, Reporter

_PER_RUN = ("run_id", "github.sha", "run_number", "CI_COMMIT_SHA", "CI_PIPELINE_ID", "CI_JOB_ID")
_TIERS = ("production", "shared", "", "staging", "development", "test", "ephemeral")
_TWICE = {
    "push": "two pushes in a row deploy at once, and the older one may win",
    "tag": "two tags pushed in a row deploy at once, and the older one may win",
    "release": "two releases in a row deploy at once, and the older one may win",
    "schedule": "a run that lasts longer than the schedule's interval overlaps the next one",
    "by hand": "two people who start it at once deploy at once, and the one that ends last wins",
    "other": "two starts in a row deploy at once, and the older one may win",
}
"""What two runs at once mean, by what starts the job."""


class DeployWithoutConcurrency(ProjectRule):
    """A deploying job may run twice at the same time.

    What it finds:
        A job that deploys, applies or migrates with no `concurrency` group (job, workflow or calling workflow), or
        GitLab's `resource_group`; or with a group that is another one for every run. Says so too when the job has no
        timeout.

    In production:
        Two merges in a row deploy at once. The older one may end last and win, both migrate the same tables, and
        Terraform fails on the lock of its twin.

    Bad:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          deploy:  # expect: deploy-without-concurrency
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: pytest
              - run: helm upgrade --install web ./chart --atomic

    Good:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        concurrency:
          group: deploy-production
          cancel-in-progress: false
        jobs:
          deploy:
            runs-on: ubuntu-latest
            timeout-minutes: 20
            environment: production
            steps:
              - run: pytest
              - run: helm upgrade --install web ./chart --atomic

    Exempt:
        Previews of pull requests and test environments; clusters that the job starts itself; hosts that switch to a
        complete build in one step; reusable workflows that nothing in this repository calls; Only a
        note where nothing but people start the job, where it can never run, and where it only prints or copies files on the
        runner.

    Fix safety:
        Manual: the group's name must be the environment's.

    Authority:
        https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
    """

    meta = Meta(
        "deploy-without-concurrency",
        category="ci",
        severity="warning",
        confidence="high",
        summary="A deploying job may run twice at the same time",
        help="Give the job a `concurrency` group named after its environment, with `cancel-in-progress: false`.",
        authority="https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each pipeline once, at the deploying job of the gravest tier."""
        for pipeline in model.pipelines.all:
            if pipeline.only_pull_requests:
                continue
            if pipeline.reusable and not pipeline.callers and pipeline.events == {"workflow_call"}:
                if any(job.is_deployment for job in pipeline.jobs):
                    report.silent("a reusable workflow that nothing here calls", pipeline.loc)
                continue
            found = [job for job in pipeline.jobs if _is_judged(job) and _lacks_group(job)]
            idle = [job for job in pipeline.jobs if job.idle and not job.is_preview and _lacks_group(job)]
            if found:
                self._report(pipeline, found, report)
            elif idle:
                self._idle(pipeline, min(idle, key=_rank), report)

    def _report(self, pipeline: Pipeline, found: list[Job], report: Reporter) -> None:
        found.sort(key=lambda job: (_begins(job) == "by hand", _rank(job)))
        job = found[0]
        begins = _begins(job)
        varies = next((limit for limit in job.limits if limit.group), None)
        deploys = job.deploys
        evidence = [(deploys[0].loc, f"`{deploys[0].tool}` runs here"), *deploys[0].via] if deploys else []
        if varies is not None:
            evidence.append((varies.loc, f"the group `{varies.group}` is another one for every run"))
        evidence.extend((other.loc, f"the job `{other.id}` likewise") for other in found[1:])
        word = _word(pipeline)
        also = " Without `timeout-minutes` a hung one also holds its runner for 6 hours." if _hangs(job) else ""
        report(
            at=job.loc,
            message=f"The job `{job.id}` deploys without a {word}: {_TWICE[begins]}.{also}",
            evidence=evidence,
            environments=job.environments,
            severity="note" if begins == "by hand" else "warning",
            key=job.id,
            derived=pipeline.files,
        )

    @staticmethod
    def _idle(pipeline: Pipeline, job: Job, report: Reporter) -> None:
        report(
            at=job.loc,
            message=f"The job `{job.id}` has no {_word(pipeline)}. As it stands it {job.idle}; once it deploys, two runs of it deploy at once.",
            environments=job.environments,
            severity="note",
            key=job.id,
            derived=pipeline.files,
        )


def _word(pipeline: Pipeline) -> str:
    return "resource_group" if pipeline.provider == "gitlab" else "concurrency group"


def _is_judged(job: Job) -> bool:
    return job.is_deployment and not job.is_preview and not job.is_atomic


def _begins(job: Job) -> str:
    """What starts a job: the first of _TWICE that applies."""
    if job.provider == "gitlab":
        return "by hand" if job.manual else "push"
    events = job.events
    if "push" in events and all(ref.startswith("refs/tags/") for event, ref in job.starts if event == "push"):
        return "tag"
    if events & {"push", "workflow_run", "pull_request", "pull_request_target", "merge_group", ""}:
        return "push"
    if "release" in events:
        return "release"
    if "schedule" in events:
        return "schedule"
    return "by hand" if events == {"workflow_dispatch"} else "other"


def _lacks_group(job: Job) -> bool:
    groups = [limit.group for limit in job.limits if limit.level != "interruptible"]
    return not any(group and not any(part in group for part in _PER_RUN) for group in groups)


def _hangs(job: Job) -> bool:
    return job.provider == "github" and job.timeout is None


def _rank(job: Job) -> int:
    tiers = [name.partition("/")[0] for name in job.environments] or [""]
    return min(_TIERS.index(tier) for tier in tiers)
