"""Helm charts as facts: what Chart.yaml says, and the content digests of values and templates.

Values and templates may hold secrets and mean nothing apart: they are rendered when the model is joined, from the files.
"""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.tree import Node
    from opslint.syntax.document import Document
    from opslint.syntax.yaml import YamlDocument


class HelmChart(Fact):
    """One Chart.yaml. `fields` are its plain scalars and lists of scalars; `dependencies` are
    ``[name, alias, version, repository, condition, tags, place, imports]`` ("" where not given, tags joined with commas; imports are
    ``[child path, parent path]`` of ``import-values``).
    """

    __slots__ = ("dependencies", "fields", "name", "type")
    dependencies: list[list[Any]]
    fields: dict[str, Any]
    name: str
    type: str


class HelmValues(Fact):
    """A values file; `digest` stands for its content."""

    __slots__ = ("digest",)
    digest: str


class HelmTemplate(Fact):
    """A template file; `digest` stands for its content."""

    __slots__ = ("digest",)
    digest: str


def digest_of(data: bytes) -> str:
    """The content digest that facts keep."""
    from _blake2 import blake2b

    return blake2b(data, digest_size=12).hexdigest()


def _chart(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    root = next((node for node in document.documents if isinstance(node, Mapping)), None)
    if root is None or not root.text("name"):
        return
    emit(
        HelmChart(
            at=document.place(root),
            dependencies=dependencies_of(root, document.place),
            fields={key: _plain(value) for key, value in root.items() if key not in ("dependencies", "maintainers")},
            name=root.text("name") or "",
            type=root.text("type") or "application",
        )
    )


def dependencies_of(root: Mapping, place: Callable[[Node], int]) -> list[list[Any]]:
    """The dependencies of a Chart.yaml (or of a requirements.yaml of Helm 2)."""
    found: list[list[Any]] = []
    for item in root.sequence("dependencies"):
        if isinstance(item, Mapping) and item.text("name"):
            texts = [item.text(key) or "" for key in ("name", "alias", "version", "repository", "condition")]
            tags = ",".join(tag.text for tag in item.sequence("tags") if isinstance(tag, Scalar))
            found.append([*texts, tags, place(item), _imports(item)])
    return found


def _imports(item: Mapping) -> list[list[str]]:
    found: list[list[str]] = []
    for entry in item.sequence("import-values"):
        if isinstance(entry, Scalar):
            found.append([f"exports.{entry.text}", ""])
        elif isinstance(entry, Mapping) and entry.text("child"):
            found.append([entry.text("child") or "", entry.text("parent") or ""])
    return found


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text if not node.is_null else None
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items if isinstance(item, Scalar)]
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items() if isinstance(value, Scalar)}
    return None


def _values(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    emit(HelmValues(at=document.places.add((1, 1, 1, 1)), digest=digest_of(document.data)))


def _template(document: Document, emit: Callable[[Fact], None]) -> None:
    emit(HelmTemplate(at=document.places.add((1, 1, 1, 1)), digest=digest_of(document.data)))


EXTRACTORS = (
    Extractor("helm-chart", (), _chart),
    Extractor("helm-values", (), _values),
    Extractor("helm-template", (), _template),
)
