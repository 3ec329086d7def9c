"""A deployment model of a few Python files, without the engine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from opslint.base.settings import default_settings
from opslint.facts.registry import modules_for
from opslint.model.model import DeploymentModel, FileInfo
from opslint.syntax.python import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.fact import Fact

_OTHERS = ("opslint.facts.migrations",)


def facts_of(path: str, text: str) -> list[Fact]:
    """Return every fact of one Python file."""
    document = read(text.encode())
    found: list[Fact] = []
    for module in modules_for("python"):
        if module not in _OTHERS:
            for extractor in import_module(module).EXTRACTORS:
                if extractor.kind == "python":
                    extractor.extract(document, found.append)
    for fact in found:
        object.__setattr__(fact, "path", path)
    return found


def model_of(files: dict[str, str]) -> DeploymentModel:
    """Return a model whose only files are these."""
    facts = [fact for path in sorted(files) if path.endswith(".py") for fact in facts_of(path, files[path])]
    infos = {path: FileInfo(digest="", kind="python", role="deploy", screened=False) for path in sorted(files)}

    def load(kind: type[Any]) -> list[Any]:
        return [fact for fact in facts if type(fact) is kind]

    return DeploymentModel(infos, load, lambda path: files[path].encode() if path in files else None, default_settings())


@pytest.fixture(name="model_of")
def _model_of() -> Callable[[dict[str, str]], DeploymentModel]:
    return model_of


@pytest.fixture(name="facts_of")
def _facts_of() -> Callable[[str], list[Fact]]:
    return lambda text: facts_of("app/module.py", text)
