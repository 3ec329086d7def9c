"""Workloads whose pods get traffic before they can answer, or whose hanging process nobody notices."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    ComposeFile,
    HelmChart,
    KubernetesObject,
    Meta,
    ProjectRule,
    Record,
    compose_gaps,
    selections,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Gap, Loc, Probe, Reporter, Workload

_KINDS = frozenset(("Deployment", "StatefulSet", "Rollout", "DaemonSet"))

_BUNDLE = 25
"""Objects in one file from which on it is a project's released installation, not written by hand (the largest hand-written: 14)."""


_SINGLE = 5
"""Findings a deployment may have for one lack: the last of them lists all further workloads as evidence."""


class ServiceWithoutReadiness(ProjectRule):
    """Pods behind a Service have no readiness probe, or a long-running workload has no probe at all.

    What it finds
    -------------
    A Deployment, StatefulSet, DaemonSet or Rollout that a Service selects and no container of which has a readiness probe; and one without a
    Service (a worker) that has no probe of any kind. In production and staging compose files: a worker or scheduler of a task queue without a
    `healthcheck`, where another service of the same code has one.

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

    Bad:
        # file: docker-compose.prod.yml
        services:
          web:
            build: .
            command: gunicorn shop.wsgi:application --bind 0.0.0.0:8000
            restart: always
            healthcheck:
              test: ["CMD", "curl", "-f", "http://localhost:8000/ready"]
          worker:  # expect: service-without-readiness
            build: .
            command: celery -A shop worker
            restart: always
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY shop shop
        # file: shop/__init__.py
        # file: shop/wsgi.py
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()

    Exempt
    ------
    Development compose files, compose services that are meant to end, images that bring a health check of their own. Jobs, headless Services
    (peers find each other before they are ready), workloads scaled to zero, files of other projects' releases (25 objects and more).
    Containers of images that are not built here are notes.

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
    needs = (KubernetesObject, HelmChart, ComposeFile)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each workload once, with every environment it stands in; many of one deployment together."""
        found = _once(_lacking(model))
        groups: dict[tuple[str, str, bool], list[list[_Lack]]] = {}
        for items in found.values():
            first = items[0]
            groups.setdefault((first.workload.deployment, first.what, first.own), []).append(items)
        for members in groups.values():
            for items in members[: _SINGLE - 1]:
                _report([items], report)
            if len(members) >= _SINGLE:
                _report(members[_SINGLE - 1 :], report)
        self._compose(model, report)

    @staticmethod
    def _compose(model: DeploymentModel, report: Reporter) -> None:
        groups: dict[str, list[Gap]] = {}
        for gap in compose_gaps(model):
            if gap.inherited is None and _is_deployed(gap):
                groups.setdefault(gap.workload.deployment, []).append(gap)
        for gaps in groups.values():
            first = gaps[0]
            lacks = (
                "has no health check of its own, while others of its code have one"
                if len(gaps) == 1
                else "have no health check of their own, while others of their code have one"
            )
            report(
                at=first.workload.loc,
                message=f"{_names([gap.workload for gap in gaps])} {lacks}: a worker that hangs stays up unnoticed",
                evidence=[
                    *((gap.workload.loc, f"`{gap.workload.name}` has none either") for gap in gaps[1:]),
                    (first.sibling, "this one has a health check"),
                ],
                environments=sorted({name for gap in gaps for name in gap.workload.environments}),
                key="compose",
                service=first.workload.name,
                derived=sorted({file for gap in gaps for file in (*gap.workload.files, *gap.start.files)}),
            )


class _Lack(Record):
    """What the containers of a workload lack: `what` is ``readiness`` or ``probe``; `own`: one of its images is built here."""

    __slots__ = ("own", "what", "workload")
    own: bool
    what: str
    workload: Workload


def _lacking(model: DeploymentModel) -> dict[Loc, list[_Lack]]:
    """Kubernetes workloads that lack a probe, by the place where they are written."""
    behind: set[int] = set()
    peers: set[int] = set()
    for selection in selections(model):
        if selection.kind == "Service":
            (peers if selection.headless else behind).update(id(node) for node in selection.taken)
    sizes: dict[str, int] = {}
    for fact in model.facts(KubernetesObject):
        sizes[fact.path] = sizes.get(fact.path, 0) + 1
    own = {id(container) for service in model.services if service.context or service.dockerfile for _w, container in service.runs}
    found: dict[Loc, list[_Lack]] = {}
    for workload in model.workloads:
        if workload.platform != "kubernetes" or workload.kind not in _KINDS or sizes.get(workload.loc[0], 0) >= _BUNDLE:
            continue
        served = id(workload.node) in behind
        roles = {probe.role for probe in _probes(workload)}
        lacks = "readiness" not in roles if served else not roles and id(workload.node) not in peers
        if lacks and getattr(workload.max_replicas, "value", 1) != 0:
            built = any(id(container) in own for container in workload.containers)
            found.setdefault(workload.loc, []).append(
                _Lack(own=built, what="readiness" if served else "probe", workload=workload)
            )
    return found


def _once(found: dict[Loc, list[_Lack]]) -> dict[Loc, list[_Lack]]:
    """Put a workload that is written out twice (a bundle beside its parts) where it stands first, unless environments tell them apart."""
    first: dict[tuple[object, ...], Loc] = {}
    kept: dict[Loc, list[_Lack]] = {}
    for loc, items in found.items():
        workload = items[0].workload
        identity = (workload.kind, workload.name, str(workload.namespace), items[0].what)
        place = loc if workload.environments else first.setdefault(identity, loc)
        kept.setdefault(place, []).extend(items)
    return kept


def _probes(workload: Workload) -> list[Probe]:
    return [probe for container in workload.containers if not container.init for probe in container.probes]


def _report(members: list[list[_Lack]], report: Reporter) -> None:
    first = members[0][0]
    workloads = [items[0].workload for items in members]
    one = len(members) == 1
    if first.what == "readiness":
        lacks = "has no readiness probe: its pods get" if one else "have no readiness probe: their pods get"
        harm = f"{lacks} requests before they can answer"
    else:
        harm = f"{'has' if one else 'have'} no probe: a process that hangs stays Running"
    evidence = []
    for number, workload in enumerate(workloads):
        if number:
            evidence.append((workload.loc, f"`{workload.name}` has none either"))
        evidence += [
            (other.workload.loc, "written out here as well")
            for other in members[number][1:]
            if other.workload.loc != workload.loc and not workload.environments
        ][:3]
        evidence += [
            (probe.loc, "this asks only whether to restart it") for probe in _probes(workload) if probe.role == "liveness"
        ][:1]
    report(
        at=first.workload.loc,
        message=f"{first.workload.kind if one else 'Workloads'} {_names(workloads)} {harm}",
        evidence=evidence,
        environments=sorted({name for items in members for item in items for name in item.workload.environments}),
        key=first.what,
        severity=None if first.own else "note",
        derived=sorted({file for items in members for item in items for file in item.workload.files}),
    )


def _names(workloads: list[Workload]) -> str:
    shown = ", ".join(f"`{workload.name}`" for workload in workloads[:3])
    return shown if len(workloads) < 4 else f"{shown} and {len(workloads) - 3} more"


def _is_deployed(gap: Gap) -> bool:
    """A production or staging deployment; where no tier is known, one whose services are told to stay up."""
    tiers = {tier_of(name) for name in gap.workload.environments}
    if tiers:
        return not tiers.isdisjoint(("production", "staging"))
    return gap.workload.pod.get("restart") is not None or gap.workload.pod.get("deploy") is not None
