"""Where a project's files come from: the disk, or the tree of a revision (`opslint.engine.diff`)."""

from __future__ import annotations

import os
import stat as stat_module

from opslint.base.typing import TYPE_CHECKING
from opslint.engine.worker import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    Paths = list[str]
    Values = list[Any]

    class Source(Protocol):
        """A project's files. Paths are relative to the project root, with forward slashes."""

        root: str
        name: str
        """Tells caches of one project apart: ``disk``, or the revision's."""

        def list(self) -> Paths:
            """Return all paths, sorted; a path may turn out not to be there any more."""

        def stat(self, path: str) -> Values | None:
            """Return JSON values that change whenever the content does; None when `path` is no readable file of the project."""

        def read(self, path: str) -> bytes:
            """Return the content, at most one byte more than `MAX_BYTES`; OSError when it cannot be read."""

        def ignored(self, paths: Iterable[str]) -> set[str]:
            """Return those of `paths` that the tree's ignore files ignore."""

        def target(self, path: str) -> str:
            """Return the project path that `path` stands for: another one when it is a link inside the project."""


class DiskSource:
    """The files of a directory. `overlay` holds unsaved content by path (`--stdin-filename`, an editor's buffers)."""

    name = "disk"

    def __init__(
        self,
        root: str,
        *,
        tracked: bool = False,
        overlay: dict[str, bytes] | None = None,
        listing: tuple[list[str], bool] | None = None,
    ) -> None:
        self.root = root
        self.tracked = tracked
        self.overlay = overlay or {}
        self._real_root: str | None = None
        self._prefix = root.rstrip(os.sep) + os.sep
        self.uses_git = False
        self.listed: Paths | None = None
        if listing is not None and not tracked:
            self.listed, self.uses_git = listing

    def list(self) -> Paths:
        """Return all paths below the root, sorted."""
        if self.listed is None:
            from opslint.engine.discover import list_files

            self.listed, self.uses_git = list_files(self.root, tracked=self.tracked)
        if self.overlay:
            return sorted({*self.listed, *self.overlay})
        return self.listed

    def stat(self, path: str) -> Values | None:
        """Return ``[size, mtime in ns, inode]``; None for what is gone, no regular file, or a link out of the root."""
        if path in self.overlay:
            return [-1, 0, 0]
        full = self._prefix + path
        try:
            status = os.lstat(full)
            if stat_module.S_ISLNK(status.st_mode):
                if not self._inside(full):
                    return None
                status = os.stat(full)
        except (OSError, ValueError):
            return None
        if not stat_module.S_ISREG(status.st_mode):
            return None
        return [status.st_size, status.st_mtime_ns, status.st_ino]

    def _inside(self, full: str) -> bool:
        if self._real_root is None:
            self._real_root = os.path.realpath(self.root).rstrip(os.sep) + os.sep
        return os.path.realpath(full).startswith(self._real_root)

    def read(self, path: str) -> bytes:
        """Return the content, cut one byte above the size limit. Never blocks on what is no regular file."""
        kept = self.overlay.get(path)
        if kept is not None:
            return kept
        full = self._prefix + path
        if os.path.islink(full) and not self._inside(full):
            raise OSError("a link out of the project")
        handle = os.open(
            full, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        )
        try:
            if not stat_module.S_ISREG(os.fstat(handle).st_mode):
                raise OSError("not a regular file")
            chunks = []
            left = MAX_BYTES + 1
            while left > 0 and (chunk := os.read(handle, min(left, 1 << 20))):
                chunks.append(chunk)
                left -= len(chunk)
        finally:
            os.close(handle)
        return b"".join(chunks)

    def target(self, path: str) -> str:
        """Return the project path that `path` stands for."""
        full = self._prefix + path
        if path in self.overlay or not os.path.islink(full) or not self._inside(full):
            return path
        return os.path.realpath(full)[len(self._real_root or "") :].replace(os.sep, "/")

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Return those of `paths` that ``.gitignore`` files ignore, or that stand in a directory that is never read."""
        from opslint.engine.discover import ignored_paths

        self.list()
        return ignored_paths(self.root, sorted(paths), uses_git=self.uses_git)
