"""What a check may import: start-up time is import time."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEVER = {
    "argparse",
    "ast",
    "asyncio",
    "click",
    "dataclasses",
    "email",
    "enum",
    "hcl2",
    "importlib.metadata",
    "inspect",
    "jinja2",
    "json",
    "jsonschema",
    "lark",
    "libcst",
    "logging",
    "lsprotocol",
    "mcp",
    "multiprocessing",
    "pathlib",
    "pathspec",
    "pygls",
    "re",
    "shutil",
    "socket",
    "sqlglot",
    "subprocess",
    "tempfile",
    "tomllib",
    "tree_sitter",
    "typing",
    "yaml",
}


def modules(opslint, *words, cwd, packs=None):
    code = (
        "import atexit, sys, runpy\nsys.argv = ['opslint', *sys.argv[1:]]\n"
        "atexit.register(lambda: sys.stderr.write('\\n@@' + ' '.join(sorted(sys.modules))))\n"
        "runpy.run_module('opslint', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *words],
        cwd=cwd,
        capture_output=True,
        timeout=60,
        check=False,
        env={
            "PYTHONPATH": f"{packs or opslint.packs}:{SOURCES}",
            "HOME": str(opslint.cache.parent),
            "PATH": "/usr/bin:/bin",
            "OPSLINT_CACHE_DIR": str(opslint.cache),
        },
    )
    assert b"@@" in done.stderr, done.stderr
    return set(done.stderr.rpartition(b"@@")[2].decode().split())


def sources():
    import opslint

    return opslint.__file__.rpartition("/opslint/")[0]


SOURCES = sources()


def test_version_imports_next_to_nothing(opslint, tmp_path):
    found = {name for name in modules(opslint, "--version", cwd=tmp_path) if name.startswith("opslint")}
    assert found == {"opslint", "opslint.base", "opslint.base.typing"}


@pytest.fixture
def one_file(tmp_path):
    folder = tmp_path / "alone"
    folder.mkdir()
    (folder / "one.py").write_text("import acme\nimport os\n\nacme.run(os.environ['X'])\n")
    return folder


def test_one_python_file_without_a_project(opslint, one_file):
    modules(opslint, "check", "one.py", "--format", "json", "--no-cache", cwd=one_file)
    found = modules(opslint, "check", "one.py", "--format", "json", "--no-cache", cwd=one_file)
    assert not found & NEVER
    assert "opslint.syntax.python" in found
    assert not {name for name in found if name.startswith("opslint.syntax.")} & {
        "opslint.syntax.yaml",
        "opslint.syntax.hcl",
        "opslint.syntax.shell",
    }


def test_a_warm_run_reads_nothing_again(opslint, tree):
    modules(opslint, "check", "--format", "json", cwd=tree)
    found = modules(opslint, "check", "--format", "json", cwd=tree)
    assert not found & NEVER
    assert not {name for name in found if name.startswith(("opslint.syntax.python", "opslint.model.", "opslint.facts.modules"))}
    assert "acme_pack.acme_not_given" not in found


def test_a_rule_is_imported_only_for_what_it_looks_at(opslint, tree):
    (tree / "app/main.py").write_text("x = 1\n")
    (tree / "app/other.py").write_text("y = 1\n")
    modules(opslint, "check", "--format", "json", cwd=tree)
    found = modules(opslint, "check", "--format", "json", "--no-cache", cwd=tree)
    assert not {name for name in found if name.startswith("acme_pack.acme_call")}


RULES = SOURCES.removesuffix("linter") + "rules"

ALONE = {
    "one.py": (
        "import os\nimport requests\n\nURL = os.environ.get('URL', 'x')\n\n\n"
        "def call():\n    return requests.get(URL, timeout=5)\n",
        (
            "opslint.model.services",
            "opslint.model.deployments",
            "opslint.model.migrations",
            "opslint.model.budgets",
            "yaml",
            "tree_sitter",
        ),
        78,
    ),
    "deploy.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n"
        "        - {name: c, image: registry.example.com/c:1.2, readinessProbe: {httpGet: {path: /r, port: 80}}}\n",
        (
            "opslint.model.helm",
            "opslint.model.kustomize",
            "opslint.model.gotemplate_values",
            "opslint.model.terraform",
            "opslint.model.resources",
            "opslint.model.services",
            "opslint.model.python",
            "_ast",
            "tree_sitter",
        ),
        75,
    ),
    ".github/workflows/ci.yml": (
        "name: ci\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    timeout-minutes: 10\n"
        "    steps:\n      - uses: actions/checkout@v4\n      - run: make test\n",
        (
            "opslint.model.services",
            "opslint.model.deployments",
            "opslint.model.terraform",
            "opslint.model.python",
            "_ast",
            "tree_sitter",
        ),
        70,
    ),
    "main.tf": (
        'resource "aws_sns_topic" "t" {\n  name = "topic"\n}\n',
        ("opslint.model.kubernetes", "opslint.model.compose", "opslint.model.pipelines", "opslint.model.python", "_ast", "yaml"),
        105,
    ),
}
"""A file alone, what reading it must not import, and the most modules of opslint it may import (a fifth above what it takes now)."""


@pytest.mark.parametrize("name", ALONE)
def test_a_file_alone_imports_no_other_platform(opslint, tmp_path, write, name):
    text, forbidden, most = ALONE[name]
    folder = tmp_path / "alone"
    write(folder, {name: text})
    for _ in range(2):
        found = modules(opslint, "check", name, "--format", "json", "--no-cache", cwd=folder, packs=RULES)
    assert not found & set(forbidden)
    ours = {module for module in found if module.startswith(("opslint.", "opslint_rules."))}
    assert len(ours) <= most, sorted(ours)
    assert not found & {
        "argparse",
        "ast",
        "click",
        "dataclasses",
        "importlib.metadata",
        "json",
        "multiprocessing",
        "subprocess",
        "tempfile",
    }
