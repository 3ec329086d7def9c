"""One secret value for staging and production."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    ComposeFile,
    DotenvFile,
    KubernetesObject,
    Mapping,
    Meta,
    ProjectRule,
    Scalar,
    holds_secret,
    tier_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.api import DeploymentModel, Loc, Reporter

_READ_ONLY_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg", "kubernetes.io/tls")


class _Use:
    __slots__ = ("environments", "files", "locs", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.environments: set[str] = set()
        self.locs: list[Loc] = []
        self.files: set[str] = set()


class SecretSharedAcrossEnvironments(ProjectRule):
    """Production and another environment are given the same secret value.

    What it finds
    -------------
    A key of a Kubernetes Secret, or a secret variable of dotenv files, compose files and containers, that has one literal value in
    production and in another tier: the base's value that no overlay replaces, or the same text in both files.

    Shapes seen in: 00AstroGit00/DeepaBMS (a base Secret), 00-Aryan/Procurement-AI- (two compose files), 31RahulPatel/fintech-app (the
    password in the Deployment of the base). Silent shape seen in: 0-Phoenix-0/E-commerce-Website-3d-Design (the host gives each its own).

    In production
    -------------
    A token signed in staging is valid in production; whoever can read the staging database's password can read production's.
    Rotating it in one place breaks the other.

    Bad:
        # file: k8s/base/secret.yaml
        apiVersion: v1
        kind: Secret
        metadata:
          name: api
        stringData:
          SECRET_KEY: not-so-secret # expect: secret-shared-across-environments

        # file: k8s/base/kustomization.yaml
        resources:
          - secret.yaml

        # file: k8s/overlays/staging/kustomization.yaml
        resources:
          - ../../base

        # file: k8s/overlays/production/kustomization.yaml
        resources:
          - ../../base

    Good:
        # file: k8s/base/kustomization.yaml
        resources: []

        # file: k8s/overlays/staging/kustomization.yaml
        resources:
          - ../../base
        secretGenerator:
          - name: api
            literals:
              - SECRET_KEY=only-staging

        # file: k8s/overlays/production/external-secret.yaml
        apiVersion: external-secrets.io/v1
        kind: ExternalSecret
        metadata:
          name: api

        # file: k8s/overlays/production/kustomization.yaml
        resources:
          - ../../base
          - external-secret.yaml

    Exempt
    ------
    Empty values, registry credentials, TLS secrets, user names and other values that are no secret by their name.

    Fix safety
    ----------
    None: the other value is not in the repository, and should not be.

    Authority
    ---------
    https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html
    """

    meta = Meta(
        "secret-shared-across-environments",
        category="overlap",
        severity="warning",
        confidence="medium",
        authority="https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
        summary="Production and another environment are given the same secret value",
        help="Take the value out of the base and give each environment its own, from a secret store or a generator per overlay.",
    )
    needs = (KubernetesObject, DotenvFile, ComposeFile)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Group the secret values by name and digest, and report those of production that another tier has too."""
        uses: dict[tuple[str, str], _Use] = {}
        for name, digest, loc, environments, files in (*_of_secrets(model), *_of_values(model)):
            use = uses.setdefault((name, digest), _Use(name))
            use.environments.update(environments)
            use.files.update(files)
            if loc not in use.locs:
                use.locs.append(loc)
        owners: dict[str, list[_Use]] = {}
        for use in uses.values():
            tiers = {tier_of(name) for name in use.environments} - {"shared"}
            if "production" in tiers and len(tiers) > 1:
                owners.setdefault(use.locs[0][0], []).append(use)
        for shared in owners.values():
            self._report(shared, report)

    def _report(self, shared: list[_Use], report: Reporter) -> None:
        """Report the values of one file together: it is one file that was not split."""
        first = shared[0]
        names = ", ".join(f"`{use.name}`" for use in shared[:4]) + (" …" if len(shared) > 4 else "")
        environments = sorted({name for use in shared for name in use.environments})
        evidence = [(loc, f"{use.name}: the same value") for use in shared for loc in use.locs if loc != first.locs[0]]
        report(
            at=first.locs[0],
            message=f"{names} {'has' if len(shared) == 1 else 'have'} one value in {' and '.join(environments)}",
            evidence=evidence[:12],
            environments=environments,
            key=first.name,
            derived={path for use in shared for path in use.files},
        )


def _of_secrets(model: DeploymentModel) -> Iterator[tuple[str, str, Loc, list[str], list[str]]]:
    for deployment in model.deployments:
        if not deployment.environments:
            continue
        secrets = [item for item in deployment.objects if item.text("kind") == "Secret"]
        names = [_name(item) for item in secrets]
        for item in secrets:
            # Of two with one name, a base's and one generated from a file that is not here, it is not known which is deployed.
            if item.text("type") in _READ_ONLY_TYPES or names.count(_name(item)) > 1:
                continue
            for section in ("stringData", "data"):
                values = item.mapping(section)
                for key, node in values.pairs if isinstance(values, Mapping) else ():
                    held = node.masked if isinstance(node, Scalar) else None
                    if held is not None and (held.kind == "url" or (held.kind != "empty" and holds_secret(key.text))):
                        yield key.text, held.digest, key.loc, deployment.environments, deployment.files


def _name(item: Mapping) -> str | None:
    metadata = item.mapping("metadata")
    return metadata.text("name") if metadata is not None else None


def _of_values(model: DeploymentModel) -> Iterator[tuple[str, str, Loc, list[str], list[str]]]:
    """Yield the literal credentials of dotenv files and of variables that manifests set themselves (not through a Secret)."""
    for found in model.mentions:
        if holds_secret(found.name) and found.value.kind == "text":
            yield found.name, found.value.digest, found.loc, [found.environment], found.files
