"""Several replicas that migrate the same database at once."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, Dockerfile, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, MigrationStart, Reporter


class MigrateOnStartWithReplicas(ProjectRule):
    """Every replica runs the migrations when it starts.

    What it finds:
        A start command, entrypoint script, init container, lifespan or start-up handler, or module imported at start,
        that migrates or calls `create_all`, in a workload with more than one replica, with autoscaling, or with several
        server processes; or in several workloads of one deployment.

    In production:
        A first start, a scale-out or a rollout that replaces several at once starts the replicas together. Two migrations take the
        same lock or create the same table; one fails and its pod restarts, or both run half. A crash loop then runs the migration
        again and again.

    Bad:
        # file: Dockerfile
        FROM python:3.12
        WORKDIR /app
        COPY . /app
        # file: manage.py
        import django
        # file: k8s/web.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          replicas: 3
          selector:
            matchLabels: {app: web}
          template:
            metadata:
              labels: {app: web}
            spec:
              initContainers:
                - name: migrate
                  image: registry.example.com/web:1.4.2
                  command: ["python", "manage.py", "migrate"]  # expect: migrate-on-start-with-replicas
              containers:
                - name: web
                  image: registry.example.com/web:1.4.2

    Good:
        # file: k8s/migrate.yaml
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: migrate
        spec:
          template:
            spec:
              restartPolicy: Never
              containers:
                - name: migrate
                  image: registry.example.com/web:1.4.2
                  command: ["python", "manage.py", "migrate"]

    Exempt:
        Jobs and hooks of Helm or Argo CD; one replica; code that takes an advisory lock first; migrations under a
        condition.

    Fix safety:
        Manual: move the migration into a Job, a release phase or a step of the pipeline.

    Authority:
        https://kubernetes.io/docs/concepts/workloads/pods/init-containers/
    """

    meta = Meta(
        "migrate-on-start-with-replicas",
        category="migrations",
        severity="error",
        confidence="high",
        summary="Every replica runs the migrations when it starts",
        help="Run the migration once: a Job or hook before the rollout, a release phase, or a pipeline step.",
        authority="https://kubernetes.io/docs/concepts/workloads/pods/init-containers/",
    )

    needs = (Dockerfile,)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each place that migrates once, whatever the number of workloads that come to it."""
        by_place: dict[object, list[MigrationStart]] = {}
        for start in model.migrations.starts:
            by_place.setdefault(start.loc, []).append(start)
        for starts in _of_one_pod(list(by_place.values())):
            most = max(starts, key=lambda start: start.copies)
            workloads = _together(starts)
            if most.copies > 1 and most.why is not None:
                self._report(most, starts, f"in each of {most.why[1]}: those that start at once", "error", report)
            elif len(workloads) > 1:
                names = ", ".join(f"`{start.workload.name}`" for start in workloads)
                self._report(workloads[0], workloads, f"and {names} start together and each runs it: they", "warning", report)

    def _report(self, start: MigrationStart, starts: list[MigrationStart], why: str, severity: str, report: Reporter) -> None:
        evidence = list(start.evidence)
        if start.why is not None:
            evidence.append((start.why[0], f"each of {start.why[1]} runs it"))
        evidence.extend((other.loc, f"`{other.tool}` runs here as well") for other in starts if other.loc != start.loc)
        for other in starts:
            if other.workload is not start.workload:
                evidence.append((other.container.loc, f"`{other.workload.name}` runs it too"))
        report(
            at=start.loc,
            message=f"`{start.tool}` runs at the start of `{start.workload.name}` {why} migrate the same database together.",
            evidence=list(dict.fromkeys(evidence))[:8],
            environments=sorted({name for other in starts for name in other.workload.environments}),
            service=start.service.name or None,
            severity=severity,
            key=start.tool,
            derived=sorted({path for other in starts for path in (*other.files, *other.workload.files)}),
        )


def _of_one_pod(places: list[list[MigrationStart]]) -> list[list[MigrationStart]]:
    """Bring places together that the same workload comes to (its init container and its entrypoint): one cause, shown once."""
    out: list[list[MigrationStart]] = []
    for starts in places:
        mine = {id(start.workload) for start in starts if start.copies > 1}
        held = next((other for other in out if mine & {id(start.workload) for start in other if start.copies > 1}), None)
        if held is None:
            out.append(list(starts))
        else:
            held.extend(starts)
    return out


def _together(starts: list[MigrationStart]) -> list[MigrationStart]:
    """The starts of the deployment that has most of them, one a workload."""
    groups: dict[str, dict[str, MigrationStart]] = {}
    for start in starts:
        groups.setdefault(start.workload.deployment, {}).setdefault(start.workload.name, start)
    return list(max(groups.values(), key=len).values()) if groups else []
