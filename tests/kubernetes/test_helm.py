"""Charts rendered with the values of each environment, and the way back to templates and values files."""

from __future__ import annotations

DEPLOYMENT = """\
{{- $image := .Values.image }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "api.fullname" . }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: api
          image: "{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}"
          env:
            - name: MODE
              value: {{ .Values.mode | quote }}
            {{- range $key, $value := .Values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
            - name: SELF
              value: http://{{ .Release.Name }}-api
            {{- if .Values.token }}
            - name: TOKEN
              value: {{ .Values.token }}
            {{- end }}
          {{- with .Values.probe }}
          livenessProbe:
            {{- toYaml . | nindent 12 }}
          {{- end }}
"""
HELPERS = '{{ define "api.fullname" }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}'
VALUES = """\
image:
  repository: shop/api
  tag: ""
replicas: 1
mode: plain
token: hunter2
env:
  URL: https://u:p@example.com/x?k=v
probe:
  httpGet:
    path: /live
    port: 8000
"""


def chart(**more: str) -> dict[str, str]:
    return {
        "chart/Chart.yaml": "apiVersion: v2\nname: api\nversion: 0.1.0\nappVersion: 1.9.0\n",
        "chart/values.yaml": VALUES,
        "chart/templates/_helpers.tpl": HELPERS,
        "chart/templates/deployment.yaml": DEPLOYMENT,
        **more,
    }


def only(found):
    (item,) = found.values()
    return item.workloads[0].containers[0]


def test_defaults_are_one_deployment(project) -> None:
    built = project(chart())
    found = built.deployments()
    assert list(found) == ["helm:chart"]
    api = only(found)
    assert api.image.value == "shop/api:1.9.0"
    assert found["helm:chart"].workloads[0].name == "api-api"
    assert not built.model.blind_spots


def test_environments_layer_over_the_defaults(project) -> None:
    built = project(
        chart(**{"chart/values-prod.yaml": "replicas: 5\nimage: {tag: v2}\n", "chart/values-staging.yaml": "mode: other\n"})
    )
    found = built.deployments()
    assert {key: item.environments for key, item in found.items()} == {
        "helm:chart@values-prod.yaml": ["production"],
        "helm:chart@values-staging.yaml": ["staging"],
    }
    prod = found["helm:chart@values-prod.yaml"].workloads[0]
    assert prod.replicas.value == 5
    assert prod.containers[0].image.value == "shop/api:v2"
    assert prod.containers[0].image_loc == ("chart/values-prod.yaml", (2, 14, 2, 16))


def test_values_carry_the_place_of_their_file(project) -> None:
    api = only(project(chart()).deployments())
    entries = {entry.name: entry for entry in api.entries}
    assert entries["MODE"].loc == ("chart/values.yaml", (5, 7, 5, 12))
    assert entries["URL"].loc[0] == "chart/values.yaml"
    assert entries["URL"].loc[1][0] == 8
    (probe,) = api.probes
    assert probe.path_loc == ("chart/values.yaml", (11, 11, 11, 16))
    assert (probe.path.value, probe.port.value) == ("/live", 8000)


def test_values_are_masked(project) -> None:
    found = project(chart()).deployments()
    entries = {entry.name: entry for entry in only(found).entries}
    assert entries["URL"].value.value.host == "example.com"
    assert "hunter2" not in repr(found) + repr([node.pairs for item in found.values() for node in item.objects])


def test_release_name_is_a_guess(project) -> None:
    entries = {entry.name: entry for entry in only(project(chart()).deployments()).entries}
    assert type(entries["SELF"].value).__name__ == "Unknown"


def test_template_lines(project) -> None:
    built = project(chart())
    found = built.deployments()
    workload = found["helm:chart"].workloads[0]
    assert workload.loc[0] == "chart/templates/deployment.yaml"
    assert workload.loc[1][0] == 5
    assert workload.containers[0].loc[1][:2] == (11, 17)


def test_commands_say_the_order_and_what_is_not_known(project) -> None:
    workflow = """\
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - run: |
          helm upgrade --install shop ./chart -n shop-prod \\
            -f chart/values-prod.yaml -f chart/values-eu.yaml --set image.tag=${{ github.sha }} --set mode=set
"""
    built = project(
        chart(
            **{
                ".github/workflows/deploy.yml": workflow,
                "chart/values-prod.yaml": "replicas: 5\n",
                "chart/values-eu.yaml": "replicas: 6\n",
            }
        )
    )
    found = built.deployments()
    assert list(found) == ["helm:chart@values-prod.yaml+values-eu.yaml"]
    (item,) = found.values()
    assert item.environments == ["production"]
    (workload,) = item.workloads
    assert workload.replicas.value == 6
    assert workload.name == "shop-api"
    api = workload.containers[0]
    assert type(api.image).__name__ == "Unknown"
    assert api.image.prefix == "shop/api:"
    assert type({entry.name: entry.value for entry in api.entries}["SELF"]).__name__ == "Known"


def test_pattern_of_values_files(project) -> None:
    script = "helm upgrade --install api chart --values chart/values-${ENV}.yaml\n"
    more = {
        "deploy.sh": script,
        "chart/values-prod.yaml": "{}",
        "chart/values-dev.yaml": "{}",
        "chart/values-local-notes.yaml": "{}",
    }
    found = project(chart(**more)).deployments()
    assert {"helm:chart@values-dev.yaml", "helm:chart@values-prod.yaml"} <= set(found)


def test_argo_application(project) -> None:
    application = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop-prod}
spec:
  destination: {namespace: prod}
  source:
    path: chart
    helm:
      valueFiles: [values-prod.yaml]
      parameters: [{name: image.tag, value: v9}]
"""
    found = project(chart(**{"argo/prod.yaml": application, "chart/values-prod.yaml": "replicas: 3\n"})).deployments()
    item = found["helm:chart@values-prod.yaml"]
    assert item.environments == ["production"]
    assert item.workloads[0].name == "shop-prod-api"
    assert item.workloads[0].containers[0].image.value == "shop/api:v9"


def test_missing_values_file_opens_the_scope(project) -> None:
    found = project(chart(**{"deploy.sh": "helm upgrade api chart -f secrets.yaml\n"})).deployments()
    (item,) = found.values()
    assert item.open_reasons[0][0] == "secrets.yaml is not in the repository"


def test_what_is_not_rendered_is_a_blind_spot(project) -> None:
    built = project(
        chart(
            **{"chart/templates/x.yaml": "a: {{ .Values.nothing.here }}\n", "chart/templates/y.yaml": "a: [{{ .Values.mode }}\n"}
        )
    )
    found = built.deployments()
    spots = [(spot.kind, spot.loc[0]) for spot in built.model.blind_spots]
    assert spots == [("helm-not-rendered", "chart/templates/x.yaml"), ("helm-not-rendered", "chart/templates/y.yaml")]
    assert only(found).open_reasons


def test_unknown_condition_renders_and_opens(project) -> None:
    text = '{{- if (lookup "v1" "Secret" "a" "b") }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n{{- end }}\n'
    found = project(chart(**{"chart/templates/x.yaml": text})).deployments()
    (item,) = found.values()
    assert [node.text("kind") for node in item.objects].count("ConfigMap") == 1
    assert item.open_reasons[0][0] == "lookup in the cluster"


def test_unknown_block_between_keys(project) -> None:
    text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  A: "1"\n  {{- toYaml (lookup "v1" "ConfigMap" "a" "b").data | nindent 2 }}\n  B: "2"\n'
    built = project(chart(**{"chart/templates/x.yaml": text}))
    built.deployments()
    assert not built.model.blind_spots


def test_subcharts_conditions_and_globals(project) -> None:
    more = {
        "chart/Chart.yaml": "apiVersion: v2\nname: api\nversion: 0.1.0\ndependencies:\n- {name: db, condition: db.enabled}\n- {name: remote, repository: 'https://x', version: 1}\n",
        "chart/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
        "chart/charts/db/values.yaml": "image: postgres:15\n",
        "chart/charts/db/templates/s.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Chart.Name }}-{{ .Values.global.zone }}}\nspec: {containers: [{name: db, image: {{ .Values.image }}}]}\n",
        "chart/values.yaml": VALUES + "db: {enabled: true, image: postgres:16}\nglobal: {zone: eu}\n",
        "chart/values-dev.yaml": "db: {enabled: false}\n",
        "chart/values-prod.yaml": "{}\n",
    }
    built = project(chart(**more))
    found = built.deployments()
    pods = {
        key: [(w.name, w.containers[0].image.value) for w in item.workloads if w.kind == "Pod"] for key, item in found.items()
    }
    assert pods == {"helm:chart@values-dev.yaml": [], "helm:chart@values-prod.yaml": [("db-eu", "postgres:16")]}
    assert [spot.kind for spot in built.model.blind_spots] == ["helm-dependency-not-here"]


def test_library_charts_and_charts_others_build_on_are_no_deployments(project) -> None:
    more = {
        "common/Chart.yaml": "apiVersion: v2\nname: common\nversion: 1.0.0\n",
        "common/templates/_pod.tpl": '{{ define "common.name" }}{{ .Values.mode }}{{ end }}',
        "chart/Chart.yaml": "apiVersion: v2\nname: api\nversion: 0.1.0\nappVersion: 1.9.0\ndependencies: [{name: common, repository: 'file://../common', version: 1}]\n",
        "chart/templates/c.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ include "common.name" . }}}\n',
    }
    found = project(chart(**more)).deployments()
    assert list(found) == ["helm:chart"]
    assert "plain" in [node.text("metadata", "name") for node in found["helm:chart"].objects]


def test_null_takes_a_default_away_and_helm_tests_are_left_out(project) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: t, image: curl}]}\n"
    found = project(
        chart(**{"chart/values-prod.yaml": "probe: null\ntoken: null\n", "chart/templates/tests/t.yaml": pod})
    ).deployments()
    api = only(found)
    assert api.probes == []
    assert "TOKEN" not in [entry.name for entry in api.entries]


def test_cloudformation_under_templates_is_no_helm(project) -> None:
    built = project(
        {
            "templates/vpc.yaml": "AWSTemplateFormatVersion: '2010-09-09'\nResources: {A: {Type: 'AWS::S3::Bucket', Properties: {X: '{{resolve:ssm:a}}'}}}\n",
            "templates/page.yaml": "{% if x %}\n{{ y }}\n",
        }
    )
    assert built.problems == [("templates/page.yaml", "template")]
    assert built.deployments() == {}


def test_chart_at_the_top_and_in_charts_directory(project) -> None:
    top = project({path.removeprefix("chart/"): text for path, text in chart().items()}).deployments()
    assert list(top) == ["helm:."]
    nested = project({f"charts/{path}": text for path, text in chart().items()}).deployments()
    assert list(nested) == ["helm:charts/chart"]


def test_values_that_are_no_yaml_are_a_blind_spot(project) -> None:
    built = project(chart(**{"chart/values-prod.yaml": "a: [\n"}))
    assert built.deployments() == {}
    assert [spot.kind for spot in built.model.blind_spots] == ["helm-not-rendered"]
