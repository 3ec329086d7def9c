"""Whether any code asks for a field of a settings class: a variable whose field nothing reads changes nothing."""

from __future__ import annotations

from opslint.base.lazy import cache
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from opslint.model.env_reads import Read
    from opslint.model.model import DeploymentModel

MOST_SEARCHED = 4000
"""Python files searched for the name of one field; beyond that it counts as used."""


@cache
def _asked(name: str) -> re.Pattern[bytes]:
    import re

    word = re.escape(name.encode())
    return re.compile(rb"(?:\.|[\"'])" + word + rb"(?![A-Za-z0-9_])")


def field_is_used(model: DeploymentModel, read: Read) -> bool:
    """Tell whether something takes the field of a read by its name (``settings.name``, ``getattr(settings, "name")``).

    Only fields of settings classes are looked for; every other read counts as used.
    """
    if read.how != "pydantic" or not read.slot:
        return True
    paths = sorted(path for path in model.python.paths if model.files[path].role == "deploy")
    if len(paths) > MOST_SEARCHED:
        return True
    pattern = _asked(read.slot)
    return any(data is not None and pattern.search(data) is not None for data in map(model.read, paths))
