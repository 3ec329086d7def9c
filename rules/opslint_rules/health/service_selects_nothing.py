"""Services and disruption budgets that select no pod, and Services that forward to a port nobody has."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, HelmChart, KubernetesObject, Meta, ProjectRule, port_mismatches, selections

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, PortMismatch, Reporter, Selection


class ServiceSelectsNothing(ProjectRule):
    """A Service's selector matches no pod, or its target port is a name that no container has.

    What it finds
    -------------
    A Service or PodDisruptionBudget whose selector matches no workload of its deployment although one of its name is there, and a Service
    whose `targetPort` none of the selected pods declares.

    In production
    -------------
    The Service has no endpoints: every request to it is refused, while all pods are healthy. A budget without pods protects nothing when a
    node is drained.

    Bad:
        # file: k8s/api.yaml
        apiVersion: v1
        kind: Service
        metadata:
          name: api
        spec:
          selector:
            app: api-server  # expect: service-selects-nothing
          ports:
            - port: 80
              targetPort: 8000
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

    Good:
        # file: k8s/api.yaml
        apiVersion: v1
        kind: Service
        metadata:
          name: api
        spec:
          selector:
            app: api
          ports:
            - port: 80
              targetPort: 8000
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

    Exempt
    ------
    Services without a selector, pods that are made by something outside the repository (operators), deployments that are not fully
    known.

    Fix safety
    ----------
    None: which of the two labels is right is not in the repository.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/services-networking/service/
    """

    meta = Meta(
        "service-selects-nothing",
        category="health",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/services-networking/service/",
        summary="A Service's selector matches no pod, or its target port is a name that no container has",
        help="Make the selector equal to the labels of the pod template, and the target port one that the container declares.",
    )
    needs = (KubernetesObject, HelmChart)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each selector and port once, with every environment it stands in."""
        found = selections(model)
        empty: dict[Loc, list[Selection]] = {}
        for selection in found:
            if selection.taken or selection.near is None:
                continue
            if selection.open:
                report.silent(selection.open, selection.loc)
            else:
                empty.setdefault(selection.loc, []).append(selection)
        for loc, items in empty.items():
            self._selector(loc, items, report)
        ports: dict[Loc, list[PortMismatch]] = {}
        for wrong in port_mismatches(found):
            ports.setdefault(wrong.loc, []).append(wrong)
        for loc, wrongs in ports.items():
            self._port(loc, wrongs, report)

    @staticmethod
    def _selector(loc: Loc, items: list[Selection], report: Reporter) -> None:
        first = items[0]
        assert first.near is not None
        workload, other, label = first.near
        what = (
            "has no endpoints: every request is refused" if first.kind == "Service" else "protects nothing when a node is drained"
        )
        report(
            at=loc,
            message=f"{first.kind} `{first.name}` selects no pod (label `{label}`): it {what}",
            evidence=[
                (other.loc, f"the pods of {workload.text('kind')} `{workload.text('metadata', 'name')}` have these labels")
            ],
            environments=sorted({name for item in items for name in item.deployment.environments}),
            key=label,
            derived=sorted({file for item in items for file in item.deployment.files}),
        )

    @staticmethod
    def _port(loc: Loc, wrongs: list[PortMismatch], report: Reporter) -> None:
        first = wrongs[0]
        # A name must be declared; a number need not be, so something may listen there all the same.
        harm = (
            "has: every request is refused"
            if first.named
            else "declares: unless something listens there all the same, every request is refused"
        )
        report(
            at=loc,
            message=f"Service `{first.selection.name}` forwards to port `{first.port}`, which no container of its pods {harm}",
            evidence=[(first.other, "the containers and their ports")],
            environments=sorted({name for item in wrongs for name in item.selection.deployment.environments}),
            key=first.port,
            confidence=None if first.named else "medium",
            derived=sorted({file for item in wrongs for file in item.selection.deployment.files}),
        )
