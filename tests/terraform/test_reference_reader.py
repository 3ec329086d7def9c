"""python-hcl2 agrees with the reader on every block and attribute: over the fixtures and over generated files."""

from __future__ import annotations

import random
from pathlib import Path

import hcl2
import pytest
from opslint.syntax import hcl
from opslint.syntax.hcl_text import unescape

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("fixtures/**/*.tf")) + sorted(ROOT.glob("fixtures/**/*.tfvars"))
OTHER = "an expression"


def ours(body) -> dict:
    """Return attributes and blocks of our body in a form that both readers can be brought to."""
    blocks: list = []
    for kind, labels, _at, inner in body[1]:
        blocks.append((kind, labels, ours(inner)))
    return {"attributes": {name: our_value(expression) for name, _at, expression in body[0]}, "blocks": sorted(blocks, key=first)}


def first(block: tuple) -> str:
    """Sort by type only: both readers keep the order of blocks of one type."""
    return block[0]


def our_value(expression):
    tag = expression[0]
    if tag == "lit":
        return expression[1]
    if tag == "list":
        items = [our_value(item) for item in expression[1]]
        return OTHER if OTHER in items else items
    if tag == "obj":
        return {key[1]: our_value(item) for key, item, _at in expression[2] if key[0] == "lit"}
    return OTHER


def theirs(data: dict) -> dict:
    attributes: dict = {}
    blocks: list = []
    for name, value in data.items():
        if name.startswith("__"):
            continue
        if isinstance(value, list) and value and all(is_block(item) for item in value):
            blocks.extend((name, *labelled(item)) for item in value)
        else:
            attributes[name] = their_value(value)
    return {"attributes": attributes, "blocks": sorted(blocks, key=first)}


def is_block(item) -> bool:
    while isinstance(item, dict):
        if "__is_block__" in item:
            return True
        if len(item) != 1:
            return False
        item = next(iter(item.values()))
    return False


def labelled(item: dict) -> tuple[list[str], dict]:
    labels = []
    while "__is_block__" not in item:
        label, item = next(iter(item.items()))
        labels.append(label.strip('"'))
    return labels, theirs(item)


def their_value(value):
    if isinstance(value, str):
        if value.startswith('"<<') or not value.startswith('"'):
            return OTHER
        text = value[1:-1]
        return OTHER if "${" in text.replace("$${", "") or "%{" in text.replace("%%{", "") else unescape(text)
    if isinstance(value, list):
        items = [their_value(item) for item in value]
        return OTHER if OTHER in items else items
    if isinstance(value, dict):
        return {plain_key(key): their_value(item) for key, item in value.items() if not key.startswith(("${", "__"))}
    return value


def plain_key(key: str) -> str:
    return key.strip('"')


def heredocs_apart(ours_: dict, theirs_: dict) -> None:
    """A heredoc without holes is a literal to us and raw text to python-hcl2: neither is wrong."""
    for name, value in theirs_["attributes"].items():
        mine = ours_["attributes"].get(name)
        if (value == OTHER and isinstance(mine, str) and mine.endswith("\n")) or (isinstance(mine, list) and value == OTHER):
            ours_["attributes"][name] = OTHER
    for mine, other in zip(ours_["blocks"], theirs_["blocks"], strict=False):
        heredocs_apart(mine[2], other[2])


def agree(text: str) -> None:
    document = hcl.read(text.encode(), "terraform")
    assert document.problems == []
    mine, other = ours(document.body), theirs(hcl2.loads(text))
    heredocs_apart(mine, other)
    assert mine == other


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_fixtures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not text.endswith("\n"):
        text += "\n"
    agree(text)


def generated(seed: int) -> str:
    """Return a file of random blocks and attributes."""
    rng = random.Random(seed)
    names = ["name", "size", "tags", "enabled", "rules", "policy"]

    def scalar() -> str:
        return rng.choice(
            ['"text"', '"a ${var.b} c"', "12", "1.5", "true", "false", "null", "var.x", "aws_x.y[0].arn", '"\\n\\t\\"q\\""', "-3"]
        )

    def expression(depth: int) -> str:
        kind = rng.randrange(7) if depth < 3 else 0
        if kind == 1:
            return "[" + ", ".join(expression(depth + 1) for _ in range(rng.randrange(3))) + "]"
        if kind == 2:
            return "{ " + ", ".join(f"k{n} = {expression(depth + 1)}" for n in range(rng.randrange(1, 3))) + " }"
        if kind == 3:
            return f"merge({scalar()}, {scalar()})"
        if kind == 4:
            return f"var.a == {scalar()} ? {scalar()} : {scalar()}"
        if kind == 5:
            return '[for v in var.list : upper(v) if v != ""]'
        return scalar()

    def body(depth: int) -> list[str]:
        lines = [f"{name} = {expression(0)}" for name in rng.sample(names, rng.randrange(1, 4))]
        if depth < 2:
            for _ in range(rng.randrange(3)):
                inner = "\n".join("  " * (depth + 1) + line for line in body(depth + 1))
                lines.append(f"part {{\n{inner}\n}}")
        return lines

    blocks = []
    for number in range(6):
        inner = "\n".join("  " + line for line in body(0))
        blocks.append(f'resource "aws_thing" "r{number}" {{\n  # comment\n{inner}\n}}\n')
    return "\n".join(blocks)


@pytest.mark.parametrize("seed", range(12))
def test_generated(seed: int) -> None:
    agree(generated(seed))
