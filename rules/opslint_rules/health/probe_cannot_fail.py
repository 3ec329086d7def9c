"""Health checks whose command succeeds whatever the service does."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    CfnResource,
    ComposeFile,
    Dockerfile,
    KubernetesObject,
    Meta,
    ProjectRule,
    TfBlock,
    dockerfile_probes,
    judge_check,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Probe, Reporter, Workload

_HAPPENS = {
    "never": "the container is reported healthy in every state",
    "process": "a process that hangs or lost its connections is still in the process table and stays healthy",
    "status": "an application that answers every request with an error stays healthy",
    "others": "a stuck worker passes while another one answers, and a healthy one fails with the broker",
}


_NOT_DEPLOYED = frozenset(("development", "ephemeral", "test"))


class ProbeCannotFail(ProjectRule):
    """A health check runs a command that cannot fail.

    What it finds
    -------------
    An exec probe, a compose `healthcheck` or a Dockerfile `HEALTHCHECK` that ends in success (`|| true`, `exit 0`, `echo`), asks
    the service nothing (`--version`, a Python program that only exits), only looks for a process (`ps`, `pgrep`), ignores the
    HTTP status (`curl` without `-f`), or is answered by any other instance (`celery inspect ping` without a destination).

    In production
    -------------
    A worker that hangs is never restarted, a version that cannot serve passes its rollout, and traffic goes to both.

    Bad:
        # file: k8s/worker.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: worker
        spec:
          selector: {matchLabels: {app: worker}}
          template:
            metadata: {labels: {app: worker}}
            spec:
              containers:
                - name: worker
                  image: registry.example.com/shop/worker:2.1.0
                  livenessProbe:
                    exec: # expect: probe-cannot-fail
                      command: ["python", "-c", "import sys; sys.exit(0)"]

    Bad:
        # file: Dockerfile
        FROM python:3.12-slim
        COPY app.py .
        HEALTHCHECK CMD curl http://localhost:8000/healthz || exit 1
        CMD ["python", "app.py"]

        expect: Dockerfile:3

    Good:
        # file: Dockerfile
        FROM python:3.12-slim
        COPY app.py .
        HEALTHCHECK CMD curl -f http://localhost:8000/healthz || exit 1
        CMD ["python", "app.py"]

    Exempt
    ------
    Commands that are not understood or whose quotes do not close (an instruction ends with its line); `curl` whose output or status code
    something looks at; scripts. A note only: the check of an image that only Kubernetes, ECS or development runs, or whose Compose services
    bring their own.

    Fix safety
    ----------
    None: what to check instead is a decision (`curl -f` where the check is an HTTP request).

    Authority
    ---------
    https://docs.docker.com/reference/dockerfile/#healthcheck
    """

    meta = Meta(
        "probe-cannot-fail",
        category="health",
        severity="error",
        confidence="high",
        authority="https://docs.docker.com/reference/dockerfile/#healthcheck",
        summary="A health check runs a command that cannot fail",
        help="Ask the running service: `curl -f` its health URL, or have the worker touch a file that the check tests for its age.",
    )
    needs = (ComposeFile, KubernetesObject, TfBlock, CfnResource, Dockerfile)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each written check once, over all workloads that have it."""
        found: dict[Loc, tuple[Probe, list[Workload]]] = {}
        names: dict[str, str] = {}
        for workload in model.workloads:
            for container in workload.containers:
                for probe in container.probes:
                    if probe.command is not None:
                        names.setdefault(workload.name, model.linked.name_of(workload, workload.containers[0]))
                        found.setdefault(probe.loc, (probe, []))[1].append(workload)
        for probe in dockerfile_probes(model):
            found.setdefault(probe.loc, (probe, []))
        unasked = _never_asked(model)
        for loc, (probe, workloads) in found.items():
            workloads.sort(key=lambda workload: "production" not in {tier_of(name) for name in workload.environments})
            self._judge(loc, probe, workloads, report, names, unasked.get(loc[0], "") if not workloads else "")

    def _judge(
        self, loc: Loc, probe: Probe, workloads: list[Workload], report: Reporter, names: dict[str, str], unasked: str
    ) -> None:
        judged = judge_check(probe.command or [], shell=probe.shell)
        if judged is None:
            return
        kind, what = judged
        role = "health" if probe.role == "healthcheck" else probe.role
        where = f"The {role} check of `{workloads[0].name}`" if workloads else "The image's health check"
        report(
            at=loc,
            message=f"{where} cannot notice a failure: {what}, so {unasked or _HAPPENS[kind]}",
            environments=sorted({name for workload in workloads for name in workload.environments}),
            key=kind,
            service=names[workloads[0].name] if workloads else None,
            severity="note" if unasked else None if kind == "never" else "warning",
            derived={path for workload in workloads for path in workload.files},
        )


def _never_asked(model: DeploymentModel) -> dict[str, str]:
    """Dockerfiles whose check none of the workloads that run the image asks, each with what would come of it where something did.

    Kubernetes, ECS and the like do not know an image's check; Compose replaces it by the service's own. What runs for development and
    tests only is no deployment.
    """
    asked: dict[str, bool] = {}
    for service in model.services:
        for workload, container in service.runs if service.dockerfile else ():
            tiers = {tier_of(name) for name in workload.environments}
            node = container.node
            takes = workload.platform == "compose" and not (tiers and tiers <= _NOT_DEPLOYED)
            takes = takes and (node is None or node.get("healthcheck") is None)
            if workload.platform != "dockerfile":
                asked[service.dockerfile] = asked.get(service.dockerfile, False) or takes
    why = "it would tell nothing where it is asked (what runs the image here does not ask it, or brings a check of its own)"
    return {path: why for path, takes in asked.items() if not takes}
