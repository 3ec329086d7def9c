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
    TfBlock,
    Unknown,
    moving_tag,
    spelled,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import Container, DeploymentModel, Loc, Reporter, Workload

_LOCAL_TIERS = frozenset(("development", "test", "ephemeral"))


class MutableImageDeployed(ProjectRule):
    """A deployed image has a tag that moves.

    What it finds
    -------------
    A container of Kubernetes, ECS or a deployed compose file whose image is untagged, `latest`, or tagged with the name of a
    branch, a channel or an environment. Where a kustomization sets the tag, its `images:` entry is reported.

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
    without a tier that builds something or only starts backing services (it is for the workstation). `imagePullPolicy: Never`. A tag that a variable fills.

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
        """Judge each place that names an image once, over all workloads that take it from there."""
        found: dict[tuple[str, str], list[tuple[Workload, Container, str]]] = {}
        for deployment in model.deployments:
            built = _built_here(deployment.workloads)
            tierless = deployment.platform == "compose" and not deployment.environments
            local = tierless and (bool(built) or not _runs_own_code(model, deployment.workloads))
            for workload in deployment.workloads:
                tiers = {tier_of(name) for name in workload.environments}
                if local or (tiers and tiers <= _LOCAL_TIERS):
                    continue
                for container in workload.containers:
                    self._container(workload, container, built, found, report)
        for (_path, image), runs in found.items():
            runs.sort(key=lambda run: "production" not in {tier_of(name) for name in run[0].environments})
            self._report(model, image, runs, report)

    def _container(
        self,
        workload: Workload,
        container: Container,
        built: set[str],
        found: dict[tuple[str, str], list[tuple[Workload, Container, str]]],
        report: Reporter,
    ) -> None:
        node = container.node
        if container.build is not None or (node is not None and node.text("imagePullPolicy") == "Never"):
            return
        image = container.image
        if isinstance(image, Known):
            text, how = str(image.value), ""
        elif isinstance(image, Unknown):
            text, how = _default_of(container), "default"
            if not text:
                # `${repository.url}:latest`: where the image lies is not known, its tag is.
                text, how = spelled(image).replace("${…}", "…"), ""
                if ":" not in text.rpartition("/")[2]:
                    report.silent("the image is not known", container.image_loc)
                    return
        else:
            return
        tag = moving_tag(text, workload.environments)
        if tag is not None and text not in built:
            found.setdefault((container.image_loc[0], text), []).append((workload, container, how))

    def _report(self, model: DeploymentModel, image: str, runs: list[tuple[Workload, Container, str]], report: Reporter) -> None:
        workload, container, how = runs[0]
        tag = moving_tag(image, workload.environments)
        named = f"the tag `{tag}`, which moves" if ":" in image.rpartition("/")[2] else "no tag, which means `latest`"
        if how:
            named = f"`{tag}` unless the host sets another tag"
        loc, evidence = _place(model, container)
        for other, own, _how in runs[1:]:
            if own.image_loc not in (loc, *(place for place, _note in evidence)):
                evidence.append((own.image_loc, f"`{other.name}` runs it as well"))
        others = sorted({other.name for other, _container, _how in runs} - {workload.name})
        also = f" (and {', '.join(others)})" if others else ""
        report(
            at=loc,
            message=f"Image `{image}` of `{workload.name}`{also} has {named}: a rollback or a restart cannot bring back the version that ran",
            evidence=evidence[:6],
            environments=sorted({name for other, _container, _how in runs for name in other.environments}),
            key=image,
            service=workload.name,
            severity="warning" if how or _is_plain_compose(workload) else None,
            confidence="medium" if how else None,
            derived={path for other, _container, _how in runs for path in other.files},
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
    if model.environments.of_path(loc[0]) is not None:
        return loc, [(key.loc, "the container it replaces the image of")]
    return key.loc, [(loc, "no overlay sets another tag than this")]


def _is_plain_compose(workload: Workload) -> bool:
    return workload.platform == "compose" and not workload.environments


def _default_of(container: Container) -> str:
    """The image that ``${IMAGE:-name:tag}`` or ``name:${TAG:-tag}`` means when nobody sets the variable, else ""."""
    written = (container.node.text("image") if container.node is not None else None) or ""
    head, opened, rest = written.partition("${")
    inside, closed, tail = rest.partition("}")
    name, default_mark, default = inside.partition(":-")
    if not opened or not closed or not default_mark or "$" in tail + default + head or not name:
        return ""
    return head + default + tail
