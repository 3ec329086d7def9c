"""Segments: the results of many files in one immutable file, facts as true columns by kind, decoded when asked for."""

from __future__ import annotations

import os
from _blake2 import blake2b
from itertools import islice

from opslint.base.jsonio import dumps, loads
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.sealed import DamagedError, write_file
from opslint.engine.worker import FileResult

if TYPE_CHECKING:
    from typing import Any

_PLACES = "places"
_DETAILS = "details"
_HEADS = "heads"
_FACTS = "facts:"
_DETAIL_FIELDS = ("problems", "reports", "skipped", "suppressions", "undecided")


def write_segment(path: str, results: list[FileResult], key: bytes) -> bool:
    """Write the results, in order, as one segment; False when the file cannot be written."""
    sections: dict[str, bytes] = {
        _PLACES: _bytes([result.places for result in results]),
        _HEADS: _bytes([[result.kind, result.digest, result.screened] for result in results]),
        _DETAILS: _bytes(
            {
                str(ordinal): [getattr(result, name) for name in _DETAIL_FIELDS]
                for ordinal, result in enumerate(results)
                if any(getattr(result, name) for name in _DETAIL_FIELDS)
            }
        ),
    }
    for kind in sorted({kind for result in results for kind in result.facts}):
        ordinals: list[int] = []
        counts: list[int] = []
        rows: list[list[Any]] = []
        for ordinal, result in enumerate(results):
            text = result.facts.get(kind)
            if text is not None:
                found = loads(text)
                ordinals.append(ordinal)
                counts.append(len(found))
                rows += found
        sections[_FACTS + kind] = _bytes([ordinals, counts, [list(column) for column in zip(*rows, strict=True)]])
    table: dict[str, list[Any]] = {}
    offset = 0
    for name, body in sections.items():
        table[name] = [offset, len(body), blake2b(body, key=key, digest_size=16).hexdigest()]
        offset += len(body)
    header = _bytes({"count": len(results), "sections": table})
    check = blake2b(header, key=key, digest_size=16).hexdigest().encode()
    return write_file(path, b"%s %d\n%s%s" % (check, len(header), header, b"".join(sections.values())))


def _bytes(value: Any) -> bytes:
    return dumps(value).encode("utf-8", "surrogatepass")


class Segment:
    """An open segment. Every part is checked against its keyed checksum when it is first read."""

    def __init__(self, path: str, key: bytes) -> None:
        self._path = path
        self._key = key
        self._parts: dict[str, Any] = {}
        self._rows: dict[str, list[tuple[int, list[tuple[Any, ...]]]]] = {}
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            try:
                first = os.read(handle, 64).partition(b"\n")
                check, _, size = first[0].partition(b" ")
                if not first[1] or len(check) != 32 or not size.isdigit():
                    raise DamagedError(path)
                start = len(first[0]) + 1
                header = _read_at(handle, start, int(size))
            finally:
                os.close(handle)
        except OSError:
            raise DamagedError(path) from None
        if blake2b(header, key=key, digest_size=16).hexdigest().encode() != check:
            raise DamagedError(path)
        self._start = start + len(header)
        try:
            value = loads(header.decode())
            self.count: int = value["count"]
            self._table: dict[str, list[Any]] = value["sections"]
        except (ValueError, KeyError, TypeError):
            raise DamagedError(path) from None

    def _part(self, name: str) -> Any:
        found = self._parts.get(name)
        if found is None:
            offset, length, check = self._table[name]
            try:
                handle = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                try:
                    body = _read_at(handle, self._start + offset, length)
                finally:
                    os.close(handle)
            except OSError:
                raise DamagedError(self._path) from None
            if blake2b(body, key=self._key, digest_size=16).hexdigest() != check:
                raise DamagedError(self._path)
            try:
                found = self._parts[name] = loads(body.decode("utf-8", "surrogatepass"))
            except ValueError:
                raise DamagedError(self._path) from None
        return found

    def kinds(self) -> list[str]:
        """Return the fact kinds in here."""
        return [name[len(_FACTS) :] for name in self._table if name.startswith(_FACTS)]

    def rows(self, kind: str) -> list[tuple[int, list[tuple[Any, ...]]]]:
        """Return (ordinal, rows) of every file that has facts of `kind`."""
        name = _FACTS + kind
        if name not in self._table:
            return []
        found = self._rows.get(kind)
        if found is None:
            ordinals, counts, columns = self._part(name)
            rows = zip(*columns, strict=True)
            found = [(ordinal, list(islice(rows, count))) for ordinal, count in zip(ordinals, counts, strict=True)]
            self._rows[kind] = found
            del self._parts[name]
        return found

    def places(self, ordinal: int) -> str:
        """Return the encoded place table of a file."""
        text: str = self._part(_PLACES)[ordinal]
        return text

    def details(self, ordinal: int) -> FileResult | None:
        """Return what a file gave besides facts and positions, None when nothing."""
        values = self._part(_DETAILS).get(str(ordinal))
        if values is None:
            return None
        result = FileResult("")
        for name, value in zip(_DETAIL_FIELDS, values, strict=True):
            setattr(result, name, value)
        return result

    def results(self) -> list[FileResult]:
        """Return all results as they were written (for compaction)."""
        heads = self._part(_HEADS)
        results = []
        for ordinal, (kind, digest, screened) in enumerate(heads):
            result = self.details(ordinal) or FileResult("")
            result.kind, result.digest, result.screened = kind, digest, screened
            result.places = self.places(ordinal)
            results.append(result)
        for kind in self.kinds():
            for ordinal, rows in self.rows(kind):
                results[ordinal].facts[kind] = dumps(rows)
        return results


def _read_at(handle: int, offset: int, length: int) -> bytes:
    os.lseek(handle, offset, os.SEEK_SET)
    chunks = []
    left = length
    while left > 0 and (chunk := os.read(handle, left)):
        chunks.append(chunk)
        left -= len(chunk)
    if left:
        raise DamagedError("cut short")
    return b"".join(chunks)
