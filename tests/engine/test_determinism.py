"""The same input gives the same bytes; a changed input of any kind gives what a run without cache gives."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest


def check(opslint, tree, *words, cwd=None, **more):
    done = opslint.process("check", "--format", "json", *words, cwd=cwd or tree, **more)
    assert done.stdout, done.stderr.decode()
    return done.stdout


def test_findings_of_the_small_tree(opslint, tree):
    result = json.loads(check(opslint, tree))
    assert [(row["rule"], row["path"], row["line"]) for row in result["findings"]] == [
        ("acme-call", "app/main.py", 3),
        ("acme-not-given", "app/main.py", 5),
        ("acme-call", "app/other.py", 5),
    ]
    assert result["complete"] is True
    assert result["summary"]["selected"] == 7
    assert "hunter2" not in json.dumps(result)


def test_cold_warm_and_uncached_runs_give_the_same_bytes(opslint, tree):
    cold = check(opslint, tree)
    assert check(opslint, tree) == cold
    assert check(opslint, tree, "--no-cache") == cold
    assert check(opslint, tree, "--no-prescreen") == cold


def test_jobs_do_not_matter(opslint, tree, write):
    filler = "".join(f"acme.run({number})\n" for number in range(9)) + "x = 1  # filler\n" * 6000
    write(tree, {f"app/big{number}.py": f"import acme\n{filler}" for number in range(20)})
    one = check(opslint, tree, "--no-cache", "--jobs", "1")
    assert check(opslint, tree, "--no-cache", "--jobs", "2") == one
    assert check(opslint, tree, "--jobs", "3") == one
    assert check(opslint, tree) == one


def test_the_order_of_arguments_and_the_working_directory_do_not_matter(opslint, tree):
    files = ["app/main.py", "app/other.py", ".env"]
    one = check(opslint, tree, *files)
    assert check(opslint, tree, *reversed(files)) == one
    assert check(opslint, tree, "--no-cache", str(tree / "app/other.py"), ".env", "app/main.py") == one
    assert check(opslint, tree, "main.py", "../.env", "other.py", cwd=tree / "app") == one


def test_another_checkout_directory_gives_the_same_bytes(opslint, tree, tmp_path):
    one = check(opslint, tree)
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(tree, other)
    assert check(opslint, other) == one


def test_a_tree_without_git_gives_the_same_findings(opslint, tree):
    one = json.loads(check(opslint, tree))["findings"]
    shutil.rmtree(tree / ".git")
    assert json.loads(check(opslint, tree, "."))["findings"] == one


CHANGES = {
    "a variable is given": lambda tree: (tree / ".env").write_text("ALPHA=1\nBETA=2\n"),
    "the file of a variable goes": lambda tree: (tree / ".env").unlink(),
    "a new file": lambda tree: (tree / "app/new.py").write_text("import acme\nacme.run(3)\n"),
    "a file goes": lambda tree: (tree / "app/other.py").unlink(),
    "lines move": lambda tree: (tree / "app/main.py").write_text("\n\n" + (tree / "app/main.py").read_text()),
    "configuration comes": lambda tree: (tree / "opslint.toml").write_text("ignore = ['acme-call']\n"),
    "an option of a rule": lambda tree: (tree / "opslint.toml").write_text("[rules.acme-not-given]\nprefix = 'BE'\n"),
    "an excluded path": lambda tree: (tree / "opslint.toml").write_text("exclude = ['app/other.py']\n"),
    "a severity": lambda tree: (tree / "opslint.toml").write_text("[[severity]]\nrule = 'env'\nlevel = 'note'\n"),
    "an ignore file": lambda tree: (tree / ".gitignore").write_text("/out/\nBETA\n"),
    "a file that only the model reads": lambda tree: (tree / "notes.txt").write_text("BETA\n"),
    "a suppression": lambda tree: (tree / "app/other.py").write_text(
        "import acme\n\n\ndef f():\n    acme.run(2)  # opslint: ignore[acme-call] -- known\n"
    ),
    "a kind by name": lambda tree: (tree / ".env").rename(tree / "plain.txt"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_changed_input_under_a_warm_cache_equals_a_run_without(opslint, tree, name):
    before = check(opslint, tree)
    CHANGES[name](tree)
    warm = check(opslint, tree)
    assert warm == check(opslint, tree, "--no-cache")
    assert warm == check(opslint, tree)
    if name not in ("a kind by name",):
        assert warm != before


def test_a_change_that_keeps_size_and_mtime_close_is_seen(opslint, tree):
    path = tree / ".env"
    check(opslint, tree)
    stat = path.stat()
    path.write_text("ALPHB=1\nSECRET=hunter2\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert check(opslint, tree) == check(opslint, tree, "--no-cache")


def test_another_version_of_a_pack_is_not_answered_from_the_cache(opslint, tree, install_pack):
    check(opslint, tree)
    module = opslint.packs / "acme_pack" / "acme_call.py"
    module.write_text(module.read_text().replace("acme.run is called", "acme.run is called!!"))
    install_pack_again = module.read_text()
    install_pack(opslint.packs, version="1.1")
    module.write_text(install_pack_again)
    warm = check(opslint, tree)
    assert b"is called!!" in warm
    assert warm == check(opslint, tree, "--no-cache")


def test_selection_does_not_mix_in_the_cache(opslint, tree):
    everything = check(opslint, tree)
    only = json.loads(check(opslint, tree, "--select", "env"))
    assert {row["rule"] for row in only["findings"]} == {"acme-not-given"}
    assert check(opslint, tree) == everything


def age(tree, seconds=10):
    past = time.time() - seconds
    for path in tree.rglob("*"):
        if path.is_file():
            os.utime(path, (past, past))


def test_one_changed_file_writes_a_small_segment_and_many_are_merged(opslint, tree):
    age(tree)
    check(opslint, tree)
    store = next((opslint.cache / "projects").iterdir())
    assert len(list(store.glob("segment-*"))) == 1
    for number in range(12):
        (tree / "app/other.py").write_text(f"import acme\nacme.run({number})\n" + "\n" * number + "acme.want('BETA')\n")
        assert check(opslint, tree) == check(opslint, tree, "--no-cache")
    index = json.loads(next(store.glob("index-*-disk.json")).read_bytes().split(b"\n", 1)[1])
    assert len(index["segments"]) <= 9
