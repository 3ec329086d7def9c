"""One block that sets a variable twice, to different values."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    ComposeFile,
    DotenvFile,
    HelmChart,
    KubernetesObject,
    Meta,
    ProjectRule,
    Workflow,
    repeated_keys,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class EnvKeyDuplicated(ProjectRule):
    """A variable is set twice in one place, to different values.

    What it finds
    -------------
    A name that one dotenv file, one service of a compose file, the `env` list of one container (plain, kustomized or rendered from a
    chart), one ConfigMap, or one `env` block of a workflow sets twice with values that differ.

    Shape seen in: kpetremann/mqtt-exporter (a chart whose container lists a variable twice: the pod did not start). Silent shape seen in:
    open-telemetry/opentelemetry-demo (a base compose file and a second one that set the same names).

    In production
    -------------
    One of the two values is never used, and which one depends on the tool: the last wins in a dotenv file and in a list, a YAML mapping
    with two equal keys is refused by Compose, and server-side apply refuses the container. Whoever changes the other line changes nothing.

    Bad:
        # file: deploy/app.yaml
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
                    - name: POOL_SIZE
                      value: "20"
                    - name: LOG_LEVEL
                      value: info
                    - name: POOL_SIZE # expect: env-key-duplicated
                      value: "5"

    Good:
        # file: deploy/app.yaml
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
                    - name: POOL_SIZE
                      value: "20"
                    - name: LOG_LEVEL
                      value: info

    Exempt
    ------
    What a second file sets over a first on purpose: compose overrides, a later `env_file`, `env` over `envFrom`, YAML merge keys. The same
    value twice. A dotenv line that builds on the one before (`PATH=${PATH}:/opt/bin`). Example files. Values that are not known.

    Fix safety
    ----------
    None: which of the two is meant is not in the repository.

    Authority
    ---------
    https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/
    """

    meta = Meta(
        "env-key-duplicated",
        category="env",
        severity="error",
        confidence="high",
        authority="https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/",
        summary="A variable is set twice in one place, to different values",
        help="Keep the line whose value is meant and delete the other.",
    )
    needs = (ComposeFile, DotenvFile, HelmChart, KubernetesObject, Workflow)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report the later of two places."""
        for found in repeated_keys(model):
            report(
                at=found.loc,
                message=f"`{found.name}` has two values here: {found.where} twice, and only one of them is used",
                evidence=[(found.first, "it is set to another value here")],
                environments=found.environments,
                key=found.name,
                derived=found.files,
            )
