"""What no tool could load: cycles, what is not there, what does not render, wrong types, one name for two places.

Each gives an Unknown with its reason in the blind spots of `opslint model`, no claim that something is missing, and no crash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opslint.cli.main import main

from . import sample

CODE = 'import os\n\nA = os.environ["A_NAME"]\nB = os.environ["B_NAME"]\n'
DOCKERFILE = 'FROM python:3.12\nCOPY app.py /app.py\nCMD ["python", "/app.py"]\n'
IMAGES = (
    "on: push\njobs:\n  b:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n"
    "    - run: docker build -t registry.example.com/acme/api:1 .\n"
)
BASE = {"app.py": CODE, "Dockerfile": DOCKERFILE, ".github/workflows/images.yml": IMAGES}


def deployment(env: str, more: str = "") -> str:
    """A Deployment of the image that is built here, with this `env`."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
      - name: api
        image: registry.example.com/acme/api:1
        env: {env}
{more}"""


SET_A = "[{name: A_NAME, value: x}]"
COMPOSE = "services:\n  api:\n    build: .\n    environment: {A_NAME: x}\n"
CHART = {"chart/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n", "chart/values.yaml": "a: 1\n"}
HELM_DEPLOY = (
    "on: push\njobs:\n  d:\n    environment: production\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n"
    "    - run: helm upgrade api chart -f values-nowhere.yaml\n"
)
FUNCTION = """\
resource "aws_lambda_function" "f" {
  function_name = "f"
  handler       = "app.handler"
  filename      = "app.zip"
  environment {
    variables = VARIABLES
  }
}
"""
QUEUE = 'variable "name" {}\n\nresource "aws_sqs_queue" "q" {\n  name = var.name\n}\n'

CASES: dict[str, tuple[dict[str, str], str]] = {
    # Cycles
    "compose-include-cycle": (
        {"docker-compose.yml": "include: [other.yml]\n" + COMPOSE, "other.yml": "include: [docker-compose.yml]\nservices: {}\n"},
        "leads back to it",
    ),
    "compose-extends-cycle": (
        {"docker-compose.yml": "services:\n  api:\n    build: .\n    extends: {service: b}\n  b:\n    extends: {service: api}\n"},
        "leads back to it",
    ),
    "kustomize-cycle": (
        {
            "k8s/a/kustomization.yaml": "resources: [../b, dep.yaml]\n",
            "k8s/a/dep.yaml": deployment(SET_A),
            "k8s/b/kustomization.yaml": "resources: [../a]\n",
        },
        "leads back to a kustomization that is being built",
    ),
    "helm-include-cycle": (
        {
            **CHART,
            "chart/templates/_h.tpl": '{{ define "x" }}{{ include "x" . }}{{ end }}',
            "chart/templates/d.yaml": deployment('[{name: A_NAME, value: {{ include "x" . }}}]'),
        },
        "templates call each other too deep",
    ),
    "terraform-module-cycle": (
        {"infra/main.tf": 'module "a" {\n  source = "./a"\n}\n', "infra/a/main.tf": 'module "b" {\n  source = "../a"\n}\n'},
        "module b calls itself or is nested too deeply",
    ),
    "terragrunt-include-cycle": (
        {
            "live/prod/terragrunt.hcl": 'include "root" {\n  path = "../stage/terragrunt.hcl"\n}\n',
            "live/stage/terragrunt.hcl": 'include "root" {\n  path = "../prod/terragrunt.hcl"\n}\n',
        },
        "which Terragrunt refuses",
    ),
    "gitlab-include-cycle": (
        {".gitlab-ci.yml": "include: [{local: b.yml}]\nd: {script: x}\n", "b.yml": "include: [{local: .gitlab-ci.yml}]\n"},
        "is included by what it includes",
    ),
    "gitlab-extends-cycle": (
        {".gitlab-ci.yml": "a: {extends: b, script: x}\nb: {extends: a}\n"},
        "extends itself in a circle",
    ),
    # What is not there
    "compose-include-missing": (
        {"docker-compose.yml": "include: [nowhere.yml]\n" + COMPOSE},
        "nowhere.yml is not in the repository",
    ),
    "compose-extends-missing": (
        {"docker-compose.yml": "services:\n  api:\n    build: .\n    extends: {file: nowhere.yml, service: b}\n"},
        "nowhere.yml, which it extends, is not in the repository",
    ),
    "kustomize-base-missing": (
        {
            "k8s/overlays/prod/kustomization.yaml": "resources: [../../base, dep.yaml]\n",
            "k8s/overlays/prod/dep.yaml": deployment(SET_A),
        },
        "../../base is not in the repository",
    ),
    "helm-values-missing": (
        {**CHART, "chart/templates/d.yaml": deployment(SET_A), ".github/workflows/d.yml": HELM_DEPLOY},
        "values-nowhere.yaml is not in the repository",
    ),
    "helm-dependency-missing": (
        {
            **CHART,
            "chart/Chart.yaml": CHART["chart/Chart.yaml"]
            + 'dependencies: [{name: redis, version: 1.0.0, repository: "https://charts.example.com"}]\n',
            "chart/templates/d.yaml": deployment("[{name: A_NAME, value: x}, {name: B_NAME, value: x}]"),
        },
        "which is fetched from elsewhere",
    ),
    "terraform-module-missing": ({"infra/main.tf": 'module "a" {\n  source = "./nowhere"\n}\n'}, "holds no Terraform files"),
    "terragrunt-parent-missing": (
        {
            "live/prod/terragrunt.hcl": 'include "root" {\n  path = find_in_parent_folders()\n}\nterraform {\n  source = "../../mod"\n}\n',
            "mod/main.tf": QUEUE,
        },
        "no terragrunt.hcl above",
    ),
    # What does not build or render
    "kustomize-patch-fails": (
        {
            "k8s/overlays/prod/kustomization.yaml": "resources: [dep.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n"
            "    - {op: replace, path: /spec/template/spec/containers/9/image, value: x}\n",
            "k8s/overlays/prod/dep.yaml": deployment(SET_A),
        },
        "kustomize refuses it",
    ),
    "helm-does-not-parse": (
        {**CHART, "chart/templates/d.yaml": deployment('[{name: A_NAME, value: "{{ if }}"}]')},
        "the template cannot be parsed",
    ),
    "helm-refuses": (
        {**CHART, "chart/templates/d.yaml": '{{ fail "give a name" }}\n' + deployment(SET_A)},
        "the chart refuses these values: give a name",
    ),
    "helm-nil-pointer": (
        {**CHART, "chart/templates/d.yaml": deployment('[{name: A_NAME, value: "{{ .Values.x.y.z }}"}]')},
        "nil pointer",
    ),
    "helm-unknown-function": (
        {**CHART, "chart/templates/d.yaml": deployment("[{name: A_NAME, value: {{ noSuch .Values.a }}}]")},
        'function "noSuch" not defined',
    ),
    "helm-no-yaml": (
        {**CHART, "chart/templates/d.yaml": deployment(SET_A) + '{{ "\\tbad: [" }}\n'},
        "is not valid YAML",
    ),
    "terragrunt-unknown-function": (
        {
            "live/prod/terragrunt.hcl": 'terraform {\n  source = "../../mod"\n}\ninputs = {\n  name = no_such("x")\n}\n',
            "mod/main.tf": QUEUE,
        },
        "function no_such() is not followed",
    ),
    "terragrunt-command": (
        {
            "live/prod/terragrunt.hcl": 'terraform {\n  source = "../../mod"\n}\ninputs = {\n  name = run_cmd("hostname")\n}\n',
            "mod/main.tf": QUEUE,
        },
        "run_cmd() gives the output of a command",
    ),
    # Wrong types
    "k8s-env-is-a-mapping": ({"k8s/d.yaml": deployment("{A_NAME: x}")}, "env is not a list"),
    "k8s-env-of-numbers": (
        {"k8s/d.yaml": deployment("[1, {name: [a]}, {name: A_NAME, value: x}]")},
        "an entry that is not known",
    ),
    "k8s-env-from-is-a-mapping": (
        {"k8s/d.yaml": deployment(SET_A, "        envFrom: {configMapRef: 3}\n")},
        "envFrom is not a list",
    ),
    "compose-environment-is-a-number": (
        {"docker-compose.yml": "services:\n  api:\n    build: .\n    environment: 3\n"},
        "environment is neither a list nor a mapping",
    ),
    "compose-services-is-a-list": ({"docker-compose.yml": "services: [api]\n"}, "services is not a mapping"),
    "workflow-jobs-is-a-list": (
        {".github/workflows/x.yml": "on: [push, 3, {a: b}]\nenv: 7\njobs: [a]\n"},
        "holds no mapping of jobs",
    ),
    "helm-values-are-a-list": (
        {
            **CHART,
            "chart/values.yaml": "- a\n",
            "chart/templates/d.yaml": deployment('[{name: A_NAME, value: "{{ .Values.a }}"}]'),
        },
        "values are not a mapping",
    ),
    # One name for two places
    "two-directories-of-one-name": (
        {
            "env/prod/docker-compose.yml": COMPOSE.replace("build: .", "build: ../.."),
            "env/production/docker-compose.yml": COMPOSE.replace("build: .", "build: ../..").replace(
                "A_NAME: x", "A_NAME: x, B_NAME: y"
            ),
        },
        "production is named by env/prod, env/production",
    ),
    "one-name-declared-twice": (
        {
            "opslint.toml": '[[environment]]\nname = "live"\ntier = "production"\n\n[[environment]]\nname = "live"\ntier = "staging"\n',
            ".github/workflows/d.yml": HELM_DEPLOY.replace("production", "live").replace(" -f values-nowhere.yaml", ""),
            **CHART,
            "chart/templates/d.yaml": deployment(SET_A),
        },
        "`live` is declared as production and as staging",
    ),
}
STILL_MISSING = ("two-directories-of-one-name", "one-name-declared-twice")
"""Cases in which what is given is known, whatever the place is called."""


def run(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the report and the model of a project; neither run may crash."""
    words = [str(root), "--no-cache", "--format", "json"]
    assert main(["check", *words, "--min-severity", "note", "--allow-incomplete"]) in (0, 1)
    report = json.loads(capsys.readouterr().out)
    assert [item for item in report["problems"] if "crash" in item["kind"]] == []
    assert main(["model", *words]) == 0
    return report, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", CASES)
def test_it_is_unknown_for_a_reason_that_is_told(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, reason = CASES[name]
    report, view = run(sample.tree(tmp_path, {**BASE, **files}), capsys)
    told = {spot["message"] for spot in view["blind_spots"]}
    assert any(reason in message for message in told), told
    if name not in STILL_MISSING:
        assert [item["message"] for item in report["findings"] if item["rule"] == "env-required-but-not-set"] == []
        assert [row["name"] for row in view["variables"] if row["differs"] == "missing"] == []


def test_the_text_names_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.tree(tmp_path, {**BASE, **CASES["compose-include-missing"][0]})
    assert main(["model", str(tmp_path), "--no-cache"]) == 0
    text = capsys.readouterr().out
    assert "the included nowhere.yml is not in the repository at docker-compose.yml:1" in text
    assert "open [1]" in text


@pytest.mark.parametrize("name", ["compose-environment-of-lists", "terraform-local-cycle", "tfvars-of-another-type"])
def test_a_value_of_the_wrong_kind_is_unknown(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "compose-environment-of-lists": {
            "docker-compose.yml": "services:\n  api:\n    build: .\n    environment: {A_NAME: [1, 2], B_NAME: {x: y}}\n"
        },
        "terraform-local-cycle": {
            "infra/main.tf": "locals {\n  a = local.b\n  b = local.a\n}\n"
            + FUNCTION.replace("VARIABLES", "{ A_NAME = local.a, B_NAME = local.b }")
        },
        "tfvars-of-another-type": {
            "infra/main.tf": 'variable "vars" {\n  type = map(string)\n}\n' + FUNCTION.replace("VARIABLES", "var.vars"),
            "infra/terraform.tfvars": "vars = 7\n",
        },
    }[name]
    _report, view = run(sample.tree(tmp_path, {**BASE, **files}), capsys)
    cells = [cell for row in view["variables"] if row["name"] in ("A_NAME", "B_NAME") for cell in row["environments"]]
    assert all(cell["state"] in ("unknown", "open") and cell["reason"] for cell in cells)
    assert cells or view["blind_spots"]
