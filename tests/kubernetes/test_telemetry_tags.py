"""How code starts its telemetry, and which workloads send to one place without a tag."""

from __future__ import annotations

import pytest
from opslint.facts.telemetry import TelemetryStart
from opslint.model.telemetry_tags import Telemetry


@pytest.mark.parametrize(
    ("code", "library", "environment", "value"),
    [
        ("import sentry_sdk\nsentry_sdk.init(dsn=x)\n", "sentry_sdk", "absent", ""),
        ("import sentry_sdk as s\ns.init(environment='production')\n", "sentry_sdk", "constant", "production"),
        (
            "import os\nfrom sentry_sdk import init\ninit(environment=os.getenv('APP_ENV', 'dev'))\n",
            "sentry_sdk",
            "read",
            "APP_ENV",
        ),
        ("import sentry_sdk\nsentry_sdk.init(environment=settings.ENV)\n", "sentry_sdk", "varies", ""),
        ("import sentry_sdk\nsentry_sdk.init(**options)\n", "sentry_sdk", "varies", ""),
        (
            "from opentelemetry.sdk.resources import Resource\nResource.create({'service.name': 'x'})\n",
            "opentelemetry",
            "absent",
            "",
        ),
        (
            "from opentelemetry.sdk.resources import Resource\nResource.create({'deployment.environment': env})\n",
            "opentelemetry",
            "varies",
            "",
        ),
        (
            "from opentelemetry.sdk.resources import Resource, DEPLOYMENT_ENVIRONMENT\nResource.create({DEPLOYMENT_ENVIRONMENT: env})\n",
            "opentelemetry",
            "varies",
            "",
        ),
        ("from opentelemetry.sdk.resources import Resource\nResource(attributes=more())\n", "opentelemetry", "varies", ""),
    ],
)
def test_starts(project, code, library, environment, value) -> None:
    (start,) = project({"app.py": code}).facts[TelemetryStart]
    assert (start.library, start.environment, start.value) == (library, environment, value)


def workloads(*environments: str, labels: str = "", image: str = "nginx:1.27") -> dict[str, str]:
    files = {}
    for tier, environment in zip(("production", "staging"), environments, strict=True):
        files[f"k8s/overlays/{tier}/kustomization.yaml"] = "resources: [d.yaml]\n"
        files[f"k8s/overlays/{tier}/d.yaml"] = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {metadata: {labels: {"
            f"{labels}}}}}, spec: {{containers: [{{name: c, image: '{image}', env: [{environment}]}}]}}}}}}\n"
        )
    return files


DATADOG = "{name: DD_SERVICE, value: api}"


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (workloads(DATADOG, DATADOG), 1),
        (workloads(DATADOG, "{name: DD_SERVICE, value: other}"), 0),
        (workloads(DATADOG, f"{DATADOG}, {{name: DD_ENV, value: staging}}"), 0),
        (workloads(DATADOG, DATADOG, labels="tags.datadoghq.com/env: x"), 0),
        (workloads(DATADOG, DATADOG, image="registry.example.com/acme/api:1"), 1),
    ],
)
def test_datadog(project, files, count) -> None:
    telemetry = Telemetry(project(files).model)
    assert len(telemetry.untagged()) + len(telemetry.unclear) == count


def test_what_a_secret_holds_is_not_compared(project) -> None:
    dsn = "{name: SENTRY_DSN, valueFrom: {secretKeyRef: {name: s, key: dsn}}}"
    telemetry = Telemetry(project({**workloads(dsn, dsn), "app.py": "import sentry_sdk\nsentry_sdk.init()\n"}).model)
    assert telemetry.untagged() == []


def test_code_that_is_told_the_environment(project) -> None:
    dsn = "{name: SENTRY_DSN, value: 'https://1@o1.ingest.sentry.io/7'}"
    code = "import sentry_sdk\nsentry_sdk.init(environment='production')\n"
    (found,) = Telemetry(project({**workloads(dsn, dsn), "app.py": code}).model).untagged()
    assert found.what == "Sentry"
    assert found.code[0] == "app.py"
    both = {
        **workloads(dsn, dsn),
        "a/settings/staging.py": code.replace("production", "staging"),
        "a/settings/production.py": code,
    }
    assert Telemetry(project(both).model).untagged() == []
