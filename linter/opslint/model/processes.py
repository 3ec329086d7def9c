"""Processes that a platform starts from source: Procfiles, and the start commands of ``render.yaml``, ``railway.*`` and ``fly.toml``."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, known, unknown
from opslint.facts.procfile import ProcfileProcess
from opslint.model.model import PROCESS_FILES
from opslint.model.paths import directory_of, join
from opslint.model.records import Container, Deployment, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel


class Process(Record):
    """One process: its name, command line, the project directory of its code, where it is written."""

    __slots__ = ("command", "directory", "loc", "name")
    command: str
    directory: str
    loc: Loc
    name: str


def deployments(model: DeploymentModel) -> list[Deployment]:
    """Return one deployment for each file that names processes, in path order."""
    by_path: dict[str, list[Process]] = {}
    for fact in model.facts(ProcfileProcess):
        process = Process(command=fact.command, directory=directory_of(fact.path), loc=fact.loc, name=fact.name)
        by_path.setdefault(fact.path, []).append(process)
    for path in sorted(model.files):
        if path.rpartition("/")[2] in PROCESS_FILES and model.files[path].role == "deploy":
            found = list(_of_file(model, path))
            if found:
                by_path[path] = found
    return [_deployment(model, path, processes) for path, processes in sorted(by_path.items())]


def _deployment(model: DeploymentModel, path: str, processes: list[Process]) -> Deployment:
    key = f"processes:{path}"
    environments = model.environments.names_of([path])
    return Deployment(
        environments=environments,
        files=[path],
        key=key,
        loc=processes[0].loc,
        objects=[],
        open_reasons=[],
        platform="processes",
        workloads=[_workload(key, path, environments, process) for process in processes],
    )


def _workload(key: str, path: str, environments: list[str], process: Process) -> Workload:
    empty = Mapping([], process.loc[1], path)
    container = Container(
        args=None,
        build=(process.directory, "", ""),
        command=["/bin/sh", "-c", process.command],
        entries=[],
        image=ABSENT,
        image_loc=process.loc,
        init=False,
        loc=process.loc,
        name=process.name,
        node=None,
        open_reasons=[("the platform keeps the variables", process.loc)],
        ports={},
        probes=[],
    )
    count = unknown("the platform scales it")
    return Workload(
        containers=[container],
        deployment=key,
        environments=environments,
        files=[path],
        kind="release" if process.name == "release" else "process",
        loc=process.loc,
        max_replicas=count,
        name=process.name,
        namespace=known(""),
        node=empty,
        platform="processes",
        pod=empty,
        replicas=count,
    )


# Files that only this join asks for: few, small, and of no kind that anything else reads.


def _of_file(model: DeploymentModel, path: str) -> Iterator[Process]:
    name = path.rpartition("/")[2]
    data = model.read(path) or b""
    if name.startswith("render."):
        yield from _render(model, path, data)
        return
    try:
        tables = _parsed(name, data)
    except ValueError as error:  # TOMLDecodeError and JSONDecodeError are ValueErrors
        model.blind("format-not-read", (path, (1, 1, 1, 1)), f"{path} cannot be read: {error}")
        return
    directory = directory_of(path)
    if name == "fly.toml":
        commands = tables.get("processes")
        named = [(key, text) for key, text in commands.items() if isinstance(text, str)] if isinstance(commands, dict) else []
    else:
        deploy = tables.get("deploy")
        text = deploy.get("startCommand") if isinstance(deploy, dict) else None
        named = [("web", text)] if isinstance(text, str) else []
    for key, command in named:
        yield Process(command=command, directory=directory, loc=(path, _line_of(data, command)), name=key)


def _parsed(name: str, data: bytes) -> dict[str, Any]:
    if name.endswith(".json"):
        import json

        found = json.loads(data)
        return found if isinstance(found, dict) else {}
    import tomllib

    return tomllib.loads(data.decode("utf-8", "replace"))


def _line_of(data: bytes, text: str) -> tuple[int, int, int, int]:
    """The line on which a value is written (neither parser keeps positions)."""
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if text in line:
            at = line.index(text) + 1
            return (number, at, number, at + len(text))
    return (1, 1, 1, 1)


def _render(model: DeploymentModel, path: str, data: bytes) -> Iterator[Process]:
    from opslint.base.location import Places
    from opslint.model.rendered import with_spans
    from opslint.syntax.document import ReadProblem
    from opslint.syntax.yaml import build

    places = Places()
    try:
        roots = build(data, places)
    except ReadProblem as problem:
        model.blind("format-not-read", (path, problem.span), f"{path} cannot be read: {problem.message}")
        return
    for root in roots:
        tree = with_spans(root, places, path)
        for item in tree.sequence("services") if isinstance(tree, Mapping) else ():
            command = item.get("startCommand") if isinstance(item, Mapping) else None
            directory = join(directory_of(path), (item.text("rootDir") or ".").lstrip("/")) if isinstance(item, Mapping) else None
            if isinstance(item, Mapping) and isinstance(command, Scalar) and command.text and directory is not None:
                yield Process(command=command.text, directory=directory, loc=command.loc, name=item.text("name") or "web")
