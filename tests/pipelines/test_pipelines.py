"""Workflows and GitLab pipelines as triggers, jobs, steps and actions."""

from __future__ import annotations

from collections.abc import Callable

from opslint.model.model import DeploymentModel

Make = Callable[..., DeploymentModel]


def test_jobs_actions_and_environments(model_of: Make) -> None:
    model = model_of(
        {
            ".github/workflows/a.yml": """
on:
  push: {branches: [main], paths-ignore: ["docs/**"]}
concurrency: {group: prod, cancel-in-progress: false}
jobs:
  test:
    runs-on: ubuntu-latest
    steps: [{run: make check}]
  deploy:
    needs: test
    environment: {name: production}
    timeout-minutes: 9
    defaults: {run: {working-directory: infra}}
    steps:
      - run: cd live && terraform apply -auto-approve tfplan
""",
            "Makefile": "check: unit\n\truff check .\nunit:\n\t-pytest\n",
        }
    )
    (pipeline,) = model.pipelines.all
    assert [(t.event, t.branches, t.paths) for t in pipeline.triggers] == [("push", ["main"], ["!docs/**"])]
    test, deploy = pipeline.jobs
    assert [(action.kind, [mask.kind for mask in action.masks]) for action in test.actions] == [("lint", []), ("test", ["make"])]
    (apply,) = deploy.deploys
    assert (apply.path, apply.flags) == ("infra/live", ["auto-approve", "saved-plan"])
    assert deploy.environments == ["production"]
    assert (deploy.limits[0].group, deploy.timeout) == ("prod", "9")
    assert pipeline.before(deploy) == [test]


def test_composite_actions_and_their_scripts_are_followed(model_of: Make) -> None:
    model = model_of(
        {
            ".github/workflows/a.yml": "on: push\njobs:\n  t:\n    steps:\n      - uses: ./.github/actions/check\n",
            ".github/actions/check/action.yml": """
runs:
  using: composite
  steps:
    - shell: bash
      run: ${{ github.action_path }}/run.sh
""",
            ".github/actions/check/run.sh": "#!/bin/bash\nset -e\npytest -q\n",
        }
    )
    (action,) = model.pipelines.all[0].jobs[0].actions
    assert (action.kind, action.loc[0], len(action.via)) == ("test", ".github/actions/check/run.sh", 2)


def test_what_cannot_be_followed_is_said(model_of: Make) -> None:
    text = "on: push\njobs:\n  t:\n    steps:\n      - run: ./missing.sh\n  u:\n    uses: org/x/.github/workflows/y.yml@v1\n"
    first, second = model_of({".github/workflows/a.yml": text}).pipelines.all[0].jobs
    assert first.unknown == "script ./missing.sh"
    assert second.unknown == "calls org/x/.github/workflows/y.yml@v1"


def test_reusable_workflows_inherit_from_their_callers(model_of: Make) -> None:
    model = model_of(
        {
            ".github/workflows/a.yml": "on: push\nconcurrency: g\njobs:\n  c:\n    uses: ./.github/workflows/b.yml\n    with: {env: staging}\n",
            ".github/workflows/b.yml": """
on:
  workflow_call: {inputs: {env: {type: string}}}
jobs:
  d:
    environment: ${{ inputs.env }}
    steps: [{run: helm upgrade web ./chart}]
""",
        }
    )
    job = model.pipelines.all[1].jobs[0]
    assert [limit.group for limit in job.limits] == ["g"]
    assert job.environments == ["staging"]
    caller = model.pipelines.all[0].jobs[0]
    assert [action.kind for action in model.pipelines.all_actions(caller)] == ["deploy"]


def test_outcome_checks_are_seen(model_of: Make) -> None:
    text = """
on: push
jobs:
  t:
    outputs: {b: "${{ steps.b.outcome }}"}
    steps:
      - {id: a, run: pytest, continue-on-error: true}
      - {id: b, run: pytest, continue-on-error: true}
      - {id: c, run: pytest, continue-on-error: true}
      - {if: steps.a.outcome == 'failure', run: exit 1}
      - {run: 'echo ${{ steps.c.outcome }}'}
"""
    steps = model_of({".github/workflows/a.yml": text}).pipelines.all[0].jobs[0].steps
    assert [step.checked_later for step in steps[:3]] == [True, True, False]


def test_environment_values_are_masked(model_of: Make) -> None:
    text = "on: push\nenv: {TOKEN: hunter2hunter2, PORT: '80', E: '${{ inputs.e }}'}\njobs: {t: {steps: [{run: pytest, env: {A: s3cret-value}}]}}\n"
    model = model_of({".github/workflows/a.yml": text})
    from opslint.facts.workflows import Workflow

    (fact,) = model.facts(Workflow)
    kept = repr(fact.tree)
    assert "hunter2" not in kept
    assert "s3cret" not in kept
    assert "inputs.e" in kept
    assert "'80'" in kept


def test_gitlab_extends_references_stages_and_includes(model_of: Make) -> None:
    model = model_of(
        {
            ".gitlab-ci.yml": """
include: [{local: /.gitlab/ci/base.yml}]
stages: [check, ship]
default: {timeout: 20m}
unit: {stage: check, extends: .python, script: [!reference [.python, script], pytest]}
ship:
  stage: ship
  resource_group: prod
  interruptible: true
  environment: {name: production}
  script: [kubectl apply -f k8s]
  rules: [{if: '$CI_COMMIT_BRANCH == "main"', when: manual}]
""",
            ".gitlab/ci/base.yml": ".python: {image: python, script: [ruff check .], allow_failure: true}\n",
        }
    )
    (pipeline,) = [item for item in model.pipelines.all if item.provider == "gitlab"]
    unit, ship = pipeline.jobs
    assert [action.kind for action in unit.actions] == ["lint", "test"]
    assert [mask.kind for mask in unit.masks] == ["allow_failure"]
    assert ship.needs == ["unit"]
    assert (ship.manual, ship.timeout, ship.environments) == (True, "20m", ["production"])
    assert [(limit.level, limit.cancel) for limit in ship.limits] == [("job", None), ("interruptible", "true")]


def test_a_cluster_of_its_own_is_no_deployment(model_of: Make) -> None:
    text = "on: push\njobs:\n  t:\n    steps:\n      - uses: helm/kind-action@v1\n      - run: helm install web ./chart\n"
    job = model_of({".github/workflows/a.yml": text}).pipelines.all[0].jobs[0]
    assert job.local
    assert job.deploys == []
