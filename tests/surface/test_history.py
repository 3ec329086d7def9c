"""Baseline, `--diff` and reading a revision from git objects."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from opslint.base.errors import UsageError
from opslint.engine import baseline, diff
from opslint.engine.git_source import GitSource

from . import sample


def git(directory: Path, *words: str) -> str:
    identity = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "protocol.file.allow=always",
    ]
    done = subprocess.run(["git", "-C", str(directory), *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = sample.tree(
        tmp_path / "repo",
        {
            "app/a.py": "a = 1\n",
            ".gitignore": "*.secret\n!keep.secret\n/out/\n",
            "deploy/x.yaml": "x: 1\n",
            "app/.gitignore": "local.py\n",
        },
    )
    (root / "link.py").symlink_to("app/a.py")
    (root / "loop").symlink_to("loop")
    (root / "outside").symlink_to("../../etc/passwd")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "checkout", "-qb", "work")
    sample.tree(root, {"app/a.py": "a = 2\n", "app/new.py": "n = 1\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    return root


def test_a_revision_is_read_without_touching_the_work_tree(repository: Path) -> None:
    base = diff.merge_base(str(repository), "main")
    with GitSource(str(repository), base) as source:
        assert "app/new.py" not in source.list()
        assert source.read("app/a.py") == b"a = 1\n"
        assert source.read("link.py") == b"a = 1\n"
        assert source.stat("link.py") == source.stat("app/a.py")
        assert source.stat("loop") is None
        assert source.stat("outside") is None
        assert source.stat("nothing") is None
        with pytest.raises(FileNotFoundError):
            source.read("app/new.py")
        assert source.ignored(["a.secret", "keep.secret", "out/x", "app/local.py", "local.py", "node_modules/a.js"]) == {
            "a.secret", "out/x", "app/local.py", "node_modules/a.js",
        }  # fmt: skip


def test_a_project_below_the_top_sees_its_own_paths(repository: Path) -> None:
    base = diff.merge_base(str(repository), "main")
    with GitSource(str(repository / "app"), base) as source:
        assert source.list() == [".gitignore", "a.py"]
        assert source.read("a.py") == b"a = 1\n"
    assert diff.paths_at(str(repository / "app"), base) == {".gitignore", "a.py"}


def test_large_blobs_are_cut_and_do_not_disturb_the_next(repository: Path) -> None:
    from opslint.engine.worker import MAX_BYTES

    (repository / "big.sql").write_bytes(b"x" * (MAX_BYTES + 5000))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "big")
    with GitSource(str(repository), git(repository, "rev-parse", "HEAD")) as source:
        assert len(source.read("big.sql")) == MAX_BYTES + 1
        assert source.read("app/a.py") == b"a = 2\n"


def test_an_unknown_revision_names_the_nearest(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no revision 'mian' .did you mean 'main'"):
        diff.merge_base(str(repository), "mian")
    with pytest.raises(UsageError, match="no revision '--output=x'"):
        diff.merge_base(str(repository), "--output=x")
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="git repository"):
        diff.merge_base(str(tmp_path / "plain"), "main")


def test_a_shallow_clone_is_told_to_fetch(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    with pytest.raises(UsageError, match="fetch-depth: 0") as caught:
        diff.merge_base(str(tmp_path / "shallow"), "origin/main")
    assert caught.value.exit_code == 2


def test_only_new_findings_stay() -> None:
    old, new = sample.finding(fingerprint="a" * 32), sample.finding(fingerprint="b" * 32)
    assert diff.only_new([old, new], ["a" * 32]) == [new]


def test_a_baseline_shrinks_and_never_grows(tmp_path: Path) -> None:
    path = str(tmp_path / "baseline.txt")
    findings = [sample.finding(fingerprint=digit * 32, path=f"{digit}.py") for digit in "cab"]
    assert baseline.create(path, findings) == 3
    lines = Path(path).read_text().splitlines()
    assert lines[1:] == [f"{digit * 32} http-call-without-timeout {digit}.py" for digit in "abc"]
    with pytest.raises(UsageError, match="is there already"):
        baseline.create(path, findings)
    kept, number = baseline.load(path).split([*findings, sample.finding(fingerprint="d" * 32)])
    assert ([finding.fingerprint for finding in kept], number) == (["d" * 32], 3)
    assert baseline.prune(path, [findings[0], sample.finding(fingerprint="d" * 32)]) == (2, 1)
    assert list(baseline.load(path).entries) == ["c" * 32]
    assert "requests.get" not in Path(path).read_text()


def test_a_broken_baseline_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        baseline.load(str(tmp_path / "none"))
    (tmp_path / "b").write_text("# x\nnot an entry\n")
    with pytest.raises(UsageError, match="b:2 is no baseline entry"):
        baseline.load(str(tmp_path / "b"))


def check(root: Path, *words: str) -> dict[str, Any]:
    from opslint.engine.options import parse
    from opslint.engine.run import run
    from opslint.report.json import run_object

    options = parse([*words, "--cache-dir", str(root.parent / "cache")])
    assert options is not None
    options.paths = [str(root)]
    return run_object(run(options))


def places(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(finding["path"], finding["line"]) for finding in report["findings"] if finding["path"] != "link.py"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_diff_reports_only_what_the_branch_brought(repository: Path, jobs: str) -> None:
    call = "import requests\n\n\ndef old():\n    requests.get('a')\n"
    git(repository, "checkout", "-q", "main")
    sample.tree(repository, {"app/a.py": call})
    git(repository, "commit", "-qam", "main has a call")
    git(repository, "checkout", "-qb", "next")
    # The old call moves down, a new one comes; the work tree is not committed.
    sample.tree(
        repository, {"app/a.py": call.replace("\n\n\n", "\n\nX = 1\n\n\n", 1) + "\n\ndef new():\n    requests.post('b')\n"}
    )
    assert places(check(repository, "--jobs", jobs)) == [("app/a.py", 7), ("app/a.py", 11)]
    for _ in range(2):
        assert places(check(repository, "--jobs", jobs, "--diff", "main")) == [("app/a.py", 11)]
    assert places(check(repository, "--jobs", jobs, "--diff", "main", "--no-cache")) == [("app/a.py", 11)]


def test_a_baselined_finding_is_counted_and_not_reported(repository: Path) -> None:
    sample.tree(repository, {"app/a.py": "import requests\nrequests.get('a')\n"})
    first = check(repository)
    path = str(repository / "opslint-baseline.txt")
    lines = [f"{finding['fingerprint']} {finding['rule']} {finding['path']}" for finding in first["findings"]]
    assert lines
    Path(path).write_text("\n".join(lines) + "\n")
    second = check(repository, "--baseline", path)
    assert (second["findings"], second["summary"]["baselined"]) == ([], len(lines))
