"""Keys of ConfigMaps and Secrets that a container asks for and the object does not have."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, KubernetesObject, Meta, MissingKey, ProjectRule, missing_keys

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter


class ConfigmapKeyMissing(ProjectRule):
    """A container asks for a key that the ConfigMap or Secret does not have.

    What it finds
    -------------
    A `configMapKeyRef` or `secretKeyRef` whose object is defined in the same deployment, with all its keys known, and this key
    not among them.

    In production
    -------------
    The pod never starts: `CreateContainerConfigError`, and the rollout hangs until its deadline.

    Shape met in a real repository: the database's manifest takes `POSTGRES_PASSWORD` from the application's Secret
    (Arcane-Fly/Z2, `k8s/base/postgres.yaml`), here with the key taken out of the Secret.

    Bad:
        # file: k8s/app.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: shop}
        data: {MODE: fast}
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
                    - name: QUEUE # expect: configmap-key-missing
                      valueFrom: {configMapKeyRef: {name: shop, key: QUEUE}}

    Good:
        # file: k8s/app.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: shop}
        data: {MODE: fast, QUEUE: orders}
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
                    - name: QUEUE
                      valueFrom: {configMapKeyRef: {name: shop, key: QUEUE}}

    Exempt
    ------
    `optional: true`. Objects whose keys are not all known (templates, an ExternalSecret with `dataFrom`), objects without any key
    (something fills them), Secrets of a type that a controller fills (service account tokens, certificates).

    Fix safety
    ----------
    None: the value is not known.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/configuration/configmap/#restrictions
    """

    meta = Meta(
        "configmap-key-missing",
        category="env",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/configuration/configmap/",
        summary="A container asks for a key that the ConfigMap or Secret does not have",
        help="Add the key to the object, correct its name, or mark the reference `optional: true`.",
        status="preview",
    )
    needs = (KubernetesObject,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each reference once, with all deployments it fails in."""
        found: dict[tuple[Loc, str], list[MissingKey]] = {}
        for missing in missing_keys(model):
            found.setdefault((missing.loc, missing.key), []).append(missing)
        for (loc, key), uses in found.items():
            first = uses[0]
            report(
                at=loc,
                message=f"{first.kind} `{first.name}` has no key `{key}`: the pods of `{first.workload.name}` never start",
                evidence=[(first.object_loc, f"{first.kind} `{first.name}` is defined here")],
                environments=sorted({name for use in uses for name in use.workload.environments}),
                key=f"{first.name}/{key}",
                derived={path for use in uses for path in use.workload.files},
            )
