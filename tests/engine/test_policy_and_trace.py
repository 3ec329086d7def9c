"""`--policy-from` and `--trace`."""

from __future__ import annotations

import json


def rows(result):
    return [(row["rule"], row["path"], row["line"]) for row in result["findings"]]


def test_a_change_cannot_excuse_itself(opslint, tree, git):
    (tree / "app/other.py").write_text("import acme\nacme.run(1)  # opslint: ignore[acme-call] -- agreed\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "two")
    (tree / "app/other.py").write_text(
        "import acme\n\nacme.run(1)  # opslint: ignore[acme-call] -- agreed\nacme.run(2)  # opslint: ignore[acme-call] -- mine\n"
    )
    (tree / "opslint.toml").write_text("ignore = ['env']\n")
    loose = opslint.json(cwd=tree)
    assert rows(loose) == [("acme-call", "app/main.py", 3)]
    strict = opslint.json("--policy-from", "HEAD", cwd=tree)
    assert rows(strict) == [
        ("acme-call", "app/main.py", 3),
        ("acme-not-given", "app/main.py", 5),
        ("acme-call", "app/other.py", 4),
    ]
    assert opslint.json("--policy-from", "HEAD", "--no-cache", cwd=tree) == strict
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "three")
    assert opslint.json("--policy-from", "HEAD", cwd=tree) == loose
    assert opslint.process("check", "--policy-from", "nowhere", cwd=tree).returncode == 2


def test_the_trace_counts_work(opslint, tree, tmp_path):
    out = tmp_path / "trace.json"

    def trace():
        opslint.json("--trace", str(out), cwd=tree)
        return json.loads(out.read_text())["projects"][0]

    first = trace()
    assert first["linked"] is True
    assert first["analysed"] == sum(first["kinds"].values())
    assert first["screened"] == 1
    again = trace()
    assert (again["analysed"], again["linked"]) == (0, False)
    (tree / "app/plain.py").write_text("x = 2\n")
    changed = trace()
    # No fact changed with the file: the linked result is replayed.
    assert (changed["analysed"], changed["linked"]) == (1, False)
    (tree / ".env").write_text("ALPHA=1\nBETA=1\n")
    given = trace()
    assert (given["analysed"], given["linked"]) == (1, True)
