"""Roots: directories that Terraform is applied in, one for each environment whose values it is applied with."""

from __future__ import annotations

from opslint.base.expression import walk_body
from opslint.base.record import Record
from opslint.base.secret_names import is_secret_name
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Unknown, unknown
from opslint.facts.terraform import HclFile, TfVars
from opslint.model.environment_names import ENVIRONMENT_NAMES
from opslint.model.terraform_backends import Backend, backend_block, backend_of, is_backend_file
from opslint.model.terraform_directories import called_paths
from opslint.model.terraform_modules import ModuleInstance
from opslint.model.terraform_settings import Input, Settings
from opslint.model.terraform_values import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.environments import Environments
    from opslint.model.records import Environment
    from opslint.model.terraform_directories import Directory
    from opslint.model.terraform_nodes import Body, Resource
    from opslint.model.terraform_sessions import Session


class Root(Record):
    """One root in one environment.

    `key` is unique and readable (``infra``, ``infra@staging``); `path` its directory; `environments` the names it is applied
    in ([]: the one unnamed environment). `applied` is False for a module that nothing in the repository calls, and for an
    empty directory above the roots. `tfvars` are the value files of this instance, `files` all it rests on. `uses_workspace`:
    it has a backend and its code reads ``terraform.workspace``, and nothing says which is selected. `reads` are the
    Terragrunt units whose outputs it takes, by directory, with their places.
    """

    __slots__ = (
        "applied",
        "backend",
        "environments",
        "files",
        "key",
        "module",
        "path",
        "providers",
        "reads",
        "tfvars",
        "uses_workspace",
    )
    applied: bool
    backend: Backend | None
    environments: list[str]
    files: list[str]
    key: str
    module: ModuleInstance
    path: str
    providers: list[Body]
    reads: list[tuple[str, Loc]]
    tfvars: list[str]
    uses_workspace: bool

    @property
    def resources(self) -> list[Resource]:
        """All resources, those of called modules included."""
        return [resource for module in self.module.all_modules() for resource in module.resources]

    @property
    def is_hollow(self) -> bool:
        """It declares neither resources nor modules: there is nothing to apply."""
        directory = self.module.directory
        return not directory.of("resource") and not directory.of("module")

    @property
    def loc(self) -> Loc:
        """A place that stands for the root: its backend, its ``terraform`` block, else its first block."""
        if self.backend is not None:
            return self.backend.loc
        directory = self.module.directory
        for blocks in (directory.of("terraform"), *directory.blocks.values()):
            if blocks:
                return blocks[0].loc
        return (self.path, (1, 1, 1, 1))


def parent_of(path: str) -> str:
    """Return the directory of a path."""
    return path.rpartition("/")[0]


class _Variant:
    """One root in one environment, as it is put together: value files in the order they count, what commands give, the workspace."""

    __slots__ = ("backends", "elsewhere", "environ", "environment", "settings", "tfvars", "variables", "workspace")

    def __init__(self, environment: str | None) -> None:
        self.environment = environment
        self.tfvars: list[TfVars] = []
        self.backends: list[HclFile] = []
        self.environ: dict[str, tuple[Value, Loc]] = {}
        self.variables: dict[str, tuple[Value, Loc]] = {}
        self.settings: dict[str, tuple[Value, Loc]] = {}
        self.elsewhere: dict[str, str] = {}
        self.workspace: Value = unknown("terraform.workspace")


class RootFinder:
    """Finds the roots of a project among its Terraform directories. `read` gives the bytes of a file, `files` are all paths there are."""

    def __init__(
        self,
        directories: dict[str, Directory],
        tfvars: list[TfVars],
        files: list[HclFile],
        environments: Environments,
        functions: Callable[[str], dict[str, Callable[[list[Value]], Value]]],
        blind: Callable[[str, Loc, str], None],
        sessions: list[Session],
        called: set[str],
        paths: Collection[str],
        read: Callable[[str], bytes | None],
    ) -> None:
        self._directories = directories
        self._environments = environments
        self._functions = functions
        self._blind = blind
        self._examples: dict[str, list[str]] = {}
        if any(".tfvars." in path or path.endswith("example.tfvars") for path in paths):
            from opslint.model.terraform_examples import examples

            self._examples = examples(paths)
        self._read = read
        self._called = self._called_directories() | called
        self._tfvars: dict[str, list[TfVars]] = {}
        for values in tfvars:
            self._tfvars.setdefault(self._owner(values.path), []).append(values)
        self._by_path = {values.path: values for values in tfvars}
        self._backend_files: dict[str, list[HclFile]] = {}
        for file in files:
            if file.dialect == "hcl" and is_backend_file(file):
                self._backend_files.setdefault(self._owner(file.path), []).append(file)
        self._backend_by_path = {file.path: file for found in self._backend_files.values() for file in found}
        self._sessions = self._by_directory(sessions)

    def _by_directory(self, sessions: list[Session]) -> dict[str, list[Session]]:
        found: dict[str, list[Session]] = {}
        if not sessions:
            return found
        from opslint.model.terraform_sessions import holes, matched

        for session in sessions:
            if not holes(session.directory):
                found.setdefault(session.directory, []).append(session)
                continue
            for path in self._directories:
                values = matched(session.directory, path)
                if values is not None:
                    found.setdefault(path, []).append(session.filled(values))
        return found

    def _owner(self, path: str) -> str:
        """Return the nearest directory at or above a file that holds Terraform files, else the file's own."""
        directory = parent_of(path)
        current = directory
        while True:
            if current in self._directories:
                return current
            if not current:
                return directory
            current = parent_of(current)

    def _called_directories(self) -> set[str]:
        return {path for directory in self._directories.values() for path in called_paths(directory)}

    def roots(self) -> list[Root]:
        """Return all roots, by path and environment."""
        out: list[Root] = []
        for path in sorted(self._directories):
            directory = self._directories[path]
            backend = backend_block(directory)
            has_values = path in self._tfvars or any(session.applies for session in self._sessions.get(path, ()))
            if path in self._called and backend is None and not has_values:
                continue
            named = self._environments.of_path(f"{path}/main.tf" if path else "main.tf") is not None
            runs_here = bool(named or directory.of("provider") or directory.of("module")) and not _is_library(path)
            applied = backend is not None or has_values or runs_here
            out.extend(self._root(directory, variant, applied) for variant in self._variants(path))
        return out

    def _variants(self, path: str) -> list[_Variant]:
        own = self._tfvars.get(path, [])
        automatic = sorted(
            (values for values in own if parent_of(values.path) == path and is_automatic(values.path)),
            key=lambda values: (not values.path.endswith(("terraform.tfvars", "terraform.tfvars.json")), values.path),
        )
        place = self._environments.of_path(f"{path}/main.tf" if path else "main.tf")
        found: dict[str, _Variant] = {}
        always: list[TfVars] = []
        loose: list[TfVars] = []
        for values in own:
            if any(values is other for other in automatic):
                continue
            named = self._environments.of_path(values.path)
            if named is None:
                loose.append(values)
            elif place is not None and place.name == named.name:
                always.append(values)
            else:
                found.setdefault(named.name, _Variant(named.name)).tfvars.append(values)
        common = _Variant(None)
        for file in self._backend_files.get(path, []):
            named = self._environments.of_path(file.path)
            target = common if named is None else found.setdefault(named.name, _Variant(named.name))
            target.backends.append(file)
        for session in self._sessions.get(path, []):
            self._add(session, found, common, path, place.name if place is not None else None)
        for variant in found.values() or (common,):
            self._complete(variant, common, path, automatic, [*always, *(loose if len(loose) == 1 and not found else [])])
            if len(loose) > 1 and not found:
                for values in loose:
                    variant.elsewhere.update({entry[0]: f"one of several value files, {values.path}" for entry in values.body[0]})
        return [found[name] for name in sorted(found)] or [common]

    def _complete(self, variant: _Variant, common: _Variant, path: str, automatic: list[TfVars], always: list[TfVars]) -> None:
        """Put what counts for all environments below what is the variant's own."""
        placeholders: dict[str, str] = {}
        if path in self._examples:
            from opslint.model.terraform_examples import names_given_elsewhere

            placeholders = names_given_elsewhere(self._examples[path], self._read)
        variant.elsewhere = {**placeholders, **common.elsewhere, **variant.elsewhere}
        first = {values.path: values for values in automatic}
        named = {values.path: values for values in (*always, *variant.tfvars) if values.path not in first}
        variant.tfvars = [*first.values(), *named.values()]
        if variant is not common:
            variant.backends = variant.backends or common.backends
            variant.variables = {**common.variables, **variant.variables}
            variant.environ = {**common.environ, **variant.environ}
            variant.settings = {**common.settings, **variant.settings}

    def _add(self, session: Session, found: dict[str, _Variant], common: _Variant, path: str, place: str | None) -> None:
        """Take the commands of one session, once for each environment that its file names lead to."""
        candidates = [file.path for file in (*self._tfvars.get(path, []), *self._backend_files.get(path, []))]
        candidates.extend(values for values in self._by_path if values not in candidates)
        bindings = session.bindings(candidates)
        if bindings == [{}]:
            bindings = session.chosen(lambda text: self._environments.of_value(text) is not None)
        for values in bindings:
            filled = session.filled(values)
            name = self._environment_of(filled, values)
            if name is None or name == place:
                self._take(filled, common, certain=name is not None)
            else:
                self._take(filled, found.setdefault(name, _Variant(name)), certain=True)

    def _environment_of(self, session: Session, values: dict[str, str]) -> str | None:
        from opslint.model.terraform_sessions import plain_text

        files = (*session.var_files, *session.backend_files)
        named = next(filter(None, map(self._environments.of_path, (path for path in files if "$" not in path))), None)
        if named is not None:
            return named.name
        texts = [session.variables[name][0] for name in ENVIRONMENT_NAMES if name in session.variables]
        texts += [
            plain_text(session.environ[f"TF_VAR_{name}"][0]) for name in ENVIRONMENT_NAMES if f"TF_VAR_{name}" in session.environ
        ]
        texts += [session.workspace, plain_text(session.environ["TF_WORKSPACE"][0]) if "TF_WORKSPACE" in session.environ else ""]
        texts += [*values.values(), session.target]
        found = next(filter(None, (self._environments.of_value(text) for text in texts if text and "$" not in text)), None)
        return found.name if found is not None else None

    def _take(self, session: Session, variant: _Variant, *, certain: bool) -> None:
        from opslint.model.terraform_examples import read_backend_file
        from opslint.model.terraform_sessions import given_value, plain_text, text_value

        ordered = [self._by_path[path] for path in session.var_files if path in self._by_path]
        if ordered:
            variant.tfvars = [*(values for values in variant.tfvars if values.path not in session.var_files), *ordered]
        for path in session.var_files:
            if path not in self._by_path:
                variant.elsewhere["*"] = f"{path} is not in the repository"
        for path in session.backend_files:
            file = self._backend_by_path.get(path)
            if file is None and "$" not in path:
                file = read_backend_file(path, self._read)
            if file is not None and all(other.path != path for other in variant.backends):
                variant.backends = [*variant.backends, file]
        given = {name: (text_value(text, f"-var {name}"), loc) for name, (text, loc) in session.variables.items()}
        given_before = {
            name.removeprefix("TF_VAR_"): (given_value(value, name), loc)
            for name, (value, loc) in session.environ.items()
            if name.startswith("TF_VAR_")
        }
        for target, pairs in ((variant.variables, given), (variant.environ, given_before)):
            for name, (value, loc) in pairs.items():
                before = target.get(name)
                # Commands that disagree are for different cases; which of them counts is not known.
                differs = before is not None and before[0] != value
                target[name] = (unknown(f"several commands give {name}") if differs else value, loc)
        variant.settings.update({name: (text_value(text, name), session.loc) for name, text in session.settings.items()})
        workspace = session.workspace or (
            plain_text(session.environ["TF_WORKSPACE"][0]) if "TF_WORKSPACE" in session.environ else ""
        )
        if workspace and certain:
            variant.workspace = text_value(workspace, "the workspace")

    def _missing(self, directory: Directory, inputs: dict[str, Input]) -> str:
        """Return a variable without any value, "" when there is none. Somebody gives it, in a value file that may set others too; secrets
        are given one by one.
        """
        for block in directory.of("variable"):
            written = {name: expression for name, _at, expression in block.body[0]}
            name = block.labels[0] if block.labels else ""
            if name and name not in inputs and "default" not in written and written.get("sensitive") != ["lit", True]:
                if not is_secret_name(name):
                    return name
        return ""

    def _root(self, directory: Directory, variant: _Variant, applied: bool) -> Root:
        path = directory.path
        inputs: dict[str, Input] = {name: Input(loc, value=value) for name, (value, loc) in variant.environ.items()}
        for given in variant.tfvars:
            for name, at, expression in given.body[0]:
                inputs[name] = Input(given.place(at), expression=expression, names=None)
        inputs.update({name: Input(loc, value=value) for name, (value, loc) in variant.variables.items()})
        lacking = self._missing(directory, inputs)
        if lacking:
            variant.elsewhere = {"*": f"nothing gives {lacking} a value", **variant.elsewhere}
        settings = Settings(
            self._directories,
            path,
            variant.workspace,
            self._functions(path),
            self._blind,
            self._environments_of,
            applied=applied,
            elsewhere=variant.elsewhere,
        )
        module = ModuleInstance(settings, directory, inputs=inputs)
        for entry in inputs.values():
            entry.names = module.names
        environment = variant.environment
        environments = [environment] if environment else self._root_environments(module)
        module.__dict__["environments"] = environments
        workspace = as_text(variant.workspace) or ""
        backend = backend_of(directory, module, variant.backends, variant.settings, workspace)
        files = {*directory.files, *(given.path for given in variant.tfvars), *(file.path for file in variant.backends)}
        files.update(loc[0] for _value, loc in (*variant.variables.values(), *variant.environ.values()))
        return Root(
            applied=applied,
            backend=backend,
            environments=environments,
            files=sorted(files),
            key=f"{path or '.'}@{environment}" if environment else path or ".",
            module=module,
            path=path,
            providers=[module.body(block) for block in directory.of("provider")],
            reads=[],
            tfvars=[given.path for given in variant.tfvars],
            uses_workspace=backend is not None and _uses_workspace(directory) and isinstance(variant.workspace, Unknown),
        )

    def _root_environments(self, module: ModuleInstance) -> list[str]:
        directory = module.directory.path
        found = self._environments.of_path(f"{directory}/main.tf" if directory else "main.tf")
        if found is None:
            for name in ENVIRONMENT_NAMES:
                if name in module.inputs:
                    found = self._named(module.variable(name))
                elif name in module.locals:
                    found = self._named(module.local(name))
                if found is not None:
                    break
        return [found.name] if found else []

    def _named(self, value: Value) -> Environment | None:
        text = as_text(value)
        return self._environments.of_value(text) if text else None

    def _environments_of(self, module: ModuleInstance) -> list[str]:
        """Return the environments of a called module: its caller's, else the one its inputs name."""
        above = module.parent.environments if module.parent else []
        if above:
            return above
        for name in ENVIRONMENT_NAMES:
            if name in module.inputs:
                found = self._named(module.variable(name))
                if found is not None:
                    return [found.name]
        return []


def _is_library(path: str) -> bool:
    """Tell whether a directory stands among modules, where nothing is applied unless it has a backend or values of its own."""
    return any(segment in ("modules", "module") for segment in path.split("/"))


def is_automatic(path: str) -> bool:
    """Tell whether Terraform reads a value file of this name without being told."""
    name = path.rpartition("/")[2].removesuffix(".json")
    return name == "terraform.tfvars" or name.endswith(".auto.tfvars")


def _uses_workspace(directory: Directory) -> bool:
    return any(
        expression[0] == "ref" and expression[1] == "terraform" and expression[2][:1] == ["workspace"]
        for blocks in directory.blocks.values()
        for block in blocks
        for expression in walk_body(block.body)
    )
