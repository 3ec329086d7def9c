"""Fingerprints: the same finding keeps its name when lines move.

A place is addressed by its *scope*, the chain of less indented lines above it, and by the text it stands on; both are
normalised. Of lines that may hold a secret only the name is taken.
"""

from __future__ import annotations

from _blake2 import blake2b

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.finding import Finding
    from opslint.base.location import Span

_COMMENTS = ("#", "//", "--", ";", "*", "/*")
_MAX_SCOPE = 12
_NAME_ONLY = ("dotenv", "tfvars")


class Addresses:
    """Addresses of places in the files of one project, as hashes. `read(path)` gives the content, `kind(path)` the kind.

    `kept` are addresses of an earlier run by path: ``[content hash, {place: address}]``; they hold while `content(path)`, the
    file's content hash, is the same, and spare reading the file. `used` is what this run used, to be kept for the next.
    """

    def __init__(
        self,
        read: Callable[[str], bytes | None],
        kind: Callable[[str], str],
        content: Callable[[str], str],
        kept: dict[str, list[Any]],
    ) -> None:
        self._read = read
        self._kind = kind
        self._content = content
        self._kept = kept
        self._lines: dict[str, list[str]] = {}
        self._parents: dict[str, list[int]] = {}
        self.used: dict[str, list[Any]] = {}

    def of(self, path: str, span: Span) -> str:
        """Return the address of a place: its file, scope and text."""
        known = self.used.get(path)
        if known is None:
            content = self._content(path)
            earlier = self._kept.get(path)
            known = self.used[path] = earlier if earlier and content and earlier[0] == content else [content, {}]
        key = ",".join(map(str, span))
        address: str | None = known[1].get(key)
        if address is None:
            text = self._address(path, span).encode("utf-8", "surrogatepass")
            address = known[1][key] = blake2b(text, digest_size=16).hexdigest()
        return address

    def _address(self, path: str, span: Span) -> str:
        lines = self._lines_of(path)
        line = span[0]
        if not 1 <= line <= len(lines):
            return path
        text = lines[line - 1]
        kind = self._kind(path)
        parts = [path]
        parts += [_head(scope, kind) for scope in self._scopes(path, line)]
        parts.append(_anchor(text, span, kind))
        return "\n".join(parts)

    def _scopes(self, path: str, line: int) -> list[str]:
        """Return the lines that enclose `line`, outermost first."""
        parents = self._parents.get(path)
        if parents is None:
            parents = self._parents[path] = parents_of(self._lines_of(path))
        found: list[str] = []
        index = parents[line - 1]
        while index >= 0 and len(found) < _MAX_SCOPE:
            found.append(self._lines[path][index].strip())
            index = parents[index]
        return found[::-1]

    def _lines_of(self, path: str) -> list[str]:
        lines = self._lines.get(path)
        if lines is None:
            data = self._read(path)
            text = "" if data is None else data.decode("utf-8-sig", "replace")
            lines = self._lines[path] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines


def parents_of(lines: list[str]) -> list[int]:
    """Return, for each line, the index of the line that encloses it by indentation, or -1. One pass."""
    parents: list[int] = []
    open_lines: list[tuple[int, int, bool, bool]] = []
    for index, text in enumerate(lines):
        body = text.strip()
        if not body or body.startswith(_COMMENTS) or body[0] in ")]}":
            parents.append(open_lines[-1][1] if open_lines else -1)
            continue
        indent = len(text) - len(text.lstrip())
        is_item = body.startswith("- ")
        while open_lines:
            depth, _line, above_is_item, opens = open_lines[-1]
            # A list item may stand at the indentation of the key that holds the list.
            if depth < indent or (depth == indent and is_item and opens and not above_is_item):
                break
            open_lines.pop()
        parents.append(open_lines[-1][1] if open_lines else -1)
        open_lines.append((indent, index, is_item, body.endswith(":")))
    return parents


def _normal(text: str) -> str:
    return " ".join(text.split())


def _head(text: str, kind: str) -> str:
    return name_only(text) if may_hold_secret(text, kind) else _normal(text)


def _anchor(text: str, span: Span, kind: str) -> str:
    if may_hold_secret(text, kind):
        return name_only(text)
    line, column, end_line, end_column = span
    if end_line == line and end_column > column:
        return _normal(text[column - 1 : end_column - 1])
    return _normal(text[column - 1 :])


def may_hold_secret(text: str, kind: str) -> bool:
    """Tell whether a line may hold a value that must not leave the machine, not even hashed.

    Every line of a dotenv or tfvars file, and every ``NAME: value`` or ``NAME=value`` line elsewhere but in code.
    """
    if kind in _NAME_ONLY:
        return True
    return kind not in ("python", "sql") and ("=" in text or ":" in text)


def name_only(text: str) -> str:
    """Return the part of a line before its first ``=`` or ``:``."""
    ends = [at for at in (text.find("="), text.find(":")) if at >= 0]
    return _normal(text[: min(ends)] if ends else text)


def stamp(findings: list[Finding], addresses: Addresses, keys: list[str]) -> None:
    """Set the fingerprint of every finding (in report order); `keys` are the rules' own keys of them."""
    seen: dict[str, int] = {}
    for finding, key in zip(findings, keys, strict=True):
        parts = [finding.rule, addresses.of(finding.path, finding.span), key]
        parts += [addresses.of(related.path, related.span) for related in finding.evidence]
        text = "\0".join(parts)
        ordinal = seen[text] = seen.get(text, -1) + 1
        data = f"{text}\0{ordinal}".encode("utf-8", "surrogatepass")
        finding.fingerprint = blake2b(data, digest_size=16).hexdigest()
