"""An apply that does something else than the plan that was looked at."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import Action, DeploymentModel, Job, Reporter

_SHORT_LIVED = frozenset(("ephemeral", "development", "test", "staging"))


class ApplyDiffersFromPlan(ProjectRule):
    """Infrastructure is applied without the plan that was reviewed.

    What it finds:
        `terraform apply` (also OpenTofu, Terragrunt) that approves itself and gets no saved plan file, for production or
        where no environment is known; and an apply with `-lock=false`, `-target` or `-refresh=false`.

    In production:
        The plan of the pull request was made hours ago, against another state. What runs now is a new plan that nobody
        has seen: a resource changed by hand meanwhile, or a provider release, may replace the database.

    Bad:
        # file: .github/workflows/infra.yml
        on:
          push:
            branches: [main]
        jobs:
          apply:
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: terraform init -input=false
              - run: terraform apply -auto-approve  # expect: apply-differs-from-plan

    Good:
        # file: .github/workflows/infra.yml
        on:
          push:
            branches: [main]
        jobs:
          apply:
            runs-on: ubuntu-latest
            environment: production
            steps:
              - run: terraform init -input=false
              - run: terraform plan -input=false -out=tfplan
              - run: terraform apply -input=false tfplan

    Exempt:
        Staging, development, test and short-lived environments; clouds that the job emulates itself.

    Fix safety:
        Manual: the plan file must travel from the job that made it.

    Authority:
        https://developer.hashicorp.com/terraform/tutorials/automation/automate-terraform
    """

    meta = Meta(
        "apply-differs-from-plan",
        category="ci",
        severity="error",
        confidence="high",
        summary="Infrastructure is applied without the plan that was reviewed",
        help="Save the plan with `-out=tfplan`, keep it as an artifact, and apply that file after the review.",
        authority="https://developer.hashicorp.com/terraform/tutorials/automation/automate-terraform",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every apply once."""
        seen = set()
        for pipeline, job in model.pipelines.jobs():
            if job.local or pipeline.only_pull_requests:
                continue
            for action in job.actions:
                if action.kind == "apply" and action.tool.endswith(" apply") and action.loc not in seen:
                    seen.add(action.loc)
                    self._judge(job, action, report)

    def _judge(self, job: Job, action: Action, report: Reporter) -> None:
        environments = job.environments or action.environments
        short_lived = bool(environments) and {name.partition("/")[0] for name in environments} <= _SHORT_LIVED
        message, severity = "", "warning"
        if "no-lock" in action.flags:
            message, severity = "runs without the state lock: two runs at once corrupt the state", "error"
        elif short_lived:
            return
        elif "targeted" in action.flags:
            message = "applies a part only: what is left out drifts, and nobody sees it"
        elif "no-refresh" in action.flags:
            message = "does not look at what is really there before it changes it"
        elif "saved-plan" not in action.flags and "auto-approve" in action.flags:
            message = "plans anew and approves itself: what it changes is not what anybody reviewed"
        if message:
            report(
                at=action.loc,
                message=f"`{action.tool}` {message}.",
                evidence=action.via,
                environments=environments,
                severity=severity,
                key=action.tool,
            )
