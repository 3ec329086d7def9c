"""Code that runs on a version of its language that no test saw."""

from __future__ import annotations

from opslint.api import (
    TYPE_CHECKING,
    Dockerfile,
    LockedPackage,
    Meta,
    ProjectRule,
    TfBlock,
    Workflow,
    allows,
    applied_versions,
    deployed_runtimes,
    required_python,
    tested_versions,
    tier_of,
)

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter, Runtime, Tested

_TITLES = {"python": "Python", "node": "Node"}


class RuntimeVersionDrift(ProjectRule):
    """Code is deployed on a version that CI does not test.

    What it finds
    -------------
    A service whose image or function runs on a version of Python (`3.12`) or Node (`20`) on which no CI job runs the tests, or which
    the project's own `requires-python` excludes; Terraform of production that is applied with another version than staging's.

    Shape seen in: Blackdrg/AI-f-cybersecurity (`python:3.12` deployed, a matrix of 3.10 and 3.11 tested). Silent shape seen in:
    jupyterhub/zero-to-jupyterhub-k8s (the tests ask a cluster that runs the images).

    In production
    -------------
    What differs between two versions (a removed module, another default, a wheel that is not built) is found out by the deployment.
    With Terraform the state is written in a form that the other version cannot read.

    Bad:
        # file: Dockerfile
        FROM python:3.13-slim # expect: runtime-version-drift
        WORKDIR /app
        COPY . .
        CMD ["gunicorn", "app:app"]

        # file: app.py
        app = None

        # file: docker-compose.prod.yml
        services:
          web:
            build: .

        # file: .github/workflows/ci.yml
        on: push
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/setup-python@v5
                with:
                  python-version: "3.11"
              - run: pytest

    Good:
        # file: Dockerfile
        FROM python:3.13-slim
        WORKDIR /app
        COPY . .
        CMD ["gunicorn", "app:app"]

        # file: app.py
        app = None

        # file: docker-compose.prod.yml
        services:
          web:
            build: .

        # file: .github/workflows/ci.yml
        on: push
        jobs:
          test:
            runs-on: ubuntu-latest
            strategy:
              matrix:
                python-version: ["3.12", "3.13"]
            steps:
              - uses: actions/setup-python@v5
                with:
                  python-version: ${{ matrix.python-version }}
              - run: pytest

    Exempt
    ------
    A version that one of several jobs or a matrix tests; tests that run inside an image; versions that are chosen elsewhere (an
    expression, `3.x`, a reusable workflow's input, a base image whose argument a build sets); projects without tests in CI; images for
    development and tests; patch versions of Python, minor versions of Node.

    Fix safety
    ----------
    None: whether the test or the image is to move is a decision.

    Authority
    ---------
    https://12factor.net/dev-prod-parity
    """

    meta = Meta(
        "runtime-version-drift",
        category="env",
        severity="warning",
        confidence="high",
        authority="https://12factor.net/dev-prod-parity",
        summary="Code is deployed on a version that CI does not test",
        help="Test on the version that is deployed: read both from one place, or add it to the matrix.",
    )
    needs = (Dockerfile, TfBlock, Workflow, LockedPackage)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare each service's runtime with what CI tests on and with what its project requires."""
        tested = tested_versions(model)
        for runtime in deployed_runtimes(model):
            found = tested.get(runtime.language)
            if found is not None and found.unknown:
                report.silent(found.unknown, runtime.loc)
            elif found is not None and found.versions and runtime.version not in found.versions:
                if found.near(runtime.context):
                    self._untested(runtime, found, report)
                    continue
                report.silent("no tests of this service in CI", runtime.loc)
            if runtime.language == "python":
                self._required(model, runtime, report)
        self._terraform(model, report)

    @staticmethod
    def _untested(runtime: Runtime, tested: Tested, report: Reporter) -> None:
        title = _TITLES[runtime.language]
        near = sorted(tested.near(runtime.context), key=lambda text: [int(part) for part in text.split(".")])
        versions = ", ".join(near)
        report(
            at=runtime.loc,
            message=f"`{runtime.service}` runs on {title} {runtime.version}, and CI tests on {versions} only",
            evidence=[(loc, f"CI tests on {title} {version}") for version, loc in tested.versions.items() if version in near][:4],
            environments=runtime.environments,
            service=runtime.service,
            key=f"{runtime.service}:{runtime.version}",
            derived={*runtime.files, *tested.files},
        )

    @staticmethod
    def _required(model: DeploymentModel, runtime: Runtime, report: Reporter) -> None:
        required = required_python(model, runtime.context)
        if required is None or allows(required[0], runtime.version) is not False:
            return
        report(
            at=runtime.loc,
            message=f"`{runtime.service}` runs on Python {runtime.version}, and its project requires `{required[0]}`",
            evidence=[(required[1], "the project says which versions it works on")],
            environments=runtime.environments,
            service=runtime.service,
            key=f"{runtime.service}:requires",
            derived={*runtime.files, required[1][0]},
        )

    @staticmethod
    def _terraform(model: DeploymentModel, report: Reporter) -> None:
        applied = applied_versions(model)
        upper = next((item for item in applied if tier_of(item.environment) == "production"), None)
        lower = [item for item in applied if tier_of(item.environment) in ("staging", "development")]
        if upper is None or not lower or any(item.version == upper.version for item in lower):
            return
        report(
            at=upper.loc,
            message=f"{upper.environment} is applied with Terraform {upper.version}, {lower[0].environment} with {lower[0].version}",
            evidence=[
                (item.loc, f"the job `{item.job.id}` applies {item.environment} with {item.version}") for item in lower[:4]
            ],
            environments=[upper.environment],
            key="terraform",
            derived={upper.pipeline.path, *(item.pipeline.path for item in lower)},
        )
