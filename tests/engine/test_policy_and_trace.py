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
        return next(row for row in map(json.loads, out.read_text().splitlines()) if row["type"] == "project")

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


def test_the_trace_names_files_and_rules(opslint, tree, tmp_path):
    out = tmp_path / "trace.jsonl"
    opslint.json("--trace", str(out), cwd=tree)
    cold = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["type"] for row in cold][:2] == ["run", "project"]
    files = [row for row in cold if row["type"] == "file"]
    assert {row["path"] for row in files} >= {"app/main.py", ".env"}
    assert not any(row["cached"] for row in files)
    assert all(row["seconds"] >= 0 for row in files)
    rules = {row["rule"]: row for row in cold if row["type"] == "rule"}
    assert rules["acme-call"]["findings"] == 2
    assert rules["acme-not-given"]["seconds"] is not None
    opslint.json("--trace", str(out), cwd=tree)
    warm = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(row["cached"] and row["seconds"] is None for row in warm if row["type"] == "file")
    assert opslint.process("check", "--trace", str(tmp_path / "no" / "t"), cwd=tree).returncode == 2


def test_what_a_change_would_excuse_is_said(opslint, tree, git):
    done = opslint.process("check", "--policy-from", "HEAD", cwd=tree)
    assert done.stderr == b""
    main = tree / "app/main.py"
    main.write_text(main.read_text().replace("acme.run(", "acme.run(  # opslint: ignore[acme-call] -- mine\n    ", 1))
    (tree / "opslint.toml").write_text('[[ignore]]\nrule = "acme-not-given"\npath = "app/**"\nreason = "mine"\n')
    done = opslint.process("check", "--policy-from", "HEAD", cwd=tree)
    assert "app/main.py:3: ignore[acme-call] is not in HEAD and does not count" in done.stderr.decode()
    assert "opslint.toml: [[ignore]] of acme-not-given in app/** is not in HEAD and does not count" in done.stderr.decode()
    (tree / "opslint.toml").write_text("nonsense = 1\n")
    done = opslint.process("check", "--policy-from", "HEAD", cwd=tree)
    assert "cannot be read; that of HEAD counts" in done.stderr.decode()


def test_the_baseline_of_the_revision_counts(opslint, tree, git):
    accepted = tree / "opslint-baseline.txt"
    both = [row["fingerprint"] for row in opslint.json(cwd=tree)["findings"]]
    assert len(both) == 3
    accepted.write_text("".join(f"{key} acme-call app/main.py\n" for key in both[:2]))
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "two")
    accepted.write_text("".join(f"{key} acme-call app/main.py\n" for key in both))
    assert opslint.json("--baseline", str(accepted), cwd=tree)["findings"] == []
    done = opslint.process("check", "--format", "json", "--baseline", str(accepted), "--policy-from", "HEAD", cwd=tree)
    assert [row["fingerprint"] for row in json.loads(done.stdout)["findings"]] == both[2:]
    assert "1 more than in HEAD do not count" in done.stderr.decode()
    git(tree, "rm", "-q", "--cached", "opslint-baseline.txt")
    git(tree, "commit", "-q", "-m", "three")
    done = opslint.process("check", "--format", "json", "--baseline", str(accepted), "--policy-from", "HEAD", cwd=tree)
    assert len(json.loads(done.stdout)["findings"]) == 3
    accepted.unlink()
    assert opslint.process("check", "--baseline", str(accepted), "--policy-from", "HEAD", cwd=tree).returncode == 2
