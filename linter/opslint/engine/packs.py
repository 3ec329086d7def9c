"""Rule packs: found by their entry points, known by their catalogue, imported rule by rule when a file needs it.

`importlib.metadata` costs more than a whole run on one file, so the entry points are read from the ``entry_points.txt``
files on the module search path, and what was found is remembered by the mtimes of those directories.
"""

from __future__ import annotations

import os
import sys

from opslint.base.finding import Problem
from opslint.base.jsonio import dumps, loads
from opslint.base.rule import HOOK_KINDS, Catalogued
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.rule import Extractor, Rule
    from opslint.engine.cache import Cupboard

GROUP = "[opslint.rules]"
BUILT_IN = "opslint_rules"
CATALOGUE = "_catalogue.json"
"""A pack's generated catalogue, in its directory."""


class PackError(Exception):
    """A module of a pack could not be imported."""


class Pack:
    """One installed pack. `stamp` changes whenever any of its code does; `rules` are catalogue entries as dictionaries.

    `extractors` are ``[module, kind, literals, weak]`` of the extractors defined beside its rules.
    """

    __slots__ = ("directory", "errors", "extractors", "name", "package", "rules", "stamp", "version")

    def __init__(self, name: str, package: str, version: str, directory: str) -> None:
        self.name = name
        self.package = package
        self.version = version
        self.directory = directory
        self.stamp = ""
        self.rules: list[dict[str, Any]] = []
        self.extractors: list[list[Any]] = []
        self.errors: list[str] = []


class Packs:
    """All installed packs: their catalogue and, on demand, their rules."""

    def __init__(self, packs: list[Pack], facts: Pack) -> None:
        self.packs = packs
        self.problems: list[Problem] = []
        self.rules: dict[str, Catalogued] = {}
        self.extractors: list[list[Any]] = list(facts.extractors)
        self._loaded: dict[str, type[Rule] | None] = {}
        self._modules: dict[str, list[Extractor]] = {}
        for pack in packs:
            self.extractors += pack.extractors
            for error in pack.errors:
                self._fail(pack.name, error)
            for entry in pack.rules:
                if entry["name"] in self.rules:
                    self._fail(pack.name, f"rule {entry['name']} is also in pack {self.rules[entry['name']].pack}")
                else:
                    self.rules[entry["name"]] = catalogued(entry)
        self.rules = dict(sorted(self.rules.items()))
        self.stamp = dumps([[pack.name, pack.version, pack.stamp] for pack in [facts, *packs]])

    def _fail(self, pack: str, message: str) -> None:
        self.note(f"rule pack {pack}: {message}")

    def note(self, message: str) -> None:
        """Add a problem of the installation, once."""
        problem = Problem(kind="pack-error", message=message, path="", span=(1, 1, 1, 1))
        if problem not in self.problems:
            self.problems.append(problem)

    def rule(self, name: str) -> type[Rule] | None:
        """Return a rule's class, imported now when it was not yet; None (and a problem) when that fails."""
        if name not in self._loaded:
            entry = self.rules[name]
            try:
                module = __import__(entry.module, fromlist=[entry.class_name])
                self._loaded[name] = getattr(module, entry.class_name)
            except Exception as error:  # noqa: BLE001 - whatever a pack or reader raises is a problem of the run, not its end
                self._fail(entry.pack, f"{entry.module} could not be imported: {type(error).__name__}: {error}")
                self._loaded[name] = None
        return self._loaded[name]

    def extractors_of(self, module: str) -> list[Extractor]:
        """Return the extractors a module defines, imported now when it was not yet. `PackError` when that fails."""
        found = self._modules.get(module)
        if found is None:
            try:
                found = self._modules[module] = extractors_in(__import__(module, fromlist=["EXTRACTORS"]))
            except Exception as error:
                raise PackError(f"{module} could not be imported: {type(error).__name__}: {error}") from error
        return found

    def file_rules(self, kind: str) -> list[Catalogued]:
        """Return the file rules that look into files of (refined) `kind`, by name."""
        return [rule for rule in self.rules.values() if rule.file_rule and hook_kind(rule.hook) == kind]


def hook_kind(hook: str | None) -> str | None:
    """Return the file kind a subscription hook looks into; a hook of a pack's own may be a kind itself."""
    return HOOK_KINDS.get(hook or "", hook)


def catalogued(entry: dict[str, Any]) -> Catalogued:
    """Return a catalogue entry as a record."""
    rule = Catalogued.__new__(Catalogued)
    for name in Catalogued.FIELDS:
        setattr(rule, name, entry[name])
    return rule


def extractors_in(module: Any) -> list[Extractor]:
    """Return the extractors of an imported module: its ``EXTRACTORS``, else every global that is one."""
    from opslint.base.rule import Extractor

    listed = getattr(module, "EXTRACTORS", None)
    if listed is not None:
        return list(listed)
    return [value for name, value in sorted(vars(module).items()) if isinstance(value, Extractor)]


def find_packs(cupboard: Cupboard | None) -> Packs:
    """Return the packs installed in this environment. `cupboard` remembers what was found, per installation."""
    directories = search_path()
    found = _remembered(directories, cupboard)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from opslint import __version__

    facts = Pack("opslint", "opslint.facts", __version__, os.path.join(own, "facts"))
    # A development tree: the readers, the engine and what `opslint.api` hands to rules change without a new version.
    is_built = os.path.exists(os.path.join(facts.directory, CATALOGUE))
    engine = __version__ if is_built else _source_stamp(own)
    _load_catalogue(facts, cupboard, engine)
    if not is_built:
        facts.stamp += engine
    packs = []
    for name, package, version, directory in found:
        pack = Pack(name, package, version, directory)
        _load_catalogue(pack, cupboard, engine)
        packs.append(pack)
    return Packs(packs, facts)


def search_path() -> list[str]:
    """Return the directories of the module search path, without the running script's own."""
    here = os.getcwd()
    directories = []
    for entry in sys.path:
        # "" and the working directory could be the linted tree itself: rule packs come from the environment only.
        if not entry or (os.path.abspath(entry) == here and entry not in os.environ.get("PYTHONPATH", "").split(os.pathsep)):
            continue
        directory = os.path.abspath(entry)
        if directory not in directories:
            directories.append(directory)
    return directories


def _mtimes(directories: list[str]) -> list[list[Any]]:
    stamps: list[list[Any]] = []
    for directory in directories:
        try:
            stamps.append([directory, os.stat(directory).st_mtime_ns])
        except OSError:
            stamps.append([directory, 0])
    return stamps


def _remembered(directories: list[str], cupboard: Cupboard | None) -> list[list[str]]:
    stamps = _mtimes(directories)
    key = "entry-points-" + digest(dumps(directories))
    if cupboard is not None:
        kept = cupboard.get(key)
        if kept is not None and kept[0] == stamps:
            found: list[list[str]] = kept[1]
            return found
    found = _scan(directories)
    if cupboard is not None:
        cupboard.put(key, [stamps, found])
    return found


def _scan(directories: list[str]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for directory in directories:
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for name in names:
            if not name.endswith((".dist-info", ".egg-info")):
                continue
            for pack, package in _entry_points(os.path.join(directory, name, "entry_points.txt")):
                version = name.rpartition(".")[0].partition("-")[2] or "0"
                where = _package_directory(package, directories)
                found.setdefault(package, [pack, package, version, where])
    if BUILT_IN not in found:
        where = _package_directory(BUILT_IN, directories)
        if where:
            from opslint import __version__

            found[BUILT_IN] = ["opslint", BUILT_IN, __version__, where]
    return sorted(found.values())


def _entry_points(path: str) -> list[tuple[str, str]]:
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read(1 << 20)
    except (OSError, UnicodeDecodeError):
        return []
    pairs = []
    inside = False
    for line in text.split("\n"):
        line = line.strip()
        if line.startswith("["):
            inside = line == GROUP
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            pairs.append((name.strip(), value.partition(":")[0].partition("[")[0].strip()))
    return pairs


def _package_directory(package: str, directories: list[str]) -> str:
    relative = package.replace(".", os.sep)
    for directory in directories:
        where = os.path.join(directory, relative)
        if os.path.isdir(where):
            return where
    return ""


def digest(text: str) -> str:
    """Return 32 hex digits for `text`."""
    from _blake2 import blake2b

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _source_stamp(directory: str) -> str:
    rows: list[str] = []
    pending = [directory]
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(current))
        except OSError:
            continue
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                rows.append(f"{entry.path}:{status.st_size}:{status.st_mtime_ns}")
            elif entry.name != "__pycache__" and entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
    return "source" + digest("\n".join(sorted(rows)))


def _load_catalogue(pack: Pack, cupboard: Cupboard | None, engine: str) -> None:
    """Fill the pack from its generated catalogue, else from the one kept for this state of its sources, else by importing.

    A kept one also holds only for the state of opslint's own code (`engine`): a catalogue names fact classes by their modules.
    """
    if not pack.directory:
        pack.errors.append(f"package {pack.package} is not installed")
        return
    written = os.path.join(pack.directory, CATALOGUE)
    try:
        status = os.stat(written)
        with open(written, encoding="utf-8") as handle:
            data = loads(handle.read())
        pack.stamp = f"wheel:{status.st_size}:{status.st_mtime_ns}"
    except (OSError, ValueError):
        pack.stamp = _source_stamp(pack.directory)
        key = "catalogue-" + digest(pack.package + pack.directory)
        kept = cupboard.get(key) if cupboard is not None else None
        state = pack.stamp + engine
        if kept is not None and kept[0] == state:
            data = kept[1]
        else:
            from opslint.engine.catalogue import build

            data = build(pack.package, pack.directory, pack.name)
            if cupboard is not None and not data["errors"]:
                cupboard.put(key, [state, data])
    pack.rules, pack.extractors, pack.errors = data["rules"], data["extractors"], data["errors"]
