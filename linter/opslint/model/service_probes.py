"""Which request of which service a health check makes: the path, and whether the service's own server listens on the port.

All containers of a pod share one network: a probe may be answered by another container than the one it is written at.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.model.probe_commands import url_of

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Entry, Probe, Service, Workload

DEFAULT_PORTS = {"daphne": 8000, "flask": 5000, "gunicorn": 8000, "hypercorn": 8000, "uvicorn": 8000, "waitress": 8080}
"""Ports that servers listen on when nothing is said, from each server's documentation."""

_ANSWERS_ALL = frozenset(
    "bokeh chainlit gradio jupyter jupyter-lab jupyter-notebook marimo mesop mlflow panel reflex shiny solara streamlit superset voila".split()
)
"""Programs that serve what no route of the repository says; most answer any path with their page."""

_PORT_FLAGS = ("--port", "-p", "--bind", "-b", "--http", "--http-socket", "--listen")


class Asked(Record):
    """A health check that asks a service for a path. `path` comes without the query; `entries` are what its container runs;
    `doubt` says why the answer may come from elsewhere ("" when it surely is this service's web server).
    """

    __slots__ = ("container", "doubt", "entries", "path", "port", "probe", "service", "workload")
    container: Container
    doubt: str
    entries: list[Entry]
    path: str
    port: int | None
    probe: Probe
    service: Service
    workload: Workload


def asked(model: DeploymentModel, roles: frozenset[str]) -> list[Asked]:
    """Return the checks of these roles that ask a linked service for a path, in service order."""
    found: list[Asked] = []
    for service in model.services:
        if service.unlinked:
            continue
        for (workload, container), entries in zip(service.runs, service.entries, strict=True):
            for probe in container.probes:
                if probe.role in roles:
                    made = _asked(service, workload, container, entries, probe)
                    if made is not None:
                        found.append(made)
    return found


def _asked(service: Service, workload: Workload, container: Container, entries: list[Entry], probe: Probe) -> Asked | None:
    path, port = requested(probe)
    if path is None:
        return None
    doubt = _doubt(workload, container, entries, port)
    if (
        probe.command is not None
        and any("http://" in word or "https://" in word for word in probe.command)
        and url_of(probe.command) is None
    ):
        doubt = doubt or "the command asks for another host, or for several"
    return Asked(
        container=container,
        doubt=doubt,
        entries=entries,
        path=path.partition("?")[0],
        port=port,
        probe=probe,
        service=service,
        workload=workload,
    )


def requested(probe: Probe) -> tuple[str | None, int | None]:
    """The path and port that a check asks for; None where there is none or it is not known."""
    if probe.command is not None:
        url = url_of(probe.command)
        return (url.path, url.port) if url is not None else (None, None)
    if probe.method != "http" or not isinstance(probe.path, Known) or not isinstance(probe.path.value, str):
        return None, None
    port = probe.port.value if isinstance(probe.port, Known) else None
    return probe.path.value, port if isinstance(port, int) else None


def _doubt(workload: Workload, container: Container, entries: list[Entry], port: int | None) -> str:
    web = [entry for entry in entries if entry.role == "web"]
    for entry in entries:
        program = next((word for word in entry.words if word.rpartition("/")[2] in _ANSWERS_ALL), "")
        if program:
            return f"{program} answers paths of its own"
    if not web:
        # `python app.py` is a web server where the only port of the container is the one that is asked.
        own = any(entry.role == "command" and entry.modules for entry in entries)
        sole = port is not None and set(container.ports.values()) == {port}
        return "" if own and sole else "the container starts no web server that is known"
    if any(word.startswith("--root-path") for entry in web for word in entry.words):
        return "the server takes a path prefix away"
    if any(item.name in ("SCRIPT_NAME", "ROOT_PATH", "UVICORN_ROOT_PATH") for item in container.entries):
        return "the server takes a path prefix away"
    if port is None:
        return "the port is not known"
    if workload.platform == "kubernetes":
        others = [other for other in workload.containers if other is not container and not other.init]
        if any(port in other.ports.values() for other in others) and port not in container.ports.values():
            return "another container of the pod listens on the port"
    served = [listening_port(entry) for entry in web]
    if any(number is not None for number in served):
        return "" if port in served else "the server listens on another port"
    numbers = set(container.ports.values())
    return "" if len(numbers) <= 1 and (not numbers or port in numbers) else "which port the server listens on is not known"


def listening_port(entry: Entry) -> int | None:
    """The port a server's command says it listens on, its default when it says nothing; None where a variable decides."""
    words = entry.words
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in _PORT_FLAGS:
            text = value if equals else words[index + 1] if index + 1 < len(words) else ""
            return _port_of(text)
        if entry.server == "django" and ":" in word and word.rpartition(":")[2].isdigit():
            return _port_of(word)
    if entry.server == "gunicorn" and any(word == "-c" or word.startswith("--config") for word in words):
        return None
    return DEFAULT_PORTS.get(entry.server)


def _port_of(text: str) -> int | None:
    tail = text.rpartition(":")[2]
    if tail.isdigit() and len(tail) < 6:
        return int(tail)
    default = text.rpartition(":-")[2].rstrip("}") if ":-" in text else ""
    return int(default) if default.isdigit() and len(default) < 6 else None
