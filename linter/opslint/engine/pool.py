"""Analysing many files: in this process, or in forked workers when there is enough work to pay for them."""

from __future__ import annotations

import os
import sys
from time import perf_counter

from opslint.base.jsonio import dumps, loads
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.worker import MAX_BYTES, FileResult, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    from opslint.engine.source import Source
    from opslint.engine.worker import Analyser

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
    started = perf_counter()
    result = analyser.analyse(data, job.kind)
    result.seconds = perf_counter() - started
    return job.path, job.kind, content, result


def analyse_all(
    jobs: list[Job],
    source: Source,
    analyser: Analyser,
    hash_of: Callable[[bytes], str],
    known: Callable[[str, str], bool] | None,
    asked: int,
) -> Iterator[Done]:
    """Yield the outcome of every job, in any order."""
    count = min(job_count(asked), len(jobs))
    work = sum(job.size for job in jobs)
    # Only where forking is cheap and safe: this process has no threads, and macOS libraries do not survive a fork.
    if count > 1 and work >= PAYS_FROM_BYTES and sys.platform.startswith(("linux", "freebsd")):
        if known is not None:
            known("", "")
        yield from _forked(jobs, lambda job: analyse_one(job, source, analyser, hash_of, known), count)
        return
    for job in jobs:
        yield analyse_one(job, source, analyser, hash_of, known)


def _forked(jobs: list[Job], work: Callable[[Job], Done], count: int) -> Iterator[Done]:
    """Analyse in forked workers. They take batch numbers from one pipe and answer through a pipe each.

    A worker that dies (a native parser may crash) takes only its batches with it: the files it did not answer for are
    then read one by one in processes that may die (`opslint.engine.isolated`).
    """
    size = max(1, min(64, len(jobs) // (count * 8)))
    batches = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    tickets = os.pipe()
    workers: dict[int, int] = {}
    left = {job.path: job for job in jobs}
    is_done = False
    try:
        for _ in range(count):
            answer_read, answer_write = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(tickets[1])
                os.close(answer_read)
                for other in workers:
                    os.close(other)
                _work(tickets[0], answer_write, batches, work)
            os.close(answer_write)
            workers[answer_read] = pid
        os.close(tickets[0])
        yield from _collect(workers, tickets[1], len(batches), left)
        is_done = True
    finally:
        _end(workers, kill=not is_done)
    if left:
        from opslint.engine.isolated import analyse_apart

        for path in sorted(left):
            yield analyse_apart(left[path], work)


def _work(tickets: int, answers: int, batches: list[list[Job]], work: Callable[[Job], Done]) -> NoReturn:
    """A worker's life: take a batch number, analyse its files, answer; end when there are no more."""
    code = 1
    try:
        while len(ticket := os.read(tickets, 4)) == 4:
            rows = []
            for job in batches[int.from_bytes(ticket, "big")]:
                path, kind, content, result = work(job)
                packed, seconds = (None, 0.0) if result is None else (result.pack(), result.seconds)
                rows.append([path, kind, content, packed, seconds])
            body = dumps(rows).encode("utf-8", "surrogatepass")
            _write_all(answers, len(body).to_bytes(8, "big") + body)
        code = 0
    except BrokenPipeError:
        code = 0
    finally:
        # No clean-up of the parent's objects, no second flush of its buffers.
        os._exit(code)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _collect(workers: dict[int, int], tickets: int, count: int, left: dict[str, Job]) -> Iterator[Done]:
    """Hand out all batch numbers and yield the answers as they come."""
    from select import POLLIN, POLLOUT, poll

    poller = poll()
    for handle in workers:
        poller.register(handle, POLLIN)
    os.set_blocking(tickets, False)
    poller.register(tickets, POLLOUT)
    following = 0
    buffers = {handle: bytearray() for handle in workers}
    open_handles = set(workers)
    try:
        while open_handles:
            for handle, _event in poller.poll():
                if handle == tickets:
                    following, done = _hand_out(tickets, following, count)
                    if done:
                        poller.unregister(tickets)
                        os.close(tickets)
                        tickets = -1
                    continue
                chunk = os.read(handle, 1 << 18)
                if not chunk:
                    open_handles.discard(handle)
                    poller.unregister(handle)
                    continue
                buffer = buffers[handle]
                buffer += chunk
                for row in _frames(buffer):
                    left.pop(row[0], None)
                    yield row
    finally:
        if tickets >= 0:
            os.close(tickets)


def _hand_out(tickets: int, following: int, count: int) -> tuple[int, bool]:
    """Write as many batch numbers as the pipe takes (four bytes are written whole or not at all)."""
    try:
        while following < count:
            os.write(tickets, following.to_bytes(4, "big"))
            following += 1
    except BlockingIOError:
        return following, False
    except BrokenPipeError:
        return following, True
    return following, True


def _frames(buffer: bytearray) -> Iterator[Done]:
    """Take the complete answers out of a buffer."""
    while len(buffer) >= 8:
        end = 8 + int.from_bytes(buffer[:8], "big")
        if len(buffer) < end:
            return
        body = bytes(buffer[8:end])
        del buffer[:end]
        for path, kind, content, packed, seconds in loads(body.decode("utf-8", "surrogatepass")):
            result = None if packed is None else FileResult.unpack(packed)
            if result is not None:
                result.seconds = seconds
            yield path, kind, content, result


def _end(workers: dict[int, int], *, kill: bool) -> None:
    """Close the pipes and wait for the workers, which end when theirs are closed; `kill` those that may be in the middle of a file."""
    for handle in workers:
        os.close(handle)
    if kill:
        from signal import SIGKILL

        for pid in workers.values():
            os.kill(pid, SIGKILL)
    for pid in workers.values():
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            continue
