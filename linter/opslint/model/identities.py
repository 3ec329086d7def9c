"""Identity-bearing values: what each environment uses or owns, side by side (model, section 5).

`model.identities` is the one list that questions of overlap are asked of, and what `opslint model` shows of hosts, stores, accounts and
names. Everything in it may be printed: `shown` is short and holds no secret, names that may not be shown are compared by digest only.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.model.environment_names import ENVIRONMENT_NAMES
from opslint.model.identity_shapes import EXCLUSIVE, GLOBAL, mode_shape, named_shape, shape_of
from opslint.model.terraform_values import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.model.identity_shapes import Shape
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Resource
    from opslint.model.terraform_roots import Root


class Identity(Record):
    """One thing that one environment uses or owns.

    `kind`: ``database slot vhost server queue topic table stream bus workflow bucket prefix secret`` (what data goes through), ``app`` (one
    deployment on a platform), ``state``, ``host ingress namespace account project vault role key function sender arn name``, and ``tier``
    and ``mode`` (a setting that says which environment this is, to infrastructure and to a process). `name` is the setting (variable,
    attribute) that holds it, `service` the workload it is given to ("" for a value file, a Terraform root, a manifest), `owned` True where
    the environment's own manifest declares the thing and False where a value refers to it.

    `scope` is what the name is unique in (`identity_shapes.GLOBAL`: the whole world; a server's address; an AWS account and region), None where
    that is not known: then nothing equals it. `account` and `region` are what is known of them, "" where nothing is. `digest` is keyed, over
    the normalised name; `shown` a short text for people ("" where the name may not be shown: use `name` then); `tiers` those that the
    name's own words say (``prod-db.example.com``). `loc` is where the value is written, `files` all files it rests on.
    """

    __slots__ = (
        "account",
        "digest",
        "environment",
        "files",
        "kind",
        "loc",
        "name",
        "owned",
        "region",
        "scope",
        "service",
        "shown",
        "tiers",
    )
    account: str
    digest: str
    environment: str
    files: list[str]
    kind: str
    loc: Loc
    name: str
    owned: bool
    region: str
    scope: str | None
    service: str
    shown: str
    tiers: list[str]

    @property
    def key(self) -> tuple[str, str, str] | None:
        """What two identities of one thing have in common; None when it is not known what the name is unique in."""
        return None if self.scope is None else (self.kind, self.scope, self.digest)

    @property
    def is_exclusive(self) -> bool:
        """Tell whether environments that have it share what is written to it (an account or an API's host is no such thing)."""
        return self.kind in EXCLUSIVE and self.scope is not None


def identities(model: DeploymentModel) -> list[Identity]:
    """Return what the named environments use and own: values first (in the order of `model.mentions`), then declared things."""
    seen: set[tuple[object, ...]] = set()
    out: list[Identity] = []
    for found in (*_of_values(model), *_of_objects(model), *_of_terraform(model), *_of_settings(model), *_of_states(model)):
        key = (found.environment, found.service, found.loc, found.name, found.kind, found.digest)
        if key not in seen:
            seen.add(key)
            out.append(found)
    return out


def _identity(
    shape: Shape, environment: str, files: list[str], loc: Loc, name: str, *, service: str = "", owned: bool = False
) -> Identity:
    return Identity(
        account=shape.account,
        digest=shape.digest,
        environment=environment,
        files=files,
        kind=shape.kind,
        loc=loc,
        name=name,
        owned=owned,
        region=shape.region,
        scope=shape.scope,
        service=service,
        shown=shape.shown,
        tiers=shape.tiers,
    )


def _of_values(model: DeploymentModel) -> Iterator[Identity]:
    for found in model.mentions:
        shape = found.joined or shape_of(found.name, found.value)
        if shape is not None:
            yield _identity(shape, found.environment, found.files, found.loc, found.name, service=found.service)


_HOST_LISTS = {"HTTPRoute": ("hostnames",), "GRPCRoute": ("hostnames",), "TLSRoute": ("hostnames",), "VirtualService": ("hosts",)}
"""Kind → the list of its spec that names the hosts it answers for (Gateway API, Istio)."""


def _of_objects(model: DeploymentModel) -> Iterator[Identity]:
    """Yield the namespaces and the public hosts of Kubernetes objects."""
    for deployment in model.deployments:
        if deployment.platform not in ("kubernetes", "helm", "kustomize") and not deployment.objects:
            continue
        for environment in deployment.environments:
            spaces: set[str] = set()
            for workload in deployment.workloads:
                space = workload.namespace.value if isinstance(workload.namespace, Known) else ""
                if space and space not in spaces:
                    spaces.add(space)
                    shape = named_shape("namespace", None, space)
                    yield _identity(shape, environment, deployment.files, workload.loc, "namespace", owned=True)
            for item in deployment.objects:
                for node in _hosts(item):
                    shape = named_shape("ingress", GLOBAL, node.text.lower())
                    yield _identity(shape, environment, deployment.files, node.loc, "host", owned=True)


def _hosts(item: Mapping) -> Iterator[Scalar]:
    kind = item.text("kind") or ""
    if kind == "Ingress":
        nodes = [rule.get("host") for rule in item.sequence("spec", "rules") if isinstance(rule, Mapping)]
    elif kind in _HOST_LISTS:
        nodes = list(item.sequence("spec", *_HOST_LISTS[kind]))
    else:
        return
    for node in nodes:
        if isinstance(node, Scalar) and node.masked is None and "." in node.text and not node.text.startswith("*"):
            yield node


RESOURCE_NAMES: dict[str, tuple[str, str]] = {
    "aws_s3_bucket": ("bucket", "bucket"),
    "aws_sqs_queue": ("queue", "name"),
    "aws_sns_topic": ("topic", "name"),
    "aws_dynamodb_table": ("table", "name"),
    "aws_kinesis_stream": ("stream", "name"),
    "aws_kinesis_firehose_delivery_stream": ("stream", "name"),
    "aws_cloudwatch_event_bus": ("bus", "name"),
    "aws_sfn_state_machine": ("workflow", "name"),
    "aws_db_instance": ("server", "identifier"),
    "aws_rds_cluster": ("server", "cluster_identifier"),
    "aws_elasticache_cluster": ("server", "cluster_id"),
    "aws_elasticache_replication_group": ("server", "replication_group_id"),
    "aws_secretsmanager_secret": ("secret", "name"),
    "aws_ssm_parameter": ("secret", "name"),
    "aws_iam_role": ("role", "name"),
    "aws_lambda_function": ("function", "function_name"),
    "aws_ecr_repository": ("repository", "name"),
    "aws_cloudwatch_log_group": ("logs", "name"),
    "aws_ecs_cluster": ("cluster", "name"),
    "aws_eks_cluster": ("cluster", "name"),
    "aws_route53_record": ("ingress", "name"),
    "google_storage_bucket": ("bucket", "name"),
    "google_pubsub_topic": ("topic", "name"),
    "google_pubsub_subscription": ("queue", "name"),
    "google_sql_database_instance": ("server", "name"),
    "google_redis_instance": ("server", "name"),
    "google_secret_manager_secret": ("secret", "secret_id"),
    "google_cloud_run_service": ("function", "name"),
    "google_cloud_run_v2_service": ("function", "name"),
    "google_container_cluster": ("cluster", "name"),
    "google_service_account": ("role", "account_id"),
    "google_bigquery_dataset": ("database", "dataset_id"),
    "azurerm_storage_account": ("bucket", "name"),
    "azurerm_servicebus_namespace": ("server", "name"),
    "azurerm_key_vault": ("vault", "name"),
    "azurerm_postgresql_flexible_server": ("server", "name"),
    "azurerm_mssql_server": ("server", "name"),
    "azurerm_redis_cache": ("server", "name"),
    "azurerm_container_registry": ("repository", "name"),
}
"""Terraform type → the kind of thing and the attribute that names it (each provider's reference)."""

_WORLD = frozenset(
    "aws_s3_bucket google_storage_bucket azurerm_storage_account azurerm_servicebus_namespace azurerm_key_vault"
    " azurerm_postgresql_flexible_server azurerm_mssql_server azurerm_redis_cache azurerm_container_registry aws_route53_record".split()
)
"""Types whose names are unique in the whole world: they are DNS names, or part of one."""

_NO_REGION = ("aws_iam_role",)


def _of_terraform(model: DeploymentModel) -> Iterator[Identity]:
    """Yield the declared resources of roots that belong to one environment, as far as their names are known."""
    for root in model.terraform.roots if model.has_cloud else ():
        if len(root.environments) != 1 or not root.applied:
            continue
        where = _provider(root)
        for resource in model.terraform.resources_in(root, *RESOURCE_NAMES):
            found = None if resource.uncertain else declared_shape(resource, *where)
            if found is not None:
                attribute = RESOURCE_NAMES[resource.type][1]
                loc = resource.loc_of(attribute)
                yield _identity(found, root.environments[0], resource.files, loc, resource.address, owned=True)


def declared_shape(resource: Resource, account: str, region: str) -> Shape | None:
    """Return what a Terraform resource is called, None when its name is not known; `account` and `region` are its provider's ("": unknown)."""
    kind, attribute = RESOURCE_NAMES[resource.type]
    name = as_text(resource.get(attribute))
    if not name:
        return None
    if resource.type in _WORLD:
        return named_shape(kind, GLOBAL, name.lower(), account=account, region=region)
    if resource.type in _NO_REGION:
        region = "*"
    if resource.type.startswith("google_"):
        account = as_text(resource.get("project")) or account
    scope = _scope(resource.type, account, region)
    return named_shape(kind, scope, name, account=account, region=region.strip("*"))


_SERVICES = {
    "aws_sqs_queue": "sqs",
    "aws_sns_topic": "sns",
    "aws_dynamodb_table": "dynamodb",
    "aws_kinesis_stream": "kinesis",
    "aws_lambda_function": "lambda",
}
"""Types of which ARNs and URLs in values speak too: the same scope lets the two meet."""


def _scope(kind: str, account: str, region: str) -> str | None:
    if not account or not region:
        return None
    return f"aws:{_SERVICES[kind]}:{region}:{account}" if kind in _SERVICES else f"{kind}:{region}:{account}"


def _provider(root: Root) -> tuple[str, str]:
    """Return the account (or project) and the region of a root's own provider, "" where they are not written in the repository."""
    account = region = ""
    for body in root.providers:
        if body.has("alias"):
            continue
        named = as_text(body.get("project")) or as_text(body.get("subscription_id"))
        allowed = body.get("allowed_account_ids")
        if named is None and isinstance(allowed, Known) and isinstance(allowed.value, list) and len(allowed.value) == 1:
            named = as_text(allowed.value[0])
        role = as_text(body.get("assume_role", "role_arn"))
        if named is None and role and role.startswith("arn:"):
            named = role.split(":")[4]
        account = account or named or ""
        region = region or as_text(body.get("region")) or ""
    return account, region


def _of_settings(model: DeploymentModel) -> Iterator[Identity]:
    """Yield what a root that belongs to one environment by its path or its value file is told its environment is."""
    for root in model.terraform.roots if model.has_cloud else ():
        if len(root.environments) != 1 or not root.applied:
            continue
        for name in ENVIRONMENT_NAMES:
            text = as_text(root.module.variable(name)) if name in root.module.variables else None
            shape = mode_shape("tier", text) if text else None
            if shape is not None:
                yield _identity(shape, root.environments[0], root.files, _set_at(root, name), name)


def _set_at(root: Root, name: str) -> Loc:
    """Return where a root's variable gets its value: in a value file, else its default."""
    given = root.module.inputs.get(name)
    if given is not None:
        return given.loc
    block = root.module.variables[name]
    return next(((block.path, at) for own, at, _expression in block.body[0] if own == "default"), block.loc)


def _of_states(model: DeploymentModel) -> Iterator[Identity]:
    for root in model.terraform.roots if model.has_cloud else ():
        state = root.backend.state() if root.backend is not None and root.applied else None
        if root.backend is None or state is None or len(root.environments) != 1:
            continue
        name = next((name for name in ("key", "prefix", "path") if root.backend.has(name)), "")
        loc = root.backend.loc_of(name) if name else root.backend.loc
        shape = named_shape("state", GLOBAL, "|".join(state)).replace(shown="/".join(part for part in state[1:] if part)[-60:])
        yield _identity(shape, root.environments[0], root.files, loc, name or "backend", owned=True)
