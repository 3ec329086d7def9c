"""Facts hold no secret, whatever shape it is written in."""

from __future__ import annotations

import json

import pytest

from .support import model_of

MARK = "hunter2hunter2"


def kept(files: dict[str, str]) -> str:
    """Return every field of every fact as one text."""
    model = model_of(files)
    return json.dumps([fact.as_tuple() for facts in model.all_facts.values() for fact in facts])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        f'variable "anything" {{\n  default   = "{MARK}"\n  sensitive = true\n}}\n',
        f'resource "x_y" "z" {{\n  password = "{MARK}"\n}}\n',
        f'resource "x_y" "z" {{\n  url = "https://user:{MARK}@example.com/a?token={MARK}"\n}}\n',
        f'resource "x_y" "z" {{\n  url = "https://user:{MARK}@${{var.host}}/a"\n}}\n',
        f'resource "aws_lambda_function" "f" {{\n  environment {{\n    variables = {{ ANY = "{MARK}" }}\n  }}\n}}\n',
        f'module "m" {{\n  environment_variables = {{ ANY = "{MARK}" }}\n}}\n',
        f'module "m" {{\n  settings = {{ env = {{ ANY = "{MARK}" }} }}\n}}\n',
        f'resource "c_r" "s" {{\n  env {{\n    name  = "ANY"\n    value = "{MARK}"\n  }}\n}}\n',
        f'resource "e_t" "t" {{\n  container_definitions = jsonencode([{{ environment = [{{ name = "ANY", value = "{MARK}" }}] }}])\n}}\n',
        'resource "e_t" "t" {\n  container_definitions = <<EOF\n[{"environment": [{"name": "ANY", "value": "'
        + MARK
        + '"}]}]\nEOF\n}\n',
        f'resource "i_i" "u" {{\n  user_data = <<EOF\n#!/bin/sh\nexport A={MARK}\necho b\nEOF\n}}\n',
        f'resource "x_y" "z" {{\n  anything = "AKIA{MARK}"\n}}\n',
        f'locals {{\n  db = {{ master_password = "{MARK}" }}\n}}\n',
        f'locals {{\n  db_password = var.prod ? "{MARK}" : "{MARK}"\n}}\n',
    ],
)
def test_terraform(text: str) -> None:
    assert MARK not in kept({"main.tf": text})


def test_tfvars() -> None:
    assert MARK not in kept({"prod.tfvars": f'db_password = "{MARK}"\napi = {{ token = "{MARK}" }}\n'})
    assert "acme-orders" in kept({"prod.tfvars": 'bucket = "acme-orders"\n'})


def test_cloudformation() -> None:
    template = f"""
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Pass:
    Type: String
    NoEcho: true
    Default: {MARK}
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          ANY: {MARK}
  D:
    Type: AWS::RDS::DBInstance
    Properties:
      MasterUserPassword: {MARK}
"""
    assert MARK not in kept({"stack.yaml": template})


def test_references_inside_variables_stay() -> None:
    assert "aws_sqs_queue" in kept(
        {"main.tf": 'resource "f_f" "f" {\n  environment {\n    variables = { Q = aws_sqs_queue.q.url, PORT = "80" }\n  }\n}\n'}
    )


def test_only_tier_words_of_a_bare_text_are_kept() -> None:
    from opslint.base.masking import mask

    assert mask("acme-exports-production").name == "production"
    assert mask("acme-reproduction-product").name == ""
    assert mask("pass phrase with prod").name == ""
