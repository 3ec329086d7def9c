"""Compose files of two environments that Docker takes for one project."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, ComposeFile, Meta, ProjectRule, project_collisions

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, ProjectCollision, Reporter


class ComposeProjectCollision(ProjectRule):
    """Compose files of two environments are one project.

    What it finds
    -------------
    Compose files (or one file with an env file for each) of two environments that one machine may well run both of: production, staging
    and previews on a server, development and test on a workstation. No project name tells them apart (`name:`, `COMPOSE_PROJECT_NAME`,
    `-p`), so both are called after their directory, and both have the same named volume, `container_name` or, on a server, host port
    or service.

    Shape seen in: AGESCI-Campania/plancia (a staging stack beside production on one machine, with volumes and ports of its own and no
    name). Silent shape seen in: AlexBoyev/OmniMind (a `name:` of their own for the compose files of the tests).

    In production
    -------------
    Compose knows a project by its name alone. `up` for staging recreates production's containers from staging's file, on production's
    volume; `down --volumes` after a test run deletes the database of the other.

    Bad:
        # file: docker-compose.staging.yml
        services:
          db:
            image: postgres:16
            volumes: [pgdata:/var/lib/postgresql/data]
        volumes:
          pgdata: {} # expect: compose-project-collision
        # file: docker-compose.prod.yml
        services:
          db:
            image: postgres:16
            volumes: [pgdata:/var/lib/postgresql/data]
        volumes:
          pgdata: {}

    Good:
        # file: docker-compose.staging.yml
        name: shop-staging
        services:
          db:
            image: postgres:16
            volumes: [pgdata:/var/lib/postgresql/data]
        volumes:
          pgdata: {}
        # file: docker-compose.prod.yml
        name: shop
        services:
          db:
            image: postgres:16
            volumes: [pgdata:/var/lib/postgresql/data]
        volumes:
          pgdata: {}

    Exempt
    ------
    Files that one command combines. Development beside production or staging, which run on other machines. External volumes, which are shared
    on purpose. A project name that the host decides, or that a workflow or script sets.

    Fix safety
    ----------
    None: a project that gets a name leaves its containers and volumes behind under the old one; they have to be moved.

    Authority
    ---------
    https://docs.docker.com/compose/how-tos/project-name/
    """

    meta = Meta(
        "compose-project-collision",
        category="overlap",
        severity="warning",
        confidence="medium",
        authority="https://docs.docker.com/compose/how-tos/project-name/",
        summary="Compose files of two environments are one project",
        help="Give each compose file a `name:` of its own (or each command a `-p`), before both run on one machine.",
    )
    needs = (ComposeFile,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each pair of environments once, at the first thing they share."""
        collisions, unknown = project_collisions(model)
        for reason, loc in unknown:
            report.silent(reason, loc)
        told: set[Loc] = set()
        for collision in collisions:
            # A file that is combined with others in several ways says it once.
            if collision.things[0].loc not in told:
                told.add(collision.things[0].loc)
                _report(collision, report)


def _report(collision: ProjectCollision, report: Reporter) -> None:
    first = collision.things[0]
    names = [f"{thing.kind} `{thing.name}`" for thing in collision.things[:3]]
    more = f" and {len(collision.things) - 3} more" if len(collision.things) > 3 else ""
    at = first.loc if first.loc != first.other else collision.left_file
    evidence = [(first.other, "the other environment's")] if first.loc != first.other else []
    evidence.append((collision.right_file, f"the file of {collision.right.environments[0]}"))
    report(
        at=at,
        message=f"{collision.left.environments[0]} and {collision.right.environments[0]} are one Compose project"
        f" and share the {', the '.join(names)}{more}: `up` of one replaces the containers of the other",
        evidence=[(loc, note) for loc, note in evidence if loc != at],
        environments=[*collision.left.environments, *collision.right.environments],
        key=f"{collision.left.key} {collision.right.key}",
        derived={*collision.left.files, *collision.right.files},
    )
