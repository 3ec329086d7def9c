"""Terraform state that cannot be brought back or is written by two at once."""

from __future__ import annotations

from opslint.api import ABSENT, TYPE_CHECKING, Meta, ProjectRule, TfBlock, as_text, bucket_versioned, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Root


class StateBackendNotRecoverable(ProjectRule):
    """Terraform state without versions, without a lock, or on somebody's disk.

    What it finds
    -------------
    A state bucket declared here without versioning; an S3 backend with neither `use_lockfile` nor `dynamodb_table`; a root that is
    deployed and has no backend at all, so that its state stays where `apply` ran.

    In production
    -------------
    Two applies at once, or one that dies half-way, leave a state that no longer matches what runs. Without versions there is no
    earlier state to return to; on a CI runner the state is gone with the job, and the next apply creates everything again.

    Bad:
        # file: infra/main.tf
        terraform {
          backend "s3" { # expect: state-backend-not-recoverable
            bucket = "acme-terraform"
            key    = "shop/terraform.tfstate"
            region = "eu-west-1"
          }
        }

    Good:
        # file: infra/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-terraform"
            key          = "shop/terraform.tfstate"
            region       = "eu-west-1"
            use_lockfile = true
          }
        }

    Exempt
    ------
    A root that creates the state bucket itself (it needs local state once), modules, a backend completed at `init`, repositories
    whose workflows upload the configuration to HCP Terraform, backends that
    lock by themselves.

    Fix safety
    ----------
    None: moving a state is an operation, not an edit.

    Authority
    ---------
    https://developer.hashicorp.com/terraform/language/backend/s3
    """

    meta = Meta(
        "state-backend-not-recoverable",
        category="rollback",
        severity="error",
        confidence="high",
        authority="https://developer.hashicorp.com/terraform/language/backend/s3",
        summary="Terraform state without versions, without a lock, or on somebody's disk",
        help="Keep state in a versioned bucket and set `use_lockfile = true` (Terraform >= 1.10) or `dynamodb_table`.",
    )
    needs = (TfBlock,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge the state bucket, the lock and the backend of each applied root."""
        self._buckets(model, report)
        seen: set[object] = set()
        local: list[Root] = []
        creators = {found.resource.root for found in model.resources.stateful if found.is_state}
        applied = {root.path for root in model.terraform.roots if root.applied}
        for root in model.terraform.roots:
            if not root.applied or root.path in seen:
                continue
            seen.add(root.path)
            if root.backend is not None:
                if root.backend.kind == "s3":
                    self._lock(root, report)
            elif root.path not in creators and _is_deployed(root, only=len(applied) == 1):
                local.append(root)
        # Providers, data and outputs alone: such a root has nothing to lose by itself.
        if any(_has_resources(root) for root in local):
            cloud = _uploaded_to_cloud(model)
            if cloud is not None:
                report.silent("a workflow runs it in HCP Terraform, which keeps the state", cloud)
            else:
                self._local(local, report)

    def _buckets(self, model: DeploymentModel, report: Reporter) -> None:
        seen: set[object] = set()
        for found in model.resources.stateful:
            resource = found.resource
            if not found.is_state or resource.type != "aws_s3_bucket" or resource.loc in seen:
                continue
            seen.add(resource.loc)
            kept = bucket_versioned(model, resource)
            if kept is None:
                report.silent("versioning of the state bucket is not known", resource.loc)
            elif not kept:
                report(
                    at=resource.loc,
                    message=f"State bucket `{resource.name}` keeps no old versions: a state that was broken or deleted is gone",
                    environments=resource.environments,
                    key=resource.address,
                    derived=resource.files,
                )

    def _lock(self, root: Root, report: Reporter) -> None:
        backend = root.backend
        if backend is None:
            return
        if backend.partial:
            report.silent("the backend is completed at `init`", backend.loc)
            return
        if backend.get("dynamodb_table") != ABSENT or as_text(backend.get("use_lockfile")) not in (None, "false"):
            return
        if backend.get("use_lockfile") != ABSENT and as_text(backend.get("use_lockfile")) is None:
            report.silent("use_lockfile is not known", backend.loc)
            return
        report(
            at=backend.loc,
            message="The S3 backend has neither `use_lockfile` nor `dynamodb_table`: two applies at once overwrite each other's state",
            environments=root.environments,
            key="lock",
            severity="warning",
            derived=root.files,
        )

    def _local(self, roots: list[Root], report: Reporter) -> None:
        """Report the roots together: it is one decision that was not taken."""
        first, *others = sorted(roots, key=lambda root: (not _has_resources(root), _rank(root), root.path))
        report(
            at=first.loc,
            message="No backend is configured: the state stays on the machine that ran `apply`, without lock or old versions",
            evidence=[(root.loc, "no backend here either") for root in others],
            environments=sorted({name for root in roots for name in root.environments}),
            key="local",
            severity="warning",
            derived={path for root in roots for path in root.files},
        )


def _uploaded_to_cloud(model: DeploymentModel) -> Loc | None:
    """Return the step that hands the configuration to HCP Terraform: the workspace keeps the state, without a `cloud` block here."""
    for _pipeline, job in model.pipelines.jobs():
        for step in job.steps:
            if step.view is not None and (step.view.uses or "").startswith("hashicorp/tfc-workflows-github/"):
                return step.loc
    return None


def _is_deployed(root: Root, *, only: bool) -> bool:
    """Tell whether something says that a team applies this root: an environment, values, a variable for the environment."""
    if not (_has_resources(root) or root.providers):
        return False
    if root.environments or root.tfvars or only:
        return True
    return bool(root.providers) and any(name in root.module.variables for name in ("environment", "env", "stage"))


def _has_resources(root: Root) -> bool:
    return bool(root.module.directory.types or root.module.directory.of("module"))


def _rank(root: Root) -> int:
    return 1 if root.environments and tier_of(root.environments[0]) != "production" else 0
