"""The tier that the names of a job's secrets agree on."""

from __future__ import annotations

from typing import Any

import pytest
from opslint.model.pipeline_secrets import tier_word

WORKFLOW = """
on: {push: {branches: [main]}}
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - env:
          KUBE: ${{ secrets.%s }}
          TOKEN: ${{ secrets.%s }}
        run: helm upgrade --install web ./chart
"""


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("PROD_ROLE_ARN", "prod"),
        ("FEATURE_PREVIEW_KUBE_CONFIG", "preview"),
        ("PRODUCT_KEY", ""),
        ("DEV_TO_PROD_KEY", ""),
        ("HOST", ""),
    ],
)
def test_tier_word(name: str, word: str) -> None:
    assert tier_word(name) == word


@pytest.mark.parametrize(
    ("names", "environments"),
    [
        (("STAGING_KUBE", "GITHUB_TOKEN"), ["staging"]),
        (("STAGING_KUBE", "PROD_TOKEN"), []),
        (("KUBE", "TOKEN"), []),
    ],
)
def test_secrets_name_the_tier(model_of: Any, names: tuple[str, str], environments: list[str]) -> None:
    model = model_of({".github/workflows/cd.yml": WORKFLOW % names})
    ((_pipeline, job),) = model.pipelines.jobs()
    assert job.environments == environments
