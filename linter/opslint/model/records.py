"""The nouns of the deployment model that rules meet."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.tree import Mapping
    from opslint.base.value import Value

TIERS = ("production", "staging", "development", "test", "ephemeral", "shared")


class Environment(Record):
    """A place where the system runs: a tier and, where there are several of one tier, an instance. `name` is ``tier[/instance]``."""

    __slots__ = ("instance", "name", "tier")
    instance: str | None
    name: str
    tier: str


class EnvEntry(Record):
    """One variable that a manifest sets. `value` is `Known(Masked)`, `Secret(ref)` or `Unknown`.

    `origin` says what set it (``environment``, ``env_file .env``, ``ConfigMap app``, ``ENV``…); `required_host` is True for
    a name passed through from the host.
    """

    __slots__ = ("loc", "name", "origin", "value")
    loc: Loc
    name: str
    origin: str
    value: Value


class Probe(Record):
    """One health check.

    `role`: ``liveness readiness startup`` (Kubernetes), ``healthcheck`` (compose, Docker, ECS), ``target-group``.
    `method`: ``http tcp exec grpc``. `path` is Known text for http (for exec, of the URL it requests, else Absent); `port` Known int or
    str (a port name). `command` are the exec words (None where not an exec probe), `shell` whether a shell runs it.
    Times in seconds, as the platform reads them with its defaults.
    """

    __slots__ = (
        "command",
        "delay",
        "failures",
        "loc",
        "method",
        "path",
        "path_loc",
        "period",
        "port",
        "role",
        "shell",
        "timeout",
    )
    command: list[str] | None
    delay: float
    failures: int
    loc: Loc
    method: str
    path: Value
    path_loc: Loc
    period: float
    port: Value
    role: str
    shell: bool
    timeout: float


class Container(Record):
    """One container of a workload.

    `image` is Known text or Unknown (Absent when it is only built here). `build` is (context, Dockerfile path, target or "") when
    a compose file builds it; of a packaged function it is (directory of its code, "", ""), and `args` its handler.
    `command`/`args` in Kubernetes' sense (compose: entrypoint/command); None: the image's own.
    `open_reasons` name the sources of variables that could not be read: any makes the scope open, with its place.
    `ports` maps a port name (or its number as text) to the number the container listens on.
    """

    __slots__ = (
        "args",
        "build",
        "command",
        "entries",
        "image",
        "image_loc",
        "init",
        "loc",
        "name",
        "node",
        "open_reasons",
        "ports",
        "probes",
    )
    args: list[str] | None
    build: tuple[str, str, str] | None
    command: list[str] | None
    entries: list[EnvEntry]
    image: Value
    image_loc: Loc
    init: bool
    loc: Loc
    name: str
    node: Mapping | None
    open_reasons: list[tuple[str, Loc]]
    ports: dict[str, int]
    probes: list[Probe]


class Workload(Record):
    """Something that runs containers, in one deployment.

    `platform`: ``kubernetes compose ecs lambda cloudrun processes`` (a Procfile's and the like); `kind`: the object's own (``Deployment``, ``CronJob``,
    ``service``…). `deployment` is the key of the combination of manifests it came from; `files` are all files of that combination
    that this workload was derived from; `environments` the names it runs in ([]: the one unnamed environment). `replicas` and `max_replicas`
    Known int or Unknown. `node` is the object's (merged, rendered) tree, `pod` the pod spec or compose service.
    """

    __slots__ = (
        "containers",
        "deployment",
        "environments",
        "files",
        "kind",
        "loc",
        "max_replicas",
        "name",
        "namespace",
        "node",
        "platform",
        "pod",
        "replicas",
    )
    containers: list[Container]
    deployment: str
    environments: list[str]
    files: list[str]
    kind: str
    loc: Loc
    max_replicas: Value
    name: str
    namespace: Value
    node: Mapping
    platform: str
    pod: Mapping
    replicas: Value


class Deployment(Record):
    """Manifests that one command combines: compose files, a kustomization, a chart with its values, a Terraform root, plain manifests.

    `key` is stable and readable (``compose:docker-compose.yml+docker-compose.prod.yml``, ``kustomize:k8s/overlays/prod``,
    ``helm:chart@values-prod.yaml``, ``manifests:k8s``). `objects` are Kubernetes objects (trees). `open_reasons` as in Container.
    """

    __slots__ = ("environments", "files", "key", "loc", "objects", "open_reasons", "platform", "workloads")
    environments: list[str]
    files: list[str]
    key: str
    loc: Loc
    objects: list[Mapping]
    open_reasons: list[tuple[str, Loc]]
    platform: str
    workloads: list[Workload]


class Entry(Record):
    """How a container starts repository code.

    `role`: ``web worker beat cron migrate command``. `modules` are project paths of entry modules; `words` the
    unwrapped command; `server` the server program (``gunicorn``, ``uvicorn``, ``celery``…, else ""); `loc` where the command is written;
    `files` every file read to find it (Dockerfile, entrypoint scripts).
    """

    __slots__ = ("app", "files", "loc", "modules", "role", "server", "words")
    app: str
    files: list[str]
    loc: Loc
    modules: list[str]
    role: str
    server: str
    words: list[str]


class Service(Record):
    """Code that is built once and run somewhere: its containers over all deployments, its build and its entries.

    `runs` are (workload, container) pairs. `dockerfile` and `context` are project paths ("" when not built here).
    `entries` are per run in the same order as `runs`. `unlinked` says why code questions are Unknown, "" when linked.
    """

    __slots__ = ("context", "dockerfile", "entries", "name", "runs", "unlinked")
    context: str
    dockerfile: str
    entries: list[list[Entry]]
    name: str
    runs: list[tuple[Workload, Container]]
    unlinked: str


class BlindSpot(Record):
    """Something the model could not know: a stable `kind` (``format-not-read``, ``service-not-linked``…), what, and the configuration that would help."""

    __slots__ = ("help", "kind", "loc", "message")
    help: str
    kind: str
    loc: Loc
    message: str
