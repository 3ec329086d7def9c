"""What is kept between runs, outside of every linted tree.

``<cache>/install/`` remembers the installed packs; ``<cache>/projects/<hash of root>/`` holds one project: a random key
for all hashes in it, one index per state of the installation, immutable segments with facts (`opslint.engine.segments`),
and linked results. Everything is JSON with a keyed checksum, written beside its place and renamed; there are no locks.
Whatever is missing, damaged or of another version is made anew.
"""

from __future__ import annotations

import os
import sys
from _blake2 import blake2b

from opslint.base.errors import UsageError
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.sealed import encode, is_inside, private_directory, read_file, read_sealed, seal, write_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from opslint.engine.files import FileEntry
    from opslint.engine.segments import Segment
    from opslint.engine.worker import FileResult

FORMAT = 1
MAX_SEGMENTS = 8
MAX_INDEXES = 4
MAX_LINKS = 12
STALE_DAYS = 30
ORPHAN_SECONDS = 3600
MAX_PROJECTS = 200

_SCREENED, _DETAILS = 1, 2


def cache_directory(option: str | None) -> tuple[str, bool]:
    """Return (the cache's directory, whether the user named it): ``--cache-dir``, ``$OPSLINT_CACHE_DIR``, the user's cache directory."""
    named = option or os.environ.get("OPSLINT_CACHE_DIR")
    if named:
        return os.path.abspath(named), True
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return os.path.join(base, "opslint"), False


class Cupboard:
    """Small values about the installation, by name."""

    def __init__(self, directory: str) -> None:
        self._directory = os.path.join(directory, "install")
        self._usable = private_directory(directory) and private_directory(self._directory)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, f"{name}-{sys.version_info[0]}{sys.version_info[1]}-{FORMAT}.json")

    def get(self, name: str) -> Any:
        """Return what was put under `name`, else None."""
        return read_sealed(self._path(name), b"") if self._usable else None

    def put(self, name: str, value: Any) -> None:
        """Keep a JSON value under `name`."""
        if self._usable:
            write_file(self._path(name), seal(encode(value), b""))


def outside_directory(root: str, option: str | None) -> str | None:
    """Return the cache's directory, None when it lies inside of the tree at `root`.

    What a pull request can commit must never be believed: UsageError when it was the user who chose such a place.
    """
    directory, named = cache_directory(option)
    if not is_inside(directory, root):
        return directory
    if named:
        raise UsageError(f"the cache directory {directory} lies inside of the linted tree {root}; choose one outside")
    return None


def open_store(root: str, option: str | None, stamp: str, name: str) -> Store | None:
    """Return the store of the project at `root`, None where no cache can be kept.

    `stamp` names the state of the installation; a store made in another state is not read.
    """
    directory = outside_directory(root, option)
    if directory is None:
        return None
    where = os.path.join(directory, "projects", blake2b(os.fsencode(os.path.realpath(root)), digest_size=16).hexdigest())
    is_new = not os.path.isdir(where)
    if not private_directory(directory) or not private_directory(os.path.dirname(where)) or not private_directory(where):
        return None
    if is_new:
        _prune_projects(os.path.dirname(where))
    key = _key(os.path.join(where, "key"))
    return None if key is None else Store(where, key, stamp, name)


def _key(path: str) -> bytes | None:
    for _ in range(2):
        data = read_file(path)
        if data is not None and len(data) == 32:
            return data
        if not write_file(path, os.urandom(32)):
            return None
    return None


def _prune_projects(directory: str) -> None:
    import time

    oldest = time.time() - STALE_DAYS * 86400
    try:
        found = sorted((entry.stat().st_mtime, entry.path) for entry in os.scandir(directory) if entry.is_dir())
    except OSError:
        return
    for index, (mtime, path) in enumerate(found):
        if mtime < oldest or index < len(found) - MAX_PROJECTS:
            _remove_tree(path)


def _remove_tree(directory: str) -> None:
    try:
        for entry in os.scandir(directory):
            os.unlink(entry.path)
        os.rmdir(directory)
    except OSError:
        return


class Store:
    """One project's cache, read for one source (the disk, or revisions) under one state of the installation."""

    def __init__(self, directory: str, key: bytes, stamp: str, name: str) -> None:
        self.directory = directory
        self.key = key
        self._kind = "disk" if name == "disk" else "git"
        tag = blake2b(stamp.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self._tag = tag
        self._index_path = os.path.join(directory, f"index-{tag}-{self._kind}.json")
        self._addresses_path = os.path.join(directory, f"addresses-{tag}-{self._kind}.json")
        self._addresses = b""
        self._started = 0
        self._rows: dict[str, tuple[Any, ...]] = {}
        self._contents: dict[tuple[str, str], tuple[Any, ...]] | None = None
        self._segments: dict[str, Segment] = {}
        self._alive: dict[str, dict[int, list[str]]] | None = None
        self._load()

    def _load(self) -> None:
        self._rows, self._started = self._read_index(self._index_path)

    def _read_index(self, path: str) -> tuple[dict[str, tuple[Any, ...]], int]:
        data = read_sealed(path, self.key)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            return {}, 0
        names = data["segments"]
        columns = data["columns"]
        segments = [names[number] for number in columns.pop()]
        paths = data["paths"].split("\0") if data["paths"] else []
        return dict(zip(paths, zip(*columns, segments, strict=True), strict=True)), data["started"]

    def recall(self, path: str, entry: FileEntry) -> bool:
        """Fill an entry from the index when the file's stat values are the ones it had; tell whether that was so."""
        row = self._rows.get(path)
        if row is None or row[0] != entry.kind or row[1] != entry.stat:
            return False
        stat = row[1]
        if self._kind == "disk" and (stat[0] < 0 or stat[1] > self._started):
            return False
        self._fill(entry, row)
        return True

    def find(self, content: str, kind: str) -> bool:
        """Tell whether there is a result for this content read as this kind, whatever file it came from."""
        if self._contents is None:
            self._contents = {(row[2], row[0]): row for row in self._rows.values()}
            if self._kind == "git":
                rows, _started = self._read_index(self._index_path.replace("-git.json", "-disk.json"))
                self._contents.update({(row[2], row[0]): row for row in rows.values()})
        return (content, kind) in self._contents

    def adopt(self, entry: FileEntry) -> None:
        """Fill an entry with the result that `find` found for its content."""
        assert self._contents is not None and entry.kind is not None
        self._fill(entry, self._contents[entry.content, entry.kind])

    def _fill(self, entry: FileEntry, row: tuple[Any, ...]) -> None:
        _kind, _stat, entry.content, entry.digest, entry.refined, flags, entry.ordinal, entry.segment = row
        entry.screened = bool(flags & _SCREENED)
        entry.has_details = bool(flags & _DETAILS)
        self._alive = None

    def segment(self, name: str) -> Segment:
        """Return an open segment. `DamagedError` when it is missing or not what was written."""
        segment = self._segments.get(name)
        if segment is None:
            from opslint.engine.segments import Segment

            segment = self._segments[name] = Segment(os.path.join(self.directory, name), self.key)
        return segment

    def _living(self, entries: dict[str, FileEntry]) -> dict[str, dict[int, list[str]]]:
        if self._alive is None:
            alive: dict[str, dict[int, list[str]]] = {}
            for path, entry in entries.items():
                if entry.segment and entry.result is None:
                    alive.setdefault(entry.segment, {}).setdefault(entry.ordinal, []).append(path)
            self._alive = alive
        return self._alive

    def rows(self, kind: str, entries: dict[str, FileEntry]) -> Iterable[tuple[str, list[tuple[Any, ...]]]]:
        """Yield (path, rows) of all files whose results are in the store and hold facts of `kind`."""
        for name, ordinals in self._living(entries).items():
            for ordinal, rows in self.segment(name).rows(kind):
                for path in ordinals.get(ordinal, ()):
                    yield path, rows

    def fact_kinds(self, entries: dict[str, FileEntry]) -> set[str]:
        """Return the fact kinds that some living file may have."""
        kinds: set[str] = set()
        for name in self._living(entries):
            kinds.update(self.segment(name).kinds())
        return kinds

    def places(self, segment: str, ordinal: int) -> str:
        """Return a file's encoded place table."""
        return self.segment(segment).places(ordinal)

    def details(self, entry: FileEntry) -> FileResult | None:
        """Return a file's reports, problems, suppressions and silence (no facts), None when it has none of them."""
        return self.segment(entry.segment).details(entry.ordinal) if entry.has_details else None

    def is_current(self, entries: dict[str, FileEntry]) -> bool:
        """Tell whether the index already says what `entries` say (no file came, went or changed)."""
        return sum(map(is_keepable, entries.values())) == len(self._rows)

    def save(self, entries: dict[str, FileEntry], started_ns: int) -> None:
        """Write the new results into a segment and the state of all files into the index."""
        fresh = {path: entry for path, entry in entries.items() if entry.result is not None and is_keepable(entry)}
        living = self._living(entries)
        if len(living) >= MAX_SEGMENTS:
            fresh.update(self._taken_back(entries, living))
        name = ""
        if fresh:
            from opslint.engine.segments import write_segment

            name = f"segment-{os.urandom(8).hex()}.json"
            results = [entry.result for entry in fresh.values() if entry.result is not None]
            if not write_segment(os.path.join(self.directory, name), results, self.key):
                return
        ordinals = {path: ordinal for ordinal, path in enumerate(fresh)}
        rows = []
        paths = []
        names: dict[str, int] = {}
        for path, entry in entries.items():
            if not is_keepable(entry):
                continue
            segment, ordinal = (name, ordinals[path]) if path in ordinals else (entry.segment, entry.ordinal)
            has_details = has_any_details(entry.result) if entry.result is not None else entry.has_details
            flags = entry.screened * _SCREENED | has_details * _DETAILS
            paths.append(path)
            number = names.setdefault(segment, len(names))
            rows.append((entry.kind, entry.stat, entry.content, entry.digest, entry.refined, flags, ordinal, number))
        value = {
            "columns": [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(8)],
            "format": FORMAT,
            "paths": "\0".join(paths),
            "segments": list(names),
            "started": started_ns,
        }
        if write_file(self._index_path, seal(encode(value), self.key)):
            self._sweep()

    def _taken_back(self, entries: dict[str, FileEntry], living: dict[str, dict[int, list[str]]]) -> dict[str, FileEntry]:
        """Decode the results of all segments but the largest, to be written into one: few segments, little rewriting."""
        by_size = sorted(living, key=lambda name: (len(living[name]), name))
        taken: dict[str, FileEntry] = {}
        dead_in_largest = self.segment(by_size[-1]).count > 2 * len(living[by_size[-1]])
        for name in by_size if dead_in_largest else by_size[:-1]:
            results = self.segment(name).results()
            for ordinal, paths in living[name].items():
                for path in paths:
                    entry = entries[path]
                    entry.result = results[ordinal]
                    taken[path] = entry
        self._alive = None
        return taken

    def link_path(self, digest: str) -> str:
        """Return where the linked result of this digest is kept."""
        return os.path.join(self.directory, f"link-{self._tag}-{digest}.json")

    def read_link(self, digest: str) -> Any:
        """Return the linked result kept under `digest`, else None."""
        return read_sealed(self.link_path(digest), self.key)

    def write_link(self, digest: str, value: Any) -> None:
        """Keep a linked result."""
        write_file(self.link_path(digest), seal(encode(value), self.key))
        self._drop_oldest("link-", MAX_LINKS)

    def read_addresses(self) -> dict[str, list[Any]]:
        """Return the addresses kept by the last run, by path."""
        value = read_sealed(self._addresses_path, self.key)
        kept: dict[str, list[Any]] = value if isinstance(value, dict) else {}
        self._addresses = encode(kept)
        return kept

    def write_addresses(self, addresses: dict[str, list[Any]]) -> None:
        """Keep the addresses of this run."""
        text = encode(addresses)
        if self._addresses != text:
            write_file(self._addresses_path, seal(text, self.key))

    def _drop_oldest(self, prefix: str, keep: int) -> None:
        try:
            found = [entry for entry in os.scandir(self.directory) if entry.name.startswith(prefix)]
            if len(found) > keep:
                found.sort(key=lambda entry: entry.stat().st_mtime_ns)
                for entry in found[:-keep]:
                    os.unlink(entry.path)
        except OSError:
            return

    def _sweep(self) -> None:
        """Remove segments that no index names any more, unless they are so new that another run may be about to name them."""
        import time

        self._drop_oldest("index-", MAX_INDEXES)
        self._drop_oldest("addresses-", MAX_INDEXES)
        used: set[str] = set()
        try:
            entries = list(os.scandir(self.directory))
            for entry in entries:
                if entry.name.startswith("index-"):
                    data = read_sealed(entry.path, self.key)
                    used.update(data["segments"] if isinstance(data, dict) else ())
            old = time.time() - ORPHAN_SECONDS
            for entry in entries:
                loose = entry.name.startswith("segment-") and entry.name not in used
                if (loose or entry.name.endswith(".part")) and entry.stat().st_mtime < old:
                    os.unlink(entry.path)
        except OSError:
            return

    def wipe(self) -> None:
        """Forget everything: something in here was damaged."""
        self._rows, self._contents, self._segments, self._alive, self._started = {}, None, {}, None, 0
        try:
            os.unlink(self._index_path)
        except OSError:
            return


_NEVER_KEPT = frozenset(("pack-error", "reader-crash", "rule-crash"))


def is_keepable(entry: FileEntry) -> bool:
    """Tell whether a file's result may be kept: not what could not be read, nor what a fault of the installation spoilt."""
    if entry.state != "read" or not entry.content:
        return False
    return entry.result is None or not any(row[0] in _NEVER_KEPT for row in entry.result.problems)


def has_any_details(result: FileResult) -> bool:
    """Tell whether a result has anything besides facts and positions."""
    return bool(result.problems or result.reports or result.skipped or result.suppressions or result.undecided)
