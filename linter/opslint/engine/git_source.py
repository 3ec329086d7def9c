"""The files of one revision, read from git objects: nothing is checked out, nothing of the repository runs."""

from __future__ import annotations

import os
import posixpath

from opslint.base.typing import TYPE_CHECKING
from opslint.engine import git
from opslint.engine.worker import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from subprocess import Popen
    from typing import Any

    Stat = list[Any]

_MAX_LINKS = 8


class GitSource:
    """The tree of `commit` below the project directory `root`: the same questions as `opslint.engine.source.DiskSource`.

    `stat` gives the object's name, so that a blob read once is never read again whatever revision it stands in.
    """

    def __init__(self, root: str, commit: str) -> None:
        self.root = root
        self.commit = commit
        self.name = f"git-{commit}"
        self._entries: dict[str, tuple[str, str]] | None = None
        self._process: Popen[bytes] | None = None
        self._owner = 0
        self._ignores: dict[str, Any] = {}

    def _tree(self) -> dict[str, tuple[str, str]]:
        """Path → (mode, object name) of everything below the root; submodules are none of ours."""
        if self._entries is None:
            out = git.run(self.root, ["ls-tree", "-r", "-z", self.commit, "--", "."])
            entries = {}
            for row in out.split(b"\0"):
                head, tab, path = row.partition(b"\t")
                fields = head.split()
                if tab and fields[1] == b"blob":
                    entries[os.fsdecode(path)] = (fields[0].decode(), fields[2].decode())
            self._entries = entries
        return self._entries

    def list(self) -> list[str]:
        """Return all paths, sorted."""
        return sorted(self._tree())

    def _follow(self, path: str) -> str | None:
        """Return the path of the file a path stands for, symbolic links followed inside the project only."""
        tree = self._tree()
        for _ in range(_MAX_LINKS):
            entry = tree.get(path)
            if entry is None:
                return None
            if entry[0] != "120000":
                return path
            target = os.fsdecode(self._blob(entry[1]))
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return None

    def _object(self, path: str) -> str | None:
        end = self._follow(path)
        return None if end is None else self._tree()[end][1]

    def target(self, path: str) -> str:
        """Return the project path that `path` stands for: another one when it is a link inside the project."""
        return self._follow(path) or path

    def stat(self, path: str) -> Stat | None:
        """Return ``[object name]``; None for what the revision does not hold or a link that leads nowhere."""
        name = self._object(path)
        return None if name is None else [name]

    def read(self, path: str) -> bytes:
        """Return the content, cut one byte above the size limit; OSError when the revision does not hold it."""
        name = self._object(path)
        if name is None:
            raise FileNotFoundError(f"{path} is not in {self.commit[:12]}")
        return self._blob(name)

    def _blob(self, name: str) -> bytes:
        process = self._batch()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(name.encode() + b"\n")
        process.stdin.flush()
        head = process.stdout.readline().split()
        if len(head) != 3 or head[1] != b"blob":
            # A partial clone: the object was never fetched, and opslint fetches nothing.
            raise OSError(f"object {name} is not in this clone")
        size = int(head[2])
        data = process.stdout.read(min(size, MAX_BYTES + 1))
        left = size - len(data) + 1
        while left > 0:
            skipped = process.stdout.read(min(left, 1 << 20))
            if not skipped:
                raise OSError("git ended early")
            left -= len(skipped)
        return data

    def _batch(self) -> Popen[bytes]:
        if self._process is None or self._owner != os.getpid():
            # A forked worker must not share the pipes of the process it came from.
            import subprocess

            self._owner = os.getpid()

            self._process = subprocess.Popen(
                ["git", "-C", self.root, *git.HARDENED, "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=git.environment(),
            )
        return self._process

    def close(self) -> None:
        """End the git process."""
        if self._process is not None:
            process, self._process = self._process, None
            if process.stdin is not None:
                process.stdin.close()
            if process.stdout is not None:
                process.stdout.close()
            process.wait()

    def __enter__(self) -> GitSource:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Return those of `paths` that the revision's own ``.gitignore`` files ignore, or that are never read."""
        from opslint.engine.discover import is_skipped

        found = set()
        for path in paths:
            parts = path.split("/")
            if any(is_skipped(segment) for segment in parts[:-1]) or any(
                self._matches("/".join(parts[:depth]) + ("/" if depth < len(parts) else "")) for depth in range(1, len(parts) + 1)
            ):
                found.add(path)
        return found

    def _matches(self, path: str) -> bool:
        """Tell whether the ignore files above `path` ignore it; the deepest file that says anything decides."""
        verdict = False
        parts = path.rstrip("/").split("/")
        for depth in range(len(parts)):
            directory = "/".join(parts[:depth])
            spec = self._spec(directory)
            if spec is not None:
                result = spec.check_file(path[len(directory) + 1 :] if directory else path)
                if result.include is not None:
                    verdict = bool(result.include)
        return verdict

    def _spec(self, directory: str) -> Any:
        if directory not in self._ignores:
            name = f"{directory}/.gitignore" if directory else ".gitignore"
            spec = None
            if name in self._tree():
                from pathspec import GitIgnoreSpec

                from opslint.engine.discover import _is_pattern

                lines = self.read(name).decode("utf-8", "replace").split("\n")
                try:
                    spec = GitIgnoreSpec.from_lines(lines)
                except ValueError:
                    # git passes over a pattern it cannot read; the library refuses the whole file.
                    spec = GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])
            self._ignores[directory] = spec
        return self._ignores[directory]
