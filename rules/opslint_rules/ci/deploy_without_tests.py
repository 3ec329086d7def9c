"""A deployment that does not wait for the tests."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import Action, DeploymentModel, Job, Loc, Pipeline, Reporter

_INFRASTRUCTURE = frozenset(("apply", "destroy"))
_GATING = frozenset(("test", "gate"))


class DeployWithoutTests(ProjectRule):
    """A push deploys without waiting for a test.

    What it finds:
        A deploying job of a workflow that starts on a push to a branch, where neither the job nor any job it `needs` runs
        tests, nothing waits for another workflow's result, and the workflow is not started by one (`workflow_run`).

    In production:
        CI and deployment start together. The commit that breaks the tests is live before CI is red.

    Bad:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          build:
            runs-on: ubuntu-latest
            steps:
              - uses: docker/build-push-action@v6
                with:
                  push: true
          deploy:  # expect: deploy-without-tests
            needs: build
            runs-on: ubuntu-latest
            timeout-minutes: 20
            concurrency: production
            environment: production
            steps:
              - run: helm upgrade --install web ./chart --atomic

    Good:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - run: pytest
          deploy:
            needs: test
            runs-on: ubuntu-latest
            timeout-minutes: 20
            concurrency: production
            environment: production
            steps:
              - run: helm upgrade --install web ./chart --atomic

    Exempt:
        Releases, tags and manual starts (the commit was tested before); jobs that no push can start (their `if:`, or that of
        a job they need, excludes it); repositories whose merge queue runs tests; pure infrastructure; previews, also those of
        a static host that takes another branch for production; jobs where a script or an action could not be followed. Only a
        note for a job that prints or copies files on the runner and deploys nothing yet. Only a warning where another workflow tests pull requests: a required
        check may stand before the merge.

    Fix safety:
        Manual.

    Authority:
        https://aws.amazon.com/builders-library/automating-safe-hands-off-deployments/
    """

    meta = Meta(
        "deploy-without-tests",
        category="ci",
        severity="error",
        confidence="medium",
        summary="A push deploys without waiting for a test",
        help="Let the deploying job `need` the test job, or start the workflow with `workflow_run` when CI has succeeded.",
        authority="https://aws.amazon.com/builders-library/automating-safe-hands-off-deployments/",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each pipeline once, at the first deploying job without a test before it."""
        queue = next((pipeline for pipeline in model.pipelines.all if _tests_merge_queue(pipeline)), None)
        if queue is not None:
            report.silent("a merge queue tests what reaches the branch", queue.loc)
            return
        tested_on_request = _tests_elsewhere(model)
        for pipeline in model.pipelines.all:
            trigger = _branch_push(pipeline)
            if trigger is None:
                continue
            found = [job for job in pipeline.jobs if self._untested(model, pipeline, job, report)]
            if found:
                self._report(model, pipeline, found, tested_on_request, report)

    def _untested(self, model: DeploymentModel, pipeline: Pipeline, job: Job, report: Reporter) -> bool:
        actions = model.pipelines.all_actions(job)
        if job.is_preview or not (job.is_deployment or job.idle or _releases(actions)) or _only_tags(job):
            return False
        if not any(event in ("push", "") and not ref.startswith("refs/tags/") for event, ref in job.starts):
            return False
        if job.manual and pipeline.provider == "gitlab":
            return False
        if job.deploys and all(action.kind in _INFRASTRUCTURE for action in job.deploys):
            return False
        chain = [job, *pipeline.before(job)]
        for link in chain:
            if any(action.kind in _GATING for action in model.pipelines.all_actions(link)):
                return False
        unknown = next((link.unknown for link in chain if link.unknown), "")
        if unknown:
            report.silent(f"not followed: {unknown}", job.loc)
            return False
        return True

    def _report(
        self,
        model: DeploymentModel,
        pipeline: Pipeline,
        found: list[Job],
        elsewhere: tuple[Loc, str] | None,
        report: Reporter,
    ) -> None:
        found.sort(key=lambda job: bool(job.idle))
        job = found[0]
        actions = job.deploys or model.pipelines.all_actions(job)
        evidence = [(actions[0].loc, f"`{actions[0].tool}` runs here")] if actions else []
        evidence.extend((link.loc, f"it waits only for `{link.id}`, which runs no test") for link in pipeline.before(job))
        if elsewhere is not None and elsewhere[0][0] != pipeline.path:
            evidence.append(elsewhere)
        evidence.extend((other.loc, f"the job `{other.id}` likewise") for other in found[1:])
        harm = "a commit that breaks the tests is live before CI is red"
        message = f"The job `{job.id}` deploys on a push without waiting for a test: {harm}."
        if job.idle:
            message = f"The job `{job.id}` waits for no test. As it stands it {job.idle}; once it deploys, {harm}."
        report(
            at=job.loc,
            message=message,
            evidence=evidence,
            environments=job.environments,
            severity="note" if job.idle else "warning" if elsewhere is not None else "error",
            key=job.id,
            derived=pipeline.files,
        )


def _tests_merge_queue(pipeline: Pipeline) -> bool:
    """Tell whether the commits of a merge queue are tested: the very commits that are then pushed to the branch."""
    return "merge_group" in pipeline.events and any(action.kind == "test" for job in pipeline.jobs for action in job.actions)


def _branch_push(pipeline: Pipeline) -> bool | None:
    """True when a push to a branch starts the pipeline; None when nothing does so by itself."""
    if "workflow_run" in pipeline.events:
        return None
    for trigger in pipeline.triggers:
        if trigger.event == "push" and (trigger.branches or not trigger.tags):
            return True
    return None


def _releases(actions: list[Action]) -> bool:
    return any(action.kind == "deploy" for action in actions)


def _only_tags(job: Job) -> bool:
    condition = job.condition
    tag = "refs/tags" in condition or "ref_type == 'tag'" in condition or "CI_COMMIT_TAG" in condition or "'release'" in condition
    return (tag and "refs/heads" not in condition and "CI_COMMIT_BRANCH" not in condition) or (
        "event_name == 'workflow_dispatch'" in condition and "||" not in condition
    )


def _tests_elsewhere(model: DeploymentModel) -> tuple[Loc, str] | None:
    """The first job that runs tests on pull requests."""
    for pipeline in model.pipelines.all:
        if pipeline.events & {"pull_request", "pull_request_target", "merge_group"} or pipeline.provider == "gitlab":
            for job in pipeline.jobs:
                if any(action.kind == "test" for action in job.actions):
                    return job.loc, f"the tests run in `{job.id}` of another workflow"
    return None
