"""A model over files given as text, without the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opslint.base.fact import Fact
from opslint.base.settings import default_settings
from opslint.engine.classify import kind_of
from opslint.facts import gitlab, migrations, shell_scripts, workflows
from opslint.model.model import DeploymentModel, FileInfo
from opslint.syntax import readers


@pytest.fixture
def model_of() -> Callable[..., DeploymentModel]:
    """Return a function from {path: text} to a model."""

    def make(files: dict[str, str], **options: Any) -> DeploymentModel:
        facts: dict[type[Fact], list[Fact]] = {}
        infos = {}
        for path in sorted(files):
            kind = kind_of(path) or ""
            infos[path] = FileInfo(digest="", kind=kind, role="deploy", screened=False)
            if not readers.has_reader(kind):
                continue
            document = readers.read(files[path].encode(), kind)
            for module in (gitlab, migrations, shell_scripts, workflows):
                for extractor in module.EXTRACTORS:
                    if extractor.kind == document.kind:
                        found: list[Fact] = []
                        extractor.extract(document, found.append)
                        for fact in found:
                            object.__setattr__(fact, "path", path)
                            facts.setdefault(type(fact), []).append(fact)
        return DeploymentModel(
            infos, lambda kind: facts.get(kind, []), lambda path: files[path].encode(), default_settings(), **options
        )

    return make
