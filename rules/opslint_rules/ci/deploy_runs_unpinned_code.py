"""A deployment that runs code which may be another one tomorrow."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Job, Loc, Reporter, Step

_OWN = frozenset(("actions", "github"))
"""Owners that GitHub itself is."""

_BRANCHES = frozenset(("main", "master", "develop", "latest", "head", "trunk", "edge", "nightly"))


class DeployRunsUnpinnedCode(ProjectRule):
    """A deployment runs third-party code that can change without a commit here.

    What it finds:
        In a job that deploys, or that a deploying job needs: an action of somebody else on a branch. In a deploying job also an action
        on a tag that is given a secret, and a command-line tool that is installed globally without a version. The latter two are notes.

    In production:
        The same commit deployed again runs other code. A broken release of the action stops every deployment, also the rollback; a
        stolen tag reads the deployment's keys.

    Bad:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          deploy:
            runs-on: ubuntu-latest
            timeout-minutes: 10
            concurrency: production
            environment: production
            steps:
              - run: pytest
              - uses: someone/ssh-deploy@main  # expect: deploy-runs-unpinned-code
                with:
                  key: ${{ secrets.DEPLOY_KEY }}
              - run: kubectl apply -k k8s/overlays/production

    Good:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          deploy:
            runs-on: ubuntu-latest
            timeout-minutes: 10
            concurrency: production
            environment: production
            steps:
              - run: pytest
              - uses: someone/ssh-deploy@0f2d4c1b7a9e5d3f8c6b4a2e1d0f9c8b7a6e5d4c
                with:
                  key: ${{ secrets.DEPLOY_KEY }}
              - run: kubectl apply -k k8s/overlays/production

    Exempt:
        Actions of GitHub itself and of this repository; a full commit hash; jobs that no deployment needs.

    Fix safety:
        Manual: the hash of the release that is in use.

    Authority:
        https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions
    """

    meta = Meta(
        "deploy-runs-unpinned-code",
        category="ci",
        severity="warning",
        confidence="high",
        summary="A deployment runs third-party code that can change without a commit here",
        help="Pin the action to the full commit hash of a release, and the tool to a version.",
        authority="https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions",
    )
    needs = (Workflow,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each job once, at the gravest of its steps."""
        for pipeline in model.pipelines.all:
            if pipeline.provider != "github":
                continue
            deploying = [job for job in pipeline.jobs if job.is_deployment]
            needed = {link.id for job in deploying for link in pipeline.before(job)}
            for job in pipeline.jobs:
                found = [item for step in job.steps for item in _unpinned(job, step)]
                grave = [item for item in found if item[2] == "warning"]
                if job in deploying and found:
                    self._report(job, (grave or found)[0], found, report)
                elif job.id in needed and grave:
                    self._report(job, grave[0], grave, report)

    def _report(self, job: Job, first: tuple[Loc, str, str], found: list[tuple[Loc, str, str]], report: Reporter) -> None:
        loc, what, severity = first
        where = "The deployment" if job.is_deployment else f"The job `{job.id}`, which the deployment needs,"
        report(
            at=loc,
            message=f"{where} runs {what}: the same commit may run other code tomorrow.",
            evidence=[(other, f"and {name}") for other, name, _severity in found if other != loc][:5],
            environments=job.environments,
            severity=severity,
            key=what,
        )


def _unpinned(job: Job, step: Step) -> list[tuple[Loc, str, str]]:
    """Return (place, what, severity) of what a step runs and nothing fixes."""
    view = step.view
    if view is None:
        return []
    name, _, ref = (view.uses or "").partition("@")
    if view.uses and not name.startswith((".", "docker:")) and name.partition("/")[0].lower() not in _OWN:
        if ref.lower() in _BRANCHES:
            return [(view.key_loc("uses"), f"`{name}` from the branch `{ref}`", "warning")]
        is_hash = len(ref) == 40 and all(char in "0123456789abcdef" for char in ref.lower())
        if not is_hash and _is_given_a_secret(step):
            return [(view.key_loc("uses"), f"`{name}` from the tag `{ref}` with a secret", "note")]
        return []
    for line in (view.run or "").split("\n"):
        words = line.split()
        if words[:1] == ["npm"] and words[1:2] in (["install"], ["i"]) and {"-g", "--global"} & set(words):
            packages = [word for word in words[2:] if not word.startswith("-")]
            loose = next((word for word in packages if "@" not in word[1:]), "")
            if loose and any(action.kind == "deploy" for action in job.actions):
                return [(view.key_loc("run"), f"`{loose}` in whatever version is the newest", "note")]
    return []


def _is_given_a_secret(step: Step) -> bool:
    inputs = step.view.inputs if step.view is not None else None
    texts = [inputs.text(key) or "" for key, _value in inputs.items()] if inputs is not None else []
    return any("secrets." in text and "secrets.GITHUB_TOKEN" not in text for text in texts)
