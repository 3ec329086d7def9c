"""The cache is never inside the tree, never believed when damaged, never in the way."""

from __future__ import annotations

import os
import stat

import pytest


def check(opslint, tree, *words, **more):
    done = opslint.process("check", "--format", "json", *words, cwd=tree, **more)
    return done.stdout


def test_directories_are_private_and_files_hold_no_secret(opslint, tree):
    check(opslint, tree)
    for path in [opslint.cache, *opslint.cache.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, path
        if path.is_file():
            assert b"hunter2" not in path.read_bytes()


def files_of(opslint):
    return sorted(path for path in opslint.cache.rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone", "json"])
@pytest.mark.parametrize("which", ["index", "segment", "link", "key", "catalogue", "entry-points"])
def test_damaged_files_are_made_anew(opslint, tree, which, damage):
    good = check(opslint, tree)
    for path in files_of(opslint):
        if not path.name.startswith(which):
            continue
        data = path.read_bytes()
        if damage == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif damage == "flip":
            middle = len(data) // 2
            path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        elif damage == "empty":
            path.write_bytes(b"")
        elif damage == "json":
            path.write_bytes(b"{}")
        else:
            path.unlink()
    if which == "segment":
        # Without the linked result the facts are needed, so the damaged segment is met.
        for path in files_of(opslint):
            if path.name.startswith("link"):
                path.unlink()
    assert check(opslint, tree) == good
    assert check(opslint, tree) == good


def test_a_cache_inside_of_the_tree_is_refused(opslint, tree):
    done = opslint.process("check", "--cache-dir", "cache", cwd=tree)
    assert done.returncode == 2
    assert b"inside of the linted tree" in done.stderr
    assert not (tree / "cache").exists()


def test_a_home_inside_of_the_tree_means_no_cache(opslint, tree):
    done = opslint.process("check", "--format", "json", cwd=tree, env={"OPSLINT_CACHE_DIR": "", "HOME": str(tree)})
    assert done.returncode == 1
    assert not any(path.name == "projects" for path in tree.rglob("*"))


def test_a_cache_others_can_write_to_is_not_used(opslint, tree):
    opslint.cache.mkdir(parents=True)
    os.chmod(opslint.cache, 0o777)
    good = check(opslint, tree, "--no-cache")
    assert check(opslint, tree) == good
    assert not (opslint.cache / "projects").exists()


def test_no_cache_keeps_nothing_of_the_project(opslint, tree):
    check(opslint, tree, "--no-cache")
    assert not (opslint.cache / "projects").exists()


def test_unsaved_content_is_not_kept(opslint, tree):
    good = check(opslint, tree)
    words = ("--stdin-filename", "app/other.py", "app/other.py")
    edited = check(opslint, tree, *words, stdin=b"import acme\nacme.run(1)\nacme.run(2)\n")
    assert edited.count(b'"acme-call"') == 2
    assert check(opslint, tree) == good
