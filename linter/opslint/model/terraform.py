"""Terraform as the model sees it: roots with their modules resolved, resources, and the references between them."""

from __future__ import annotations

from opslint.base.expression import is_literal_text, walk_body
from opslint.base.lazy import cached_property
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.facts.terraform import HclFile, TfBlock, TfVars
from opslint.model.environment_names import ENVIRONMENT_NAMES
from opslint.model.terraform_directories import Directory, types_below
from opslint.model.terraform_paths import in_repository
from opslint.model.terraform_roots import RootFinder
from opslint.model.terraform_templates import template_value, yaml_value
from opslint.model.terraform_values import FileText, Reference, references_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.expression import Expression
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_modules import ModuleInstance
    from opslint.model.terraform_nodes import Body, Resource
    from opslint.model.terraform_roots import Root
    from opslint.model.terraform_runs import TerraformRun
    from opslint.model.terraform_sessions import Session


class TerraformProject:
    """All Terraform of a project. `roots` are its roots (one per environment that a root is applied in)."""

    def __init__(self, model: DeploymentModel) -> None:
        self._model = model
        self._blind: set[tuple[str, Loc, str]] = set()
        self._uses: dict[str, dict[str, list[Resource]]] = {}

    @cached_property
    def directories(self) -> dict[str, Directory]:
        """Directories with Terraform files, by path."""
        found: dict[str, Directory] = {}
        for block in self._model.facts(TfBlock):
            path = block.path.rpartition("/")[0]
            directory = found.get(path)
            if directory is None:
                directory = found[path] = Directory(path)
            directory.add(block)
        return found

    @cached_property
    def roots(self) -> list[Root]:
        """Roots by path and environment, Terragrunt units among them."""
        files = self._model.facts(HclFile)
        roots: list[Root] = []
        if any(file.dialect == "terragrunt" for file in files):
            from opslint.model.terragrunt import units
            from opslint.model.terragrunt_config import Project

            project = Project(
                {file.path: file for file in files},
                self._model.files,
                self._model.environments,
                self._functions,
                self._note,
                self._is_given,
                {values.path: values for values in self._model.facts(TfVars)},
            )
            roots = units(project, self.directories)
        finder = RootFinder(
            self.directories,
            self._model.facts(TfVars),
            files,
            self._model.environments,
            self._functions,
            self._note,
            self._sessions(),
            {root.module.directory.path for root in roots},
            self._model.files,
            self._model.read,
        )
        roots.extend(finder.roots())
        return sorted(roots, key=lambda root: root.key)

    @cached_property
    def runs(self) -> list[TerraformRun]:
        """Terraform commands of workflows and scripts."""
        if self._model.kinds.isdisjoint(("workflow", "action", "shell", "makefile")):
            return []
        from opslint.model.terraform_runs import terraform_runs

        return terraform_runs(self._model)

    def _sessions(self) -> list[Session]:
        if not self.runs:
            return []
        from opslint.model.terraform_sessions import sessions

        return sessions(self.runs)

    @cached_property
    def workspace_roots(self) -> set[str]:
        """Directories for which a command selects a workspace, or sets parts of the backend that are not in the repository."""
        return {run.directory for run in self.runs if run.verb == "workspace" or run.settings}

    def environment_variable(self, root: Root) -> tuple[str, Loc, list[str]] | None:
        """Return the variable without value that says which environment `root` is applied for: its name, place, and the tiers
        that its description, its validation, conditions on it and ``-var`` options name.
        """
        for name in ENVIRONMENT_NAMES:
            block = root.module.variables.get(name)
            given = name in root.module.inputs
            if block is not None and not given and all(own != "default" for own, _at, _expression in block.body[0]):
                return name, block.loc, sorted(self._tiers_of(root, name, block))
        return None

    def _tiers_of(self, root: Root, name: str, block: TfBlock) -> set[str]:
        texts: list[str] = []
        for expression in walk_body(block.body):
            if is_literal_text(expression):
                texts.extend(_words(expression[1]))
        for blocks in root.module.directory.blocks.values():
            for other in blocks:
                texts.extend(found for expression in walk_body(other.body) for found in _compared(expression, name))
        for run in self.runs:
            if run.directory == root.path:
                texts.extend(
                    word.partition("=")[2] for word in run.words if word.lstrip("-").removeprefix("var=").startswith(f"{name}=")
                )
        found = (self._model.environments.of_value(text) for text in texts)
        return {item.tier for item in found if item is not None and item.tier in ("production", "staging", "development")}

    @cached_property
    def _given(self) -> frozenset[str]:
        from opslint.model.terraform_runs import given_names

        return given_names(self._model)

    def _is_given(self, name: str) -> bool:
        """Tell whether a workflow or a script gives an environment variable to what it runs."""
        return name in self._given

    def _note(self, kind: str, loc: Loc, message: str) -> None:
        if (kind, loc, message) not in self._blind:
            self._blind.add((kind, loc, message))
            self._model.blind(kind, loc, message)

    @property
    def all_resources(self) -> list[Resource]:
        """The resources of all roots, in order of roots."""
        return [resource for root in self.roots for resource in root.resources]

    @cached_property
    def _below(self) -> dict[str, frozenset[str]]:
        return types_below(self.directories)

    def resources(self, *types: str) -> list[Resource]:
        """Return the resources of some types, in order of roots."""
        return [resource for root in self.roots for resource in self.resources_in(root, *types)]

    @cached_property
    def _has_applied(self) -> bool:
        return any(root.applied for root in self.roots)

    def is_uncalled(self, root: Root) -> bool:
        """Tell whether a root is a module that nothing here calls: others are applied, and nothing gives it what it requires."""
        if root.applied or not self._has_applied:
            return False
        return any(
            name not in root.module.inputs and all(own != "default" for own, _at, _expression in block.body[0])
            for name, block in root.module.variables.items()
        )

    def resources_in(self, root: Root, *types: str) -> list[Resource]:
        """Return the resources of some types of one root."""
        modules = root.module.modules_with(frozenset(types), self._below)
        return [resource for module in modules for kind in types for resource in module.resources_of(kind)]

    @cached_property
    def _root_of(self) -> dict[int, Root]:
        return {id(root.module): root for root in self.roots}

    def root_of(self, resource: Resource) -> Root:
        """Return the root a resource belongs to."""
        return self._root_of[id(_top(resource))]

    def _at(self, resource: Resource, target: str) -> Resource | None:
        """Return the resource at an address of the same root; the first instance when the address has no key."""
        if resource.owner is None:
            return None
        head, _, name = target.rpartition(".")
        prefix, dot, kind = head.rpartition(".")
        module = _top(resource).by_address.get(prefix + dot)
        found = module.resources_of(kind) if module is not None else []
        return next((candidate for candidate in found if candidate.name == name), None)

    def resolve(self, resource: Resource, value: Value) -> Resource | None:
        """Return the resource that a value read in `resource` refers to, None when it refers to none of the same root."""
        for found in references_in(value):
            target = self._at(resource, found.target)
            if target is not None:
                return target
        return None

    def references(self, resource: Resource) -> list[Resource]:
        """Return the resources of the same root that `resource` refers to anywhere, in order of mention."""
        out: list[Resource] = []
        for found in _mentions(resource.body):
            target = self._at(resource, found.target)
            if target is not None and target is not resource and target not in out:
                out.append(target)
        return out

    def referenced_by(self, resource: Resource) -> list[Resource]:
        """Return the resources of the same root that refer to `resource`."""
        root = self.root_of(resource)
        uses = self._uses.get(root.key)
        if uses is None:
            uses = self._uses[root.key] = {}
            for user in root.resources:
                for found in _mentions(user.body):
                    users = uses.setdefault(found.target, [])
                    if user not in users:
                        users.append(user)
        users = [*uses.get(resource.address, []), *uses.get(_bare(resource), [])]
        return [user for number, user in enumerate(users) if user is not resource and user not in users[:number]]

    def _functions(self, root: str) -> dict[str, Callable[[list[Value]], Value]]:
        """Return the functions that read files of the repository, for a root."""

        def path_of(arguments: list[Value]) -> str | None:
            # `path.module` is a project path already; anything else is relative to where Terraform runs.
            path = in_repository(arguments[0], "") if arguments else None
            return path if path in self._model.files or not arguments else in_repository(arguments[0], root)

        def templatefile(arguments: list[Value]) -> Value:
            path = path_of(arguments)
            data = self._model.read(path) if path is not None and path in self._model.files else None
            if path is None or data is None:
                return unknown("a file that is not in the repository")
            bound = arguments[1].value if len(arguments) > 1 and isinstance(arguments[1], Known) else {}
            found = template_value(path, data, bound if isinstance(bound, dict) else {})
            return unknown("the text of a template") if isinstance(found, FileText) and len(arguments) > 1 else found

        def fileexists(arguments: list[Value]) -> Value:
            path = path_of(arguments)
            return (
                known(True) if path is not None and path in self._model.files else unknown("a file that is not in the repository")
            )

        def yamldecode(arguments: list[Value]) -> Value:
            read = arguments[0] if arguments else unknown("yamldecode()")
            if not isinstance(read, FileText):
                return unknown("yamldecode() of something unknown")
            return yaml_value(self._model.read(read.path) or b"")

        return {
            "file": lambda arguments: templatefile(arguments[:1]),
            "fileexists": fileexists,
            "templatefile": templatefile,
            "yamldecode": yamldecode,
        }


def _top(resource: Resource) -> ModuleInstance:
    """Return the root's own module instance."""
    module = resource.owner
    assert module is not None
    while module.parent is not None:
        module = module.parent
    return module


def _bare(resource: Resource) -> str:
    """Return an instance's address without its key: what a reference names."""
    head, _, tail = resource.address.rpartition(f"{resource.type}.{resource.name}")
    return f"{head}{resource.type}.{resource.name}" if tail else resource.address


def _mentions(body: Body) -> list[Reference]:
    """Return every reference in a body, nested blocks included."""
    out: list[Reference] = []
    bodies = [body]
    while bodies:
        current = bodies.pop()
        for name in current.names():
            out.extend(references_in(current.get(name)))
        for kind in current.block_types():
            bodies.extend(block.body for block in current.blocks(kind))
    return out


def _words(text: str) -> list[str]:
    """Return the words of a description, and the text itself."""
    out, word = [text], ""
    for char in text + " ":
        if char.isalnum():
            word += char
        else:
            out.append(word)
            word = ""
    return [found for found in out if found]


def _compared(expression: Expression, name: str) -> list[str]:
    """Return the text that ``var.<name>`` is compared with."""
    if expression[0] != "op" or expression[1] not in ("==", "!="):
        return []
    left, right = expression[2], expression[3]
    if right == ["ref", "var", [name]]:
        left, right = right, left
    return [right[1]] if left == ["ref", "var", [name]] and is_literal_text(right) else []
