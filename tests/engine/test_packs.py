"""Packs are found by their entry points and known by their catalogue."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from opslint.engine.catalogue import build, implied_literals
from opslint.engine.packs import _entry_points, find_packs
from opslint.engine.prescreen import Prescreen
from opslint.facts.registry import FACT_MODULES, SCANNERS

ROOT = Path(__file__).resolve().parents[2]


def test_entry_points_are_read_without_the_metadata_package(tmp_path):
    path = tmp_path / "entry_points.txt"
    path.write_text("[a]\nx = y\n\n[opslint.rules]\n# comment\none = pack_one\ntwo=pack.two:thing [extra]\n\n[b]\nz = w\n")
    assert _entry_points(str(path)) == [("one", "pack_one"), ("two", "pack.two")]
    assert _entry_points(str(tmp_path / "missing")) == []


def test_installed_packs_and_their_rules():
    packs = find_packs(None)
    assert not packs.problems
    assert {"opslint_rules"} <= {pack.package for pack in packs.packs}
    for name, entry in packs.rules.items():
        assert name == entry.name
        assert packs.rule(name) is not None, name


def test_every_registered_module_is_there_and_gives_extractors():
    packs = find_packs(None)
    for module, kinds in FACT_MODULES.items():
        assert importlib.util.find_spec(module) is not None, module
        found = {extractor.kind for extractor in packs.extractors_of(module)}
        assert found <= set(kinds), (module, found)
        assert found, module
    for scanner in SCANNERS.values():
        module, _, name = scanner.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_build_hook_makes_the_catalogue_that_is_made_on_first_use():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(hook)
    except ImportError:
        pytest.skip("hatchling is not installed")
    made = hook.catalogues(str(ROOT))
    packs = find_packs(None)
    assert [rule["name"] for rule in made["opslint_rules"]["rules"]] == [
        rule["name"] for pack in packs.packs if pack.package == "opslint_rules" for rule in pack.rules
    ]
    assert json.loads(json.dumps(made)) == made


def test_a_catalogue_is_made_from_sources(opslint):
    import sys

    sys.path.insert(0, str(opslint.packs))
    try:
        data = build("acme_pack", str(opslint.packs / "acme_pack"), "acme")
    finally:
        sys.path.remove(str(opslint.packs))
    assert data["errors"] == []
    assert [(rule["name"], rule["hook"], rule["literals"]) for rule in data["rules"]] == [
        ("acme-call", "calls", ["acme"]),
        ("acme-not-given", None, []),
    ]
    assert [row[:2] for row in data["extractors"]] == [
        ["acme_pack.acme_not_given", "python"],
        ["acme_pack.acme_not_given", "dotenv"],
    ]


def test_implied_literals():
    assert implied_literals("calls", ["requests.get", "requests.post", "httpx.*"]) == ["httpx", "requests"]
    assert implied_literals("blocks", ["aws_sqs_queue"]) == ["aws_sqs_queue"]
    assert implied_literals("instructions", ["HEALTHCHECK"]) == []


def test_the_prescreen_finds_exactly_what_is_there():
    literals = [b"os.environ", b"getenv", b"@app.", b"celery", b"ab", b"=> x", b"->", b"tenacity.retry"]
    screen = Prescreen(literals)
    texts = [
        b"import os\nos.environ['X']",
        b"pos.environment",
        b"mygetenvx()",
        b"@app.route",
        b"x = abacus -> y",
        b"celeryapp = 1",
        b"os . environ",
        b"from tenacity import retry",
        b"",
        "caf\xe9 celery".encode("latin-1"),
        b"tenacity.retrying",
    ]
    for text in texts * 2:
        assert screen.hits(text) == {literal for literal in literals if literal in text}, text


def test_a_kept_catalogue_holds_for_one_state_of_the_engine_only(opslint, tree, monkeypatch):
    """A development tree: a fact class that moved has another name in every rule's `needs`."""
    from opslint.engine import packs
    from opslint.engine.cache import Cupboard

    monkeypatch.setattr(packs, "search_path", lambda: [str(opslint.packs)])
    monkeypatch.syspath_prepend(str(opslint.packs))
    cupboard = Cupboard(str(opslint.cache))
    built = []
    from opslint.engine import catalogue

    real = catalogue.build
    monkeypatch.setattr(catalogue, "build", lambda *words: built.append(words[0]) or real(*words))
    packs.find_packs(cupboard)
    assert "acme_pack" in built
    built.clear()
    packs.find_packs(cupboard)
    assert built == []
    stamp = packs._source_stamp
    monkeypatch.setattr(packs, "_source_stamp", lambda path: stamp(path) + ("moved" if path.endswith("opslint") else ""))
    packs.find_packs(cupboard)
    assert "acme_pack" in built
