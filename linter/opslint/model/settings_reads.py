"""Which variables settings classes read: prefix, aliases, nesting and case, by the rules of the pydantic they are made with.

The rules were asked of pydantic-settings 2.16 and pydantic 1.10 (tests/env/test_library_names.py holds the answers).
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.modules import Function, ModuleBinding, ModuleCalls
from opslint.facts.settings_classes import SettingsClass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.env_files import EnvFiles

    Key = tuple[str, str]
    Use = tuple[str, str, str | None]

MAX_BASES = 6
"""Bases of a settings class followed."""

MAX_NESTED = 3
"""Models inside models followed."""


class SettingsField(Record):
    """One variable of a settings class: `attribute` the field's own name, `names` in order of preference, `prefix` where one was put before
    them, `nested` when it is part of a model, `required`, and the rest as in `EnvRead`.
    """

    __slots__ = (
        "attribute",
        "default",
        "default_kind",
        "function",
        "ignore_case",
        "instead",
        "loc",
        "names",
        "nested",
        "parse",
        "path",
        "prefix",
        "required",
    )
    attribute: str
    default: str | None
    default_kind: str
    function: str
    ignore_case: bool
    instead: list[str]
    loc: Loc
    names: list[str]
    nested: bool
    parse: str
    path: str
    prefix: str
    required: bool


class _Rules:
    """How one class (with its bases) names its variables."""

    def __init__(self, chain: list[SettingsClass], config: dict[str, object], prefix: str | None) -> None:
        self.version = next((fact.version for fact in chain if fact.version), 0)
        given = config.get("env_prefix", "")
        self.prefix = prefix if prefix is not None else given if isinstance(given, str) else None
        self.ignore_case = config.get("case_sensitive") is not True
        delimiter = config.get("env_nested_delimiter")
        self.delimiter = delimiter if isinstance(delimiter, str) else ""
        self.by_name = config.get("populate_by_name") is True or config.get("validate_by_name") is True
        self.prefixed_aliases = config.get("env_prefix_target") in ("alias", "all")
        self.generated = "alias_generator" in config
        self.validates = config.get("validate_default", True) is True
        self.skips_empty = config.get("env_ignore_empty") is True
        named = config.get("fields")
        self.named = named if isinstance(named, dict) else {}
        self.elsewhere = "secrets_dir" in config or any(fact.other_sources for fact in chain)

    def names(self, field: list[object], *, inside: bool = False) -> list[str]:
        """Return the names of a field; `inside` a model, where nothing is put before them. Empty: they are not known."""
        prefix = "" if inside else self.prefix or ""
        own = prefix + str(field[0])
        if self.version == 1:
            listed = self.named.get(str(field[0])) or field[2]
            return [str(name) for name in listed] if isinstance(listed, list) and listed else [own]
        aliases = field[1] if isinstance(field[1], list) else []
        if not aliases:
            return [] if self.generated else [own]
        names = [f"{prefix if self.prefixed_aliases else ''}{alias}" for alias in aliases]
        return [*names, own] if self.by_name else names

    def spelled(self, name: str) -> str:
        """A class that ignores case finds the usual spelling, which is the one to name."""
        return name.upper() if self.ignore_case else name

    def requires(self, state: object) -> bool:
        """Tell whether a field without a value stops the program."""
        if self.elsewhere or state == "default":
            return False
        if state == "refused" and not self.validates:
            return False
        return state == "required" or self.version != 1


class SettingsReads:
    """The fields of all settings classes that something instantiates; the read happens in the file that instantiates the class."""

    def __init__(self, files: EnvFiles) -> None:
        self.files = files
        self.python = files.python
        self.classes: dict[Key, SettingsClass] = {(fact.path, fact.qualname): fact for fact in files.model.facts(SettingsClass)}
        self.fields: list[SettingsField] = []
        if self.classes:
            self._run()

    def _run(self) -> None:
        used: dict[Key, list[Use]] = {}
        for key, fact in self.classes.items():
            for function, prefix in fact.instantiated:
                used.setdefault(key, []).append((fact.path, str(function), prefix if isinstance(prefix, str) else None))
        for key, path, function in self._made_elsewhere():
            used.setdefault(key, []).append((path, function, None))
        for key, places in used.items():
            for use in dict.fromkeys(places):
                self._take(key, use, [], 0)

    def _made_elsewhere(self) -> Iterator[tuple[Key, str, str]]:
        """Yield (class, path, function) of what other files make of the classes, at module level or in a function."""
        names = {fact.qualname.rpartition(".")[2] for fact in self.classes.values()}
        paths = {path for path, _name in self.classes}
        for path in self.files.importing(names, paths):
            found: list[tuple[str, str]] = []
            for binding in self.files.facts_of(ModuleBinding, path):
                if binding.origin.endswith("()"):
                    found.append((binding.origin.removesuffix("()"), ""))
            for calls in self.files.facts_of(ModuleCalls, path):
                found.extend((str(origin), "") for origin, _place in calls.calls)
            for function in self.files.facts_of(Function, path):
                found.extend((str(origin), function.qualname) for origin, _place in function.calls)
            for origin, where in found:
                if origin.rpartition(".")[2] in names:
                    target = self.python.resolve(path, origin)
                    if target.kind == "class" and target.path != path and (target.path, target.name) in self.classes:
                        yield (target.path, target.name), path, where

    def _take(self, key: Key, use: Use, instead: list[str], depth: int) -> None:
        chain = list(self._chain(key, 0))
        rules = _Rules(chain, self._config(key, 0), use[2])
        if not rules.version or rules.prefix is None or depth > MAX_NESTED:
            return
        seen: dict[str, list[str]] = {}
        rows: list[tuple[SettingsClass, list[object]]] = []
        for fact in chain:
            for field in fact.fields:
                if str(field[0]) not in seen:
                    seen[str(field[0])] = [rules.spelled(name) for name in rules.names(field)]
                    rows.append((fact, field))
        for fact, field in rows:
            names = seen[str(field[0])]
            others = field[7] if isinstance(field[7], list) else []
            wholes = [name for other in others for name in seen.get(str(other), ())]
            made = self._class_of(fact, field[9])
            if made is not None and any(inner.version for inner in self._chain(made, 0)):
                self._take(made, use, names, depth + 1)
            elif names:
                self._field(fact, field, rules, use, names, [*wholes, *instead], rules.requires(field[3]), 0)

    def _field(
        self,
        fact: SettingsClass,
        field: list[object],
        rules: _Rules,
        use: Use,
        names: list[str],
        instead: list[str],
        required: bool,
        depth: int,
    ) -> None:
        model = self._class_of(fact, field[8])
        if model is not None and rules.delimiter and depth < MAX_NESTED:
            for inner in self._chain(model, 0):
                for part in inner.fields:
                    nested = [
                        f"{outer}{rules.delimiter}{rules.spelled(own)}"
                        for outer in names
                        for own in rules.names(part, inside=True)
                    ]
                    if nested:
                        wanted = required and rules.requires(part[3])
                        self._field(inner, part, rules, use, nested, [*names, *instead], wanted, depth + 1)
            return
        if field[8] and model is None:
            required = False  # what it holds is not known here: its parts may be given one by one
        path, function, _prefix = use
        place = field[6]
        parse = str(field[10])
        self.fields.append(
            SettingsField(
                attribute=str(field[0]),
                default=field[4] if isinstance(field[4], str) else None,
                default_kind=str(field[5]) if not required else "",
                function=function,
                ignore_case=rules.ignore_case,
                instead=[name for name in instead if name not in names],
                loc=fact.place(place if isinstance(place, int) else fact.at),
                names=names,
                nested=depth > 0,
                parse=f"{parse}-or-empty" if parse and rules.skips_empty else parse,
                path=path,
                prefix=rules.prefix if rules.prefix and names[0].upper().startswith(rules.prefix.upper()) else "",
                required=required,
            )
        )

    def _class_of(self, fact: SettingsClass, origin: object) -> Key | None:
        if not origin:
            return None
        target = self.python.resolve(fact.path, str(origin))
        key = (target.path, target.name)
        return key if target.kind == "class" and key in self.classes else None

    def _chain(self, key: Key, depth: int) -> Iterator[SettingsClass]:
        fact = self.classes.get(key)
        if fact is None or depth > MAX_BASES:
            return
        yield fact
        for base in fact.bases:
            target = self.python.resolve(fact.path, base)
            if target.kind == "class":
                yield from self._chain((target.path, target.name), depth + 1)

    def _config(self, key: Key, depth: int) -> dict[str, object]:
        """The configuration with that of the bases: pydantic 2 lets the last base win, pydantic 1 the first, both the class itself."""
        fact = self.classes.get(key)
        if fact is None or depth > MAX_BASES:
            return {}
        targets = [self.python.resolve(fact.path, base) for base in fact.bases]
        keys = [(target.path, target.name) for target in targets if target.kind == "class"]
        if any(found.version == 1 for found in self._chain(key, 0)):
            keys.reverse()
        merged: dict[str, object] = {}
        for base in keys:
            merged.update(self._config(base, depth + 1))
        merged.update(fact.config)
        return merged
