"""Which of a code base's Django settings modules a container loads."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.modules import Import

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container

DJANGO_SETTINGS = "DJANGO_SETTINGS_MODULE"
"""The variable that names the settings module."""


def settings_family(model: DeploymentModel) -> frozenset[str]:
    """Return the settings modules: those with a ``ROOT_URLCONF``, and those that take everything of one (``from .base import *``)."""
    from opslint.facts.django_urls import UrlRoot

    family = {fact.path for fact in model.facts(UrlRoot)}
    stars = [fact for fact in model.facts(Import) if fact.name == "*"] if family else []
    grown = True
    while grown:
        grown = False
        for star in stars:
            if star.path not in family and model.python.file_of(star.module, star.path) in family:
                family.add(star.path)
                grown = True
    return frozenset(family)


def not_loaded(model: DeploymentModel, container: Container) -> frozenset[str]:
    """Return the settings modules that a container does not load, or that are not sure to be the ones it loads.

    What `DJANGO_SETTINGS_MODULE` names is loaded, with what that imports. Where the name is not known, only what every one of them imports.
    """
    family = settings_family(model)
    if not family:
        return frozenset()
    entry = next((entry for entry in reversed(container.entries) if entry.name == DJANGO_SETTINGS), None)
    if entry is not None and isinstance(entry.value, Known) and isinstance(entry.value.value, Masked):
        named = entry.value.value.plain
        found = next((path for path in sorted(family) if named and model.python.file_of(named, path) == path), None)
        if found is not None:
            return family - _with_bases(model, found, family)
    bases = {path: _with_bases(model, path, family) - {path} for path in sorted(family)}
    below = {base for path in bases for base in bases[path]}
    loaded = [bases[path] | {path} for path in bases if path not in below and not is_shadowed(model, path)]
    return family - frozenset.intersection(*loaded) if loaded else frozenset()


def _with_bases(model: DeploymentModel, path: str, family: frozenset[str]) -> frozenset[str]:
    """Return a settings module with those it is made from. What settings only name (``WSGI_APPLICATION``) is not followed."""
    found = {path}
    stack = [path]
    while stack:
        for base, surely in model.python.imports_of(stack.pop()):
            if surely and base in family and base not in found:
                found.add(base)
                stack.append(base)
    return frozenset(found)


def is_shadowed(model: DeploymentModel, path: str) -> bool:
    """Tell whether a package of the same name hides a module: it can never be imported."""
    return f"{path.removesuffix('.py')}/__init__.py" in model.files
