"""Fixes of dotenv files: names without a value are added at the end."""

from __future__ import annotations

from opslint.base.finding import Edit
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.fixes import NoFixError

if TYPE_CHECKING:
    from opslint.base.finding import Finding
    from opslint.base.settings import ProjectSettings


def append_names(data: bytes, finding: Finding, settings: ProjectSettings) -> list[Edit]:
    """Add ``NAME=`` for each of ``data["names"]`` that the file does not set, after its last line."""
    del settings
    assert finding.fix is not None
    wanted = finding.fix.data["names"]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoFixError("the file is not UTF-8") from error
    lines = text.replace("\r\n", "\n").split("\n")
    known = {line.partition("=")[0].removeprefix("export ").strip() for line in lines if "=" in line}
    names = [str(name) for name in wanted if str(name) not in known] if isinstance(wanted, list) else []
    if not names:
        raise NoFixError("the file names them already")
    end = (len(lines), len(lines[-1]) + 1)
    start = "\n" if lines[-1] else ""
    return [Edit(path=finding.path, span=(*end, *end), text=start + "".join(f"{name}=\n" for name in names))]
