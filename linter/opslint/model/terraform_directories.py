"""Directories of Terraform files, and which of them call which."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.facts.terraform import TfBlock

MAX_MODULE_DEPTH = 8
"""Modules inside modules that are followed."""


class Directory:
    """The Terraform files of one directory."""

    __slots__ = ("blocks", "files", "path", "resources", "types")

    def __init__(self, path: str) -> None:
        self.path = path
        self.files: list[str] = []
        self.blocks: dict[str, list[TfBlock]] = {}
        self.resources: dict[tuple[str, str], TfBlock] = {}
        self.types: dict[str, list[TfBlock]] = {}

    def add(self, block: TfBlock) -> None:
        """Take one block."""
        if block.path not in self.files:
            self.files.append(block.path)
        self.blocks.setdefault(block.block, []).append(block)
        if block.block == "resource" and len(block.labels) == 2:
            # Terraform refuses an address that is declared twice; which of them is meant is not known: the first stands.
            if self.resources.setdefault((block.labels[0], block.labels[1]), block) is block:
                self.types.setdefault(block.labels[0], []).append(block)

    def of(self, kind: str) -> list[TfBlock]:
        """Return the top-level blocks of one type."""
        return self.blocks.get(kind, [])


def local_source(block: TfBlock) -> str | None:
    """Return the relative path a module block's `source` names, None when it is not a path of this repository."""
    for name, _at, expression in block.body[0]:
        if name == "source" and expression[0] == "lit" and isinstance(expression[1], str):
            source = expression[1]
            return source if source.startswith(("./", "../")) or source in (".", "..") else None
    return None


def called_paths(directory: Directory) -> list[str]:
    """Return the directories that a directory's module calls lead to."""
    out = []
    for block in directory.of("module"):
        source = local_source(block)
        if source is not None:
            path = normpath(f"{directory.path or '.'}/{source}")
            out.append("" if path == "." else path)
    return out


def types_below(directories: dict[str, Directory]) -> dict[str, frozenset[str]]:
    """Return the resource types that each directory declares, itself or through the modules it calls."""
    calls = {path: called_paths(directory) for path, directory in directories.items()}
    found = {path: set(directory.types) for path, directory in directories.items()}
    for _depth in range(MAX_MODULE_DEPTH + 1):
        grown = False
        for path, called in calls.items():
            before = len(found[path])
            for other in called:
                found[path] |= found.get(other, set())
            grown = grown or len(found[path]) > before
        if not grown:
            break
    return {path: frozenset(types) for path, types in found.items()}
