"""A dotenv file that wins over what the deployment sets."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, DotenvLoad, Meta, ProjectRule, overriding_loads

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class DotenvOverridesPlatform(ProjectRule):
    """A dotenv file wins over what the manifest sets.

    What it finds
    -------------
    `load_dotenv(override=True)`, `read_env(overwrite=True)` and `os.environ.update(dotenv_values(…))` that run on import in a deployed
    service, where the container has the file (copied into its image, or mounted) and the file sets variables that the manifest sets too.

    Shape seen in: 0Smallcat0/ai_trading (`load_dotenv(root_env_file, override=True)` in the settings of a service that Compose gives its
    variables). Silent shape seen in: AkiraNagasawa365/jigsaw-puzzle (the same call, in a function package that has no such file).

    In production
    -------------
    The manifest says `DATABASE_URL=…prod…`, the process uses what stands in a file of the image. Changing the manifest, rotating a secret
    and rolling back change nothing, and nobody looks into the file.

    Bad:
        # file: app.py
        import os
        from dotenv import load_dotenv
        load_dotenv(override=True) # expect: dotenv-overrides-platform
        URL = os.environ["DATABASE_URL"]
        # file: .env
        DATABASE_URL=postgres://app@localhost:5432/app
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .env ./
        CMD ["python", "app.py"]
        # file: compose.yaml
        services:
          app:
            build: .
            environment:
              DATABASE_URL: postgres://app@db:5432/app

    Good:
        # file: app.py
        import os
        from dotenv import load_dotenv
        load_dotenv()
        URL = os.environ["DATABASE_URL"]
        # file: .env
        DATABASE_URL=postgres://app@localhost:5432/app
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app.py .env ./
        CMD ["python", "app.py"]
        # file: compose.yaml
        services:
          app:
            build: .
            environment:
              DATABASE_URL: postgres://app@db:5432/app

    Exempt
    ------
    Calls under a condition other than that the file exists. Images that do not hold the file. Files whose names the manifest does not set.
    Services that run in development and test only.

    Fix safety
    ----------
    None: without `override` the manifest's values are used, which may not have been tried for long.

    Authority
    ---------
    https://saurabh-kumar.com/python-dotenv/
    """

    meta = Meta(
        "dotenv-overrides-platform",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://saurabh-kumar.com/python-dotenv/",
        summary="A dotenv file wins over what the manifest sets",
        help="Drop `override`, so that the file only fills in what the platform does not set.",
        status="preview",
    )
    needs = (DotenvLoad,)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each load once."""
        for found in overriding_loads(model):
            names = [f"`{entry.name}`" for entry in found.entries]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            evidence = [(found.entries[0].loc, f"the manifest sets {names[0]} here")]
            evidence.append((found.brought, f"the container has `{found.path}` from here"))
            report(
                at=found.load.loc,
                message=f"`{found.path}` wins over what the manifest of `{found.service}` sets: {', '.join(names[:3])}{more}",
                evidence=evidence,
                environments=found.environments,
                service=found.service,
                key=found.path,
                derived=found.files,
            )
