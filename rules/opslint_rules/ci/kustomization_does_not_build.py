"""Kustomizations that ``kustomize build`` refuses."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Kustomization, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Refused, Reporter


class KustomizationDoesNotBuild(ProjectRule):
    """`kustomize build` of a directory ends with an error: nothing of it can be deployed.

    What it finds
    -------------
    A patch of an object that is not among the resources, a JSON patch whose path is not there, a generator that merges with or replaces a
    ConfigMap or Secret that nothing makes, and two objects of one kind, name and namespace in one build.

    In production
    -------------
    The deploy of this environment stops before it has begun, for whoever changes anything in it next: usually in the middle of an
    incident. The error was merged because no pipeline builds this directory.

    Bad:
        # file: k8s/base/kustomization.yaml
        resources: [api.yaml]
        # file: k8s/base/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          template:
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.4.2
                  readinessProbe: {httpGet: {path: /ready, port: 8000}}
        # file: k8s/overlays/production/kustomization.yaml
        resources: [../../base]
        configMapGenerator:
          - name: settings  # expect: kustomization-does-not-build
            behavior: merge
            literals: [LOG_LEVEL=info]

    Good:
        # file: k8s/base/kustomization.yaml
        resources: [api.yaml]
        configMapGenerator:
          - name: settings
            literals: [LOG_LEVEL=debug]
        # file: k8s/base/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          template:
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.4.2
                  readinessProbe: {httpGet: {path: /ready, port: 8000}}
        # file: k8s/overlays/production/kustomization.yaml
        resources: [../../base]
        configMapGenerator:
          - name: settings
            behavior: merge
            literals: [LOG_LEVEL=info]

    Exempt
    ------
    Builds with a part that is not in the repository (remote bases, files git ignores, Helm charts, plugins): whether they work is not
    known here. A patch with a `target` that matches nothing: kustomize passes over it.

    Fix safety
    ----------
    None: whether the patch or what it names is wrong is not in the repository.

    Authority
    ---------
    https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
    """

    meta = Meta(
        "kustomization-does-not-build",
        category="ci",
        severity="error",
        confidence="high",
        authority="https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/",
        summary="`kustomize build` of a directory ends with an error: nothing of it can be deployed",
        help="Run `kustomize build` on every overlay in each pull request, and correct what it names.",
    )
    needs = (Kustomization,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each directory once: kustomize stops at the first error."""
        deployments = model.deployments
        found: dict[str, list[Refused]] = {}
        for refused in model.kustomizer.refused:
            found.setdefault(refused.directory, []).append(refused)
        for directory, items in found.items():
            first = items[0]
            own = model.kustomizer.by_directory[directory].path
            using = [item for item in deployments if item.key.startswith("kustomize:") and own in item.files]
            evidence = [(item.loc, f"then this: {item.message}") for item in items[1:]]
            report(
                at=first.loc,
                message=f"`kustomize build {directory or '.'}` ends with an error, so that none of it can be deployed: {first.message}",
                evidence=evidence,
                environments=sorted({name for item in using for name in item.environments}),
                key=directory,
                derived=sorted({own, *(path for item in using for path in item.files)}),
            )
