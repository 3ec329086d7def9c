"""Errors that end a run before it has a result."""

from __future__ import annotations


class OpslintError(Exception):
    """Base of all errors a front door shows as one line. `exit_code` is what the process ends with."""

    exit_code = 2


class UsageError(OpslintError):
    """The command line asks for something that cannot be: an unknown rule, a missing path, a revision not there."""


class ConfigError(OpslintError):
    """The configuration cannot be used. The message names the file, the key and the nearest right one."""


def nearest(word: str, words: list[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the word of `words` closest to `word`, or the empty string."""
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(words), n=1, cutoff=0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""
