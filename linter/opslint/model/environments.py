"""The environments of a project and which of them a file belongs to."""

from __future__ import annotations

from opslint.base.location import FILE_TOP
from opslint.base.typing import TYPE_CHECKING
from opslint.model import environment_names as names
from opslint.model.records import TIERS, Environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.model.model import DeploymentModel


def environment(tier: str, instance: str | None = None) -> Environment:
    """Make an environment; its name is ``tier`` or ``tier/instance``."""
    return Environment(instance=instance, name=f"{tier}/{instance}" if instance else tier, tier=tier)


class Environments:
    """Answers which environment a path or a value names: declared ones first, then naming positions."""

    def __init__(self, model: DeploymentModel) -> None:
        self._model = model
        self._declared = model.settings.environments
        self._children: dict[str, set[str]] = {}
        for path in model.files:
            directory, _, name = path.rpartition("/")
            while directory not in self._children:
                self._children[directory] = {name}
                directory, _, name = directory.rpartition("/")
            if name:
                self._children[directory].add(name)
        self._of_directory: dict[str, Environment | None] = {}
        self._of_path: dict[str, Environment | None] = {}
        self._paths = list(model.files)
        self._ambiguous = self._declared_twice()

    def _declared_twice(self) -> set[str]:
        """Return the declared names that stand for two places: which of them is meant by such a value is not known."""
        places: dict[str, set[str]] = {}
        for item in self._declared:
            places.setdefault(item.name, set()).add(environment(item.tier, item.instance).name)
        twice = {name: found for name, found in places.items() if len(found) > 1}
        for name, found in sorted(twice.items()):
            message = f"`{name}` is declared as {' and as '.join(sorted(found))}: what is deployed to `{name}` belongs to neither for sure"
            loc = (self._model.settings.source, FILE_TOP)
            self._model.blind("environment-ambiguous", loc, message, "give each [[environment]] a name of its own")
        return set(twice)

    def side_by_side(self) -> list[tuple[str, list[str]]]:
        """Return (environment, paths of directories or files beside each other that all name it): two spellings of one place, or two places."""
        beside: dict[tuple[str, str], dict[str, None]] = {}
        for path in self._paths:
            found = self.of_path(path)
            directory, _, name = path.rpartition("/")
            while found is not None and name:
                if names.split_name(name.partition(".")[0], weak=True) == (found.tier, found.instance):
                    beside.setdefault((found.name, directory), {})[f"{directory}/{name}" if directory else name] = None
                directory, _, name = directory.rpartition("/")
        return [(name, sorted(paths)) for (name, _directory), paths in sorted(beside.items()) if _spellings(paths) > 1]

    def seen(self) -> list[str]:
        """Return the names of all environments: those of `all`, and those that only a deployment names (a pipeline's target, a namespace)."""
        names = {item.name for item in self.all}
        for deployment in self._model.deployments:
            names.update(deployment.environments)
            names.update(name for workload in deployment.workloads for name in workload.environments)
        return sorted(names, key=lambda name: (TIERS.index(tier_of(name)), name))

    @property
    def all(self) -> list[Environment]:
        """All environments that some file's path names or the configuration declares, in order of tiers and names."""
        found = {item.name: item for item in map(self.of_path, self._paths) if item is not None}
        for declared in self._declared:
            item = environment(declared.tier, declared.instance)
            found.setdefault(item.name, item)
        return sorted(found.values(), key=lambda item: (TIERS.index(item.tier), item.name))

    def of_path(self, path: str) -> Environment | None:
        """Return the environment a file belongs to by its path, or None: it belongs to whatever uses it."""
        if path not in self._of_path:
            self._of_path[path] = self._find(path)
        return self._of_path[path]

    def _find(self, path: str) -> Environment | None:
        for declared in self._declared:
            if any(_matches(path, glob) for glob in declared.paths):
                return environment(declared.tier, declared.instance)
        directory, _, name = path.rpartition("/")
        by_name = names.of_file_name(name, directory.rpartition("/")[2])
        if by_name is not None:
            return environment(*by_name)
        if directory not in self._of_directory:
            self._of_directory[directory] = self._find_directory(directory)
        return self._of_directory[directory]

    def _find_directory(self, directory: str) -> Environment | None:
        parts = directory.split("/") if directory else []
        # The innermost directory that names a tier wins: `live/prod/eu/staging-bastion` is production's.
        for depth in range(len(parts) - 1, -1, -1):
            parent = parts[depth - 1] if depth else ""
            found = names.of_segment(parts[depth], parent, self._children.get("/".join(parts[:depth]), ()))
            if found is not None:
                tier, instance = found
                below = parts[depth + 1] if depth + 1 < len(parts) else ""
                if instance is None and below and names.is_region(below):
                    instance = below
                return environment(tier, instance)
        return None

    def of_value(self, text: str) -> Environment | None:
        """Return the environment a whole value names (a namespace, a workspace, a stage, ``environment:``)."""
        if text in self._ambiguous:
            return None
        for declared in self._declared:
            if declared.name == text:
                return environment(declared.tier, declared.instance)
        found = names.of_value(text)
        return environment(*found) if found else None

    def names_of(self, paths: Iterable[str]) -> list[str]:
        """Return the names of the environments that some of `paths` belong to, in order of tiers and names."""
        found = {item.name: item for item in map(self.of_path, paths) if item is not None}
        return [item.name for item in sorted(found.values(), key=lambda item: (TIERS.index(item.tier), item.name))]


def _spellings(paths: Iterable[str]) -> int:
    """Count the different names at the ends of paths, without their file endings."""
    return len({path.rpartition("/")[2].partition(".")[0] for path in paths})


def tier_of(name: str) -> str:
    """Return the tier of an environment name (``production/eu`` → ``production``)."""
    return name.partition("/")[0]


def _matches(path: str, glob: str) -> bool:
    """Match a declared path: a glob over the whole path, or a directory that holds it."""
    from fnmatch import fnmatchcase

    if ":/" in path and ":/" not in glob:
        return False  # in a sibling repository, whose places its own configuration declares
    return fnmatchcase(path, glob) or path.startswith(glob.rstrip("/*") + "/") or path == glob
