"""What a default in code says about the place it was written for."""

from __future__ import annotations

from opslint.base.masking import strip_credentials

_SECRET_WORDS = ("SECRET", "PASSWORD", "PASSWD", "TOKEN", "API_KEY", "APIKEY", "PRIVATE", "CREDENTIAL", "SIGNING", "ENCRYPTION", "_KEY", "DSN")
_DEVELOPMENT = ("localhost", "127.0.0.1", "0.0.0.0:", "host.docker.internal", "sqlite:", "example.com", "172.17.0.1")


def is_secret_name(name: str) -> bool:
    """Tell whether a variable holds a secret by what its name says (keys, tokens, passwords; ``…_KEY_ID`` does not)."""
    upper = name.upper()
    return any(word in upper for word in _SECRET_WORDS) and not upper.endswith(("_KEY_ID", "_KEYS_URL", "_TOKEN_URL"))


def default_kind(name: str, value: object) -> str:
    """Classify a default: ``none empty development secret harmless unknown``.

    ``development`` points at this machine; ``secret`` is a literal where a secret belongs.
    """
    if value is None:
        return "none"
    if isinstance(value, str):
        lowered = value.lower()
        if not value:
            return "empty"
        if is_secret_name(name) and "://" not in value:
            return "secret"
        if any(mark in lowered for mark in _DEVELOPMENT) or lowered in ("::1",):
            return "development"
        return "harmless"
    if isinstance(value, bool):
        return "development" if value and name.upper().endswith("DEBUG") else "harmless"
    if isinstance(value, int | float):
        return "harmless"
    return "unknown"


def keepable(name: str, value: object) -> str | None:
    """Return the text of a default that may be kept in a fact: never of a secret, credentials cut from URLs, 80 characters at most."""
    if value is None or isinstance(value, bytes) or not isinstance(value, str | int | float) or is_secret_name(name):
        return None
    return strip_credentials(str(value))[:80]
