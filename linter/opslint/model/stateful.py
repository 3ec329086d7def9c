"""Resources that hold data, and what a destroy or replace would do to them.

Defaults of the providers: `google_sql_database_instance`, `google_spanner_database`, `google_bigtable_instance` and
`google_container_cluster` are protected unless `deletion_protection = false`; AWS and Azure resources are not protected
(Terraform provider documentation).
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Secret, Unknown
from opslint.model.resource_queries import name_tokens
from opslint.model.resource_records import Stateful
from opslint.model.terraform_eval import truth
from opslint.model.terraform_values import as_text, settled

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Resource


class Guard(Record):
    """How one resource type is protected.

    `flags` are attribute paths of which one true protects; `by_default`: the first is true when nothing sets it; `harms` are attribute
    paths whose true value destroys data whatever protects it; `label` names the type in messages.
    """

    __slots__ = ("by_default", "flags", "harms", "label")
    by_default: bool
    flags: tuple[tuple[str, ...], ...]
    harms: tuple[tuple[str, ...], ...]
    label: str


def _guard(label: str, *flags: str, harms: tuple[str, ...] = (), by_default: bool = False) -> Guard:
    return Guard(
        by_default=by_default,
        flags=tuple(tuple(flag.split(".")) for flag in flags),
        harms=tuple(tuple(harm.split(".")) for harm in harms),
        label=label,
    )


_SNAPSHOT = ("skip_final_snapshot",)

GUARDS: dict[str, Guard] = {
    "aws_db_instance": _guard("database", "deletion_protection", harms=_SNAPSHOT),
    "aws_rds_cluster": _guard("database cluster", "deletion_protection", harms=_SNAPSHOT),
    "aws_docdb_cluster": _guard("database cluster", "deletion_protection", harms=_SNAPSHOT),
    "aws_neptune_cluster": _guard("database cluster", "deletion_protection", harms=_SNAPSHOT),
    "aws_redshift_cluster": _guard("data warehouse", harms=_SNAPSHOT),
    "aws_dynamodb_table": _guard("table", "deletion_protection_enabled", "point_in_time_recovery.enabled"),
    "aws_efs_file_system": _guard("file system"),
    "aws_opensearch_domain": _guard("search domain"),
    "aws_elasticsearch_domain": _guard("search domain"),
    "google_sql_database_instance": _guard("database", "deletion_protection", by_default=True),
    "google_spanner_database": _guard("database", "deletion_protection", "enable_drop_protection", by_default=True),
    "google_bigtable_instance": _guard("database", "deletion_protection", by_default=True),
    "google_bigquery_dataset": _guard("dataset", harms=("delete_contents_on_destroy",), by_default=True),
    "azurerm_mssql_database": _guard("database"),
    "azurerm_sql_database": _guard("database"),
    "azurerm_postgresql_flexible_server": _guard("database server"),
    "azurerm_mysql_flexible_server": _guard("database server"),
    "azurerm_postgresql_server": _guard("database server"),
    "azurerm_mysql_server": _guard("database server"),
    "azurerm_cosmosdb_account": _guard("database account"),
    "digitalocean_database_cluster": _guard("database cluster"),
}

CFN_GUARDS: dict[str, Guard] = {
    "AWS::RDS::DBInstance": _guard("database", "DeletionProtection"),
    "AWS::RDS::DBCluster": _guard("database cluster", "DeletionProtection"),
    "AWS::DocDB::DBCluster": _guard("database cluster", "DeletionProtection"),
    "AWS::Neptune::DBCluster": _guard("database cluster", "DeletionProtection"),
    "AWS::DynamoDB::Table": _guard(
        "table", "DeletionProtectionEnabled", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"
    ),
    "AWS::EFS::FileSystem": _guard("file system"),
}

SNAPSHOT_BY_DEFAULT = frozenset(("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"))
"""Types that CloudFormation snapshots when no `DeletionPolicy` is written ("DeletionPolicy attribute", AWS documentation)."""

BUCKET_TYPES = ("aws_s3_bucket", "google_storage_bucket")

DATA_TOKENS = frozenset(
    "backup backups data media upload uploads document documents attachment attachments archive archives userdata records invoices receipts"
    " exports database db files".split()
)
TRANSIENT_TOKENS = frozenset(
    "log logs logging accesslogs cloudtrail artifact artifacts artefact artefacts cache tmp temp build builds website web site static"
    " frontend spa assets codepipeline pipeline deploy deployment deployments lambda code packages cdn test tests sandbox demo athena"
    " results query inventory public".split()
)
STATE_TOKENS = frozenset("tfstate terraformstate".split())


def stateful(model: DeploymentModel) -> list[Stateful]:
    """Return the resources that hold data, each with what is wrong with its protection."""
    judge = _Judge(model)
    out: list[Stateful] = []
    for resource in model.resources.of_types(*GUARDS, *CFN_GUARDS, *BUCKET_TYPES):
        found = judge.of(resource)
        if found is not None:
            out.append(found)
    return out


class _Judge:
    def __init__(self, model: DeploymentModel) -> None:
        self._model = model
        self._resources = model.resources
        self._state_names = {
            backend.state[1] for backend in model.resources.state_backends if backend.state and len(backend.state) > 1
        }

    def of(self, resource: Resource) -> Stateful | None:
        if resource.type in BUCKET_TYPES:
            return self._bucket(resource)
        guard = GUARDS.get(resource.type) or CFN_GUARDS.get(resource.type)
        if guard is None or self._is_exempt(resource):
            return None
        found = Stateful(is_state=False, label=guard.label, reasons=[], resource=resource, unknown="")
        protected = self._protected(resource, guard)
        if protected is False:
            found.reasons.append((_missing(resource, guard), _place(resource, guard)))
        elif protected is None:
            found.unknown = "protection is not known"
        for harm in guard.harms:
            value = resource.get(*harm)
            if truth(value) is True:
                found.reasons.append((f"`{harm[-1]} = true`", resource.loc_of(*harm)))
            elif isinstance(settled(value), Unknown | Secret) and not found.unknown:
                found.unknown = f"{harm[-1]} is not known"
        return found

    def _is_exempt(self, resource: Resource) -> bool:
        kind = resource.type
        if kind == "aws_dynamodb_table":
            # A lock table holds no data; a table whose items expire is a cache or a ledger of handled messages.
            return as_text(resource.get("hash_key")) == "LockID" or bool(resource.blocks("ttl"))
        if kind == "AWS::DynamoDB::Table":
            return resource.body.has("TimeToLiveSpecification")
        for name in (
            "replicate_source_db",
            "replication_source_identifier",
            "SourceDBInstanceIdentifier",
            "master_instance_name",
        ):
            if resource.get(name) != ABSENT:
                return True
        return False

    def _protected(self, resource: Resource, guard: Guard) -> bool | None:
        """Tell whether a destroy is refused or recoverable; None when it cannot be known."""
        if resource.platform == "cloudformation":
            policy = resource.get("@DeletionPolicy")
            if isinstance(settled(policy), Unknown):
                return None
            if as_text(policy) in ("Retain", "Snapshot", "RetainExceptOnCreate"):
                return True
            if policy == ABSENT and resource.type in SNAPSHOT_BY_DEFAULT:
                return True
        kept = prevents_destroy(resource)
        if kept is not False:
            return kept
        answer: bool | None = guard.by_default and not guard.flags
        for flag in guard.flags:
            value = resource.get(*flag)
            state = guard.by_default and flag == guard.flags[0] if isinstance(value, Absent) else truth(value)
            if state is True:
                return True
            if state is None:
                answer = None
        if answer is False and self._is_locked(resource):
            return True
        return answer

    def _is_locked(self, resource: Resource) -> bool:
        """Tell whether a lock or backup resource protects it, itself or through what it belongs to."""
        owners = [resource, *self._model.terraform.references(resource)] if resource.platform == "terraform" else [resource]
        for owner in owners:
            for user in self._resources.referenced_by(owner):
                if user.type in ("azurerm_management_lock", "aws_efs_backup_policy", "aws_backup_selection"):
                    return True
        return False

    # Buckets

    def _bucket(self, resource: Resource) -> Stateful | None:
        words = set(name_tokens(resource, "bucket", "name", "bucket_prefix"))
        is_state = self._is_state(resource, words)
        if words & TRANSIENT_TOKENS and not is_state:
            return None
        holds_data = bool(words & DATA_TOKENS)
        found = Stateful(
            is_state=is_state,
            label="bucket of Terraform state" if is_state else "bucket",
            reasons=[],
            resource=resource,
            unknown="",
        )
        kept = prevents_destroy(resource)
        if kept is True:
            return found
        if truth(resource.get("force_destroy")) is True and (is_state or holds_data):
            found.reasons.append(("`force_destroy = true`", resource.loc_of("force_destroy")))
        if is_state:
            found.reasons.append(("no `prevent_destroy`", resource.loc))
        elif holds_data:
            versioned = self._versioned(resource)
            if versioned is False:
                found.reasons.append(("no versioning", resource.loc))
            elif versioned is None:
                found.unknown = "versioning is not known"
        return found

    def _is_state(self, resource: Resource, words: set[str]) -> bool:
        text = as_text(resource.get("bucket" if resource.type == "aws_s3_bucket" else "name"))
        if text is not None and text in self._state_names:
            return True
        if words & STATE_TOKENS or {"terraform", "state"} <= words or {"tf", "state"} <= words:
            return True
        if resource.platform != "terraform" or words & TRANSIENT_TOKENS:
            return False
        # A lock table beside the only bucket of a module: that bucket is for state, whatever it is called.
        if resource.owner is None:
            return False
        tables = resource.owner.resources_of("aws_dynamodb_table")
        locks = any(as_text(table.get("hash_key")) == "LockID" for table in tables)
        return locks and len(resource.owner.resources_of("aws_s3_bucket")) == 1

    def _versioned(self, resource: Resource) -> bool | None:
        return bucket_versioned(self._model, resource)


def bucket_versioned(model: DeploymentModel, resource: Resource) -> bool | None:
    """Tell whether a bucket keeps old versions; None when it cannot be known."""
    value = resource.get("versioning", "enabled")
    if not isinstance(value, Absent):
        return truth(value)
    if resource.get("versioning") != ABSENT:
        return None
    for user in model.resources.referenced_by(resource):
        if user.type == "aws_s3_bucket_versioning":
            status = user.get("versioning_configuration", "status")
            text = as_text(status)
            return None if text is None else text == "Enabled"
    return None if resource.body.is_open else False


def prevents_destroy(resource: Resource) -> bool | None:
    """Tell whether ``lifecycle { prevent_destroy = true }`` stands in it (Terraform takes literals only)."""
    value = resource.get("lifecycle", "prevent_destroy")
    if isinstance(value, Absent):
        return False
    return truth(value)


def _missing(resource: Resource, guard: Guard) -> str:
    if resource.platform == "cloudformation":
        return "no `DeletionPolicy`" if resource.get("@DeletionPolicy") == ABSENT else "`DeletionPolicy: Delete`"
    for flag in guard.flags:
        if isinstance(settled(resource.get(*flag)), Known):
            return f"`{flag[-1]} = false`"
    names = [f"`{flag[-1]}`" for flag in guard.flags if len(flag) == 1]
    return f"neither {names[0]} nor `prevent_destroy`" if names else "no `prevent_destroy`"


def _place(resource: Resource, guard: Guard) -> Loc:
    for flag in guard.flags:
        if isinstance(settled(resource.get(*flag)), Known):
            return resource.loc_of(*flag)
    return resource.loc
