"""A dotenv file that becomes part of the image."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, Dockerfile, Meta, ProjectRule, shipped_dotenv

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class DotenvShippedInImage(ProjectRule):
    """A `.env` file is copied into the image and read there.

    What it finds
    -------------
    A `COPY` of a directory that holds a `.env` (in git, or ignored by git with an example beside it) which no `.dockerignore` keeps out, in
    the image of a service whose code reads `.env` (python-dotenv, pydantic-settings, django-environ, environs, starlette); and a `COPY`
    that names a `.env` file. Copies through earlier stages are followed.

    Shape seen in: topoteretes/cognee (an image of a service with `COPY .env`), 0Smallcat0/ai_trading. Silent shape seen in:
    makeplane/plane (`.env` in `.dockerignore`).

    In production
    -------------
    The image carries the settings and secrets of whoever built it. A variable that the platform does not set is silently taken from
    a workstation, images built in two places differ, and everybody who can pull the image can read the file.

    Bad:
        # file: settings.py
        import os
        from dotenv import load_dotenv
        load_dotenv()
        DATABASE_URL = os.environ["DATABASE_URL"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY . . # expect: dotenv-shipped-in-image
        CMD ["python", "settings.py"]
        # file: .env
        DATABASE_URL=postgres://app@localhost:5432/app
        # file: compose.yaml
        services:
          app:
            build: .
            environment:
              DATABASE_URL: postgres://app@db:5432/app

    Good:
        # file: settings.py
        import os
        from dotenv import load_dotenv
        load_dotenv()
        DATABASE_URL = os.environ["DATABASE_URL"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY . .
        CMD ["python", "settings.py"]
        # file: .dockerignore
        .env
        # file: .env
        DATABASE_URL=postgres://app@localhost:5432/app
        # file: compose.yaml
        services:
          app:
            build: .
            environment:
              DATABASE_URL: postgres://app@db:5432/app

    Exempt
    ------
    Example files. A `.env` that nobody is told to make. Stages that are left behind, and files that are copied only into those. Services
    whose code is not known, unless the file is copied by name.

    Fix safety
    ----------
    None is made: add `.env` to `.dockerignore`, and see that the platform sets what the image took from it until now.

    Authority
    ---------
    https://12factor.net/config
    """

    meta = Meta(
        "dotenv-shipped-in-image",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/config",
        summary="A `.env` file is copied into the image and read there",
        help="Add `.env` and `.env.*` to `.dockerignore`, and set the variables where the container is deployed.",
    )
    needs = (Dockerfile,)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each COPY that brings such a file."""
        for shipped in shipped_dotenv(model):
            file, load = shipped.file, shipped.load
            reads = f", and `{load.loader.rpartition('.')[2]}` reads it there" if load is not None else ""
            whose = "" if file.tracked else " of whoever builds it"
            how = "is copied by name" if file.named else "is not kept out by `.dockerignore`"
            evidence = [(load.loc, "it is read here")] if load is not None else []
            evidence.extend((loc, "this brings it too") for loc in shipped.others)
            report(
                at=file.loc,
                message=f"`{file.path}`{whose} becomes part of the image of `{shipped.service}`: it {how}{reads}",
                evidence=evidence,
                environments=shipped.environments,
                service=shipped.service,
                key=file.path,
                derived=file.files,
            )
