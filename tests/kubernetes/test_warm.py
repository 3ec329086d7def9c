"""A warm cache answers as a cold run does when what charts and kustomizations read at link time changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run

TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.name" . }}
spec:
  selector:
    matchLabels: {app: {{ .Values.app }}}
  template:
    metadata:
      labels: {app: {{ .Values.app }}}
    spec:
      containers:
        - name: api
          image: registry.example.com/shop/api:1.4.2
          ports: [{name: http, containerPort: 8000}]
          {{- if .Values.probe }}
          readinessProbe: {httpGet: {path: /ready, port: 8000}}
          {{- end }}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {{ include "shop.name" . }}
spec:
  selector: {app: shop}
  ports: [{port: 80, targetPort: http}]
"""
CHART = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "charts/shop/values.yaml": "app: shop\nprobe: true\n",
    "charts/shop/values-production.yaml": "probe: true\n",
    "charts/shop/templates/_helpers.tpl": '{{- define "shop.name" -}}shop{{- end -}}\n',
    "charts/shop/templates/deployment.yaml": TEMPLATE,
    "charts/shop/templates/service.yaml": SERVICE,
}
API = TEMPLATE.replace('{{ include "shop.name" . }}', "shop").replace("{{ .Values.app }}", "shop")
API = "\n".join(line for line in API.splitlines() if "{{-" not in line) + "\n"
OVERLAY = "resources: [../../base]\npatches:\n- path: ops.yaml\n  target: {kind: Deployment, name: shop}\n"
KUSTOMIZE = {
    "k8s/base/kustomization.yaml": "resources: [api.yaml, service.yaml]\n",
    "k8s/base/api.yaml": API,
    "k8s/base/service.yaml": SERVICE.replace('{{ include "shop.name" . }}', "shop"),
    "k8s/overlays/production/kustomization.yaml": OVERLAY,
    "k8s/overlays/production/ops.yaml": "- op: replace\n  path: /spec/replicas\n  value: 3\n",
}


def found(tree: Path, cache: Path, *, cold: bool) -> list[tuple[str, str]]:
    options = run_options(paths=[str(tree)], root=str(tree), cache_dir=str(cache), no_cache=cold, min_severity="note", jobs=1)
    return [(item.rule, item.path) for item in run(options).findings]


@pytest.mark.parametrize(
    ("files", "path", "old", "new", "rule"),
    [
        (CHART, "charts/shop/values-production.yaml", "probe: true", "probe: false", "service-without-readiness"),
        (CHART, "charts/shop/values-production.yaml", "probe: true", "app: api", "service-selects-nothing"),
        (CHART, "charts/shop/values.yaml", "app: shop", "app: api", "service-selects-nothing"),
        (CHART, "charts/shop/templates/service.yaml", "targetPort: http", "targetPort: web", "service-selects-nothing"),
        (CHART, "charts/shop/templates/deployment.yaml", "if .Values.probe", "if .Values.probed", "service-without-readiness"),
        (KUSTOMIZE, "k8s/overlays/production/ops.yaml", "/spec/replicas", "/spec/strategy/type", "kustomization-does-not-build"),
        (KUSTOMIZE, "k8s/overlays/production/ops.yaml", "replace", "remove", "kustomization-does-not-build"),
        (KUSTOMIZE, "k8s/base/kustomization.yaml", "api.yaml, ", "", None),
    ],
)
def test_changed_input_is_linked_anew(
    tmp_path: Path, files: dict[str, str], path: str, old: str, new: str, rule: str | None
) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    for name, text in files.items():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    before = found(tree, cache, cold=False)
    assert before == found(tree, cache, cold=False) == found(tree, cache, cold=True)
    (tree / path).write_text((tree / path).read_text().replace(old, new))
    after = found(tree, cache, cold=False)
    assert after == found(tree, cache, cold=True)
    assert rule is None or (rule in {name for name, _path in after} and rule not in {name for name, _path in before})
