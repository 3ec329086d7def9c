"""When does a kept linked result still hold? When all it rests on is as it was."""

from __future__ import annotations

import os

from opslint.base.typing import TYPE_CHECKING
from opslint.engine.project import Linked

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.engine.run import ProjectRun


class Asked:
    """Answers what a model asks beyond facts, and remembers it: a linked result holds as long as the answers do."""

    def __init__(self, project: ProjectRun) -> None:
        self._project = project
        self._contents: dict[str, str] = {}
        self._base: list[str | None] = []
        self._ignored: dict[str, bool] = {}
        self._paths: frozenset[str] | None = None

    def read(self, path: str) -> bytes | None:
        """Return a file's content."""
        data = self._project.stage.read(path)
        self._contents[path] = "" if data is None else self._project.stage.hash(data)
        return data

    def is_ignored(self, path: str) -> bool:
        """Tell whether the tree's ignore files ignore a path. Their content is part of `linked_key`."""
        known = self._ignored.get(path)
        if known is None:
            known = self._ignored[path] = path in self._project.source.ignored([path])
        return known

    def full(self, path: str) -> dict[type[Fact], list[Fact]]:
        """Return the facts of a file that the prescreen passed over."""
        entry = self._project.stage.entries.get(path)
        self._contents[path] = "" if entry is None else entry.content
        return self._project.stage.full(path)

    def old_paths(self) -> frozenset[str] | None:
        """Return the paths of the base revision."""
        if not self._base:
            base = self._project.base_commit()
            if base is not None:
                from opslint.engine.diff import paths_at

                self._paths = paths_at(self._project.root, base)
            self._base.append(base)
        return self._paths

    def encode(self) -> list[Any]:
        """Return what was asked as JSON values."""
        return [dict(sorted(self._contents.items())), self._base]


def linked_key(project: ProjectRun) -> str:
    """Return the digest of everything a linked result rests on, but for what `Asked` remembers."""
    entries = project.stage.entries
    parts = [
        "\0".join(entries),
        "\0".join([f"{entry.digest}{entry.role}{entry.state}{entry.refined}{entry.kind}" for entry in entries.values()]),
        repr(project.settings),
        "\0".join(sorted(project.enabled)),
        str(project.options.all_migrations),
        outer_ignores(project.root),
    ]
    hashed = [project.stage.hash(part.encode("utf-8", "surrogatepass")) for part in parts]
    return project.stage.hash("".join(hashed).encode())


def outer_ignores(root: str) -> str:
    """Return the content of the ignore files between the git top and a project below it."""
    from opslint.engine.git import top_of

    top = top_of(root)
    texts = []
    directory = root
    while top is not None and directory != top:
        directory = os.path.dirname(directory)
        path = os.path.join(directory, ".gitignore")
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as handle:
                texts.append(handle.read(1 << 20))
    return "\0".join(texts)


def recall_linked(project: ProjectRun, key: str) -> Linked | None:
    """Return the linked result kept under `key` when all that it asked for would be answered the same, else None."""
    stage = project.stage
    kept = stage.store.read_link(key) if stage.store is not None and key else None
    if kept is None:
        return None
    values, (contents, base) = kept
    for path, content in contents.items():
        entry = stage.entries.get(path)
        now = entry.content if entry is not None else ""
        if not now and entry is not None:
            data = stage.read(path)
            now = "" if data is None else stage.hash(data)
        if now != content:
            return None
    if base and project.base_commit() != base[0]:
        return None
    return Linked.decode(values)
