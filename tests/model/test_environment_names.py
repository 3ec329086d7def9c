"""Which paths and names are environments: the sixty names of the model's definition."""

from __future__ import annotations

import pytest
from opslint.base.settings import default_settings
from opslint.model.environment_names import of_value, tier_tokens
from opslint.model.environments import Environments
from opslint.model.model import DeploymentModel, FileInfo

PATHS = [
    ("envs/prod/main.tf", "production"),
    ("environments/production/main.tf", "production"),
    ("terraform/environments/staging/main.tf", "staging"),
    ("overlays/dev/kustomization.yaml", "development"),
    ("k8s/overlays/stg/kustomization.yaml", "staging"),
    ("live/prod/eu-west-1/vpc/terragrunt.hcl", "production/eu-west-1"),
    ("envs/prod-us/main.tf", "production/us"),
    ("envs/prod2/main.tf", "production/2"),
    ("envs/us-east-1-prod/main.tf", "production/us-east-1"),
    ("stacks/uat/main.tf", "staging"),
    ("deploy/preprod/app.yaml", "staging"),
    ("deploy/pre-prod/app.yaml", "staging"),
    ("infra/sandbox/main.tf", "development"),
    ("overlays/preview/kustomization.yaml", "ephemeral"),
    ("envs/shared/main.tf", "shared"),
    ("values-staging.yaml", "staging"),
    ("chart/values.prod.yaml", "production"),
    ("chart/values_production.yaml", "production"),
    ("chart/prod-values.yaml", "production"),
    ("values/prod.yaml", "production"),
    ("prod.tfvars", "production"),
    ("terraform/staging.auto.tfvars", "staging"),
    ("terraform.prod.tfvars", "production"),
    ("backend-prod.hcl", "production"),
    ("prod.tfbackend", "production"),
    (".env.production", "production"),
    (".env.staging", "staging"),
    (".env.test", "test"),
    ("prod.env", "production"),
    ("docker-compose.prod.yml", "production"),
    ("docker-compose.ci.yml", "test"),
    ("docker-compose.local.yml", "development"),
    ("compose.staging.yaml", "staging"),
    ("config/settings/production.py", "production"),
    ("app/settings/local.py", "development"),
    ("environments/prod.yaml", "production"),
    ("config/settings/base.py", None),
    ("config/settings/common.py", None),
    ("app/settings/global.py", None),
    ("app/settings/shared.py", None),
    ("app/settings_base.py", None),
    ("product/main.tf", None),
    ("envs/product/main.tf", None),
    ("reproduce/prod_notes.md", None),
    ("docs/staging-area/readme.yaml", None),
    ("envs/staging-area/main.tf", None),
    ("developer-portal/app.yaml", None),
    ("k8s/liveness/probe.yaml", None),
    ("test_utils/x.py", None),
    ("src/prod/main.py", None),
    ("app/dev/tool.py", None),
    ("tests/test/data.yaml", None),
    ("docker-compose.yml", None),
    ("docker-compose.shared.yml", None),
    ("compose.base.yaml", None),
    ("values-common.yaml", None),
    ("docker-compose.postgres.yml", None),
    (".env", None),
    (".env.example", None),
    ("values.yaml", None),
    ("terraform/network/main.tf", None),
    ("terraform/global/main.tf", None),
    ("terraform/modules/test/main.tf", None),
    ("helm/base/values.yaml", None),
    (".github/workflows/production.yml", None),
    (".github/workflows/deploy-prod.yml", None),
]


def _environments(paths: list[str]) -> Environments:
    files = {path: FileInfo(digest="", kind="yaml", role="deploy", screened=False) for path in paths}
    return Environments(DeploymentModel(files, lambda _kind: [], lambda _path: None, default_settings()))


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_path_alone(path: str, expected: str | None) -> None:
    found = _environments([path]).of_path(path)
    assert (found.name if found else None) == expected


SIBLINGS = [
    (["apps/prod/a.yaml", "apps/staging/a.yaml"], "apps/prod/a.yaml", "production"),
    (["stack/qa/a.tf", "stack/prod/a.tf"], "stack/qa/a.tf", "staging"),
    (["stack/test/a.tf", "stack/prod/a.tf"], "stack/test/a.tf", "test"),
    (["stack/base/a.tf", "stack/prod/a.tf"], "stack/base/a.tf", "shared"),
    (["terraform/network/a.tf", "terraform/prod/a.tf"], "terraform/network/a.tf", "shared"),
    (["x/live/a.tf", "x/staging/a.tf"], "x/live/a.tf", "production"),
    (["x/test/a.py", "x/lib/a.py"], "x/test/a.py", None),
    (["x/test/a.py", "x/testing/a.py"], "x/test/a.py", None),
]


@pytest.mark.parametrize(("paths", "path", "expected"), SIBLINGS)
def test_beside_siblings(paths: list[str], path: str, expected: str | None) -> None:
    found = _environments(paths).of_path(path)
    assert (found.name if found else None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("prod", "production"), ("Staging", "staging"), ("qa", "staging"), ("default", None), ("my-app", None), ("product", None)],
)
def test_whole_value(text: str, expected: str | None) -> None:
    found = of_value(text)
    assert (found[0] if found else None) == expected


def test_tokens_inside_an_identity() -> None:
    assert tier_tokens("prod-db.internal") == ["production"]
    assert tier_tokens("acme-staging-uploads") == ["staging"]
    assert tier_tokens("product-catalog.reproduce.io") == []
