"""Loads small trees into a model, without the engine."""

from __future__ import annotations

from importlib import import_module

from opslint.base.settings import default_settings
from opslint.engine import classify
from opslint.facts.registry import modules_for
from opslint.model.model import DeploymentModel, FileInfo
from opslint.syntax import readers


def model_of(files: dict[str, str]) -> DeploymentModel:
    """Return the model of a tree given as path → text."""
    facts: dict[type, list] = {}
    infos: dict[str, FileInfo] = {}
    spans: dict[str, list] = {}
    for path in sorted(files):
        kind = classify.kind_of(path) or ""
        values = {"digest": "", "kind": kind, "role": "deploy", "screened": False}
        infos[path] = FileInfo(**{name: values.get(name) for name in FileInfo.FIELDS})
        if not readers.has_reader(kind):
            continue
        document = readers.read(files[path].encode(), kind)
        infos[path] = infos[path].replace(kind=document.kind)
        for name in modules_for(document.kind):
            for extractor in import_module(name).EXTRACTORS:
                if extractor.kind == document.kind:
                    found: list = []
                    extractor.extract(document, found.append)
                    for fact in found:
                        object.__setattr__(fact, "path", path)
                        facts.setdefault(type(fact), []).append(fact)
        spans[path] = document.places.spans

    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    model = DeploymentModel(infos, lambda kind: facts.get(kind, []), read, default_settings())
    model.spans = spans  # type: ignore[attr-defined]
    model.all_facts = facts  # type: ignore[attr-defined]
    return model


def line_of(model: DeploymentModel, loc: tuple) -> tuple[str, int]:
    """Return (path, line) of a place."""
    path, at = loc
    span = model.spans[path][at] if isinstance(at, int) else at  # type: ignore[attr-defined]
    return path, span[0]
