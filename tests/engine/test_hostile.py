"""A linted tree is untrusted: nothing in it hangs, crashes or leads out."""

from __future__ import annotations

import os
import threading
import time

import pytest
from opslint.engine.source import DiskSource
from opslint.engine.worker import MAX_BYTES
from opslint.syntax.guard import is_heavy


def problems(result):
    return [(row["kind"], row["path"]) for row in result["problems"]]


def test_a_fifo_and_a_socket_and_links_do_not_hang(opslint, tree):
    import socket

    os.mkfifo(tree / "app" / "pipe.py")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tree / "app" / "s.py"))
    (tree / "loop.py").symlink_to("loop.py")
    (tree / "app" / "up").symlink_to("..")
    (tree / "dangling.py").symlink_to("nowhere.py")
    (tree / "device.py").symlink_to("/dev/zero")
    try:
        result = opslint.json(cwd=tree)
    finally:
        server.close()
    assert result["complete"] is True
    assert len(result["findings"]) == 3


def test_links_never_leave_the_root(opslint, tree, tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("import acme\nacme.run('OUTSIDE')\n")
    (tree / "app" / "linked.py").symlink_to(outside)
    (tree / "app" / "same.py").symlink_to("other.py")
    found = [row["path"] for row in opslint.json(cwd=tree)["findings"]]
    assert "app/linked.py" not in found
    assert "app/same.py" not in found


def test_a_file_and_a_link_to_it_are_reported_once(opslint, tree, git):
    before = opslint.json(cwd=tree)["findings"]
    (tree / "app" / "same.py").symlink_to("other.py")
    (tree / "a.py").symlink_to("app/other.py")
    (tree / "app" / "broken.py").write_text("import acme\ndef (:\n")
    (tree / "app" / "crooked.py").symlink_to("broken.py")
    result = opslint.json(cwd=tree)
    assert result["findings"] == before
    assert problems(result) == [("parse-error", "app/broken.py")]
    given = opslint.json("app/same.py", cwd=tree)["findings"]
    assert [row["path"] for row in given] == ["app/other.py"]
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "links")
    (tree / "app" / "other.py").write_text("import acme\n\n\ndef f():\n    acme.run(2)\n    acme.run(3)\n")
    fresh = opslint.json("--diff", "HEAD", cwd=tree)["findings"]
    assert [(row["path"], row["line"]) for row in fresh] == [("app/other.py", 6)]


def test_what_cannot_be_read_is_a_problem_with_exit_3(opslint, tree, write):
    write(
        tree,
        {
            "app/latin.py": "# caf\xe9\nx = 1\nimport acme\n".encode("latin-1"),
            "app/cookie.py": "# -*- coding: latin-1 -*-\nimport acme\nacme.run('\xe9')\n".encode("latin-1"),
            "app/broken.py": "import acme\ndef (:\n",
            "app/huge.py": b"import acme\n" + b"#" * (MAX_BYTES + 10),
            "app/nul.py": b"import acme\nx = '\0'\n",
            "tests/broken.py": "import acme\ndef (:\n",
        },
    )
    done = opslint.process("check", "--format", "json", cwd=tree)
    assert done.returncode == 3
    result = opslint.json(cwd=tree)
    assert result["complete"] is False
    assert problems(result) == [
        ("parse-error", "app/broken.py"),
        ("limit", "app/huge.py"),
        ("decode-error", "app/latin.py"),
        ("parse-error", "app/nul.py"),
    ]
    assert "app/cookie.py" in [row["path"] for row in result["findings"]]
    assert opslint.process("check", "app/other.py", cwd=tree).returncode == 1
    assert opslint.process("check", "--allow-incomplete", "--exit-zero", cwd=tree).returncode == 0


SHAPES = {
    "brackets": "x=" + "(" * 1287,
    "lists": "x = " + "[" * 1000 + "]" * 1000,
    "calls": "x = a" + ".b()" * 3000,
    "signs": "x = " + "-" * 6000 + "1",
    "sums": "x = 1" + " + 1" * 20000,
    "indent": "".join(" " * depth + "if x:\n" for depth in range(500)) + " " * 500 + "pass\n",
    "line": "x = '" + "a" * 300_000 + "'",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_kill_parsers_end_soon(opslint, tree, write, shape):
    write(tree, {"app/evil.py": "import acme\nacme.run(1)\n" + SHAPES[shape] + "\n"})
    started = time.monotonic()
    result = opslint.json(cwd=tree)
    assert time.monotonic() - started < 60
    assert {row["path"] for row in result["findings"]} >= {"app/main.py", "app/other.py"}
    assert set(problems(result)) <= {("limit", "app/evil.py"), ("parse-error", "app/evil.py")}


def test_the_guard_lets_ordinary_shapes_through():
    assert not is_heavy(b"def f(a, b):\n    return [x for x in (a, b) if (x)]\n" * 5000)
    assert not is_heavy(b"# " + b"-" * 200 + b"\n" + b"data = {'a': [1, 2, {'b': (3,)}]}\n" * 100)
    assert is_heavy(b"(" * 200)
    assert is_heavy(b"x = " + b"- " * 2000 + b"1")
    assert is_heavy(b"a" * 300_000)
    assert not is_heavy((b"a" * 100_000 + b"\n") * 5)


def test_a_growing_file_is_read_to_the_limit_only(tmp_path):
    path = tmp_path / "grow.py"
    path.write_bytes(b"#")
    stop = threading.Event()

    def grow():
        with open(path, "ab", buffering=0) as handle:
            while not stop.is_set() and handle.tell() < 64 << 20:
                handle.write(b"#" * (1 << 20))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        for _ in range(20):
            assert len(DiskSource(str(tmp_path)).read("grow.py")) <= MAX_BYTES + 1
    finally:
        stop.set()
        thread.join()


def test_names_of_all_kinds(opslint, tree, write):
    names = ["a b.py", "::error file=x::y.py", "new\nline.py", "ünïcode.py", "-x.py", "@{}.py", "'q\".py"]
    write(tree, {f"app/{name}": "import acme\nacme.run(1)\n" for name in names})
    with open(os.fsencode(tree) + b"/app/\xff\xfe.py", "wb") as handle:
        handle.write(b"import acme\nacme.run(1)\n")
    result = opslint.json(cwd=tree)
    assert len(result["findings"]) == 3 + len(names) + 1
    assert opslint.json(cwd=tree) == result
    for form in ("text", "concise", "github", "sarif", "junit"):
        assert opslint.process("check", "--format", form, cwd=tree).returncode == 1


def test_nothing_of_the_repository_runs(opslint, tree, git, write):
    mark = tree.parent / "ran"
    script = tree.parent / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "core.hooksPath", "diff.external", "core.sshCommand", "core.pager", "filter.x.clean"):
        git(tree, "config", key, str(script))
    git(tree, "config", "filter.x.smudge", str(script))
    write(tree, {".gitattributes": "* filter=x diff=x\n", "acme.py": f"open({str(mark)!r}, 'w')\n", "sitecustomize.py": "1/0\n"})
    assert opslint.process("check", "--format", "json", cwd=tree).returncode == 1
    opslint.process("check", "--tracked", cwd=tree)
    opslint.process("check", "--diff", "HEAD", cwd=tree)
    assert not mark.exists()


@pytest.mark.parametrize("where", ["rule", "extractor"])
def test_a_crash_is_a_problem_and_the_run_goes_on(opslint, tree, where):
    module = opslint.packs / "acme_pack" / ("acme_call.py" if where == "rule" else "acme_not_given.py")
    text = module.read_text()
    text = text.replace("        report(at=view.loc", "        raise ValueError('boom')\n        report(at=view.loc")
    text = text.replace("    for call in document.calls:", "    raise ValueError('boom')\n    for call in document.calls:")
    module.write_text(text)
    done = opslint.process("check", "--format", "json", cwd=tree)
    assert done.returncode == 3
    result = opslint.json(cwd=tree)
    assert result["problems"][0]["kind"] == ("rule-crash" if where == "rule" else "reader-crash")
    assert result["findings"]
    assert result == opslint.json("--no-cache", cwd=tree)


def test_a_broken_pack_is_a_problem_of_the_engine(opslint, tree):
    (opslint.packs / "acme_pack" / "broken.py").write_text("import nothing_of_this_name\n")
    result = opslint.json(cwd=tree)
    assert problems(result) == [("pack-error", "")]
    assert len(result["findings"]) == 3
    assert opslint.process("check", "app/other.py", cwd=tree).returncode == 3
