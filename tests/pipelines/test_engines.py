"""Docker commands that reach the engine of another machine are deployments; on the runner's own engine they are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opslint.model.model import DeploymentModel

Make = Callable[..., DeploymentModel]


@pytest.mark.parametrize(
    ("variables", "script", "deploys"),
    [
        ("  variables: {DOCKER_HOST: 'ssh://deploy@shop.example'}\n", "docker compose -f compose.yaml up --detach", True),
        ("  variables: {DOCKER_HOST: 'tcp://docker:2375'}\n", "docker compose -f compose.yaml up --detach", False),
        ("", "docker compose up --detach", False),
        ("", "docker -H ssh://deploy@shop.example compose up --detach", True),
        ("", "DOCKER_HOST=ssh://deploy@shop.example docker compose up -d", True),
    ],
)
def test_gitlab(model_of: Make, variables: str, script: str, deploys: bool) -> None:
    model = model_of({".gitlab-ci.yml": f"deploy:\n  stage: deploy\n{variables}  script:\n    - {script}\n"})
    ((_pipeline, job),) = model.pipelines.jobs()
    assert bool(job.deploys) is deploys


def test_gitlab_variables_of_all_jobs(model_of: Make) -> None:
    text = "variables: {DOCKER_HOST: 'ssh://deploy@shop.example'}\ndeploy:\n  script:\n    - docker-compose up -d\n"
    ((_pipeline, job),) = model_of({".gitlab-ci.yml": text}).pipelines.jobs()
    assert [action.kind for action in job.deploys] == ["deploy"]


@pytest.mark.parametrize("level", ["job", "step"])
def test_github(model_of: Make, level: str) -> None:
    env = "    env: {DOCKER_HOST: 'ssh://deploy@shop.example'}\n"
    job_env, step_env = (env, "") if level == "job" else ("", "    " + env)
    text = f"on: push\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n{job_env}    steps:\n      - run: docker compose up -d\n{step_env}"
    ((_pipeline, job),) = model_of({".github/workflows/a.yml": text}).pipelines.jobs()
    assert [action.kind for action in job.deploys] == ["deploy"]
