"""The code a container runs, told by the variables it is given, where no image build shows it."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

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


def matched_reads(model: DeploymentModel, container: Container) -> tuple[list[Read], list[str]]:
    """Return the reads of the one directory at the top of the project whose code reads most of what a container is given.

    Empty when no directory does, or when two do. Several directories of one code base (``app/``, ``scripts/``) are not told apart.
    """
    given = {entry.name.lower() for entry in container.entries if entry.origin != "ENV"}
    if len(given) < MIN_NAMES:
        return [], []
    by_directory: dict[str, set[str]] = {}
    for path, reads in model.variables.all_reads.by_path.items():
        names = by_directory.setdefault(_top(path), set())
        names.update(name.lower() for read in reads for name in (read.name, *read.aliases))
    counts = sorted(((len(given & names), directory) for directory, names in by_directory.items()), reverse=True)
    if not counts or counts[0][0] < max(MIN_NAMES, MIN_SHARE * len(given)):
        return [], []
    if len(counts) > 1 and counts[1][0] * 2 > counts[0][0]:
        return [], []
    directory = counts[0][1]
    files = sorted(path for path in model.variables.all_reads.by_path if _top(path) == directory)
    return model.variables.all_reads.of_files(files), files


def _top(path: str) -> str:
    return path.partition("/")[0] if "/" in path else ""
