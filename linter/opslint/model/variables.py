"""What each container's variables are, whether that is all of them, and what its code reads."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known, unknown
from opslint.model import platform_env
from opslint.model.env_reads import EnvReads
from opslint.model.records import EnvEntry

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.entries import Start
    from opslint.model.env_reads import Read
    from opslint.model.image import Image
    from opslint.model.model import DeploymentModel
    from opslint.model.near_names import NearNames
    from opslint.model.records import Container, Service, Workload

__all__ = ["Binding", "Scope", "Variables"]

_PUBLIC_BASES = frozenset(
    "python node golang debian ubuntu alpine busybox scratch openjdk eclipse-temurin ruby php rust nginx amazonlinux fedora buildpack-deps"
    " amazoncorretto gradle maven rockylinux almalinux centos pypy httpd".split()
)
_PUBLIC_PREFIXES = (
    "public.ecr.aws/lambda/",
    "public.ecr.aws/docker/library/",
    "public.ecr.aws/amazonlinux/",
    "docker.io/library/",
    "library/",
    "gcr.io/distroless/",
    "ghcr.io/astral-sh/",
    "astral/uv",
    "mcr.microsoft.com/",
    "nvidia/cuda",
    "nvcr.io/",
    "registry.access.redhat.com/",
    "cgr.dev/",
    "continuumio/",
    "mambaorg/",
    "condaforge/",
    "pytorch/pytorch",
    "tensorflow/tensorflow",
    "tiangolo/",
    "selenium/",
    "apache/airflow",
    "quay.io/centos/",
    "chainguard/",
    "dhi.io/",
)
"""Base images whose ENV is public and holds no application settings."""


class Binding(Record):
    """The value of one name in a scope: the entry that wins, and those it overrode, nearest first."""

    __slots__ = ("entry", "overrode")
    entry: EnvEntry
    overrode: list[EnvEntry]


class Scope(Record):
    """The variables of one container. `closed`: there are no others; else `open_reasons` say where more may come from.

    `files` are all files the scope was derived from.
    """

    __slots__ = ("bindings", "closed", "files", "open_reasons", "platform")
    bindings: dict[str, Binding]
    closed: bool
    files: list[str]
    open_reasons: list[tuple[str, Loc]]
    platform: str

    def get(self, name: str, *, ignore_case: bool = False) -> Binding | None:
        """Return the binding of `name`."""
        found = self.bindings.get(name)
        if found is None and ignore_case:
            lower = name.lower()
            found = next((binding for key, binding in self.bindings.items() if key.lower() == lower), None)
        return found


class Variables:
    """Resolves scopes and reads; made once per model."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._scopes: dict[int, Scope] = {}
        self._reads: dict[tuple[str, ...], tuple[list[Read], list[str]]] = {}
        self._all_reads: EnvReads | None = None
        self._near: NearNames | None = None

    @property
    def all_reads(self) -> EnvReads:
        """All reads of the project, by file."""
        if self._all_reads is None:
            self._all_reads = EnvReads(self.model)
        return self._all_reads

    @property
    def near(self) -> NearNames:
        """What is set under almost the name that is read."""
        if self._near is None:
            from opslint.model.near_names import NearNames

            self._near = NearNames(self.model, self.all_reads)
        return self._near

    def resolve(self, workload: Workload, container: Container) -> Scope:
        """Return the variables of a container: image ENV, then the manifest's entries in order, then the entry-point script's."""
        scope = self._scopes.get(id(container))
        if scope is None:
            scope = self._scopes[id(container)] = self._resolve(workload, container)
        return scope

    def _resolve(self, workload: Workload, container: Container) -> Scope:
        linked = self.model.linked
        image = linked.image(container)
        start = linked.start(container)
        reasons = list(container.open_reasons)
        reasons += [(f"the sibling {name} may set more", container.loc) for name in self.model.missing_siblings]
        entries: list[EnvEntry] = []
        files = list(workload.files)
        if image is not None:
            entries.extend(image.entries)
            files.append(image.fact.path)
            if not is_public_base(image.base):
                reasons.append((f"base image {image.base} may set more", image.fact.loc))
        elif workload.platform == "lambda" and container.image == ABSENT:
            pass  # a package has no variables of its own
        elif container.build is not None or not _is_third_party(self.model, container):
            reasons.append(("the image's own ENV is not known", container.image_loc))
        entries.extend(container.entries)
        if start is not None:
            reasons.extend(start.opens)
            for name, loc in start.exports:
                value = unknown("set by the entry-point script")
                entries.append(EnvEntry(loc=loc, name=name, origin=f"export in {loc[0]}", value=value))
                files.append(loc[0])
        if image is not None and container.build is not None and workload.platform == "compose":
            copied = self._dotenv_in_image(container, image)
            if copied is not None:
                reasons.append(copied)
        return Scope(
            bindings=_bindings(entries),
            closed=not reasons,
            files=sorted(set(files)),
            open_reasons=reasons,
            platform=workload.platform,
        )

    def _dotenv_in_image(self, container: Container, image: Image) -> tuple[str, Loc] | None:
        """A ``.env`` that git ignores and a build on the same machine may copy, or a mount may show, to code that loads it."""
        path = f"{image.context}/.env" if image.context else ".env"
        if path not in self.model.files and not self.model.is_ignored(path):
            return None
        start = self.model.linked.start(container)
        modules = [module for entry in start.entries for module in entry.modules] if start is not None else []
        reached = self.model.python.possibly(modules)
        loader = next(
            (self.all_reads.loads_dotenv[found] for found in sorted(reached) if found in self.all_reads.loads_dotenv), None
        )
        classes = any(read.how == "pydantic" for read in self.all_reads.of_files(reached))
        if loader is None and not classes:
            return None
        from opslint.model.docker_context import is_left_out

        copy = next((copy for copy in image.copies(image.final) if copy.source == image.context), None)
        node = container.node
        mounted = node is not None and any(
            getattr(item, "text", "").startswith(("./:", ".:", "./.env")) for item in node.sequence("volumes")
        )
        if mounted:
            return ("the mounted directory may hold a .env that the code loads", container.loc)
        if copy is not None and not is_left_out(self.model, image.context, image.fact.path, path):
            return (f"{path} may be copied into the image and loaded", copy.loc)
        return None

    def reads(self, service: Service) -> list[Read]:
        """Return what the entries of a service surely reach and read, over all its runs, without duplicates."""
        found: dict[tuple[Loc, str], Read] = {}
        for _workload, container in service.runs:
            for read in self.reads_of(container)[0]:
                found.setdefault((read.loc, read.name), read)
        return list(found.values())

    def reads_of(self, container: Container) -> tuple[list[Read], list[str]]:
        """Return the reads that what this container starts surely reaches, and the files the answer rests on."""
        return self._reads_of(container, surely=True)

    def possible_reads_of(self, container: Container) -> tuple[list[Read], list[str]]:
        """Return the reads that what this container starts may reach (imports in functions too), and the files the answer rests on."""
        return self._reads_of(container, surely=False)

    def reads_from(self, modules: list[str], settings: str | None) -> tuple[list[Read], list[str]]:
        """Return what a command that starts with `modules` surely reads, and the files the answer rests on.

        `settings` is the value of ``DJANGO_SETTINGS_MODULE`` there ("": set to something that is not known), None when it is not set.
        """
        if settings is not None:
            chosen = self.model.python.file_of(settings, modules[0]) if settings and modules else None
            reached = self._reach([*modules, *([chosen] if chosen else [])], surely=True, overridden=True)
            return self.all_reads.of_files(reached), sorted(reached)
        reached = self.model.python.surely(modules)
        named = self._settings_named_by(reached)
        if named:
            reached = self.model.python.surely([*modules, *named])
        return self.all_reads.of_files(reached), sorted(reached)

    def _reach(self, modules: list[str], *, surely: bool, overridden: bool) -> set[str]:
        """The files that are loaded; `overridden`: not the settings that a file names for when none are chosen."""
        if not overridden:
            return self.model.python.surely(modules) if surely else self.model.python.possibly(modules)
        defaults = {
            (path, self.model.python.file_of(write.value, path))
            for path, writes in self.all_reads.writes.items()
            for write in writes
            if write.name == "DJANGO_SETTINGS_MODULE" and write.only_default and write.value
        }
        seen: set[str] = set()
        stack = [path for path in modules if path in self.model.python.paths]
        while stack:
            path = stack.pop()
            if path not in seen:
                seen.add(path)
                edges = self.model.python.imports_of(path)
                stack.extend(found for found, sure in edges if (sure or not surely) and (path, found) not in defaults)
        return seen

    def _reads_of(self, container: Container, *, surely: bool) -> tuple[list[Read], list[str]]:
        start = self.model.linked.start(container)
        if start is None:
            return [], []
        insisted = self.all_reads.of_scripts(start.required)
        reads, files = self._python_reads_of(container, start, surely=surely)
        return ([*insisted, *reads], sorted({*files, *(read.loc[0] for read in insisted)})) if insisted else (reads, files)

    def _python_reads_of(self, container: Container, start: Start, *, surely: bool) -> tuple[list[Read], list[str]]:
        modules = sorted({module for entry in start.entries for module in entry.modules})
        chosen = self._chosen_settings(container, modules)
        key = (*modules, "surely" if surely else "possibly", *(chosen or ("",)))
        if key not in self._reads:
            reached = self._reach([*modules, *(chosen or ())], surely=surely, overridden=chosen is not None)
            named = self._settings_named_by(reached) if chosen is None else []
            if named:
                reached = self._reach([*modules, *named], surely=surely, overridden=False)
            self._reads[key] = (self.all_reads.of_files(reached), sorted(reached))
        return self._reads[key]

    def _chosen_settings(self, container: Container, modules: list[str]) -> list[str] | None:
        """The file of the Django settings that the manifest or the image chooses; None when it chooses none, or one that is not known."""
        image = self.model.linked.image(container)
        entries = [*(image.entries if image is not None else ()), *container.entries]
        value = next((entry.value for entry in reversed(entries) if entry.name == "DJANGO_SETTINGS_MODULE"), None)
        plain = value.value.plain if isinstance(value, Known) else None
        found = {path for module in modules if plain and (path := self.model.python.file_of(plain, module)) is not None}
        return sorted(found) if len(found) == 1 else None

    def _settings_named_by(self, reached: set[str]) -> list[str]:
        found: list[str] = []
        for path in sorted(reached):
            for write in self.all_reads.writes.get(path, ()):
                if write.name == "DJANGO_SETTINGS_MODULE" and write.value:
                    module = self.model.python.file_of(write.value, path)
                    if module is not None:
                        found.append(module)
        return found

    def is_set(self, scope: Scope, read: Read) -> bool:
        """Tell whether a scope sets what a read needs, by any of its names or one that stands in its place, or the platform does."""
        names = (read.name, *read.aliases, *read.instead)
        bound = any(scope.get(name, ignore_case=read.ignore_case) is not None for name in names)
        return bound or self.is_platform(scope.platform, read)

    def is_given(self, scope: Scope, read: Read) -> bool:
        """Tell whether a manifest or the platform sets what a read needs; what only the image sets is there to be overridden."""
        for name in (read.name, *read.aliases, *read.instead):
            binding = scope.get(name, ignore_case=read.ignore_case)
            if binding is not None and binding.entry.origin != "ENV":
                return True
        return self.is_platform(scope.platform, read)

    def is_platform(self, platform: str, read: Read) -> bool:
        """Tell whether a platform sets what a read needs, by any of its names or one that stands in its place."""
        declared = self.model.settings.platform_env
        return any(platform_env.sets(platform, name, declared) for name in (read.name, *read.aliases, *read.instead))


def _bindings(entries: list[EnvEntry]) -> dict[str, Binding]:
    bindings: dict[str, Binding] = {}
    for entry in entries:
        old = bindings.get(entry.name)
        bindings[entry.name] = Binding(entry=entry, overrode=[old.entry, *old.overrode] if old is not None else [])
    return bindings


def _is_third_party(model: DeploymentModel, container: Container) -> bool:
    from opslint.model.builds import is_public, repository_of

    return isinstance(container.image, Known) and is_public(repository_of(container.image))


def is_public_base(image: str) -> bool:
    """Tell whether a base image is a public one that sets no application settings."""
    name = image.partition("@")[0].lower()
    bare = name.rpartition("/")[2].partition(":")[0]
    return ("/" not in name and bare in _PUBLIC_BASES) or name.startswith(_PUBLIC_PREFIXES)
