"""What opslint resolves equals what the tools give, over small systems in the shape of real ones.

`resolution/<case>` is such a system; `expected/<case>/<deployment>.yaml` is what Helm 3.17.3 and kustomize 5.4.2 (kubectl 1.31.9) made of
it, written by `benchmarks/resolution.py --corpus tests/kubernetes/resolution --record tests/kubernetes/expected`; the helmfile's
was compared with helmfile 0.166.0. The same script compares charts and overlays of public repositories with the tools themselves.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = sorted((HERE / "expected").glob("*/*.yaml"))


@pytest.fixture(scope="module")
def resolution():
    """The benchmark's comparison."""
    spec = importlib.util.spec_from_file_location("resolution_benchmark", HERE.parent.parent / "benchmarks" / "resolution.py")
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


def read(case: Path) -> dict[str, str]:
    return {path.relative_to(case).as_posix(): path.read_text() for path in sorted(case.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("expected", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_resolved_as_the_tool_does(project, resolution, expected) -> None:
    found = project(read(HERE / "resolution" / expected.parent.name)).deployments()
    (deployment,) = [item for key, item in found.items() if resolution.slug(key) == expected.name]
    count = resolution.compare(deployment, resolution.objects_of(expected.read_text()))
    assert count.different == []
    assert count.equal > 5
    assert not deployment.open_reasons


def test_every_case_is_there() -> None:
    assert len({path.parent.name for path in CASES}) >= 12
    assert len(CASES) >= 20


def test_a_wrong_value_is_seen(project, resolution) -> None:
    """The comparison itself: each kind of change to what the tool gave is a difference."""
    name = "kustomize-strategic"
    found = project(read(HERE / "resolution" / name)).deployments()["kustomize:overlays/staging"]
    text = (HERE / "expected" / name / "kustomize-overlays_staging.yaml").read_text()
    for old, new in (
        ("value: debug", "value: info"),
        ("replicas: 2", "replicas: 3"),
        ("2.0.0-rc1", "2.0.0"),
        ("name: EXTRA", "name: OTHER"),
        ("db.staging.example.com", "db.example.com"),
        ("namespace: shop-staging", "namespace: shop"),
    ):
        assert old in text
        assert resolution.compare(found, resolution.objects_of(text.replace(old, new))).different
