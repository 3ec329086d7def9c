"""Roots, their environments, modules and states."""

from __future__ import annotations

import pytest
from opslint.base.value import Unknown
from opslint.model.terraform_values import as_text

from .support import line_of, model_of

BACKEND = 'terraform {\n  backend "s3" {\n    bucket = "b"\n    key = "%s"\n  }\n}\n'


def keys(files: dict[str, str]) -> list[tuple[str, list[str], bool]]:
    return [(root.key, root.environments, root.applied) for root in model_of(files).terraform.roots]


def test_directories_modules_and_environments() -> None:
    assert keys(
        {
            "envs/prod/main.tf": 'module "a" {\n  source = "../../modules/a"\n}\n',
            "envs/staging/main.tf": 'module "a" {\n  source = "../../modules/a"\n}\n',
            "modules/a/main.tf": 'resource "x_y" "z" {}\n',
            "modules/unused/main.tf": 'resource "x_y" "z" {}\n',
        }
    ) == [
        ("envs/prod", ["production"], True),
        ("envs/staging", ["staging"], True),
        ("modules/unused", [], False),
    ]


def test_one_instance_for_each_value_file() -> None:
    files = {
        "infra/main.tf": BACKEND % "k" + 'variable "size" {}\nresource "x_y" "z" {\n  size = var.size\n}\n',
        "infra/terraform.tfvars": 'size = "base"\n',
        "infra/envs/prod.tfvars": 'size = "large"\n',
        "infra/envs/staging.tfvars": "",
    }
    model = model_of(files)
    assert [(root.key, root.tfvars) for root in model.terraform.roots] == [
        ("infra@production", ["infra/terraform.tfvars", "infra/envs/prod.tfvars"]),
        ("infra@staging", ["infra/terraform.tfvars", "infra/envs/staging.tfvars"]),
    ]
    assert [as_text(resource.get("size")) for resource in model.terraform.resources("x_y")] == ["large", "base"]


def test_backend_files_by_environment() -> None:
    model = model_of(
        {
            "infra/main.tf": 'terraform {\n  backend "s3" {\n    bucket = "b"\n  }\n}\n',
            "infra/backend-prod.hcl": 'key = "prod"\n',
            "infra/backend-staging.hcl": 'key = "staging"\n',
        }
    )
    states = {root.key: root.backend.state() for root in model.terraform.roots if root.backend}
    assert states == {"infra@production": ("s3", "b", "prod"), "infra@staging": ("s3", "b", "staging")}


def test_a_backend_completed_at_init_is_not_known() -> None:
    (root,) = model_of({"main.tf": 'terraform {\n  backend "s3" {\n    bucket = "b"\n  }\n}\n'}).terraform.roots
    assert root.backend is not None
    assert root.backend.state() is None
    assert isinstance(root.backend.get("key"), Unknown)


def test_values_of_a_command_line() -> None:
    workflow = """
on: push
jobs:
  apply:
    runs-on: ubuntu-latest
    steps:
      - run: terraform apply -var-file=../values/prod.tfvars -auto-approve
        working-directory: infra
"""
    model = model_of(
        {
            ".github/workflows/deploy.yml": workflow,
            "infra/main.tf": BACKEND % "k" + 'variable "size" {}\nresource "x_y" "z" {\n  size = var.size\n}\n',
            "values/prod.tfvars": 'size = "large"\n',
        }
    )
    (root,) = model.terraform.roots
    assert (root.key, root.environments) == ("infra@production", ["production"])
    assert as_text(model.terraform.resources("x_y")[0].get("size")) == "large"


def test_inputs_outputs_and_references_across_modules() -> None:
    model = model_of(
        {
            "main.tf": """
provider "aws" {}
module "queue" {
  source = "./queue"
  name   = "orders"
}
module "worker" {
  source = "./worker"
  arn    = module.queue.arn
}
""",
            "queue/main.tf": """
variable "name" {}
resource "aws_sqs_queue" "this" {
  name = var.name
}
output "arn" {
  value = aws_sqs_queue.this.arn
}
""",
            "worker/main.tf": """
variable "arn" {}
resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn = var.arn
}
""",
        }
    )
    (queue,) = model.terraform.resources("aws_sqs_queue")
    (mapping,) = model.terraform.resources("aws_lambda_event_source_mapping")
    assert queue.address == "module.queue.aws_sqs_queue.this"
    assert as_text(queue.get("name")) == "orders"
    assert model.terraform.resolve(mapping, mapping.get("event_source_arn")) is queue
    assert model.terraform.references(mapping) == [queue]
    assert model.terraform.referenced_by(queue) == [mapping]
    assert line_of(model, queue.loc_of("name")) == ("queue/main.tf", 4)


def test_count_and_for_each() -> None:
    model = model_of(
        {
            "main.tf": """
provider "aws" {}
variable "enabled" {}
resource "x_none" "a" {
  count = 0
}
resource "x_each" "a" {
  for_each = toset(["p", "q"])
  name     = each.key
}
resource "x_unsure" "a" {
  count = var.enabled ? 1 : 0
}
"""
        }
    )
    assert [(resource.address, resource.uncertain) for resource in model.terraform.all_resources] == [
        ('x_each.a["p"]', False),
        ('x_each.a["q"]', False),
        ("x_unsure.a", True),
    ]
    assert [as_text(resource.get("name")) for resource in model.terraform.resources("x_each")] == ["p", "q"]


def test_a_module_cycle_is_a_blind_spot() -> None:
    model = model_of(
        {
            "main.tf": 'provider "aws" {}\nmodule "a" {\n  source = "./a"\n}\n',
            "a/main.tf": 'module "b" {\n  source = "../b"\n}\nresource "x_y" "z" {}\n',
            "b/main.tf": 'module "a" {\n  source = "../a"\n}\n',
        }
    )
    assert len(model.terraform.resources("x_y")) == 1
    assert [spot.kind for spot in model.blind_spots] == ["module-cycle"]


def test_defaults_of_a_module_called_from_elsewhere() -> None:
    model = model_of({"modules/a/main.tf": 'variable "v" {\n  default = 1\n}\nresource "x_y" "z" {\n  v = var.v\n}\n'})
    assert isinstance(model.terraform.resources("x_y")[0].get("v"), Unknown)


@pytest.mark.parametrize(("name", "expected"), [("production", ["production"]), ("blue", [])])
def test_a_module_input_names_the_environment(name: str, expected: list[str]) -> None:
    model = model_of(
        {
            "main.tf": f'provider "aws" {{}}\nmodule "a" {{\n  source = "./a"\n  environment = "{name}"\n}}\n',
            "a/main.tf": 'variable "environment" {}\nresource "x_y" "z" {}\n',
        }
    )
    assert model.terraform.resources("x_y")[0].environments == expected


TERRAGRUNT_ROOT = """
locals {
  env_vars = read_terragrunt_config(find_in_parent_folders("env.hcl"))
  env      = local.env_vars.locals.env
}
remote_state {
  backend = "s3"
  config = {
    bucket = "acme-${local.env}-state"
    key    = "${path_relative_to_include()}/terraform.tfstate"
  }
}
inputs = {
  region = "eu-west-1"
}
"""
TERRAGRUNT_UNIT = """
include "root" {
  path = find_in_parent_folders()
}
terraform {
  source = "../../../modules//db"
}
inputs = {
  name = "orders"
}
"""


def test_terragrunt_units() -> None:
    model = model_of(
        {
            "live/terragrunt.hcl": TERRAGRUNT_ROOT,
            "live/prod/env.hcl": 'locals {\n  env = "prod"\n}\n',
            "live/staging/env.hcl": 'locals {\n  env = "staging"\n}\n',
            "live/prod/db/terragrunt.hcl": TERRAGRUNT_UNIT,
            "live/staging/db/terragrunt.hcl": TERRAGRUNT_UNIT,
            "modules/db/main.tf": 'variable "name" {}\nvariable "region" {}\nresource "x_y" "z" {\n  name = "${var.name}-${var.region}"\n}\n',
        }
    )
    assert [(root.key, root.environments, root.backend.state()) for root in model.terraform.roots if root.backend] == [
        ("live/prod/db", ["production"], ("s3", "acme-prod-state", "prod/db/terraform.tfstate")),
        ("live/staging/db", ["staging"], ("s3", "acme-staging-state", "staging/db/terraform.tfstate")),
    ]
    assert {as_text(resource.get("name")) for resource in model.terraform.resources("x_y")} == {"orders-eu-west-1"}
