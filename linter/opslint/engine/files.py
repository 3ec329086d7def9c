"""The file stage of one project: which files it has, and what each gives; unchanged ones come from the cache."""

from __future__ import annotations

import time
from _blake2 import blake2b

from opslint.base.fact import FACT_TYPES
from opslint.base.jsonio import loads
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.classify import Roles, kind_of
from opslint.engine.discover import nested_roots
from opslint.engine.pool import Job, analyse_all
from opslint.engine.worker import MAX_BYTES, FileResult, decode_places
from opslint.syntax.readers import has_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.base.location import Span
    from opslint.engine.cache import Store
    from opslint.engine.siblings import Guests
    from opslint.engine.source import Source
    from opslint.engine.worker import Analyser

RACY_NS = 2_000_000_000
"""A file changed less than two seconds before it was read may change again without its mtime showing it (FAT: 2 s)."""


_NAMED = "opslint.facts.named:NamedFile"
"""The kind of that fact, by name: few projects have one."""


class FileEntry:
    """One file of a project.

    `kind` is what the path says (None: not claimed); `stat` are values that change with the content; `content` its keyed
    hash; the result is `result`, or in the store at (`segment`, `ordinal`). `refined` and `digest` are the result's.
    """

    __slots__ = (
        "content",
        "digest",
        "has_details",
        "kind",
        "ordinal",
        "refined",
        "result",
        "role",
        "screened",
        "segment",
        "stat",
        "state",
    )

    def __init__(self, kind: str | None, role: str) -> None:
        self.kind = kind
        self.role = role
        self.state = ""
        """``read``, ``excluded``, ``skipped`` or ``gone``."""
        self.stat: list[Any] | None = None
        self.content = ""
        self.refined = kind or ""
        self.digest = ""
        self.screened = False
        self.has_details = False
        self.result: FileResult | None = None
        self.segment = ""
        self.ordinal = -1


class FileStage:
    """All files of one project with their results."""

    def __init__(
        self, source: Source, analyser: Analyser, store: Store | None, *, jobs: int, excluded: Callable[[str], bool] | None
    ) -> None:
        self.source = source
        self.analyser = analyser
        self.store = store
        self.jobs = jobs
        self.excluded = excluded
        self.entries: dict[str, FileEntry] = {}
        self.nested: list[str] = []
        self.started_ns = time.time_ns()
        self.analysed = 0
        self.seconds: dict[str, float] = {}
        """What each file that was analysed anew took, in whichever process."""
        self.addresses: dict[str, list[Any]] = {}
        """Addresses of places that findings stand at, for the next run (`opslint.engine.fingerprint`)."""
        self.parsed_fully: dict[str, FileResult] = {}
        self.changed = False
        self.guests: Guests | None = None
        """Siblings whose facts join those of the files."""

    def run(self) -> None:
        """List, classify and analyse; afterwards `entries` holds every file that is there, in path order."""
        paths = self.source.list()
        self.nested = nested_roots(self.source.root, paths)
        if self.nested:
            below = tuple(f"{directory}/" for directory in self.nested)
            paths = [path for path in paths if not path.startswith(below)]
        roles = Roles(paths)
        missing: list[Job] = []
        for path in paths:
            role = roles.of(path)
            entry = FileEntry(kind_of(path), role)
            entry.stat = self.source.stat(path)
            if entry.stat is None:
                continue
            self.entries[path] = entry
            if role != "deploy":
                entry.state = "skipped"
            elif self.excluded is not None and self.excluded(path):
                entry.state = "excluded"
            elif not has_reader(entry.kind) and entry.kind != "gitignore":
                entry.state = "skipped"
            else:
                entry.state = "read"
                self._look_up(path, entry, missing)
        self._analyse(missing)
        self._named_files()

    def _look_up(self, path: str, entry: FileEntry, missing: list[Job]) -> None:
        assert entry.kind is not None and entry.stat is not None
        if self.store is not None and self.store.recall(path, entry):
            return
        missing.append(Job(path, entry.kind, size_of(entry.stat)))

    def _analyse(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        self.changed = True
        known = self.store.find if self.store is not None else None
        for path, kind, content, result in analyse_all(jobs, self.source, self.analyser, self.hash, known, self.jobs):
            entry = self.entries[path]
            entry.content, entry.kind = content, kind
            if result is None:
                assert self.store is not None
                self.store.adopt(entry)
                continue
            self.analysed += 1
            self.seconds[path] = result.seconds
            entry.result = result
            entry.refined = result.kind
            entry.digest = result.digest
            entry.screened = result.screened

    def hash(self, data: bytes) -> str:
        """Return the keyed content hash."""
        key = self.store.key if self.store is not None else b"opslint"
        return blake2b(data, key=key, digest_size=16).hexdigest()

    def _named_files(self) -> None:
        """Read files that a manifest names in a role their own name does not show (``env_file: settings.conf``)."""
        named = self.rows(_NAMED)
        if not named:
            return
        from opslint.facts.named import resolve

        jobs: dict[str, Job] = {}
        for path, rows in named:
            for name, kind in resolve(path, rows):
                entry = self.entries.get(name)
                if entry is None or entry.stat is None or entry.state == "excluded" or not has_reader(kind):
                    continue
                if entry.role == "vendored" or (entry.state == "read" and entry.kind not in ("yaml", "json", "toml", "ini")):
                    continue
                if entry.refined == kind or name in jobs:
                    continue
                entry.state, entry.role, entry.kind = "read", "deploy", kind
                entry.result, entry.segment = None, ""
                if self.store is not None and self.store.recall(name, entry):
                    continue
                jobs[name] = Job(name, kind, size_of(entry.stat))
        self._analyse([jobs[name] for name in sorted(jobs)])

    def read_entries(self) -> Iterator[tuple[str, FileEntry]]:
        """Yield the files that a reader was asked to read, in path order."""
        for path, entry in self.entries.items():
            if entry.state == "read":
                yield path, entry

    def save(self) -> None:
        """Write what is new into the store. Unsaved content of an editor is never kept."""
        if self.store is None or getattr(self.source, "overlay", None):
            return
        self.store.write_addresses(self.addresses)
        if self.changed or not self.store.is_current(self.entries):
            self.store.save(self.entries, self.started_ns - RACY_NS)

    def rows(self, kind: str) -> list[tuple[str, Iterable[Sequence[Any]]]]:
        """Return (path, rows) for every file that gave facts of `kind`, in path order."""
        found: dict[str, Iterable[Sequence[Any]]] = {}
        if self.store is not None:
            found.update(self.store.rows(kind, self.entries))
        for path, entry in self.entries.items():
            if entry.result is not None and kind in entry.result.facts:
                found[path] = loads(entry.result.facts[kind])
        if self.guests is not None:
            found.update(self.guests.rows(kind))
        return sorted(found.items())

    def fact_kinds(self) -> set[str]:
        """Return the kinds of all facts there are."""
        kinds: set[str] = set() if self.store is None else self.store.fact_kinds(self.entries)
        for entry in self.entries.values():
            if entry.result is not None:
                kinds.update(entry.result.facts)
        return kinds if self.guests is None else kinds | self.guests.kinds()

    def facts(self, kind: type[Fact]) -> list[Fact]:
        """Return all facts of a class, in path and file order."""
        load = kind.load
        return [load(path, row) for path, rows in self.rows(kind.kind) for row in rows]

    def full(self, path: str) -> dict[type[Fact], list[Fact]]:
        """Parse a file that the prescreen passed over, and return its facts by class; nothing when it cannot be parsed."""
        result = self.parsed_fully.get(path)
        if result is None:
            entry = self.entries.get(path)
            if entry is None or not entry.screened or entry.kind is None:
                return {}
            try:
                data = self.source.read(path)
            except OSError:
                return {}
            result = self.parsed_fully[path] = self.analyser.analyse_fully(data, entry.kind, self._own_places(path))
        return {
            FACT_TYPES[kind]: [FACT_TYPES[kind].load(path, row) for row in loads(text)]
            for kind, text in result.facts.items()
            if kind in FACT_TYPES
        }

    def read(self, path: str) -> bytes | None:
        """Return a project file's content; None when it is not there, not readable or too large."""
        if path not in self.entries:
            return None
        try:
            data = self.source.read(path)
        except (OSError, ValueError):
            return None
        return data if len(data) <= MAX_BYTES else None

    def kind(self, path: str) -> str:
        """Return the refined kind of a file, empty when it is not there."""
        entry = self.entries.get(path)
        return "" if entry is None else entry.refined

    def content(self, path: str) -> str:
        """Return the keyed hash of a file's content, empty when it was not read."""
        entry = self.entries.get(path)
        return "" if entry is None else entry.content

    def places(self, path: str) -> list[Span]:
        """Return the place table of a file: of the full parse when there was one."""
        result = self.parsed_fully.get(path)
        return self._own_places(path) if result is None else decode_places(result.places)

    def _own_places(self, path: str) -> list[Span]:
        text = self.places_text(path)
        return decode_places(text) if text else []

    def places_text(self, path: str) -> str:
        """Return the encoded place table of a file, of its first reading."""
        entry = self.entries.get(path)
        if entry is None:
            return self.guests.places.get(path, "") if self.guests is not None else ""
        if entry.result is not None:
            return entry.result.places
        return self.store.places(entry.segment, entry.ordinal) if self.store is not None and entry.segment else ""

    def shown(self, text: str) -> str:
        """Return a path or message with places in siblings as a reader knows them."""
        return text if self.guests is None else self.guests.shown(text)

    def details(self) -> Iterator[tuple[str, FileResult]]:
        """Yield (path, result without facts and positions) of the files that have reports, problems, suppressions or silence."""
        for path, entry in self.read_entries():
            if entry.result is not None:
                yield path, entry.result
            elif self.store is not None and entry.segment:
                result = self.store.details(entry)
                if result is not None:
                    yield path, result


def size_of(stat: list[Any]) -> int:
    """Return the size among a source's stat values; 0 when it does not tell."""
    return stat[0] if isinstance(stat[0], int) and stat[0] > 0 else 0
