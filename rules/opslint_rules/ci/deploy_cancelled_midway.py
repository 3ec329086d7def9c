"""A deployment that a newer run of its workflow kills in the middle."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import Action, DeploymentModel, Job, Loc, Pipeline, Reporter

_PER_RUN = ("run_id", "github.sha", "run_number", "run_attempt", "pull_request.number", "head_ref", "github.event.number")
"""A group with one of these is another one for every run, or belongs to one pull request's preview."""


class DeployCancelledMidway(ProjectRule):
    """A job that applies, migrates or deploys can be cancelled by the next push.

    What it finds:
        A job that changes a running system under a concurrency group with `cancel-in-progress: true` (its own, its
        workflow's or that of a workflow that calls it), or a GitLab deploy job with `interruptible: true`.

    In production:
        A second push kills the runner between two steps: Terraform's state stays locked or half written, a migration
        stops after its first statement, half of the services run the new version.

    Bad:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        concurrency:
          group: deploy-${{ github.ref }}
          cancel-in-progress: true  # expect: deploy-cancelled-midway
        jobs:
          apply:
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: terraform apply -input=false tfplan

    Good:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        concurrency:
          group: deploy-${{ github.ref }}
          cancel-in-progress: false
        jobs:
          apply:
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: terraform apply -input=false tfplan

    Exempt:
        Jobs that only plan or test; previews of pull requests; hosts that switch to a complete build in one step; groups
        that are different for every run; `cancel-in-progress` that is an expression.

    Fix safety:
        Safe: `cancel-in-progress: false` makes the newer run wait.

    Authority:
        https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
    """

    meta = Meta(
        "deploy-cancelled-midway",
        category="ci",
        severity="error",
        confidence="high",
        summary="A job that applies, migrates or deploys can be cancelled by the next push",
        help="Set `cancel-in-progress: false` for deploying jobs: the next run then waits.",
        authority="https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each cancelling group once, with the deploying jobs it reaches."""
        reached: dict[Loc, list[tuple[Pipeline, Job, Action]]] = {}
        by_path = {pipeline.path: pipeline for pipeline in model.pipelines.all}
        for pipeline, job in model.pipelines.jobs():
            deploys = job.deploys
            if not deploys or job.is_preview or job.is_atomic:
                continue
            for limit in job.limits:
                owner = by_path.get(limit.loc[0], pipeline)
                if limit.cancel is not None and limit.cancel.startswith("${{") and not owner.only_pull_requests:
                    report.silent("cancel-in-progress is an expression", limit.cancel_loc)
                if limit.cancel != "true" or any(part in limit.group for part in _PER_RUN) or owner.only_pull_requests:
                    continue
                reached.setdefault(limit.cancel_loc, []).append((pipeline, job, deploys[0]))
        for loc, found in reached.items():
            pipeline, job, action = found[0]
            evidence = [(action.loc, f"`{action.tool}` in the job `{job.id}`"), *action.via]
            evidence.extend((other.loc, f"the job `{other.id}` likewise") for _pipeline, other, _action in found[1:])
            report(
                at=loc,
                message=f"A newer run cancels this one while `{action.tool}` is at work: it is left half done and its lock held.",
                evidence=evidence,
                environments=sorted({name for _pipeline, other, _action in found for name in other.environments}),
                key=job.id,
                derived=pipeline.files,
            )
