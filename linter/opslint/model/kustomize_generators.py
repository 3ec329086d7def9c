"""ConfigMaps and Secrets that kustomize generates, with masked values at the places they are written at."""

from __future__ import annotations

import posixpath

from opslint.base.masking import mask
from opslint.base.tree import Hole, Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes_masking import masked_scalar
from opslint.facts.kustomize import env_files

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel

NEEDS_HASH = "kustomize.config.k8s.io/needs-hash"
"""Annotation (kustomize's own) of generated objects whose name gets a hash of the content."""


def generated(
    model: DeploymentModel, directory: str, kind: str, item: Mapping, tree: Mapping
) -> tuple[Mapping, list[str], list[tuple[str, Loc]]]:
    """Make the object of one generator entry: the node, the files it was made of, and what of it is not known."""
    pairs: list[tuple[Scalar, Node]] = []
    files: list[str] = []
    reasons: list[tuple[str, Loc]] = []
    for entry in item.sequence("literals"):
        if isinstance(entry, Mapping):
            pairs.extend(entry.pairs)
        else:
            reasons.append(("a literal that is not known", entry.loc))
    for source in env_files(item):
        path = posixpath.normpath(posixpath.join(directory, source.text))
        data = model.read(path) if path in model.files else None
        if data is None:
            why = "is not in git" if model.is_ignored(path) else "is not in the repository"
            reasons.append((f"{source.text} {why}", source.loc))
            continue
        files.append(path)
        pairs.extend(_variables(path, data))
    for file in item.sequence("files"):
        if isinstance(file, Scalar):
            name, _, path = file.text.rpartition("=")
            full = posixpath.normpath(posixpath.join(directory, path))
            data = model.read(full) if full in model.files else None
            content: Node = Hole("a file that is not in the repository", "", file.at, file.path)
            if data is not None:
                # Two files are the same value only when they hold the same.
                files.append(full)
                masked = mask(data.decode("utf-8", "surrogateescape"))
                content = Scalar("", file.at, masked=masked.replace(plain=None), path=file.path)
            pairs.append((Scalar(name or posixpath.basename(path), file.at, path=file.path), content))
    return _object(kind, item, tree, pairs), files, reasons


def _variables(path: str, data: bytes) -> list[tuple[Scalar, Node]]:
    """The lines of an environment file as kustomize reads it: no quotes, no expansion; a bare name comes from the host."""
    found: list[tuple[Scalar, Node]] = []
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        name, equals, text = body.partition("=")
        span = (number, 1, number, len(line.rstrip("\r")) + 1)
        key = Scalar(name.strip(), span, path=path)
        value: Node = Hole("from the environment of the build", "", span, path)
        if equals:
            value = masked_scalar(key.text, Scalar(text, span, quoted=True, path=path))
        found.append((key, value))
    return found


def _object(kind: str, item: Mapping, tree: Mapping, pairs: list[tuple[Scalar, Node]]) -> Mapping:
    at, path = item.at, item.path

    def scalar(text: str) -> Scalar:
        return Scalar(text, at, path=path)

    name = item.get("name")
    metadata: list[tuple[Scalar, Node]] = [(scalar("name"), name if isinstance(name, Scalar) else scalar(""))]
    options = item.mapping("options") or tree.mapping("generatorOptions")
    if options is None or options.text("disableNameSuffixHash") != "true":
        metadata.append((scalar("annotations"), Mapping([(scalar(NEEDS_HASH), scalar("true"))], at, path)))
    namespace = item.get("namespace")
    if isinstance(namespace, Scalar):
        metadata.append((scalar("namespace"), namespace))
    return Mapping(
        [
            (scalar("apiVersion"), scalar("v1")),
            (scalar("kind"), scalar(kind)),
            (scalar("metadata"), Mapping(metadata, at, path)),
            (scalar("data"), Mapping(pairs, at, path)),
        ],
        at,
        path,
    )
