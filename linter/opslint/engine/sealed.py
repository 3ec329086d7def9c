"""Files of the cache: private, written whole or not at all, believed only with their keyed checksum."""

from __future__ import annotations

import os
import stat as stat_module
from _blake2 import blake2b

from opslint.base.jsonio import dumps, loads
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class DamagedError(Exception):
    """A part of the cache is missing or not what was written."""


def private_directory(path: str) -> bool:
    """Make `path` if need be; tell whether it is a directory that only this user can write to."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        status = os.lstat(path)
    except OSError:
        return False
    if not stat_module.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def is_inside(path: str, root: str) -> bool:
    """Tell whether `path` lies in the tree at `root`."""
    real, top = os.path.realpath(path), os.path.realpath(root)
    return real == top or real.startswith(top.rstrip(os.sep) + os.sep)


def seal(body: bytes, key: bytes) -> bytes:
    """Return `body` behind its keyed checksum."""
    return blake2b(body, key=key, digest_size=16).hexdigest().encode() + b"\n" + body


def unseal(data: bytes, key: bytes) -> bytes | None:
    """Return the body of what `seal` gave; None when it is not what was written with this key."""
    body = data[33:]
    if data[32:33] != b"\n" or blake2b(body, key=key, digest_size=16).hexdigest().encode() != data[:32]:
        return None
    return body


def write_file(path: str, data: bytes) -> bool:
    """Write through a file beside `path` that is then renamed; False when that cannot be done (the cache is only a help)."""
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.part"
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)
        os.replace(draft, path)
    except OSError:
        if os.path.lexists(draft):
            os.unlink(draft)
        return False
    return True


def read_file(path: str) -> bytes | None:
    """Return a whole file, None when it is not there."""
    try:
        with open(path, "rb", buffering=0) as handle:
            return handle.read()
    except OSError:
        return None


def read_sealed(path: str, key: bytes) -> Any:
    """Return the JSON value in a sealed file; None when it is missing or damaged."""
    data = read_file(path)
    body = unseal(data, key) if data is not None else None
    if body is None:
        return None
    try:
        return loads(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def encode(value: Any) -> bytes:
    """Return a value as JSON bytes; names that are no UTF-8 survive as surrogates."""
    return dumps(value).encode("utf-8", "surrogatepass")
