"""Expressions to values: what follows from the repository, and only that."""

from __future__ import annotations

import time

import pytest
from opslint.base.value import ABSENT, Known, Secret, Unknown
from opslint.model.terraform_values import Missing, Reference, Shaped, as_text, plain

from .support import model_of


def local(text: str, more: str = "", **files: str):
    """Return the value of ``local.x`` in a root with `more` beside it."""
    model = model_of({"main.tf": f'provider "aws" {{}}\nlocals {{\n  x = {text}\n}}\n{more}\n', **files})
    (root,) = model.terraform.roots
    return root.module.local("x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a-${1 + 1}"', "a-2"),
        ('format("%s-%02d", "a", 1)', None),
        ('format("%s-%s", "a", "b")', "a-b"),
        ('join("-", ["a", "b"])', "a-b"),
        ('lower("ABC")', "abc"),
        ('replace("a.b", ".", "-")', "a-b"),
        ('coalesce("", "b")', "b"),
        ('coalesce(null, "b")', "b"),
        ('lookup({ a = "x" }, "b", "y")', "y"),
        ('try({ a = 1 }.b, "fallback")', "fallback"),
        ('merge({ a = "x" }, { a = "y" }).a', "y"),
        ('element(["a", "b"], 3)', "b"),
        ('concat(["a"], ["b"])[1]', "b"),
        ('true ? "a" : "b"', "a"),
        ('var.unknown ? "same" : "same"', "same"),
        ('var.unknown ? "a" : "b"', None),
        ('{ for k, v in { a = "x" } : upper(k) => v }.A', "x"),
        ('join(",", [for v in ["a", "", "b"] : v if v != ""])', "a,b"),
        ('jsondecode(jsonencode({ a = "x" })).a', "x"),
        ("tostring(5)", "5"),
        ('length(["a", "b"])', "2"),
        ('false && var.unknown ? "a" : "b"', "b"),
        ("var.unknown", None),
        ("nothing_like_it(1)", None),
        ('substr("abcdef", 1, 3)', "bcd"),
        ('1 == "1" ? "equal" : "other"', "other"),
    ],
)
def test_known_text(text: str, expected: str | None) -> None:
    assert as_text(local(text, 'variable "unknown" {}')) == expected


def test_a_hole_keeps_the_shape() -> None:
    value = local('"prod-${var.name}-backups"', 'variable "name" {}')
    assert isinstance(value, Shaped)
    assert (value.prefix, value.literals) == ("prod-", ["prod-", "-backups"])


def test_reference_and_what_the_block_says() -> None:
    value = local("aws_sqs_queue.q.name", 'resource "aws_sqs_queue" "q" {\n  name = "orders"\n}')
    assert isinstance(value, Reference)
    assert (value.target, value.attribute, as_text(value)) == ("aws_sqs_queue.q", "name", "orders")
    assert as_text(local("aws_sqs_queue.q.arn", 'resource "aws_sqs_queue" "q" {}')) is None


def test_missing_key_of_a_known_object() -> None:
    assert isinstance(local("{ a = 1 }.b"), Missing)


def test_secret_variable() -> None:
    value = local("var.pw", 'variable "pw" {\n  default = "hunter2"\n  sensitive = true\n}')
    assert value == Secret(ref="pw")
    assert isinstance(local('"x-${var.pw}"', 'variable "pw" {\n  default = "h"\n  sensitive = true\n}'), Shaped)


def test_cycles_end() -> None:
    assert isinstance(local("local.y", "locals {\n  y = local.x\n}"), Unknown)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(['  a0 = "' + "x" * 100 + '"'] + [f'  a{n} = "${{local.a{n - 1}}}${{local.a{n - 1}}}"' for n in range(1, 60)]),
        "\n".join(["  a0 = [1, 2]"] + [f"  a{n} = [local.a{n - 1}, local.a{n - 1}]" for n in range(1, 60)]),
        "\n".join(["  a0 = [1, 2]"] + [f"  a{n} = concat(local.a{n - 1}, local.a{n - 1})" for n in range(1, 60)]),
        "\n".join(["  a0 = range(500)", "  a59 = [for a in local.a0 : [for b in local.a0 : [for c in local.a0 : c]]]"]),
    ],
)
def test_doubling_values_end_soon(text: str) -> None:
    start = time.perf_counter()
    value = plain(local("local.a59", f"locals {{\n{text}\n}}"))
    assert isinstance(value, Unknown | Known)
    assert time.perf_counter() - start < 5


def test_bodies() -> None:
    model = model_of(
        {
            "main.tf": """
variable "rules" { default = ["a", "b"] }
provider "aws" {}
resource "aws_x" "y" {
  name = null
  tags = { team = "core" }
  lifecycle {
    prevent_destroy = true
  }
  dynamic "rule" {
    for_each = var.rules
    content {
      name = rule.value
    }
  }
  dynamic "unsure" {
    for_each = data.x.y.open
    content {
      name = unsure.value
    }
  }
}
"""
        }
    )
    (resource,) = model.terraform.resources("aws_x")
    assert resource.get("name") == ABSENT
    assert resource.get("nothing") == ABSENT
    assert as_text(resource.get("tags", "team")) == "core"
    assert as_text(resource.get("lifecycle", "prevent_destroy")) == "true"
    assert [as_text(block.body.get("name")) for block in resource.blocks("rule")] == ["a", "b"]
    assert isinstance(resource.get("unsure", "name"), Unknown)


def test_nothing_is_absent_in_a_broken_block() -> None:
    model = model_of({"main.tf": 'resource "aws_x" "y" {\n  a = \n  b = 1\n}\nprovider "aws" {}\n'})
    (resource,) = model.terraform.resources("aws_x")
    assert isinstance(resource.get("deletion_protection"), Unknown)
