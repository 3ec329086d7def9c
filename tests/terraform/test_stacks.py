"""SAM and CloudFormation: what each environment's stack gets."""

from __future__ import annotations

from opslint.base.masking import Masked, mask
from opslint.base.value import Known
from opslint.model.terraform_values import as_text

from .support import model_of

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage:
    Type: String
    Default: dev
  Domain:
    Type: String
    Default: example.test
  Password:
    Type: String
    NoEcho: true
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${Stage}-orders"
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      CodeUri: src
      Environment:
        Variables:
          STAGE: !Ref Stage
          HOST: !Sub "api.${Domain}"
          LEVEL: !If [IsProd, warning, debug]
"""

SAMCONFIG = """
version = 0.1
[prod.deploy.parameters]
stack_name = "api-prod"
parameter_overrides = "Stage=\\"prod\\" Domain=\\"example.com\\" Password=\\"x\\""
[staging.deploy.parameters]
parameter_overrides = ["Stage=staging"]
"""


def variables(files: dict[str, str]) -> dict[str, dict[str, str]]:
    out: dict[str, dict[str, str]] = {}
    for workload in model_of(files).workloads:
        for container in workload.containers:
            values = {
                entry.name: entry.value.value.digest
                for entry in container.entries
                if isinstance(entry.value, Known) and isinstance(entry.value.value, Masked)
            }
            out["+".join(workload.environments)] = values
    return out


def of(stage: str, host: str, level: str) -> dict[str, str]:
    return {"STAGE": mask(stage).digest, "HOST": mask(host).digest, "LEVEL": mask(level).digest}


def test_an_environment_each_by_samconfig() -> None:
    files = {"template.yaml": TEMPLATE, "samconfig.toml": SAMCONFIG}
    assert variables(files) == {
        "production": of("prod", "api.example.com", "warning"),
        "staging": of("staging", "api.example.test", "debug"),
    }
    queues = model_of(files).resources.queues
    assert [(queue.resource.environments, as_text(queue.name)) for queue in queues] == [
        (["production"], "prod-orders"),
        (["staging"], "staging-orders"),
    ]


def test_what_a_command_says_counts_first() -> None:
    workflow = """
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: production
    steps:
      - run: sam deploy --config-env prod --parameter-overrides Stage=prod Domain=${{ vars.DOMAIN }}
"""
    files = {"template.yaml": TEMPLATE, "samconfig.toml": SAMCONFIG, ".github/workflows/deploy.yml": workflow}
    assert variables(files) == {"production": {"STAGE": mask("prod").digest, "LEVEL": mask("warning").digest}}


def test_without_parameters_a_template_is_one() -> None:
    assert list(variables({"template.yaml": TEMPLATE})) == [""]


def test_a_broken_samconfig_says_nothing() -> None:
    files = {"template.yaml": TEMPLATE, "samconfig.toml": '[prod.deploy.parameters]\nparameter_overrides = "Stage=\\"prod"\n'}
    assert list(variables(files)) == ["production"]
    assert list(variables({"template.yaml": TEMPLATE, "samconfig.toml": "[prod"})) == [""]
