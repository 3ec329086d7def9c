"""What a file rule that subscribed to workflow jobs sees."""

from __future__ import annotations

from opslint.facts.registry import views
from opslint.syntax import yaml

TEXT = b"""
on: push
defaults: {run: {shell: bash}}
concurrency: {group: g, cancel-in-progress: true}
jobs:
  a:
    needs: b
    if: github.ref == 'refs/heads/main'
    timeout-minutes: 5
    environment: {name: production}
    steps:
      - {name: One, run: pytest, working-directory: src, continue-on-error: true}
      - {uses: actions/checkout@v4}
  b: {uses: ./.github/workflows/c.yml}
"""


def test_job_and_step_views() -> None:
    first, second = views(yaml.read(TEXT, "workflow"), "jobs", ())
    assert (first.id, first.needs, first.timeout, first.environment) == ("a", ["b"], "5", "production")
    assert first.condition == "github.ref == 'refs/heads/main'"
    assert (first.concurrency.group, first.concurrency.cancel, first.concurrency.level) == ("g", "true", "workflow")
    one, two = first.steps
    assert (one.name, one.run, one.shell, one.working_directory, one.continue_on_error) == (
        "One",
        "pytest",
        "bash",
        "src",
        "true",
    )
    assert (two.uses, two.shell) == ("actions/checkout@v4", "bash")
    assert one.key_loc("continue-on-error") != one.loc
    assert second.uses == "./.github/workflows/c.yml"
