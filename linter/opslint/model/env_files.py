"""Files that use what another file defines for reading variables, also those that the prescreen left out."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.modules import Import

if TYPE_CHECKING:
    from typing import TypeVar

    from opslint.base.fact import Fact
    from opslint.model.model import DeploymentModel

    F = TypeVar("F", bound=Fact)

MAX_ASKED = 200
"""Files that the prescreen left out and that are read after all; of ten large repositories saleor (4,338 Python files) needs most, 62."""


class EnvFiles:
    """Facts by file. A file that the prescreen left out is parsed when it imports what reads variables, and only then."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.python = model.python
        self._by_path: dict[type[Fact], dict[str, list[Fact]]] = {}
        self._imports: dict[str, list[Import]] | None = None
        self._asked: set[str] = set()

    def facts_of(self, kind: type[F], path: str) -> list[F]:
        """Return the facts of one class of one file."""
        groups = self._by_path.get(kind)
        if groups is None:
            groups = self._by_path[kind] = {}
            for fact in self.model.facts(kind):
                groups.setdefault(fact.path, []).append(fact)
        found = groups.get(path)
        if found is None:
            found = groups[path] = self._full(kind, path)
        return found  # type: ignore[return-value]

    def _full(self, kind: type[F], path: str) -> list[Fact]:
        info = self.model.files.get(path)
        if info is None or not info.screened or (path not in self._asked and len(self._asked) >= MAX_ASKED):
            return []
        self._asked.add(path)
        return list(self.model.full(path).get(kind, []))

    def importing(self, names: set[str], paths: set[str]) -> list[str]:
        """Return `paths` and the files that import one of `names` (or everything, or a module of `paths`) from another file."""
        modules = {path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2] for path in paths}
        if self._imports is None:
            self._imports = {}
            for imported in self.model.facts(Import):
                self._imports.setdefault(imported.name or imported.module.rpartition(".")[2], []).append(imported)
        found = set(paths)
        for name in sorted({*names, *modules, "*"}):
            for imported in self._imports.get(name, ()):
                if imported.path not in found and self._brings(imported, names, paths):
                    found.add(imported.path)
        return sorted(found)

    def _brings(self, imported: Import, names: set[str], paths: set[str]) -> bool:
        """Tell whether an import is of a file of this repository that can hold one of the names."""
        if imported.name == "*":
            return self._reaches(self.python.file_of(imported.module, imported.path), paths)
        if imported.name in names:
            return self.python.file_of(imported.module, imported.path) is not None
        whole = imported.module if imported.name is None else f"{imported.module.rstrip('.')}.{imported.name}"
        if imported.name is not None and imported.module.endswith("."):
            whole = imported.module + imported.name
        return self.python.file_of(whole, imported.path) in paths

    def _reaches(self, path: str | None, paths: set[str]) -> bool:
        """Tell whether everything of `path` is, directly or through up to three files, everything of one of `paths`."""
        seen = [path] if path is not None else []
        for _hop in range(3):
            for inner in list(seen):
                seen.extend(found for found, _surely in self.python.imports_of(inner) if found not in seen)
        return any(found in paths for found in seen)
