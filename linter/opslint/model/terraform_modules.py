"""Module instances: one directory of Terraform files with the inputs of one call, its resources and its children."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.lazy import cached_property
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.model.terraform_directories import MAX_MODULE_DEPTH, called_paths, local_source
from opslint.model.terraform_eval import Evaluator, Names, items_of
from opslint.model.terraform_nodes import Body, Resource
from opslint.model.terraform_values import as_number, as_text, reference, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.expression import Expression
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import TfBlock
    from opslint.model.terraform_directories import Directory

MAX_INSTANCES = 40
"""Resources or module calls that one `for_each` is expanded to; beyond it stands one whose key is unknown."""

_NOT_RESOURCES = frozenset("each count self".split())


class Input:
    """A value given to a variable: an expression in the names of who gives it, or a value; with its place."""

    __slots__ = ("expression", "loc", "names", "value")

    def __init__(self, loc: Loc, *, expression: Expression | None = None, names: Names | None = None, value: Value | None = None):
        self.loc = loc
        self.expression = expression
        self.names = names
        self.value = value


class Settings:
    """What all module instances of one root share: the directories, functions, the workspace and who is told of blind spots.

    `applied` is False when the root is a module that nothing in the repository calls.
    """

    __slots__ = ("applied", "blind", "directories", "environments_of", "functions", "root", "workspace")

    def __init__(
        self,
        directories: dict[str, Directory],
        root: str,
        workspace: Value,
        functions: dict[str, Callable[[list[Value]], Value]],
        blind: Callable[[str, Loc, str], None],
        environments_of: Callable[[ModuleInstance], list[str]],
        *,
        applied: bool,
    ) -> None:
        self.applied = applied
        self.directories = directories
        self.root = root
        self.workspace = workspace
        self.functions = functions
        self.blind = blind
        self.environments_of = environments_of


class ModuleInstance:
    """One call of a module (or the root itself)."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        *,
        address: str = "",
        inputs: dict[str, Input] | None = None,
        bound: dict[str, Value] | None = None,
        ancestors: tuple[str, ...] = (),
        parent: ModuleInstance | None = None,
        uncertain: bool = False,
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.address = address
        self.inputs = inputs or {}
        self.ancestors = (*ancestors, directory.path)
        self.parent = parent
        self.uncertain = uncertain
        self.evaluator: Evaluator = parent.evaluator if parent else Evaluator()
        self._values: dict[tuple[str, str], Value] = {}
        self._entered: set[tuple[str, str]] = set()
        self._resources: dict[str, list[Resource]] = {}
        self.names = Names(bound=bound or {}, functions=self._functions(), look=self._look)

    def _functions(self) -> dict[str, Callable[[list[Value]], Value]]:
        return self.settings.functions

    @cached_property
    def variables(self) -> dict[str, TfBlock]:
        """Variable blocks by name."""
        return {block.labels[0]: block for block in self.directory.of("variable") if block.labels}

    @cached_property
    def locals(self) -> dict[str, tuple[Expression, Loc]]:
        """Local values by name, as expressions with their places."""
        found: dict[str, tuple[Expression, Loc]] = {}
        for block in self.directory.of("locals"):
            for name, at, expression in block.body[0]:
                found.setdefault(name, (expression, block.place(at)))
        return found

    @cached_property
    def outputs(self) -> dict[str, Expression]:
        """Output expressions by name."""
        found: dict[str, Expression] = {}
        for block in self.directory.of("output"):
            for name, _at, expression in block.body[0]:
                if name == "value" and block.labels:
                    found.setdefault(block.labels[0], expression)
        return found

    @cached_property
    def environments(self) -> list[str]:
        """Names of the environments this instance exists in."""
        return self.settings.environments_of(self)

    @cached_property
    def files(self) -> list[str]:
        """The files of this directory and of those that lead to it."""
        above = self.parent.files if self.parent else []
        return sorted({*above, *self.directory.files, *(entry.loc[0] for entry in self.inputs.values())})

    def value(self, expression: Expression) -> Value:
        """Evaluate an expression in the names of this instance."""
        return self.evaluator.value(expression, self.names)

    def body(self, block: TfBlock, names: Names | None = None) -> Body:
        """Return a block's body as values."""
        return Body(block.body, block.path, block.loc, names or self.names, self.evaluator)

    def variable(self, name: str) -> Value:
        """Return the value of a variable: what the caller gives, else its default."""
        return self._once("var", name, self._variable)

    def local(self, name: str) -> Value:
        """Return the value of a local."""
        return self._once("local", name, self._local)

    def output(self, name: str) -> Value:
        """Return the value of an output."""
        return self._once("output", name, self._output)

    def _once(self, kind: str, name: str, make: Callable[[str], Value]) -> Value:
        key = (kind, name)
        if key in self._values:
            return self._values[key]
        if key in self._entered:
            return unknown(f"{kind}.{name} depends on itself")
        self._entered.add(key)
        try:
            value = make(name)
        finally:
            self._entered.discard(key)
        self._values[key] = value
        return value

    def _variable(self, name: str) -> Value:
        given = self.inputs.get(name)
        if given is not None:
            if given.expression is not None and given.names is not None:
                return self.evaluator.value(given.expression, given.names)
            return given.value if given.value is not None else unknown(f"variable {name}")
        block = self.variables.get(name)
        if block is None:
            return unknown(f"variable {name} is not declared here")
        if self.parent is None and not self.settings.applied:
            # Whoever calls this module does so from elsewhere, with other values.
            return unknown(f"variable {name} of a module that is called from elsewhere")
        for own, _at, expression in block.body[0]:
            if own == "default":
                return self.value(expression)
        return unknown(f"variable {name} has no value in the repository")

    def _local(self, name: str) -> Value:
        found = self.locals.get(name)
        return self.value(found[0]) if found else unknown(f"local {name} is not declared here")

    def _output(self, name: str) -> Value:
        expression = self.outputs.get(name)
        return self.value(expression) if expression is not None else unknown(f"output {name} is not declared")

    def _look(self, name: str, steps: list[Any], evaluator: Evaluator) -> tuple[Value, list[Any]]:
        first = steps[0] if steps and isinstance(steps[0], str) else None
        if name == "var" and first is not None:
            return self.variable(first), steps[1:]
        if name == "local" and first is not None:
            return self.local(first), steps[1:]
        if name == "module" and first is not None:
            return self._look_module(first, steps[1:])
        if name == "path":
            return known(self.directory.path if first == "module" else self.settings.root), steps[1:]
        if name == "terraform":
            return self.settings.workspace if first == "workspace" else unknown("terraform"), steps[1:]
        if name == "data":
            labels = [step for step in steps[:2] if isinstance(step, str)]
            target = ".".join(["data", *labels])
            return self._reference(self.address + target, None, steps[2:])
        if first is None or name in _NOT_RESOURCES:
            return unknown(f"{name} is not known here"), []
        return self._reference(f"{self.address}{name}.{first}", self.directory.resources.get((name, first)), steps[1:])

    def _reference(self, target: str, block: TfBlock | None, steps: list[Any]) -> tuple[Value, list[Any]]:
        while steps and isinstance(steps[0], list):
            steps = steps[1:]
        if not steps:
            return reference(target, "", unknown("a whole resource")), []
        attribute = str(steps[0])
        value: Value = unknown("known after apply")
        if block is not None:
            value = self._once("resource", f"{target}.{attribute}", lambda _key: self._written(block, attribute))
        return reference(target, attribute, value), steps[1:]

    def _written(self, block: TfBlock, attribute: str) -> Value:
        for name, _at, expression in block.body[0]:
            if name == attribute:
                return self.value(expression)
        return unknown("known after apply")

    def _look_module(self, name: str, steps: list[Any]) -> tuple[Value, list[Any]]:
        key: str | None = None
        while steps and isinstance(steps[0], list):
            if steps[0][0] == "i":
                key = as_text(self.value(steps[0][1]))
            steps = steps[1:]
        found = [child for child_name, child_key, child in self.children if child_name == name and key in (None, child_key)]
        if not found or not steps:
            return unknown(f"module {name} is not in the repository"), []
        return found[0].output(str(steps[0])), steps[1:]

    @cached_property
    def children(self) -> list[tuple[str, str, ModuleInstance]]:
        """The module calls that lead into this repository: (name, instance key, instance)."""
        out: list[tuple[str, str, ModuleInstance]] = []
        for block in self.directory.of("module"):
            if block.labels:
                directory = self._called(block)
                if directory is not None:
                    out.extend(self._call(block, directory))
        return out

    def _called(self, block: TfBlock) -> Directory | None:
        source = local_source(block)
        if source is None:
            self.settings.blind("module-not-in-repository", block.loc, f"module {block.labels[0]} is not in this repository")
            return None
        path = normpath(f"{self.directory.path or '.'}/{source}")
        path = "" if path == "." else path
        directory = self.settings.directories.get(path)
        if directory is None:
            self.settings.blind("module-not-in-repository", block.loc, f"module source {source} holds no Terraform files")
            return None
        if path in self.ancestors or len(self.ancestors) > MAX_MODULE_DEPTH:
            self.settings.blind("module-cycle", block.loc, f"module {block.labels[0]} calls itself or is nested too deeply")
            return None
        return directory

    def _call(self, block: TfBlock, directory: Directory) -> Iterator[tuple[str, str, ModuleInstance]]:
        for key, bound, uncertain in self.instances(block):
            names = self.names.binding(**bound) if bound else self.names
            inputs = {
                name: Input(block.place(at), expression=expression, names=names)
                for name, at, expression in block.body[0]
                if name not in ("source", "version", "count", "for_each", "providers", "depends_on")
            }
            suffix = f'["{key}"]' if key else ""
            child = ModuleInstance(
                self.settings,
                directory,
                address=f"{self.address}module.{block.labels[0]}{suffix}.",
                inputs=inputs,
                ancestors=self.ancestors,
                parent=self,
                uncertain=uncertain or self.uncertain,
            )
            yield block.labels[0], key, child

    def instances(self, block: TfBlock) -> list[tuple[str, dict[str, Value], bool]]:
        """Return (key, names bound, uncertain) of each instance that `count` or `for_each` makes; one without either."""
        for name, _at, expression in block.body[0]:
            if name == "count":
                number = as_number(self.value(expression))
                if number is None:
                    return [("", {"count": known({"index": unknown("count.index")})}, True)]
                index: Value = known(0) if number == 1 else unknown("count.index")
                return [("", {"count": known({"index": index})}, False)] if number > 0 else []
            if name == "for_each":
                return self._each(self.value(expression))
        return [("", {}, False)]

    def _each(self, value: Value) -> list[tuple[str, dict[str, Value], bool]]:
        items = items_of(value)
        loose: dict[str, Value] = {"each": known({"key": unknown("each.key"), "value": unknown("each.value")})}
        if items is None:
            return [("", loose, True)]
        if len(items) > MAX_INSTANCES:
            return [("", loose, False)]
        inner = settled(value)
        keyed = isinstance(inner, Known) and isinstance(inner.value, dict)
        out: list[tuple[str, dict[str, Value], bool]] = []
        for key, item in items:
            text = as_text(key) if keyed else as_text(item)
            each = known({"key": key if keyed else item, "value": item})
            out.append((text or "", {"each": each}, text is None))
        return out

    @property
    def resources(self) -> list[Resource]:
        """The resources of this instance, without its children's."""
        return [resource for kind in self.directory.types for resource in self.resources_of(kind)]

    def resources_of(self, kind: str) -> list[Resource]:
        """Return the resources of one type of this instance; `count` and `for_each` of other types are not looked at."""
        found = self._resources.get(kind)
        if found is None:
            found = [resource for block in self.directory.types.get(kind, []) for resource in self._made(block)]
            self._resources[kind] = found
        return found

    def _made(self, block: TfBlock) -> Iterator[Resource]:
        for key, bound, uncertain in self.instances(block):
            names = self.names.binding(**bound) if bound else self.names
            suffix = f'["{key}"]' if key else ""
            yield Resource(
                kind=block.labels[0],
                name=block.labels[1],
                address=f"{self.address}{block.labels[0]}.{block.labels[1]}{suffix}",
                body=self.body(block, names),
                loc=block.loc,
                root=self.settings.root,
                module_path=self.directory.path,
                environments=self.environments,
                files=self.files,
                uncertain=uncertain or self.uncertain,
                owner=self,
            )

    def all_modules(self) -> Iterator[ModuleInstance]:
        """Yield this instance and all below it."""
        yield self
        for _name, _key, child in self.children:
            yield from child.all_modules()

    def modules_with(self, types: frozenset[str], below: dict[str, frozenset[str]]) -> Iterator[ModuleInstance]:
        """Yield the instances that declare resources of some of `types`; `below` tells which types a directory leads to."""
        if types.isdisjoint(below.get(self.directory.path, frozenset())):
            return
        if not types.isdisjoint(self.directory.types):
            yield self
        if any(not types.isdisjoint(below.get(path, frozenset())) for path in called_paths(self.directory)):
            for _name, _key, child in self.children:
                yield from child.modules_with(types, below)

    @cached_property
    def by_address(self) -> dict[str, ModuleInstance]:
        """All instances from here down, by the prefix of their addresses."""
        found: dict[str, ModuleInstance] = {}
        for module in self.all_modules():
            found.setdefault(module.address, module)
        return found
