"""Which files a project has, whatever the arguments are."""

from __future__ import annotations

import json

import pytest
from opslint.engine.classify import Roles, kind_of

KINDS = {
    "app/main.py": "python",
    "Dockerfile": "dockerfile",
    "docker/Dockerfile.prod": "dockerfile",
    "web.dockerfile": "dockerfile",
    "Dockerfile.dockerignore": None,
    ".env": "dotenv",
    ".env.production": "dotenv",
    "deploy/prod.env": "dotenv",
    "compose.yaml": "compose",
    "docker-compose.prod.yml": "compose",
    ".github/workflows/ci.yml": "workflow",
    "action.yml": "action",
    ".gitlab-ci.yml": "gitlab-ci",
    "chart/Chart.yaml": "helm-chart",
    "chart/values.yaml": "helm-values",
    "chart/values-prod.yaml": "helm-values",
    "chart/prod-values.yaml": "helm-values",
    "chart/templates/deployment.yaml": "helm-template",
    "chart/templates/_helpers.tpl": "helm-template",
    "k8s/kustomization.yaml": "kustomization",
    "k8s/deployment.yml": "yaml",
    "main.tf": "terraform",
    "prod.tfvars": "tfvars",
    "live/terragrunt.hcl": "terragrunt",
    "backend-prod.hcl": "hcl",
    "x.tfbackend": "hcl",
    "requirements.txt": "requirements",
    "requirements/base.txt": "requirements",
    "requirements-dev.in": "requirements",
    "pyproject.toml": "pyproject",
    "uv.lock": "lock",
    "Procfile": "procfile",
    "entrypoint.sh": "shell",
    "docker-entrypoint": "shell",
    "m/0001.sql": "sql",
    "alembic.ini": "ini",
    "supervisord.conf": "ini",
    "app.service": "systemd",
    "fly.toml": "toml",
    "data.json": "json",
    "README.md": None,
    "logo.png": None,
    "k8s/deploy.yaml.j2": None,
}


@pytest.mark.parametrize(("path", "kind"), KINDS.items())
def test_kind_of_a_path(path, kind):
    assert kind_of(path) == kind


ROLES = {
    "app/main.py": "deploy",
    "tests/test_x.py": "test",
    "app/test_views.py": "test",
    "app/conftest.py": "test",
    "examples/compose.yaml": "example",
    "fixtures/a.yaml": "fixture",
    "node_modules/x/index.py": "vendored",
    ".venv/lib/x.py": "vendored",
    ".hidden/x.py": "vendored",
    ".github/workflows/ci.yml": "deploy",
    "envs/test/main.tf": "deploy",
    "envs/prod/main.tf": "deploy",
    "src/test/a.yaml": "test",
}


@pytest.mark.parametrize(("path", "role"), ROLES.items())
def test_role_of_a_path(path, role):
    assert Roles(sorted(ROLES)).of(path) == role


def rows(result):
    return [(row["rule"], row["path"], row["line"]) for row in result["findings"]]


def test_a_file_argument_selects_what_is_reported_and_not_what_is_known(opslint, tree):
    assert rows(opslint.json("app/other.py", cwd=tree)) == [("acme-call", "app/other.py", 5)]
    # The env file is evidence and derivation of what main.py lacks.
    assert rows(opslint.json(".env", cwd=tree)) == [("acme-not-given", "app/main.py", 5)]


def test_a_deleted_file_counts_as_given(opslint, tree):
    (tree / ".env").unlink()
    found = opslint.json(".env", cwd=tree)
    assert rows(found) == []
    (tree / ".env").write_text("ALPHA=1\n")
    assert rows(opslint.json(".env", cwd=tree)) == [("acme-not-given", "app/main.py", 5)]
    done = opslint.process("check", "never-was.py", cwd=tree)
    assert done.returncode == 2
    assert b"no such file" in done.stderr


def test_tracked_counts_the_index_only(opslint, tree, git, write):
    write(tree, {"app/untracked.py": "import acme\nacme.run(1)\n"})
    assert ("acme-call", "app/untracked.py", 2) in rows(opslint.json(cwd=tree))
    assert ("acme-call", "app/untracked.py", 2) not in rows(opslint.json("--tracked", cwd=tree))
    git(tree, "add", "app/untracked.py")
    assert ("acme-call", "app/untracked.py", 2) in rows(opslint.json("--tracked", cwd=tree))


def test_ignored_files_are_never_read(opslint, tree, write):
    write(tree, {"out/x.py": "import acme\nacme.run(1)\n", ".git/info/exclude": "app/other.py\n"})
    found = rows(opslint.json(cwd=tree))
    assert not [row for row in found if row[1].startswith("out/")]
    assert ("acme-call", "app/other.py", 5) in found


def test_a_nested_project_is_its_own(opslint, tree, write):
    write(tree, {"sub/opslint.toml": "", "sub/app.py": "import acme\nacme.want('ALPHA')\n"})
    whole = opslint.json(cwd=tree)
    assert ("acme-not-given", "sub/app.py", 2) in rows(whole)
    assert rows(opslint.json("sub", cwd=tree)) == [("acme-not-given", "app.py", 2)]
    alone = opslint.json("sub/app.py", cwd=tree)["findings"]
    assert [row["fingerprint"] for row in alone] == [
        row["fingerprint"] for row in whole["findings"] if row["path"] == "sub/app.py"
    ]
    both = opslint.json("sub/app.py", "app/other.py", cwd=tree)
    assert rows(both) == [("acme-call", "app/other.py", 5), ("acme-not-given", "sub/app.py", 2)]
    assert both == opslint.json("app/other.py", "sub/app.py", cwd=tree)


def test_root_overrides(opslint, tree):
    found = opslint.json("--root", "app", "app", cwd=tree)
    assert {row["path"] for row in found["findings"]} == {"main.py", "other.py"}
    assert opslint.process("check", "--root", "app", ".env", cwd=tree).returncode == 2


def test_counts_add_up(opslint, tree, write):
    write(
        tree,
        {"opslint.toml": "exclude = ['app/plain.py']\n", "app/bad.py": "import acme\ndef (:\n", "tests/test_a.py": "x = 1\n"},
    )
    summary = opslint.json(cwd=tree)["summary"]
    assert summary["selected"] == summary["files"] + summary["excluded"] + summary["skipped"] + summary["failed"]
    assert (summary["excluded"], summary["failed"]) == (1, 1)
    part = opslint.json("app/main.py", cwd=tree)["summary"]
    assert (part["selected"], part["files"]) == (1, 1)
    assert part["context"] > 0


def test_no_file_to_check_is_said(opslint, tmp_path):
    (tmp_path / "void").mkdir()
    done = opslint.process("check", "--format", "json", cwd=tmp_path / "void")
    assert done.returncode == 0
    assert b"no file to check" in done.stderr
    assert json.loads(done.stdout)["findings"] == []
