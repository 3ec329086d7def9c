"""Terragrunt units as Terraform roots: `include`, `locals`, `inputs` and `remote_state`, put together as Terragrunt does.

What is not followed: `dependency` outputs, `generate`, `run_cmd`, `sops_decrypt_file`, hooks; they leave Unknown values, never wrong ones.
"""

from __future__ import annotations

from opslint.base.expression import is_literal_text, walk
from opslint.base.lazy import cached_property
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.model.environment_names import ENVIRONMENT_NAMES
from opslint.model.terraform_backends import Backend
from opslint.model.terraform_directories import Directory
from opslint.model.terraform_modules import ModuleInstance
from opslint.model.terraform_nodes import Body
from opslint.model.terraform_paths import in_repository
from opslint.model.terraform_roots import Root, is_automatic
from opslint.model.terraform_settings import Input, Settings
from opslint.model.terraform_values import OpenMap, as_text, settled
from opslint.model.terragrunt_config import DEFAULT_NAME, Config

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import HclFile
    from opslint.model.terragrunt_config import Project

MAX_MERGE = 20
"""Levels of maps that a deep merge goes down."""


def units(project: Project, directories: dict[str, Directory]) -> list[Root]:
    """Return one root for each unit: a ``terragrunt.hcl`` that names a module or includes another file."""
    found = [_Unit(file, project) for file in project.files.values() if file.path.rpartition("/")[2] == DEFAULT_NAME]
    parents = {path for unit in found for path in unit.included}
    for unit in found:
        if unit.config.file.path in parents and unit.included:
            message = f"it is included and includes {unit.included[0]} itself, which Terragrunt refuses"
            project.blind("terragrunt-include", unit.config.file.loc, message)
    return [_root(unit, directories) for unit in found if unit.config.file.path not in parents and unit.is_unit]


class _Unit:
    """One ``terragrunt.hcl`` with what it includes."""

    def __init__(self, file: HclFile, project: Project) -> None:
        self.project = project
        self.config = Config(file, project)
        self.directory = self.config.directory
        self.included = [path for _name, path, _strategy in self.config.includes]

    @property
    def is_unit(self) -> bool:
        """Whether something is deployed from here."""
        return bool(self.included or self.config.lost) or any(block[0] == "terraform" for block in self.config.file.body[1])

    def chain(self) -> list[Config]:
        """Return the files that count, the unit's own last: later ones win."""
        above = [self.config.included(name) for name, _path, strategy in reversed(self.config.includes) if strategy != "no_merge"]
        return [*above, self.config]

    @cached_property
    def lost(self) -> list[tuple[str, Loc]]:
        """Includes of which nothing is known, its own and those of what it includes."""
        return [row for config in self.chain() for row in config.lost]

    def note(self) -> None:
        """Say what of the unit is not known."""
        for reason, loc in self.lost:
            self.project.blind("terragrunt-include", loc, reason)
        for config in self.chain():
            for reason, loc in config.not_followed():
                self.project.blind("terragrunt-function", loc, reason)

    def inputs(self) -> dict[str, Input]:
        """Return what the unit gives to its module."""
        out: dict[str, Input] = {}
        deep = any(strategy not in ("shallow", "no_merge") for _name, _path, strategy in self.config.includes)
        for config in self.chain():
            loc = config.place_of("inputs")
            value = settled(config.inputs)
            own = config is self.config
            found = value.value if isinstance(value, Known) else value.entries if isinstance(value, OpenMap) else None
            if not isinstance(found, dict):
                found = {}
            if not isinstance(value, Known):
                # Whatever it holds may replace what files above give.
                out = {name: Input(entry.loc, value=unknown("inputs that are not wholly known")) for name, entry in out.items()}
            for name, item in found.items():
                above = out.get(name)
                given: Value = item
                if above is not None and above.value is not None and deep and own:
                    given = _merged(above.value, item, 0)
                elif above is not None and not own and above.value != item:
                    given = unknown("two included files give it")
                out[name] = Input(loc, value=given)
        return out

    def value_files(self) -> tuple[list[str], str]:
        """Return the value files that Terraform is given besides the inputs, in order, and one that is not known ("" when all are).

        They count over the inputs, which Terragrunt hands over as environment variables.
        """
        prefix = f"{self.directory}/" if self.directory else ""
        own = [
            path
            for path in self.project.tfvars
            if path.startswith(prefix) and "/" not in path[len(prefix) :] and is_automatic(path)
        ]
        files = sorted(own, key=lambda path: (not path.endswith(("terraform.tfvars", "terraform.tfvars.json")), path))
        lost = ""
        for config in self.chain():
            for block in config.file.body[1]:
                for nested in block[3][1] if block[0] == "terraform" else ():
                    fields = (
                        {name: expression for name, _at, expression in nested[3][0]} if nested[0] == "extra_arguments" else {}
                    )
                    for name in ("required_var_files", "optional_var_files"):
                        found = settled(config.value(fields[name])) if name in fields else known([])
                        if not isinstance(found, Known) or not isinstance(found.value, list):
                            lost = name
                            continue
                        for item in found.value:
                            path = in_repository(item, self.directory)
                            if path in self.project.tfvars:
                                files.append(str(path))
                            elif path is None or name == "required_var_files":
                                lost = f"{name}: {path or 'a name that is not known'}"
                    if "arguments" in fields and any(
                        is_literal_text(part) and "-var" in part[1] for part in walk(fields["arguments"])
                    ):
                        lost = "arguments"
        return files, lost

    def backend(self) -> Backend | None:
        """Return the remote state of the unit, its own or an included one."""
        made: Backend | None = None
        for config in self.chain():
            for block in config.file.body[1]:
                if block[0] == "remote_state":
                    made = _backend(config, block)
        if made is None and self.lost:
            # What is not there may well hold the remote state.
            config, loc = self.config, self.lost[0][1]
            made = Backend(
                "unknown",
                loc,
                Body([[], [], True], config.file.path, loc, config.names, config.evaluator),
                {},
                True,
                "remote_state",
            )
        return made

    def source(self) -> str | None:
        """Return the project path of the module, None when it is not in the repository; without a source it is the unit's directory."""
        for config in reversed(self.chain()):
            for block in config.file.body[1]:
                if block[0] != "terraform":
                    continue
                for name, _at, expression in block[3][0]:
                    if name == "source":
                        value = config.value(expression)
                        text = as_text(value)
                        if text is not None and (
                            "::" in text or "://" in text or text.startswith(("git@", "tfr:", "github.com"))
                        ):
                            return None
                        return in_repository(value, self.directory)
        return self.directory

    def reads(self) -> list[tuple[str, Loc]]:
        """Return the units of the repository that the unit and what it includes take outputs from."""
        out: list[tuple[str, Loc]] = []
        for config in self.chain():
            for block in config.file.body[1]:
                for name, at, expression in block[3][0] if block[0] == "dependency" else ():
                    path = in_repository(config.value(expression), self.directory) if name == "config_path" else None
                    if path is not None:
                        out.append((path, config.file.place(at)))
        return out

    @property
    def files(self) -> set[str]:
        """The files the unit rests on."""
        return {path for config in self.chain() for path in config.files}


def _merged(above: Value, own: Value, depth: int) -> Value:
    """Merge maps key by key; lists are joined in a way that is not followed, all else is replaced."""
    high, low = settled(above), settled(own)
    if not isinstance(high, Known) or not isinstance(low, Known) or depth > MAX_MERGE:
        return (
            own
            if not isinstance(low, Known) or not isinstance(low.value, dict | list)
            else unknown("merged with something unknown")
        )
    if isinstance(high.value, list) and isinstance(low.value, list):
        return unknown("lists that are merged")
    if not isinstance(high.value, dict) or not isinstance(low.value, dict):
        return own
    out: dict[str, Value] = dict(high.value)
    for key, item in low.value.items():
        out[key] = _merged(out[key], item, depth + 1) if key in out else item
    return known(out)


def _backend(config: Config, block: list[Any]) -> Backend:
    file = config.file
    loc = file.place(block[2])
    fields = {name: (at, expression) for name, at, expression in block[3][0]}
    kind = as_text(config.value(fields["backend"][1])) if "backend" in fields else None
    given: dict[str, tuple[Value, Loc]] = {}
    whole = False
    if "config" in fields:
        at, expression = fields["config"]
        places = {key[1]: place for key, _value, place in expression[2]} if expression[0] == "obj" else {}
        value = settled(config.value(expression))
        whole = isinstance(value, Known)
        found = value.value if isinstance(value, Known) else value.entries if isinstance(value, OpenMap) else {}
        if isinstance(found, dict):
            given = {name: (item, file.place(places.get(name, at))) for name, item in found.items()}
    empty = Body([[], [], not whole], file.path, loc, config.names, config.evaluator)
    return Backend(kind or "unknown", loc, empty, given, not whole, "remote_state")


def _root(unit: _Unit, directories: dict[str, Directory]) -> Root:
    project = unit.project
    source = unit.source()
    directory = directories.get(source) if source is not None else None
    if directory is None:
        project.blind(
            "module-not-in-repository", unit.config.file.loc, "the module of this Terragrunt unit is not in this repository"
        )
        directory = Directory(unit.directory)
    settings = Settings(
        directories,
        unit.directory,
        unknown("terraform.workspace"),
        project.functions(unit.directory),
        project.blind,
        _inherited,
        applied=True,
    )
    unit.note()
    inputs = unit.inputs()
    for reason, loc in unit.lost[:1]:
        for block in directory.blocks.get("variable", ()):
            inputs.setdefault(block.labels[0] if block.labels else "", Input(loc, value=unknown(reason)))
    files, over = unit.value_files()
    if over:
        inputs = {name: Input(entry.loc, value=unknown(f"{over} may set it")) for name, entry in inputs.items()}
        settings.elsewhere = {"*": over}
    for path in files:
        values = project.tfvars[path]
        inputs.update({name: Input(values.place(at), expression=expression) for name, at, expression in values.body[0]})
    module = ModuleInstance(settings, directory, inputs=inputs)
    for entry in inputs.values():
        entry.names = entry.names or module.names
    names = _environments(unit, inputs)
    module.__dict__["environments"] = names
    return Root(
        applied=True,
        backend=unit.backend(),
        environments=names,
        files=sorted({*unit.files, *directory.files, *files}),
        key=unit.directory or ".",
        module=module,
        path=unit.directory,
        providers=[],
        reads=unit.reads(),
        tfvars=files,
        uses_workspace=False,
    )


def _environments(unit: _Unit, inputs: dict[str, Input]) -> list[str]:
    """The environment that the path names, else the one that the inputs name."""
    environments = unit.project.environments
    found = environments.of_path(unit.config.file.path)
    for name in ENVIRONMENT_NAMES:
        given = inputs.get(name)
        text = as_text(given.value) if given is not None and given.value is not None else None
        if found is None and text:
            found = environments.of_value(text)
    return [found.name] if found else []


def _inherited(module: ModuleInstance) -> list[str]:
    return module.parent.environments if module.parent else []
