"""The hook through a real `pre-commit run`: what a staged change means for the files that were not touched."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = ROOT / "fixtures" / "projects"
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
PLATFORM = "clean-shop-platform"
CLINIC = "clean-clinic-django"


def git(root: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false", *words]
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def edit(path: Path, old: str, new: str) -> None:
    """Replace `old`, which must stand in the file once, by `new`."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def as_local_hook() -> dict[str, Any]:
    """The hook as the project publishes it, run by the Python of the tests instead of an environment of its own."""
    program, *words = shlex.split(HOOK["entry"])
    assert program == "opslint"
    kept = {key: HOOK[key] for key in ("id", "name", "files", "pass_filenames", "require_serial", "always_run")}
    entry = shlex.join([sys.executable, "-m", "opslint", *words])
    return {"repo": "local", "hooks": [{**kept, "entry": entry, "language": "system"}]}


def project(directory: Path, name: str, repo: dict[str, Any]) -> Path:
    """Commit a fixture project with a pre-commit configuration in a repository of its own."""
    root = directory / name
    shutil.copytree(PROJECTS / name, root)
    (root / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [repo]}), encoding="utf-8")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "-m", "one")
    return root


def pre_commit(root: Path, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Stage everything and run the hooks as `git commit` would."""
    git(root, "add", "-A", "-f")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
        "PRE_COMMIT_HOME": str(home),
        "OPSLINT_CACHE_DIR": str(home / "opslint-cache"),
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        **variables,
    }
    command = [sys.executable, "-m", "pre_commit", "run", "--color", "never"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=420, check=False)


def reported(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of the hook's output that are findings about missing variables."""
    assert "Traceback" not in done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "[env-required-but-not-set]" in line or "[manifest-names" in line]


SOURCES = os.pathsep.join((str(ROOT / "linter"), str(ROOT / "rules")))


@pytest.fixture
def hook(tmp_path: Path) -> Any:
    def run(root: Path) -> subprocess.CompletedProcess[str]:
        return pre_commit(root, tmp_path / "home", PYTHONPATH=SOURCES)

    return run


@pytest.fixture
def platform(tmp_path: Path, hook: Any) -> Path:
    root = project(tmp_path, PLATFORM, as_local_hook())
    (root / "README.md").write_text("text\n", encoding="utf-8")
    done = hook(root)
    assert done.returncode == 0, done.stdout
    git(root, "commit", "-q", "-m", "two")
    return root


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return project(tmp_path, CLINIC, as_local_hook())


def test_platform_code_gains_a_variable(platform: Path, hook: Any) -> None:
    code = platform / "src/shop/clients/carrier.py"
    edit(code, "from functools import lru_cache\n", "import os\nfrom functools import lru_cache\n")
    edit(code, "    settings = get_settings()\n", '    settings = get_settings()\n    os.environ["NEW_VAR"]\n')
    done = hook(platform)
    assert done.returncode == 1
    (line,) = reported(done)
    assert line.startswith("src/shop/clients/carrier.py:")
    assert "NEW_VAR" in line
    assert "production" in line


def test_platform_manifest_is_where_it_lacks(platform: Path, hook: Any) -> None:
    """The code is committed already (without the hook); a change of the values file alone says what is missing."""
    code = platform / "src/shop/clients/carrier.py"
    edit(code, "from functools import lru_cache\n", "import os\nfrom functools import lru_cache\n")
    edit(code, "    settings = get_settings()\n", '    settings = get_settings()\n    os.environ["NEW_VAR"]\n')
    git(platform, "commit", "-q", "-a", "-m", "code")
    values = platform / "charts/shop/values-production.yaml"
    values.write_text(values.read_text(encoding="utf-8") + "# reviewed\n", encoding="utf-8")
    (line,) = reported(hook(platform))
    assert line.startswith("src/shop/clients/carrier.py:")
    assert "NEW_VAR" in line


def test_platform_loses_a_line_of_one_values_file(platform: Path, hook: Any) -> None:
    edit(platform / "charts/shop/values-production.yaml", "  SHOP_EXPORTS_BUCKET: acme-shop-exports-production\n", "")
    done = hook(platform)
    assert done.returncode == 1
    (line,) = reported(done)
    assert "SHOP_EXPORTS_BUCKET" in line
    assert "production" in line


def test_platform_loses_a_values_file(platform: Path, hook: Any) -> None:
    (platform / "charts/shop/values-production.yaml").unlink()
    done = hook(platform)
    assert done.returncode == 1, done.stdout
    assert reported(done)


def test_clinic_code_gains_a_variable(clinic: Path, hook: Any) -> None:
    key = '            "Idempotency-Key": key,\n'
    edit(clinic / "notifications/sms.py", key, key + '            "X-Account": os.environ["NEW_VAR"],\n')
    done = hook(clinic)
    assert done.returncode == 1
    (line,) = reported(done)
    assert line.startswith("notifications/sms.py:")
    assert "NEW_VAR" in line


def test_clinic_env_file_is_where_it_lacks(clinic: Path, hook: Any) -> None:
    key = '            "Idempotency-Key": key,\n'
    edit(clinic / "notifications/sms.py", key, key + '            "X-Account": os.environ["NEW_VAR"],\n')
    git(clinic, "commit", "-q", "-a", "-m", "code")
    path = clinic / ".env.production"
    path.write_text(path.read_text(encoding="utf-8") + "# reviewed\n", encoding="utf-8")
    (line,) = reported(hook(clinic))
    assert line.startswith("notifications/sms.py:")
    assert "NEW_VAR" in line


def test_clinic_loses_a_line_of_one_env_file(clinic: Path, hook: Any) -> None:
    edit(clinic / ".env.production", "INSURER_API_KEY=fake-live-b7c1d5e9\n", "")
    done = hook(clinic)
    assert done.returncode == 1
    (line,) = reported(done)
    assert "INSURER_API_KEY" in line


def test_clinic_loses_an_env_file(clinic: Path, hook: Any) -> None:
    (clinic / ".env.production").unlink()
    done = hook(clinic)
    assert done.returncode == 1, done.stdout
    assert any(".env.production" in line or "INSURER_API_KEY" in line for line in reported(done))


def test_a_commit_without_files_of_ours_passes(clinic: Path, hook: Any) -> None:
    """The whole directory is not judged because no file was named."""
    git(clinic, "rm", "-q", "--cached", ".env.production")
    git(clinic, "commit", "-q", "-m", "broken, and committed without the hook")
    (clinic / ".env.production").unlink()
    (clinic / "NOTES.rst").write_text("text\n", encoding="utf-8")
    done = hook(clinic)
    assert done.returncode == 0, done.stdout


def test_the_published_hook_installs_and_reports(tmp_path: Path) -> None:
    """`repo:` is this tree, `rev:` a commit of it: pre-commit builds the environment as it does for every user."""
    tree = tmp_path / "tree"
    for name in ("linter", "rules"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, tree / name)
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "-A", "-f")
    git(tree, "commit", "-q", "-m", "one")
    published = {"repo": str(tree), "rev": git(tree, "rev-parse", "HEAD"), "hooks": [{"id": "opslint"}]}
    root = project(tmp_path, CLINIC, published)
    (root / "docs.md").write_text("text\n", encoding="utf-8")
    passed = pre_commit(root, tmp_path / "home")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    edit(root / ".env.production", "INSURER_API_KEY=fake-live-b7c1d5e9\n", "")
    done = pre_commit(root, tmp_path / "home")
    assert done.returncode == 1
    (line,) = reported(done)
    assert "INSURER_API_KEY" in line
