"""A model over files given as text, with the facts of all registered modules."""

from __future__ import annotations

from importlib import import_module

import pytest
from opslint.base.settings import default_settings
from opslint.engine.classify import kind_of
from opslint.facts.registry import modules_for
from opslint.model.model import DeploymentModel, FileInfo
from opslint.syntax import readers


@pytest.fixture
def model_of():
    """Return a function from {path: text} to a model."""

    def make(files):
        facts = {}
        infos = {}
        for path in sorted(files):
            kind = kind_of(path) or ""
            infos[path] = FileInfo(digest="", kind=kind, role="deploy", screened=False)
            if not readers.has_reader(kind):
                continue
            document = readers.read(files[path].encode(), kind)
            infos[path].kind = document.kind
            for name in modules_for(document.kind):
                for extractor in import_module(name).EXTRACTORS:
                    if extractor.kind in (document.kind, kind):
                        found = []
                        extractor.extract(document, found.append)
                        for fact in found:
                            object.__setattr__(fact, "path", path)
                            facts.setdefault(type(fact), []).append(fact)

        def read(path):
            return files[path].encode() if path in files else None

        return DeploymentModel(infos, lambda kind: facts.get(kind, []), read, default_settings())

    return make
