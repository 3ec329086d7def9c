"""Which variables the code of a service reads, following reader functions and settings classes."""

from __future__ import annotations

from opslint.base.masking import mask
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env import EnvRead, EnvReader, EnvWrite, NamedCall
from opslint.facts.modules import ModuleBinding, ModuleCalls
from opslint.facts.settings_classes import SettingsClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opslint.base.location import Loc
    from opslint.base.masking import Masked
    from opslint.model.model import DeploymentModel

MAX_BASES = 6
"""Bases of a settings class followed."""

_DOTENV_LOADERS = ("dotenv.load_dotenv", "environ.Env.read_env", "environ.Env().read_env", "environs.Env().read_env")


class Read(Record):
    """One read of one variable. `required`: the program fails when it is not set; `aliases`: other names that do as well.

    `missing`, `default`, `default_kind`, `how`, `import_time`, `function`, `guarded`, `instead`, `parse` as in `opslint.facts.env.EnvRead`. `evidence` are the
    places that show how the name is read (the reader function, the settings class).
    """

    __slots__ = (
        "aliases",
        "default",
        "default_kind",
        "evidence",
        "function",
        "guarded",
        "how",
        "ignore_case",
        "import_time",
        "instead",
        "loc",
        "missing",
        "name",
        "parse",
        "required",
    )
    aliases: list[str]
    default: str | None
    default_kind: str
    evidence: list[tuple[Loc, str]]
    function: str
    guarded: bool
    how: str
    ignore_case: bool
    import_time: bool
    instead: list[str]
    loc: Loc
    missing: str
    name: str
    parse: str
    required: bool

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
        """Calls with a literal name of functions whose parameter becomes the name of a read."""
        readers: dict[tuple[str, str], EnvReader] = {}
        for reader in self.model.facts(EnvReader):
            readers.setdefault((reader.path, reader.qualname), reader)
        if not readers:
            return
        for call in self.model.facts(NamedCall):
            target = self.python.resolve(call.path, call.origin)
            found = readers.get((target.path, target.name)) if target.kind == "function" else None
            if found is None or found.position != call.position:
                continue
            missing = found.missing
            if call.defaulted and found.default_param:
                missing = "default"
            elif missing == "none":
                missing = call.missing
            self._add(
                call.path,
                Read(
                    aliases=[],
                    default=call.default,
                    default_kind=call.default_kind,
                    evidence=[(found.loc, f"{found.qualname}() reads the variable its argument names")],
                    function=call.function,
                    guarded=False,
                    how=found.qualname,
                    ignore_case=False,
                    import_time=call.import_time,
                    instead=[],
                    loc=call.loc,
                    missing=missing,
                    name=call.name,
                    parse="",
                    required=missing == "raises",
                ),
            )

    def _settings(self) -> None:
        """Fields of settings classes that something instantiates; the read happens in the file that instantiates the class."""
        classes = {(fact.path, fact.qualname): fact for fact in self.model.facts(SettingsClass)}
        if not classes:
            return
        used: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key, fact in classes.items():
            if fact.instantiated:
                used.setdefault(key, []).append((fact.path, "" if fact.instantiated == "module" else fact.instantiated))
        for binding in self.model.facts(ModuleBinding):
            if binding.origin.endswith("()"):
                target = self.python.resolve(binding.path, binding.origin.removesuffix("()"))
                if target.kind == "class" and (target.path, target.name) in classes:
                    used.setdefault((target.path, target.name), []).append((binding.path, ""))
        for key, places in used.items():
            chain = list(self._chain(classes, key, 0))
            if not any(fact.direct for fact in chain):
                continue
            for path, function in dict.fromkeys(places):
                for read in _of_class(chain, function):
                    self._add(path, read)

    def _chain(self, classes: dict[tuple[str, str], SettingsClass], key: tuple[str, str], depth: int) -> Iterator[SettingsClass]:
        fact = classes.get(key)
        if fact is None or depth > MAX_BASES:
            return
        yield fact
        for base in fact.bases:
            target = self.python.resolve(fact.path, base)
            if target.kind == "class":
                yield from self._chain(classes, (target.path, target.name), depth + 1)

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
        how=fact.how,
        ignore_case=fact.ignore_case,
        import_time=fact.import_time,
        instead=fact.instead,
        loc=fact.loc,
        missing=fact.missing,
        name=fact.name,
        parse=fact.parse,
        required=fact.missing == "raises",
    )


def _of_class(chain: list[SettingsClass], function: str) -> Iterator[Read]:
    """The reads of one settings class with its bases; a field defined again below hides the one above."""
    seen: set[str] = set()
    for fact in chain:
        for field, names, required, default, default_kind, place, instead in fact.fields:
            if field in seen or not isinstance(names, list) or not names or not isinstance(place, int):
                continue
            seen.add(str(field))
            # A class that ignores case finds the usual spelling, which is the one to name.
            texts = [str(name).upper() if fact.ignore_case else str(name) for name in names]
            yield Read(
                aliases=texts[1:],
                default=default if isinstance(default, str) else None,
                default_kind=str(default_kind),
                evidence=[],
                function=function,
                guarded=False,
                how="pydantic",
                ignore_case=fact.ignore_case,
                import_time=not function,
                instead=[str(name) for name in instead] if isinstance(instead, list) else [],
                loc=fact.place(place),
                missing="raises" if required else "default",
                name=texts[0],
                parse="",
                required=bool(required),
            )
