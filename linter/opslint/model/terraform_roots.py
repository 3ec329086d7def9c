"""Roots: directories that Terraform is applied in, one for each environment whose values it is applied with."""

from __future__ import annotations

from opslint.base.expression import walk_body
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, unknown
from opslint.facts.terraform import HclFile, TfVars
from opslint.model.terraform_directories import called_paths
from opslint.model.terraform_modules import Input, ModuleInstance, Settings
from opslint.model.terraform_nodes import Body
from opslint.model.terraform_values import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import TfBlock
    from opslint.model.environments import Environments
    from opslint.model.records import Environment
    from opslint.model.terraform_directories import Directory
    from opslint.model.terraform_nodes import Resource

STATE_FIELDS: dict[str, tuple[str, ...]] = {
    "s3": ("bucket", "key"),
    "gcs": ("bucket", "prefix"),
    "azurerm": ("storage_account_name", "container_name", "key"),
    "oss": ("bucket", "prefix", "key"),
    "cos": ("bucket", "prefix", "key"),
    "http": ("address",),
    "consul": ("address", "path"),
    "kubernetes": ("secret_suffix", "namespace"),
    "pg": ("conn_str", "schema_name"),
}
"""What tells one state from another, by backend type (Terraform's backend documentation)."""

STATE_DEFAULTS: dict[str, dict[str, str]] = {
    "gcs": {"prefix": ""},
    "oss": {"prefix": "env:", "key": "terraform.tfstate"},
    "cos": {"prefix": "env:", "key": "terraform.tfstate"},
    "consul": {"address": "127.0.0.1:8500"},
    "kubernetes": {"namespace": "default"},
    "pg": {"schema_name": "terraform_remote_state"},
}

BACKEND_KEYS = frozenset(
    "bucket key prefix region dynamodb_table use_lockfile encrypt profile role_arn storage_account_name container_name"
    " resource_group_name subscription_id tenant_id workspace_key_prefix kms_key_id address lock_address hostname organization".split()
)
"""Attributes that a partial backend configuration file holds, and nothing else."""

ENVIRONMENT_NAMES = ("environment", "env", "stage", "tier", "environment_name", "env_name", "deploy_env")
"""Variables and locals whose whole value may name the environment."""


class Backend:
    """Where a root keeps its state. `given` are values from backend files or the command line, by name, with their places."""

    __slots__ = ("block", "body", "given", "kind", "loc", "partial")

    def __init__(self, kind: str, loc: Loc, body: Body, given: dict[str, tuple[Value, Loc]], partial: bool, block: str) -> None:
        self.kind = kind
        self.loc = loc
        self.body = body
        self.given = given
        self.partial = partial
        self.block = block

    def get(self, name: str) -> Value:
        """Return one setting; Absent when neither the block nor a known backend file sets it."""
        if name in self.given:
            return self.given[name][0]
        value = self.body.get(name)
        if value == ABSENT and self.partial:
            return unknown("given to `init`")
        return value

    def has(self, name: str) -> bool:
        """Tell whether a setting is written."""
        return name in self.given or self.body.has(name)

    def loc_of(self, name: str) -> Loc:
        """Return where a setting is written."""
        return self.given[name][1] if name in self.given else self.body.loc_of(name)

    def state(self) -> tuple[str, ...] | None:
        """Return what identifies the state (kind and fields), None when some of it is not known."""
        if self.kind == "remote":
            names = (self.get("organization"), self.body.get("workspaces", "name"))
            texts = [as_text(name) for name in names]
            return None if None in texts else ("remote", *(text or "" for text in texts))
        fields = STATE_FIELDS.get(self.kind)
        if fields is None:
            return None
        out = [self.kind]
        for name in fields:
            value = self.get(name)
            text = as_text(value)
            if text is None:
                default = STATE_DEFAULTS.get(self.kind, {}).get(name)
                if value != ABSENT or default is None:
                    return None
                text = default
            out.append(text)
        return tuple(out)


class Root(Record):
    """One root in one environment.

    `key` is unique and readable (``infra``, ``infra@staging``); `path` its directory; `environments` the names it is applied in
    ([]: the one unnamed environment). `applied` is False for a module that nothing in the repository calls. `tfvars` are the value
    files of this instance, `files` all it rests on. `uses_workspace`: it has a backend and its code reads ``terraform.workspace``.
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
    tfvars: list[str]
    uses_workspace: bool

    @property
    def resources(self) -> list[Resource]:
        """All resources, those of called modules included."""
        return [resource for module in self.module.all_modules() for resource in module.resources]

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


class RootFinder:
    """Finds the roots of a project among its Terraform directories."""

    def __init__(
        self,
        directories: dict[str, Directory],
        tfvars: list[TfVars],
        files: list[HclFile],
        environments: Environments,
        functions: Callable[[str], dict[str, Callable[[list[Value]], Value]]],
        blind: Callable[[str, Loc, str], None],
        runs: list[tuple[str, list[str], list[str]]],
        called: set[str],
    ) -> None:
        self._directories = directories
        self._environments = environments
        self._functions = functions
        self._blind = blind
        self._runs = runs
        self._called = self._called_directories() | called
        self._tfvars: dict[str, list[TfVars]] = {}
        for values in tfvars:
            self._tfvars.setdefault(self._owner(values.path), []).append(values)
        self._by_path = {values.path: values for values in tfvars}
        self._backend_files: dict[str, list[HclFile]] = {}
        for file in files:
            if file.dialect == "hcl" and _is_backend_file(file):
                self._backend_files.setdefault(self._owner(file.path), []).append(file)
        self._backend_by_path = {file.path: file for found in self._backend_files.values() for file in found}

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
            has_values = path in self._tfvars or any(run[0] == path for run in self._runs)
            if path in self._called and backend is None and not has_values:
                continue
            runs_here = bool(directory.of("provider") or directory.of("module")) and not _is_library(path)
            applied = backend is not None or has_values or runs_here
            for environment, values, files in self._instances(path):
                out.append(self._root(directory, environment, values, files, applied))
        return out

    def _instances(self, path: str) -> list[tuple[str | None, list[TfVars], list[HclFile]]]:
        own = self._tfvars.get(path, [])
        automatic = [values for values in own if parent_of(values.path) == path and _is_automatic(values.path)]
        groups: dict[str, list[TfVars]] = {}
        loose: list[TfVars] = []
        for values in own:
            if values in automatic:
                continue
            found = self._environments.of_path(values.path)
            own_place = self._environments.of_path(f"{path}/main.tf" if path else "main.tf")
            if found is None or (own_place is not None and own_place.name == found.name):
                loose.append(values)
            else:
                groups.setdefault(found.name, []).append(values)
        backends = self._backend_groups(path)
        for root, var_files, backend_files in self._runs:
            if root == path:
                self._add_run(groups, backends, var_files, backend_files)
        names = sorted({*groups, *(name for name in backends if name)})
        if not names:
            return [(None, [*automatic, *loose], backends.get("", []))]
        return [(name, [*automatic, *groups.get(name, [])], backends.get(name, backends.get("", []))) for name in names]

    def _backend_groups(self, path: str) -> dict[str, list[HclFile]]:
        groups: dict[str, list[HclFile]] = {}
        for file in self._backend_files.get(path, []):
            found = self._environments.of_path(file.path)
            groups.setdefault(found.name if found else "", []).append(file)
        return groups

    def _add_run(
        self,
        groups: dict[str, list[TfVars]],
        backends: dict[str, list[HclFile]],
        var_files: list[str],
        backend_files: list[str],
    ) -> None:
        """Take the files of one command line; its environment is that of any file it names."""
        found = next(filter(None, map(self._environments.of_path, [*var_files, *backend_files])), None)
        if found is None:
            return
        for path in var_files:
            values = self._by_path.get(path)
            if values is not None and values not in groups.setdefault(found.name, []):
                groups[found.name].append(values)
        for path in backend_files:
            file = self._backend_by_path.get(path)
            if file is not None and file not in backends.setdefault(found.name, []):
                backends[found.name].append(file)

    def _root(
        self, directory: Directory, environment: str | None, values: list[TfVars], files: list[HclFile], applied: bool
    ) -> Root:
        path = directory.path
        inputs: dict[str, Input] = {}
        for given in values:
            for name, at, expression in given.body[0]:
                inputs[name] = Input(given.place(at), expression=expression, names=None)
        settings = Settings(
            self._directories,
            path,
            unknown("terraform.workspace"),
            self._functions(path),
            self._blind,
            self._environments_of,
            applied=applied,
        )
        module = ModuleInstance(settings, directory, inputs=inputs)
        for entry in inputs.values():
            entry.names = module.names
        environments = [environment] if environment else self._root_environments(module)
        module.__dict__["environments"] = environments
        backend = _backend(directory, module, files)
        return Root(
            applied=applied,
            backend=backend,
            environments=environments,
            files=sorted({*directory.files, *(given.path for given in values), *(file.path for file in files)}),
            key=f"{path or '.'}@{environment}" if environment else path or ".",
            module=module,
            path=path,
            providers=[module.body(block) for block in directory.of("provider")],
            tfvars=[given.path for given in values],
            uses_workspace=backend is not None and _uses_workspace(directory),
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


def backend_block(directory: Directory) -> tuple[TfBlock, list[object]] | None:
    """Return the ``terraform`` block and the nested ``backend`` or ``cloud`` block of a directory, None without one."""
    for block in directory.of("terraform"):
        for nested in block.body[1]:
            if nested[0] in ("backend", "cloud"):
                return block, nested
    return None


def _backend(directory: Directory, module: ModuleInstance, files: list[HclFile]) -> Backend | None:
    found = backend_block(directory)
    if found is None:
        return None
    block, nested = found
    kind, labels, at, data = nested
    loc = block.place(at)  # type: ignore[arg-type]
    body = Body(data, block.path, loc, module.names, module.evaluator)  # type: ignore[arg-type]
    name = labels[0] if kind == "backend" and labels else "remote"  # type: ignore[index]
    given: dict[str, tuple[Value, Loc]] = {}
    for file in files:
        for attribute, place, expression in file.body[0]:
            given[attribute] = (module.value(expression), file.place(place))
    fields = STATE_FIELDS.get(name, ())
    # A block that leaves out a field without default is completed at `init`: its other fields may be given there too.
    defaults = STATE_DEFAULTS.get(name, {})
    partial = any(field not in given and not body.has(field) and field not in defaults for field in fields)
    return Backend(name, loc, body, given, partial, str(kind))


def _is_library(path: str) -> bool:
    """Tell whether a directory stands among modules, where nothing is applied unless it has a backend or values of its own."""
    return any(segment in ("modules", "module") for segment in path.split("/"))


def _is_automatic(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name == "terraform.tfvars" or name.endswith(".auto.tfvars")


def _is_backend_file(file: HclFile) -> bool:
    attributes, blocks, _open = file.body
    return bool(attributes) and not blocks and all(name in BACKEND_KEYS for name, _at, _expression in attributes)


def _uses_workspace(directory: Directory) -> bool:
    return any(
        expression[0] == "ref" and expression[1] == "terraform" and expression[2][:1] == ["workspace"]
        for blocks in directory.blocks.values()
        for block in blocks
        for expression in walk_body(block.body)
    )
