"""Which variables the code of a service reads, following reader functions and settings classes."""

from __future__ import annotations

from opslint.base.masking import mask
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env import EnvFamily, EnvObject, EnvRead, EnvReader, EnvWrite, NamedCall
from opslint.facts.env_libraries import library_of, parse_of
from opslint.facts.modules import ModuleCalls
from opslint.facts.shell import ShellScript
from opslint.model.env_files import EnvFiles
from opslint.model.settings_reads import SettingsReads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.location import Loc
    from opslint.base.masking import Masked
    from opslint.facts.env_libraries import Library
    from opslint.model.model import DeploymentModel

_DOTENV_LOADERS = ("dotenv.load_dotenv", "environ.Env.read_env", "environ.Env().read_env", "environs.Env().read_env")


class Read(Record):
    """One read of one variable. `required`: the program fails when it is not set; `aliases`: other names that do as well.

    `missing`, `default`, `default_kind`, `how`, `import_time`, `function`, `guarded`, `holder`, `instead`, `noticed`, `parse`, `slot` as in
    `opslint.facts.env.EnvRead`. `evidence` are the places that show how the name is read (the reader function, the object). `prefix` is
    what a class or an object puts before the name; `nested`: the name is that of a part of a model.
    """

    __slots__ = (
        "aliases",
        "default",
        "default_kind",
        "evidence",
        "function",
        "guarded",
        "holder",
        "how",
        "ignore_case",
        "import_time",
        "instead",
        "loc",
        "missing",
        "name",
        "nested",
        "noticed",
        "parse",
        "prefix",
        "required",
        "slot",
    )
    aliases: list[str]
    default: str | None
    default_kind: str
    evidence: list[tuple[Loc, str]]
    function: str
    guarded: bool
    holder: str
    how: str
    ignore_case: bool
    import_time: bool
    instead: list[str]
    loc: Loc
    missing: str
    name: str
    nested: bool
    noticed: bool
    parse: str
    prefix: str
    required: bool
    slot: str

    def defaults_to(self, value: Masked) -> bool:
        """Tell whether the default in the code is the masked `value`."""
        return self.default is not None and mask(self.default).digest == value.digest


class EnvReads:
    """All reads of a project by file."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.python = model.python
        self.by_path: dict[str, list[Read]] = {}
        self.writes: dict[str, list[EnvWrite]] = {}
        self.loads_dotenv: dict[str, Loc] = {}
        self.files = EnvFiles(model)
        self._assigned: dict[str, set[str]] | None = None
        self.families = sorted({fact.prefix for fact in model.facts(EnvFamily)})
        for fact in model.facts(EnvRead):
            self._add(fact.path, _of_fact(fact))
        for write in model.facts(EnvWrite):
            self.writes.setdefault(write.path, []).append(write)
        self._named_calls()
        self._settings()
        for calls in model.facts(ModuleCalls):
            for origin, place in calls.calls:
                if str(origin) in _DOTENV_LOADERS and isinstance(place, int):
                    self.loads_dotenv.setdefault(calls.path, calls.place(place))

    def _add(self, path: str, read: Read) -> None:
        self.by_path.setdefault(path, []).append(read)

    def _named_calls(self) -> None:
        """Calls with a literal name of functions whose parameter becomes the name of a read, and of objects that other files made."""
        readers: dict[tuple[str, str], EnvReader] = {}
        for reader in self.model.facts(EnvReader):
            readers.setdefault((reader.path, reader.qualname), reader)
        objects = self.model.facts(EnvObject)
        names = {qualname.rpartition(".")[2] for _path, qualname in readers} | {made.name for made in objects}
        names |= {qualname.partition(".")[0] for _path, qualname in readers}
        if not names:
            return
        paths = {path for path, _qualname in readers} | {made.path for made in objects}
        for path in self.files.importing(names, paths):
            for call in self.files.facts_of(NamedCall, path):
                target = self.python.resolve(path, call.origin)
                if target.kind == "external" and not call.origin.startswith((".", "<local>")):
                    # A name that only `from … import *` can have brought.
                    inner = self.python.resolve(path, f"<local>.{call.origin}")
                    target = inner if inner.kind != "unknown" else target
                found = readers.get((target.path, target.name)) if target.kind == "function" else None
                library = library_of(target.name) if target.kind == "external" else None
                if found is not None and found.position == call.position and call.name:
                    self._called_reader(call, found)
                elif library is not None:
                    self._called_library(call, library, objects)

    def _called_reader(self, call: NamedCall, reader: EnvReader) -> None:
        missing = reader.missing
        if call.defaulted and reader.default_param:
            missing = "default"
        elif missing == "none":
            missing = call.missing
        if missing == "raises" and call.caught:
            missing = "handled"
        evidence = [(reader.loc, f"{reader.qualname}() reads the variable its argument names")]
        self._add(call.path, _of_call(call, reader.prefix + call.name, reader.qualname, missing, evidence, ""))

    def _called_library(self, call: NamedCall, library: Library, objects: list[EnvObject]) -> None:
        words = call.origin.removeprefix("<local>.").split(".")
        held = [made for made in objects if made.how == library.how and made.name in words[-2:]]
        here = [
            made
            for made in held
            if any(self.python.file_of(".".join(words[:count]), call.path) == made.path for count in (-1, -2))
        ]
        made = next(iter(here or held), None)
        name = (made.prefix if made is not None else "") + (call.name or library.named)
        if name and (call.name or library.named):
            defaulted = call.defaulted or (made is not None and name in made.scheme)
            missing = (
                "default" if defaulted else "handled" if call.caught else "none" if call.default_kind == "none" else "raises"
            )
            evidence = [(made.loc, "the object it is read with is made here")] if made is not None else []
            self._add(call.path, _of_call(call, name, library.how, missing, evidence, parse_of(library, call.cast)))

    def _settings(self) -> None:
        """Fields of settings classes that something instantiates."""
        for field in SettingsReads(self.files).fields:
            self._add(
                field.path,
                Read(
                    aliases=field.names[1:],
                    default=field.default,
                    default_kind=field.default_kind,
                    evidence=[],
                    function=field.function,
                    guarded=False,
                    holder="",
                    how="pydantic",
                    ignore_case=field.ignore_case,
                    import_time=not field.function,
                    instead=field.instead,
                    loc=field.loc,
                    missing="raises" if field.required else "default",
                    name=field.names[0],
                    nested=field.nested,
                    noticed=False,
                    parse=field.parse,
                    prefix=field.prefix,
                    required=field.required,
                    slot=field.attribute,
                ),
            )

    def of_scripts(self, required: list[tuple[str, Loc]]) -> list[Read]:
        """Return what start scripts insist on (``${X:?}``) and do not set themselves as reads."""
        if not required:
            return []
        if self._assigned is None:
            self._assigned = {}
            for script in self.model.facts(ShellScript):
                names = {str(pair[0]) for step in script.steps() for pair in step.assignments}
                exported = {
                    word.partition("=")[0] for step in script.steps() if step.words[:1] == ["export"] for word in step.words[1:]
                }
                self._assigned[script.path] = names | exported
        wanted = {(name, loc): None for name, loc in required if name not in self._assigned.get(loc[0], ())}
        return [_of_script(name, loc) for name, loc in wanted if self._insists(name, loc[0])]

    def _insists(self, name: str, path: str) -> bool:
        """Tell whether a script asks for a variable on a line of its own at the top level: every run of it does."""
        text = (self.model.read(path) or b"").decode("utf-8", "replace")
        for line in text.split("\n"):
            at = max(line.find(f"${{{name}:?"), line.find(f"${{{name}?"))
            before = line[:at]
            if (
                at >= 0
                and line[:1] not in (" ", "\t", "#")
                and "&&" not in before
                and "||" not in before
                and "then" not in before
            ):
                return True
        return False

    def of_files(self, paths: Iterable[str]) -> list[Read]:
        """Return the reads of the given files, in order of file and place."""
        return [read for path in sorted(paths) for read in self.by_path.get(path, ())]


def _of_fact(fact: EnvRead) -> Read:
    return Read(
        aliases=fact.aliases,
        default=fact.default,
        default_kind=fact.default_kind,
        evidence=[],
        function=fact.function,
        guarded=fact.guarded,
        holder=fact.holder,
        how=fact.how,
        ignore_case=fact.ignore_case,
        import_time=fact.import_time,
        instead=fact.instead,
        loc=fact.loc,
        missing=fact.missing,
        name=fact.name,
        nested=False,
        noticed=fact.noticed,
        parse=fact.parse,
        prefix="",
        required=fact.missing == "raises",
        slot=fact.slot,
    )


def _of_call(call: NamedCall, name: str, how: str, missing: str, evidence: list[tuple[Loc, str]], parse: str) -> Read:
    return Read(
        aliases=[],
        default=call.default,
        default_kind=call.default_kind,
        evidence=evidence,
        function=call.function,
        guarded=call.guarded,
        holder="",
        how=how,
        ignore_case=False,
        import_time=call.import_time,
        instead=[],
        loc=call.loc,
        missing=missing,
        name=name,
        nested=False,
        noticed=False,
        parse=parse,
        prefix=name[: len(name) - len(call.name)] if call.name and name.endswith(call.name) else "",
        required=missing == "raises",
        slot="",
    )


def _of_script(name: str, loc: Loc) -> Read:
    return Read(
        aliases=[],
        default=None,
        default_kind="",
        evidence=[],
        function="",
        guarded=False,
        holder="",
        how="shell",
        ignore_case=False,
        import_time=True,
        instead=[],
        loc=loc,
        missing="raises",
        name=name,
        nested=False,
        noticed=False,
        parse="",
        prefix="",
        required=True,
        slot="",
    )
