"""A small rule pack of the tests' own, and a way to run opslint as a process with only that pack installed."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LINTER = Path(__file__).resolve().parents[2] / "linter"
BYTECODE = tempfile.mkdtemp(prefix="opslint-tests-")
atexit.register(shutil.rmtree, BYTECODE, ignore_errors=True)


CALLS = '''
from __future__ import annotations

from opslint.api import Calls, FileRule, Meta


class AcmeCall(FileRule):
    """Finds calls of acme.run."""

    meta = Meta(
        "acme-call", category="timeouts", severity="error", confidence="high",
        authority="https://example.invalid/", summary="a call", help="Do not call it.",
    )
    on = Calls("acme.run")

    def check(self, view, report):
        report(at=view.loc, message="acme.run is called")
'''

SETS = '''
from __future__ import annotations

import _ast

from opslint.api import Extractor, Fact, Meta, Option, ProjectRule


class Wanted(Fact):
    __slots__ = ("name",)
    name: str


class Given(Fact):
    __slots__ = ("name",)
    name: str


def wanted(document, emit):
    for call in document.calls:
        if call.origin == "acme.want" and call.node.args:
            value = call.node.args[0]
            if isinstance(value, _ast.Constant) and isinstance(value.value, str):
                emit(Wanted(at=document.place(call.node), name=value.value))


def given(document, emit):
    for number, line in enumerate(document.data.decode().splitlines(), 1):
        name, equals, _ = line.partition("=")
        if equals:
            emit(Given(at=document.places.add((number, 1, number, len(name) + 1)), name=name))


EXTRACTORS = (Extractor("python", (b"acme",), wanted), Extractor("dotenv", (), given))


class AcmeNotGiven(ProjectRule):
    """Finds names that are wanted and not given."""

    meta = Meta(
        "acme-not-given", category="env", severity="error", confidence="high",
        authority="https://example.invalid/", summary="a name", help="Give it.",
        options=(Option("prefix", default="", schema={"type": "string"}, help="names to leave out"),),
    )
    needs = (Wanted,)

    def check(self, model, report):
        given = {fact.name for fact in model.facts(Given)}
        extra = model.read("notes.txt") or b""
        files = sorted({fact.path for fact in model.facts(Given)})
        for fact in model.facts(Wanted):
            if self.options["prefix"] and fact.name.startswith(self.options["prefix"]):
                continue
            if fact.name not in given and fact.name.encode() not in extra and not model.is_ignored(fact.name):
                report(
                    at=fact.loc, message=f"{fact.name} is not given", key=fact.name,
                    evidence=[((path, (1, 1, 1, 1)), "it should be here") for path in files], derived=files,
                )
'''


def install_pack(directory: Path, *, version: str = "1.0") -> Path:
    """Write the pack and its metadata below `directory`, as an installer would."""
    package = directory / "acme_pack"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "acme_call.py").write_text(CALLS)
    (package / "acme_not_given.py").write_text(SETS)
    for old in directory.glob("acme_pack-*.dist-info"):
        (old / "entry_points.txt").unlink()
        old.rmdir()
    info = directory / f"acme_pack-{version}.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[console_scripts]\nx = y:z\n\n[opslint.rules]\nacme = acme_pack\n")
    return directory


class Opslint:
    """Runs `python -m opslint` with the test pack, a cache of its own and a small environment."""

    def __init__(self, packs: Path, cache: Path) -> None:
        self.packs = packs
        self.cache = cache

    def process(
        self, *words: str, cwd: Path, env: dict[str, str] | None = None, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.cache.parent),
            "PYTHONPATH": os.pathsep.join([str(LINTER), str(self.packs)]),
            "PYTHONPYCACHEPREFIX": BYTECODE,
            "OPSLINT_CACHE_DIR": str(self.cache),
            **(env or {}),
        }
        return subprocess.run(
            [sys.executable, "-m", "opslint", *words],
            cwd=cwd,
            env=variables,
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def json(self, *words: str, cwd: Path, env: dict[str, str] | None = None, stdin: bytes = b"") -> dict:
        done = self.process("check", "--format", "json", *words, cwd=cwd, env=env, stdin=stdin)
        assert done.stdout, done.stderr.decode()
        return json.loads(done.stdout)


@pytest.fixture
def opslint(tmp_path: Path) -> Opslint:
    return Opslint(install_pack(tmp_path / "site"), tmp_path / "home" / "cache")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of a few files, known to git."""
    root = tmp_path / "project"
    write(
        root,
        {
            "app/main.py": "import acme\n\nacme.run(1)\nacme.want('ALPHA')\nacme.want('BETA')\n",
            "app/other.py": "import acme\n\n\ndef f():\n    acme.run(2)\n",
            "app/plain.py": "x = 1\n",
            ".env": "ALPHA=1\nSECRET=hunter2\n",
            "deploy/.env.production": "GAMMA=1\n",
            ".gitignore": "/out/\n",
            "README.md": "text\n",
        },
    )
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    return root


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def git(root: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false", *words],
        cwd=root,
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"},
    )


@pytest.fixture(name="write")
def write_fixture():
    return write


@pytest.fixture(name="git")
def git_fixture():
    return git


@pytest.fixture(name="install_pack")
def install_pack_fixture():
    return install_pack
