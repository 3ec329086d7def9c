"""Images whose tag moves."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    CfnResource,
    ComposeFile,
    Known,
    KubernetesObject,
    Meta,
    ProjectRule,
    Record,
    TfBlock,
    Unknown,
    is_public_image,
    moving_tag,
    rewrites_image,
    spelled,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import Container, DeploymentModel, Loc, Reporter, Workload

_LOCAL_TIERS = frozenset(("development", "test", "ephemeral"))
MOST_EVIDENCE = 40
"""Places that one finding shows; a deployment of more moving images is mended by the same decision."""


class _Run(Record):
    """One container whose image has a moving tag. `default`: only unless the host sets another; `scripted`: scripts here set it."""

    __slots__ = ("container", "default", "image", "scripted", "severity", "tag", "workload")
    container: Container
    default: bool
    image: str
    scripted: bool
    severity: str | None
    tag: str
    workload: Workload


class MutableImageDeployed(ProjectRule):
    """A deployed image has a tag that moves.

    What it finds
    -------------
    A container of Kubernetes, ECS or a deployed compose file whose image is untagged, `latest`, or tagged with the name of a
    branch, a channel or an environment. Where a kustomization sets the tag, its `images:` entry is reported; where a chart's
    values do, the value. The images of one directory of manifests, or of one compose combination, are one finding at the first.

    In production
    -------------
    A rollback to "the previous version" starts the same tag and gets the broken image again. Two replicas started an hour
    apart run different code, and a restarted node deploys a version nobody released.

    Bad:
        # file: k8s/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:latest # expect: mutable-image-deployed

    Good:
        # file: k8s/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.14.2

    Exempt
    ------
    A digest. Development, test and preview environments. An image that the same compose file builds, and a compose file
    without a tier that builds something or only starts backing services (it is for the workstation); beside the project's own
    images, others' in such a file are a note, and so are a bare Pod and
    a public image of no tier. `lifecycle { ignore_changes = [image_uri] }`, or `[task_definition]` of an ECS service whose
    revisions a pipeline registers: the deployment sets it.
    `imagePullPolicy: Never`. A tag that a variable fills; with a moving default that a script or pipeline here replaces, it is a note; so is
    an image whose line in the manifests one rewrites (`kustomize edit set image`, `sed` on `image:`).

    Fix safety
    ----------
    None: which version is deployed is a decision.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/containers/images/#image-names
    """

    meta = Meta(
        "mutable-image-deployed",
        category="rollback",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/containers/images/#image-names",
        summary="A deployed image has a tag that moves",
        help="Deploy an immutable tag (a version or the commit) or a digest, `image: name:1.14.2` or `name@sha256:…`.",
    )
    needs = (ComposeFile, KubernetesObject, TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each place that names an image once, and report the images of one deployment together."""
        found: dict[tuple[str, str], list[_Run]] = {}
        for deployment in model.deployments:
            built = _built_here(deployment.workloads)
            tierless = deployment.platform == "compose" and not deployment.environments
            local = tierless and (bool(built) or not _runs_own_code(model, deployment.workloads))
            for workload in deployment.workloads:
                tiers = {tier_of(name) for name in workload.environments}
                if local or (tiers and tiers <= _LOCAL_TIERS):
                    continue
                for container in workload.containers:
                    run = self._judge(model, workload, container, built, report)
                    if run is not None:
                        found.setdefault((container.image_loc[0], run.image), []).append(run)
        groups: dict[tuple[str, str], list[list[_Run]]] = {}
        for runs in found.values():
            runs.sort(key=lambda run: "production" not in {tier_of(name) for name in run.workload.environments})
            groups.setdefault((_cause(model, runs[0]), runs[0].severity or ""), []).append(runs)
        for images in groups.values():
            self._report(model, images, report)

    def _judge(
        self, model: DeploymentModel, workload: Workload, container: Container, built: set[str], report: Reporter
    ) -> _Run | None:
        node = container.node
        if container.build is not None or (node is not None and node.text("imagePullPolicy") == "Never"):
            return None
        image = container.image
        default = False
        if isinstance(image, Known):
            text = str(image.value)
        elif isinstance(image, Unknown):
            text, default = _default_of(container), True
            if not text:
                # `${repository.url}:latest`: where the image lies is not known, its tag is.
                text, default = spelled(image).replace("${…}", "…"), False
                if ":" not in text.rpartition("/")[2]:
                    report.silent("the image is not known", container.image_loc)
                    return None
        else:
            return None
        tag = moving_tag(text, workload.environments)
        if tag is None or text in built:
            return None
        severity = None
        if _is_plain_compose(workload):
            severity = "warning" if _is_own(model, container) else "note"
        elif workload.kind == "Pod" and not workload.environments:
            severity = "note"  # a bare pod is tried out: no controller restarts it elsewhere or rolls it back
        elif not workload.environments and (is_public_image(text) or (_is_on_hub(text) and not _is_own(model, container))):
            severity = "note"  # somebody else's image, somewhere that nothing says is production
        elif default:
            severity = "warning"
        scripted = default and _variable_of(container) in model.scripted_names
        scripted = scripted or (not default and workload.platform == "kubernetes" and rewrites_image(model, text))
        if scripted:
            severity = "note"  # whoever follows the scripts gets a tag that they compute
        return _Run(
            container=container, default=default, image=text, scripted=scripted, severity=severity, tag=tag, workload=workload
        )

    def _report(self, model: DeploymentModel, images: list[list[_Run]], report: Reporter) -> None:
        """Report the first image of one deployment, with its other uses and the other images as evidence."""
        first = images[0][0]
        workload, image = first.workload, first.image
        named = f"the tag `{first.tag}`, which moves" if ":" in image.rpartition("/")[2] else "no tag, which means `latest`"
        if first.scripted:
            named = f"the tag `{first.tag}` until a script or pipeline here rewrites it"
        if first.default:
            named = f"`{first.tag}` unless {'a script here' if first.scripted else 'the host'} sets another tag"
        loc, evidence = _place(model, first.container)
        for run in images[0][1:]:
            if run.container.image_loc not in (loc, *(place for place, _note in evidence)):
                evidence.append((run.container.image_loc, f"`{run.workload.name}` runs it as well"))
        evidence = evidence[:6]
        for runs in images[1:]:
            place = _place(model, runs[0].container)[0]
            if place != loc:
                evidence.append((place, f"`{runs[0].image}` of `{runs[0].workload.name}` moves as well"))
        others = sorted({run.workload.name for run in images[0]} - {workload.name})
        also = f" (and {', '.join(others)})" if others else ""
        more = f"; {len(images) - 1} more of this deployment move as well" if len(images) > 1 else ""
        every = [run for runs in images for run in runs]
        report(
            at=loc,
            message=f"Image `{image}` of `{workload.name}`{also} has {named}: a rollback or a restart cannot bring back the version that ran{more}",
            evidence=evidence[:MOST_EVIDENCE],
            environments=sorted({name for run in every for name in run.workload.environments}),
            key=image,
            service=model.linked.name_of(workload, first.container),
            severity=first.severity,
            confidence="medium" if first.default else None,
            derived={path for run in every for path in run.workload.files},
        )


def _runs_own_code(model: DeploymentModel, workloads: list[Workload]) -> bool:
    """Tell whether some image is, or may be, one that the repository builds; else it is a stack of backing services to develop with."""
    services = {id(container): service for service in model.services for _workload, container in service.runs}
    owners = [services[id(container)] for workload in workloads for container in workload.containers if id(container) in services]
    return any(service.dockerfile or "may be built" in service.unlinked for service in owners)


def _built_here(workloads: list[Workload]) -> set[str]:
    """The images that the services of one compose deployment build; "" stands for one without a name."""
    built: set[str] = set()
    for workload in workloads:
        for container in workload.containers:
            if workload.platform == "compose" and container.build is not None:
                built.add(str(container.image.value) if isinstance(container.image, Known) else "")
    return built


def _place(model: DeploymentModel, container: Container) -> tuple[Loc, list[tuple[Loc, str]]]:
    """Where an image is decided: an overlay's `images:` entry, else the container's own line (with the entry as evidence)."""
    loc = container.image_loc
    key = container.node.key("image") if container.node is not None else None
    if key is None or key.loc[0] == loc[0]:
        return loc, []
    if model.files[loc[0]].kind == "helm-values":
        return loc, [(key.loc, "the template that takes it")]
    if model.environments.of_path(loc[0]) is not None:
        return loc, [(key.loc, "the container it replaces the image of")]
    return key.loc, [(loc, "no overlay sets another tag than this")]


def _cause(model: DeploymentModel, run: _Run) -> str:
    """What one decision mends: the images of a directory of manifests, of a compose combination, of an overlay or root."""
    if run.workload.platform == "kubernetes":
        return _place(model, run.container)[0][0].rpartition("/")[0]
    return run.workload.deployment


def _is_own(model: DeploymentModel, container: Container) -> bool:
    """Tell whether an image is, or may be, one that the repository builds."""
    for service in model.services:
        if any(own is container for _workload, own in service.runs):
            return bool(service.dockerfile) or "may be built" in service.unlinked
    return False


def _is_on_hub(image: str) -> bool:
    """Tell whether an image reference names no registry host, which means Docker Hub."""
    host, slash, _rest = image.partition("/")
    return not slash or not ("." in host or ":" in host or host == "localhost")


def _is_plain_compose(workload: Workload) -> bool:
    return workload.platform == "compose" and not workload.environments


def _variable_of(container: Container) -> str:
    """The variable of ``name:${TAG:-tag}``."""
    written = (container.node.text("image") if container.node is not None else None) or ""
    return written.partition("${")[2].partition(":-")[0]


def _default_of(container: Container) -> str:
    """The image that ``${IMAGE:-name:tag}`` or ``name:${TAG:-tag}`` means when nobody sets the variable, else ""."""
    written = (container.node.text("image") if container.node is not None else None) or ""
    head, opened, rest = written.partition("${")
    inside, closed, tail = rest.partition("}")
    name, default_mark, default = inside.partition(":-")
    if not opened or not closed or not default_mark or "$" in tail + default + head or not name:
        return ""
    return head + default + tail
