"""Errors and traces of two environments in one place, and nothing that tells them apart."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, ComposeFile, KubernetesObject, Kustomization, Meta, ProjectRule, Telemetry

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class TelemetryNotTaggedByEnv(ProjectRule):
    """Two environments report to one place without saying which of them they are.

    What it finds
    -------------
    Workloads of different environments that are given the same Sentry DSN while neither `SENTRY_ENVIRONMENT` is set nor does the code
    pass an `environment` that differs; the same `DD_SERVICE` without `DD_ENV`; the same `OTEL_SERVICE_NAME` and public endpoint
    without `deployment.environment` in `OTEL_RESOURCE_ATTRIBUTES` or in the code.

    Shape seen in: Aesgard-lab/New_crm (one `SENTRY_DSN` in the base that both overlays take; silent there, because each settings module
    passes its environment).

    In production
    -------------
    An alert goes off for an error that somebody made in staging, and the next real one is taken for staging's. Rates, budgets and
    dashboards count both.

    Bad:
        # file: base/kustomization.yaml
        resources: [web.yaml]
        # file: base/web.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
                - name: web
                  image: nginx:1.27
                  env:
                    - {name: DD_SERVICE, value: shop-web} # expect: telemetry-not-tagged-by-env
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
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
                - name: web
                  image: nginx:1.27
                  env:
                    - {name: DD_SERVICE, value: shop-web}
        # file: overlays/staging/kustomization.yaml
        namespace: shop-staging
        resources: [../../base]
        patches:
          - target: {kind: Deployment}
            patch: |-
              - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: DD_ENV, value: staging}}
        # file: overlays/production/kustomization.yaml
        namespace: shop
        resources: [../../base]
        patches:
          - target: {kind: Deployment}
            patch: |-
              - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: DD_ENV, value: production}}

    Exempt
    ------
    Values from secret stores (they may differ). Scopes that are open. Collectors inside each cluster, which may add the tag. Code in
    other languages than Python is not looked into: it is asked for Datadog only.

    Fix safety
    ----------
    None: the environment's name belongs into each environment's own manifest.

    Authority
    ---------
    https://opentelemetry.io/docs/specs/semconv/resource/deployment-environment/
    """

    meta = Meta(
        "telemetry-not-tagged-by-env",
        category="overlap",
        severity="warning",
        confidence="medium",
        authority="https://opentelemetry.io/docs/specs/semconv/resource/deployment-environment/",
        summary="Two environments report to one place without saying which of them they are",
        help="Set SENTRY_ENVIRONMENT, DD_ENV or deployment.environment (OTEL_RESOURCE_ATTRIBUTES) in each environment's manifest.",
    )
    needs = (KubernetesObject, Kustomization, ComposeFile)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each destination once."""
        telemetry = Telemetry(model)
        for found in telemetry.untagged():
            who = " and ".join(found.environments)
            where = {"Sentry": "project", "Datadog": "service"}.get(found.what, "service and endpoint")
            evidence = [*found.others]
            if found.code is not None:
                evidence.append((found.code, f"{found.what} is started here, without an environment that differs"))
            report(
                at=found.loc,
                message=f"{who} report to one {found.what} {where} (`{found.name}` of `{found.workload}`) and nothing sets `{found.missing}`",
                evidence=evidence[:6],
                environments=found.environments,
                key=f"{found.what}:{found.name}",
                derived={*found.files, *([found.code[0]] if found.code is not None else [])},
            )
        for reason, loc in telemetry.unclear:
            report.silent(reason, loc)
