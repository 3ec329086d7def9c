"""Names that say a value is a secret: one vocabulary for all sources.

Three questions, from the widest to the narrowest. `is_secret_name`: may there be a secret in it? Then nothing of it is kept or shown.
`holds_secret`: is a literal given to this name a secret, or does it hold one? Then structured sources (Terraform), whose names are
precise, hide it and keep all else. `is_credential_name`: is the whole literal a credential? Only then may a rule say so.
"""

from __future__ import annotations

_WORDS = (
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "TOKEN",
    "APIKEY",
    "PRIVATE",
    "CREDENTIAL",
    "SIGNING",
    "ENCRYPTION",
    "_KEY",
    "DSN",
)

BARE_WORDS = tuple(word.strip("_") for word in _WORDS)
"""The words without their separators: a text that has none of them needs no closer look."""

_NO_SECRETS = ("_KEY_ID", "_KEYS_URL", "_TOKEN_URL", "_KEY_NAME")

_CREDENTIAL_ENDS = frozenset(
    "password passwd pass secret token apikey api_key private_key access_key secret_key passphrase signing_key encryption_key auth_key"
    " license_key secret_string secret_data auth_token client_secret".split()
)
"""A name that is one of these, or ends in ``_`` and one of these, has a credential for its value."""

_VARIABLE_ENDS = frozenset("jwt_key fernet_key hash_key session_key master_key salt".split())
"""The same of variables that code reads; as attributes they name other things (``hash_key`` of a table)."""

_HOLDING_ENDS = frozenset("access_key_id credential credentials dsn connection_string pwd webhook_url".split())
"""Names of this kind have an address, a file or an identifier for their value, or a credential in it."""

_JOINED_ENDS = ("SECRET", "PASSWORD", "PASSWD", "TOKEN", "APIKEY", "SECRETKEY")
"""Ends that are often written without the ``_`` before them (``DBPASSWORD``)."""

_PUBLIC_ENDS = ("PUBLIC_KEY", "CACHE_KEY", "PARTITION_KEY")


def is_secret_name(name: str) -> bool:
    """Tell whether a setting may hold a secret by what its name says: keys, tokens, passwords (not ``…_key_id``, ``…_token_url``)."""
    upper = name.upper().replace("-", "_")
    return any(word in upper for word in _WORDS) and not upper.endswith(_NO_SECRETS)


def holds_secret(name: str) -> bool:
    """Tell whether a literal given to a setting of this name is a secret or holds one (not the name or address of one)."""
    ends = _ends(name)
    return not _CREDENTIAL_ENDS.isdisjoint(ends) or not _HOLDING_ENDS.isdisjoint(ends)


def is_credential_name(name: str) -> bool:
    """Tell whether the whole value of a setting is a credential: ``…_TOKEN_URL``, ``…_KEY_ID``, ``PUBLIC_KEY`` are none."""
    upper = name.upper().replace("-", "_")
    if upper.endswith(_PUBLIC_ENDS):
        return False
    ends = _ends(name)
    return upper.endswith(_JOINED_ENDS) or not _CREDENTIAL_ENDS.isdisjoint(ends) or not _VARIABLE_ENDS.isdisjoint(ends)


def _ends(name: str) -> list[str]:
    """Return the name and what follows each of its separators, in lower case; camel humps separate too."""
    spelled = "".join(
        f"_{char}" if char.isupper() and number and name[number - 1].islower() else char for number, char in enumerate(name)
    )
    lowered = spelled.lower().replace("-", "_").rpartition(".")[2]
    ends = [lowered]
    while "_" in lowered:
        lowered = lowered.partition("_")[2]
        ends.append(lowered)
    return ends
