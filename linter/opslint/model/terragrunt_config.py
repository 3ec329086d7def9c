"""One Terragrunt file as it is evaluated: its locals, inputs and includes, and the functions that name folders and read files.

An included file is evaluated as part of the file that includes it (``get_terragrunt_dir()`` is the unit's folder); one that
``read_terragrunt_config`` reads is evaluated by itself.
"""

from __future__ import annotations

from posixpath import relpath

from opslint.base.expression import walk, walk_body
from opslint.base.lazy import cached_property
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Unknown, known, unknown
from opslint.model.terraform_eval import Evaluator, Names
from opslint.model.terraform_functions import is_known_function
from opslint.model.terraform_paths import absolute, in_repository
from opslint.model.terraform_values import OpenMap, as_text, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

    from opslint.base.expression import BodyData, Expression
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import HclFile, TfVars
    from opslint.model.environments import Environments

MAX_READS = 12
"""Files that read one another."""

DEFAULT_NAME = "terragrunt.hcl"

UNKNOWN_FUNCTIONS = {
    "run_cmd": "the output of a command",
    "sops_decrypt_file": "an encrypted file",
    "get_aws_account_id": "the account of who runs Terragrunt",
    "get_aws_caller_identity_arn": "the account of who runs Terragrunt",
    "get_aws_caller_identity_user_id": "the account of who runs Terragrunt",
    "get_aws_account_alias": "the account of who runs Terragrunt",
    "get_platform": "the machine of who runs Terragrunt",
    "get_terraform_command": "the command that is run",
    "get_terraform_cli_args": "the command that is run",
    "get_working_dir": "where Terragrunt works",
}


class Project:
    """What all files of a project share. `paths` are all files there are; `is_given(name)` tells whether some pipeline sets a variable;
    `tfvars` the value files by path.
    """

    __slots__ = ("answers", "blind", "environments", "files", "functions", "is_given", "paths", "tfvars", "told_apart")

    def __init__(
        self,
        files: dict[str, HclFile],
        paths: Collection[str],
        environments: Environments,
        functions: Callable[[str], dict[str, Callable[[list[Value]], Value]]],
        blind: Callable[[str, Loc, str], None],
        is_given: Callable[[str], bool],
        tfvars: dict[str, TfVars],
    ) -> None:
        self.files = files
        self.tfvars = tfvars
        self.paths = paths
        self.environments = environments
        self.functions = functions
        self.blind = blind
        self.is_given = is_given
        # What `read_terragrunt_config` gives for a file is the same for all units, unless some file asks which unit it is read for.
        self.answers: dict[tuple[str, str], tuple[Config, Value] | None] = {}
        self.told_apart = any(_asks_for_the_unit(file.body) for file in files.values())


class Config:
    """One file. `unit` is the file that includes it (itself when none does), `depth` how many files read one another so far, `origin` the
    folder Terragrunt was started for.
    """

    def __init__(self, file: HclFile, project: Project, *, unit: Config | None = None, depth: int = 0, origin: str = "") -> None:
        self.file = file
        self.project = project
        self.unit = unit or self
        self.depth = depth
        self.own_directory = file.path.rpartition("/")[0]
        self.directory: str = unit.directory if unit is not None else self.own_directory
        self.origin: str = origin or self.directory
        self.evaluator = Evaluator()
        self.read: list[Config] = []
        self._locals: dict[str, Value] = {}
        self._waiting: set[str] = set()
        self._included: dict[str, Config] = {}
        self._entered = False
        functions = {**project.functions(self.directory), **self._functions()}
        for name, reason in UNKNOWN_FUNCTIONS.items():
            functions[name] = _outside(reason)
        self.names = Names(bound={}, functions=functions, look=self._look)

    def value(self, expression: Expression) -> Value:
        """Evaluate an expression that stands in this file."""
        return self.evaluator.value(expression, self.names)

    @property
    def files(self) -> set[str]:
        """The file, those it reads and those it includes."""
        out = {self.file.path}
        for other in (*self.read, *self._included.values()):
            out |= other.files
        return out

    def place_of(self, name: str) -> Loc:
        """Return where a top-level attribute stands, else the file's place."""
        return self.file.place(next((at for own, at, _expression in self.file.body[0] if own == name), self.file.at))

    @cached_property
    def includes(self) -> list[tuple[str, str, str]]:
        """The included files of the repository: name, path and how it is merged (``shallow`` where nothing is written)."""
        out = []
        for block in self.file.body[1]:
            if block[0] != "include" or self.unit is not self:
                continue
            fields = {name: expression for name, _at, expression in block[3][0]}
            path = in_repository(self.value(fields["path"]), self.directory) if "path" in fields else None
            strategy = as_text(self.value(fields["merge_strategy"])) if "merge_strategy" in fields else "shallow"
            if path is not None and path in self.project.files and path != self.file.path:
                out.append((block[1][0] if block[1] else "", path, strategy or "unknown"))
        return out

    @cached_property
    def lost(self) -> list[tuple[str, Loc]]:
        """Includes of which nothing can be known: why, and where they stand."""
        out = []
        for block in self.file.body[1]:
            if block[0] != "include":
                continue
            loc = self.file.place(block[2])
            if self.unit is not self:
                out.append(("an included file that includes another one, which Terragrunt refuses", loc))
                continue
            written = next((expression for name, _at, expression in block[3][0] if name == "path"), None)
            value = self.value(written) if written is not None else unknown("no path is written")
            path = in_repository(value, self.directory)
            if path == self.file.path:
                out.append(("a file that includes itself", loc))
            elif path is None or path not in self.project.files:
                why = (
                    value.reason
                    if isinstance(value, Unknown)
                    else f"{path} is not in the repository"
                    if path
                    else "it is outside"
                )
                out.append((f"an included file that is not known: {why}", loc))
        return out

    def not_followed(self) -> Iterator[tuple[str, Loc]]:
        """Yield the calls of functions whose result is not known, as words with their places."""
        bodies = [self.file.body]
        while bodies:
            attributes, blocks, _open = bodies.pop()
            bodies.extend(block[3] for block in blocks)
            for _name, at, expression in attributes:
                for part in walk(expression):
                    name = part[1] if part[0] == "call" else ""
                    if name in UNKNOWN_FUNCTIONS:
                        yield f"{name}() gives {UNKNOWN_FUNCTIONS[name]}", self.file.place(at)
                    elif name and name not in self.names.functions and not is_known_function(name):
                        yield f"function {name}() is not followed", self.file.place(at)

    def included(self, name: str) -> Config:
        """Return an included file, evaluated as part of this one."""
        found = self._included.get(name)
        if found is None:
            path = next(path for own, path, _strategy in self.includes if own == name)
            found = self._included[name] = Config(self.project.files[path], self.project, unit=self, depth=self.depth + 1)
        return found

    @cached_property
    def _written(self) -> dict[str, Expression]:
        return {name: expression for block in self.file.body[1] if block[0] == "locals" for name, _at, expression in block[3][0]}

    def local(self, name: str) -> Value:
        """Return the value of a local."""
        if name in self._locals:
            return self._locals[name]
        if name in self._waiting:
            return unknown(f"local {name} depends on itself")
        expression = self._written.get(name)
        if expression is None:
            return unknown(f"no local {name}")
        self._waiting.add(name)
        try:
            value = self.value(expression)
        finally:
            self._waiting.discard(name)
        self._locals[name] = value
        return value

    def locals(self) -> Value:
        """Return all locals as an object."""
        return known({name: self.local(name) for name in self._written})

    @property
    def inputs(self) -> Value:
        """What the file's own ``inputs`` say."""
        if self._entered:
            return unknown("inputs that refer to themselves")
        self._entered = True
        try:
            for name, _at, expression in self.file.body[0]:
                if name == "inputs":
                    return self.value(expression)
        finally:
            self._entered = False
        return known({})

    def _look(self, name: str, steps: list[Any], _evaluator: Evaluator) -> tuple[Value, list[Any]]:
        if name == "local":
            return (self.local(steps[0]), steps[1:]) if steps and isinstance(steps[0], str) else (self.locals(), steps)
        if name == "include":
            return self._look_include(steps)
        if name == "dependency":
            return unknown("an output of another unit"), []
        return unknown(f"{name} is not followed"), []

    def _look_include(self, steps: list[Any]) -> tuple[Value, list[Any]]:
        names = [name for name, _path, _strategy in self.includes]
        first = steps[0] if steps and isinstance(steps[0], str) else ""
        if first in names and first:
            config, steps = self.included(first), steps[1:]
        elif names and first in ("locals", "inputs"):
            config = self.included(names[0])
        else:
            return unknown("an included file that is not in the repository"), []
        kind = steps[0] if steps else ""
        if kind == "locals" and len(steps) > 1 and isinstance(steps[1], str):
            return config.local(steps[1]), steps[2:]
        if kind == "locals":
            return config.locals(), steps[1:]
        return (config.inputs, steps[1:]) if kind == "inputs" else (unknown("part of an included file"), [])

    def _functions(self) -> dict[str, Callable[[list[Value]], Value]]:
        return {
            "find_in_parent_folders": self._find,
            "get_env": self._get_env,
            "get_original_terragrunt_dir": lambda _arguments: absolute(self.unit.origin),
            "get_parent_terragrunt_dir": lambda arguments: absolute(self._parent(arguments)),
            "get_path_from_repo_root": lambda _arguments: known(self.directory or "."),
            "get_path_to_repo_root": lambda _arguments: known(relpath(".", self.directory or ".")),
            "get_repo_root": lambda _arguments: absolute(""),
            "get_terragrunt_dir": lambda _arguments: absolute(self.directory),
            "path_relative_from_include": lambda arguments: known(relpath(self._parent(arguments) or ".", self.directory or ".")),
            "path_relative_to_include": lambda arguments: known(relpath(self.directory or ".", self._parent(arguments) or ".")),
            "read_terragrunt_config": self._read,
        }

    def _parent(self, arguments: list[Value]) -> str:
        """The folder of the included file that is meant: this one when it is included, else the one named, else the only one."""
        if self.unit is not self:
            return self.own_directory
        name = as_text(arguments[0]) if arguments else None
        for own, path, _strategy in self.includes:
            if name is None or own == name:
                return path.rpartition("/")[0]
        return self.directory

    def _get_env(self, arguments: list[Value]) -> Value:
        name = as_text(arguments[0]) if arguments else None
        if len(arguments) < 2 or name is None:
            return unknown("an environment variable of who runs Terragrunt")
        return unknown(f"{name} is set by a pipeline") if self.project.is_given(name) else arguments[1]

    def _find(self, arguments: list[Value]) -> Value:
        name = as_text(arguments[0]) if arguments else None
        if name is None and arguments:
            return unknown("find_in_parent_folders() of something unknown")
        current = self.directory
        while current:
            current = current.rpartition("/")[0]
            path = f"{current}/{name or DEFAULT_NAME}" if current else name or DEFAULT_NAME
            if path in self.project.paths:
                return absolute(path)
        return arguments[1] if len(arguments) > 1 else unknown(f"no {name or DEFAULT_NAME} above")

    def _read(self, arguments: list[Value]) -> Value:
        path = in_repository(arguments[0], self.directory) if arguments else None
        file = self.project.files.get(path or "")
        if file is None:
            missing = len(arguments) > 1 and path is not None
            return arguments[1] if missing else unknown("a Terragrunt file that is not in the repository")
        key = (file.path, self.unit.origin if self.project.told_apart else "")
        if key not in self.project.answers:
            if self.depth >= MAX_READS:
                return unknown("files that read one another")
            self.project.answers[key] = None
            other = Config(file, self.project, depth=self.depth + 1, origin=self.unit.origin)
            self.project.answers[key] = (other, other.answer())
        found = self.project.answers[key]
        if found is None:
            return unknown("files that read one another")
        self.read.append(found[0])
        return found[1]

    def answer(self) -> Value:
        """Return what `read_terragrunt_config` gives for this file."""
        inputs = self.inputs
        above = [settled(self.included(name).inputs) for name, _path, strategy in self.includes if strategy != "no_merge"]
        if above:
            inputs = _together([*above, settled(inputs)])
        return known({"locals": self.locals(), "inputs": inputs})


def _asks_for_the_unit(body: BodyData) -> bool:
    return any(found[0] == "call" and found[1] == "get_original_terragrunt_dir" for found in walk_body(body))


def _together(values: list[Value]) -> Value:
    """Merge the inputs of a file over those of what it includes."""
    merged: dict[str, Value] = {}
    for value in values:
        if not isinstance(value, Known) or not isinstance(value.value, dict):
            return OpenMap(entries={}, prefix="", reason="inputs that are not known")
        merged.update(value.value)
    return known(merged)


def _outside(reason: str) -> Callable[[list[Value]], Value]:
    """Return a function whose answer the repository does not hold."""
    return lambda _arguments: unknown(reason)
