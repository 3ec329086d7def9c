"""Which URL a health check command asks for: curl, wget, Python one-liners and the like."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCAL = frozenset(
    (
        "localhost",
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104 - compared with, not listened on
        "::1",
        "[::1]",
        "ip6-localhost",
    )
)
_SHELLS = frozenset("sh bash ash dash zsh".split())
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ProbedUrl:
    """A URL on the container itself: `path` (with its query), `port` None where it is not a number."""

    __slots__ = ("path", "port", "scheme")

    def __init__(self, scheme: str, port: int | None, path: str) -> None:
        self.scheme = scheme
        self.port = port
        self.path = path


def is_shell(words: Iterable[str]) -> bool:
    """Tell whether a command hands a script to a shell (``sh -c``)."""
    listed = list(words)
    first = listed[0].rpartition("/")[2] if listed else ""
    return first in _SHELLS and any(word.startswith("-") and "c" in word for word in listed[1:3])


def url_of(words: Iterable[str]) -> ProbedUrl | None:
    """The one local URL that a command (or the script inside ``sh -c`` or ``python -c``) asks for; None: none, several, or not local."""
    found: dict[tuple[str, int | None, str], ProbedUrl] = {}
    for word in words:
        for url in _urls(word):
            found[(url.scheme, url.port, url.path)] = url
    if not found:
        return _bare(list(words))
    return next(iter(found.values())) if len(found) == 1 else None


def _urls(text: str) -> list[ProbedUrl]:
    urls: list[ProbedUrl] = []
    at = 0
    while True:
        hit = text.find("://", at)
        if hit < 0:
            return urls
        start = hit
        while start > 0 and text[start - 1].isalpha():
            start -= 1
        scheme = text[start:hit].lower()
        end = hit + 3
        while end < len(text) and text[end] not in " \t\r\n\"'`<>|;,)&\\":
            end += 1
        at = end
        if scheme in _DEFAULT_PORTS:
            url = _parsed(scheme, text[hit + 3 : end])
            if url is not None:
                urls.append(url)


def _parsed(scheme: str, rest: str) -> ProbedUrl | None:
    authority, slash, path = rest.partition("/")
    authority = authority.rpartition("@")[2]
    if authority.startswith("["):
        host, _, tail = authority.partition("]")
        host, port = f"{host}]", tail.lstrip(":")
    else:
        # `${PORT:-8000}` holds a colon of its own.
        host, _, port = authority.partition(":")
    if host.lower() not in _LOCAL and host not in ("$HOSTNAME", "${HOSTNAME}", "$(hostname)", "$(hostname"):
        return None
    path = f"{slash}{path}".partition("#")[0] or "/"
    if "$" in path:
        return None
    if not port:
        return ProbedUrl(scheme, _DEFAULT_PORTS[scheme], path)
    return ProbedUrl(scheme, _port(port), path)


def _port(text: str) -> int | None:
    if text.isdigit() and len(text) < 6:
        return int(text)
    if text.startswith("${") and ":-" in text:
        default = text.partition(":-")[2].rstrip("}")
        return int(default) if default.isdigit() and len(default) < 6 else None
    return None


def _bare(words: list[str]) -> ProbedUrl | None:
    """``curl -f localhost:8000/health`` without a scheme."""
    if is_shell(words):
        words = words[-1].split()
    if not words or words[0].rpartition("/")[2] not in ("curl", "wget", "http", "httpie"):
        return None
    hits = [word.strip("\"'") for word in words[1:] if word.strip("\"'").partition("/")[0].partition(":")[0].lower() in _LOCAL]
    return _parsed("http", hits[0]) if len(hits) == 1 else None
