"""What a default in code says about the place it was written for."""

from __future__ import annotations

from opslint.base.masking import is_credential_name, is_secret_name, strip_credentials

_NO_SECRETS = frozenset("none null empty dummy not-needed notneeded n/a na unused no-key nokey x test-key".split())
"""Values that say there is no secret: local servers that ask for one and do not look at it."""

_LOCAL_HOSTS = frozenset(("localhost", "127.0.0.1", "::1", "host.docker.internal", "172.17.0.1"))
"""Names of the machine the process runs on; the last is the gateway of Docker's default bridge (docs.docker.com/engine/network/drivers/bridge)."""


def points_here(text: str) -> bool:
    """Tell whether a value names this machine and no other: every address in it (they may be separated by commas) is local."""
    items = [item.strip(" []\"'") for item in text.lower().split(",")]
    hosts = [_host_of(item) for item in items if item]
    return bool(hosts) and all(host in _LOCAL_HOSTS for host in hosts)


def _host_of(item: str) -> str:
    if "@" in item and "://" not in item:
        return item
    authority = item.partition("://")[2] or item
    authority = authority.partition("/")[0].partition("?")[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority if authority.count(":") > 1 else authority.partition(":")[0]


def is_sqlite(text: str) -> bool:
    """Tell whether a value is a database in a file of this machine."""
    return text.partition(":")[0].partition("+")[0].lower() == "sqlite"


def default_kind(name: str, value: object) -> str:
    """Classify a default: ``none empty development secret harmless unknown``.

    ``development`` points at this machine, is a database in a file, or switches debugging on; ``secret`` is a literal where a
    secret belongs.
    """
    if value is None:
        return "none"
    if isinstance(value, str):
        if not value:
            return "empty"
        if name.upper().endswith("DEBUG") and value.lower() in ("true", "1", "yes", "on"):
            return "development"
        if points_here(value) or is_sqlite(value):
            return "development"
        return "secret" if is_credential_name(name) and _is_secret_text(value) else "harmless"
    if isinstance(value, bool):
        return "development" if value and name.upper().endswith("DEBUG") else "harmless"
    if isinstance(value, int | float):
        return "harmless"
    return "unknown"


def _is_secret_text(value: str) -> bool:
    return (
        "://" not in value
        and not value.isdigit()
        and not value.startswith(("/", "./", "arn:"))
        and value.lower() not in _NO_SECRETS
    )


def keepable(name: str, value: object) -> str | None:
    """Return the text of a default that may be kept in a fact: never of a secret, credentials cut from URLs, 80 characters at most."""
    if value is None or isinstance(value, bytes) or not isinstance(value, str | int | float) or is_secret_name(name):
        return None
    return strip_credentials(str(value))[:80]
