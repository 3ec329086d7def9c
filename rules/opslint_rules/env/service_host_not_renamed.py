"""Host names in values that a kustomization's prefix does not reach."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, KubernetesObject, Meta, ProjectRule, StaleHost, stale_hosts, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter

_LESS = frozenset(("development", "test", "ephemeral"))


class ServiceHostNotRenamed(ProjectRule):
    """A value names a Service that the overlay renames.

    What it finds
    -------------
    A variable (in a ConfigMap, Secret or `env:`) whose host is a Service of the same kustomization under its name in the base,
    where `namePrefix` or `nameSuffix` gives that Service another name and no Service keeps the old one. kustomize changes names in
    the fields it knows as references, never inside values.

    Shape seen in: AlexBoyev/OmniMind (a ConfigMap of the base); right in argoproj/argocd-example-apps (a prefix, and no host by name).

    In production
    -------------
    The host does not exist in the namespace: every connection fails with a name that cannot be resolved, or reaches the Service
    of another environment where one happens to have that name.

    Shape met in a real repository: `DATABASE_URL: postgresql://…@postgres:5432/…` in the base's ConfigMap, `namePrefix: prod-` in the
    overlay (Arcane-Fly/Z2, `k8s/`).

    Bad:
        # file: base/app.yaml
        apiVersion: v1
        kind: Service
        metadata: {name: cache}
        spec: {selector: {app: cache}, ports: [{port: 6379}]}
        ---
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
                    - name: REDIS_URL # expect: service-host-not-renamed
                      value: redis://cache:6379/0
        # file: base/kustomization.yaml
        resources: [app.yaml]
        # file: overlays/production/kustomization.yaml
        resources: [../../base]
        namePrefix: prod-

    Good:
        # file: base/app.yaml
        apiVersion: v1
        kind: Service
        metadata: {name: cache}
        spec: {selector: {app: cache}, ports: [{port: 6379}]}
        ---
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
                      value: redis://cache:6379/0
        # file: base/kustomization.yaml
        resources: [app.yaml]
        # file: overlays/production/kustomization.yaml
        resources: [../../base]
        namespace: prod

    Exempt
    ------
    Hosts with a dot (another namespace, another cluster). A Service that keeps the old name in the same kustomization. Values
    that an overlay replaces.

    Fix safety
    ----------
    None: name the environments by namespace instead of a prefix, or replace the value in each overlay.

    Authority
    ---------
    https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/nameprefix/
    """

    meta = Meta(
        "service-host-not-renamed",
        category="env",
        severity="error",
        confidence="high",
        authority="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/nameprefix/",
        summary="A value names a Service that the overlay renames",
        help="Set the value in each overlay, use `replacements`, or separate environments by namespace instead of by prefix.",
    )
    needs = (KubernetesObject,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each overlay's values once: one prefix is one cause."""
        by_value: dict[tuple[Loc, str], list[StaleHost]] = {}
        for stale in stale_hosts(model):
            by_value.setdefault((stale.entry_loc, stale.old), []).append(stale)
        by_cause: dict[tuple[str, ...], list[list[StaleHost]]] = {}
        for uses in by_value.values():
            by_cause.setdefault(tuple(sorted({use.workload.deployment for use in uses})), []).append(uses)
        for values in by_cause.values():
            values.sort(key=lambda uses: (uses[0].entry_loc[0], str(uses[0].entry_loc[1]).rjust(8)))
            _report(values, report)


def _report(values: list[list[StaleHost]], report: Reporter) -> None:
    uses = [use for value in values for use in value]
    judged = [use for use in values[0] if not {tier_of(name) for name in use.workload.environments} & _LESS] or values[0]
    first = judged[0]
    evidence: dict[Loc, str] = {first.service_loc: f"this Service becomes `{first.new}`"}
    for value in values[1:]:
        evidence.setdefault(value[0].entry_loc, f"`{value[0].name}` names `{value[0].old}`, which becomes `{value[0].new}`")
    for use in judged:
        evidence.setdefault(use.container.loc, f"`{use.workload.name}` gets the value here")
    others = f" (and {len(values) - 1} more values like it)" if len(values) > 1 else ""
    report(
        at=first.entry_loc,
        message=f"`{first.name}` names the Service `{first.old}`, which is called `{first.new}` there: the host cannot be resolved{others}",
        evidence=[(place, note) for place, note in evidence.items() if place != first.entry_loc][:8],
        environments=sorted({name for use in uses for name in use.workload.environments}),
        key=f"{first.name} {first.old}",
        derived={path for use in uses for path in use.workload.files},
    )
