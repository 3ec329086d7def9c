"""Files that a manifest names in a role: the engine reads them in a second round as what they are named for."""

from __future__ import annotations

import posixpath

from opslint.base.fact import Fact
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any


class NamedFile(Fact):
    """A file named by a manifest. `name` is relative to the directory of the naming file (a leading ``/``: to the
    project root); `as_kind` is the kind to read it as (``dotenv``, ``helm-values``, ``tfvars``).
    """

    __slots__ = ("as_kind", "name")
    as_kind: str
    name: str


def resolve(path: str, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, str]]:
    """Yield (project path, kind) for the rows of `NamedFile` facts of file `path`; names that leave the project are left out."""
    columns = NamedFile.FIELDS
    name_at, kind_at = columns.index("name"), columns.index("as_kind")
    directory = posixpath.dirname(path)
    for row in rows:
        name: str = row[name_at]
        joined = posixpath.normpath(name.lstrip("/") if name.startswith("/") else posixpath.join(directory, name))
        if joined != ".." and not joined.startswith("../"):
            yield joined, row[kind_at]
