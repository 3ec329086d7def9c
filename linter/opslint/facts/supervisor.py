"""Programs that supervisord starts, and what uWSGI's own files say of a worker's time."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.ini import IniDocument

__all__ = ["EXTRACTORS", "SupervisorProgram", "UwsgiLimit"]


class SupervisorProgram(Fact):
    """One ``[program:name]`` that starts with supervisord. `variables` are the names its `environment` sets; at the line of `command`."""

    __slots__ = ("command", "directory", "name", "variables")
    command: str
    directory: str
    name: str
    variables: list[str]


class UwsgiLimit(Fact):
    """``harakiri`` of a ``[uwsgi]`` section: the seconds after which uWSGI kills a worker that answers one request."""

    __slots__ = ("seconds",)
    seconds: int


def _uwsgi(document: IniDocument, emit: Callable[[Fact], None]) -> None:
    for section in document.sections:
        value = section.get("harakiri") if section.name == "uwsgi" else None
        if value and value.isdigit():
            emit(UwsgiLimit(at=section.at_of("harakiri"), seconds=int(value)))


def _extract(document: IniDocument, emit: Callable[[Fact], None]) -> None:
    for section in document.sections:
        kind, _, name = section.name.partition(":")
        command = section.get("command")
        if (
            kind not in ("program", "fcgi-program")
            or not command
            or (section.get("autostart") or "true").lower() in ("false", "no", "0")
        ):
            continue
        given = section.get("environment") or ""
        variables = [part.rpartition(",")[2].strip() for part in given.split("=")[:-1]]
        emit(
            SupervisorProgram(
                at=section.at_of("command"),
                command=strip_credentials(command),
                directory=section.get("directory") or "",
                name=name.strip(),
                variables=[found for found in variables if found.replace("_", "a").isalnum()],
            )
        )


EXTRACTORS = (Extractor("ini", (), _extract), Extractor("ini", (), _uwsgi))
