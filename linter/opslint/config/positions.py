"""Where a key stands in a TOML text. `tomllib` keeps no positions; one scan over the lines gives good ones.

Only used to name a line in a message or an origin: a text laid out unusually gives the line of its table, or none.
"""

from __future__ import annotations


class Lines:
    """Line numbers (1-based) of tables and keys by path, ``("environment", 0, "tier")``."""

    __slots__ = ("_lines",)

    def __init__(self, text: str, prefix: tuple[str, ...]) -> None:
        self._lines: dict[tuple[str | int, ...], int] = {}
        table: tuple[str | int, ...] | None = () if not prefix else None
        counts: dict[tuple[str, ...], int] = {}
        for number, line in enumerate(text.split("\n"), 1):
            stripped = line.strip()
            if stripped.startswith("["):
                table = self._table(stripped, prefix, counts)
                if table is not None:
                    self._lines.setdefault(table, number)
            elif table is not None and "=" in stripped and not stripped.startswith(("#", '"""')):
                names = _names(stripped.partition("=")[0])
                if names:
                    for depth in range(1, len(names) + 1):
                        self._lines.setdefault((*table, *names[:depth]), number)

    @staticmethod
    def _table(header: str, prefix: tuple[str, ...], counts: dict[tuple[str, ...], int]) -> tuple[str | int, ...] | None:
        several = header.startswith("[[")
        names = _names(header.partition("#")[0].strip().strip("[]"))
        if names[: len(prefix)] != prefix:
            return None
        names = names[len(prefix) :]
        if not several:
            return names
        index = counts[names] = counts.get(names, -1) + 1
        return (*names, index)

    def of(self, path: tuple[str | int, ...]) -> int | None:
        """Return the line of `path`, else of the nearest table above it, else None."""
        for depth in range(len(path), 0, -1):
            line = self._lines.get(path[:depth])
            if line is not None:
                return line
        return None


def _names(text: str) -> tuple[str, ...]:
    """Split a dotted TOML key; keys with dots inside quotes stay whole."""
    names: list[str] = []
    current, quote = "", ""
    for ch in text.strip():
        if quote:
            if ch == quote:
                quote = ""
            else:
                current += ch
        elif ch in "\"'":
            quote = ch
        elif ch == ".":
            names.append(current.strip())
            current = ""
        else:
            current += ch
    names.append(current.strip())
    return tuple(name.replace("-", "_") if index == 0 else name for index, name in enumerate(names))
