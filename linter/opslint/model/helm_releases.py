"""How charts of the repository are installed: ``helm upgrade`` in workflows and scripts, Argo CD Applications, Flux HelmReleases, helmfiles."""

from __future__ import annotations

import posixpath

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel


class Release(Record):
    """One way a chart is installed.

    `files` are values files in order (patterns where a name holds a variable), `sets` are ``(key, text)`` of ``--set`` (text None where it
    is not known); `optional`: files that are not there are passed over; `name` and `namespace` None where not known; `open_reason` when
    values come from elsewhere, too.
    """

    __slots__ = ("chart", "files", "loc", "name", "namespace", "open_reason", "optional", "sets")
    chart: str
    files: list[str]
    loc: Loc
    name: str | None
    namespace: str | None
    open_reason: str
    optional: bool
    sets: list[tuple[str, str | None]]


def releases(model: DeploymentModel, charts: list[str]) -> list[Release]:
    """All releases of the repository's own charts that can be seen, in file order."""
    known = set(charts)
    found = list(_commands(model, known))
    found.extend(_applications(model, known))
    found.extend(_helmfiles(model, known))
    return sorted(found, key=lambda item: (item.chart, item.loc[0], str(item.loc[1])))


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
    sets: list[tuple[str, str | None]] = []
    namespace: str | None = None
    open_reason = ""
    index = 1
    while index < len(words):
        word = words[index]
        flag, equals, value = word.partition("=") if word.startswith("-") else (word, "", "")
        index += 1
        if not word.startswith("-"):
            plain.append(word)
            continue
        takes = flag in ("-f", "--values", "--set", "--set-string", "--set-file", "--set-json") or flag in _VALUE_FLAGS
        if takes and not equals:
            value = words[index] if index < len(words) else ""
            index += 1
        if flag in ("-f", "--values"):
            files.extend(part for part in value.split(",") if part)
        elif flag in ("--set", "--set-string"):
            sets.extend(_sets(value))
        elif flag in ("--set-file", "--set-json"):
            sets.extend((key, None) for key, _text in _sets(value))
        elif flag in ("-n", "--namespace"):
            namespace = value if _is_plain(value) else None
    chart = next((found for word in plain for found in [_chart(path, directory, word, charts)] if found is not None), None)
    if chart is None:
        return None
    named = [word for word in plain if _chart(path, directory, word, charts) is None]
    resolved = [_resolve(path, directory, file, chart) for file in files]
    return Release(
        chart=chart,
        files=resolved,
        loc=(path, place),
        name=named[0] if named and _is_plain(named[0]) else None,
        namespace=namespace,
        open_reason=open_reason,
        optional=False,
        sets=sets,
    )


def _sets(text: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for part in text.replace("\\,", "\0").split(","):
        key, equals, value = part.partition("=")
        if equals and _is_plain(key.replace("[", "").replace("]", "")):
            found.append((key.strip(), value.replace("\0", ",") if _is_plain(value) else None))
    return found


def _is_plain(text: str) -> bool:
    return bool(text) and "$" not in text and "{" not in text and "`" not in text


def _chart(path: str, directory: str, word: str, charts: set[str]) -> str | None:
    if not _is_plain(word) or "://" in word:
        return None
    for base in ("", directory, posixpath.dirname(path)):
        target = _normal(posixpath.join(base, word))
        if target in charts and (target or word in (".", "./")):
            return target
    return None


def _normal(path: str) -> str:
    joined = posixpath.normpath(path)
    return "" if joined == "." else joined


def _resolve(path: str, directory: str, name: str, chart: str) -> str:
    """A values file as a project path: as the command's directory has it, else as written."""
    return _normal(posixpath.join(directory, name)) if directory and not name.startswith("/") else _normal(name)


# Argo CD and Flux


def _applications(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    for fact in model.facts(KubernetesObject):
        if fact.object_kind not in ("Application", "HelmRelease", "ApplicationSet"):
            continue
        tree = decode(fact.tree, fact.path)
        if not isinstance(tree, Mapping):
            continue
        if fact.object_kind == "HelmRelease":
            found = _flux(tree, charts)
            if found is not None:
                yield found
            continue
        spec = tree.mapping("spec", "template", "spec") if fact.object_kind == "ApplicationSet" else tree.mapping("spec")
        if spec is not None:
            name = tree.get("metadata", "name") if fact.object_kind == "Application" else None
            yield from _argo(spec, name, charts)


def _argo(spec: Mapping, name: Node | None, charts: set[str]) -> Iterator[Release]:
    for source in (spec.get("source"), *spec.sequence("sources")):
        chart = _normal((source.text("path") or "").lstrip("/") or "?") if isinstance(source, Mapping) else ""
        if chart not in charts or not isinstance(source, Mapping):
            continue
        helm = source.mapping("helm")
        files: list[str] = []
        sets: list[tuple[str, str | None]] = []
        reason = ""
        if helm is not None:
            files = [_argo_file(item.text, chart) for item in helm.sequence("valueFiles") if isinstance(item, Scalar)]
            sets = [
                (item.text("name") or "", None)
                for item in helm.sequence("parameters")
                if isinstance(item, Mapping) and item.text("name")
            ]
            if helm.get("values") is not None or helm.get("valuesObject") is not None:
                reason = "values inside the Application"
        namespace = spec.text("destination", "namespace")
        released = (helm.text("releaseName") if helm is not None else None) or (name.text if isinstance(name, Scalar) else None)
        yield Release(
            chart=chart,
            files=files,
            loc=source.loc,
            name=released if released and _is_plain(released) else None,
            namespace=namespace if namespace and _is_plain(namespace) else None,
            open_reason=reason,
            optional=helm is not None and helm.text("ignoreMissingValueFiles") == "true",
            sets=sets,
        )


def _argo_file(text: str, chart: str) -> str:
    if text.startswith("$"):
        return _normal(text.partition("/")[2])
    return _normal(text.lstrip("/")) if text.startswith("/") else _normal(posixpath.join(chart, text))


def _flux(tree: Mapping, charts: set[str]) -> Release | None:
    chart = _normal((tree.text("spec", "chart", "spec", "chart") or "?").lstrip("/"))
    if chart not in charts:
        return None
    files = [_normal(item.text) for item in tree.sequence("spec", "chart", "spec", "valuesFiles") if isinstance(item, Scalar)]
    has_more = tree.get("spec", "values") is not None or tree.get("spec", "valuesFrom") is not None
    return Release(
        chart=chart,
        files=files,
        loc=tree.loc,
        name=tree.text("spec", "releaseName") or tree.text("metadata", "name"),
        namespace=tree.text("spec", "targetNamespace") or tree.text("metadata", "namespace"),
        open_reason="values inside the HelmRelease" if has_more else "",
        optional=tree.text("spec", "chart", "spec", "ignoreMissingValuesFiles") == "true",
        sets=[],
    )


# helmfile


def _helmfiles(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    from opslint.base.location import Places
    from opslint.model.rendered import with_spans
    from opslint.syntax.document import ReadProblem
    from opslint.syntax.yaml import build

    for path in sorted(model.files):
        if path.rpartition("/")[2] not in ("helmfile.yaml", "helmfile.yml", "helmfile.yaml.gotmpl"):
            continue
        data = _without_actions(model.read(path) or b"")
        places = Places()
        try:
            roots = build(data, places)
        except ReadProblem:
            continue
        base = posixpath.dirname(path)
        for root in roots:
            if isinstance(root, Mapping):
                tree = with_spans(root, places, path)
                assert isinstance(tree, Mapping)
                yield from _helmfile(tree, base, charts)


def _without_actions(data: bytes) -> bytes:
    """Template actions become a variable: what they stand for is matched as a pattern later."""
    text = data.decode("utf-8", "replace")
    out: list[str] = []
    at = 0
    while True:
        start = text.find("{{", at)
        end = text.find("}}", start) if start >= 0 else -1
        if end < 0:
            return "".join((*out, text[at:])).encode()
        out.extend((text[at:start], "${x}" if "Environment" in text[start:end] or "." in text[start:end] else ""))
        at = end + 2


def _helmfile(tree: Mapping, base: str, charts: set[str]) -> Iterator[Release]:
    for item in tree.sequence("releases"):
        if not isinstance(item, Mapping) or not item.text("chart"):
            continue
        chart = _normal(posixpath.join(base, item.text("chart") or ""))
        if chart not in charts:
            continue
        files: list[str] = []
        reason = ""
        for entry in item.sequence("values"):
            if isinstance(entry, Scalar):
                files.append(_normal(posixpath.join(base, entry.text)))
            else:
                reason = "values inside the helmfile"
        name, namespace = item.text("name"), item.text("namespace")
        yield Release(
            chart=chart,
            files=files,
            loc=item.loc,
            name=name if name and _is_plain(name) else None,
            namespace=namespace if namespace and _is_plain(namespace) else None,
            open_reason=reason,
            optional=(item.text("missingFileHandler") or tree.text("missingFileHandler") or "Error") != "Error",
            sets=[],
        )
