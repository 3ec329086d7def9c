"""A hook that is given one file sees what the change means in the others: a variable gained, a line lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = ROOT / "fixtures" / "projects"
MISSING = {"env-required-but-not-set", "env-set-in-some-environments"}


def check(root: Path, *paths: str) -> list[dict[str, Any]]:
    """Run `opslint check` on some files of the project at `root` and return the findings about missing variables."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "linter"), str(ROOT / "rules"))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "opslint", "check", "--format", "json", "--no-cache", *paths]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr or done.stdout
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return [finding for finding in findings if finding["rule"] in MISSING]


def edit(path: Path, old: str, new: str) -> None:
    """Replace `old`, which must stand in the file once, by `new`."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    root = tmp_path / "platform"
    shutil.copytree(PROJECTS / "clean-shop-platform", root)
    code = root / "src/shop/clients/carrier.py"
    edit(code, "from functools import lru_cache\n", "import os\nfrom functools import lru_cache\n")
    edit(code, "    settings = get_settings()\n", '    settings = get_settings()\n    os.environ["SHOP_CARRIER_ACCOUNT"]\n')
    edit(
        root / "charts/shop/values-staging.yaml",
        "  SHOP_ENVIRONMENT: staging\n",
        '  SHOP_ENVIRONMENT: staging\n  SHOP_CARRIER_ACCOUNT: "17"\n',
    )
    return root


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    root = tmp_path / "clinic"
    shutil.copytree(PROJECTS / "clean-clinic-django", root)
    code = root / "notifications/sms.py"
    edit(
        code,
        '            "Idempotency-Key": key,\n',
        '            "Idempotency-Key": key,\n            "X-Account": os.environ["SMS_ACCOUNT"],\n',
    )
    edit(root / ".env.staging", "SMS_SENDER_ID=ACMETEST\n", "SMS_SENDER_ID=ACMETEST\nSMS_ACCOUNT=17\n")
    return root


@pytest.mark.parametrize("given", ["src/shop/clients/carrier.py", "charts/shop/values-production.yaml"])
def test_variable_gained_by_the_platform(platform: Path, given: str) -> None:
    (finding,) = check(platform, given)
    assert (finding["path"], finding["environment"]) == ("src/shop/clients/carrier.py", "production")
    assert "SHOP_CARRIER_ACCOUNT" in finding["message"]
    assert any(place["path"].startswith("charts/shop/") for place in finding["evidence"])


@pytest.mark.parametrize("given", ["notifications/sms.py", ".env.production"])
def test_variable_gained_by_the_clinic(clinic: Path, given: str) -> None:
    (finding,) = check(clinic, given)
    assert (finding["path"], finding["environment"]) == ("notifications/sms.py", "production")
    assert "SMS_ACCOUNT" in finding["message"]
    assert any(place["path"] in {".env.production", "docker-compose.prod.yml"} for place in finding["evidence"])


def test_line_lost_from_one_env_file(tmp_path: Path) -> None:
    root = tmp_path / "clinic"
    shutil.copytree(PROJECTS / "clean-clinic-django", root)
    edit(root / ".env.production", "INSURER_API_KEY=fake-live-b7c1d5e9\n", "")
    (finding,) = check(root, ".env.production")
    assert (finding["path"], finding["environment"]) == ("billing/insurer.py", "production")
    assert "INSURER_API_KEY" in finding["message"]
    assert check(root, ".env.staging") == []


def test_line_lost_from_one_values_file(tmp_path: Path) -> None:
    root = tmp_path / "platform"
    shutil.copytree(PROJECTS / "clean-shop-platform", root)
    values = root / "charts/shop/values-production.yaml"
    edit(values, "  SHOP_EXPORTS_BUCKET: acme-shop-exports-production\n", "")
    (finding,) = check(root, "charts/shop/values-production.yaml")
    assert (finding["path"], finding["environment"]) == ("src/shop/config.py", "production")
    assert "SHOP_EXPORTS_BUCKET" in finding["message"]
