"""Texts that look like keys, whatever they are called: what neither a name nor a place says is caught by its shape.

A run of letters and digits that changes between the two again and again is a key, a token or a hash; names of things are not
written like that.
"""

from __future__ import annotations

from opslint.base.masking import is_secret_name

SECRET_STARTS = (
    "AKIA", "ASIA", "-----BEGIN", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk_live_", "sk_test_", "rk_live_", "sk-", "xoxb-",
    "xoxp-", "eyJhbGci", "npm_", "pypi-", "hf_", "SG.", "dop_v1_",
)  # fmt: skip
"""How well-known credentials begin (AWS, PEM, GitHub, GitLab, Stripe, OpenAI, Slack, JWT, npm, PyPI, Hugging Face, SendGrid, DigitalOcean)."""

SHORTEST = 12
"""Letters and digits of the shortest run that is judged; shorter ones are no better than a word."""

LONGEST_RUN = 16
"""A run of this many letters and digits is never kept where only identities may be (hexadecimal and base64 keys begin here)."""

LONGEST_IDENTITY = 64
LONGEST_ARN = 256

_SCHEMES = ("Bearer ", "bearer ", "Basic ")
"""What stands before a credential in an ``Authorization`` header."""

_RUNS = {code: " " for code in range(128) if not chr(code).isalnum()}
_HEX = frozenset("0123456789abcdef")
_IDENTITY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@$+*,~=")


def conceal(text: str) -> str:
    """Replace every key-like part of `text` by ``***``. Digests and commits that pin something (``@<sha>``, ``sha256:<…>``) stay."""
    if len(text) < SHORTEST:
        return text
    out, last = "", 0
    for start, end in ranges(text):
        if start >= last:
            out += f"{text[last:start]}***"
        last = max(last, end)
    return out + text[last:] if last else text


def ranges(text: str) -> list[tuple[int, int]]:
    """Return the half-open ranges of `text` that look like keys or stand where a credential stands, sorted."""
    found: list[tuple[int, int]] = []
    for start in SECRET_STARTS:
        if start in text:
            found += _known(text, start)
    for scheme in _SCHEMES:
        if scheme in text:
            found += _behind(text, scheme)
    for run in set(text.translate(_RUNS).split()):
        if len(run) >= SHORTEST and is_key_like(run):
            found += _places(text, run)
    return sorted(found)


def is_opaque(text: str) -> bool:
    """Tell whether `conceal` would take something out of `text`."""
    return conceal(text) != text


def is_key_like(run: str) -> bool:
    """Tell whether a run of letters and digits looks like a key: hexadecimal of at least 16, or often changing between the two."""
    if run.isalpha() or run.isdigit():
        return False
    if len(run) >= LONGEST_RUN and _HEX.issuperset(run.lower()):
        return True
    changes = _changes(run)
    mixed = run != run.lower() and run != run.upper()
    return changes >= 3 if len(run) >= LONGEST_RUN else mixed and changes >= 4


def is_identity(text: str) -> bool:
    """Tell whether `text` has the shape of a name, region, address, path, version or ARN, in which nobody hides a key."""
    arn = text.startswith("arn:")
    if not text or len(text) > (LONGEST_ARN if arn else LONGEST_IDENTITY) or not _IDENTITY.issuperset(text):
        return False
    if text.startswith(SECRET_STARTS):
        return False
    return all(len(run) < LONGEST_RUN and _is_word(run) for run in text.translate(_RUNS).split())


def _is_word(run: str) -> bool:
    """Letters of one case (or capitalised), a version or a number; with few changes between letters and digits."""
    if run.isalpha():
        return run in (run.lower(), run.upper(), run.capitalize())
    return run == run.lower() and _changes(run) <= 3


def _changes(run: str) -> int:
    """How often a run goes from letters to digits or back."""
    return sum(run[at].isdigit() != run[at - 1].isdigit() for at in range(1, len(run)))


def _known(text: str, start: str) -> list[tuple[int, int]]:
    found = []
    at = text.find(start)
    while at >= 0:
        end = at + len(start)
        while end < len(text) and (text[end].isalnum() or text[end] in "_-.+/="):
            end += 1
        if end - at >= SHORTEST - 1 and not text[at - 1 : at].isalnum():
            found.append((at, end))
        at = text.find(start, end)
    return found


def _behind(text: str, scheme: str) -> list[tuple[int, int]]:
    found = []
    at = text.find(scheme)
    while at >= 0:
        end = begin = at + len(scheme)
        while end < len(text) and text[end] not in " \t\r\n\"'`\\":
            end += 1
        if end - begin >= 6 and text[begin] not in "${<%" and not text[at - 1 : at].isalnum():
            found.append((begin, end))
        at = text.find(scheme, end)
    return found


def _places(text: str, run: str) -> list[tuple[int, int]]:
    found = []
    pins = len(run) in (40, 64) and _HEX.issuperset(run)
    at = text.find(run)
    while at >= 0:
        if not (pins and (text[at - 1 : at] == "@" or text[max(at - 7, 0) : at] == "sha256:")):
            found.append((at, at + len(run)))
        at = text.find(run, at + len(run))
    return found


_NEXT = {
    ("docker", "login"): ("-p",),
    ("podman", "login"): ("-p",),
    ("helm", "login"): ("-p",),
    ("az", "login"): ("-p",),
    ("sshpass", ""): ("-p",),
    ("redis-cli", ""): ("-a",),
    ("curl", ""): ("-u", "--user", "-U", "--proxy-user"),
}
"""(program, a word of the command) → flags whose next word is a secret that no name tells of, by the programs' manuals."""

_JOINED = {"mysql": "-p", "mysqldump": "-p", "mysqladmin": "-p", "mariadb": "-p", "sshpass": "-p", "redis-cli": "-a"}
"""Programs that take a password in the same word as the flag."""


def conceal_words(words: list[str]) -> list[str]:
    """Return the words of a command with the secrets given in flags replaced by ``***``; references (``$X``) stay."""
    out: list[str] = []
    program = words[0].rpartition("/")[2] if words else ""
    hide = {flag for (name, verb), flags in _NEXT.items() if name == program and (not verb or verb in words) for flag in flags}
    joined = _JOINED.get(program, "")
    hidden = False
    for word in words:
        if hidden and not word.startswith(("-", "$", "{")):
            user, colon, rest = word.partition(":")
            out.append(
                f"{user}:***"
                if program == "curl" and colon and not rest.startswith("$")
                else word
                if program == "curl"
                else "***"
            )
        elif joined and word.startswith(joined) and len(word) > len(joined) and word[len(joined)] not in "$-=":
            out.append(f"{joined}***")
        else:
            out.append(word)
        named = word.startswith("--") and "=" not in word and is_secret_name(word.lstrip("-"))
        hidden = word in hide or named or (program == "aws" and "configure" in words and is_secret_name(word))
    return out
