"""A project made of a dictionary of files, read as the engine reads it."""

from __future__ import annotations

from importlib import import_module

import pytest
from opslint.base.settings import default_settings
from opslint.engine.classify import Roles, kind_of
from opslint.facts.registry import modules_for
from opslint.model.model import DeploymentModel, FileInfo
from opslint.syntax import readers
from opslint.syntax.document import ReadProblem


class Project:
    """The model of some files; `spans` are their place tables, `problems` what could not be read."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.spans: dict[str, list] = {}
        self.problems: list[tuple[str, str]] = []
        facts: dict[type, list] = {}
        roles = Roles(sorted(files))
        infos = {}
        for path in sorted(files):
            kind = kind_of(path)
            infos[path] = FileInfo(digest="", kind=kind or "", role=roles.of(path), screened=False)
            if kind is None or not readers.has_reader(kind):
                continue
            try:
                document = readers.read(files[path].encode(), kind)
            except ReadProblem as problem:
                self.problems.append((path, problem.kind))
                continue
            for name in modules_for(document.kind):
                for extractor in import_module(name).EXTRACTORS:
                    if extractor.kind == document.kind:
                        extractor.extract(document, lambda fact, path=path: self._emit(facts, fact, path))
            self.spans[path] = document.places.spans
        self.facts = facts
        self.model = DeploymentModel(infos, lambda kind: facts.get(kind, []), lambda path: self._read(path), default_settings())

    @staticmethod
    def _emit(facts, fact, path):
        object.__setattr__(fact, "path", path)
        facts.setdefault(type(fact), []).append(fact)

    def _read(self, path):
        return self.files[path].encode() if path in self.files else None

    def where(self, loc):
        """``path:line`` of a location."""
        path, at = loc
        return f"{path}:{(self.spans[path][at] if isinstance(at, int) else at)[0]}"

    def deployments(self):
        """Deployments by key."""
        from opslint.model.kubernetes import deployments

        return {item.key: item for item in deployments(self.model)}


@pytest.fixture
def project():
    """Make a project of files."""
    return Project
