"""A CI job of one environment with a hand in another."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow, job_crossings, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, JobCrossing, Reporter


class CiJobCrossesEnv(ProjectRule):
    """A CI job of one environment holds or changes what is another's.

    What it finds
    -------------
    A job with `environment: staging` that deploys with production's namespace, value file, workspace or directory, or whose cluster, role
    or host is called after production (and the same the other way round); a job of one tier that is given a secret called after another,
    and none of that name for its own; jobs of two tiers that open the cloud with the same repository secret or role, with no GitHub
    environment to give it two values.

    Shapes seen in: cisagov/crossfeed (the production job was copied from staging's and still deploys `--stage=staging`);
    jaRue1/terraform-cicd-gha (two workflows, one for each environment, with the same static access key). Silent shape seen in:
    Aesgard-lab/New_crm (staging's host runs `docker-compose.prod.yml`).

    In production
    -------------
    A push to the staging branch changes production. Whoever can edit the staging job, which nobody reviews as closely, holds
    production's keys.

    Bad:
        # file: .github/workflows/deploy.yml
        on: push
        jobs:
          staging:
            runs-on: ubuntu-latest
            environment: staging
            steps:
              - run: helm upgrade --install web ./chart --namespace production # expect: ci-job-crosses-env

        # file: chart/Chart.yaml
        apiVersion: v2
        name: web
        version: 1.0.0

    Good:
        # file: .github/workflows/deploy.yml
        on: push
        jobs:
          staging:
            runs-on: ubuntu-latest
            environment: staging
            steps:
              - run: helm upgrade --install web ./chart --namespace staging

        # file: chart/Chart.yaml
        apiVersion: v2
        name: web
        version: 1.0.0

    Exempt
    ------
    Jobs that name several environments (promotions, matrices, an input that chooses); secrets of registries, package stores and chats; jobs
    with the secret of both sides, which copy from one to the other; expressions that choose by a condition; compose files called after
    production on a staging host; crossings between tiers below production.

    Fix safety
    ----------
    None: which secret or target the job should have is not in the repository.

    Authority
    ---------
    https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments
    """

    meta = Meta(
        "ci-job-crosses-env",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments",
        summary="A CI job of one environment holds or changes what is another's",
        help="Give each environment a job with `environment:`, and keep its secrets there under the same names.",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each crossing where it is written."""
        for found in job_crossings(model):
            shared = found.kind == "credentials"
            report(
                at=found.loc,
                message=_message(found),
                evidence=found.evidence if shared else [(found.job.loc, f"the job works for {found.own}"), *found.evidence],
                environments=sorted({found.own, found.other}),
                key=f"{found.job.id}:{found.text}",
                severity="warning" if shared else None,
                confidence="medium" if found.kind in ("secret", "credentials") else None,
                derived=found.pipeline.files,
            )


def _message(found: JobCrossing) -> str:
    who = f"`{found.job.id}` works for {tier_of(found.own)}"
    if found.kind == "target":
        return f"{who}, and its `{found.text}` changes {found.other}"
    if found.kind == "secret":
        return f"{who}, and is given the secret `{found.text}` of {found.other}"
    if found.kind == "value":
        return f"{who}, and its `{found.text}` names {found.other}"
    return (
        f"`{found.job.id}` deploys {found.own} with `{found.text}`, which deploys {found.other} too: either job can change both"
    )
