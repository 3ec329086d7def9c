"""Databases, tables, file systems and buckets that one wrong plan would destroy."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Fix, Meta, ProjectRule, TfBlock, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Stateful


_WITH_FINAL_SNAPSHOT = ("aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster", "aws_redshift_cluster")
"""Types whose deletion wants a final snapshot, or `skip_final_snapshot = true` (provider documentation)."""


class StatefulResourceUnprotected(ProjectRule):
    """A resource that holds data can be destroyed by one apply.

    What it finds
    -------------
    A database, table, file system or data bucket of production (or of a repository that names no environment) that neither the
    provider nor Terraform protects from deletion: no `deletion_protection`, no `prevent_destroy`, `skip_final_snapshot = true`, a
    backup or state bucket without versioning or with `force_destroy = true`, a CloudFormation resource without `DeletionPolicy`.

    In production
    -------------
    A renamed resource, a changed identifier or a `destroy` in the wrong directory replaces the database. Rolling the code back
    gives an empty one: what was in it is gone, or as old as the last backup that someone has tried to restore.

    Bad:
        # file: terraform/environments/production/main.tf
        resource "aws_db_instance" "orders" { # expect: stateful-resource-unprotected
          identifier     = "orders"
          engine         = "postgres"
          instance_class = "db.t4g.medium"
        }

    Good:
        # file: terraform/environments/production/main.tf
        resource "aws_db_instance" "orders" {
          identifier          = "orders"
          engine              = "postgres"
          instance_class      = "db.t4g.medium"
          deletion_protection = true
        }

    Exempt
    ------
    Staging, development, test and ephemeral environments. Read replicas, lock tables, tables whose items expire, buckets of logs,
    artefacts and websites. A protection that depends on a variable the repository does not set: counted, not reported.
    What one file leaves unprotected in the same way is one finding.

    Fix safety
    ----------
    Unsafe: adds `deletion_protection = true` where the resource has that attribute, else a `lifecycle` block; the next `destroy`
    will be refused until it is taken out again.

    Authority
    ---------
    https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy
    """

    meta = Meta(
        "stateful-resource-unprotected",
        category="rollback",
        severity="warning",
        confidence="high",
        authority="https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy",
        summary="A resource that holds data can be destroyed by one apply",
        help="Set `deletion_protection = true`, or add `lifecycle { prevent_destroy = true }` (CloudFormation: `DeletionPolicy: Retain`).",
        fix="unsafe",
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each resource that holds data once, over all environments it exists in."""
        places: dict[Loc, list[Stateful]] = {}
        for found in model.resources.stateful:
            if _counts(found.resource.environments):
                places.setdefault(found.resource.loc, []).append(found)
        groups: dict[tuple[str, ...], list[list[Stateful]]] = {}
        for loc, instances in places.items():
            bad = [found for found in instances if found.reasons]
            if bad:
                groups.setdefault((loc[0], bad[0].label, *(text for text, _loc in bad[0].reasons)), []).append(bad)
            elif any(found.unknown for found in instances):
                report.silent(next(found.unknown for found in instances if found.unknown), loc)
        for group in groups.values():
            self._report(group, report)

    def _report(self, group: list[list[Stateful]], report: Reporter) -> None:
        """Report what one file leaves unprotected in the same way together."""
        bad = [found for instances in group for found in instances]
        first = bad[0]
        loc = first.resource.loc
        resource = first.resource
        why = " and ".join(text for text, _loc in first.reasons)
        report(
            at=loc,
            message=f"{_named(first)} has {why}: {_harm(first)}",
            evidence=[
                *((place, text.strip("`")) for text, place in first.reasons if place != loc),
                *((instances[0].resource.loc, f"`{instances[0].resource.name}` likewise") for instances in group[1:13]),
            ],
            environments=sorted({name for found in bad for name in found.resource.environments}),
            key=resource.address,
            confidence="medium" if first.is_state or resource.uncertain or first.label == "bucket" else None,
            derived={path for found in bad for path in found.resource.files},
            fix=_fix(first),
        )


def _named(found: Stateful) -> str:
    resource = found.resource
    name = resource.name if resource.platform == "cloudformation" else f"{resource.type}.{resource.name}"
    return f"{found.label[0].upper()}{found.label[1:]} `{name}`"


def _harm(found: Stateful) -> str:
    """Say what is lost. S3 and Cloud Storage refuse to delete a bucket that holds objects, RDS leaves a final snapshot unless told not to."""
    reasons = [text for text, _loc in found.reasons]
    if any("force_destroy" in text for text in reasons):
        return "a `destroy` deletes every object in it, and no rollback brings them back"
    if found.is_state:
        return "a `destroy` here is stopped by the objects in it alone, after what was declared around it is gone"
    if found.label == "bucket":
        return "an object that is overwritten or deleted cannot be brought back"
    if found.resource.type in _WITH_FINAL_SNAPSHOT and not any("skip_final_snapshot" in text for text in reasons):
        if not found.resource.body.has("final_snapshot_identifier"):
            return "an apply that replaces or destroys it stops half way, and only because a final snapshot has no name"
        return "one apply that replaces or destroys it takes the database away, and leaves at best its final snapshot"
    return "a replaced or destroyed resource takes its data with it; what comes back is the last backup, if there is one"


def _counts(environments: list[str]) -> bool:
    return not environments or any(tier_of(name) in ("production", "shared") for name in environments)


def _fix(found: Stateful) -> Fix | None:
    resource = found.resource
    if resource.platform != "terraform" or any("neither" not in text and "no `" not in text for text, _loc in found.reasons):
        return None
    attribute = "deletion_protection" if "`deletion_protection`" in found.reasons[0][0] else "prevent_destroy"
    return Fix(
        applicability="unsafe",
        data={"attribute": attribute, "name": resource.name, "type": resource.type},
        maker="opslint.engine.fixes_hcl:protect",
        title=f"Add `{attribute} = true`",
    )
