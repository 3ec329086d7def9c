"""Reading a file of dangerous shape in a process of its own, which may crash or be killed without harm.

Run as ``python -m opslint.engine.isolated``: the request comes on standard input, the result goes to standard output.
"""

from __future__ import annotations

import os
import sys

from opslint.base.jsonio import dumps, loads
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.worker import Analyser, FileResult, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opslint.engine.pool import Done, Job

SECONDS = 5.0
"""What one file may cost (design, section 5)."""

MAX_FILES = 20
"""After so many killed or crashed files in one process the rest is refused unread: a bound on a hostile repository's total cost."""

_failures = [0]


def analyse_isolated(data: bytes, kind: str, reason: str, *, prescreen: bool) -> FileResult:
    """Return the result of a file whose shape is dangerous (`reason`); a ``limit`` problem when its reader dies or takes too long."""
    if _failures[0] >= MAX_FILES:
        return failed(kind, "limit", f"{reason}; not read, since {MAX_FILES} such files already failed")
    import subprocess

    from opslint.base.masking import digest_key

    header = dumps([kind, prescreen, digest_key().hex()]).encode() + b"\n"
    words: Sequence[str] = [sys.executable, "-c", _BOOT, dumps([entry for entry in sys.path if entry])]
    try:
        done = subprocess.run(words, input=header + data, capture_output=True, timeout=SECONDS, check=False, env=_environment())
    except subprocess.TimeoutExpired:
        _failures[0] += 1
        return failed(kind, "limit", f"{reason}; its reader took longer than {SECONDS:.0f} s")
    if done.returncode == 0:
        try:
            return FileResult.unpack(loads(done.stdout.decode("utf-8", "surrogatepass")))
        except (ValueError, TypeError):
            pass
    _failures[0] += 1
    return failed(kind, "limit", f"{reason}; its reader could not stand it")


def analyse_apart(job: Job, work: Callable[[Job], Done]) -> Done:
    """Analyse one file of a dead worker in a fork of its own: a crash then names its file."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            path, kind, content, result = work(job)
            with os.fdopen(write_end, "wb") as stream:
                packed = None if result is None else result.pack()
                stream.write(dumps([path, kind, content, packed]).encode("utf-8", "surrogatepass"))
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        body = stream.read()
    _, status = os.waitpid(pid, 0)
    if status == 0 and body:
        path, kind, content, packed = loads(body.decode("utf-8", "surrogatepass"))
        return path, kind, content, None if packed is None else FileResult.unpack(packed)
    code = os.waitstatus_to_exitcode(status)
    message = (
        f"the {job.kind} reader crashed the process (signal {-code})" if code < 0 else f"the {job.kind} reader ended with {code}"
    )
    return job.path, job.kind, "", failed(job.kind, "reader-crash", message)


_BOOT = "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from opslint.engine.isolated import serve;serve()"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1"}


def serve() -> None:
    """Answer one request and end."""
    from opslint.base.masking import set_digest_key
    from opslint.engine.packs import find_packs

    request = sys.stdin.buffer.read()
    header, _, data = request.partition(b"\n")
    kind, prescreen, key = loads(header.decode())
    set_digest_key(bytes.fromhex(key))
    _limit_memory()
    result = Analyser(find_packs(None), prescreen=prescreen).analyse(data, kind, guarded=True)
    sys.stdout.buffer.write(dumps(result.pack()).encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    except (OSError, ValueError):
        return
