"""Compose files → deployments with their workloads."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, known, unknown
from opslint.facts.compose import ComposeFile
from opslint.facts.shell import ShellScript
from opslint.model.compose_env import EnvironmentTexts, entries, env_file_uses, unnamed
from opslint.model.compose_files import BASE_NAMES, OVERRIDE_NAMES, ComposeFiles, groups, includes, root_of, services_of
from opslint.model.compose_merge import merge
from opslint.model.compose_names import DotenvFiles, Names
from opslint.model.compose_parts import command_words, mounts_source, ports_of, probes_of
from opslint.model.paths import directory_of, join
from opslint.model.records import Container, Deployment, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.base.value import Value
    from opslint.model.compose_env import EnvFileUse
    from opslint.model.compose_files import ComposeGroup
    from opslint.model.model import DeploymentModel

MAX_EXTENDS = 8
"""How long a chain of `extends` is followed."""


def deployments(model: DeploymentModel) -> list[Deployment]:
    """Return one deployment for each combination of compose files."""
    if not model.facts(ComposeFile):
        return []
    found = [group.deployment() for group in combinations(model)]
    _local_ones(found)
    return [deployment for deployment in found if deployment.workloads]


def combinations(model: DeploymentModel) -> Iterator[Combination]:
    """Yield the combinations of compose files, each ready to be joined."""
    if not model.facts(ComposeFile):
        return
    dotenv, texts, compose = DotenvFiles(model), EnvironmentTexts(model), ComposeFiles(model)
    for group in groups(model, compose):
        yield Combination(model, dotenv, texts, compose, group)


def _local_ones(found: list[Deployment]) -> None:
    """Give development to the tierless files beside one that names a tier: they are what people run on their own machine."""
    tiered = {directory_of(path) for item in found for path in item.files if item.environments}
    for item in found:
        if not item.environments and is_default(item) and directory_of(item.loc[0]) in tiered:
            set_environments(item, ["development"])


def is_default(deployment: Deployment) -> bool:
    """Tell whether a compose deployment is what a bare ``docker compose up`` starts."""
    names = [path.rpartition("/")[2] for path in deployment.key.removeprefix("compose:").split("+")]
    return "@" not in deployment.key and names[0] in BASE_NAMES and all(name in OVERRIDE_NAMES for name in names[1:])


def set_environments(deployment: Deployment, names: list[str]) -> None:
    """Set the environments of a deployment and of all its workloads."""
    deployment.environments = names
    for workload in deployment.workloads:
        workload.environments = names


class Combination:
    """One combination of compose files on its way to a deployment."""

    def __init__(
        self,
        model: DeploymentModel,
        dotenv: DotenvFiles,
        texts: EnvironmentTexts,
        compose: ComposeFiles,
        group: ComposeGroup,
    ) -> None:
        self.model = model
        self.dotenv = dotenv
        self.texts = texts
        self.group = group
        self.compose = compose
        self.directories = {fact.path: group.directory for fact in group.files}
        self.roots: dict[str, Mapping] = {}
        self.services: dict[str, dict[str, Mapping]] = {}
        self.names = Names(dotenv, [(path, False) for path in group.names_from])
        self.included: dict[str, Names] = {}
        self.files = list(group.files)
        self.gaps: dict[str, list[tuple[str, Loc]]] = {}
        """Service ("": all of them) → why it may be more than was read: what Docker Compose itself would refuse."""
        self.read = {fact.path for fact in group.files} | set(self.names.paths)
        for fact in group.files:
            self._include(fact, (fact.path,))

    def names_at(self, path: str) -> Names:
        """Return what ``${}`` finds in a compose file: an included one has names of its own below the project's."""
        return self.included.get(path, self.names)

    def _gap(self, service: str, reason: str, loc: Loc) -> None:
        known = self.gaps.setdefault(service, [])
        if (reason, loc) not in known:
            known.append((reason, loc))

    def _include(self, fact: ComposeFile, above: tuple[str, ...]) -> None:
        """Add the files that `include:` names (docs.docker.com, "Compose file reference: include"); `above` are those that led here."""
        names, here = self.names_at(fact.path), self.directories[fact.path]
        for written, item in includes(self.root(fact)) if len(above) <= MAX_EXTENDS else ():
            paths = [join(here, text) for name in written if (text := names.text(name)[0]) is not None]
            for path in paths:
                if path in above:
                    self._gap("", f"include of {path} leads back to it", fact.loc)
                elif path is not None and self.compose.get(path) is None and is_absent(self.model, path):
                    self._gap("", f"the included {path} is not in the repository", fact.loc)
            found = [other for path in paths if (other := self.compose.get(path)) is not None and other not in self.files]
            if not found:
                continue
            own = item.text("project_directory") if item is not None else None
            base = join(here, own) if own else directory_of(found[0].path)
            base = base if base is not None else here
            env_file = item.get("env_file") if item is not None else None
            items = env_file.items if isinstance(env_file, Sequence) else [env_file] if env_file is not None else []
            files = [join(here, one.text) for one in items if isinstance(one, Scalar)] or [join(base, ".env")]
            inner = Names(self.dotenv, [(path, False) for path in files if path], names)
            at = min(self.files.index(fact), len(self.files))
            self.files[at:at] = found
            self.read.update(inner.paths)
            for other in found:
                self.read.add(other.path)
                self.directories[other.path] = base
                self.included[other.path] = inner
            for other in found:
                self._include(other, (*above, other.path))

    def root(self, fact: ComposeFile) -> Mapping:
        """Return the top of a compose file."""
        if fact.path not in self.roots:
            self.roots[fact.path] = root_of(fact)
            self.directories.setdefault(fact.path, directory_of(fact.path))
        return self.roots[fact.path]

    def bodies(self, fact: ComposeFile) -> dict[str, Mapping]:
        """Return the services that one compose file writes, by name."""
        if fact.path not in self.services:
            self.services[fact.path] = services_of(self.root(fact))
        return self.services[fact.path]

    def _layers(
        self, fact: ComposeFile, name: str, above: tuple[tuple[str, str, str], ...] = ()
    ) -> list[tuple[ComposeFile, str]]:
        """Return the (file, service) pairs that make up one service of one file: what it extends first.

        `above` are the (file, service) pairs that led here, the first of which is the service that is asked for.
        """
        body = self.bodies(fact).get(name)
        if body is None or len(above) > MAX_EXTENDS:
            return []
        asked = above[0][2] if above else name
        above = (*above, (fact.path, name, asked))
        extends = body.get("extends")
        below: list[tuple[ComposeFile, str]] = []
        if isinstance(extends, Scalar):
            below = self._extended(fact, extends.text, extends.loc, above)
        elif isinstance(extends, Mapping):
            service = extends.text("service") or ""
            written = extends.text("file")
            target = join(self.directories.get(fact.path, ""), written) if written else fact.path
            other = self.compose.get(target)
            if other is not None:
                self.read.add(other.path)
                below = self._extended(other, service, extends.loc, above)
            else:
                self._gap(asked, f"{written}, which it extends, is not in the repository", extends.loc)
        return [*below, (fact, name)]

    def _extended(
        self, fact: ComposeFile, name: str, loc: Loc, above: tuple[tuple[str, str, str], ...]
    ) -> list[tuple[ComposeFile, str]]:
        asked = above[0][2]
        if any((path, service) == (fact.path, name) for path, service, _asked in above):
            self._gap(asked, f"it extends `{name}`, which leads back to it", loc)
            return []
        if name not in self.bodies(fact):
            self._gap(asked, f"`{name}`, which it extends, is not a service of {fact.path}", loc)
        return self._layers(fact, name, above)

    def deployment(self) -> Deployment:
        """Make the deployment of this combination."""
        names: dict[str, None] = {}
        for fact in self.files:
            names.update(dict.fromkeys(self.bodies(fact)))
        first = self.group.files[0]
        made = [found for found in (self._workload(name) for name in names) if found is not None]
        for fact in self.files:
            listed = self.root(fact).get("services")
            if listed is not None and not isinstance(listed, Mapping) and not (isinstance(listed, Scalar) and listed.is_null):
                self._gap("", "services is not a mapping", listed.loc)
        for service, reasons in self.gaps.items():
            for reason, loc in reasons:
                self.model.blind("compose-does-not-load", loc, f"{service}: {reason}" if service else reason)
        # The file a command is given with `--env-file` says more of where it runs than the manifests it is run with.
        environments = self.model.environments.names_of(self.group.env_files)
        if not environments:
            environments = self.model.environments.names_of(fact.path for fact in self.files)
        if not environments:
            environments = self.model.environments.names_of(path for work in made for path in work.files)
        deployment = Deployment(
            environments=environments,
            files=sorted(self.read),
            key=self.group.key,
            loc=first.loc,
            objects=[],
            open_reasons=[],
            platform="compose",
            workloads=made,
        )
        if not environments and any(mounts_source(work) for work in made):
            # Code mounted over what the image holds is a workstation's set-up (docs.docker.com, "Use Compose in production").
            environments = ["development"]
        set_environments(deployment, environments)
        return deployment

    def _workload(self, name: str) -> Workload | None:
        layers = [layer for fact in self.files for layer in self._layers(fact, name)]
        if not layers:
            return None
        body = self.bodies(layers[0][0])[layers[0][1]]
        for fact, service in layers[1:]:
            body = merge(body, self.bodies(fact)[service])
        if "image" not in body and "build" not in body:
            return None
        key = next((key for fact in self.files if (key := self._key(fact, name)) is not None), None)
        loc = key.loc if key is not None else body.loc
        uses = list(env_file_uses(self.dotenv, body, self.directories, self.names_at))
        container = self._container(name, body, loc, layers, uses)
        replicas = body.text("deploy", "replicas") or body.text("scale")
        replicas = self.names.text(replicas)[0] or replicas if replicas is not None else None
        count: Value = known(1)
        if replicas is not None:
            count = known(int(replicas)) if replicas.isdigit() else unknown("replicas depend on the host")
        return Workload(
            containers=[container],
            deployment=self.group.key,
            environments=[],
            files=sorted(self.read | {use.path for use in uses if use.path}),
            kind="service",
            loc=loc,
            max_replicas=count,
            name=name,
            namespace=ABSENT,
            node=body,
            platform="compose",
            pod=body,
            replicas=count,
        )

    def _key(self, fact: ComposeFile, name: str) -> Scalar | None:
        services = self.root(fact).mapping("services")
        return services.key(name) if services is not None else None

    def _container(
        self, name: str, body: Mapping, loc: Loc, layers: list[tuple[ComposeFile, str]], uses: list[EnvFileUse]
    ) -> Container:
        image = body.get("image")
        opened = [(use.reason, use.loc) for use in uses if use.state in ("ignored", "unknown")]
        opened += [*self.gaps.get("", ()), *self.gaps.get(name, ())]
        opened += self._injected(body)
        given = body.get("environment")
        if isinstance(given, Hole):
            opened.append((given.reason, given.loc))
        return Container(
            args=command_words(body.get("command"), self.names_at),
            build=self._build(body),
            command=command_words(body.get("entrypoint"), self.names_at),
            entries=entries(self.dotenv, self.texts, layers, uses, self.names, self.names_at),
            image=self._image(image),
            image_loc=image.loc if image is not None else loc,
            init=False,
            loc=loc,
            name=name,
            node=body,
            open_reasons=[*opened, *unnamed(layers, self.names_at)],
            ports=ports_of(body, self.names_at),
            probes=probes_of(body, self.names_at),
        )

    def _injected(self, body: Mapping) -> list[tuple[str, Loc]]:
        """Return what else sets variables of a service: models it uses, and providers it depends on (docs.docker.com, "Provider services")."""
        models = body.get("models")
        found = [("the models it uses set variables", models.loc)] if models is not None else []
        needed = body.get("depends_on")
        names = (
            needed.keys() if isinstance(needed, Mapping) else [getattr(item, "text", "") for item in body.sequence("depends_on")]
        )
        for name in names:
            provider = next((item for fact in self.files if (item := self.bodies(fact).get(name, body).get("provider"))), None)
            if provider is not None and name:
                found.append((f"the provider of {name} sets variables", provider.loc))
        return found

    def _image(self, image: Node | None) -> Value:
        if not isinstance(image, Scalar) or image.is_null:
            return ABSENT
        text, prefix, _fallback = self.names_at(image.path).text(image.text)
        return known(text) if text is not None else unknown(f"image {image.text} depends on the host", prefix)

    def _build(self, body: Mapping) -> tuple[str, str, str] | None:
        build = body.get("build")
        written: Node | None = build
        dockerfile, target = "Dockerfile", ""
        if isinstance(build, Mapping):
            written = build.get("context")
            dockerfile = build.text("dockerfile") or dockerfile
            target = build.text("target") or ""
            if written is None:
                written = Scalar(".", build.at, path=build.path)
        if not isinstance(written, Scalar):
            return None
        directory = self.directories.get(written.path, self.group.directory)
        names = self.names_at(written.path)
        where, file = names.settled(written.text), names.settled(dockerfile)
        context = join(directory, where) if where is not None else None
        path = join(context, file) if context is not None and file is not None else None
        if context is None or path is None:
            return None
        return context, path, names.text(target)[2]

    def missing(self) -> Iterator[Missing]:
        """Yield the files that this combination names and that are not there."""
        names = dict.fromkeys(name for fact in self.files for name in self.bodies(fact))
        for name in names:
            layers = [layer for fact in self.files for layer in self._layers(fact, name)]
            bodies = [self.bodies(fact)[service] for fact, service in layers]
            if not bodies:
                continue
            body = bodies[0]
            for above in bodies[1:]:
                body = merge(body, above)
            for use in env_file_uses(self.dotenv, body, self.directories, self.names_at):
                if use.state == "missing":
                    yield Missing(loc=use.loc, path=use.path, service=name, what="env_file")
            build = body.get("build")
            found = self._build(body)
            if build is not None and found is not None and is_absent(self.model, found[1]):
                inline = isinstance(build, Mapping) and "dockerfile_inline" in build
                if not inline and any(path.startswith(found[0] + "/") or not found[0] for path in self.model.files):
                    yield Missing(loc=build.loc, path=found[1], service=name, what="Dockerfile")


class Missing(Record):
    """A file that is named and not there. `what`: ``env_file`` or ``Dockerfile`` (of compose `service`), ``COPY source``,
    ``generator file``, ``values file``, ``var file``.
    """

    __slots__ = ("loc", "path", "service", "what")
    loc: Loc
    path: str
    service: str
    what: str


_UNSEEN = frozenset(("node_modules", "vendor", "third_party", "dist", "build", "target", "out", "venv"))
"""Directories that are not looked into, or hold what an earlier step makes."""


def is_absent(model: DeploymentModel, path: str) -> bool:
    """Tell whether a path is surely not there: not in the project, not ignored, not where opslint does not look."""
    if path in model.files or any(part in _UNSEEN or part.startswith(".") for part in path.split("/")[:-1]):
        return False
    return not model.is_ignored(path)


def _copied(model: DeploymentModel) -> set[str]:
    """The last two path segments of what scripts copy or move."""
    found: set[str] = set()
    for script in model.facts(ShellScript):
        for step in script.steps():
            if step.words[:1] and step.words[0] in ("cp", "mv", "scp", "rsync", "install"):
                found.update("/".join(word.rsplit("/", 2)[-2:]) for word in step.words[1:] if "/" in word)
    return found


def missing_files(model: DeploymentModel) -> list[tuple[Missing, list[str]]]:
    """Return what compose files name that is not there, each with the environments of its deployment."""
    found: list[tuple[Missing, list[str]]] = []
    environments = {item.key: item.environments for item in model.deployments}
    copied = _copied(model)
    for made in combinations(model):
        group = made.group
        if any("/".join(fact.path.rsplit("/", 2)[-2:]) in copied for fact in group.files):
            continue  # a script puts it somewhere else before it is used: its paths start from there
        found.extend((missing, environments.get(group.key, [])) for missing in made.missing())
    return found
