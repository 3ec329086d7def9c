"""What a compose service's variables are: `env_file` in order, then `environment`, interpolated with ``.env``."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import known, unknown
from opslint.facts.dotenv import DotenvFile
from opslint.facts.env_values import decode_literal, split
from opslint.model.paths import join
from opslint.model.records import EnvEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.base.value import Value
    from opslint.facts.compose import ComposeFile
    from opslint.model.model import DeploymentModel


_EXAMPLES = (".example", ".sample", ".template", ".dist", "-example", ".tmpl", ".j2")
"""Endings of the file that people copy to make an `env_file`."""


_MADE_BY_PLATFORM = frozenset(("stack.env",))
"""Files that the deployer writes beside the compose file: Portainer (docs.portainer.io/user/docker/stacks/add)."""


class EnvFileUse(Record):
    """One `env_file` of a service: the project path ("" when it cannot be told), why it cannot, where it is named.

    `state`: ``read`` (its entries are known), ``missing`` (not there, and nothing ignores it), ``ignored`` (not in git),
    ``optional`` (not there, ``required: false``), ``unknown``.
    """

    __slots__ = ("loc", "path", "reason", "state")
    loc: Loc
    path: str
    reason: str
    state: str


class Interpolation:
    """The names that ``${}`` finds in the ``.env`` beside the compose file (or in ``--env-file``)."""

    def __init__(self, dotenv: DotenvFiles, paths: list[str]) -> None:
        self.values: dict[str, Value] = {}
        self.paths: list[str] = []
        for path in paths:
            entries = dotenv.entries(path)
            if entries is None:
                continue
            self.paths.append(path)
            self.values.update((name, value) for name, _loc, value in entries)

    def text(self, written: str) -> tuple[str | None, str, str]:
        """Interpolate plain text: (the text or None when a part is unknown, its literal prefix, the text with all defaults)."""
        out: list[str] = []
        prefix: str | None = None
        fallback: list[str] = []
        for part in split(written):
            if isinstance(part, str):
                out.append(part)
                fallback.append(part)
                continue
            name, operator, default = part
            plain = _plain(self.values.get(name))
            if plain is not None and (plain or not operator.startswith(":")):
                out.append(plain)
                fallback.append(plain)
                continue
            if prefix is None:
                prefix = "".join(out)
            fallback.append(default if operator in (":-", "-") else "")
        text = "".join(out) if prefix is None else None
        return text, prefix if prefix is not None else "".join(out), "".join(fallback)

    def settled(self, written: str) -> str | None:
        """Interpolate plain text, taking defaults; None when a variable has neither a value nor a default."""
        for part in split(written):
            if not isinstance(part, str) and part[1] not in (":-", "-") and not _plain(self.values.get(part[0])):
                return None
        return self.text(written)[2]

    def value(self, name: str, data: list[Any] | None) -> Value:
        """Return the value of variable `name` from its JSON form (`opslint.facts.env_values`)."""
        if data is None:
            return self.values.get(name) or unknown(f"{name} is passed through from the host")
        if data[0] == "x":
            return known(decode_literal(data))
        if len(data) == 2 and data[1][0] == "v":
            _tag, variable, operator, default = data[1]
            found = self.values.get(variable)
            if found is not None:
                return found
            if operator in (":?", "?"):
                return unknown(f"{variable} must be set on the host")
            return unknown(f"{variable} of the host, else its default" if default else f"{variable} of the host")
        return unknown("put together from variables")


def _plain(value: Value | None) -> str | None:
    masked = getattr(value, "value", None)
    plain = getattr(masked, "plain", None)
    return plain if isinstance(plain, str) else None


class DotenvFiles:
    """The dotenv files of the project, by path."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._facts = {fact.path: fact for fact in model.facts(DotenvFile)}
        self._entries: dict[str, list[tuple[str, Loc, Value]] | None] = {}

    def entries(self, path: str) -> list[tuple[str, Loc, Value]] | None:
        """Return (name, place, value) of a dotenv file, None when it is not there or not readable to its end."""
        if path not in self._entries:
            fact = self._facts.get(path)
            if fact is None:
                self._entries[path] = _read_here(self.model, path)
            elif fact.partial:
                self._entries[path] = None
            else:
                rows = fact.entries
                self._entries[path] = [(name, (path, at), _own_value(name, value)) for name, at, _value_at, value in rows]
        return self._entries[path]


def _read_here(model: DeploymentModel, path: str) -> list[tuple[str, Loc, Value]] | None:
    """Read a file that only its use shows to be a dotenv file (``app.conf``, ``docker/env``)."""
    from opslint.facts.env_values import literal
    from opslint.syntax.document import ReadProblem
    from opslint.syntax.dotenv import read

    data = model.read(path) if path in model.files else None
    if data is None or len(data) > 1 << 20:
        return None
    try:
        document = read(data, "dotenv")
    except ReadProblem:
        return None
    if document.errors:
        return None
    spans = document.places.spans
    found: list[tuple[str, Loc, Value]] = []
    for binding in document.bindings:
        own = None if binding.value is None else literal(binding.name, binding.value)
        found.append((binding.name, (path, spans[binding.name_at]), _own_value(binding.name, own)))
    return found


def _own_value(name: str, data: list[Any] | None) -> Value:
    if data is None:
        return unknown(f"{name} is passed through from the host")
    return known(decode_literal(data)) if data[0] == "x" else unknown("put together from variables")


def env_file_uses(
    dotenv: DotenvFiles, service: Mapping, directories: dict[str, str], interpolation: Interpolation
) -> Iterator[EnvFileUse]:
    """Yield the uses of `env_file` of a merged service, in order. `directories`: compose file → directory its paths start from."""
    node = service.get("env_file")
    for item in node.items if isinstance(node, Sequence) else [node] if node is not None else []:
        required = True
        written: Node | None = item
        if isinstance(item, Mapping):
            written = item.get("path")
            required = item.text("required") not in ("false", "False")
        if isinstance(written, Scalar) and not written.is_null:
            yield _use(dotenv, written, required, directories.get(written.path, ""), interpolation)


def _use(dotenv: DotenvFiles, node: Scalar, required: bool, directory: str, interpolation: Interpolation) -> EnvFileUse:
    text, _prefix, fallback = interpolation.text(node.text)
    loc = node.loc
    path = join(directory, text) if text is not None else None
    if path is None:
        reason = (
            f"env_file {node.text} is not in the project" if text is not None else f"env_file {node.text} depends on the host"
        )
        guess = join(directory, fallback) if text is None else None
        if guess and dotenv.entries(guess) is not None:
            return EnvFileUse(loc=loc, path=guess, reason=reason, state="unknown")
        return EnvFileUse(loc=loc, path="", reason=reason, state="unknown")
    if path in dotenv.model.files:
        if dotenv.entries(path) is not None:
            return EnvFileUse(loc=loc, path=path, reason="", state="read")
        return EnvFileUse(loc=loc, path=path, reason=f"{path} could not be read to its end", state="unknown")
    if dotenv.model.is_ignored(path):
        return EnvFileUse(loc=loc, path=path, reason=f"{path} is not in git", state="ignored")
    if path.rpartition("/")[2] in _MADE_BY_PLATFORM:
        return EnvFileUse(loc=loc, path=path, reason=f"{path} is made by the platform", state="ignored")
    if any(f"{path}{ending}" in dotenv.model.files for ending in _EXAMPLES):
        return EnvFileUse(loc=loc, path=path, reason=f"{path} is made from an example", state="ignored")
    return EnvFileUse(loc=loc, path=path, reason=f"{path} is missing", state="missing" if required else "optional")


def entries(
    dotenv: DotenvFiles, layers: list[tuple[ComposeFile, str]], uses: list[EnvFileUse], interpolation: Interpolation
) -> list[EnvEntry]:
    """Return the variables of a service in order of precedence, later ones win: `env_file`s, then `environment` of each layer."""
    found: list[EnvEntry] = []
    for use in uses:
        for name, loc, value in (dotenv.entries(use.path) or ()) if use.state == "read" else ():
            found.append(EnvEntry(loc=loc, name=name, origin=f"env_file {use.path}", value=value))
    own: dict[str, EnvEntry] = {}
    for fact, service in layers:
        if service in fact.reset:
            own.clear()
        for name, at, data in fact.environments.get(service, ()):
            value = interpolation.value(name, data)
            own[name] = EnvEntry(loc=fact.place(at), name=name, origin="environment", value=value)
    return [*found, *own.values()]
