"""Two environments that write one Terraform state."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, HclFile, Meta, ProjectRule, TfBlock, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Root


class SharedTerraformState(ProjectRule):
    """Two environments keep their Terraform state in the same place.

    What it finds
    -------------
    Two roots, or one root with a value file for each environment, whose backend resolves to the same bucket and key without a
    workspace; a root that takes the environment as a variable and has one constant key.

    Shapes seen in: Akash-Ingle/AtlasDB and AnishKini007/gcp_cloud_platform (one constant key, the environment a variable). Silent shapes
    seen in: jaRue1/terraform-cicd-gha (a key for each environment), chrispsheehan/aws-terragrunt-starter (a key from the unit's path).

    In production
    -------------
    Applying staging plans to destroy or rename what production created, because the state says it is the same thing. Whoever
    applies last owns the state, and the other environment's resources are orphans.

    Bad:
        # file: envs/staging/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-state"
            key          = "shop/terraform.tfstate" # expect: shared-terraform-state
            region       = "eu-west-1"
            use_lockfile = true
          }
        }
        # file: envs/production/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-state"
            key          = "shop/terraform.tfstate"
            region       = "eu-west-1"
            use_lockfile = true
          }
        }

    Good:
        # file: envs/staging/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-state"
            key          = "staging/shop/terraform.tfstate"
            region       = "eu-west-1"
            use_lockfile = true
          }
        }
        # file: envs/production/main.tf
        terraform {
          backend "s3" {
            bucket       = "acme-state"
            key          = "production/shop/terraform.tfstate"
            region       = "eu-west-1"
            use_lockfile = true
          }
        }

    Exempt
    ------
    A root that declares neither resources nor modules is only a note. Roots whose code reads `terraform.workspace`, or for which a
    pipeline selects a workspace. Backends completed at `init` with settings that are not in the repository: counted only.

    Fix safety
    ----------
    None: moving a state is an operation (`terraform init -migrate-state`), not an edit.

    Authority
    ---------
    https://developer.hashicorp.com/terraform/language/state/workspaces
    """

    meta = Meta(
        "shared-terraform-state",
        category="overlap",
        severity="error",
        confidence="high",
        authority="https://developer.hashicorp.com/terraform/language/state/workspaces",
        summary="Two environments keep their Terraform state in the same place",
        help="Give each environment its own `key` (a backend file per environment, or `terraform.workspace`) and move the state once.",
    )
    needs = (TfBlock, HclFile)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Group the roots by where their state is."""
        places: dict[tuple[str, ...], list[Root]] = {}
        for root in model.terraform.roots:
            if root.backend is None or not root.applied:
                continue
            state = root.backend.state()
            if state is None:
                report.silent("where the state is kept is not known", root.backend.loc)
            elif not root.uses_workspace and root.path not in model.terraform.workspace_roots:
                places.setdefault(state, []).append(root)
        for state in sorted(places):
            # Beside others, a root that declares nothing writes nothing.
            roots = [root for root in places[state] if not root.is_hollow] or places[state]
            if len(roots) > 1:
                self._shared(roots, report)
            else:
                self._constant(model, roots[0], report)

    def _shared(self, roots: list[Root], report: Reporter) -> None:
        ordered = sorted(roots, key=lambda root: (_is_production(root), root.key))
        first, others = ordered[0], ordered[1:]
        if first.backend is None:
            return
        paths = sorted({root.path for root in roots})
        if len(paths) > 1:
            who = " and ".join(f"`{path or '.'}`" for path in paths[:3])
        else:
            who = " and ".join(name for root in roots for name in root.environments)
        evidence: list[tuple[Loc, str]] = []
        for root in others:
            loc = _key_loc(root)
            if root.path != first.path and loc is not None:
                evidence.append((loc, f"{_name(root)} keeps its state in the same place"))
            else:
                evidence.extend(
                    ((path, (1, 1, 1, 1)), f"{_name(root)} is applied with these values") for path in root.tfvars[-1:]
                )
        report(
            at=_key_loc(first) or first.loc,
            message=f"{who} write the same Terraform state: applying one plans to destroy what the other created",
            evidence=evidence,
            environments=sorted({name for root in roots for name in root.environments}),
            key=":".join(paths),
            derived={path for root in roots for path in root.files},
        )

    def _constant(self, model: DeploymentModel, root: Root, report: Reporter) -> None:
        variable = model.terraform.environment_variable(root)
        if variable is None or root.environments:
            return
        name, loc, tiers = variable
        if len(tiers) < 2:
            report.silent("which environments this root is applied for is not known", _key_loc(root))
            return
        applied = "but `{}` says that this root is applied for {}: they overwrite each other's state"
        hollow = "and `{}` names {}: they would overwrite each other's state, once anything is declared here"
        report(
            at=_key_loc(root) or root.loc,
            message=f"The state has one constant key, {(hollow if root.is_hollow else applied).format(name, ' and '.join(tiers))}",
            evidence=[(loc, f"the environment is a variable without default ({', '.join(tiers)})")],
            environments=tiers,
            severity="note" if root.is_hollow else None,
            key=root.key,
            derived=root.files,
        )


def _is_production(root: Root) -> bool:
    return any(tier_of(name) == "production" for name in root.environments)


def _name(root: Root) -> str:
    return root.environments[0] if root.environments else f"`{root.path or '.'}`"


def _key_loc(root: Root) -> Loc | None:
    if root.backend is None:
        return None
    for name in ("key", "prefix", "path"):
        if root.backend.has(name):
            return root.backend.loc_of(name)
    return root.backend.loc
