"""Fixes of YAML: a plain scalar is put into quotes."""

from __future__ import annotations

from opslint.base.finding import Edit
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.fixes import NoFixError

if TYPE_CHECKING:
    from opslint.base.finding import Finding
    from opslint.base.settings import ProjectSettings


def quote_scalar(data: bytes, finding: Finding, settings: ProjectSettings) -> list[Edit]:
    """Put the plain scalar at the finding into double quotes."""
    del settings
    line, first, last_line, last = finding.span
    try:
        rows = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise NoFixError("the file is not UTF-8") from error
    text = rows[line - 1][first - 1 : last - 1] if line == last_line and line <= len(rows) else ""
    if not text or not text.replace(".", "").replace("-", "").replace("+", "").isalnum():
        raise NoFixError("there is no plain word or number any more")
    return [Edit(path=finding.path, span=finding.span, text=f'"{text}"')]
