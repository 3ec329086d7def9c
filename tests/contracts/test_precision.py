"""A rule is on by default because somebody read what it finds: docs/precision.json holds every reading, and this test holds the bar."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from opslint.cli.packs import installed

TOP = Path(__file__).resolve().parents[2]
RECORDED: dict[str, Any] = json.loads((TOP / "docs/precision.json").read_text(encoding="utf-8"))["rules"]
CORPUS = {
    item["name"]: item["commit"]
    for item in tomllib.loads((TOP / "benchmarks/corpus.toml").read_text(encoding="utf-8"))["repository"]
}
RULES = list(installed(no_cache=True).rules.values())
DEFAULT_ON = sorted(rule.name for rule in RULES if rule.default and rule.pack == "opslint")


@pytest.mark.parametrize("rule", DEFAULT_ON)
def test_default_rules_are_measured(rule: str) -> None:
    entry = RECORDED[rule]
    verdicts = [row["verdict"] for row in entry["findings"]]
    if len(verdicts) >= 12:
        assert verdicts.count("right") * 12 >= 11 * len(verdicts), "11 of 12 right"
        return
    if len(verdicts) >= 5:
        assert verdicts.count("wrong") == 0 or verdicts.count("right") * 12 >= 11 * len(verdicts)
        return
    assert "wrong" not in verdicts
    caught = [mutation for mutation in entry.get("mutations", []) if mutation["caught"]]
    assert len(caught) >= 10, "fewer than five findings to read: ten mutations must be caught"


@pytest.mark.parametrize("rule", sorted(RECORDED))
def test_rows_say_where_and_why(rule: str) -> None:
    for row in RECORDED[rule]["findings"]:
        assert set(row) == {"repo", "commit", "path", "line", "verdict", "why"}
        assert row["verdict"] in ("right", "wrong", "unsure")
        assert row["why"].strip()
        assert not os.path.isabs(row["path"])
        assert CORPUS.get(row["repo"]) == row["commit"], "a finding is read in a repository of the corpus, at its commit"


def test_no_row_for_a_rule_that_does_not_exist() -> None:
    assert set(RECORDED) <= {rule.name for rule in RULES}
