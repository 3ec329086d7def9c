"""Which literals does a file hold? One pass over its words, whatever the number of literals.

A file is cut into words (runs of letters, digits and underscores) and the set of its words is compared with what is
already known of words seen in earlier files; only words never seen before are searched for literals. This is exact:
a literal is in the file only if each of its own words is part of a word of the file, and what is left is confirmed
with `in`.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = bytes(range(48, 58)) + bytes(range(65, 91)) + b"_" + bytes(range(97, 123)) + bytes(range(128, 256))
_SPACED = bytes(byte if byte in _WORD else 32 for byte in range(256))

MAX_KNOWN_WORDS = 200_000
"""About 20 MB of words; a repository of 12,000 files has some 150,000 different ones."""


class Prescreen:
    """Tells which of a fixed set of literals are in a file."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._by_word: dict[bytes, list[bytes]] = {}
        self._wordless: list[bytes] = []
        for literal in sorted(set(literals)):
            words = literal.translate(_SPACED).split()
            if not words:
                self._wordless.append(literal)
                continue
            self._by_word.setdefault(max(words, key=lambda word: (len(word), word)), []).append(literal)
        self._known: set[bytes] = set()
        self._holding: dict[bytes, list[bytes]] = {}

    def hits(self, data: bytes) -> set[bytes]:
        """Return the literals that `data` holds."""
        words = set(data.translate(_SPACED).split())
        new = words - self._known
        if new:
            self._learn(new)
        found = {literal for literal in self._wordless if literal in data}
        for word in words & self._holding.keys():
            for literal in self._holding[word]:
                if literal not in found and (literal == word or literal in data):
                    found.add(literal)
        return found

    def _learn(self, new: set[bytes]) -> None:
        if len(self._known) > MAX_KNOWN_WORDS:
            self._known.clear()
            self._holding.clear()
        self._known |= new
        text = b"\n".join(new)
        for part, literals in self._by_word.items():
            at = text.find(part)
            while at >= 0:
                start = text.rfind(b"\n", 0, at) + 1
                end = text.find(b"\n", at)
                end = len(text) if end < 0 else end
                self._holding.setdefault(text[start:end], []).extend(literals)
                at = text.find(part, end)
