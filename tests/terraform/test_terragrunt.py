"""Terragrunt: what a unit's module gets, and where its state is."""

from __future__ import annotations

import pytest
from opslint.base.value import Unknown
from opslint.model.terraform_values import as_text, plain

from .support import model_of

PARENT = """
locals {
  env = read_terragrunt_config(find_in_parent_folders("env.hcl"))
}
remote_state {
  backend = "s3"
  config = {
    bucket = "state-${local.env.locals.account}"
    key    = "${path_relative_to_include()}/terraform.tfstate"
  }
}
inputs = merge(local.env.locals, { tags = { team = "core", owner = "root" }, zone = "a" })
"""

UNIT = """
include "root" {
  path = find_in_parent_folders()
  %s
}
terraform {
  source = "${dirname(find_in_parent_folders())}/../modules//app"
}
inputs = {
  name = "app-${include.root.locals.env.locals.environment}"
  tags = { owner = "unit" }
  here = basename(get_terragrunt_dir())
  tier = split("/", get_terragrunt_dir())[length(split("/", get_terragrunt_dir())) - 2]
  %s
}
"""


def tree(include: str = "expose = true", inputs: str = "", **files: str) -> dict[str, str]:
    return {
        "live/terragrunt.hcl": PARENT,
        "live/prod/env.hcl": 'locals {\n  environment = "prod"\n  account = "111"\n}\n',
        "live/prod/app/terragrunt.hcl": UNIT % (include, inputs),
        "modules/app/main.tf": 'variable "name" {}\nvariable "zone" {}\nresource "x_y" "z" {\n  name = var.name\n}\n',
        **files,
    }


def inputs(files: dict[str, str]):
    (root,) = [root for root in model_of(files).terraform.roots if root.applied]
    return root


def value(root, name: str):
    found = plain(root.module.inputs[name].value)
    return found if isinstance(found, Unknown) else found.value


def test_a_unit() -> None:
    root = inputs(tree())
    assert root.environments == ["production"]
    assert root.backend.state() == ("s3", "state-111", "prod/app/terraform.tfstate")
    assert as_text(root.resources[0].get("name")) == "app-prod"
    assert value(root, "zone") == "a"
    assert value(root, "here") == "app"
    assert value(root, "tier") == "prod"


@pytest.mark.parametrize(
    ("strategy", "tags", "zone"),
    [
        ("expose = true", {"owner": "unit"}, "a"),
        ('merge_strategy = "shallow"\n  expose = true', {"owner": "unit"}, "a"),
        ('merge_strategy = "deep"\n  expose = true', {"team": "core", "owner": "unit"}, "a"),
        ('merge_strategy = "no_merge"\n  expose = true', {"owner": "unit"}, None),
    ],
)
def test_merge_strategies(strategy: str, tags: dict[str, str], zone: str | None) -> None:
    root = inputs(tree(strategy))
    assert value(root, "tags") == tags
    assert (value(root, "zone") if "zone" in root.module.inputs else None) == zone


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('get_env("REGION", "eu-west-1")', "eu-west-1"),
        ('get_env("REGION")', None),
        ('run_cmd("date")', None),
        ("dependency.vpc.outputs.id", None),
        ("never_heard_of_it()", None),
        ("get_path_from_repo_root()", "live/prod/app"),
        ('split("/", get_terragrunt_dir())[2]', None),
        ("get_terragrunt_dir()", None),
        ('read_terragrunt_config("nowhere.hcl", { locals = { a = "x" } }).locals.a', "x"),
        ('yamldecode(file(find_in_parent_folders("env.yaml"))).name', "payments"),
    ],
)
def test_functions(expression: str, expected: str | None) -> None:
    root = inputs(tree(inputs=f"x = {expression}", **{"live/prod/env.yaml": "name: payments\n"}))
    assert as_text(root.module.inputs["x"].value) == expected


def test_a_variable_that_a_workflow_sets_is_not_its_default() -> None:
    workflow = "on: push\nenv:\n  REGION: us-east-1\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: terragrunt apply\n"
    root = inputs(tree(inputs='x = get_env("REGION", "eu-west-1")', **{".github/workflows/a.yml": workflow}))
    assert isinstance(root.module.inputs["x"].value, Unknown)


def test_a_read_file_stands_in_its_own_folder_and_an_included_one_in_the_unit() -> None:
    common = 'locals {\n  modules = "${get_terragrunt_dir()}/../modules"\n  unit = basename(get_original_terragrunt_dir())\n}\n'
    files = {
        "live/_common/common.hcl": common,
        "live/_common/app.hcl": 'locals {\n  common = read_terragrunt_config(find_in_parent_folders("_common/common.hcl"))\n'
        '  here = basename(get_terragrunt_dir())\n}\nterraform {\n  source = "${local.common.locals.modules}/../../modules/app"\n}\n'
        "inputs = {\n  here = local.here\n  unit = local.common.locals.unit\n}\n",
        "live/modules/none.hcl": "",
        "live/prod/app/terragrunt.hcl": 'include "app" {\n  path = "${get_repo_root()}/live/_common/app.hcl"\n}\n',
        "modules/app/main.tf": 'resource "x_y" "z" {}\n',
    }
    root = inputs(files)
    assert root.module.directory.path == "modules/app"
    assert (value(root, "here"), value(root, "unit")) == ("app", "app")


def test_files_that_include_each_other_end() -> None:
    files = {
        "live/prod/terragrunt.hcl": 'include {\n  path = "../prod/terragrunt.hcl"\n}\nlocals {\n  a = local.b\n  b = local.a\n}\n',
        "live/prod/a/terragrunt.hcl": 'locals {\n  x = read_terragrunt_config("../b/terragrunt.hcl")\n}\nterraform {\n  source = "."\n}\n',
        "live/prod/b/terragrunt.hcl": 'locals {\n  x = read_terragrunt_config("../a/terragrunt.hcl")\n}\nterraform {\n  source = "."\n}\n',
    }
    assert [root.key for root in model_of(files).terraform.roots if root.applied] == ["live/prod", "live/prod/a", "live/prod/b"]


EXTRA = """
terraform {
  source = "."
  extra_arguments "values" {
    commands = ["apply"]
    %s
  }
}
inputs = {
  size = "input"
  name = "input"
}
"""


@pytest.mark.parametrize(
    ("extra", "size", "name"),
    [
        ("", "input", "input"),
        ('required_var_files = ["${get_terragrunt_dir()}/../common.tfvars"]', "file", "input"),
        ('optional_var_files = ["nowhere.tfvars"]', "input", "input"),
        ('required_var_files = ["nowhere.tfvars"]', None, None),
        ('arguments = ["-var", "size=x"]', None, None),
        ('arguments = ["-parallelism=5"]', "input", "input"),
    ],
)
def test_value_files_count_over_inputs(extra: str, size: str | None, name: str | None) -> None:
    files = {
        "live/prod/common.tfvars": 'size = "file"\n',
        "live/prod/app/terragrunt.hcl": EXTRA % extra,
        "live/prod/app/main.tf": 'variable "size" {}\nvariable "name" {}\n',
    }
    root = next(root for root in model_of(files).terraform.roots if root.key == "live/prod/app")
    assert (as_text(root.module.variable("size")), as_text(root.module.variable("name"))) == (size, name)
