"""Services: code that is built once, with all containers that run it and what each of them starts."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT
from opslint.facts.dockerfile import Dockerfile
from opslint.model.builds import Builds, is_public, repository_of
from opslint.model.entries import Resolver, Start
from opslint.model.image import Image, Tree
from opslint.model.paths import directory_of, join
from opslint.model.records import Entry, Service
from opslint.model.start_files import Scripts, StartFiles

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.builds import Build
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Workload


def services(model: DeploymentModel) -> list[Service]:
    """Return the services of a project, those it builds first, sorted by name."""
    return model.linked.services


class Linked:
    """The join of workloads with code. `services` in order; `image` and `start` per container."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.tree = Tree(model)
        self.scripts = Scripts(model)
        self.dockerfiles = {fact.path: fact for fact in model.facts(Dockerfile)}
        self.builds = Builds(model, self.tree, model.workloads)
        self._images: dict[tuple[str, str, str], Image | None] = {}
        self._starts: dict[int, Start] = {}
        self._image_of: dict[int, Image | None] = {}
        self._names: dict[Loc, str] | None = None
        self._owners: dict[int, Service] | None = None
        self.services: list[Service] = self._join()

    def _join(self) -> list[Service]:
        groups: dict[tuple[str, str], Service] = {}
        third: dict[str, Service] = {}
        functions: dict[Loc, list[tuple[Workload, Container]]] = {}
        processes: dict[str, list[tuple[Workload, Container]]] = {}
        by_command = self._by_command()
        for workload in self.model.workloads:
            for container in workload.containers:
                if workload.platform == "lambda" and container.image == ABSENT:
                    functions.setdefault(workload.loc, []).append((workload, container))
                    continue
                if workload.platform == "processes":
                    processes.setdefault(workload.deployment, []).append((workload, container))
                    continue
                build, reason = self.builds.of(workload, container.image, container.build)
                if build is None and not reason:
                    build = by_command.get(repository_of(container.image))
                if build is None:
                    self._unlinked(third, workload, container, reason)
                    continue
                key = (build.context, build.dockerfile)
                if key not in groups:
                    groups[key] = Service(
                        context=build.context, dockerfile=build.dockerfile, entries=[], name="", runs=[], unlinked=""
                    )
                service = groups[key]
                service.runs.append((workload, container))
                service.entries.append(self._start(workload, container, build).entries)
        for key, service in groups.items():
            service.name = self._name(key, service)
            service.unlinked = self._why_unlinked(service)
        packaged = [self._function(runs) for runs in functions.values()]
        _tell_apart(packaged)
        started = [self._processes(runs) for runs in processes.values()]
        found = [*groups.values(), *packaged, *started, *third.values()]
        return sorted(found, key=lambda one: (bool(one.unlinked), one.name, one.dockerfile, one.context))

    def _function(self, runs: list[tuple[Workload, Container]]) -> Service:
        """The service of one packaged function: its handler's module, in every environment it is deployed to."""
        from opslint.model.function_code import handler_file

        workload, container = runs[0]
        code = container.build[0] if container.build is not None else ""
        handler = container.args[0] if container.args else ""
        path = handler_file(self.model, code, handler) if handler else ""
        entries: list[list[Entry]] = []
        for work, own in runs:
            entry = Entry(
                app=handler,
                files=sorted({*work.files, *([path] if path else [])}),
                loc=own.image_loc,
                modules=[path] if path else [],
                role="worker",
                server="lambda",
                words=[handler],
            )
            entries.append([entry] if path else [])
            self._starts[id(own)] = Start(entries=entries[-1], exports=[], opens=[], required=[])
            self._image_of[id(own)] = None
        reason = (
            "" if path else f"the handler {handler} names no module of the repository" if handler else "the handler is not known"
        )
        if reason and self._is_other_language(code, handler):
            reason = "its code is not Python"
        elif reason:
            self.model.blind(
                "service-not-linked",
                container.loc,
                f"{workload.name}: {reason}",
                f'[[service]] name = "{workload.name}" and entry',
            )
        return Service(context=code, dockerfile="", entries=entries, name=workload.name, runs=runs, unlinked=reason)

    def _is_other_language(self, code: str, handler: str) -> bool:
        """Tell whether a handler names a file of another language (``index.handler`` of ``index.ts``)."""
        stem = handler.rpartition(".")[0]
        base = f"{code}/{stem}" if code else stem
        return bool(stem) and any(f"{base}{ending}" in self.tree.files for ending in (".js", ".ts", ".mjs", ".cjs", ".rb"))

    def _processes(self, runs: list[tuple[Workload, Container]]) -> Service:
        """The service of one Procfile (or the like): the code of its directory, with all processes."""
        workload, first = runs[0]
        directory = first.build[0] if first.build is not None else ""
        entries: list[list[Entry]] = []
        for work, container in runs:
            root = container.build[0] if container.build is not None else directory
            files = StartFiles(self.tree, self.scripts, None, [], root=root)
            start = Resolver(files).run(list(container.command or ()), container.loc)
            for entry in start.entries:
                entry.files = list(dict.fromkeys([*entry.files, *work.files]))
            entries.append(start.entries)
            self._starts[id(container)] = start
            self._image_of[id(container)] = None
        linked = any(entry.modules for run in entries for entry in run)
        reason = "" if linked else "the start command names no module of the repository"
        names = {work.name for work, _container in runs}
        name = workload.name if len(names) == 1 else directory.rpartition("/")[2] or "web" if "web" in names else workload.name
        if reason:
            self.model.blind("service-not-linked", first.loc, f"{name}: {reason}", f'[[service]] name = "{name}" and entry')
        return Service(context=directory, dockerfile="", entries=entries, name=name, runs=runs, unlinked=reason)

    def name_of(self, workload: Workload, container: Container) -> str:
        """Return what findings call a container: its service's name when it is linked to code, else its workload's."""
        if self._owners is None:
            self._owners = {id(own): service for service in self.services for _workload, own in service.runs}
        service = self._owners.get(id(container))
        return service.name if service is not None and not service.unlinked else workload.name

    def name_at(self, loc: Loc) -> str:
        """Return the name of the service whose container is declared at `loc`, "" when there is none."""
        if self._names is None:
            self._names = {container.loc: service.name for service in self.services for _workload, container in service.runs}
        return self._names.get(loc, "")

    def _by_command(self) -> dict[str, Build]:
        """Image paths that no name joins to a build, but whose containers start a module of exactly one build context."""
        candidates = self.builds.by_context()
        started: dict[str, set[tuple[str, str]]] = {}
        for workload in self.model.workloads if candidates else ():
            for container in workload.containers:
                path = repository_of(container.image)
                if (
                    not path
                    or workload.platform in ("lambda", "processes")
                    or is_public(path)
                    or self.builds.of(workload, container.image, container.build) != (None, "")
                ):
                    continue
                if container.command is None and container.args is None and ("/" in path or len(candidates) > 1):
                    continue
                own = {word for part in (*(container.command or ()), *(container.args or ())) for word in part.split()}
                for build in candidates:
                    entries = self._resolve(workload, container, build, self._image(build, "")).entries
                    # The container's own command must name the code: an entrypoint of the build starts its code whatever follows.
                    if any(entry.modules and entry.words and entry.words[0] in own for entry in entries):
                        started.setdefault(path, set()).add((build.context, build.dockerfile))
        return {path: self.builds.by_key[min(keys)] for path, keys in started.items() if len(keys) == 1}

    def _unlinked(self, third: dict[str, Service], workload: Workload, container: Container, reason: str) -> None:
        name = f"{workload.name}/{container.name}" if workload.name != container.name else workload.name
        if reason:
            self.model.blind(
                "service-not-linked",
                container.loc,
                f"{name}: {reason}",
                f'[[service]] with name = "{workload.name}", dockerfile and images',
            )
        if name not in third:
            why = reason or "a third party's image"
            third[name] = Service(context="", dockerfile="", entries=[], name=name, runs=[], unlinked=why)
        third[name].runs.append((workload, container))
        third[name].entries.append([])
        self._image_of[id(container)] = None

    def _name(self, key: tuple[str, str], service: Service) -> str:
        for declared in self.model.settings.services:
            if declared.dockerfile == key[1]:
                return declared.name
        names = self.builds.by_key[key].names
        own = sorted({workload.name for workload, _container in service.runs})
        return own[0] if len(own) == 1 else (sorted(names)[0] if names else own[0])

    def _why_unlinked(self, service: Service) -> str:
        if service.dockerfile not in self.dockerfiles:
            return f"{service.dockerfile} is not there or could not be read"
        started = [entry for entries in service.entries for entry in entries]
        if any(entry.modules for entry in started):
            return ""
        reason = "the start command names no module of the repository" if started else "the start command is not understood"
        workload, container = service.runs[0]
        self.model.blind(
            "service-not-linked", container.loc, f"{workload.name}: {reason}", f'[[service]] name = "{service.name}" and entry'
        )
        return reason

    def image(self, container: Container) -> Image | None:
        """Return the image a container of a linked service runs, None for a third party's or an unreadable Dockerfile."""
        return self._image_of.get(id(container))

    def start(self, container: Container) -> Start | None:
        """Return what a container of a linked service starts."""
        return self._starts.get(id(container))

    def _start(self, workload: Workload, container: Container, build: Build) -> Start:
        target = container.build[2] if container.build is not None else ""
        image = self._image(build, target)
        self._image_of[id(container)] = image
        start = self._resolve(workload, container, build, image)
        for entry in start.entries:
            entry.files = list(dict.fromkeys([*entry.files, build.dockerfile, *workload.files]))
        declared = [path for one in self.model.settings.services if one.dockerfile == build.dockerfile for path in one.entry]
        for entry in start.entries:
            entry.modules = list(dict.fromkeys([*declared, *entry.modules]))
        self._starts[id(container)] = start
        return start

    def _resolve(self, workload: Workload, container: Container, build: Build, image: Image | None) -> Start:
        files = StartFiles(
            self.tree,
            self.scripts,
            image,
            container.entries,
            workdir=_workdir(container),
            mounts=_mounts(container) if workload.platform == "compose" else [],
            root=build.context,
        )
        words, shell, loc = start_words(container, image)
        return Resolver(files).run(words, loc, shell=shell)

    def _image(self, build: Build, target: str) -> Image | None:
        key = (build.context, build.dockerfile, target)
        if key not in self._images:
            fact = self.dockerfiles.get(build.dockerfile)
            self._images[key] = Image(self.tree, fact, build.context, target) if fact is not None else None
        return self._images[key]


def _tell_apart(services: list[Service]) -> None:
    """Two functions of one resource name (``this`` in two modules) are told apart by their handler's module."""
    names = [service.name for service in services]
    for service in services:
        module = next(
            (path.rpartition("/")[2].removesuffix(".py") for run in service.entries for entry in run for path in entry.modules),
            "",
        )
        if names.count(service.name) > 1 and module:
            service.name = f"{service.name}/{module}"


def start_words(container: Container, image: Image | None) -> tuple[list[str], bool, Loc]:
    """Return (words, shell form, place) of what a container starts: its own command over the image's."""
    loc = _command_loc(container)
    if container.command is not None:
        return [*container.command, *(container.args or [])], False, loc
    entrypoint = image.entrypoint if image is not None else None
    cmd = image.cmd if image is not None else None
    if entrypoint is not None and entrypoint[1]:
        return entrypoint
    head = entrypoint[0] if entrypoint is not None else []
    if container.args is not None:
        return [*head, *container.args], False, loc
    if cmd is None:
        return head, False, entrypoint[2] if entrypoint is not None else loc
    if cmd[1]:
        return ([*head, "/bin/sh", "-c", *cmd[0]], False, cmd[2]) if head else cmd
    return [*head, *cmd[0]], False, cmd[2]


def _command_loc(container: Container) -> Loc:
    node = container.node
    for key in ("command", "entrypoint", "args"):
        found = node.get(key) if node is not None else None
        if found is not None:
            return found.loc
    return container.loc


def _workdir(container: Container) -> str | None:
    node = container.node
    return node.text("working_dir") or node.text("workingDir") if node is not None else None


def _mounts(container: Container) -> list[tuple[str, str]]:
    """The bind mounts of project directories of a compose service: (container path, project path)."""
    found: list[tuple[str, str]] = []
    for item in container.node.sequence("volumes") if container.node is not None else ():
        if isinstance(item, Scalar):
            parts = item.text.split(":")
            source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", "")
        elif isinstance(item, Mapping) and item.text("type") == "bind":
            source, target = item.text("source") or "", item.text("target") or ""
        else:
            continue
        path = join(directory_of(item.path), source) if source.startswith(".") else None
        if path is not None and target.startswith("/"):
            found.append((target, path))
    return sorted(found, reverse=True)
