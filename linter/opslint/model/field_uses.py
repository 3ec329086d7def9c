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

    return re.compile(rb"(?:\.|[\"'])" + re.escape(name.encode()) + rb"(?![A-Za-z0-9_])")


@cache
def _called(name: bytes) -> re.Pattern[bytes]:
    import re

    return re.compile(rb"(?<!def )(?<![A-Za-z0-9_])" + re.escape(name) + rb"(?![A-Za-z0-9_])")


def field_is_used(model: DeploymentModel, read: Read) -> bool:
    """Tell whether something takes the field of a read by its name (``settings.name``, ``getattr(settings, "name")``).

    A use inside the class's own file counts when what it stands in is used itself. Only fields of classes are looked for; every other
    read counts as used.
    """
    of_class = read.how == "pydantic" or (read.holder and not read.function and "@" not in read.holder)
    if not of_class or not read.slot:
        return True
    paths = sorted(path for path in model.python.paths if model.files[path].role == "deploy")
    if len(paths) > MOST_SEARCHED:
        return True
    texts = {path: model.read(path) or b"" for path in paths}
    pattern = _asked(read.slot)
    if any(pattern.search(data) for path, data in texts.items() if path != read.loc[0]):
        return True
    own = texts.get(read.loc[0], b"")
    for found in pattern.finditer(own):
        start = own.rfind(b"def ", 0, found.start())
        inside = own[start + 4 : own.find(b"(", start)].strip() if start >= 0 else b""
        if own[found.start() : found.start() + 1] == b"." and (
            not inside or inside.startswith(b"_") or any(_called(inside).search(data) for data in texts.values())
        ):
            return True
    return False
