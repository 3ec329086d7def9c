"""`--no-prescreen` gives the same findings: what is not parsed could not have mattered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PROJECTS = sorted(path for path in (FIXTURES / "projects").iterdir() if path.is_dir())
CASES = sorted(path for path in (FIXTURES / "rules").glob("*/*/*") if path.is_dir() and any(path.rglob("*.py")))


def findings(tree: Path, *, no_prescreen: bool) -> list[tuple]:
    here = os.getcwd()
    os.chdir(tree)
    try:
        result = run(
            run_options(
                paths=[],
                root=str(tree),
                no_cache=True,
                no_prescreen=no_prescreen,
                min_severity="note",
                min_confidence="low",
                jobs=1,
            )
        )
    finally:
        os.chdir(here)
    crashes = [problem for problem in result.problems if problem.kind in ("rule-crash", "reader-crash", "pack-error")]
    assert not crashes
    return [(item.path, item.span, item.rule, item.message, item.fingerprint) for item in result.findings]


@pytest.mark.parametrize("tree", PROJECTS, ids=lambda path: path.name)
def test_whole_systems(tree):
    assert findings(tree, no_prescreen=False) == findings(tree, no_prescreen=True)


@pytest.mark.parametrize("tree", CASES[::9], ids=lambda path: "-".join(path.parts[-3:]))
def test_some_cases_of_rules(tree):
    assert findings(tree, no_prescreen=False) == findings(tree, no_prescreen=True)


@pytest.mark.heavy
@pytest.mark.parametrize("tree", CASES, ids=lambda path: "-".join(path.parts[-3:]))
def test_all_cases_of_rules(tree):
    assert findings(tree, no_prescreen=False) == findings(tree, no_prescreen=True)


EVERY = """
from opslint.api import Extractor, Fact


class Seen(Fact):
    __slots__ = ()


def seen(document, emit):
    emit(Seen(at=document.places.add((1, 1, 1, 2))))


EXTRACTORS = (Extractor("python", (), seen),)
"""


def test_a_strong_extractor_without_literals_takes_every_file(opslint, tree):
    (opslint.packs / "acme_pack" / "every.py").write_text(EVERY)
    trace = opslint.cache.parent / "trace.jsonl"
    opslint.json("--no-cache", "--trace", str(trace), cwd=tree)
    assert '"screened":true' not in trace.read_text().replace(" ", "")
