"""Which values a root gets in each environment: value files, command lines, workspaces, and what is set outside git."""

from __future__ import annotations

import pytest
from opslint.base.value import Unknown
from opslint.model.terraform_sessions import matched
from opslint.model.terraform_values import as_text

from .support import model_of

ROOT = """
terraform {
  backend "s3" {}
}
variable "size" { default = "small" }
variable "name" { default = "shop" }
resource "x_y" "z" {
  size = var.size
  name = var.name
}
"""


def sizes(files: dict[str, str]) -> dict[str, str | None]:
    """Return key of root → value of `size`."""
    model = model_of(files)
    return {root.key: as_text(root.resources[0].get("size")) for root in model.terraform.roots}


def workflow(*runs: str, env: str = "", environment: str = "") -> str:
    steps = "".join(f"      - run: {run}\n        working-directory: infra\n" for run in runs)
    more = (f"    environment: {environment}\n" if environment else "") + (f"    env:\n      {env}\n" if env else "")
    return f"on: push\njobs:\n  apply:\n    runs-on: ubuntu-latest\n{more}    steps:\n{steps}"


def test_automatic_files_in_terraforms_order() -> None:
    files = {
        "infra/main.tf": ROOT,
        "infra/terraform.tfvars": 'size = "a"\nname = "from-terraform"\n',
        "infra/a.auto.tfvars": 'size = "b"\n',
        "infra/z.auto.tfvars": 'size = "c"\n',
    }
    assert sizes(files) == {"infra": "c"}
    model = model_of(files)
    assert as_text(model.terraform.roots[0].module.variable("name")) == "from-terraform"


def test_the_command_line_wins_over_files_and_files_over_the_environment() -> None:
    files = {
        "infra/main.tf": ROOT,
        "infra/prod.tfvars": 'size = "file"\n',
        ".github/workflows/deploy.yml": workflow("terraform apply -var-file=prod.tfvars -var name=line", env="TF_VAR_size: env"),
    }
    model = model_of(files)
    (root,) = model.terraform.roots
    assert root.environments == ["production"]
    assert as_text(root.module.variable("size")) == "file"
    assert as_text(root.module.variable("name")) == "line"


def test_a_variable_of_the_pipeline_names_the_environment() -> None:
    main = ROOT + 'variable "environment" {}\n'
    files = {
        "infra/main.tf": main,
        "Makefile": "staging:\n\tcd infra && terraform apply -var environment=staging\nprod:\n\tcd infra && terraform apply -var environment=prod\n",
    }
    model = model_of(files)
    assert {root.key: as_text(root.module.variable("environment")) for root in model.terraform.roots} == {
        "infra@production": "prod",
        "infra@staging": "staging",
    }


def test_the_order_of_value_files_on_a_command_line() -> None:
    files = {
        "infra/main.tf": ROOT,
        "infra/common.tfvars": 'size = "common"\n',
        "infra/prod.tfvars": 'size = "prod"\n',
        "Makefile": "prod:\n\tcd infra && terraform apply -var-file=prod.tfvars -var-file=common.tfvars\n",
    }
    assert sizes(files) == {"infra@production": "common"}


def test_workspaces_that_a_pipeline_selects() -> None:
    main = 'provider "aws" {}\nlocals {\n  sizes = { prod = "large", staging = "small" }\n}\nresource "x_y" "z" {\n  size = local.sizes[terraform.workspace]\n}\n'
    make = "{0}:\n\tcd infra && terraform workspace select {0} && terraform apply\n"
    files = {"infra/main.tf": main, "Makefile": make.format("prod") + make.format("staging")}
    assert sizes(files) == {"infra@production": "large", "infra@staging": "small"}
    assert sizes({"infra/main.tf": main}) == {"infra": None}


def test_a_hole_that_file_names_fill() -> None:
    files = {
        "infra/api/service/main.tf": ROOT + 'variable "stage" {}\n',
        "infra/api/service/dev.s3.tfbackend": 'bucket = "state"\nkey = "api/dev"\n',
        "infra/api/service/prod.s3.tfbackend": 'bucket = "state"\nkey = "api/prod"\n',
        "Makefile": "deploy:\n\tterraform -chdir=infra/$(APP)/service init -backend-config=$(STAGE).s3.tfbackend\n"
        "\tterraform -chdir=infra/$(APP)/service apply -var stage=$(STAGE)\n",
    }
    model = model_of(files)
    assert [(root.key, as_text(root.module.variable("stage"))) for root in model.terraform.roots] == [
        ("infra/api/service@development", "dev"),
        ("infra/api/service@production", "prod"),
    ]
    assert [root.backend.state() for root in model.terraform.roots if root.backend] == [
        ("s3", "state", "api/dev"),
        ("s3", "state", "api/prod"),
    ]


def test_a_backend_file_of_any_name() -> None:
    files = {
        "infra/main.tf": ROOT,
        "infra/stage.config": 'bucket = "state"\nkey = "stage.tfstate"\n',
        "infra/stage.tfvars": "",
        ".github/workflows/deploy.yml": workflow(
            "terraform init -backend-config=stage.config", "terraform apply -var-file=stage.tfvars"
        ),
    }
    (root,) = model_of(files).terraform.roots
    assert root.backend is not None
    assert root.backend.state() == ("s3", "state", "stage.tfstate")


@pytest.mark.parametrize(
    ("files", "known"),
    [
        ({}, "small"),
        ({"infra/terraform.tfvars.example": 'size = "large"\n'}, None),
        ({"infra/terraform.tfvars.example": '# size = "large"\n'}, None),
        ({"infra/terraform.tfvars.example": 'name = "large"\n'}, "small"),
        ({"infra/terraform.tfvars.example": 'size = "large"\n', "infra/terraform.tfvars": ""}, "small"),
        ({"infra/more.tf": 'variable "image" {}\n'}, None),
        ({"infra/more.tf": 'variable "db_password" {}\n'}, "small"),
        ({"infra/more.tf": 'variable "key" {\n  sensitive = true\n}\n'}, "small"),
        ({"Makefile": "apply:\n\tcd infra && terraform apply -var-file=secret.tfvars\n"}, None),
    ],
)
def test_defaults_are_known_only_where_nothing_else_may_set_them(files: dict[str, str], known: str | None) -> None:
    assert sizes({"infra/main.tf": ROOT, **files}) == {"infra": known}


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("envs/${{ inputs.env }}.tfvars", "envs/prod.tfvars", {"inputs.env": "prod"}),
        ("envs/$ENV/$ENV.tfvars", "envs/prod/prod.tfvars", {"ENV": "prod"}),
        ("envs/$ENV/$ENV.tfvars", "envs/prod/staging.tfvars", None),
        ("envs/$(ENV).tfvars", "envs/eu/prod.tfvars", None),
        ("prod.tfvars", "prod.tfvars", {}),
    ],
)
def test_templates_and_paths(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert matched(template, path) == expected


def test_a_hole_that_nothing_fills_stays_unknown() -> None:
    files = {"infra/main.tf": ROOT, ".github/workflows/deploy.yml": workflow("terraform apply -var size=${{ github.sha }}")}
    (root,) = model_of(files).terraform.roots
    assert isinstance(root.module.variable("size"), Unknown)


def test_value_files_in_json() -> None:
    files = {
        "infra/main.tf": ROOT,
        "infra/terraform.tfvars": 'size = "a"\n',
        "infra/terraform.tfvars.json": '{"size": "b", "name": "json"}',
        "infra/prod.tfvars.json": '{"size": "c"}',
    }
    assert sizes(files) == {"infra@production": "c"}
    model = model_of(files)
    assert as_text(model.terraform.roots[0].module.variable("name")) == "json"


MATRIX = """
on:
  workflow_dispatch:
    inputs:
      stage:
        options: [staging, production]
jobs:
  apply:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        env: [dev, prod]
    env:
      TF_VAR_name: shop-${{ matrix.env }}
    steps:
      - run: terraform workspace select %s && terraform apply
        working-directory: infra
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${{ matrix.env }}", {"infra@development": "shop-dev", "infra@production": "shop-prod"}),
        ("${{ github.ref_name }}", {"infra@development": "shop-dev", "infra@production": "shop-prod"}),
    ],
)
def test_environments_of_a_matrix(text: str, expected: dict[str, str]) -> None:
    files = {"infra/main.tf": ROOT, ".github/workflows/deploy.yml": MATRIX % text}
    roots = model_of(files).terraform.roots
    assert {root.key: as_text(root.module.variable("name")) for root in roots} == expected


def test_environments_that_an_input_offers() -> None:
    main = 'provider "aws" {}\nresource "x_y" "z" {\n  size = terraform.workspace\n}\n'
    text = (MATRIX % "${{ inputs.stage }}").replace("      TF_VAR_name: shop-${{ matrix.env }}\n", "      A: b\n")
    assert sizes({"infra/main.tf": main, ".github/workflows/deploy.yml": text}) == {
        "infra@production": "production",
        "infra@staging": "staging",
    }
