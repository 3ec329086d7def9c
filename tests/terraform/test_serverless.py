"""Serverless Framework: variables by stage."""

from __future__ import annotations

import pytest
from opslint.base.masking import Masked, mask
from opslint.base.value import Known, Secret
from opslint.facts.serverless import variables

from .support import model_of

SERVICE = """
service: orders
custom:
  stage: ${opt:stage, 'dev'}
  hosts:
    prod: example.com
    staging: staging.example.com
provider:
  name: aws
  runtime: python3.12
  environment: ${file(env.yml):${self:custom.stage}, ''}
functions:
  api:
    handler: app.handler
    environment:
      HOST: api.${self:custom.hosts.${self:custom.stage}}
      NAME: ${self:service}-${self:custom.stage}
      REGION: ${env:REGION, 'eu-west-1'}
      TOKEN: ${ssm:/orders/token}
"""

ENV = """
prod:
  LEVEL: info
  TABLE: orders-${self:custom.stage}
staging:
  LEVEL: debug
"""

WORKFLOW = """
on: push
jobs:
  {0}:
    runs-on: ubuntu-latest
    environment: {1}
    steps:
      - run: npx sls deploy --stage={0}
"""


def variables_of(files: dict[str, str]) -> dict[str, dict[str, str]]:
    out: dict[str, dict[str, str]] = {}
    for workload in model_of(files).workloads:
        for container in workload.containers:
            values = out.setdefault("+".join(workload.environments), {})
            for entry in container.entries:
                value = entry.value
                known = isinstance(value, Known) and isinstance(value.value, Masked)
                values[entry.name] = value.value.digest if known else "secret" if isinstance(value, Secret) else "unknown"
            if container.open_reasons:
                values["…"] = "open"
    return out


def of(text: str) -> str:
    return mask(text).digest


def test_variables_by_stage() -> None:
    files = {
        "serverless.yml": SERVICE,
        "env.yml": ENV,
        ".github/workflows/prod.yml": WORKFLOW.format("prod", "production"),
        ".github/workflows/staging.yml": WORKFLOW.format("staging", "staging"),
    }
    common = {"REGION": "unknown", "TOKEN": "secret"}
    assert variables_of(files) == {
        "production": {
            "LEVEL": of("info"),
            "TABLE": of("orders-prod"),
            "HOST": of("api.example.com"),
            "NAME": of("orders-prod"),
            **common,
        },
        "staging": {"LEVEL": of("debug"), "HOST": of("api.staging.example.com"), "NAME": of("orders-staging"), **common},
    }


def test_without_a_stage_nothing_is_guessed() -> None:
    found = variables_of({"serverless.yml": SERVICE, "env.yml": ENV})
    assert found[""]["NAME"] == "unknown"
    assert found[""]["…"] == "open"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("${self:a", "raw"),
        ("${self:${self:${self:${self:${self:${self:${self:${self:${self:a}}}}}}}}}", "call"),
        ("a-${self:b}", "tmpl"),
        ("${AWS::Region}", "ref"),
    ],
)
def test_spellings(text: str, tag: str) -> None:
    assert variables(text)[0] == tag


def test_what_refers_to_itself_is_not_known() -> None:
    text = "service: x\ncustom:\n  a: ${self:custom.b}\n  b: ${self:custom.a}\nprovider:\n  name: aws\nfunctions:\n  f:\n    handler: a.b\n    environment:\n      X: ${self:custom.a}\n"
    assert variables_of({"serverless.yml": text}) == {"": {"X": "unknown"}}
