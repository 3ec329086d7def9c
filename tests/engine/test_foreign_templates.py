"""What lies under ``templates/`` without a chart belongs to another tool, and cannot make a run incomplete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opslint.engine.classify import kind_of

LINTER, RULES = (Path(__file__).resolve().parents[2] / name for name in ("linter", "rules"))
BROKEN = "a: {{ .Values.a\n"


def check(root: Path, *options: str) -> dict[str, Any]:
    """Run `opslint check` on a directory and return its JSON object."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(LINTER), str(RULES))), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "opslint",
        "check",
        "--no-cache",
        "--format",
        "json",
        "--root",
        str(root),
        *options,
        str(root),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def put(root: Path, files: dict[str, str]) -> None:
    """Write files below `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("chart/templates/_helpers.tpl", "helm-template"),
        ("chart/templates/_names.tpl", "helm-template"),
        ("chart/templates/deployment.yaml", "helm-template"),
        ("infra/templates/main.tf.tpl", None),
        ("infra/templates/user-data.sh.tpl", None),
        ("infra/templates/policy.tpl", None),
        ("infra/templates/_part.sh.tpl", None),
    ],
)
def test_kind(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_template_without_a_chart_leaves_the_run_complete(tmp_path: Path) -> None:
    put(tmp_path, {"ci/templates/job.yaml": BROKEN})
    result = check(tmp_path)
    assert (result["complete"], result["problems"]) == (True, [])


def test_broken_template_of_a_chart_does_not(tmp_path: Path) -> None:
    chart = {"ci/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "ci/values.yaml": "a: 1\n"}
    put(tmp_path, {**chart, "ci/templates/job.yaml": BROKEN})
    assert check(tmp_path)["complete"] is False


def image(name: str) -> str:
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: a\n          image: registry.example.com/acme/{name}\n"


def test_moving_images_of_one_directory_are_one_finding(tmp_path: Path) -> None:
    put(tmp_path, {f"k8s/{name}.yaml": image(name) for name in ("a", "b", "c")} | {"other/d.yaml": image("d")})
    found = check(tmp_path, "--select", "mutable-image-deployed")["findings"]
    assert [(item["path"], [place["path"] for place in item["evidence"]]) for item in found] == [
        ("k8s/a.yaml", ["k8s/b.yaml", "k8s/c.yaml"]),
        ("other/d.yaml", []),
    ]
