"""Addresses of the developer's machine that a deployed container gets."""

from __future__ import annotations

from opslint.api import (
    BACKING_PORTS,
    TYPE_CHECKING,
    ComposeFile,
    Known,
    KubernetesObject,
    Meta,
    ProjectRule,
    Secret,
    TfBlock,
    is_local,
    port_of,
    scheme_of,
    secret_values,
    served_beside,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import Container, DeploymentModel, EnvEntry, Loc, Masked, Reporter, Workload

_NOT_JUDGED = frozenset(("development", "test", "ephemeral"))
_OWN = ("BIND", "LISTEN", "HEALTH", "ALLOWED", "NO_PROXY", "ADMIN", "STATUS", "METRICS", "CONTROL", "INTERNAL_IP")


class DeployedValueIsDevelopment(ProjectRule):
    """A deployed container is pointed at itself.

    What it finds
    -------------
    A value in a ConfigMap, Secret, `env:` or task definition of a cluster, or in a compose file for production or staging, that
    names a database, broker, cache or peer at `localhost`, where nothing in the same pod listens.

    Shape seen in: AIgen-Solutions-s-r-l/application-workflow-service (a base Secret); right in Canepro/rocketchat-k8s-deployment (a
    sidecar beside its database).

    In production
    -------------
    In a container `localhost` is the container itself: every connection is refused, at the start or at the first request.

    Shape met in a real repository: a base Secret whose three connection strings were copied from the developer's `.env` and that
    every overlay takes (AIgen-Solutions-s-r-l/application-workflow-service, `k8s/base/secret.yaml`).

    Bad:
        # file: k8s/production/app.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: shop}
        spec:
          selector: {matchLabels: {app: shop}}
          template:
            metadata: {labels: {app: shop}}
            spec:
              containers:
                - name: shop
                  image: registry.example.net/shop:1.4.2
                  env:
                    - name: REDIS_URL # expect: deployed-value-is-development
                      value: redis://localhost:6379/0

    Good:
        # file: k8s/production/app.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: shop}
        spec:
          selector: {matchLabels: {app: shop}}
          template:
            metadata: {labels: {app: shop}}
            spec:
              containers:
                - name: shop
                  image: registry.example.net/shop:1.4.2
                  env:
                    - name: REDIS_URL
                      value: redis://localhost:6379/0
                - name: redis
                  image: redis:7.4
                  ports: [{containerPort: 6379}]

    Exempt
    ------
    Another container of the pod that listens on the port or that declares no ports (a proxy), the container's own port, the
    host's network. Addresses to listen on, to allow, or of the container's own metrics. Environments for development and tests,
    compose files that name no environment. Values that are not known.

    Fix safety
    ----------
    None: the right address is not known.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking
    """

    meta = Meta(
        "deployed-value-is-development",
        category="env",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking",
        summary="A deployed container is pointed at itself",
        help="Name the host that serves it in this environment, or leave the key to the secret store of each environment.",
    )
    needs = (KubernetesObject, ComposeFile, TfBlock)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge the variables of every container of a cluster; the place a value is written at is one finding."""
        secrets = secret_values(model)
        found: dict[Loc, list[tuple[Workload, Container, EnvEntry, Masked]]] = {}
        for workload in model.workloads:
            tiers = {tier_of(name) for name in workload.environments}
            if (
                workload.platform == "dockerfile"
                or (tiers and tiers <= _NOT_JUDGED)
                or (workload.platform == "compose" and not tiers)
            ):
                continue
            for container in workload.containers:
                for entry in {entry.name: entry for entry in container.entries}.values():
                    loc, value = _value(entry, secrets)
                    if value is not None and is_local(value) and _is_elsewhere(entry.name, value, workload, container):
                        found.setdefault(loc, []).append((workload, container, entry, value))
        for loc, uses in found.items():
            workload, container, entry, value = uses[0]
            environments = sorted({name for use in uses for name in use[0].environments})
            evidence: dict[Loc, str] = {}
            for use in uses:
                evidence.setdefault(use[1].loc, f"`{use[0].name}` gets it here")
            what = f"{value.scheme}://{value.host}" if value.scheme else value.host
            report(
                at=loc,
                message=f"`{entry.name}` points `{workload.name}` at {what}: in its container that is itself, and nothing in the pod listens there",
                evidence=[(place, note) for place, note in evidence.items() if place != loc][:6],
                environments=environments,
                key=entry.name,
                derived={path for use in uses for path in use[0].files},
            )


def _value(entry: EnvEntry, secrets: dict[str, tuple[Loc, Masked]]) -> tuple[Loc, Masked | None]:
    if isinstance(entry.value, Known):
        return entry.loc, entry.value.value
    if isinstance(entry.value, Secret) and entry.value.ref in secrets:
        return secrets[entry.value.ref]
    return entry.loc, None


def _is_elsewhere(name: str, value: Masked, workload: Workload, container: Container) -> bool:
    """Tell whether what a local address names cannot be in this container nor beside it."""
    upper = name.upper()
    if upper in ("HOST", "HOSTNAME", "SERVER_NAME") or any(word in upper for word in _OWN):
        return False
    port = port_of(value)
    if value.kind == "host" and port is None and not upper.endswith(("_HOST", "_SERVER", "_HOSTNAME", "_ADDR", "_ADDRESS")):
        return False
    backing = scheme_of(value) in BACKING_PORTS
    if not backing and (port is None or not container.ports or port in container.ports.values()):
        return False
    return not served_beside(workload, container, value)
