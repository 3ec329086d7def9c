"""Module instances: one directory of Terraform files with the inputs of one call, its resources and its children."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.lazy import cached_property
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import known, unknown
from opslint.model.terraform_directories import MAX_MODULE_DEPTH, called_paths, local_source
from opslint.model.terraform_eval import Evaluator, Names
from opslint.model.terraform_instances import instances_of, suffix_of
from opslint.model.terraform_nodes import Body, Resource
from opslint.model.terraform_settings import Input
from opslint.model.terraform_values import reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.expression import Expression
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import TfBlock
    from opslint.model.terraform_directories import Directory
    from opslint.model.terraform_instances import Instance
    from opslint.model.terraform_settings import Settings

NAMED_BY = {
    "aws_cloudwatch_log_group": "name",
    "aws_dynamodb_table": "name",
    "aws_ecr_repository": "name",
    "aws_elasticache_cluster": "cluster_id",
    "aws_elasticache_replication_group": "replication_group_id",
    "aws_iam_role": "name",
    "aws_lambda_function": "function_name",
    "aws_s3_bucket": "bucket",
}
"""Resource types whose `id` is the name that is written (the provider's documentation of each, "Attribute Reference")."""

_NOT_RESOURCES = frozenset("each count self".split())


class ModuleInstance:
    """One call of a module (or the root itself). `remapped`: it is given providers of another name than the caller's own."""

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
        self.remapped: bool = parent.remapped if parent is not None else False
        self.evaluator: Evaluator = parent.evaluator if parent else Evaluator()
        self._values: dict[tuple[str, str], Value] = {}
        self._entered: set[tuple[str, str]] = set()
        self._resources: dict[str, list[Resource]] = {}
        self._calls: dict[str, list[tuple[str, ModuleInstance]]] = {}
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
        block = self.variables.get(name)
        given = self.inputs.get(name)
        if block is None:
            return self._given(name, given) if given is not None else unknown(f"variable {name} is not declared here")
        written = {own: expression for own, _at, expression in block.body[0]}
        value: Value = known(None)
        if given is not None:
            value = self._given(name, given)
        if given is None or (value == known(None) and written.get("nullable") == ["lit", False]):
            value = self._default(name, written.get("default"))
        if "type" not in written:
            return value
        from opslint.model.terraform_types import converted

        return converted(value, written["type"], self.value)

    def _given(self, name: str, given: Input) -> Value:
        if given.expression is not None and given.names is not None:
            return self.evaluator.value(given.expression, given.names)
        return given.value if given.value is not None else unknown(f"variable {name}")

    def _default(self, name: str, default: Expression | None) -> Value:
        if self.parent is None and not self.settings.applied:
            # Whoever calls this module does so from elsewhere, with other values.
            return unknown(f"variable {name} of a module that is called from elsewhere")
        elsewhere = (self.settings.elsewhere.get(name) or self.settings.elsewhere.get("*")) if self.parent is None else None
        if elsewhere:
            return unknown(f"variable {name} is set outside the repository: {elsewhere}")
        return self.value(default) if default is not None else unknown(f"variable {name} has no value in the repository")

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
            return self._member("local", first, steps[1:])
        if name == "module" and first is not None:
            return self._look_module(first, steps[1:])
        if name == "path":
            return known((self.directory.path if first == "module" else self.settings.root) or "."), steps[1:]
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
        splat, key, steps = self._selected(steps)
        if not steps:
            return reference(target, "", unknown("a whole resource")), []
        attribute = str(steps[0])
        if block is None:
            return reference(target, attribute, unknown("known after apply")), steps[1:]
        found: list[Instance] = [(None, {}, False)]
        if key is not None or splat:
            found = self.instances(block)
        if splat and not any(uncertain for _key, _bound, uncertain in found):
            return known([self._attribute(target, block, attribute, instance) for instance in found]), steps[1:]
        chosen = next((instance for instance in found if instance[0] == key), None)
        if chosen is None:
            return reference(target, attribute, unknown("an instance that is not known")), steps[1:]
        return self._attribute(target, block, attribute, chosen), steps[1:]

    @staticmethod
    def _selected(steps: list[Any]) -> tuple[bool, str | None, list[Any]]:
        """Take the instance steps off: whether all instances are meant, else the key ("?": not known), and the steps that follow."""
        splat, key = False, None
        while steps and isinstance(steps[0], list):
            splat = splat or steps[0][0] == "*"
            if steps[0][0] == "i":
                key = steps[0][1][1] if steps[0][1][0] == "lit" else "?"
            steps = steps[1:]
        return splat, key, steps

    def _attribute(self, target: str, block: TfBlock, attribute: str, instance: Instance) -> Value:
        key, bound, _uncertain = instance
        names = self.names.binding(**bound) if bound else self.names
        place = f"{target}[{key}].{attribute}" if key else f"{target}.{attribute}"
        value = self._once("resource", place, lambda _key: self._written(block, attribute, names))
        return reference(target, attribute, value)

    def _written(self, block: TfBlock, attribute: str, names: Names) -> Value:
        written = {name: expression for name, _at, expression in block.body[0]}
        own = written.get(attribute)
        if own is None and attribute == "id":
            own = written.get(NAMED_BY.get(block.labels[0], ""))
        return self.evaluator.value(own, names) if own is not None else unknown("known after apply")

    def _look_module(self, name: str, steps: list[Any]) -> tuple[Value, list[Any]]:
        splat, key, steps = self._selected(steps)
        block = next((block for block in self.directory.of("module") if block.labels == [name]), None)
        called = self._called_by(block) if block is not None else []
        if block is None or not called:
            return unknown(f"module {name} is not in the repository" if block is not None else f"no module {name}"), []
        sure = not any(child.uncertain for _key, child in called)
        if not steps:
            return self._whole(block, called) if sure and key is None else unknown(f"module {name} as a whole"), []
        if splat and sure:
            return known([child._member("output", str(steps[0]), [])[0] for _key, child in called]), steps[1:]
        found = next((child for child_key, child in called if key == child_key or child.uncertain), None)
        if key is None and len(called) == 1:
            found = called[0][1]
        return (
            found._member("output", str(steps[0]), steps[1:])
            if found is not None
            else (unknown(f"no such instance of {name}"), [])
        )

    def _whole(self, block: TfBlock, called: list[tuple[str, ModuleInstance]]) -> Value:
        """Return all outputs of a call: an object, or a list or map of them by instance."""
        objects = [(key, known({name: child.output(name) for name in child.outputs})) for key, child in called]
        names = {attribute[0] for attribute in block.body[0]}
        if "for_each" in names:
            return known(dict(objects))
        return known([found for _key, found in objects]) if "count" in names else objects[0][1]

    def _member(self, kind: str, name: str, steps: list[Any]) -> tuple[Value, list[Any]]:
        """Return what a local or an output holds below `steps`, and the steps that are left."""
        expression = self.outputs.get(name) if kind == "output" else self.locals[name][0] if name in self.locals else None
        keys: list[str] = []
        for step in steps:
            if isinstance(step, list) and (step[0] != "i" or step[1][0] != "lit"):
                break
            keys.append(step if isinstance(step, str) else step[1][1])
        if expression is None or not keys or expression[0] not in ("obj", "ref"):
            return self.output(name) if kind == "output" else self.local(name), steps
        place = ".".join((name, *keys))
        return self._once(f"{kind} path", place, lambda _p: self.evaluator.member(expression, keys, self.names)), steps[
            len(keys) :
        ]

    @cached_property
    def children(self) -> list[tuple[str, str, ModuleInstance]]:
        """The module calls that lead into this repository: (name, instance key, instance)."""
        blocks = [block for block in self.directory.of("module") if block.labels]
        return [(block.labels[0], key, child) for block in blocks for key, child in self._called_by(block)]

    def _called_by(self, block: TfBlock) -> list[tuple[str, ModuleInstance]]:
        """Return the instances of one call. How many there are may hang on other calls, so that each is looked at by itself."""
        name = block.labels[0]
        found = self._calls.get(name)
        if found is not None or ("calls", name) in self._entered:
            return found or []
        self._entered.add(("calls", name))
        try:
            directory = self._called(block)
            found = self._calls[name] = list(self._call(block, directory)) if directory is not None else []
        finally:
            self._entered.discard(("calls", name))
        return found

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

    def _call(self, block: TfBlock, directory: Directory) -> Iterator[tuple[str, ModuleInstance]]:
        for key, bound, uncertain in self.instances(block):
            names = self.names.binding(**bound) if bound else self.names
            inputs = {
                name: Input(block.place(at), expression=expression, names=names)
                for name, at, expression in block.body[0]
                if name not in ("source", "version", "count", "for_each", "providers", "depends_on")
            }
            suffix = suffix_of(key, bound)
            child = ModuleInstance(
                self.settings,
                directory,
                address=f"{self.address}module.{block.labels[0]}{suffix}.",
                inputs=inputs,
                ancestors=self.ancestors,
                parent=self,
                uncertain=uncertain or self.uncertain,
            )
            child.remapped = self.remapped or any(name == "providers" for name, _at, _expression in block.body[0])
            yield key or "", child

    def instances(self, block: TfBlock) -> list[Instance]:
        """Return the instances that `count` or `for_each` of a block makes; one without either."""
        return instances_of(block, self.value)

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
            suffix = suffix_of(key, bound)
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
