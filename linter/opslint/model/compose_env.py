"""What a compose service's variables are: `env_file` in order, then `environment`, interpolated with ``.env``."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.compose import environment_texts
from opslint.model.compose_names import Names, expand
from opslint.model.paths import join
from opslint.model.records import EnvEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.facts.compose import ComposeFile
    from opslint.model.compose_names import DotenvFiles
    from opslint.model.model import DeploymentModel


_EXAMPLES = (".example", ".sample", ".template", ".dist", "-example", ".tmpl", ".j2")
"""Endings of the file that people copy to make an `env_file`."""


_MADE_BY_PLATFORM = frozenset(("stack.env",))
"""Files that the deployer writes beside the compose file: Portainer (docs.portainer.io/user/docker/stacks/add)."""


class EnvFileUse(Record):
    """One `env_file` of a service: the project path ("" when it cannot be told), why it cannot, where it is named.

    `state`: ``read`` (its entries are known), ``missing`` (not there, and nothing ignores it), ``ignored`` (not in git),
    ``optional`` (not there, ``required: false``), ``unknown``. `raw` tells that it is read as ``format: raw``.
    """

    __slots__ = ("loc", "path", "raw", "reason", "state")
    loc: Loc
    path: str
    raw: bool
    reason: str
    state: str


class EnvironmentTexts:
    """The texts of `environment` blocks, read again from their files; kept nowhere else, for they may be secret."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._files: dict[str, dict[str, list[str | None]]] = {}

    def of(self, path: str, service: str, index: int) -> str | None:
        """Return the text of one entry of `ComposeFile.environments`, None when it cannot be read (any more)."""
        if path not in self._files:
            self._files[path] = self._read(path)
        found = self._files[path].get(service, [])
        return found[index] if index < len(found) else None

    def _read(self, path: str) -> dict[str, list[str | None]]:
        from opslint.syntax.document import ReadProblem
        from opslint.syntax.yaml import read

        data = self.model.read(path)
        if data is None:
            return {}
        try:
            documents = read(data, "compose").documents
        except ReadProblem:
            return {}
        return environment_texts(documents[0]) if documents else {}


def env_file_uses(
    dotenv: DotenvFiles, service: Mapping, directories: dict[str, str], names_at: Callable[[str], Names]
) -> Iterator[EnvFileUse]:
    """Yield the uses of `env_file` of a merged service, in order.

    `directories`: compose file → directory its paths start from; `names_at` gives what ``${}`` finds in a compose file.
    """
    node = service.get("env_file")
    for item in node.items if isinstance(node, Sequence) else [node] if node is not None else []:
        required, raw = True, False
        written: Node | None = item
        if isinstance(item, Mapping):
            written = item.get("path")
            required = item.text("required") not in ("false", "False", "FALSE")
            raw = item.text("format") == "raw"
        if isinstance(written, Scalar) and not written.is_null:
            use = _use(dotenv, written, required, directories.get(written.path, ""), names_at(written.path))
            yield use.replace(raw=raw) if raw else use


def _use(dotenv: DotenvFiles, node: Scalar, required: bool, directory: str, names: Names) -> EnvFileUse:
    text, _prefix, fallback = names.text(node.text)
    loc = node.loc

    def use(path: str, reason: str, state: str) -> EnvFileUse:
        return EnvFileUse(loc=loc, path=path, raw=False, reason=reason, state=state)

    path = join(directory, text) if text is not None else None
    if path is None:
        reason = (
            f"env_file {node.text} is not in the project" if text is not None else f"env_file {node.text} depends on the host"
        )
        guess = join(directory, fallback) if text is None else None
        return use(guess if guess and dotenv.rows(guess) is not None else "", reason, "unknown")
    if path in dotenv.model.files:
        if dotenv.rows(path) is not None:
            return use(path, "", "read")
        return use(path, f"{path} could not be read to its end", "unknown")
    if dotenv.model.is_ignored(path):
        return use(path, f"{path} is not in git", "ignored")
    if path.rpartition("/")[2] in _MADE_BY_PLATFORM:
        return use(path, f"{path} is made by the platform", "ignored")
    if any(f"{path}{ending}" in dotenv.model.files for ending in _EXAMPLES):
        return use(path, f"{path} is made from an example", "ignored")
    return use(path, f"{path} is missing", "missing" if required else "optional")


def entries(
    dotenv: DotenvFiles,
    texts: EnvironmentTexts,
    layers: list[tuple[ComposeFile, str]],
    uses: list[EnvFileUse],
    names: Names,
    names_at: Callable[[str], Names],
) -> list[EnvEntry]:
    """Return the variables of a service in order of precedence, later ones win: `env_file`s, then `environment` of each layer.

    Values of `env_file`s are interpolated with the project's `names` and what came before them; those of `environment` with the names
    of the file they stand in (`names_at`).
    """
    read = [(use.path, use.raw) for use in uses if use.state == "read"]
    found = [
        EnvEntry(loc=loc, name=name, origin=f"env_file {path}", value=value)
        for name, loc, value, path in (Names(dotenv, read, names).own if read else ())
    ]
    own: dict[str, EnvEntry] = {}
    for fact, service in layers:
        if service in fact.reset:
            own.clear()
        here = names_at(fact.path)
        for index, (written, at, data) in enumerate(fact.environments.get(service, ())):
            name = here.text(written)[0] if "$" in written else written
            if name is None:
                continue
            if data == ["r"]:
                own.pop(name, None)
                continue

            def text(path: str = fact.path, service: str = service, index: int = index, here: Names = here) -> str | None:
                whole = texts.of(path, service, index)
                return expand(whole, here.find) if whole is not None else None

            own[name] = EnvEntry(loc=fact.place(at), name=name, origin="environment", value=here.value(name, data, text))
    return [*found, *own.values()]


def unnamed(layers: list[tuple[ComposeFile, str]], names_at: Callable[[str], Names]) -> list[tuple[str, Loc]]:
    """Return why the variables of a service may be more than `entries`: names that depend on the host."""
    return [
        (f"variable {written} depends on the host", fact.place(at))
        for fact, service in layers
        for written, at, _data in fact.environments.get(service, ())
        if "$" in written and names_at(fact.path).text(written)[0] is None
    ]
