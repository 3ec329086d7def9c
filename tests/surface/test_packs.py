"""Third parties come through the same door: the example pack is built, installed, listed, run and tested by its own examples."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import opslint
import pytest

from . import sample

EXAMPLE = Path(__file__).parents[1] / "packs" / "example_pack"
LOCKS = {
    "a.py": "import acme_locks\nacme_locks.acquire('x')\n",
    "b.py": "import acme_locks\n\nacme_locks.acquire('x')\nacme_locks.acquire(name)\n",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the example pack's wheel is installed into."""
    base = tmp_path_factory.mktemp("pack")
    shutil.copytree(EXAMPLE, base / "source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    isolation = ["--no-index", "--no-build-isolation", "--no-deps"]
    subprocess.run([*pip, "wheel", *isolation, "-w", str(base / "wheels"), str(base / "source")], check=True)
    (wheel,) = (base / "wheels").glob("*.whl")
    subprocess.run([*pip, "install", "--no-index", "--no-deps", "--target", str(base / "site"), str(wheel)], check=True)
    return base / "site"


def environment(site: Path, cache: Path) -> dict[str, str]:
    source = Path(opslint.__file__).parents[1]
    path = os.pathsep.join([str(source), str(source.parent / "rules"), str(site)])
    # An installed opslint offers its plugin to pytest by itself; here it is named on the command line, and may not come twice.
    quiet = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**quiet, "PATH": os.environ["PATH"], "PYTHONPATH": path, "OPSLINT_CACHE_DIR": str(cache), "HOME": str(cache)}


def call(site: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = environment(site, cwd.parent / "cache")
    return subprocess.run([sys.executable, "-m", *words], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_a_pack_is_listed_documented_run_and_selectable(installed: Path, tmp_path: Path) -> None:
    root = sample.tree(tmp_path / "repo", LOCKS)
    listed = json.loads(call(installed, root, "opslint", "rules", "--format", "json").stdout)
    (row,) = [row for row in listed if row["rule"] == "lock-name-used-twice"]
    assert (row["category"], row["cross_file"], row["default"]) == ("overlap", True, True)
    page = call(installed, root, "opslint", "rule", "lock-name-used-twice").stdout
    assert "Locks are global in the cluster" in page
    assert "shared = []" in page
    report = json.loads(call(installed, root, "opslint", "check", "--format", "json").stdout)
    (finding,) = report["findings"]
    assert (finding["path"], finding["line"], finding["evidence"][0]["path"]) == ("b.py", 3, "a.py")
    assert report["summary"]["undecided"] == 1
    ignored = json.loads(call(installed, root, "opslint", "check", "--format", "json", "--ignore", "lock-name-used-twice").stdout)
    assert ignored["findings"] == []


def test_a_pack_s_options_are_validated(installed: Path, tmp_path: Path) -> None:
    root = sample.tree(tmp_path / "repo", {**LOCKS, "opslint.toml": "[rules.lock-name-used-twice]\nshared = ['x']\n"})
    assert json.loads(call(installed, root, "opslint", "check", "--format", "json").stdout)["findings"] == []
    (root / "opslint.toml").write_text("[rules.lock-name-used-twice]\nshard = ['x']\n")
    done = call(installed, root, "opslint", "check")
    assert done.returncode == 2
    assert "did you mean 'shared'?" in done.stderr
    (root / "opslint.toml").write_text("[rules.lock-name-used-twice]\nshared = 'x'\n")
    done = call(installed, root, "opslint", "check")
    assert done.returncode == 2
    assert "is not of type 'array'" in done.stderr


def test_a_pack_s_examples_are_tests(installed: Path, tmp_path: Path) -> None:
    root = sample.tree(tmp_path / "repo", {"test_nothing.py": "def test_nothing():\n    pass\n"})
    plugin = ["pytest", "-q", "-p", "opslint.testing.plugin", "-p", "no:cacheprovider"]
    done = call(installed, root, *plugin, "--opslint-rules", "opslint_example_pack")
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    done = call(installed, root, "opslint", "dev", "check", "lock-name-used-twice")
    assert done.returncode == 0, done.stdout


def test_a_broken_pack_is_a_problem_and_never_exit_zero(installed: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    (site / "opslint_example_pack" / "broken.py").write_text("import no_such_module_anywhere\n")
    root = sample.tree(tmp_path / "repo", {"a.py": "a = 1\n"})
    done = call(site, root, "opslint", "check", "--format", "json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["problems"][0]["kind"] == "pack-error"


@pytest.mark.parametrize("kind", ["file", "project"])
def test_a_rule_is_added_by_adding_one_file(installed: Path, tmp_path: Path, kind: str) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    root = sample.tree(tmp_path / "repo", {"app.py": "import example_client\nexample_client.fetch(1)\n"})
    before = call(site, root, "opslint", "check", "--select", "demo-new-rule")
    assert before.returncode == 2
    made = call(
        site, root, "opslint", "dev", "new-rule", "demo-new-rule", "--category", "timeouts", "--kind", kind,
        "--package", str(site / "opslint_example_pack"), "--fixtures", str(tmp_path / "fixtures"),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    listed = json.loads(call(site, root, "opslint", "rules", "--format", "json").stdout)
    (row,) = [row for row in listed if row["rule"] == "demo-new-rule"]
    assert (row["status"], row["default"], row["cross_file"]) == ("preview", False, kind == "project")
    assert "What it finds" in call(site, root, "opslint", "rule", "demo-new-rule").stdout
    report = json.loads(call(site, root, "opslint", "check", "--select", "demo-new-rule", "--format", "json").stdout)
    assert [(finding["rule"], finding["line"]) for finding in report["findings"]] == [("demo-new-rule", 2)]
    assert json.loads(call(site, root, "opslint", "check", "--format", "json").stdout)["findings"] == []
    done = call(site, root, "opslint", "dev", "check", "demo-new-rule", "--fixtures", str(tmp_path / "fixtures"))
    assert done.returncode == 0, done.stdout
    again = call(site, root, "opslint", "dev", "new-rule", "demo-new-rule", "--category", "timeouts",
                 "--package", str(site / "opslint_example_pack"))  # fmt: skip
    assert again.returncode == 2
