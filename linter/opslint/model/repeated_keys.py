"""Variables that one place sets twice with different values: dotenv files, compose services, containers, ConfigMaps, `env` of workflows."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Hole, Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.compose import ComposeFile
from opslint.facts.dotenv import DotenvFile, is_example
from opslint.facts.workflows import CompositeAction, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel


class RepeatedKey(Record):
    """Variable `name` of `where` (words for people), set at `first` and otherwise at `loc`, in `environments` ([]: the unnamed one)."""

    __slots__ = ("environments", "files", "first", "loc", "name", "where")
    environments: list[str]
    files: list[str]
    first: Loc
    loc: Loc
    name: str
    where: str


def repeated_keys(model: DeploymentModel) -> list[RepeatedKey]:
    """Return every name that one block gives two values, once per place, in order of the places' files."""
    found: dict[tuple[Loc, str], RepeatedKey] = {}
    for item in (*_of_dotenv(model), *_of_compose(model), *_of_objects(model), *_of_workflows(model)):
        known = found.setdefault((item.loc, item.name), item)
        if known is not item:
            known.environments = sorted({*known.environments, *item.environments})
            known.files = sorted({*known.files, *item.files})
    return list(found.values())


def _twice(rows: Iterable[tuple[str, Loc, Any]]) -> Iterator[tuple[str, Loc, Loc]]:
    """Yield (name, first place, later place) of names whose later value is another than the one before."""
    seen: dict[str, tuple[Loc, Any]] = {}
    for name, loc, value in rows:
        before = seen.get(name)
        if before is not None and before[1] != value:
            yield name, before[0], loc
        seen[name] = (loc, value)


def _builds_on_itself(name: str, value: Any) -> bool:
    return isinstance(value, list) and value[:1] == ["p"] and any(part[0] == "v" and part[1] == name for part in value[1:])


def _of_dotenv(model: DeploymentModel) -> Iterator[RepeatedKey]:
    for fact in model.facts(DotenvFile):
        if is_example(fact.path):
            continue  # alternatives to choose from
        rows = [
            (row[0], fact.place(row[1]), row[3])
            for row in fact.entries
            if row[3] is not None and not _builds_on_itself(row[0], row[3])
        ]
        for name, first, loc in _twice(rows):
            environments = model.environments.names_of([fact.path])
            yield RepeatedKey(
                environments=environments, files=[fact.path], first=first, loc=loc, name=name, where="this file sets it"
            )


def _of_compose(model: DeploymentModel) -> Iterator[RepeatedKey]:
    for fact in model.facts(ComposeFile):
        for service, rows in fact.environments.items():
            for name, first, loc in _twice((row[0], fact.place(row[1]), row[2]) for row in rows):
                runs = [item for item in model.deployments if fact.path in item.files]
                environments = sorted({environment for item in runs for environment in item.environments})
                files = sorted({path for item in runs for path in item.files})
                where = f"the service `{service}` sets it"
                yield RepeatedKey(environments=environments, files=files, first=first, loc=loc, name=name, where=where)


def _of_objects(model: DeploymentModel) -> Iterator[RepeatedKey]:
    for deployment in model.deployments:
        if deployment.platform == "compose":
            continue
        for workload in deployment.workloads:
            for container in workload.containers:
                items = container.node.sequence("env") if container.node is not None else []
                for name, first, loc in _twice(_entries(items)):
                    where = f"the container `{container.name}` of {workload.kind} `{workload.name}` sets it"
                    yield RepeatedKey(
                        environments=workload.environments, files=workload.files, first=first, loc=loc, name=name, where=where
                    )
        for item in deployment.objects:
            data = item.mapping("data") if item.text("kind") == "ConfigMap" else None
            rows = [(key.text, key.loc, _said(value)) for key, value in (data.pairs if data is not None else ())]
            for name, first, loc in _twice(rows):
                where = f"the ConfigMap `{item.text('metadata', 'name')}` holds it"
                yield RepeatedKey(
                    environments=deployment.environments, files=deployment.files, first=first, loc=loc, name=name, where=where
                )


def _entries(items: list[Node]) -> Iterator[tuple[str, Loc, Any]]:
    """Yield (name, place, value) of an `env` list, leaving out what is not known."""
    for item in items:
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or not isinstance(name, Scalar) or not name.text:
            continue
        value = _said(item.get("value")) if "value" in item else _said(item.get("valueFrom"))
        if value is not None:
            yield name.text, name.loc, value


def _said(node: Node | None) -> Any:
    """Return what a node says, to be compared; None for what is not known."""
    if isinstance(node, Scalar):
        return ("scalar", node.masked.digest if node.masked is not None else node.text)
    if isinstance(node, Mapping):
        return ("mapping", tuple(sorted((key.text, _said(value)) for key, value in node.pairs)))
    return None if node is None or isinstance(node, Hole) else ("list",)


def _of_workflows(model: DeploymentModel) -> Iterator[RepeatedKey]:
    trees = [(fact.tree, fact.path) for fact in model.facts(Workflow)]
    trees.extend((fact.tree, fact.path) for fact in model.facts(CompositeAction))
    for tree, path in trees:
        root = decode(tree, path)
        for block, where in _env_blocks(root) if isinstance(root, Mapping) else ():
            for name, first, loc in _twice((key.text, key.loc, _said(value)) for key, value in block.pairs):
                yield RepeatedKey(environments=[], files=[path], first=first, loc=loc, name=name, where=where)


def _env_blocks(root: Mapping) -> Iterator[tuple[Mapping, str]]:
    """Yield the `env` mappings of a workflow, its jobs and their steps (or of an action's steps)."""
    top = root.mapping("env")
    if top is not None:
        yield top, "the workflow sets it"
    jobs = root.mapping("jobs")
    bodies = [(name, body) for name, body in (jobs.items() if jobs is not None else ()) if isinstance(body, Mapping)]
    runs = root.mapping("runs")
    for name, body in [*bodies, *([("runs", runs)] if runs is not None else [])]:
        own = body.mapping("env")
        if own is not None:
            yield own, f"the job `{name}` sets it"
        for step in body.sequence("steps"):
            inner = step.mapping("env") if isinstance(step, Mapping) else None
            if inner is not None:
                yield inner, "the step sets it"
