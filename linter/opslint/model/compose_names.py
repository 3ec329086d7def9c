"""The names that ``${}`` finds when Compose reads a project: those of ``.env`` files, in the order and with the precedence Compose gives them.

A name that no file of the repository sets is the host's: what depends on it is not known, its default included (docs.docker.com, "Set, use,
and manage variables in a Compose file with interpolation").
"""

from __future__ import annotations

from opslint.base.masking import PLAIN_NAMES, strip_credentials
from opslint.base.secret_names import holds_secret, is_secret_name
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, known, unknown
from opslint.facts.dotenv import DotenvFile
from opslint.facts.env_values import MAX_NESTED, decode_literal, masked, split

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.masking import Masked
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel

MAX_DOTENV = 1 << 20
"""Bytes of a dotenv file that is read here."""


def expand(text: str, find: Callable[[str], str | None], depth: int = 0) -> str | None:
    """Resolve ``${}`` in a text; None when a name is not known. Both sides of a default are looked into, as Compose does."""
    out: list[str] = []
    for part in split(text) if depth < MAX_NESTED else [text]:
        if isinstance(part, str):
            out.append(part)
            continue
        name, operator, default = part
        value = find(name)
        if value is None:
            return None
        if _takes_default(operator, not value):
            value = expand(default, find, depth + 1)
            if value is None:
                return None
        elif operator == ":+":
            value = ""
        elif operator == ":?" and not value:
            return None
        out.append(value)
    return "".join(out)


def _takes_default(operator: str, empty: bool) -> bool:
    """Tell whether a name that is set (to nothing: `empty`) gives way to what stands after the operator."""
    return operator == "+" or (operator == ":+" and not empty) or (operator == ":-" and empty)


class DotenvFiles:
    """The dotenv files of the project as Compose reads them, by path."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._facts = {fact.path: fact for fact in model.facts(DotenvFile)}
        self._rows: dict[tuple[str, bool], list[tuple[str, Loc, list[Any] | None]] | None] = {}
        self._texts: dict[tuple[str, bool], list[tuple[str | None, bool]]] = {}

    def rows(self, path: str, *, raw: bool = False) -> list[tuple[str, Loc, list[Any] | None]] | None:
        """Return (name, place, value) of a dotenv file, None when it is not there, or Compose refuses it."""
        key = (path, raw)
        if key not in self._rows:
            fact = self._facts.get(path)
            if fact is not None and not raw:
                rows = fact.compose_rows
                self._rows[key] = None if rows is None else [(row[0], (path, row[1]), row[3]) for row in rows]
            else:
                self._rows[key] = self._read(path, raw)
        return self._rows[key]

    def _read(self, path: str, raw: bool) -> list[tuple[str, Loc, list[Any] | None]] | None:
        """Read a file that only its use shows to be a dotenv file (``app.conf``, ``docker/env``), or of the raw format."""
        from opslint.facts.dotenv import rows
        from opslint.syntax.document import ReadProblem
        from opslint.syntax.dotenv import DotenvDocument
        from opslint.syntax.dotenv_compose import raw_settings, settings
        from opslint.syntax.text import decode

        data = self.model.read(path) if path in self.model.files else None
        if data is None or len(data) > MAX_DOTENV:
            return None
        try:
            document = DotenvDocument(data, "dotenv", decode(data))
        except ReadProblem:
            return None
        found = (raw_settings if raw else settings)(document.text)
        if found is None:
            return None
        self._texts[(path, raw)] = [(item.text, item.expands) for item in found]
        spans = document.places.spans
        return [(row[0], (path, spans[row[1]]), row[3]) for row in rows(document, found)]

    def texts(self, path: str, *, raw: bool = False) -> list[tuple[str | None, bool]]:
        """Return (text before ``${}`` is resolved, whether it is) for each of `rows`; read again, and kept nowhere else."""
        key = (path, raw)
        if key not in self._texts:
            self._read(path, raw)
        return self._texts.get(key, [])


class Names:
    """Names set by dotenv files that are read one after another, each of which sees `above` first and then what came before it.

    `own` are (name, place, value, path) in order; `values` what ``${}`` finds: the last value of each name, those of `above` winning.
    """

    def __init__(self, dotenv: DotenvFiles, paths: list[tuple[str, bool]], above: Names | None = None) -> None:
        self.dotenv = dotenv
        self.above = above
        self.files: list[tuple[str, bool]] = []
        self.own: list[tuple[str, Loc, Value, str]] = []
        self._inherited: dict[str, Value] = dict(above.values) if above is not None else {}
        self.values: dict[str, Value] = dict(self._inherited)
        self._row_texts: list[str | None] | None = None
        self._last_text: dict[str, str | None] = {}
        found = [(path, raw, rows) for path, raw in paths if (rows := dotenv.rows(path, raw=raw)) is not None]
        self.files = [(path, raw) for path, raw, _rows in found]
        for path, _raw, rows in found:
            for name, loc, data in rows:
                index = len(self.own)
                value = self.value(name, data, lambda index=index: self._text_at(index))  # type: ignore[misc]
                self.own.append((name, loc, value, path))
                if name not in self._inherited:
                    self.values[name] = value

    @property
    def paths(self) -> list[str]:
        """The files that were read."""
        return [path for path, _raw in self.files]

    def value(self, name: str, data: list[Any] | None, text: Callable[[], str | None]) -> Value:
        """Return the value of variable `name` from its JSON form (`opslint.facts.env_values`); `text()` is its text, ``${}`` resolved."""
        if data is None:
            return self.values.get(name) or unknown(f"{name} is passed through from the host")
        if data[0] == "x":
            return known(decode_literal(data))
        if data[0] == "u":
            return unknown("Compose refuses the value")
        if len(data) == 2:
            found = self._single(data[1])
            if found is not None and not (isinstance(found, Known) and (name in PLAIN_NAMES or holds_secret(name))):
                return found
        if not all(part[0] == "x" or isinstance(self.values.get(part[1]), Known) for part in data[1:]):
            return unknown("put together from variables")
        whole = text()
        return unknown("put together from variables") if whole is None else known(masked(name, whole))

    def _single(self, part: list[Any]) -> Value | None:
        """The value of a text that is one ``${}`` and nothing else, None when only its text tells."""
        _tag, variable, operator, default = part
        found = self.values.get(variable)
        if found is None:
            if operator in (":?", "?"):
                return unknown(f"{variable} must be set on the host")
            return unknown(f"{variable} of the host, else its default" if default else f"{variable} of the host")
        if not isinstance(found, Known):
            return found
        empty = found.value.kind == "empty"
        if operator == ":?" and empty:
            return unknown(f"{variable} must not be empty")
        if operator == ":+" and empty:
            return found
        return None if _takes_default(operator, empty) else found

    def find(self, name: str) -> str | None:
        """Return the text of a name, None when it is not known."""
        if name in self._inherited:
            assert self.above is not None
            return self.above.find(name)
        if name not in self.values:
            return None
        self._all_texts()
        return self._last_text.get(name)

    def _text_at(self, index: int) -> str | None:
        texts = self._all_texts()
        return texts[index] if index < len(texts) else None

    def _all_texts(self) -> list[str | None]:
        if self._row_texts is None:
            self._row_texts = []
            seen: dict[str, str | None] = {}

            def find(name: str) -> str | None:
                if name in self._inherited:
                    return self.above.find(name) if self.above is not None else None
                return seen.get(name)

            for path, raw in self.files:
                rows = self.dotenv.rows(path, raw=raw) or []
                for (name, _loc, _data), (text, expands) in zip(rows, self.dotenv.texts(path, raw=raw), strict=False):
                    whole = find(name) if text is None else expand(text, find) if expands else text
                    self._row_texts.append(whole)
                    seen[name] = whole
            self._last_text = seen
        return self._row_texts

    def text(self, written: str) -> tuple[str | None, str, str]:
        """Interpolate plain text: (the text or None when a part is unknown, its literal prefix, the text with all defaults)."""
        out: list[str] = []
        prefix: str | None = None
        for part in split(written):
            value = part if isinstance(part, str) else self._public_part(part)
            if value is None and prefix is None:
                prefix = "".join(out)
            out.append(value or "")
        text = "".join(out) if prefix is None else None
        return text, prefix if prefix is not None else "".join(out), self._fallback(written)

    def settled(self, written: str) -> str | None:
        """Interpolate plain text, taking defaults; None when a variable has neither a value nor a default."""
        for part in split(written):
            if not isinstance(part, str) and part[1] not in (":-", "-") and not self._public(part[0]):
                return None
        return self._fallback(written)

    def _fallback(self, written: str, depth: int = 0) -> str:
        out: list[str] = []
        for part in split(written) if depth < MAX_NESTED else [written]:
            value = part if isinstance(part, str) else self._public_part(part)
            if value is None and part[1] in (":-", "-"):
                value = self._fallback(part[2], depth + 1)
            out.append(value or "")
        return "".join(out)

    def _public_part(self, part: tuple[str, str, str]) -> str | None:
        name, operator, default = part
        value = self._public(name)
        if value is None:
            return None
        if _takes_default(operator, not value):
            return expand(default, self._public)
        return "" if operator == ":+" else value

    def _public(self, name: str) -> str | None:
        """Return the text of a name whose value may stand in the model as text: not of a secret's."""
        value = self.values.get(name)
        if not isinstance(value, Known):
            return None
        found: Masked = value.value
        if found.plain is not None or found.kind == "empty":
            return found.plain or ""
        text = None if is_secret_name(name) else self.find(name)
        return text if text is not None and strip_credentials(text) == text else None
