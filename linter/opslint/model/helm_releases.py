"""How charts of the repository are installed: ``helm upgrade`` in workflows and scripts; the other ways have modules of their own."""

from __future__ import annotations

import posixpath

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes import KubernetesObject
from opslint.model.gotemplate_values import Opaque

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel


_INSTALLING = frozenset(("Application", "ApplicationSet", "HelmRelease"))


class Inline(Record):
    """Values that are no file of their own. `reason`: there are more, which are not known, and they lie over all that came before."""

    __slots__ = ("reason", "values")
    reason: str
    values: dict[str, Any]


class Release(Record):
    """One way a chart is installed.

    `layers` are values files (patterns where a name holds a variable) and inline values in order; `sets` are ``(key, value)`` of ``--set``,
    typed as Helm types them, in order (`Opaque` where not known); `optional`: files that are not there are passed over; `name` and `namespace` None
    where not known; `environment`: the environment it says it is for, "" where it does not; `cluster`: the cluster it says it is installed in
    (an address or a name), "" where it does not.
    """

    __slots__ = ("chart", "cluster", "environment", "layers", "loc", "name", "namespace", "optional", "sets")
    chart: str
    cluster: str
    environment: str
    layers: list[str | Inline]
    loc: Loc
    name: str | None
    namespace: str | None
    optional: bool
    sets: list[tuple[str, Any]]

    @property
    def files(self) -> list[str]:
        """The values files in order."""
        return [layer for layer in self.layers if isinstance(layer, str)]


def releases(model: DeploymentModel, charts: list[str]) -> list[Release]:
    """All releases of the repository's own charts that can be seen, in file order."""
    known = set(charts)
    found = list(_commands(model, known))
    if any(fact.object_kind in _INSTALLING for fact in model.facts(KubernetesObject)):
        from opslint.model.helm_gitops import gitops_releases

        found.extend(gitops_releases(model, known))
    found.extend(_helmfiles(model, known))
    if known and "terraform" in model.kinds:
        from opslint.model.helm_terraform import terraform_releases

        found.extend(terraform_releases(model, known))
    return sorted(found, key=lambda item: (item.chart, item.loc[0], str(item.loc[1]), item.environment))


def _helmfiles(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    if any(path.rpartition("/")[2].startswith("helmfile") or "helmfile.d/" in path for path in model.files):
        from opslint.model.helm_helmfile import helmfile_releases

        yield from helmfile_releases(model, charts)


# Commands


_SUBCOMMANDS = frozenset(("upgrade", "install"))
_VALUE_FLAGS = frozenset(
    "--namespace -n --timeout --version --kube-context --kubeconfig --history-max --repo --set-file --description --post-renderer --username"
    " --password --output -o --wait-for --kube-apiserver --kube-token --labels -l --set-json --max".split()
)


def _commands(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    from opslint.facts.gitlab import GitlabPipeline
    from opslint.facts.shell_scripts import MakeTarget, ScriptSteps
    from opslint.facts.workflows import CompositeAction, Workflow

    for kind in (Workflow, CompositeAction, GitlabPipeline):
        for fact in model.facts(kind):
            for _place, commands in getattr(fact, "scripts", ()):
                yield from _of_commands(fact.path, commands, charts)
    for script in model.facts(ScriptSteps):
        yield from _of_commands(script.path, script.commands, charts)
    for target in model.facts(MakeTarget):
        yield from _of_commands(target.path, target.commands, charts)


def _of_commands(path: str, commands: list[list[object]], charts: set[str]) -> Iterator[Release]:
    for place, words, info in commands:
        assert isinstance(words, list) and isinstance(info, dict) and isinstance(place, int)
        if "helm" not in words:
            continue
        at = words.index("helm")
        rest = words[at + 1 :]
        if rest[:1] == ["secrets"]:
            rest = rest[1:]
        if rest[:1] and rest[0] in _SUBCOMMANDS and "--dry-run" not in rest:
            found = _parse(path, place, rest, str(info.get("dir") or ""), charts)
            if found is not None:
                yield found


def _parse(path: str, place: int, words: list[str], directory: str, charts: set[str]) -> Release | None:
    plain: list[str] = []
    files: list[str] = []
    sets: list[tuple[int, str, Any]] = []
    namespace: str | None = None
    index = 1
    while index < len(words):
        word = words[index]
        flag, equals, value = word.partition("=") if word.startswith("-") else (word, "", "")
        index += 1
        if not word.startswith("-"):
            plain.append(word)
            continue
        takes = flag in ("-f", "--values") or flag in _SETS or flag in _VALUE_FLAGS
        if takes and not equals:
            value = words[index] if index < len(words) else ""
            index += 1
        if flag in ("-f", "--values"):
            files.extend(part for part in value.split(",") if part)
        elif flag in _SETS:
            sets.extend((_SETS.index(flag), key, found) for key, found in sets_of(value, flag))
        elif flag in ("-n", "--namespace"):
            namespace = value if is_plain(value) else None
    chart = next((found for word in plain for found in [_chart(path, directory, word, charts)] if found is not None), None)
    if chart is None:
        return None
    named = [word for word in plain if _chart(path, directory, word, charts) is None]
    layers: list[str | Inline] = [_resolve(path, directory, file, chart) for file in files]
    more = next((word for word in named[1:] if word.startswith("$")), None)
    if more is not None:
        layers.append(Inline(reason=f"arguments in {more}", values={}))
    return Release(
        chart=chart,
        cluster="",
        environment="",
        layers=layers,
        loc=(path, place),
        name=named[0] if named and is_plain(named[0]) else None,
        namespace=namespace,
        optional=False,
        sets=[(key, value) for _order, key, value in sorted(sets, key=lambda item: item[0])],
    )


_SETS = ("--set-json", "--set", "--set-string", "--set-file")
"""In the order in which Helm applies them, whatever the order of the command line."""


def sets_of(text: str, flag: str) -> list[tuple[str, Any]]:
    """The ``key=value`` pairs of one flag, typed as Helm types them; what is not known is `Opaque`."""
    found: list[tuple[str, Any]] = []
    for part in text.replace("\\,", "\0").split(",") if flag != "--set-json" else [text]:
        key, equals, value = part.partition("=")
        if equals and is_plain(key.replace("[", "").replace("]", "")):
            found.append((key.strip(), set_value(key.strip(), value.replace("\0", ","), flag)))
    return found


def set_value(key: str, text: str, flag: str = "--set") -> Any:
    """The value of one ``--set``: booleans, null and whole numbers are what they spell, but for ``--set-string``."""
    if flag not in ("--set", "--set-string") or (text and not is_plain(text)):
        return Opaque(f"{flag} {key}")
    if flag == "--set-string":
        return text
    word = text.lower()
    if word in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[word]
    if word == "0" or (text.lstrip("-").isdigit() and text.isascii() and text[0] != "0" and len(text) < 19):
        return int(text)
    return text


def is_plain(text: str) -> bool:
    """Tell whether a text holds no variable."""
    return bool(text) and "$" not in text and "{" not in text and "`" not in text


def _chart(path: str, directory: str, word: str, charts: set[str]) -> str | None:
    if not is_plain(word) or "://" in word:
        return None
    for base in ("", directory, posixpath.dirname(path)):
        target = normal(posixpath.join(base, word))
        if target in charts and (target or word in (".", "./")):
            return target
    return None


def normal(path: str) -> str:
    """A project path without dots ("" for the top)."""
    joined = posixpath.normpath(path)
    return "" if joined == "." else joined


def _resolve(path: str, directory: str, name: str, chart: str) -> str:
    """A values file as a project path: as the command's directory has it, else as written."""
    return normal(posixpath.join(directory, name)) if directory and not name.startswith("/") else normal(name)
