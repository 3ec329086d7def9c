"""Analysing many files: in this process, or in forked workers when there is enough work to pay for them."""

from __future__ import annotations

import os

from opslint.base.typing import TYPE_CHECKING
from opslint.engine.worker import MAX_BYTES, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.engine.source import Source
    from opslint.engine.worker import Analyser, FileResult

    Done = tuple[str, str, str, FileResult | None]
    """(path, kind, content hash, result); no result when the store has one for this content."""

PAYS_FROM_BYTES = 1_500_000
"""A fork and its pipes cost some 10 ms; reading and parsing run at about 5 MB/s."""


class Job:
    """One file to analyse: its path, the kind it is read as, its size in bytes."""

    __slots__ = ("kind", "path", "size")

    def __init__(self, path: str, kind: str, size: int) -> None:
        self.path = path
        self.kind = kind
        self.size = size


def job_count(asked: int) -> int:
    """Return how many processes may work: what was asked for, else the processors this process may use (at most 16)."""
    if asked:
        return asked
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(len(os.sched_getaffinity(0)), 16))
    return max(1, min(os.cpu_count() or 1, 16))


def analyse_one(
    job: Job,
    source: Source,
    analyser: Analyser,
    hash_of: Callable[[bytes], str],
    known: Callable[[str, str], bool] | None,
) -> Done:
    """Read and analyse one file. A file that cannot be read gives a problem and no content hash, so that it is tried again."""
    try:
        data = source.read(job.path)
    except OSError as error:
        return job.path, job.kind, "", failed(job.kind, "read-error", f"cannot be read: {error.strerror or error}")
    content = hash_of(data)
    if known is not None and known(content, job.kind):
        return job.path, job.kind, content, None
    if job.kind == "gitignore":
        from opslint.engine.worker import nothing

        return job.path, job.kind, content, nothing(job.kind, content)
    if len(data) > MAX_BYTES:
        return job.path, job.kind, content, failed(job.kind, "limit", f"larger than {MAX_BYTES >> 20} MiB; not read")
    return job.path, job.kind, content, analyser.analyse(data, job.kind)


def analyse_all(
    jobs: list[Job],
    source: Source,
    analyser: Analyser,
    hash_of: Callable[[bytes], str],
    known: Callable[[str, str], bool] | None,
    asked: int,
) -> Iterator[Done]:
    """Yield the outcome of every job, in any order."""
    for job in jobs:
        yield analyse_one(job, source, analyser, hash_of, known)
