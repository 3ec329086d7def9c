"""Which projects a run checks, and which files each has. Nothing here depends on the order of the arguments."""

from __future__ import annotations

import os

from opslint.base.errors import UsageError
from opslint.base.typing import TYPE_CHECKING
from opslint.engine import git
from opslint.engine.classify import KEPT_DOT_DIRECTORIES, SKIPPED_DIRECTORIES

if TYPE_CHECKING:
    from typing import Any

CONFIG_NAMES = ("opslint.toml", "pyproject.toml")


class Target:
    """One project of a run. `selected` are project paths of files or directories that were given ("" is all of it).

    `listing` is what `list_files` said while looking for projects below, so that git is not asked twice.
    """

    __slots__ = ("listing", "root", "selected")

    def __init__(self, root: str) -> None:
        self.root = root
        self.selected: set[str] = set()
        self.listing: tuple[list[str], bool] | None = None


def holds_config(directory: str, cache: dict[str, bool]) -> bool:
    """Tell whether a directory is a project by its configuration."""
    known = cache.get(directory)
    if known is None:
        known = cache[directory] = os.path.isfile(os.path.join(directory, "opslint.toml")) or is_configured(
            os.path.join(directory, "pyproject.toml")
        )
    return known


def configuration_of(root: str) -> str | None:
    """Return the configuration file of the project at `root`, if it has one."""
    own = os.path.join(root, "opslint.toml")
    if os.path.isfile(own):
        return own
    shared = os.path.join(root, "pyproject.toml")
    return shared if is_configured(shared) else None


def is_configured(pyproject: str) -> bool:
    """Tell whether a `pyproject.toml` has a `[tool.opslint]` table (or one below it)."""
    try:
        if not os.path.isfile(pyproject):
            return False
        with open(pyproject, "rb") as handle:
            data = handle.read(4 << 20)
    except OSError:
        return False
    return is_configuration(data)


def is_configuration(data: bytes) -> bool:
    """Tell whether the content of a `pyproject.toml` has a `[tool.opslint]` table (or one below it)."""
    return b"opslint" in data and any(
        line.strip().replace(b" ", b"").replace(b'"', b"").startswith((b"[tool.opslint]", b"[tool.opslint.", b"[[tool.opslint."))
        for line in data.split(b"\n")
    )


def find_targets(paths: list[str], root: str | None, *, overlay: str | None = None) -> list[Target]:
    """Return the projects that `paths` touch, sorted by root. UsageError for a path that is not there and never was in git."""
    given = sorted(
        {os.path.abspath(path) for path in paths or ([] if overlay else ["."])}
        | ({os.path.abspath(overlay)} if overlay else set())
    )
    for path in given:
        if not os.path.lexists(path) and path != (overlay and os.path.abspath(overlay)) and not _was_there(path):
            raise UsageError(f"{path}: no such file or directory")
    if root is not None:
        top = os.path.abspath(root)
        if not os.path.isdir(top):
            raise UsageError(f"--root {root}: no such directory")
        target = Target(top)
        for path in given:
            if path != top and not path.startswith(top.rstrip(os.sep) + os.sep):
                raise UsageError(f"{path} is not below --root {root}")
            target.selected.add(_relative(path, top))
        return [target]
    configured: dict[str, bool] = {}
    loose = [path for path in given if _root_of(path, configured) is None]
    common = _common_directory(loose)
    targets: dict[str, Target] = {}
    for path in given:
        top = _root_of(path, configured) or common
        targets.setdefault(top, Target(top)).selected.add(_relative(path, top))
    return [targets[top] for top in sorted(targets)]


def _was_there(path: str) -> bool:
    parent = os.path.dirname(path)
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    return git.top_of(parent) is not None and git.knows(parent, os.path.relpath(path, parent))


def _relative(path: str, root: str) -> str:
    relative = os.path.relpath(path, root)
    return "" if relative == "." else relative.replace(os.sep, "/")


def _root_of(path: str, configured: dict[str, bool]) -> str | None:
    directory = path if os.path.isdir(path) else os.path.dirname(path)
    top = directory
    while True:
        if holds_config(top, configured):
            return top
        if os.path.lexists(os.path.join(top, ".git")):
            break
        parent = os.path.dirname(top)
        if parent == top:
            return None
        top = parent
    return top


def _common_directory(paths: list[str]) -> str:
    directories = [path if os.path.isdir(path) else os.path.dirname(path) for path in paths]
    return os.path.commonpath(directories) if directories else ""


def nested_roots(root: str, paths: list[str]) -> list[str]:
    """Return the project directories (relative, sorted) that stand below `root`, by the configuration files among `paths`."""
    found = set()
    for path in paths:
        if not path.endswith(CONFIG_NAMES):
            continue
        directory, _, name = path.rpartition("/")
        if directory and name in CONFIG_NAMES and (name == "opslint.toml" or is_configured(os.path.join(root, path))):
            found.add(directory)
    return sorted(found)


def add_nested(targets: list[Target]) -> list[Target]:
    """Return `targets` and the projects below their selected directories; a directory argument takes these too."""
    known = {target.root: target for target in targets}
    for target in targets:
        wanted = sorted(target.selected)
        if not any(os.path.isdir(os.path.join(target.root, path)) for path in wanted):
            continue
        target.listing = list_files(target.root, tracked=False)
        paths = target.listing[0]
        for nested in nested_roots(target.root, paths):
            if any(path == "" or nested == path or nested.startswith(path + "/") for path in wanted):
                top = os.path.join(target.root, *nested.split("/"))
                known.setdefault(top, Target(top)).selected.add("")
    return [known[top] for top in sorted(known)]


def list_files(root: str, *, tracked: bool) -> tuple[list[str], bool]:
    """Return (project paths below `root`, sorted; whether git told them)."""
    if git.top_of(root) is not None:
        try:
            return git.ls_files(root, tracked=tracked), True
        except git.GitError:
            pass
    return _walk(root), False


def _walk(root: str) -> list[str]:
    """List files without git: directories that are never read are left out, ``.gitignore`` files count."""
    found: list[str] = []
    ignores = _Ignores()
    pending = [""]
    while pending:
        relative = pending.pop()
        try:
            entries = sorted(os.scandir(os.path.join(root, relative)), key=lambda entry: entry.name)
        except OSError:
            continue
        if any(entry.name == ".gitignore" for entry in entries):
            ignores.add(root, relative)
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            # Links to directories are not followed: their content is listed where it stands, or lies outside.
            if entry.is_dir(follow_symlinks=False):
                if not is_skipped(entry.name) and not ignores.match(path + "/"):
                    pending.append(path)
            elif not ignores.match(path):
                found.append(path)
    return sorted(found)


def is_skipped(segment: str) -> bool:
    """Tell whether a directory of this name is never read."""
    return segment in SKIPPED_DIRECTORIES or (segment.startswith(".") and segment not in KEPT_DOT_DIRECTORIES)


class _Ignores:
    """The ``.gitignore`` files of a tree that git does not know, through `pathspec` (imported when there is one)."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def add(self, root: str, directory: str) -> None:
        from pathspec import GitIgnoreSpec

        try:
            with open(os.path.join(root, directory, ".gitignore"), encoding="utf-8", errors="replace") as handle:
                lines = handle.read(1 << 20).split("\n")
        except OSError:
            return
        try:
            self._specs[directory] = GitIgnoreSpec.from_lines(lines)
        except ValueError:
            # git passes over a pattern that it cannot read; the library refuses the whole file.
            self._specs[directory] = GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])

    def match(self, path: str) -> bool:
        if not self._specs:
            return False
        verdict = False
        parts = path.split("/")
        for depth in range(len(parts)):
            directory = "/".join(parts[:depth])
            spec = self._specs.get(directory)
            if spec is not None:
                result = spec.check_file(path[len(directory) + 1 :] if directory else path)
                if result.include is not None:
                    verdict = bool(result.include)
        return verdict


def _is_pattern(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def ignored_paths(root: str, paths: list[str], *, uses_git: bool) -> set[str]:
    """Return those of `paths` (there or not) that the tree ignores or that stand in a directory that is never read."""
    skipped = {path for path in paths if any(is_skipped(segment) for segment in path.split("/")[:-1])}
    rest = [path for path in paths if path not in skipped]
    if not rest:
        return skipped
    if uses_git:
        return skipped | git.ignored(root, rest)
    ignores = _Ignores()
    found = set(skipped)
    for path in rest:
        parts = path.split("/")
        for depth in range(len(parts)):
            directory = "/".join(parts[:depth])
            if os.path.isfile(os.path.join(root, directory, ".gitignore")):
                ignores.add(root, directory)
        if any(
            ignores.match("/".join(parts[:depth]) + ("/" if depth < len(parts) else "")) for depth in range(1, len(parts) + 1)
        ):
            found.add(path)
    return found
