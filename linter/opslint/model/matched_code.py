"""The code a container runs, told by the variables it is given, where no image build shows it."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.routes import Router
from opslint.model.django_settings import is_shadowed, not_loaded, settings_family

if TYPE_CHECKING:
    from opslint.model.env_reads import Read
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container

MIN_NAMES = 8
"""Names that the container is given and the code reads: fewer may be chance (PORT, DEBUG, DATABASE_URL)."""

MIN_SHARE = 0.6
"""Share of what the container is given that the code must read."""

IMAGE_ENV = "the image's own ENV is not known"
"""What opens the scope of a container whose image is not built here."""


def matched_reads(model: DeploymentModel, container: Container) -> tuple[list[Read], list[str], frozenset[str]]:
    """Return the reads of the one directory at the top of the project whose code reads most of what a container is given.

    Empty when no directory does, or when two do. Settings modules that another choice of settings leaves out, and modules that a package
    hides, are not among them. The third element are the files among the second that the container is not seen to load: scripts, and modules
    that nothing imports and that are no application.
    """
    given = {entry.name.lower() for entry in container.entries if entry.origin != "ENV"}
    if len(given) < MIN_NAMES:
        return [], [], frozenset()
    by_directory: dict[str, set[str]] = {}
    for path, reads in model.variables.all_reads.by_path.items():
        names = by_directory.setdefault(_top(path), set())
        names.update(name.lower() for read in reads for name in (read.name, *read.aliases))
    counts = sorted(((len(given & names), directory) for directory, names in by_directory.items()), reverse=True)
    if not counts or counts[0][0] < max(MIN_NAMES, MIN_SHARE * len(given)):
        return [], [], frozenset()
    if len(counts) > 1 and counts[1][0] * 2 > counts[0][0]:
        return [], [], frozenset()
    directory = counts[0][1]
    left_out = not_loaded(model, container)
    files = sorted(
        path
        for path in model.variables.all_reads.by_path
        if _top(path) == directory and path not in left_out and not is_shadowed(model, path)
    )
    aside = frozenset(path for path in files if not _is_loaded(model, path))
    return model.variables.all_reads.of_files(files), files, aside


def _is_loaded(model: DeploymentModel, path: str) -> bool:
    """Tell whether a module belongs to an application: something imports it, or it is one itself."""
    handlers = model.handlers
    if handlers.is_script(path):
        return False
    if path in handlers.imported or any(router.app for router in handlers.facts_of(Router, path)):
        return True
    return path in settings_family(model)


def _top(path: str) -> str:
    return path.partition("/")[0] if "/" in path else ""
