"""Suppression comments and `[[ignore]]` entries."""

from __future__ import annotations

import pytest
from opslint.engine.suppress import is_date, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ignore[a-b] -- why", ("ignore", ["a-b"], "why", None, None)),
        (" ignore[a, b] until=2027-01-31 -- why not", ("ignore", ["a", "b"], "why not", "2027-01-31", None)),
        ("ignore-file[env] -- all", ("ignore-file", ["env"], "all", None, None)),
        ("assume[idempotent] -- upsert", ("assume", ["idempotent"], "upsert", None, None)),
        ("ignore[a] -- why */", ("ignore", ["a"], "why", None, None)),
    ],
)
def test_right_comments(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ignore",
        "ignore[] -- x",
        "ignore[a]",
        "ignore[a] --",
        "ignore[a] until=tomorrow -- x",
        "ignore[a] soon -- x",
        "noqa[a] -- x",
        "ignore[a -- x",
        "assume[magic] -- x",
        "",
    ],
)
def test_wrong_comments_say_what_is_wrong(text):
    assert parse(text)[4]


def test_dates():
    assert is_date("2028-02-29")
    assert not is_date("2027-02-29")
    assert not is_date("2027-13-01")
    assert not is_date("27-1-1")


def run(opslint, tree, *words, **more):
    return opslint.json(*words, cwd=tree, **more)


def rows(result):
    return [(row["rule"], row["path"], row["line"]) for row in result["findings"]]


def other(tree, text):
    (tree / "app/other.py").write_text(text)


def test_end_of_line_own_line_block_and_file(opslint, tree):
    only = ("app/other.py",)
    other(tree, "import acme\nacme.run(1)  # opslint: ignore[acme-call] -- known\nacme.run(2)\n")
    result = run(opslint, tree, *only)
    assert rows(result) == [("acme-call", "app/other.py", 3)]
    assert result["summary"]["suppressed"] == 1
    other(tree, "import acme\n# opslint: ignore[timeouts] -- a category\n\n# more\nacme.run(1)\nacme.run(2)\n")
    assert rows(run(opslint, tree, *only)) == [("acme-call", "app/other.py", 6)]
    other(
        tree,
        "import acme\n\n\n# opslint: ignore[acme-call] -- block\ndef f():\n    acme.run(1)\n    acme.run(2)\n\n\nacme.run(3)\n",
    )
    assert rows(run(opslint, tree, *only)) == [("acme-call", "app/other.py", 10)]
    other(tree, "#!/usr/bin/python\n# opslint: ignore-file[acme-call] -- all\nimport acme\nacme.run(1)\n")
    assert rows(run(opslint, tree, *only)) == []
    other(tree, "import acme\n# opslint: ignore-file[acme-call] -- too late\nacme.run(1)\n")
    assert rows(run(opslint, tree, *only)) == [("acme-call", "app/other.py", 3)]
    other(tree, "import acme\nx = '# opslint: ignore[acme-call] -- no comment'; acme.run(1)\n")
    assert rows(run(opslint, tree, *only)) == [("acme-call", "app/other.py", 2)]


def test_evidence_counts(opslint, tree):
    (tree / ".env").write_text("# opslint: ignore[acme-not-given] -- it comes from elsewhere\nALPHA=1\n")
    result = run(opslint, tree)
    assert "acme-not-given" not in [row[0] for row in rows(result)]
    assert result["summary"]["suppressed"] == 1


def problems(result):
    return [(row["kind"], row["path"], row["line"]) for row in result["problems"]]


def test_unused_invalid_and_expired(opslint, tree):
    other(
        tree,
        "import acme\n"
        "x = 1  # opslint: ignore[acme-call] -- nothing here\n"
        "acme.run(1)  # opslint: ignore[acme-cal] -- a slip\n"
        "acme.run(2)  # opslint: ignore[acme-call]\n"
        "acme.run(3)  # opslint: ignore[acme-call] until=2020-01-01 -- for now\n",
    )
    result = run(opslint, tree)
    assert [row for row in rows(result) if row[1] == "app/other.py"] == [
        ("acme-call", "app/other.py", line) for line in (3, 4, 5)
    ]
    assert problems(result) == [
        ("suppression-unused", "app/other.py", 2),
        ("suppression-invalid", "app/other.py", 3),
        ("suppression-invalid", "app/other.py", 4),
        ("suppression-expired", "app/other.py", 5),
    ]
    assert "acme-call" in result["problems"][1]["message"]
    assert result["complete"] is True
    then = run(opslint, tree, env={"SOURCE_DATE_EPOCH": "1500000000"})
    assert ("acme-call", "app/other.py", 5) not in rows(then)
    assert ("suppression-unused", "app/other.py", 2) not in problems(run(opslint, tree, "app/other.py"))
    assert ("suppression-unused", "app/other.py", 2) not in problems(run(opslint, tree, "--ignore", "acme-call"))


def test_unused_suppressions_fail_at_warning(opslint, tree):
    (tree / "app/main.py").unlink()
    other(tree, "import acme\nx = 1  # opslint: ignore[acme-call] -- nothing here\n")
    assert opslint.process("check", cwd=tree).returncode == 0
    assert opslint.process("check", "--fail-on", "warning", cwd=tree).returncode == 1


def test_ignore_entries(opslint, tree):
    config = "[[ignore]]\nrule = 'acme-call'\npath = 'app/other.py'\nreason = 'known'\n"
    (tree / "opslint.toml").write_text(config)
    assert ("acme-call", "app/other.py", 5) not in rows(run(opslint, tree))
    (tree / "opslint.toml").write_text(config.replace("other.py", "plain.py"))
    assert problems(run(opslint, tree)) == [("suppression-unused", "opslint.toml", 1)]


def test_fingerprints_stay_when_lines_move_and_hold_no_secret(opslint, tree):
    before = [row["fingerprint"] for row in run(opslint, tree)["findings"]]
    for name in ("main.py", "other.py"):
        path = tree / "app" / name
        path.write_text("# one\n\n# two\n" + path.read_text())
    (tree / ".env").write_text("ALPHA=2\nSECRET=changed\n")
    after = [row["fingerprint"] for row in run(opslint, tree)["findings"]]
    assert after == before
    assert len(set(after)) == len(after)
    assert all(len(text) == 32 for text in after)
