"""A deployment that may hang for six hours."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Job, Reporter

_END_TO_END = ("playwright test", "cypress run", "cypress-io/github-action")


class DeployJobWithoutTimeout(ProjectRule):
    """A deploying, end-to-end or self-hosted job has no timeout.

    What it finds:
        A GitHub Actions job that deploys, applies, migrates or runs end-to-end tests, or runs on a self-hosted runner,
        without `timeout-minutes`. A job that `deploy-without-concurrency` reports already is not reported again.

    In production:
        GitHub's default is 360 minutes. A rollout that waits for a pod that never gets ready holds the concurrency group,
        and with it every later deployment (also the fix), for six hours.

    Bad:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        concurrency: deploy-production
        jobs:
          deploy:  # expect: deploy-job-without-timeout
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: pytest
              - run: kubectl rollout restart deployment/web

    Good:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        concurrency: deploy-production
        jobs:
          deploy:
            runs-on: ubuntu-latest
            timeout-minutes: 15
            environment: production
            steps:
              - run: pytest
              - run: kubectl rollout restart deployment/web

    Exempt:
        Calls of reusable workflows (they cannot carry one); GitLab, whose default is one hour; all other jobs.

    Fix safety:
        Safe with a configured value: a job that takes longer is cancelled.

    Authority:
        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idtimeout-minutes
    """

    meta = Meta(
        "deploy-job-without-timeout",
        category="ci",
        severity="warning",
        confidence="high",
        summary="A deploying, end-to-end or self-hosted job has no timeout",
        help="Set `timeout-minutes` to about twice what the job normally takes.",
        authority="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idtimeout-minutes",
    )
    needs = (Workflow,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each workflow once, at its first such job."""
        for pipeline in model.pipelines.all:
            if pipeline.provider != "github":
                continue
            found = [(job, why) for job in pipeline.jobs if (why := _why(job))]
            if not found:
                continue
            job, why = found[0]
            evidence = [(other.loc, f"the job `{other.id}` likewise") for other, _why in found[1:]]
            report(
                at=job.loc,
                message=f"The job `{job.id}` {why} without `timeout-minutes`: when it hangs it does so for 6 hours, and holds what waits for it.",
                evidence=evidence,
                environments=job.environments,
                key=job.id,
            )


def _why(job: Job) -> str:
    """Say why a job should be bounded, "" when it need not be or is."""
    if job.timeout is not None or job.called or job.called_elsewhere:
        return ""
    if job.is_deployment and not job.is_atomic:
        return "deploys" if job.limits else ""
    if any(action.tool in _END_TO_END for action in job.actions):
        return "runs end-to-end tests"
    return "runs on a self-hosted runner" if "self-hosted" in job.runner else ""
