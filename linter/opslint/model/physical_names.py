"""What Terraform resources are really called, and how far a name reaches: which of two environments' resources would be one thing.

A bucket's name is unique in the world, a role's in its account, a queue's in its account and region. Where nothing says in which account an
environment lives, equal names prove nothing: then only what the rest of the same code does with its names can tell.
"""

from __future__ import annotations

from opslint.base.expression import walk
from opslint.base.masking import Masked
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known
from opslint.model.environment_names import ENVIRONMENT_NAMES
from opslint.model.environments import tier_of
from opslint.model.terraform_values import Shaped, as_text, plain, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Resource
    from opslint.model.terraform_roots import Root

WORLD, REGION, ACCOUNT = "world", "region", "account"

NAMED: dict[str, tuple[str, str]] = {
    "aws_cloudwatch_event_bus": ("name", REGION),
    "aws_cloudwatch_event_rule": ("name", REGION),
    "aws_cloudwatch_log_group": ("name", REGION),
    "aws_db_instance": ("identifier", REGION),
    "aws_dynamodb_table": ("name", REGION),
    "aws_ecs_cluster": ("name", REGION),
    "aws_eks_cluster": ("name", REGION),
    "aws_elasticache_cluster": ("cluster_id", REGION),
    "aws_elasticache_replication_group": ("replication_group_id", REGION),
    "aws_iam_policy": ("name", ACCOUNT),
    "aws_iam_role": ("name", ACCOUNT),
    "aws_iam_user": ("name", ACCOUNT),
    "aws_kinesis_stream": ("name", REGION),
    "aws_kms_alias": ("name", REGION),
    "aws_lambda_function": ("function_name", REGION),
    "aws_lb": ("name", REGION),
    "aws_rds_cluster": ("cluster_identifier", REGION),
    "aws_s3_bucket": ("bucket", WORLD),
    "aws_secretsmanager_secret": ("name", REGION),
    "aws_sfn_state_machine": ("name", REGION),
    "aws_sns_topic": ("name", REGION),
    "aws_sqs_queue": ("name", REGION),
    "aws_ssm_parameter": ("name", REGION),
    "azurerm_cosmosdb_account": ("name", WORLD),
    "azurerm_key_vault": ("name", WORLD),
    "azurerm_linux_function_app": ("name", WORLD),
    "azurerm_linux_web_app": ("name", WORLD),
    "azurerm_mssql_server": ("name", WORLD),
    "azurerm_postgresql_flexible_server": ("name", WORLD),
    "azurerm_redis_cache": ("name", WORLD),
    "azurerm_resource_group": ("name", ACCOUNT),
    "azurerm_servicebus_namespace": ("name", WORLD),
    "azurerm_storage_account": ("name", WORLD),
    "google_cloud_run_service": ("name", REGION),
    "google_cloud_run_v2_service": ("name", REGION),
    "google_container_cluster": ("name", REGION),
    "google_pubsub_subscription": ("name", ACCOUNT),
    "google_pubsub_topic": ("name", ACCOUNT),
    "google_secret_manager_secret": ("secret_id", ACCOUNT),
    "google_service_account": ("account_id", ACCOUNT),
    "google_sql_database_instance": ("name", ACCOUNT),
    "google_storage_bucket": ("name", WORLD),
}
"""Terraform type → the attribute that names the thing, and how far the name reaches (each provider's and service's reference)."""

_ACCOUNT_FIELDS = ("profile", "allowed_account_ids", "project", "subscription_id", "access_key", "credentials", "tenant_id")
_ROLE = ("assume_role", "role_arn")

_OWN_ARNS = frozenset("acm iam kms elasticloadbalancing rds sqs sns dynamodb secretsmanager ssm lambda ec2 states".split())
"""Services whose ARNs, in an environment's own value file, are of the environment's own account."""


class Place(Record):
    """Where a root creates things. `account` and `region` are "" where the repository does not say; `settings` are what its provider is told,
    None where some of that is not known: then it may be any account.
    """

    __slots__ = ("account", "region", "settings")
    account: str
    region: str
    settings: tuple[str, ...] | None


class Named(Record):
    """One resource of one environment with a known name. `reach` is how far the name reaches; `scope` within what it must be unique, "" where
    that is not known.
    """

    __slots__ = ("attribute", "environment", "loc", "name", "place", "reach", "resource", "root", "scope")
    attribute: str
    environment: str
    loc: Loc
    name: str
    place: Place
    reach: str
    resource: Resource
    root: Root
    scope: str


def named_resources(model: DeploymentModel) -> Iterator[Named]:
    """Yield the resources of applied roots whose names are known, for environments of one name each."""
    for root in model.terraform.roots:
        if not root.applied:
            continue
        place = place_of(root)
        for resource in model.terraform.resources_in(root, *NAMED):
            if not resource.uncertain and len(resource.environments) <= 1:
                attribute, reach = NAMED[resource.type]
                name = as_text(resource.get(attribute))
                if name:
                    where = _own_place(resource, place)
                    yield Named(
                        attribute=attribute,
                        environment=resource.environments[0] if resource.environments else "",
                        loc=resource.loc_of(attribute),
                        name=name.lower() if reach == WORLD else name,
                        place=where,
                        reach=reach,
                        resource=resource,
                        root=root,
                        scope=_scope(reach, where),
                    )


def _scope(reach: str, place: Place) -> str:
    if reach == WORLD:
        return WORLD
    if not place.account or (reach == REGION and not place.region):
        return ""
    return f"{place.account}/{place.region if reach == REGION else '*'}"


_ANYWHERE = Place(account="", region="", settings=None)


def _own_place(resource: Resource, place: Place) -> Place:
    """Return where one resource is created: a provider of another name, or a project of its own, is not the root's."""
    if resource.body.has("provider") or (resource.owner is not None and resource.owner.remapped):
        return _ANYWHERE
    project = resource.get("project")
    if project == ABSENT:
        return place
    text = as_text(project)
    return _ANYWHERE if text is None else place.replace(account=text, settings=(*(place.settings or ()), text))


def place_of(root: Root) -> Place:
    """Return where a root's own provider creates things."""
    if any(path.endswith("terragrunt.hcl") for path in root.files):
        # Terragrunt writes the provider.
        return _ANYWHERE
    account = region = ""
    settings: list[str] = []
    sure = True
    for body in root.providers:
        if body.has("alias"):
            continue
        for value in (*(body.get(name) for name in _ACCOUNT_FIELDS), body.get(*_ROLE)):
            found = plain(value)
            if isinstance(found, Known):
                settings.append(str(found.value))
            elif not isinstance(found, Absent):
                sure = False
        account = account or _account(
            body.get("allowed_account_ids"), body.get(*_ROLE), body.get("project"), body.get("subscription_id")
        )
        region = region or as_text(body.get("region")) or ""
    return Place(account=account or _account_of_values(root), region=region, settings=tuple(settings) if sure else None)


def _account(allowed: Value, role: Value, project: Value, subscription: Value) -> str:
    found = plain(allowed)
    if isinstance(found, Known) and isinstance(found.value, list) and len(found.value) == 1:
        return str(found.value[0])
    arn = as_text(role) or ""
    if arn.startswith("arn:") and arn.count(":") >= 5:
        return arn.split(":")[4]
    return as_text(project) or as_text(subscription) or ""


def _account_of_values(root: Root) -> str:
    """Return the account that the ARNs in a root's value files are of, when all of them are of one."""
    accounts: set[str] = set()
    for name, given in root.module.inputs.items():
        if given.loc[0] not in root.tfvars:
            continue
        value = settled(root.module.variable(name))
        if not isinstance(value, Known):
            continue
        if isinstance(value.value, Masked):
            if value.value.kind == "arn" and value.value.scheme.partition(":")[2] in _OWN_ARNS:
                accounts.add(value.value.host.rpartition(":")[2])
        elif isinstance(value.value, str) and value.value.startswith("arn:") and value.value.count(":") >= 5:
            parts = value.value.split(":")
            if parts[2] in _OWN_ARNS:
                accounts.add(parts[4])
    return accounts.pop() if len(accounts) == 1 else ""


def carries_environment(resource: Resource) -> bool:
    """Tell whether a resource's name is made of the environment's: a variable or local of that name, or the workspace."""
    attribute = NAMED[resource.type][0]
    found = resource.body.expression(attribute)
    if found is None:
        return False
    for part in walk(found[1]):
        if part[0] != "ref" or not part[2] or not isinstance(part[2][0], str):
            continue
        if part[1] in ("var", "local") and part[2][0] in ENVIRONMENT_NAMES:
            return True
        if part[1] == "terraform" and part[2][0] == "workspace":
            return True
    return False


def varies(left: Resource, right: Resource) -> bool:
    """Tell whether two instances of one resource have different names."""
    attribute = NAMED[left.type][0]
    a, b = settled(left.get(attribute)), settled(right.get(attribute))
    if isinstance(a, Known) and isinstance(b, Known):
        return bool(a.value != b.value)
    if isinstance(a, Shaped) and isinstance(b, Shaped):
        return a.literals != b.literals
    return False


def same_state(left: Root, right: Root) -> bool:
    """Tell whether two roots keep one state: then they are one set of resources, and that is the finding. A root that has the resources of
    several environments is no such pair.
    """
    if left is right:
        return False
    a = left.backend.state() if left.backend is not None else None
    b = right.backend.state() if right.backend is not None else None
    return a is not None and a == b


def apart(left: Root, right: Root) -> bool | None:
    """Tell whether two roots keep their states in different stores (as separate accounts do); None when that is not known."""
    if left.backend is None or right.backend is None:
        return False if left.backend is None and right.backend is None else None
    for name in ("bucket", "storage_account_name", "organization"):
        a, b = left.backend.get(name), right.backend.get(name)
        if a == ABSENT and b == ABSENT:
            continue
        x, y = as_text(a), as_text(b)
        if x is None or y is None:
            return None
        if x != y:
            return True
    return False


def tiers_of(found: list[Named]) -> list[str]:
    """Return the tiers of some resources, without what is shared, in order of first mention."""
    out: list[str] = []
    for item in found:
        tier = tier_of(item.environment) if item.environment else ""
        if tier and tier != "shared" and tier not in out:
            out.append(tier)
    return out
