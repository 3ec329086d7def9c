"""Fixes of the environment rules: they change what they say and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.base.settings import default_settings
from opslint.engine.fixes import NoFixError, make, splice
from opslint.engine.options import run_options
from opslint.engine.run import run

if TYPE_CHECKING:
    from pathlib import Path

    from opslint.base.finding import Finding

_PROJECT = {
    "Dockerfile": 'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nCMD ["python", "shop.py"]\n',
    "shop.py": 'import os\n\nDSN = os.environ["SHOP_DSN"]\nA = os.environ["SHOP_A"]\nB = os.environ["SHOP_B"]\n',
    "docker-compose.yml": "services:\n  shop:\n    build: .\n    environment:\n      SHOP_DSN: ${SHOP_DSN}\n",
}


def _findings(root: Path, files: dict[str, bytes], rule: str) -> list[Finding]:
    for name, text in {**{name: text.encode() for name, text in _PROJECT.items()}, **files}.items():
        (root / name).write_bytes(text)
    result = run(run_options(paths=[str(root)], root=str(root), select=[rule], no_cache=True))
    assert not result.problems
    return list(result.findings)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"SHOP_DSN=x\n", b"SHOP_DSN=x\nSHOP_A=\nSHOP_B=\n"),
        (b"SHOP_DSN=x", b"SHOP_DSN=x\nSHOP_A=\nSHOP_B=\n"),
        (b"# caf\xc3\xa9\r\nSHOP_DSN=x\r\n", b"# caf\xc3\xa9\r\nSHOP_DSN=x\r\nSHOP_A=\r\nSHOP_B=\r\n"),
    ],
)
def test_names_are_appended(tmp_path: Path, before: bytes, after: bytes) -> None:
    (finding,) = _findings(tmp_path, {".env.example": before}, "env-example-out-of-date")
    fixed = splice(before, make(finding, before, default_settings()))
    assert fixed == after
    with pytest.raises(NoFixError):
        make(finding, fixed, default_settings())
    assert _findings(tmp_path, {".env.example": fixed}, "env-example-out-of-date") == []


_KUBERNETES = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  selector:
    matchLabels: {{app: shop}}
  template:
    metadata:
      labels: {{app: shop}}
    spec:
      containers:
        - name: shop
          image: shop
          env:
            - name: SIZE
              value: {value} # batch
"""


@pytest.mark.parametrize("value", ["20", "true", "yes", "off"])
def test_values_are_quoted(tmp_path: Path, value: str) -> None:
    before = _KUBERNETES.format(value=value).encode()
    (finding,) = _findings(tmp_path, {"k8s.yaml": before}, "env-type-parse-hazard")
    fixed = splice(before, make(finding, before, default_settings()))
    assert fixed == _KUBERNETES.format(value=f'"{value}"').encode()
    assert _findings(tmp_path, {"k8s.yaml": fixed}, "env-type-parse-hazard") == []


@pytest.mark.parametrize("value", ['"20"', "'yes'", "fast", "1.2.3"])
def test_text_is_left_alone(tmp_path: Path, value: str) -> None:
    assert _findings(tmp_path, {"k8s.yaml": _KUBERNETES.format(value=value).encode()}, "env-type-parse-hazard") == []
