"""Running git on an untrusted repository: no hooks, no monitors, no configuration but the repository's, no prompts."""

from __future__ import annotations

import os

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HARDENED = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "protocol.allow=never",
    "-c",
    # Another user's checkout (CI, containers): nothing that is run here executes anything of the repository.
    "safe.directory=*",
    "--no-pager",
    "--no-replace-objects",
)

SMALL_INPUT = 4096
"""Bytes that every pipe takes at once (POSIX): so much standard input is written before the program reads it."""

_KEPT_VARIABLES = ("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM")


class GitError(Exception):
    """git is not there, or refused. The message is its first line."""


def environment() -> dict[str, str]:
    """Return the environment git runs in."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES}
    env.update(
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_SYSTEM=os.devnull,
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_NO_LAZY_FETCH="1",
        LC_ALL="C",
    )
    return env


def run(root: str, arguments: Sequence[str], stdin: bytes | None = None, *, ok: tuple[int, ...] = (0,)) -> bytes:
    """Run ``git -C root arguments`` and return its standard output. `GitError` when it ends with a code not in `ok`."""
    words = ["git", "-C", root, *HARDENED, *arguments]
    if len(stdin or b"") <= SMALL_INPUT and hasattr(os, "posix_spawnp"):
        code, out = _spawn(words, stdin or b"")
    else:
        code, out = _subprocess(words, stdin)
    if code not in ok:
        raise GitError(f"git {arguments[0]} ended with {code}")
    return out


def _spawn(words: list[str], stdin: bytes) -> tuple[int, bytes]:
    # `subprocess` costs 5 ms to import; pipes and posix_spawn do the same here.
    read_end, write_end = os.pipe()
    input_read, input_write = os.pipe()
    os.write(input_write, stdin)
    os.close(input_write)
    actions = [
        (os.POSIX_SPAWN_DUP2, input_read, 0),
        (os.POSIX_SPAWN_DUP2, write_end, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        pid = os.posix_spawnp("git", words, environment(), file_actions=actions)
    except OSError as error:
        os.close(read_end)
        raise GitError(f"git cannot be started: {error.strerror}") from None
    finally:
        os.close(write_end)
        os.close(input_read)
    chunks = []
    try:
        while chunk := os.read(read_end, 1 << 20):
            chunks.append(chunk)
    finally:
        os.close(read_end)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), b"".join(chunks)


def _subprocess(words: list[str], stdin: bytes | None) -> tuple[int, bytes]:
    import subprocess

    try:
        done = subprocess.run(words, input=stdin or b"", capture_output=True, env=environment(), check=False)
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from None
    return done.returncode, done.stdout


def top_of(directory: str) -> str | None:
    """Return the nearest directory at or above `directory` that holds ``.git``, else None. Runs nothing."""
    while True:
        if os.path.lexists(os.path.join(directory, ".git")):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def ls_files(root: str, *, tracked: bool) -> list[str]:
    """Return the files below `root` that git knows or would add, relative to it, sorted; also those deleted on disk.

    Only ``.gitignore`` files of the tree count; with `tracked` only what is in the index.
    """
    words = ["ls-files", "-z", "--cached"]
    if not tracked:
        words += ["--others", "--exclude-per-directory=.gitignore"]
    names = set(os.fsdecode(run(root, words)).split("\0"))
    names.discard("")
    # A trailing slash is a repository inside the repository, which is none of ours.
    return sorted(name for name in names if name[-1] != "/")


def deleted_in_index(root: str) -> list[str]:
    """Return the paths below `root` that HEAD has and the index has not."""
    try:
        out = run(
            root,
            [
                "diff-index",
                "--cached",
                "--no-ext-diff",
                "--no-renames",
                "--relative",
                "--name-only",
                "-z",
                "--diff-filter=D",
                "HEAD",
            ],
        )
    except GitError:
        return []
    return sorted(os.fsdecode(name) for name in out.split(b"\0") if name)


def knows(root: str, path: str) -> bool:
    """Tell whether the index or HEAD holds `path` (a file that is not on disk any more)."""
    try:
        if run(root, ["--literal-pathspecs", "ls-files", "-z", "--cached", "--", path]):
            return True
        return bool(run(root, ["--literal-pathspecs", "ls-tree", "-z", "HEAD", "--", path]))
    except GitError:
        return False


def ignored(root: str, paths: list[str]) -> set[str]:
    """Return those of `paths` that the tree's own ignore files ignore."""
    data = b"".join(os.fsencode(path) + b"\0" for path in paths)
    words = ["-c", "core.excludesFile=", "check-ignore", "-z", "-v", "--no-index", "--stdin"]
    try:
        out = run(root, words, data, ok=(0, 1))
    except GitError:
        return set()
    # What info/exclude ignores comes out too (there is no switch for it): only what a .gitignore says counts.
    fields = out.split(b"\0")
    found = set()
    for index in range(0, len(fields) - 3, 4):
        source, _line, pattern, path = fields[index : index + 4]
        if os.path.basename(source) == b".gitignore" and not pattern.startswith(b"!"):
            found.add(os.fsdecode(path))
    return found


def old_paths(root: str) -> tuple[str | None, frozenset[str] | None]:
    """Return (commit, paths) of the base that tells new migrations from old ones.

    On a branch the merge base with ``origin/HEAD``; where there is none, or HEAD is that commit, HEAD itself. (None, None)
    without commits.
    """
    base = base_commit(root)
    if base is None:
        return None, None
    out = run(root, ["ls-tree", "-r", "-z", "--name-only", base, "--", "."])
    return base, frozenset(os.fsdecode(name) for name in out.split(b"\0") if name)


def base_commit(root: str) -> str | None:
    """Return the commit id `old_paths` looks at."""
    try:
        head = run(root, ["rev-parse", "--verify", "-q", "HEAD^{commit}"]).decode().strip()
    except GitError:
        return None
    try:
        return run(root, ["merge-base", "refs/remotes/origin/HEAD", head]).decode().strip() or head
    except GitError:
        return head
