"""Terragrunt units as Terraform roots: `include`, `locals`, `inputs`, `remote_state`, and the functions that name folders.

What is not followed: `dependency` outputs, `generate`, `run_cmd`, hooks; they leave Unknown values, never wrong ones.
"""

from __future__ import annotations

from posixpath import normpath, relpath

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.model.terraform_backends import Backend
from opslint.model.terraform_directories import Directory
from opslint.model.terraform_eval import Evaluator, Names
from opslint.model.terraform_modules import ModuleInstance
from opslint.model.terraform_nodes import Body
from opslint.model.terraform_roots import Root, parent_of
from opslint.model.terraform_settings import Input, Settings
from opslint.model.terraform_values import as_text, settled

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import HclFile
    from opslint.model.environments import Environments

MAX_FILES = 12
"""Files that one unit reads (includes and `read_terragrunt_config`)."""

DEFAULT_NAME = "terragrunt.hcl"


def units(
    environments: Environments,
    directories: dict[str, Directory],
    files: list[HclFile],
    functions: Callable[[str], dict[str, Callable[[list[Value]], Value]]],
    blind: Callable[[str, Loc, str], None],
) -> list[Root]:
    """Return one root for each unit: a ``terragrunt.hcl`` that names a module or includes another file."""
    by_path = {file.path: file for file in files}
    found = [_Unit(file, by_path) for file in files if file.path.rpartition("/")[2] == DEFAULT_NAME]
    parents = {path for unit in found for path in unit.included}
    out: list[Root] = []
    for unit in found:
        if unit.file.path not in parents and unit.is_unit:
            out.append(_root(unit, environments, directories, functions, blind))
    return out


class _Unit:
    """One ``terragrunt.hcl`` with what it includes; every file is evaluated as seen from this unit."""

    def __init__(self, file: HclFile, files: dict[str, HclFile]) -> None:
        self.file = file
        self.directory = parent_of(file.path)
        self._files = files
        self._evaluator = Evaluator()
        self._locals: dict[str, dict[str, Value]] = {}
        self._entered: set[str] = set()
        self.included = self._included()

    @property
    def is_unit(self) -> bool:
        """Whether something is deployed from here."""
        return bool(self.included) or any(block[0] == "terraform" for block in self.file.body[1])

    def _included(self) -> list[str]:
        out = []
        for block in self.file.body[1]:
            if block[0] == "include":
                for name, _at, expression in block[3][0]:
                    if name == "path":
                        path = as_text(self.value(expression, self.file))
                        if path is not None and path in self._files:
                            out.append(path)
        return out

    def chain(self) -> list[HclFile]:
        """Return the included files, then the unit's own: later ones win."""
        return [*(self._files[path] for path in self.included), self.file]

    def value(self, expression: Any, file: HclFile) -> Value:
        """Evaluate an expression that stands in `file`."""
        return self._evaluator.value(expression, self._names(file))

    def _names(self, file: HclFile) -> Names:
        directory = parent_of(file.path)
        functions: dict[str, Callable[[list[Value]], Value]] = {
            "find_in_parent_folders": self._find,
            "get_env": lambda _arguments: unknown("an environment variable of who runs Terragrunt"),
            "get_original_terragrunt_dir": lambda _arguments: known(self.directory),
            "get_parent_terragrunt_dir": lambda _arguments: known(directory),
            "get_terragrunt_dir": lambda _arguments: known(self.directory),
            "path_relative_from_include": lambda _arguments: known(relpath(directory or ".", self.directory or ".")),
            "path_relative_to_include": lambda _arguments: known(self._relative(directory)),
            "read_terragrunt_config": self._read,
        }

        def look(name: str, steps: list[Any], _evaluator: Evaluator) -> tuple[Value, list[Any]]:
            if name == "local":
                return known(self._locals_of(file)), steps
            if name == "include" and steps and self.included:
                parent = self._files[self.included[0]]
                rest = steps[1:] if isinstance(steps[0], str) and steps[0] not in ("locals", "inputs") else steps
                return known({"locals": known(self._locals_of(parent))}), rest
            return unknown(f"{name} is not followed"), []

        return Names(bound={}, functions=functions, look=look)

    def _relative(self, directory: str) -> str:
        if directory == self.directory and self.included:
            directory = parent_of(self.included[0])
        return relpath(self.directory or ".", directory or ".")

    def _find(self, arguments: list[Value]) -> Value:
        name = as_text(arguments[0]) if arguments else DEFAULT_NAME
        if name is None:
            return unknown("find_in_parent_folders() of something unknown")
        current = self.directory
        while current:
            current = parent_of(current)
            path = f"{current}/{name}" if current else name
            if path in self._files:
                return known(path)
        return arguments[1] if len(arguments) > 1 else unknown(f"no {name} above")

    def _read(self, arguments: list[Value]) -> Value:
        text = as_text(arguments[0]) if arguments else None
        path = None if text is None else text if text in self._files else normpath(f"{self.directory or '.'}/{text}")
        file = self._files.get(path or "")
        if file is None or len(self._locals) > MAX_FILES:
            return unknown("a Terragrunt file that is not in the repository")
        return known({"locals": known(self._locals_of(file)), "inputs": self._inputs_of(file)})

    def _locals_of(self, file: HclFile) -> dict[str, Value]:
        """Return the locals of a file; one that is being read is left out of what it refers to itself."""
        found = self._locals.get(file.path)
        if found is not None:
            return found
        found = self._locals[file.path] = {}
        for block in file.body[1]:
            if block[0] == "locals":
                for name, _at, expression in _in_order(block[3][0]):
                    found[name] = self.value(expression, file)
        return found

    def _inputs_of(self, file: HclFile) -> Value:
        if file.path in self._entered:
            return unknown("inputs that refer to themselves")
        self._entered.add(file.path)
        try:
            for name, _at, expression in file.body[0]:
                if name == "inputs":
                    return self.value(expression, file)
        finally:
            self._entered.discard(file.path)
        return known({})

    def inputs(self) -> dict[str, Input]:
        """Return what the unit gives to its module."""
        out: dict[str, Input] = {}
        for file in self.chain():
            at = next((place for name, place, _expression in file.body[0] if name == "inputs"), file.at)
            value = settled(self._inputs_of(file))
            if isinstance(value, Known) and isinstance(value.value, dict):
                for name, item in value.value.items():
                    out[name] = Input(file.place(at), value=item)
        return out

    def backend(self) -> Backend | None:
        """Return the remote state of the unit, its own or the included one."""
        made: Backend | None = None
        for file in self.chain():
            for block in file.body[1]:
                if block[0] == "remote_state":
                    made = self._backend(file, block)
        return made

    def _backend(self, file: HclFile, block: list[Any]) -> Backend:
        loc = file.place(block[2])
        fields = {name: (at, expression) for name, at, expression in block[3][0]}
        kind = as_text(self.value(fields["backend"][1], file)) if "backend" in fields else None
        given: dict[str, tuple[Value, Loc]] = {}
        if "config" in fields:
            at, expression = fields["config"]
            places = {key[1]: place for key, _value, place in expression[2]} if expression[0] == "obj" else {}
            value = settled(self.value(expression, file))
            if isinstance(value, Known) and isinstance(value.value, dict):
                given = {name: (item, file.place(places.get(name, at))) for name, item in value.value.items()}
        empty = Body([[], [], not given], file.path, loc, self._names(file), self._evaluator)
        return Backend(kind or "unknown", loc, empty, given, not given, "remote_state")

    def source(self) -> str | None:
        """Return the project path of the module, None when it is not in the repository."""
        for file in reversed(self.chain()):
            for block in file.body[1]:
                if block[0] == "terraform":
                    for name, _at, expression in block[3][0]:
                        text = as_text(self.value(expression, file)) if name == "source" else None
                        if text is not None:
                            return self._resolved(text)
        return None

    def _resolved(self, text: str) -> str | None:
        if "::" in text or "://" in text or text.startswith(("git@", "tfr:", "github.com")):
            return None
        text = text.replace("//", "/")
        base = "" if self.directory and text.startswith(self.directory + "/") else self.directory
        path = normpath(f"{base or '.'}/{text}")
        return "" if path == "." else path


def _in_order(attributes: list[Any]) -> list[Any]:
    """Order locals so that those another one needs come first (as far as a few passes can tell)."""
    from opslint.base.expression import walk

    waiting = list(attributes)
    done: set[str] = set()
    names = {name for name, _at, _expression in attributes}
    out: list[Any] = []
    while waiting:
        ready = []
        for attribute in waiting:
            needed = {
                e[2][0] for e in walk(attribute[2]) if e[0] == "ref" and e[1] == "local" and e[2] and isinstance(e[2][0], str)
            }
            if needed & names <= done:
                ready.append(attribute)
        if not ready:
            return [*out, *waiting]
        out.extend(ready)
        done.update(name for name, _at, _expression in ready)
        waiting = [attribute for attribute in waiting if attribute not in ready]
    return out


def _root(
    unit: _Unit,
    environments: Environments,
    directories: dict[str, Directory],
    functions: Callable[[str], dict[str, Callable[[list[Value]], Value]]],
    blind: Callable[[str, Loc, str], None],
) -> Root:
    source = unit.source()
    directory = directories.get(source) if source is not None else None
    if directory is None:
        blind("module-not-in-repository", unit.file.loc, "the module of this Terragrunt unit is not in this repository")
        directory = Directory(unit.directory)
    found = environments.of_path(unit.file.path)
    names = [found.name] if found else []
    settings = Settings(
        directories, unit.directory, unknown("terraform.workspace"), functions(unit.directory), blind, _inherited, applied=True
    )
    module = ModuleInstance(settings, directory, inputs=unit.inputs())
    module.__dict__["environments"] = names
    return Root(
        applied=True,
        backend=unit.backend(),
        environments=names,
        files=sorted({file.path for file in unit.chain()} | set(directory.files)),
        key=unit.directory or ".",
        module=module,
        path=unit.directory,
        providers=[],
        tfvars=[],
        uses_workspace=False,
    )


def _inherited(module: ModuleInstance) -> list[str]:
    return module.parent.environments if module.parent else []
