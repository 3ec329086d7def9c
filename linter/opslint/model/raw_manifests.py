"""Manifests read again with their values: facts keep them masked, but a chart cannot be rendered with a digest."""

from __future__ import annotations

from opslint.base.location import Places
from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.model.rendered import with_spans
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    from opslint.base.tree import Node
    from opslint.facts.kubernetes import KubernetesObject
    from opslint.model.model import DeploymentModel


class RawManifests:
    """The documents of files that objects stand in, each file read once."""

    def __init__(self, model: DeploymentModel) -> None:
        self._model = model
        self._files: dict[str, list[Mapping]] = {}

    def tree_of(self, fact: KubernetesObject) -> Mapping | None:
        """The tree of an object with its values, under spans of its file; None when it is not clear which it is."""
        found = self._files.get(fact.path)
        if found is None:
            found = self._files[fact.path] = self._read(fact.path)
        fits = [
            tree
            for tree in found
            if tree.text("kind") == fact.object_kind
            and (tree.text("metadata", "name") or "") == fact.name
            and (tree.text("metadata", "namespace") or "") == fact.namespace
        ]
        return fits[0] if len(fits) == 1 else None

    def _read(self, path: str) -> list[Mapping]:
        from opslint.syntax.yaml import build

        places = Places()
        try:
            roots = build(self._model.read(path) or b"", places)
        except ReadProblem:
            return []
        found: list[Mapping] = []
        for root in roots:
            items: list[Node] = root.sequence("items") if isinstance(root, Mapping) and root.text("kind") == "List" else [root]
            for item in items:
                tree = with_spans(item, places, path) if isinstance(item, Mapping) else None
                if isinstance(tree, Mapping):
                    found.append(tree)
        return found
