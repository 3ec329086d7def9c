"""Reads of a few Python files, without the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.base.settings import default_settings
from opslint.facts import env, modules, settings_classes
from opslint.model.model import DeploymentModel, FileInfo
from opslint.syntax.python import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.fact import Fact
    from opslint.model.env_reads import EnvReads, Read


def env_reads(files: dict[str, str]) -> EnvReads:
    """Return all reads of a project whose only files are these."""
    facts: list[Fact] = []
    for path in sorted(files):
        document = read(files[path].encode())
        found: list[Fact] = []
        for extractor in (*env.EXTRACTORS, *settings_classes.EXTRACTORS, *modules.EXTRACTORS):
            if not extractor.literals or any(literal in files[path] for literal in extractor.literals):
                extractor.extract(document, found.append)
        for fact in found:
            object.__setattr__(fact, "path", path)
        facts.extend(found)
    infos = {path: FileInfo(digest="", kind="python", role="deploy", screened=False) for path in sorted(files)}

    def load(kind: type[Any]) -> list[Any]:
        return [fact for fact in facts if type(fact) is kind]

    model = DeploymentModel(infos, load, lambda path: files[path].encode() if path in files else None, default_settings())
    return model.variables.all_reads


@pytest.fixture(name="reads_of")
def _reads_of() -> Callable[[dict[str, str]], list[Read]]:
    """Return the reads of all files, in order."""

    def reads(files: dict[str, str]) -> list[Read]:
        found = env_reads(files)
        return found.of_files(found.by_path)

    return reads


@pytest.fixture(name="env_reads")
def _env_reads() -> Callable[[dict[str, str]], EnvReads]:
    return env_reads
