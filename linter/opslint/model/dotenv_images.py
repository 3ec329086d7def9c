"""Dotenv files that get into images, and the code that reads them there."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.dotenv import DotenvFile, is_example
from opslint.facts.dotenv_loads import DotenvLoad
from opslint.model.compose_names import DotenvFiles
from opslint.model.docker_context import ignore_file, is_left_out
from opslint.model.environments import tier_of
from opslint.model.paths import directory_of, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.image import Image
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, EnvEntry, Workload

MAX_STAGES = 12
"""Stages through which a file is followed."""

_LOCAL = frozenset(("development", "test"))


class DotenvInImage(Record):
    """A dotenv file that an image holds: project path `path`, brought by the COPY at `loc`; `named`: it is copied by name.

    `tracked`: it is in git; else git ignores it, and whoever builds has one. `files` are all files that rests on.
    """

    __slots__ = ("files", "loc", "named", "path", "tracked")
    files: list[str]
    loc: Loc
    named: bool
    path: str
    tracked: bool


class ShippedDotenv(Record):
    """A dotenv file in the image of a service that runs in `environments`, with the load that reads it (None: it is copied by name).

    `others` are the COPY instructions that bring the same file for the same reason: one line of ``.dockerignore`` keeps all out.
    """

    __slots__ = ("environments", "file", "load", "others", "service")
    environments: list[str]
    file: DotenvInImage
    load: DotenvLoad | None
    others: list[Loc]
    service: str


class OverridingLoad(Record):
    """A load whose file wins over what a manifest sets: `entries` are the manifest's, `brought` where the file comes from (COPY or mount)."""

    __slots__ = ("brought", "entries", "environments", "files", "load", "path", "service")
    brought: Loc
    entries: list[EnvEntry]
    environments: list[str]
    files: list[str]
    load: DotenvLoad
    path: str
    service: str


def shipped_dotenv(model: DeploymentModel) -> list[ShippedDotenv]:
    """Return the dotenv files that images of services hold, each COPY once."""
    found: dict[tuple[Loc | None, str], ShippedDotenv] = {}
    for service in model.services:
        # Who builds for production is answered first: it is where the finding stands.
        for workload, container in sorted(service.runs, key=lambda run: _is_local(run[0])):
            image = model.linked.image(container)
            for file in dotenv_in_image(model, image) if image is not None else ():
                load = next((load for load in _loads(model, container) if _reads(load, file.path)), None)
                if load is None and not file.named:
                    continue
                shipped = ShippedDotenv(environments=workload.environments, file=file, load=load, others=[], service=service.name)
                known = found.setdefault((file.loc if file.named else None, file.path), shipped)
                if known is not shipped:
                    _join(known, shipped)
    return list(found.values())


def _is_local(workload: Workload) -> bool:
    return bool(workload.environments) and all(tier_of(name) in _LOCAL for name in workload.environments)


def _join(known: ShippedDotenv, other: ShippedDotenv) -> None:
    # A run in no named environment is judged like production: no list of others may hide it.
    both = known.environments and other.environments
    known.environments = sorted({*known.environments, *other.environments}) if both else []
    if other.file.loc not in (known.file.loc, *known.others):
        known.others.append(other.file.loc)
    known.file.files = sorted({*known.file.files, *other.file.files})


def overriding_loads(model: DeploymentModel) -> list[OverridingLoad]:
    """Return the loads on import whose file wins over variables that a manifest sets, each once with the first run it is wrong in."""
    found: dict[Loc, OverridingLoad] = {}
    for service in model.services:
        for workload, container in service.runs:
            if _is_local(workload):
                continue
            for load in _loads(model, container):
                if load.overrides and not load.guarded and not load.function and load.loc not in found:
                    overriding = _overriding(model, service.name, workload, container, load)
                    if overriding is not None:
                        found[load.loc] = overriding
    return list(found.values())


def _overriding(
    model: DeploymentModel, service: str, workload: Workload, container: Container, load: DotenvLoad
) -> OverridingLoad | None:
    for path, inside, brought, files in _at_run_time(model, workload, container):
        if not _reads(load, inside):
            continue
        names = _names(model, path)
        given = [entry for entry in container.entries if entry.name in names and entry.loc[0] != path]
        if given:
            return OverridingLoad(
                brought=brought,
                entries=given,
                environments=workload.environments,
                files=sorted({*workload.files, *files}),
                load=load,
                path=path,
                service=service,
            )
    return None


def _at_run_time(model: DeploymentModel, workload: Workload, container: Container) -> Iterator[tuple[str, str, Loc, list[str]]]:
    """Yield (path, path in the container, where it comes from, files) of the dotenv files a container has: in its image, or mounted."""
    image = model.linked.image(container)
    for file in dotenv_in_image(model, image) if image is not None else ():
        yield file.path, file.path, file.loc, file.files
    node = container.node
    for item in node.sequence("volumes") if node is not None and workload.platform == "compose" else ():
        source, _, target = (getattr(item, "text", "") or "").partition(":")
        if not source.startswith("."):
            continue
        path = join(directory_of(item.path), source)
        if path is None:
            continue
        if path in model.files or path.rpartition("/")[2].startswith(".env"):
            inside = target.partition(":")[0]
        else:
            path = inside = f"{path}/.env".lstrip("/")
        if _is_there(model, path):
            yield path, inside, item.loc, [item.path]


def _loads(model: DeploymentModel, container: Container) -> list[DotenvLoad]:
    """The loads of what a container starts may reach."""
    start = model.linked.start(container)
    modules = sorted({module for entry in start.entries for module in entry.modules}) if start is not None else []
    if not modules:
        return []
    by_path: dict[str, list[DotenvLoad]] = {}
    for load in model.facts(DotenvLoad):
        by_path.setdefault(load.path, []).append(load)
    reached = model.python.possibly(modules) if by_path else set()
    return [load for path in sorted(by_path) if path in reached for load in by_path[path]]


def _reads(load: DotenvLoad, path: str) -> bool:
    name = load.file.rpartition("/")[2]
    return (name or ".env") == path.rpartition("/")[2]


def _names(model: DeploymentModel, path: str) -> set[str]:
    """What a dotenv file sets; of one that is not in git, what the examples beside it say it does."""
    rows = DotenvFiles(model).rows(path)
    if rows is not None:
        return {name for name, _loc, value in rows if value is not None}
    directory = directory_of(path)
    examples = [fact for fact in model.facts(DotenvFile) if directory_of(fact.path) == directory and is_example(fact.path)]
    return {str(row[0]) for fact in examples for row in fact.entries if row[3] is not None}


def dotenv_in_image(model: DeploymentModel, image: Image) -> list[DotenvInImage]:
    """Return the dotenv files that the final stage of an image holds, as far as its COPY instructions are understood."""
    found: dict[str, DotenvInImage] = {}
    for source, _target, loc in _copied(image, image.final, 0):
        name = source.rpartition("/")[2]
        named = name.startswith(".env") and not is_example(source)
        path = source.replace("*", "") if named else f"{source}/.env".lstrip("/")
        if not named and source not in image.tree.directories:
            continue
        if not _is_there(model, path, named=named) or is_left_out(model, image.context, image.fact.path, path):
            continue
        ignores = ignore_file(model, image.context, image.fact.path)
        files = [item for item in (path, image.fact.path, ignores) if item is not None and item in model.files]
        known = found.get(path)
        if known is None or (named and not known.named):
            found[path] = DotenvInImage(files=files, loc=loc, named=named, path=path, tracked=path in model.files)
    return list(found.values())


def _is_there(model: DeploymentModel, path: str, *, named: bool = False) -> bool:
    """Tell whether whoever builds has this file: it is in git, or git ignores it and an example says how to make it."""
    if path in model.files:
        return True
    if not model.is_ignored(path):
        return False
    directory = directory_of(path)
    return named or any(directory_of(other) == directory and ".env" in other and is_example(other) for other in model.files)


def _copied(image: Image, number: int, depth: int) -> Iterator[tuple[str, str, Loc]]:
    """Yield (project path, path in the image, place of the COPY) of what a stage has from the build context, also through other stages."""
    if depth > MAX_STAGES:
        return
    parent = image.parent_of(number)
    if parent is not None:
        yield from _copied(image, parent, depth + 1)
    for copy in image.copies(number):
        if copy.stage is None:
            yield copy.source, copy.target, copy.loc
            continue
        start = copy.source.rstrip("/") or "/"
        for source, target, loc in _copied(image, copy.stage, depth + 1):
            # What of the other stage lies at or below the path that is copied; a path that is copied into lies above it.
            if target == start or target.startswith(start.rstrip("/") + "/") or start == "/":
                yield source, copy.target, loc
