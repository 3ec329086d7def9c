"""A check or deployment whose failure the pipeline throws away."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, GitlabPipeline, Meta, ProjectRule, Workflow

if TYPE_CHECKING:
    from opslint.api import Action, DeploymentModel, Job, Loc, Mask, Pipeline, Reporter, Step

_SEVERITY = {
    "test": "error",
    "validate": "error",
    "plan": "error",
    "apply": "error",
    "migrate": "error",
    "deploy": "error",
    "scan": "warning",
    "verify": "warning",
    "lint": "note",
}
_EFFECT = {
    "test": "a failing test leaves the pipeline green",
    "validate": "an invalid configuration still passes",
    "plan": "a plan that fails leaves the check green",
    "apply": "a half-applied change is reported as a success",
    "migrate": "code is released on a schema that was not migrated",
    "deploy": "a failed release is reported as a success",
    "scan": "what the scan finds never stops a release",
    "verify": "a release that does not come up is reported as a success",
    "lint": "what it finds never stops a change",
}
_ORDER = ["apply", "deploy", "migrate", "test", "plan", "validate", "scan", "verify", "lint"]
_CHECK_NAMES = (
    "smoke",
    "health check",
    "healthcheck",
    "verify",
    "e2e",
    "integration test",
    "acceptance test",
    "unit test",
    "test",
)
_LOAD_TESTS = ("locust", "k6 run", "artillery run", "bzt")
"""Load generators fail on any failed request; a later step that judges the numbers is the real check."""

_INVENTORIES = ("spdx-json", "cyclonedx", "spdx", "license", "--list-all-pkgs")
"""Arguments that make a scanner write down what is there; nothing to stop for."""

_SUBJECTS = {
    **dict.fromkeys(
        (
            "npm audit",
            "yarn audit",
            "yarn npm audit",
            "pnpm audit",
            "audit-ci",
            "better-npm-audit",
            "snyk",
            "snyk/actions/node",
            "osv-scanner",
        ),
        "Node.js dependencies",
    ),
    **dict.fromkeys(
        ("pip-audit", "safety", "snyk/actions/python", "pypa/gh-action-pip-audit", "pyupio/safety-action"), "Python dependencies"
    ),
}
"""Scanners that look for known vulnerabilities in the same lock files."""

_TALKING_NAMES = (
    "result",
    "report",
    "summary",
    "notify",
    "notification",
    "url",
    "info",
    "debug",
    "print",
    "show",
    "success",
    "fail",
)


class MaskedFailure(ProjectRule):
    """A test, plan, scan, migration or deployment cannot fail its job.

    What it finds:
        `continue-on-error: true`, `allow_failure: true`, `|| true`, `|| echo …`, `set +e`, a make line with `-`, or an
        `--exit-zero` flag on a command that tests, validates, plans, scans, migrates or deploys; and a step that is named
        as a smoke test or health check of a deployment and only prints a message.

    In production:
        The pipeline is green whatever the check says. The first one to see the failure is a user.

    Bad:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          release:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - name: Migrate
                run: python manage.py migrate --noinput || true  # expect: masked-failure
              - name: Validate
                run: terraform validate
                continue-on-error: true  # expect: masked-failure

    Good:
        # file: .github/workflows/deploy.yml
        on:
          push:
            branches: [main]
        jobs:
          release:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - name: Migrate
                run: python manage.py migrate --noinput
              - name: Plan
                id: plan
                run: terraform plan -out=tfplan
                continue-on-error: true
              - name: Stop when the plan failed
                if: steps.plan.outcome == 'failure'
                run: exit 1
              - name: Tell the team
                uses: slackapi/slack-github-action@v1
                continue-on-error: true

    Exempt:
        Jobs that can never run; notifications, uploads and comments; a step whose outcome a later step, job or output
        looks at; an exit code that the script keeps (`|| code=$?`); a second, strict run of the same tool, or of
        another one for the same dependencies, in the same job; inventories (SBOM, licences); a scan whose SARIF file
        is uploaded to code scanning; `continue-on-error` that is an expression (a matrix leg); manual GitLab jobs.
        Linters are a note; so are tests that a job which the deployment waits for runs as well and may fail on, and
        `validate` before a plan or apply of the same directory that can fail.

    Fix safety:
        Manual: removing the mask may turn a pipeline red that was green by accident.

    Authority:
        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepscontinue-on-error
    """

    meta = Meta(
        "masked-failure",
        category="ci",
        severity="error",
        confidence="high",
        summary="A test, plan, scan, migration or deployment cannot fail its job",
        help="Remove what swallows the exit code, or look at the step's outcome in a later step that can fail.",
        authority="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepscontinue-on-error",
    )
    needs = (Workflow, GitlabPipeline)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every action once; what is wrong with one step, or with the linters or scanners of one job, is one finding."""
        seen: set[tuple[Loc, str]] = set()
        for pipeline in model.pipelines.all:
            for job in pipeline.jobs:
                for step in job.steps:
                    if _only_says_so(job, step):
                        self._talk(job, step, report)
        for pipeline, job in model.pipelines.jobs():
            groups: dict[str, list[tuple[Step, Action, Mask]]] = {}
            for index, step in enumerate(job.steps):
                for action in step.actions:
                    mask = _mask_of(job, step, action)
                    if mask is None or (mask.loc, action.kind) in seen or _exempt(job, step, action):
                        continue
                    seen.add((mask.loc, action.kind))
                    groups.setdefault(action.kind if action.kind in ("lint", "scan") else str(index), []).append(
                        (step, action, mask)
                    )
            for found in groups.values():
                self._report(pipeline, job, found, report)

    def _report(self, pipeline: Pipeline, job: Job, found: list[tuple[Step, Action, Mask]], report: Reporter) -> None:
        found.sort(key=lambda item: _ORDER.index(item[1].kind))
        step, action, mask = found[0]
        what = f"`{mask.text}`" if mask.kind != "make" else "the `-` before the make line"
        evidence = [(action.loc, f"`{action.tool}` runs here")] if action.loc != mask.loc else []
        evidence.extend(action.via)
        evidence.extend((other.loc, f"swallows `{twin.tool}` likewise") for _step, twin, other in found[1:])
        tools = sorted({twin.tool for _step, twin, _mask in found} - {action.tool})
        also = f" (and {', '.join(tools)})" if tools else ""
        again = _judged_again(pipeline, job, step, action)
        effect = again[1] if again is not None else _effect(pipeline, job, action.kind)
        if again is not None:
            evidence.append((again[0], "can fail on it"))
        report(
            at=mask.loc,
            message=f"{what} swallows the failure of `{action.tool}`{also}: {effect}.",
            evidence=evidence,
            environments=job.environments,
            severity="note" if again is not None else _SEVERITY[action.kind],
            key=action.tool,
            derived=pipeline.files,
        )

    def _talk(self, job: Job, step: Step, report: Reporter) -> None:
        harm = f"and is always green; the job `{job.id}` {job.idle}" if job.idle else "and this step is always green"
        report(
            at=step.loc,
            message=f"The step `{step.name}` only prints a message: nothing checks the deployment, {harm}.",
            evidence=[(job.loc, f"the job `{job.id}` is meant to deploy" if job.idle else f"the job `{job.id}` deploys")],
            environments=job.environments,
            severity="note" if job.idle else "warning",
            key=step.name,
        )


def _effect(pipeline: Pipeline, job: Job, kind: str) -> str:
    """What the swallowed failure means; a test only stands before a deployment that waits for its job."""
    deploying = [other for other in pipeline.jobs if other.is_deployment]
    if kind == "test" and any(other is job or job in pipeline.before(other) for other in deploying):
        return "a failing test still lets the build pass and be deployed"
    return _EFFECT[kind]


def _judged_again(pipeline: Pipeline, job: Job, step: Step, action: Action) -> tuple[Loc, str] | None:
    """Where the same question is asked again by something that can fail, and what that leaves of the harm."""
    if action.kind == "test":
        twin = _tested_elsewhere(pipeline, job, action)
        return (twin[1].loc, f"only `{twin[0].id}`, which runs these tests too, can fail on them") if twin else None
    if action.kind == "validate" and action.tool.endswith(" validate"):
        later = _checked_again(job, step, action)
        return (later.loc, f"an invalid configuration is only noticed later, by `{later.tool}`") if later else None
    return None


def _tested_elsewhere(pipeline: Pipeline, job: Job, action: Action) -> tuple[Job, Action] | None:
    """A job that must pass as well, runs all these tests and may fail on them."""
    deploying = [other for other in pipeline.jobs if other.is_deployment and other is not job]
    judges = [link for other in deploying for link in pipeline.before(other)] if deploying else pipeline.jobs
    for other in judges:
        if other is job or other.masks or not other.starts:
            continue
        for step in other.steps:
            for twin in step.actions:
                strict = twin.kind == "test" and not twin.masks and not step.masks and not step.condition
                if strict and twin.tool == action.tool and twin.path == action.path and _covers(twin.words, action.words):
                    return other, twin
    return None


def _covers(whole: list[str], part: list[str]) -> bool:
    """Tell whether one run of a test program takes in the files of another: no choice by name, and no path or a parent's."""
    for at, word in enumerate(whole):
        choice = whole[at + 1 : at + 2]
        if word in ("-k", "--ignore", "--deselect") or (word == "-m" and at > 1 and choice and not choice[0].startswith("not ")):
            return False
    roots, wanted = _paths(whole), _paths(part)
    return not roots or (
        bool(wanted) and all(any(path == root or path.startswith(f"{root}/") for root in roots) for path in wanted)
    )


def _paths(words: list[str]) -> list[str]:
    """The arguments that are files or directories of tests."""
    texts = [word.partition("::")[0].removeprefix("./").rstrip("/") for word in words[1:]]
    found = [text for text in texts if not text.startswith("-") and ("/" in text or text.endswith(".py") or text == "tests")]
    return [text for text in found if "=" not in text]


def _checked_again(job: Job, step: Step, action: Action) -> Action | None:
    """A plan or apply of the same directory after a `validate` that can fail, on everything that starts the step."""
    later = job.steps[job.steps.index(step) :]
    strict = [
        (other, twin)
        for other in later
        for twin in other.actions
        if twin.kind in ("plan", "apply") and twin.path == action.path and not twin.masks
        if not other.masks or other.checked_later
    ]
    starts = [start for start in job.starts if step.may_run(start)]
    everywhere = all(any(other.may_run(start) for other, _twin in strict) for start in starts)
    return strict[0][1] if strict and everywhere and not job.masks else None


def _mask_of(job: Job, step: Step, action: Action) -> Mask | None:
    """Return what swallows an action's failure, the innermost first."""
    if action.kind not in _SEVERITY or any(action.info.get(name) for name in ("nested", "negated", "background", "test")):
        return None
    if action.masks and not action.info.get("keeps_status"):
        return action.masks[0]
    if step.masks and not step.checked_later:
        return step.masks[0]
    return job.masks[0] if job.masks else None


def _exempt(job: Job, step: Step, action: Action) -> bool:
    if "failure()" in step.condition or "cancelled()" in step.condition.replace("!cancelled()", ""):
        return True
    program = action.tool.partition(" ")[0]
    if action.kind == "verify":
        # Polling: the loop around it decides.
        return bool(action.info.get("blocks")) or program in ("curl", "wget")
    if action.kind in ("lint", "scan", "test"):
        for other in job.steps:
            for twin in other.actions:
                strict = not twin.masks and not other.masks and not job.masks
                if twin is not action and twin.kind == action.kind and _same_question(twin.tool, action.tool) and strict:
                    return True
    if action.kind == "plan":
        # A plan after the apply shows drift; it guards nothing.
        before = [other for done in job.steps[: job.steps.index(step)] for other in done.actions]
        return any(other.kind == "apply" and other.path == action.path for other in before)
    if action.tool in _LOAD_TESTS and any(other.checked_later for other in job.steps[job.steps.index(step) + 1 :]):
        return True
    if action.kind == "scan":
        if any(word in _INVENTORIES for word in action.words):
            return True
        later = job.steps[job.steps.index(step) + 1 :]
        uploads = any(other.view is not None and "upload-sarif" in (other.view.uses or "") for other in later)
        return uploads and ("sarif" in " ".join(action.words) or _writes_sarif(step))
    return False


def _same_question(left: str, right: str) -> bool:
    """Two tools that look for the same thing: where one is strict, the other only reports."""
    subjects = [_SUBJECTS.get(tool, tool) for tool in (left, right)]
    return subjects[0] == subjects[1]


def _writes_sarif(step: Step) -> bool:
    inputs = step.view.inputs if step.view is not None else None
    return inputs is not None and any(isinstance(text, str) and "sarif" in text for text in map(inputs.text, inputs.keys()))


def _only_says_so(job: Job, step: Step) -> bool:
    """A step that promises a check of a deployment and does nothing but print."""
    if not step.only_talks or not job.environment or not (job.is_deployment or job.idle):
        return False
    name = step.name.lower().removeprefix("run ").removeprefix("perform ").removeprefix("execute ")
    if any(word in name for word in _TALKING_NAMES) or "failure()" in step.condition or "success()" in step.condition:
        return False
    return name.startswith(_CHECK_NAMES)
