"""Plain manifests: objects, variables, probes, replicas, grouping."""

from __future__ import annotations

import pytest
from opslint.facts.kubernetes import KubernetesObject
from opslint.model.probe_commands import url_of

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: shop}}
spec:
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: api
          image: shop/api:1
          ports: [{{name: http, containerPort: 8000}}]
{body}
"""


def container(project, body: str, **more: str):
    built = project({"k8s/api.yaml": POD.format(body=body), **more})
    return built, built.deployments()["manifests:k8s"].workloads[0].containers[0]


def test_probe_defaults_and_named_port(project) -> None:
    _built, api = container(project, "          livenessProbe: {httpGet: {port: http}}\n")
    (probe,) = api.probes
    assert (probe.role, probe.method, probe.path.value, probe.port.value) == ("liveness", "http", "/", 8000)
    assert (probe.delay, probe.period, probe.timeout, probe.failures) == (0.0, 10.0, 1.0, 3)


def test_exec_probe_url(project) -> None:
    _built, api = container(
        project, "          readinessProbe: {exec: {command: [sh, -c, 'curl -f http://localhost:8000/ready || exit 1']}}\n"
    )
    (probe,) = api.probes
    assert (probe.method, probe.path.value, probe.port.value, probe.shell) == ("exec", "/ready", 8000, True)


@pytest.mark.parametrize(
    "words, expected",
    [
        (["curl", "-f", "http://localhost:8000/health"], (8000, "/health")),
        (["CMD-SHELL", "wget -qO- http://127.0.0.1/x?y=1"], (80, "/x?y=1")),
        (["curl", "localhost:9000/ping"], (9000, "/ping")),
        (["sh", "-c", "curl -s localhost:9000/ping || exit 1"], (9000, "/ping")),
        (["python", "-c", "import urllib.request as r; r.urlopen('http://0.0.0.0:5000/')"], (5000, "/")),
        (["sh", "-c", "curl http://localhost:${PORT:-8080}/h"], (8080, "/h")),
        (["sh", "-c", "curl http://localhost:$PORT/h"], (None, "/h")),
    ],
)
def test_urls_of_commands(words, expected) -> None:
    url = url_of(words)
    assert url is not None
    assert (url.port, url.path) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["curl", "http://db:80/x"],
        ["pg_isready"],
        ["sh", "-c", "curl http://localhost/a && curl http://localhost/b"],
        ["curl", "http://localhost/$P"],
    ],
)
def test_commands_without_one_local_url(words) -> None:
    assert url_of(words) is None


def test_variables_in_order(project) -> None:
    body = """\
          envFrom:
            - configMapRef: {name: settings}
            - secretRef: {name: creds}
              prefix: S_
          env:
            - {name: A, value: https://u:pw@host/x}
            - {name: K, valueFrom: {secretKeyRef: {name: creds, key: key}}}
            - {name: N, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: D, value: 'postgres://$(USER):$(PW)@db/x'}
            - {name: E, value: '$(A)/x'}
"""
    more = {
        "k8s/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {A: '1', PORT: '80'}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: creds}\nstringData: {key: topsecret}\ndata: {other: aHVudGVyMg==}\n"
    }
    built, api = container(project, body, **more)
    assert [(entry.name, entry.origin) for entry in api.entries] == [
        ("A", "ConfigMap settings"),
        ("PORT", "ConfigMap settings"),
        ("S_other", "Secret creds"),
        ("S_key", "Secret creds"),
        ("A", "env"),
        ("K", "Secret creds"),
        ("N", "fieldRef"),
        ("D", "env"),
        ("E", "env"),
    ]
    values = [type(entry.value).__name__ for entry in api.entries]
    assert values == ["Known", "Known", "Secret", "Secret", "Known", "Secret", "Unknown", "Known", "Unknown"]
    assert not api.open_reasons
    rows = repr(built.facts[KubernetesObject])
    assert not any(secret in rows for secret in ("topsecret", "hunter2", "aHVudGVyMg", "u:pw"))


@pytest.mark.parametrize(
    "body, reason",
    [
        ("          envFrom: [{secretRef: {name: elsewhere}}]\n", "Secret elsewhere is not in the repository"),
        (
            "          envFrom: [{configMapRef: {name: elsewhere, optional: true}}]\n",
            "ConfigMap elsewhere is not in the repository",
        ),
    ],
)
def test_references_elsewhere_open_the_scope(project, body, reason) -> None:
    _built, api = container(project, body)
    assert [why for why, _loc in api.open_reasons] == [reason]


def test_external_and_sealed_secrets_give_keys(project) -> None:
    more = {
        "k8s/x.yaml": "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: ext}\nspec: {target: {name: creds}, data: [{secretKey: TOKEN, remoteRef: {key: a}}]}\n---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: sealed}\nspec: {encryptedData: {PASS: AgBx}}\n",
    }
    _built, api = container(project, "          envFrom: [{secretRef: {name: creds}}, {secretRef: {name: sealed}}]\n", **more)
    assert [entry.name for entry in api.entries] == ["TOKEN", "PASS"]
    assert not api.open_reasons


def test_data_from_opens(project) -> None:
    more = {
        "k8s/x.yaml": "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: creds}\nspec: {dataFrom: [{extract: {key: a}}]}\n"
    }
    _built, api = container(project, "          envFrom: [{secretRef: {name: creds}}]\n", **more)
    assert "dataFrom" in api.open_reasons[0][0]


def test_scalers_jobs_and_lists(project) -> None:
    text = """\
apiVersion: v1
kind: List
items:
  - apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: h}
    spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {kind: Deployment, name: api}}
  - apiVersion: batch/v1
    kind: CronJob
    metadata: {name: nightly}
    spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: j, image: j:1, args: [run]}]}}}}}
  - apiVersion: example.com/v1
    kind: Widget
    metadata: {name: w}
"""
    built = project({"k8s/api.yaml": POD.format(body=""), "k8s/list.yaml": text})
    workloads = {item.name: item for item in built.deployments()["manifests:k8s"].workloads}
    assert (workloads["api"].replicas.value, workloads["api"].max_replicas.value) == (2, 9)
    assert workloads["nightly"].kind == "CronJob"
    assert workloads["nightly"].containers[0].args == ["run"]
    assert sorted(fact.object_kind for fact in built.facts[KubernetesObject]) == [
        "CronJob",
        "Deployment",
        "HorizontalPodAutoscaler",
    ]


def test_init_containers_and_sidecars(project) -> None:
    text = POD.format(
        body="      initContainers:\n        - {name: i, image: i:1}\n        - {name: s, image: s:1, restartPolicy: Always}\n"
    )
    built = project({"k8s/api.yaml": text})
    found = built.deployments()["manifests:k8s"].workloads[0].containers
    assert [(item.name, item.init) for item in found] == [("i", True), ("s", False), ("api", False)]


def test_config_of_another_directory_of_the_same_tier(project) -> None:
    more = {"deploy/config/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {A: '1'}\n"}
    _built, api = container(project, "          envFrom: [{configMapRef: {name: settings}}]\n", **more)
    assert [entry.name for entry in api.entries] == ["A"]


def test_one_deployment_a_directory_with_its_environment(project) -> None:
    found = project({"k8s/prod/a.yaml": POD.format(body=""), "k8s/staging/a.yaml": POD.format(body="")}).deployments()
    assert {key: item.environments for key, item in found.items()} == {
        "manifests:k8s/prod": ["production"],
        "manifests:k8s/staging": ["staging"],
    }


def test_secrets_of_two_deployments_are_not_the_same(project) -> None:
    body = "          env: [{name: K, valueFrom: {secretKeyRef: {name: creds, key: key}}}]\n"
    found = project({"k8s/prod/a.yaml": POD.format(body=body), "k8s/staging/a.yaml": POD.format(body=body)}).deployments()
    refs = {item.workloads[0].containers[0].entries[0].value.ref for item in found.values()}
    assert len(refs) == 2


@pytest.mark.parametrize(
    "broken",
    [
        "spec: 5",
        "spec: {template: 5}",
        "spec: {template: {spec: {containers: {a: b}}}}",
        "spec: {template: {spec: {containers: [1, {env: {A: b}}, {ports: [5], livenessProbe: 7}]}}}",
        "metadata: 5",
    ],
)
def test_odd_shapes_do_not_crash(project, broken) -> None:
    project({"k8s/a.yaml": f"apiVersion: apps/v1\nkind: Deployment\n{broken}\n"}).deployments()
