"""The documentation is checked: keys, options, formats and commands it names are there, its examples load."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from opslint.cli.dev_docs import KEYS_BEGIN, KEYS_END, key_table, schemas
from opslint.cli.main import COMMANDS
from opslint.cli.model import model
from opslint.config.load import parse
from opslint.engine.options import OPTIONS
from opslint.engine.packs import find_packs
from opslint.engine.suppress import ASSUMPTIONS
from opslint.report import FORMATS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def test_the_table_of_keys_is_current() -> None:
    page = text("configuration.md")
    assert page.partition(KEYS_BEGIN)[2].partition(KEYS_END)[0] == "\n" + key_table()


@pytest.mark.parametrize("name", ["configuration.md", "suppression.md"])
def test_every_configuration_example_loads(name: str) -> None:
    rules = [*find_packs(None).rules, "retry-without-jitter"]
    for block in blocks(text(name), "toml"):
        parse(block.encode(), "opslint.toml", names=rules, options_of=lambda _name: ())


def test_every_key_has_an_example() -> None:
    schema = json.loads(schemas()["config-1.schema.json"])
    shown: dict[str, set[str]] = {}
    for block in blocks(text("configuration.md"), "toml"):
        for key, value in tomllib.loads(block).items():
            tables = value if isinstance(value, list) else [value]
            shown.setdefault(key.replace("-", "_"), set()).update(
                inner.replace("-", "_") for table in tables if isinstance(table, dict) for inner in table
            )
    assert set(schema["properties"]) == set(shown)
    for name, entry in schema["properties"].items():
        items = entry.get("items", entry)
        inner = items.get("else", items).get("properties", {})
        assert set(inner) <= shown[name], name


def test_formats_and_assumptions_are_documented() -> None:
    page = text("output.md")
    assert [name for name in FORMATS if f"`{name}`" not in page] == []
    assert [word for word in ASSUMPTIONS if f"| `{word}` |" not in text("suppression.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_promises_what_is_not_there(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    known = {option.name for option in OPTIONS} | {
        "--prune", "--category", "--package", "--opslint-rules", "--unidiff-zero", "--strict", "--unshallow", "--all", "--stdout", "--help",
    }  # fmt: skip
    known |= {name for parameter in model.params for name in parameter.opts}
    code = "\n".join(re.findall(r"`[^`\n]+`", content)) + "\n".join(blocks(content, "sh"))
    ours = [line for line in code.split("\n") if "opslint" in line or line.startswith("`--")]
    options = {word for line in ours for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    if page.name != "rules.md":
        assert options - known == set()
    commands = {word for line in ours for word in re.findall(r"(?:^|[`/ ])opslint ([a-z][a-z-]+)", line)}
    assert commands - set(COMMANDS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_paths_in_the_architecture_page_exist() -> None:
    for path in re.findall(r"`((?:engine|syntax|facts|model|report|base)/\w+\.py)`", text("architecture.md")):
        assert (ROOT / "linter" / "opslint" / path).exists(), path
