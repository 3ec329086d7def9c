"""Workloads whose pods get traffic before they can answer, or whose hanging process nobody notices."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, HelmChart, KubernetesObject, Meta, ProjectRule, selections

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Workload

_KINDS = frozenset(("Deployment", "StatefulSet", "Rollout", "DaemonSet"))

_BUNDLE = 25
"""Objects in one file from which on it is a project's released installation, not written by hand (the largest hand-written: 14)."""


class ServiceWithoutReadiness(ProjectRule):
    """Pods behind a Service have no readiness probe, or a long-running workload has no probe at all.

    What it finds
    -------------
    A Deployment, StatefulSet, DaemonSet or Rollout that a Service selects and no container of which has a readiness probe; and one without a
    Service (a worker) that has no probe of any kind.

    In production
    -------------
    A starting pod gets requests before it listens: every deploy drops some. A worker that hangs stays "Running" until somebody looks.

    Bad:
        # file: k8s/api.yaml
        apiVersion: v1
        kind: Service
        metadata:
          name: api
        spec:
          selector: {app: api}
          ports: [{port: 80, targetPort: 8000}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api  # expect: service-without-readiness
        spec:
          selector:
            matchLabels: {app: api}
          template:
            metadata:
              labels: {app: api}
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.4.2
                  ports: [{containerPort: 8000}]

    Good:
        # file: k8s/api.yaml
        apiVersion: v1
        kind: Service
        metadata:
          name: api
        spec:
          selector: {app: api}
          ports: [{port: 80, targetPort: 8000}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          selector:
            matchLabels: {app: api}
          template:
            metadata:
              labels: {app: api}
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.4.2
                  ports: [{containerPort: 8000}]
                  readinessProbe:
                    httpGet: {path: /ready, port: 8000}

    Exempt
    ------
    Jobs, headless Services (peers find each other before they are ready), workloads scaled to zero, files of other projects' releases
    (25 objects and more). Containers of images that are not built here are notes.

    Fix safety
    ----------
    None: what tells that the service can work is not in the manifest.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """

    meta = Meta(
        "service-without-readiness",
        category="health",
        severity="warning",
        confidence="medium",
        authority="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        summary="Pods behind a Service have no readiness probe, or a long-running workload has no probe at all",
        help="Give the container a readiness probe on a path that answers when the service can work; give a worker a liveness probe.",
    )
    needs = (KubernetesObject, HelmChart)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each workload once, with every environment it runs in."""
        behind: set[int] = set()
        peers: set[int] = set()
        for selection in selections(model):
            if selection.kind == "Service":
                (peers if selection.headless else behind).update(id(node) for node in selection.taken)
        sizes: dict[str, int] = {}
        for fact in model.facts(KubernetesObject):
            sizes[fact.path] = sizes.get(fact.path, 0) + 1
        own = {
            id(container) for service in model.services if service.context or service.dockerfile for _w, container in service.runs
        }
        found: dict[Loc, list[tuple[Workload, bool]]] = {}
        for workload in model.workloads:
            if workload.platform != "kubernetes" or workload.kind not in _KINDS or sizes.get(workload.loc[0], 0) >= _BUNDLE:
                continue
            served = id(workload.node) in behind
            roles = {probe.role for container in workload.containers if not container.init for probe in container.probes}
            lacks = "readiness" not in roles if served else not roles and id(workload.node) not in peers
            if lacks and getattr(workload.max_replicas, "value", 1) != 0:
                found.setdefault(workload.loc, []).append((workload, served))
        for loc, items in found.items():
            workload, served = items[0]
            what = (
                "has no readiness probe: its pods get requests before they can answer"
                if served
                else "has no probe: a process that hangs stays Running"
            )
            report(
                at=loc,
                message=f"{workload.kind} `{workload.name}` {what}",
                environments=sorted({name for other, _served in items for name in other.environments}),
                severity=None if any(id(container) in own for container in workload.containers) else "note",
                derived=sorted({file for other, _served in items for file in other.files}),
            )
