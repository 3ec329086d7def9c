"""Three environments × forty services × sixty variables: checked warm in no time, and a page a person can read."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import opslint
import pytest
from opslint.cli.model_table import WIDTH

GENERATE = Path(__file__).parents[2] / "benchmarks/generate.py"
SECONDS = 5.0
"""A generous bound for a warm run of a process on a busy machine; `benchmarks/bars.py` measures it (0.05 s where this was written)."""


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    source = Path(opslint.__file__).parents[1]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(source), str(source.parent / "rules")]),
        "OPSLINT_CACHE_DIR": str(root.parent / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "opslint", *words], cwd=root, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str, str]]]:
    """The generated repository, its files older than the cache trusts, and the variables it leaves out on purpose."""
    spec = importlib.util.spec_from_file_location("generate", GENERATE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path_factory.mktemp("matrix") / "repo"
    left_out = module.make_matrix(root, 3, 40, 60)
    (root / "opslint.toml").write_text("")
    long_ago = time.time() - 3600
    for path in root.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    return root, left_out


def test_what_is_missing_is_found_cold_and_warm(matrix: tuple[Path, list[tuple[str, str, str]]]) -> None:
    root, left_out = matrix
    words = ("check", "--min-severity", "note", "--select", "env-required-but-not-set", "--format", "json")
    cold = run(root, *words)
    report = json.loads(cold.stdout)
    found = {
        (name, item["service"], item["message"].split("`")[1]) for item in report["findings"] for name in item["environments"]
    }
    assert sorted(found) == left_out
    assert report["complete"]
    started = time.perf_counter()
    warm = run(root, *words, "--trace", str(root.parent / "trace"))
    taken = time.perf_counter() - started
    assert warm.stdout == cold.stdout
    assert taken < SECONDS
    # Work is counted where a test must not depend on the machine: no file is read again, and nothing is linked again.
    lines = [json.loads(line) for line in (root.parent / "trace").read_text().split("\n") if line]
    (project,) = [line for line in lines if line["type"] == "project"]
    assert (project["analysed"], project["linked"]) == (0, False)


def test_its_matrix_is_readable(matrix: tuple[Path, list[tuple[str, str, str]]]) -> None:
    root, left_out = matrix
    done = run(root, "model")
    assert done.returncode == 0
    lines = done.stdout.split("\n")
    assert [line for line in lines if len(line) > WIDTH] == []
    assert len(lines) < 400
    for _environment, service, name in left_out:
        assert any(line.startswith("!") and line.split()[1] == service for line in lines)
        assert any(line.startswith("!") and name in line.split() for line in lines)
    one = run(root, "model", "--service", "svc-0", "--format", "json")
    assert {row["service"] for row in json.loads(one.stdout)["variables"]} == {"svc-0"}
    assert len(json.loads(one.stdout)["variables"]) == 61
