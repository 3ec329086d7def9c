"""What the repository builds: Dockerfiles with their contexts, and the image repositories that name what they build."""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Unknown
from opslint.facts.dockerfile import Dockerfile
from opslint.facts.workflow_views import jobs_of
from opslint.facts.workflows import Workflow
from opslint.model.paths import directory_of, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.value import Value
    from opslint.model.image import Tree
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Workload

_BUILD_ACTIONS = ("docker/build-push-action", "docker/bake-action", "redhat-actions/buildah-build", "depot/build-push-action")
_VALUE_OPTIONS = frozenset(
    "-t --tag -f --file --build-arg --platform --target --cache-from --cache-to -o --output --label --secret --ssh --network --progress"
    " --builder --metadata-file --iidfile --add-host --build-context --attest".split()
)


class Build(Record):
    """One thing the repository builds. `repositories` are image paths without registry host and tag; `names` bare last segments;
    `named`: the configuration, a compose file or a workflow says that it is built from this context.
    """

    __slots__ = ("context", "dockerfile", "named", "names", "repositories")
    context: str
    dockerfile: str
    named: bool
    names: set[str]
    repositories: set[str]


def repository_of(image: Value) -> str:
    """Return the path of an image without registry host, tag and digest; "" when it is not known."""
    if isinstance(image, Known):
        text = str(image.value)
    elif isinstance(image, Unknown):
        # A prefix that ends inside the path names nothing; one that reaches the tag names the whole path.
        text = image.prefix if ":" in image.prefix.rpartition("/")[2] or "@" in image.prefix else ""
    else:
        return ""
    return image_path(text)


def image_path(text: str) -> str:
    """Cut registry host, tag and digest off an image reference."""
    text = text.partition("@")[0]
    head, slash, last = text.rpartition("/")
    text = head + slash + last.partition(":")[0]
    host, slash, rest = text.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost" or "$" in host):
        text = rest
    return text.lower()


class Builds:
    """All builds of a project, found by context and Dockerfile, by image path and by name."""

    def __init__(self, model: DeploymentModel, tree: Tree, workloads: list[Workload]) -> None:
        self.model = model
        self.tree = tree
        self._workloads = workloads
        self.dockerfiles = {fact.path: fact for fact in model.facts(Dockerfile)}
        self.by_key: dict[tuple[str, str], Build] = {}
        self.targets: dict[str, set[str]] = {}
        for declared in model.settings.services:
            if declared.dockerfile:
                context = declared.code if declared.code is not None else directory_of(declared.dockerfile)
                build = self._build(context.strip("/"), declared.dockerfile)
                build.repositories.update(image_path(image) for image in declared.images)
        for workload in workloads:
            for container in workload.containers:
                if container.build is not None and workload.platform == "compose":
                    build = self._build(container.build[0], container.build[1])
                    build.names.add(workload.name.lower())
                    self.targets.setdefault(container.build[1], set()).add(container.build[2].lower())
                    repository = repository_of(container.image)
                    if repository:
                        build.repositories.add(repository)
        for context, dockerfile, tags in self._of_workflows():
            build = self._build(context, dockerfile)
            build.repositories.update(path for path in map(image_path, tags) if path and "$" not in path)
            build.names.update(tag.partition("@")[0].rpartition("/")[2].partition(":")[0].lower() for tag in tags)
        known = {dockerfile for _context, dockerfile in self.by_key}
        for path in self.dockerfiles:
            if path not in known:
                self._build(self._likely_context(path), path).named = False
        for build in self.by_key.values():
            build.names.update(_names_of(build.dockerfile))
            build.names.discard("")
            build.names = {name for name in build.names if "$" not in name}

    def _build(self, context: str, dockerfile: str) -> Build:
        key = (context, dockerfile)
        if key not in self.by_key:
            self.by_key[key] = Build(context=context, dockerfile=dockerfile, named=True, names=set(), repositories=set())
        return self.by_key[key]

    def _likely_context(self, path: str) -> str:
        """The directory from which all that a Dockerfile copies is there: its own, else the top of the project."""
        sources: list[str] = []
        for step in self.dockerfiles[path].instructions():
            if step.name in ("COPY", "ADD") and step.flag("from") is None:
                words = step.words if step.words is not None else step.text.split()
                sources.extend(word.strip("\"'") for word in words[:-1] if not set("*?$[") & set(word) and "://" not in word)
        best, most = directory_of(path), -1
        for context in dict.fromkeys((directory_of(path), "", directory_of(directory_of(path)))):
            there = sum(
                1 for source in sources if (found := join(context, source.lstrip("/"))) is not None and self.tree.has(found)
            )
            if there > most:
                best, most = context, there
        return best

    def _of_workflows(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield (context, Dockerfile, tags) of the image builds in workflows."""
        from opslint.base.tree import Mapping, decode

        for workflow in self.model.facts(Workflow):
            root = decode(workflow.tree, workflow.path)
            for job in jobs_of(root) if isinstance(root, Mapping) else ():
                for step in job.steps:
                    uses = (step.uses or "").partition("@")[0]
                    inputs = step.node.mapping("with")
                    if uses in _BUILD_ACTIONS and inputs is not None:
                        found = self._paths(inputs.text("context") or ".", inputs.text("file") or inputs.text("dockerfiles"), "")
                        if found is not None:
                            tags = (inputs.text("tags") or inputs.text("image") or "").replace(",", "\n").split("\n")
                            yield (*found, [tag.strip() for tag in tags if tag.strip()])
            for _at, steps in workflow.scripts:
                for _place, words, info in steps:
                    yield from self._of_command(words, info.get("dir", ""))

    def _of_command(self, words: list[str], directory: str) -> Iterator[tuple[str, str, list[str]]]:
        if words[:2] == ["docker", "build"]:
            rest = words[2:]
        elif words[:3] in (["docker", "buildx", "build"], ["docker", "image", "build"]):
            rest = words[3:]
        else:
            return
        tags: list[str] = []
        file: str | None = None
        context: str | None = None
        at = 0
        while at < len(rest):
            option, equals, value = rest[at].partition("=")
            if not rest[at].startswith("-"):
                context = rest[at]
            elif option in _VALUE_OPTIONS:
                if not equals:
                    at += 1
                    value = rest[at] if at < len(rest) else ""
                if option in ("-t", "--tag"):
                    tags.append(value)
                elif option in ("-f", "--file"):
                    file = value
            at += 1
        found = self._paths(context, file, directory) if context is not None else None
        if found is not None:
            yield (*found, tags)

    def _paths(self, context: str, file: str | None, directory: str) -> tuple[str, str] | None:
        """Resolve a build's context and Dockerfile to project paths, None when they hold variables or are not there."""
        base = directory if not directory.startswith(("/", "~", "$")) else ""
        where = join(base, context)
        if where is None or "$" in context:
            return None
        if file is None:
            path = f"{where}/Dockerfile" if where else "Dockerfile"
            return (where, path) if path in self.dockerfiles else None
        for start in (base, "", where):
            found = join(start, file)
            if found is not None and found in self.dockerfiles:
                return where, found
        return None

    def of(self, workload: Workload, image: Value, build: tuple[str, str, str] | None) -> tuple[Build | None, str]:
        """Return the build that a container runs, or None with the reason ("" when the image is a third party's)."""
        if build is not None:
            return self.by_key.get((build[0], build[1])), ""
        path = repository_of(image)
        if not path:
            return None, "the image is not known"
        same = [found for found in self.by_key.values() if path in found.repositories]
        if not same and (is_public(path) or not self.by_key):
            return None, ""
        if not same:
            last = path.rpartition("/")[2]
            same = [found for found in self.by_key.values() if last in found.names]
        if not same:
            same = self._ends_alike(path)
        if not same and len(self.by_key) == 1 and self._own_image == path:
            same = list(self.by_key.values())
        if len({found.dockerfile for found in same}) > 1:
            names = ", ".join(sorted(found.dockerfile for found in same))
            return None, f"image {path} may be built by {names}"
        return (same[0], "") if same else (None, "")

    @cached_property
    def _own_image(self) -> str:
        """The one image path of the project that is named after the workload running it, as the one image a repository builds usually is.

        Empty when there are several: a third party's image is as often named so (``faiss/faiss`` in workload ``faiss``).
        """
        paths = {
            path
            for workload in self._workloads
            for container in workload.containers
            if container.build is None
            and (path := repository_of(container.image))
            and not is_public(path)
            and not ("/" in path and path.partition("/")[0] == path.rpartition("/")[2])
            and _is_named_after(path, workload)
        }
        return paths.pop() if len(paths) == 1 else ""

    def by_context(self) -> list[Build]:
        """Return one build for each context: its plain ``Dockerfile``, else its only one."""
        found: dict[str, list[Build]] = {}
        for build in self.by_key.values():
            if build.dockerfile in self.dockerfiles:
                found.setdefault(build.context, []).append(build)
        chosen: list[Build] = []
        for builds in found.values():
            plain = [build for build in builds if build.dockerfile.rpartition("/")[2] == "Dockerfile"]
            if len(plain or builds) == 1:
                chosen.append((plain or builds)[0])
        return chosen

    def _ends_alike(self, path: str) -> list[Build]:
        """Builds whose name is what the image's name ends with after a dash (``shop-api`` is built in ``api/``)."""
        last = path.rpartition("/")[2]
        return [found for found in self.by_key.values() if any(last.endswith((f"-{name}", f"_{name}")) for name in found.names)]


def _names_of(dockerfile: str) -> Iterator[str]:
    """The name a Dockerfile gives to what it builds: ``Dockerfile.api``, ``api.Dockerfile``, or its directory."""
    directory, _, name = dockerfile.rpartition("/")
    lower = name.lower()
    for suffix in (lower.partition("dockerfile.")[2], lower.removesuffix(".dockerfile") if lower.endswith(".dockerfile") else ""):
        if suffix and suffix not in ("prod", "production", "dev", "development", "staging", "test", "ci", "local", "base"):
            yield suffix
    last = directory.rpartition("/")[2].lower()
    if lower == "dockerfile" and last not in ("", "docker", "deploy", "build", "src", "app", "infra", "ops", "container"):
        yield last


def _is_named_after(path: str, workload: Workload) -> bool:
    """Tell whether an image is named after its workload, as the one image that a repository builds usually is."""
    last = path.rpartition("/")[2]
    name = workload.name.lower()
    return last == name or name.startswith(f"{last}-") or last.startswith(f"{name}-")


_OFFICIAL = frozenset(
    "postgres redis nginx rabbitmq mysql mariadb mongo memcached busybox alpine debian ubuntu python node golang traefik haproxy"
    " httpd elasticsearch kibana logstash vault consul registry docker influxdb telegraf zookeeper kafka minio valkey caddy".split()
)
_PUBLIC_OWNERS = frozenset(
    "library prom grafana bitnami bitnamilegacy otel jaegertracing hashicorp confluentinc apache elastic timescale pgvector minio"
    " prometheus prometheuscommunity openzipkin cloudflare istio envoyproxy kubernetes-sigs argoproj jetstack ingress-nginx mailhog"
    " axllent qdrant chromadb semitechnologies ollama localstack dpage sonarsource temporalio redis clickhouse victoriametrics certbot cloudrun mher"
    " opensearchproject nats-io keycloak zabbix datadog fluent curlimages alpine mcr dotnet azure-storage mssql neo4j".split()
)


def is_public_image(image: str) -> bool:
    """Tell whether an image reference names one of the well-known public images."""
    return is_public(image_path(image))


def is_public(path: str) -> bool:
    """Tell whether an image path is one of the well-known public ones, which no repository but their own builds."""
    owner, slash, _name = path.partition("/")
    return (path in _OFFICIAL) if not slash else owner in _PUBLIC_OWNERS
