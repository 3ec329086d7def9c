"""Deployments that keep no earlier version to go back to."""

from __future__ import annotations

from opslint.api import (
    ABSENT,
    TYPE_CHECKING,
    CfnResource,
    KubernetesObject,
    Meta,
    ProjectRule,
    Scalar,
    TfBlock,
    as_text,
    published_functions,
    settled,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Resource

_VERSIONS = (
    "aws_lambda_alias",
    "aws_lambda_provisioned_concurrency_config",
    "aws_codedeploy_deployment_group",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
)
_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


class NoRevisionHistory(ProjectRule):
    """A deploy replaces the version before it without keeping it.

    What it finds
    -------------
    A Kubernetes workload with `revisionHistoryLimit` 0 or 1; a Lambda function without `publish`, alias or version (a note).

    In production
    -------------
    `kubectl rollout undo` has nothing to undo to, the function has only `$LATEST`. The way back is to build and deploy an old
    commit, in the middle of the outage.

    Bad:
        # file: k8s/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          replicas: 2
          revisionHistoryLimit: 0 # expect: no-revision-history
          selector:
            matchLabels: {app: api}
          template:
            metadata:
              labels: {app: api}
            spec:
              containers:
                - name: api
                  image: registry.example.com/api:1.4.2

    Good:
        # file: k8s/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          replicas: 2
          revisionHistoryLimit: 5
          selector:
            matchLabels: {app: api}
          template:
            metadata:
              labels: {app: api}
            spec:
              containers:
                - name: api
                  image: registry.example.com/api:1.4.2

    Exempt
    ------
    Development, test and ephemeral environments, and what a template's condition leaves out of production; functions of which
    a pipeline or script publishes versions (counted); functions at an edge, which always publish; hooks of
    CodeDeploy. The functions of one file are one finding.

    Fix safety
    ----------
    None here: deleting `revisionHistoryLimit` restores the default of 10.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy
    """

    meta = Meta(
        "no-revision-history",
        category="rollback",
        severity="warning",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy",
        summary="A deploy replaces the version before it without keeping it",
        help="Leave `revisionHistoryLimit` out (10) or set at least 3; for Lambda set `publish = true` and call an alias.",
    )
    needs = (KubernetesObject, TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge Kubernetes objects and functions, each place once."""
        self._objects(model, report)
        if model.has_cloud:
            self._functions(model, report)

    def _objects(self, model: DeploymentModel, report: Reporter) -> None:
        places: dict[Loc, tuple[str, str, set[str], set[str]]] = {}
        for deployment in model.deployments:
            for item in deployment.objects:
                limit = item.get("spec", "revisionHistoryLimit")
                if item.text("kind") not in _KINDS or not isinstance(limit, Scalar) or limit.text not in ("0", "1"):
                    continue
                spec = item.mapping("spec")
                key = spec.key("revisionHistoryLimit") if spec is not None else None
                name = item.text("metadata", "name") or ""
                entry = places.setdefault((key or limit).loc, (name, limit.text, set(), set()))
                entry[2].update(deployment.environments or [""])
                entry[3].update(deployment.files)
        for loc, (name, limit_text, environments, files) in places.items():
            if not _is_local(environments):
                report(
                    at=loc,
                    message=f"`{name}` keeps {limit_text} old revision{'' if limit_text == '1' else 's'}: there is nothing to roll back to",
                    environments=sorted(environments - {""}),
                    key=name,
                    derived=files,
                )

    def _functions(self, model: DeploymentModel, report: Reporter) -> None:
        places: dict[Loc, list[Resource]] = {}
        published = published_functions(model) if model.resources.functions else []
        for function in model.resources.functions:
            if model.resources.spares_production(function.resource):
                continue
            name = as_text(settled(function.name))
            if published and (name is None or "" in published or name in published):
                report.silent("a pipeline publishes versions of functions", function.resource.loc)
                continue
            if not _is_local(set(function.resource.environments or [""])) and not model.resources.is_hook(function.resource):
                places.setdefault(function.resource.loc, []).append(function.resource)
        by_file: dict[str, list[list[Resource]]] = {}
        for loc, resources in places.items():
            if all(_keeps_none(model, resource) for resource in resources):
                by_file.setdefault(loc[0], []).append(resources)
        for functions in by_file.values():
            first, *others = functions
            alone = all(model.resources.is_uncalled(resource) for resources in functions for resource in resources)
            uncalled = "; no root of this repository calls this module" if alone else ""
            everything = [resource for resources in functions for resource in resources]
            report(
                at=first[0].loc,
                message=f"Function `{first[0].name}` is deployed without version or alias: only `$LATEST` exists to run{uncalled}",
                evidence=[(resources[0].loc, f"`{resources[0].name}` likewise") for resources in others[:12]],
                environments=sorted({name for resource in everything for name in resource.environments}),
                key=first[0].address,
                severity="note",
                confidence="medium",
                derived={path for resource in everything for path in resource.files},
            )


def _is_local(environments: set[str]) -> bool:
    return all(tier_of(name) in ("development", "test", "ephemeral") for name in environments)


def _keeps_none(model: DeploymentModel, resource: Resource) -> bool:
    for name in ("publish", "AutoPublishAlias"):
        value = settled(resource.get(name))
        if value != ABSENT and as_text(value) != "false":
            return False
    return not any(user.type in _VERSIONS for user in model.resources.referenced_by(resource))
