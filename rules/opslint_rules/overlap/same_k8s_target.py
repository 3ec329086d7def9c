"""Two environments in one place of Kubernetes."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, HelmChart, KubernetesObject, Kustomization, Meta, ProjectRule, Targets

if TYPE_CHECKING:
    from opslint.api import Clash, DeploymentModel, Reporter


class SameK8sTarget(ProjectRule):
    """Two environments serve one host, or write the same workload of one namespace.

    What it finds
    -------------
    Overlays, charts with their values or manifests of different environments that are built, rendered and then compared: an Ingress,
    HTTPRoute, VirtualService or external-dns name with the same host and path in both; a workload of the same kind, name and namespace
    in both, where it is known that both are in one cluster (one Argo CD destination, a namespace called after one of the two
    environments, a third environment with a namespace of its own beside it).

    Shape seen in: AlexJ-StL/myUSDCarbitrage (the base's Ingress host, which no overlay replaces). Silent shape seen in: DevOps-Boot/fastapi-k8s
    (a host for each environment in its values).

    In production
    -------------
    A host leads to one of the two: the controller refuses the second, or one takes the other's requests, or its certificate fails to renew. Of a
    workload only one exists: deploying staging replaces production's pods, image and variables.

    Bad:
        # file: base/kustomization.yaml
        resources: [web.yaml]
        # file: base/web.yaml
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: web}
        spec:
          rules:
            - host: shop.acme.io # expect: same-k8s-target
              http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        # file: overlays/staging/kustomization.yaml
        namespace: shop-staging
        resources: [../../base]
        # file: overlays/production/kustomization.yaml
        namespace: shop
        resources: [../../base]

    Good:
        # file: base/kustomization.yaml
        resources: [web.yaml]
        # file: base/web.yaml
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: web}
        spec:
          rules:
            - host: shop.acme.io
              http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        # file: overlays/staging/kustomization.yaml
        namespace: shop-staging
        resources: [../../base]
        patches:
          - target: {kind: Ingress, name: web}
            patch: |-
              - {op: replace, path: /spec/rules/0/host, value: staging.shop.acme.io}
        # file: overlays/production/kustomization.yaml
        namespace: shop
        resources: [../../base]

    Exempt
    ------
    Two instances of one tier. Hosts that mean something else in each network (`.local`, `.internal`, no dot), wildcards, hosts to be
    filled in (`your-domain.com`). Workloads of clusters that are known to be two; where that is not known, they are counted.

    Fix safety
    ----------
    None: which name or namespace the environment should have is not in the repository.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
    """

    meta = Meta(
        "same-k8s-target",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
        summary="Two environments serve one host, or write the same workload of one namespace",
        help="Give each environment a host and a namespace of its own, in its overlay or values.",
        status="preview",
    )
    needs = (KubernetesObject, Kustomization, HelmChart)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each shared place once."""
        targets = Targets(model)
        for clash in targets.clashes():
            self._report(clash, report)
        for loc in targets.unclear:
            report.silent("whether two environments with one namespace are in one cluster is not known", loc)

    def _report(self, clash: Clash, report: Reporter) -> None:
        deployments = [clash.upper, clash.lower, *clash.others]
        environments = sorted({name for item in deployments for name in item.environments})
        who = " and ".join(environments)
        shown = ", ".join(f"`{name}`" for name in clash.names[:3]) + (
            f" and {len(clash.names) - 3} more" if len(clash.names) > 3 else ""
        )
        upper = clash.upper.environments[0]
        if clash.what == "host":
            message = f"{who} serve the same host {shown}: one of them is refused or never reached"
            evidence = [(clash.upper_loc, f"{upper} serves it from here")] if clash.upper_loc != clash.loc else []
            evidence += [
                (item.loc, f"{item.environments[0]} is built here and keeps the host")
                for item in deployments
                if item.loc != clash.loc
            ]
        else:
            message = f"{who} write {shown} in one namespace `{clash.place}` ({clash.why}): each deploy replaces the other's"
            evidence = [(clash.upper_loc, f"{upper} writes it, too")] if clash.upper_loc != clash.loc else []
            evidence += [
                (item.loc, f"{item.environments[0]} is built here")
                for item in deployments
                if item.loc not in (clash.loc, clash.upper_loc)
            ]
        report(
            at=clash.loc,
            message=message,
            evidence=evidence[:6],
            environments=environments,
            key=f"{clash.what}:{clash.place if clash.what == 'workload' else clash.names[0]}",
            derived={path for item in deployments for path in item.files},
        )
