"""`--diff REV`: only what the merge base of REV and HEAD did not already have."""

from __future__ import annotations

import os

from opslint.base.errors import UsageError, nearest
from opslint.base.typing import TYPE_CHECKING
from opslint.engine import git
from opslint.engine.git_source import GitSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.finding import Finding
    from opslint.engine.run import ProjectRun


def merge_base(root: str, revision: str) -> str:
    """Return the commit that `--diff revision` compares with. UsageError (exit 2) says what to fetch or to write instead."""
    head = commit_of(root, "HEAD")
    if head is None:
        if git.top_of(root) is None:
            raise UsageError("--diff needs a git repository, and this is none")
        raise UsageError("--diff needs a commit, and HEAD has none yet")
    other = None if revision.startswith("-") else commit_of(root, revision)
    if other is None:
        if is_shallow(root):
            raise UsageError(f"--diff: '{revision}' is not in this shallow clone; {_FETCH}")
        raise UsageError(f"--diff: no revision '{revision}'{nearest(revision, _names(root))}")
    try:
        base = git.run(root, ["merge-base", other, head]).decode().strip()
    except git.GitError:
        base = ""
    if not base:
        if is_shallow(root):
            raise UsageError(f"--diff: this shallow clone does not reach the merge base of '{revision}' and HEAD; {_FETCH}")
        raise UsageError(f"--diff: '{revision}' and HEAD have no common history")
    return base


_FETCH = "fetch the whole history (actions/checkout: `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`; by hand: `git fetch --unshallow`)"


def commit_of(root: str, revision: str) -> str | None:
    """Return the commit a revision names, None when the clone has none of that name."""
    try:
        out = git.run(root, ["rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}"])
    except git.GitError:
        return None
    return out.decode().strip() or None


def is_shallow(root: str) -> bool:
    """Tell whether the clone's history was cut."""
    try:
        return git.run(root, ["rev-parse", "--is-shallow-repository"]).strip() == b"true"
    except git.GitError:
        return False


def _names(root: str) -> list[str]:
    try:
        out = git.run(root, ["for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags"])
    except git.GitError:
        return []
    return out.decode("utf-8", "replace").split()


def paths_at(root: str, commit: str) -> frozenset[str]:
    """Return the project's paths in `commit`: a migration that is not among them is new."""
    out = git.run(root, ["ls-tree", "-r", "-z", "--name-only", commit, "--", "."])
    return frozenset(os.fsdecode(name) for name in out.split(b"\0") if name)


def only_new(findings: Iterable[Finding], known: Iterable[str]) -> list[Finding]:
    """Return the findings whose fingerprint is not among `known` (the fingerprints of the base's run)."""
    old = frozenset(known)
    return [finding for finding in findings if finding.fingerprint not in old]


def check_against(project: ProjectRun, revision: str) -> None:
    """Check a project and leave in its verdict only what the merge base of `revision` and HEAD did not already have.

    The base is judged by today's rules and configuration. What no longer crashes or parses is no finding: problems stay.
    """
    base = merge_base(project.root, revision)
    project.base = base
    verdict = project.check()
    if not verdict.findings:
        return
    with GitSource(project.root, base) as source:
        before = project.at(source)
        before.base = base
        known = [finding.fingerprint for finding in before.check().findings]
    verdict.findings = only_new(verdict.findings, known)
