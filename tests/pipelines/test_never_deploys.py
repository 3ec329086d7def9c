"""Pipelines that look as if they deployed and cannot: what they lack is not worth more than a note."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from opslint.cli.main import cli

REFUSED = """\
stages: [test, deploy]
sast:
  stage: test
  {include}
deploy:
  stage: deploy
  script: [kubectl apply -f k8s/]
"""
WAITS = """\
on:
  workflow_run: {{workflows: ["{name}"], types: [completed]}}
  workflow_dispatch:
jobs:
  deploy:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
      - run: kubectl apply -f k8s/
"""
IMAGES = "name: Images\non: push\njobs: {build: {runs-on: ubuntu-latest, timeout-minutes: 9, steps: [{run: make}]}}\n"


def _found(root: Path) -> list[str]:
    command = ["check", str(root), "--no-cache", "--format", "json", "--select", "deploy-without-concurrency"]
    return [item["path"] for item in json.loads(CliRunner().invoke(cli, command).stdout)["findings"]]


@pytest.mark.parametrize(
    ("body", "count"), [("include: [{template: Security/SAST.gitlab-ci.yml}]", 0), ("script: [semgrep scan]", 1)]
)
def test_gitlab_refuses_a_file_with_include_in_a_job(tmp_path: Path, body: str, count: int) -> None:
    (tmp_path / "opslint.toml").write_text("")
    (tmp_path / ".gitlab-ci.yml").write_text(REFUSED.format(include=body))
    assert len(_found(tmp_path)) == count


@pytest.mark.parametrize(("name", "count"), [("Image", 0), ("Images", 1)])
def test_a_workflow_that_is_not_there_starts_nothing(tmp_path: Path, name: str, count: int) -> None:
    (tmp_path / "opslint.toml").write_text("")
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "images.yml").write_text(IMAGES)
    (folder / "deploy.yml").write_text(WAITS.format(name=name))
    assert len(_found(tmp_path)) == count
