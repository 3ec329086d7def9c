"""Whole systems under a warm cache: whatever file goes or changes, the answer is that of a run without a cache."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run

PROJECTS = Path(__file__).resolve().parents[2] / "fixtures" / "projects"


def check(tree: Path, cache: Path, *, no_cache: bool):
    return run(
        run_options(
            paths=[str(tree)],
            root=str(tree),
            cache_dir=str(cache),
            no_cache=no_cache,
            min_severity="note",
            min_confidence="low",
            jobs=1,
        )
    )


def files(name: str) -> list[str]:
    top = PROJECTS / name
    return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file() and path.name != "expected.txt")


def counted_up(text: bytes) -> bytes:
    """Another content of the same shape: numbers, tiers and names differ."""
    return text.replace(b"1", b"2").replace(b"production", b"staging").replace(b"health", b"status")


def compare(tmp_path: Path, project: str, names: list[str]) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    shutil.copytree(PROJECTS / project, tree)
    check(tree, cache, no_cache=False)
    for name in names:
        path = tree / name
        kept = path.read_bytes()
        for content in (None, counted_up(kept)):
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
            warm = check(tree, cache, no_cache=False)
            cold = check(tree, cache, no_cache=True)
            assert warm == cold, (name, content is None)
        path.write_bytes(kept)


@pytest.mark.parametrize("project", ["shop-platform", "clinic-django", "invoice-lambda"])
def test_some_files_go_or_change(tmp_path, project):
    every = files(project)
    compare(
        tmp_path,
        project,
        [name for name in every if "values" in name or name.endswith((".lock", ".toml", ".gitignore"))] + every[::11],
    )


@pytest.mark.heavy
@pytest.mark.parametrize("project", ["shop-platform", "clinic-django", "invoice-lambda"])
def test_every_file_goes_or_changes(tmp_path, project):
    compare(tmp_path, project, files(project))


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
    "chart/values.yaml": "replicas: 2\nhistory: 4\n",
    "chart/values-production.yaml": "replicas: 3\nhistory: 1\n",
    "chart/templates/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  replicas: {{ .Values.replicas }}\n  revisionHistoryLimit: {{ .Values.history }}\n"
    "  selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec:\n      containers:\n"
    "        - name: app\n          image: registry.example.com/app:1.2.3\n          readinessProbe: {httpGet: {path: /r, port: 80}}\n",
}


def test_a_values_file_of_a_chart_is_read_through_the_cache(tmp_path, write):
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    write(tree, CHART)
    before = check(tree, cache, no_cache=False)
    assert "no-revision-history" in {item.rule for item in before.findings}
    (tree / "chart/values-production.yaml").write_text("replicas: 3\nhistory: 5\n")
    warm = check(tree, cache, no_cache=False)
    assert warm == check(tree, cache, no_cache=True)
    assert "no-revision-history" not in {item.rule for item in warm.findings}
    template = tree / "chart/templates/deployment.yaml"
    template.write_text(template.read_text().replace("{{ .Values.history }}", "0"))
    warm = check(tree, cache, no_cache=False)
    assert warm == check(tree, cache, no_cache=True)
    assert "no-revision-history" in {item.rule for item in warm.findings}


def test_the_base_revision_decides_which_migrations_are_new(tmp_path, write, git):
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    write(
        tree,
        {
            "app/migrations/__init__.py": "",
            "app/migrations/0001_initial.py": "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    initial = True\n",
            "app/migrations/0002_gone.py": "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
            '    dependencies = [("app", "0001_initial")]\n'
            "    operations = [migrations.RunPython(lambda apps, editor: None)]\n",
        },
    )
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "app/migrations/__init__.py", "app/migrations/0001_initial.py")
    git(tree, "commit", "-q", "-m", "one")
    before = check(tree, cache, no_cache=False)
    assert {item.path for item in before.findings} == {"app/migrations/0002_gone.py"}
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "two")
    warm = check(tree, cache, no_cache=False)
    assert warm == check(tree, cache, no_cache=True)
    assert warm.findings == []


SLOW = """
import os
import time

from opslint.api import Extractor


def slow(document, emit):
    with open(os.environ["STARTED"], "a"):
        pass
    time.sleep(60)


EXTRACTORS = (Extractor("dotenv", (), slow),)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_the_run_with_130_and_leaves_nothing_half_written(opslint, tree, tmp_path, write, jobs):
    (opslint.packs / "acme_pack" / "slow.py").write_text(SLOW)
    write(tree, {f"app/big{number}.py": "import acme\n" + "x = 1  # filler\n" * 6000 for number in range(20)})
    started, out = tmp_path / "started", tmp_path / "out.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "opslint", "check", "--format", "json", "--output", str(out), "--jobs", jobs],
        cwd=tree,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join([str(PROJECTS.parents[1] / "linter"), str(opslint.packs)]),
            "OPSLINT_CACHE_DIR": str(opslint.cache),
            "STARTED": str(started),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 60
    while not started.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert output == b""
    assert b"Traceback" not in errors
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out.json")] == []
