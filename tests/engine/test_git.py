"""What git is asked, and how."""

from __future__ import annotations

import shutil

from opslint.engine import git
from opslint.engine.discover import ignored_paths, list_files


def test_ignored_paths_with_and_without_git(tree, write):
    write(tree, {".gitignore": "*.log\n/out/\n!keep.log\n", "app/.gitignore": "local.env\n", ".git/info/exclude": "other.txt\n"})
    asked = ["a.log", "keep.log", "out/x.env", "app/local.env", "local.env", "other.txt", "node_modules/x.env", "app/main.py"]
    expected = {"a.log", "out/x.env", "app/local.env", "node_modules/x.env"}
    assert ignored_paths(str(tree), asked, uses_git=True) == expected
    many = [*asked, *(f"n{number}.txt" for number in range(100))]
    assert ignored_paths(str(tree), many, uses_git=True) == expected
    assert ignored_paths(str(tree), asked, uses_git=False) == expected


def test_listing_with_and_without_git(tree, write):
    write(
        tree,
        {".gitignore": "*.log\n/out/\n", "a.log": "", "out/x": "", "sub/out/y": "", "node_modules/m.py": "", "venv/v.py": ""},
    )
    with_git = [path for path in list_files(str(tree), tracked=False)[0] if not path.startswith(("node_modules/", "venv/"))]
    shutil.rmtree(tree / ".git")
    assert list_files(str(tree), tracked=False) == (with_git, False)


def test_the_base_of_a_branch(tree, git: object):
    from opslint.engine.git import base_commit, old_paths

    head = base_commit(str(tree))
    assert head
    assert old_paths(str(tree))[0] == head
    assert "app/main.py" in (old_paths(str(tree))[1] or ())


def test_variables_of_a_hook_do_not_lead_astray(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert "app/main.py" in git.ls_files(str(tree), tracked=True)
