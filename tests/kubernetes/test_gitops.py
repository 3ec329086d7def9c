"""Values that Argo CD, Flux and helmfile give a chart in place; what lies under values that are not known; patterns and places."""

from __future__ import annotations

import pytest
from opslint.base.value import Known
from opslint.model.anchored_patterns import PatternError, fits
from opslint.model.k8s_targets import Targets

CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: api\nversion: 0.1.0\n",
    "chart/values.yaml": "image: acme/api:1\nmode: plain\nreplicas: 1\n",
    "chart/templates/d.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: {{ .Values.image }}
          env:
            - {name: MODE, value: {{ .Values.mode | quote }}}
""",
}
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: api, namespace: apps}
spec:
  chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: x}}}
  valuesFrom:
    - {kind: Secret, name: more}
  values:
    mode: inline
"""


def only(found):
    ((_key, item),) = [(key, item) for key, item in found.items() if key.startswith("helm:")]
    return item


def test_inline_values_win_over_values_that_are_not_known(project) -> None:
    item = only(project({**CHART, "clusters/app.yaml": RELEASE}).deployments())
    api = item.workloads[0].containers[0]
    assert isinstance(api.entries[0].value, Known)
    # What the chart itself says may be overridden by the Secret: it is only likely.
    assert type(api.image).__name__ == "Unknown"
    assert item.open_reasons[0][0] == "valuesFrom"
    assert item.workloads[0].namespace.value == "apps"


def test_inline_values_stand_where_they_are_written(project) -> None:
    built = project({**CHART, "clusters/app.yaml": RELEASE})
    entry = only(built.deployments()).workloads[0].containers[0].entries[0]
    assert entry.loc[0] == "clusters/app.yaml"
    assert entry.loc[1][0] == 9


def test_a_release_that_a_kustomization_takes_may_be_patched(project) -> None:
    text = RELEASE.replace("  valuesFrom:\n    - {kind: Secret, name: more}\n", "")
    files = {**CHART, "clusters/app.yaml": text, "clusters/kustomization.yaml": "resources: [app.yaml]\n"}
    item = only(project(files).deployments())
    assert type(item.workloads[0].containers[0].image).__name__ == "Unknown"
    assert item.open_reasons[0][0] == "a kustomization may patch it"


def test_missing_secrets_open_the_scope_and_doubt_no_image(project) -> None:
    files = {**CHART, "deploy.sh": "helm upgrade api chart -f values-secrets.yaml\n"}
    item = only(project(files).deployments())
    assert item.workloads[0].containers[0].image.value == "acme/api:1"
    assert item.open_reasons
    files = {**CHART, "deploy.sh": "helm upgrade api chart -f made-elsewhere.yaml\n"}
    assert type(only(project(files).deployments()).workloads[0].containers[0].image).__name__ == "Unknown"


def test_sops_values_are_not_known(project) -> None:
    files = {**CHART, "chart/values-prod.yaml": "mode: ENC[AES256_GCM,data:x,type:str]\nsops: {version: 3}\n"}
    (item,) = project(files).deployments().values()
    assert type(item.workloads[0].containers[0].entries[0].value).__name__ == "Unknown"


@pytest.mark.parametrize(
    ("words", "replicas", "image"),
    [
        ("--set replicas=4,image=x", 4, "x"),
        ("--set-string image=7 --set image=8", 1, "7"),
        ("--set replicas=null", 1, "acme/api:1"),
        ('--set "image=${TAG}"', 1, None),
    ],
)
def test_sets_are_typed_and_ordered_as_helm_does(project, words, replicas, image) -> None:
    item = only(project({**CHART, "deploy.sh": f"helm upgrade api chart {words}\n"}).deployments())
    assert item.workloads[0].replicas.value == replicas
    assert getattr(item.workloads[0].containers[0].image, "value", None) == image


def test_arguments_that_are_not_known_doubt_all_values(project) -> None:
    item = only(project({**CHART, "deploy.sh": "helm upgrade api chart $EXTRA\n"}).deployments())
    assert item.open_reasons[0][0] == "arguments in $EXTRA"


def test_helmfile_with_values_from_outside(project) -> None:
    helmfile = """\
environments:
  staging: {values: [envs/staging.yaml], secrets: [envs/secrets.yaml]}
---
releases:
  - name: api
    chart: ./chart
    values:
      - mode: {{ .Values.mode }}
        image: {{ .Values.image }}
      - replicas: {{ requiredEnv "REPLICAS" }}
"""
    item = only(project({**CHART, "helmfile.yaml": helmfile, "envs/staging.yaml": "mode: st\n"}).deployments())
    assert item.environments == ["staging"]
    api = item.workloads[0].containers[0]
    assert isinstance(api.entries[0].value, Known)
    assert type(api.image).__name__ == "Unknown"
    assert type(item.workloads[0].replicas).__name__ == "Unknown"


def test_helmfile_that_does_not_render_is_a_blind_spot(project) -> None:
    built = project({**CHART, "helmfile.yaml": 'releases:\n- name: a\n  chart: ./chart\n  values: [{a: {{ fail "no" }}}]\n'})
    built.deployments()
    assert [spot.kind for spot in built.model.blind_spots] == ["helmfile-not-rendered"]


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("api", "api", True),
        ("api.*", "api-server", True),
        ("(api|worker)-config", "worker-config", True),
        ("(api|worker)-config", "web-config", False),
        ("[a-z]+-\\d?", "abc-1", True),
        ("[^a-c]+", "xyz", True),
        ("[^a-c]+", "xya", False),
        ("a.c", "a.c", True),
        ("^api$", "api", True),
        ("api", "my-api", False),
        ("(?:x|y)*z", "xyxyz", True),
        ("(a*)*b", "a" * 60, False),
        ("web\\.internal", "web.internal", True),
        ("x+?", "xxx", True),
        ("", "anything", True),
    ],
)
def test_patterns(pattern, text, answer) -> None:
    assert fits(pattern, text) is answer


@pytest.mark.parametrize("pattern", ["a{2}", "(?=x)", "(", "[a", "*a", "a**", "\\bx", "x" * 400, "(" * 30 + ")" * 30])
def test_patterns_that_are_not_followed(pattern) -> None:
    with pytest.raises(PatternError):
        fits(pattern, "text")


def test_a_pattern_that_is_not_followed_opens_the_build(project) -> None:
    files = {
        "k8s/kustomization.yaml": "resources: [d.yaml]\npatches:\n- target: {kind: Deployment, name: 'a{1}pi'}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 3}\n",
        "k8s/d.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {spec: {containers: []}}}\n",
    }
    (item,) = project(files).deployments().values()
    assert item.open_reasons[0][0] == "a patch whose target pattern is not followed"


def test_config_maps_of_one_name_are_told_apart_by_namespace(project) -> None:
    def pair(space: str, value: str) -> str:
        return f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {space}}}
data: {{PORT: "{value}"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {space}, namespace: {space}}}
spec: {{template: {{spec: {{containers: [{{name: c, image: x, envFrom: [{{configMapRef: {{name: settings}}}}]}}]}}}}}}
---
"""

    (item,) = project({"k8s/all.yaml": pair("one", "1") + pair("two", "2")}).deployments().values()
    values = {workload.name: workload.containers[0].entries[0].value.value.plain for workload in item.workloads}
    assert values == {"one": "1", "two": "2"}


def deployment(space: str) -> str:
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api, namespace: {space}}}\nspec: {{template: {{spec: {{containers: [{{name: c, image: x}}]}}}}}}\n"


def application(name: str, path: str, server: str) -> str:
    return f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec:\n  source: {{path: {path}}}\n  destination: {{server: {server}}}\n"


def overlays(*spaces: str) -> dict[str, str]:
    files = {}
    for tier, space in zip(("production", "staging", "development"), spaces, strict=False):
        files[f"k8s/overlays/{tier}/kustomization.yaml"] = "resources: [d.yaml]\n"
        files[f"k8s/overlays/{tier}/d.yaml"] = deployment(space)
    return files


def test_one_namespace_alone_does_not_say_one_cluster(project) -> None:
    targets = Targets(project(overlays("shop", "shop")).model)
    assert targets.clashes() == []
    assert len(targets.unclear) == 1


@pytest.mark.parametrize(
    "spaces", [("shop-prod", "shop-prod"), ("shop-staging", "shop-staging"), ("shop", "shop", "shop-development")]
)
def test_names_of_namespaces_say_that_the_cluster_is_one(project, spaces) -> None:
    (clash,) = Targets(project(overlays(*spaces)).model).clashes()
    assert (clash.what, clash.names, clash.place) == ("workload", ["api"], spaces[0])


def test_a_product_that_is_called_like_a_tier(project) -> None:
    files = {
        "k8s/overlays/production/kustomization.yaml": "resources: [d.yaml]\n",
        "k8s/overlays/production/d.yaml": deployment("dev-portal"),
        "k8s/overlays/development/kustomization.yaml": "resources: [d.yaml]\n",
        "k8s/overlays/development/d.yaml": deployment("dev-portal"),
    }
    assert Targets(project(files).model).clashes() == []


@pytest.mark.parametrize(
    ("directories", "servers", "clashes"),
    [
        (("argo", "argo"), ("https://kubernetes.default.svc", "https://kubernetes.default.svc"), 1),
        (("clusters/a", "clusters/b"), ("https://kubernetes.default.svc", "https://kubernetes.default.svc"), 0),
        (("a", "b"), ("https://10.0.0.1", "https://10.0.0.1"), 1),
        (("argo", "argo"), ("https://10.0.0.1", "https://10.0.0.2"), 0),
    ],
)
def test_clusters_of_applications(project, directories, servers, clashes) -> None:
    files = overlays("shop", "shop")
    for tier, directory, server in zip(("production", "staging"), directories, servers, strict=True):
        files[f"{directory}/{tier}.yaml"] = application(tier, f"k8s/overlays/{tier}", server)
    assert len(Targets(project(files).model).clashes()) == clashes


def ingress(host: str, path: str = "/") -> str:
    return f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web}}\nspec:\n  rules:\n    - host: {host}\n      http: {{paths: [{{path: {path}}}]}}\n"


@pytest.mark.parametrize(
    ("one", "other", "clashes"),
    [
        (ingress("shop.acme.io"), ingress("shop.acme.io"), 1),
        (ingress("shop.acme.io"), ingress("shop.acme.io", "/staging"), 0),
        (ingress("shop.local"), ingress("shop.local"), 0),
        (ingress("shop.your-domain.com"), ingress("shop.your-domain.com"), 0),
        (ingress("'*.acme.io'"), ingress("'*.acme.io'"), 0),
        (ingress("shop.acme.io"), ingress("SHOP.acme.io"), 1),
    ],
)
def test_hosts(project, one, other, clashes) -> None:
    files = {
        "k8s/overlays/production/kustomization.yaml": "resources: [i.yaml]\n",
        "k8s/overlays/production/i.yaml": one,
        "k8s/overlays/staging/kustomization.yaml": "resources: [i.yaml]\n",
        "k8s/overlays/staging/i.yaml": other,
    }
    assert len(Targets(project(files).model).clashes()) == clashes
