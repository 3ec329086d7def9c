"""Variables that are set under another name than the one that is read: misspelt, in another case, without a prefix, nested otherwise."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.model.env_reads import EnvReads, Read
    from opslint.model.model import DeploymentModel
    from opslint.model.records import EnvEntry
    from opslint.model.variables import Scope

_MIN_WORD = 4
"""Letters of a word in which one may be wrong: shorter words (DB, URL, MIN, MAX) are different words, not misspelt ones."""

_LONG_WORD = 7
"""From this length on two letters may be wrong."""

_READERS = (
    ".py", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".rb", ".php", ".java", ".kt", ".rs", ".cs", ".sh", ".bash", ".ini", ".cfg",
    ".conf", ".toml", ".template", ".tmpl",
)  # fmt: skip
"""Endings of files that may read a variable, Python's first; manifests only set them."""

_BEFORE = frozenset((b"$", b"{", b'"', b"'", b"`", b"%"))

MOST_SEARCHED = 4000
"""Files searched for a name that no Python code reads."""

_OF_RUNTIMES = (
    "OTEL_",
    "DD_",
    "AWS_",
    "GUNICORN_",
    "UVICORN_",
    "PYTHON",
    "SENTRY_",
    "NEW_RELIC_",
    "GIT_",
    "KUBERNETES_",
    "PG",
    "UV_",
    "PIP_",
)
_ALONE = frozenset("PORT HOST LOG_LEVEL WEB_CONCURRENCY WORKERS DEBUG ENV TZ LANG DATABASE_URL REDIS_URL SECRET_KEY".split())
"""Names that the programs and libraries of an image read themselves, or that several parts of one image may."""


class NearName(Record):
    """An entry that seems to be meant for a read. `how`: ``case prefix nesting spelling``."""

    __slots__ = ("entry", "how")
    entry: EnvEntry
    how: str


class NearNames:
    """Finds for a read that nothing sets the entry of its scope that nothing reads and that is called almost the same."""

    def __init__(self, model: DeploymentModel, reads: EnvReads) -> None:
        self.model = model
        self.families = [prefix for prefix in reads.families if prefix]
        self.reads_all = "" in reads.families
        self._exact: set[str] = set()
        self._lower: set[str] = set()
        for found in reads.by_path.values():
            for read in found:
                for name in (read.name, *read.aliases):
                    self._exact.add(name)
                    if read.ignore_case:
                        self._lower.add(name.lower())
        self._exact.update(write.name for found in reads.writes.values() for write in found)
        self._searched: dict[tuple[str, bool], bool] = {}
        self._unread: dict[int, list[EnvEntry]] = {}

    def is_read(self, name: str) -> bool:
        """Tell whether any code of the repository reads a variable of this name."""
        return self.reads_all or name in self._exact or name.lower() in self._lower or name.startswith(tuple(self.families))

    def of(self, scope: Scope, read: Read, others: Iterable[Read]) -> NearName | None:
        """Return what is set in place of `read`, which the scope does not set; `others` are the other reads of its code."""
        unread = self._unread_in(scope)
        for how in ("case", "nesting", "prefix", "spelling"):
            for entry in unread:
                if self._fits(how, entry.name, read) and not self._found_elsewhere(entry.name, python=how != "case"):
                    if how != "prefix" or read.required or self._is_habit(unread, read, others):
                        return NearName(entry=entry, how=how)
        return None

    def _unread_in(self, scope: Scope) -> list[EnvEntry]:
        found = self._unread.get(id(scope))
        if found is None:
            entries = [binding.entry for binding in scope.bindings.values() if binding.entry.origin != "ENV"]
            found = self._unread[id(scope)] = [entry for entry in entries if not self.is_read(entry.name)]
        return found

    def _fits(self, how: str, written: str, read: Read) -> bool:
        if how == "spelling":
            return is_misspelt(written, read.name)
        if how == "case":
            return not read.ignore_case and written != read.name and written.lower() == read.name.lower()
        left, right = (written.upper(), read.name.upper()) if read.ignore_case else (written, read.name)
        if how == "nesting":
            return left != right and bool(read.nested) and _flat(left) == _flat(right)
        if not read.prefix:
            return False
        prefix = read.prefix.upper() if read.ignore_case else read.prefix
        own = right.removeprefix(prefix)
        return own != right and left == own and own.upper() not in _ALONE and not own.upper().startswith(_OF_RUNTIMES)

    def _is_habit(self, unread: list[EnvEntry], read: Read, others: Iterable[Read]) -> bool:
        """Tell whether another variable of the same class lacks its prefix too: then it is not one that something else reads."""
        names = {entry.name for entry in unread}
        return any(
            other.prefix == read.prefix and other.name != read.name and any(self._fits("prefix", name, other) for name in names)
            for other in others
        )

    def _found_elsewhere(self, name: str, *, python: bool) -> bool:
        """Tell whether a file that may read variables in another way names one; of Python (`python`) too, for names that it makes up."""
        known = self._searched.get((name, python))
        if known is None:
            known = self._searched[name, python] = self._search(name, _READERS if python else _READERS[1:])
        return known

    def _search(self, name: str, endings: tuple[str, ...]) -> bool:
        wanted = name.encode()
        paths = [path for path in self.model.files if path.endswith(endings) or "." not in path.rpartition("/")[2]]
        for path in paths[:MOST_SEARCHED]:
            data = self.model.read(path)
            if data is not None and wanted in data and _is_named(wanted, data):
                return True
        return len(paths) > MOST_SEARCHED


def _is_named(wanted: bytes, data: bytes) -> bool:
    """Tell whether a text names a variable as readers do: ``$NAME``, ``${NAME``, ``"NAME"``, ``env.NAME``."""
    at = data.find(wanted)
    while at >= 0:
        after = data[at + len(wanted) : at + len(wanted) + 1]
        whole = not (after.isalnum() or after == b"_")
        if whole and (data[max(at - 1, 0) : at] in _BEFORE or data[max(at - 4, 0) : at].lower() == b"env."):
            return True
        at = data.find(wanted, at + 1)
    return False


def _flat(name: str) -> str:
    """The name with every run of underscores as one."""
    return "_".join(part for part in name.split("_") if part)


def is_misspelt(written: str, meant: str) -> bool:
    """Tell whether two names differ in one word, and in it by one letter (two in long words), digits aside."""
    left, right = written.upper().split("_"), meant.upper().split("_")
    if len(left) != len(right):
        return False
    differing = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    if len(differing) != 1:
        return False
    a, b = differing[0]
    short = min(len(a), len(b))
    if short < _MIN_WORD or any(char.isdigit() for char in a + b):
        return False
    return _distance(a, b) <= (2 if short >= _LONG_WORD else 1)


def _distance(a: str, b: str) -> int:
    """The number of letters inserted, removed, replaced, or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
