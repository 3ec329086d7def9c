"""Image registries in which a tag may be pushed again."""

from __future__ import annotations

from opslint.api import ABSENT, TYPE_CHECKING, CfnResource, Meta, ProjectRule, TfBlock, as_text, settled, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Resource

_FIELDS = {
    "aws_ecr_repository": ("image_tag_mutability",),
    "AWS::ECR::Repository": ("ImageTagMutability",),
    "google_artifact_registry_repository": ("docker_config", "immutable_tags"),
}
_IMMUTABLE = ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "true")
_MUTABLE = ("MUTABLE", "MUTABLE_WITH_EXCLUSION", "false")


class RegistryTagsMutable(ProjectRule):
    """An image registry lets a tag be pushed again.

    What it finds
    -------------
    An ECR repository with `image_tag_mutability = "MUTABLE"`, or an ECR or Artifact Registry repository that leaves the default,
    which is the same (a note).

    In production
    -------------
    The tag that the last good release was deployed with may hold another image by the time it is needed. The rollback succeeds
    and runs the wrong code.

    Bad:
        # file: infra/ecr.tf
        resource "aws_ecr_repository" "api" { # expect: registry-tags-mutable
          name                 = "api"
          image_tag_mutability = "MUTABLE"
        }

    Good:
        # file: infra/ecr.tf
        resource "aws_ecr_repository" "api" {
          name                 = "api"
          image_tag_mutability = "IMMUTABLE"
        }

    Exempt
    ------
    Registries of development and test, registries that hold no container images, settings that are not known.

    Fix safety
    ----------
    None: a pipeline that pushes `latest` fails once tags are immutable.

    Authority
    ---------
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    """

    meta = Meta(
        "registry-tags-mutable",
        category="rollback",
        severity="warning",
        confidence="high",
        authority="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
        summary="An image registry lets a tag be pushed again",
        help='Set `image_tag_mutability = "IMMUTABLE"` and tag images with the commit.',
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each registry once, over all environments it exists in."""
        places: dict[Loc, list[Resource]] = {}
        for resource in model.resources.of_types(*_FIELDS):
            local = resource.environments and all(
                tier_of(name) in ("development", "test", "ephemeral") for name in resource.environments
            )
            other = resource.type.startswith("google_") and as_text(resource.get("format")) != "DOCKER"
            if not local and not other:
                places.setdefault(resource.loc, []).append(resource)
        for loc, resources in places.items():
            self._judge(loc, resources, report)

    def _judge(self, loc: Loc, resources: list[Resource], report: Reporter) -> None:
        first = resources[0]
        values = [settled(resource.get(*_FIELDS[first.type])) for resource in resources]
        texts = [as_text(value) for value in values]
        if any(text in _MUTABLE for text in texts):
            severity, why = None, "is set to let tags be pushed again"
        elif ABSENT in values:
            severity, why = "note", "does not forbid to push a tag again"
        else:
            if not all(text in _IMMUTABLE for text in texts):
                report.silent("whether tags may change is not known", loc)
            return
        report(
            at=loc,
            message=f"Registry `{first.name}` {why}: the tag of the last good release may hold another image when it is needed",
            environments=sorted({name for resource in resources for name in resource.environments}),
            key=first.address,
            severity=severity,
            derived={path for resource in resources for path in resource.files},
        )
