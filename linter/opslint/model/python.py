"""Python modules of the project: names to files, origins to definitions, calls, reachability."""

from __future__ import annotations

import sys

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.modules import ClassDef, DynamicImport, Function, Import, ModuleBinding, ModuleCalls
from opslint.facts.requirements import LockedPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opslint.base.fact import Fact
    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel

MAX_DEPTH = 12
"""Names, aliases and factory returns followed from one origin."""

MAX_FULL = 400
"""Files that the prescreen skipped and that one link may still ask to be parsed."""


class Target(Record):
    """What an origin stands for.

    `kind`: ``function`` (`path`, `name` its qualname), ``class``, ``module``, ``external`` (`name` the dotted origin), ``unknown``.
    """

    __slots__ = ("kind", "name", "path")
    kind: str
    name: str
    path: str


UNKNOWN = Target(kind="unknown", name="", path="")


class _Module:
    """The definitions of one file by name."""

    __slots__ = ("bindings", "classes", "functions", "imports", "stars")

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ClassDef] = {}
        self.bindings: dict[str, ModuleBinding] = {}
        self.imports: dict[str, Import] = {}
        self.stars: list[Import] = []


def _steps(paths: Iterable[str]) -> set[tuple[str, str]]:
    """Return (directory, name of a module or package in it) for all files and the directories above them."""
    found: set[tuple[str, str]] = set()
    for path in paths:
        directory, _, name = path.removesuffix(".py").rpartition("/")
        found.add((directory, name))
        while directory and (step := directory.rpartition("/")[::2]) not in found:
            found.add((step[0], step[1]))
            directory = step[0]
    return found


class PythonProject:
    """Resolves names across the Python files of the project."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.paths = frozenset(path for path, info in model.files.items() if info.kind == "python")
        self._modules: dict[str, _Module] = {}
        self._imports: dict[str, list[Import]] = {}
        self._dynamic: dict[str, list[DynamicImport]] = {}
        self._roots: dict[str, list[str]] = {}
        self._files: dict[tuple[str, str], str | None] = {}
        self._targets: dict[tuple[str, str], Target] = {}
        self._full: set[str] = set()
        self._edges: dict[str, list[tuple[str, bool]]] = {}
        for root, name in sorted(_steps(self.paths)):
            self._roots.setdefault(name, []).append(root)
        self._take(model.facts(Import), model.facts(DynamicImport))
        for kind in (Function, ClassDef, ModuleBinding):
            for fact in model.facts(kind):
                self._define(fact)

    def _take(self, imports: Iterable[Import], dynamic: Iterable[DynamicImport]) -> None:
        for imported in imports:
            self._imports.setdefault(imported.path, []).append(imported)
            module = self._module(imported.path)
            if imported.name == "*":
                module.stars.append(imported)
            elif not imported.function:
                module.imports[imported.alias] = imported
        for named in dynamic:
            self._dynamic.setdefault(named.path, []).append(named)

    def _module(self, path: str) -> _Module:
        module = self._modules.get(path)
        if module is None:
            module = self._modules[path] = _Module()
        return module

    def _define(self, fact: Fact) -> None:
        module = self._module(fact.path)
        if isinstance(fact, Function):
            module.functions[fact.qualname] = fact
        elif isinstance(fact, ClassDef):
            module.classes[fact.qualname] = fact
        elif isinstance(fact, ModuleBinding):
            module.bindings[fact.name] = fact

    def _definitions(self, path: str) -> _Module:
        """The definitions of a file; one the prescreen skipped is parsed now (bounded)."""
        info = self.model.files.get(path)
        if info is not None and info.screened and path not in self._full and len(self._full) < MAX_FULL:
            self._full.add(path)
            for kind, facts in self.model.full(path).items():
                if kind in (Function, ClassDef, ModuleBinding):
                    for fact in facts:
                        self._define(fact)
        return self._module(path)

    def file_of(self, module: str, importer: str) -> str | None:
        """Return the project file a module name stands for, imported from file `importer`; None: not in this repository, or ambiguous.

        Absolute names are looked for below each directory above the importer, innermost first, then below the one other
        directory of the project that holds them.
        """
        key = (module, importer.rpartition("/")[0])
        if key not in self._files:
            self._files[key] = self._find_file(module, importer)
        return self._files[key]

    def _find_file(self, module: str, importer: str) -> str | None:
        parts = importer.split("/")[:-1]
        if module.startswith("."):
            level = len(module) - len(module.lstrip("."))
            if level - 1 > len(parts):
                return None
            base = parts[: len(parts) - (level - 1)]
            return self._existing("/".join([*base, *[part for part in module.lstrip(".").split(".") if part]]))
        if module.partition(".")[0] in sys.stdlib_module_names:
            return None
        relative = module.replace(".", "/")
        for depth in range(len(parts), -1, -1):
            # A package's own directory is no place that absolute names are looked for in, unless it is what a function's archive holds.
            directory = "/".join(parts[:depth])
            if "/".join([*parts[:depth], "__init__.py"]) in self.paths and directory not in self._function_roots:
                continue
            found = self._existing("/".join([*parts[:depth], relative]))
            if found is not None:
                return found
        candidates = {
            found
            for root in self._roots.get(module.partition(".")[0], ())
            if f"{root}/__init__.py" not in self.paths
            and (found := self._existing(f"{root}/{relative}" if root else relative)) is not None
        }
        if not candidates and "." in module and self._installed and module.partition(".")[0].lower() not in self._installed:
            # ``backend/__init__.py`` above ``backend/app``: a directory may be where names begin though it is a package as well. Only for
            # names of several parts that no distribution gives: ``redis.client`` is not ``shop/redis/client.py``.
            for depth in range(len(parts), 0, -1):
                found = self._existing("/".join([*parts[:depth], relative]))
                if found is not None:
                    return found
        return candidates.pop() if len(candidates) == 1 else None

    @cached_property
    def _installed(self) -> frozenset[str]:
        """The distributions that the project asks for, by the name most of them are imported by."""
        return frozenset(package.name.lower().replace("-", "_") for package in self.model.facts(LockedPackage))

    @cached_property
    def _function_roots(self) -> frozenset[str]:
        """Directories that are packaged as cloud functions: there the names of the code begin."""
        return frozenset(cloud.code for cloud in self.model.resources.functions) if self.model.has_cloud else frozenset()

    def _existing(self, stem: str) -> str | None:
        # A package hides a module of the same name beside it (importlib.machinery.FileFinder looks for the directory first).
        package = f"{stem}/__init__.py" if stem else "__init__.py"
        if package in self.paths:
            return package
        return f"{stem}.py" if f"{stem}.py" in self.paths else None

    def resolve(self, path: str, origin: str) -> Target:
        """Return what an origin taken from file `path` stands for."""
        key = (path, origin)
        if key not in self._targets:
            self._targets[key] = UNKNOWN
            self._targets[key] = self._resolve(path, origin, 0)
        return self._targets[key]

    def expand(self, path: str, origin: str) -> str:
        """Return the external origin something comes from (``requests.Session().get``), or "" when it is not external."""
        target = self.resolve(path, origin)
        return target.name if target.kind == "external" else ""

    def function(self, path: str, qualname: str) -> Function | None:
        """Return the function fact of a definition."""
        return self._definitions(path).functions.get(qualname)

    def function_at(self, path: str, origin: str) -> Function | None:
        """Return the function an origin taken from file `path` stands for."""
        target = self.resolve(path, origin)
        return self.function(target.path, target.name) if target.kind == "function" else None

    def callees(self, function: Function) -> Iterator[tuple[Function, Loc, str]]:
        """Yield the repository functions that `function` calls or passes on to be called, with the place of the first of each.

        The third element says how: ``calls``, ``passed`` (to be called while it waits), ``later`` (by a thread or after the answer).
        """
        for origin, place in function.calls:
            found = self.function_at(function.path, str(origin))
            if found is not None and isinstance(place, int):
                yield found, (function.path, place), "calls"
        for origin, place, how in function.passed:
            found = self.function_at(function.path, str(origin))
            if found is not None and isinstance(place, int):
                yield found, (function.path, place), str(how)

    def _resolve(self, path: str, origin: str, depth: int) -> Target:
        if depth > MAX_DEPTH:
            return UNKNOWN
        if origin.startswith("<local>."):
            return self._member(path, origin[8:].split("."), depth)
        bare = origin.lstrip(".")
        dots = origin[: len(origin) - len(bare)]
        parts = bare.split(".") if bare else []
        # The longest prefix that is a file of the project is the module, the rest are names in it.
        for count in range(len(parts), -1, -1):
            head = ".".join(parts[:count])
            if (not head and not dots) or "(" in head:
                continue
            found = self.file_of(dots + head, path)
            if found is not None and (found != path or dots or count == len(parts)):
                rest = parts[count:]
                return self._member(found, rest, depth + 1) if rest else Target(kind="module", name="", path=found)
        return UNKNOWN if dots or "<" in origin else Target(kind="external", name=origin, path="")

    def _member(self, path: str, names: list[str], depth: int) -> Target:
        """Resolve `names` (``["Client()", "get"]``) inside the module at `path`."""
        if depth > MAX_DEPTH:
            return UNKNOWN
        module = self._definitions(path)
        head = names[0].removesuffix("()")
        called, rest = names[0].endswith("()"), names[1:]
        for count in range(len(names), 0, -1):
            qualname = ".".join(name.removesuffix("()") for name in names[:count])
            function = module.functions.get(qualname)
            if function is not None:
                if count == len(names) and not names[-1].endswith("()"):
                    return Target(kind="function", name=qualname, path=path)
                rest_names = names[count:]
                if rest_names and rest_names[0].startswith("<"):
                    index = int(rest_names[0][1 : rest_names[0].index(">")])
                    part = function.parts[index] if index < len(function.parts) else None
                    called_part = "()" if part and rest_names[0].endswith("()") else ""
                    return self._through(path, part + called_part if part else None, rest_names[1:], depth)
                return self._through(path, function.returns, rest_names, depth)
            if qualname in module.classes:
                return self._of_class(path, module.classes[qualname], names[count:], depth)
        if head in module.bindings:
            return self._resolve(path, _join(module.bindings[head].origin + ("()" if called else ""), rest), depth + 1)
        if head in module.imports:
            imported = module.imports[head]
            base = imported.module if imported.name is None else _dotted(imported.module, imported.name)
            if imported.name is None and "." in imported.module and imported.alias == imported.module.partition(".")[0]:
                base = imported.alias
            return self._resolve(path, _join(base + ("()" if called else ""), rest), depth + 1)
        submodule = self.file_of(f".{head}", path) if path.endswith("__init__.py") else None
        if submodule is not None and not called:
            return self._member(submodule, rest, depth + 1) if rest else Target(kind="module", name="", path=submodule)
        for star in module.stars:
            found = self.file_of(star.module, path)
            if found is not None and found != path:
                target = self._member(found, names, depth + 1)
                if target.kind != "unknown":
                    return target
        return UNKNOWN

    def _through(self, path: str, returns: str | None, rest: list[str], depth: int) -> Target:
        return self._resolve(path, _join(returns, rest), depth + 1) if returns else UNKNOWN

    def _of_class(self, path: str, klass: ClassDef, rest: list[str], depth: int) -> Target:
        if not rest:
            return Target(kind="class", name=klass.qualname, path=path)
        for base in klass.bases:
            target = self._resolve(path, _join(base, rest) if not base.endswith("()") else base, depth + 1)
            if target.kind in ("function", "external"):
                return target
        return UNKNOWN

    def imports_of(self, path: str) -> list[tuple[str, bool]]:
        """Return the project files that a file imports, each with whether it surely does, in source order."""
        known = self._edges.get(path)
        if known is not None:
            return known
        edges: dict[str, bool] = {}

        def add(found: str | None, surely: bool) -> None:
            if found is not None and found != path:
                edges[found] = edges.get(found, False) or surely

        for imported in self._imports.get(path, ()):
            found = self.file_of(imported.module, path)
            add(found, imported.surely)
            if imported.name and imported.name != "*":
                add(self.file_of(_dotted(imported.module, imported.name), path), imported.surely)
            module = imported.module
            while "." in module.lstrip("."):
                module = module.rpartition(".")[0]
                add(self.file_of(module, path), imported.surely)
        for named in self._dynamic.get(path, ()):
            for found in self._named_files(named.name, path):
                add(found, named.surely)
        known = self._edges[path] = list(edges.items())
        return known

    def _named_files(self, name: str, path: str) -> Iterator[str | None]:
        """The files a dotted string loads: the module, the module holding the named object, an app's models and config."""
        found = self.file_of(name, path)
        yield found
        package = name if found is not None and found.endswith("/__init__.py") else ""
        if found is None and "." in name:
            holder = self.file_of(name.rpartition(".")[0], path)
            yield holder
            if holder is not None and holder.endswith("/apps.py"):
                package = name.rpartition(".")[0].rpartition(".")[0]  # an app named by its configuration
        if package:
            for part in ("apps", "models", "tasks", "signals"):
                yield self.file_of(f"{package}.{part}", path)

    def surely(self, entries: Iterable[str]) -> set[str]:
        """Return the files that are surely loaded when `entries` start."""
        return self._reach(entries, surely_only=True)

    def possibly(self, entries: Iterable[str]) -> set[str]:
        """Return the files that may be loaded when `entries` start."""
        return self._reach(entries, surely_only=False)

    def _reach(self, entries: Iterable[str], *, surely_only: bool) -> set[str]:
        seen: set[str] = set()
        stack = [path for path in entries if path in self.paths]
        while stack:
            path = stack.pop()
            if path in seen:
                continue
            seen.add(path)
            stack.extend(found for found, surely in self.imports_of(path) if surely or not surely_only)
        return seen

    def module_calls(self) -> list[ModuleCalls]:
        """Return what modules call when imported."""
        return self.model.facts(ModuleCalls)


def _dotted(module: str, name: str) -> str:
    return module + name if module.endswith(".") else f"{module}.{name}"


def _join(origin: str, rest: list[str]) -> str:
    return ".".join([origin, *rest]) if rest else origin
