"""Kustomize builds; the expected results are those of kustomize 5.5."""

from __future__ import annotations

import pytest
from opslint.base.tree import Mapping, Scalar, Sequence

BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          image: shop/api
          env:
            - {name: A, value: one}
            - {name: B, value: two}
          envFrom:
            - configMapRef: {name: settings}
          ports:
            - {name: http, containerPort: 8000}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
        - name: proxy
          image: envoy:1
"""


def kustomization(**more: str) -> dict[str, str]:
    return {
        "k8s/base/api.yaml": BASE,
        "k8s/base/kustomization.yaml": "resources: [api.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [X=1, URL=http://u:p@db:5432/shop]\n",
        **more,
    }


def overlay(project, text: str, **more: str):
    built = project(kustomization(**{"k8s/overlays/prod/kustomization.yaml": "resources: [../../base]\n" + text, **more}))
    return built, built.deployments()["kustomize:k8s/overlays/prod"]


def test_overlay_is_the_deployment_and_has_its_environment(project) -> None:
    built, found = overlay(project, "")
    assert list(built.deployments()) == ["kustomize:k8s/overlays/prod"]
    assert found.environments == ["production"]
    assert found.workloads[0].files == [
        "k8s/base/api.yaml",
        "k8s/base/kustomization.yaml",
        "k8s/overlays/prod/kustomization.yaml",
    ]


def test_image_entry_is_the_place_of_the_image(project) -> None:
    built, found = overlay(project, "images:\n- name: shop/api\n  newName: registry.example.com/api\n  newTag: v3\n")
    api = found.workloads[0].containers[0]
    assert api.image.value == "registry.example.com/api:v3"
    assert built.where(api.image_loc) == "k8s/overlays/prod/kustomization.yaml:5"
    assert found.workloads[0].containers[1].image.value == "envoy:1"


def test_digest_replaces_the_tag(project) -> None:
    _built, found = overlay(project, "images:\n- name: envoy\n  digest: sha256:abc\n")
    assert found.workloads[0].containers[1].image.value == "envoy@sha256:abc"


def test_strategic_merge_by_keys(project) -> None:
    patch = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 4
  template:
    spec:
      containers:
        - name: api
          env:
            - {name: B, value: changed}
            - {name: C, value: new}
          ports:
            - {name: metrics, containerPort: 9090}
        - name: proxy
          $patch: delete
"""
    _built, found = overlay(project, "patches: [{path: p.yaml}]\n", **{"k8s/overlays/prod/p.yaml": patch})
    (workload,) = found.workloads
    (api,) = workload.containers
    assert workload.replicas.value == 4
    assert api.ports == {"9090": 9090, "metrics": 9090, "8000": 8000, "http": 8000}
    names = [entry.name for entry in api.entries if entry.origin == "env"]
    assert names == ["C", "A", "B"]


def test_json_patch_with_label_selector_and_removed_field(project) -> None:
    text = "patches:\n- target: {kind: Deployment, name: a.*}\n  patch: |-\n    - op: remove\n      path: /spec/template/spec/containers/0/env\n    - {op: add, path: /spec/replicas, value: 2}\n"
    built, found = overlay(project, text)
    assert found.workloads[0].replicas.value == 2
    assert [entry.name for entry in found.workloads[0].containers[0].entries] == ["X", "URL"]
    assert not built.model.blind_spots


def test_refused_patch_is_a_blind_spot(project) -> None:
    built, found = overlay(
        project, "patches:\n- target: {kind: Deployment}\n  patch: '[{op: replace, path: /spec/nothing/x, value: 1}]'\n"
    )
    assert [spot.kind for spot in built.model.blind_spots] == ["kustomize-does-not-build"]
    assert found.workloads


def test_names_namespace_and_references(project) -> None:
    _built, found = overlay(project, "namePrefix: prod-\nnameSuffix: -x\nnamespace: shop\n")
    (workload,) = found.workloads
    assert (workload.name, workload.namespace.value) == ("prod-api-x", "shop")
    assert [entry.name for entry in workload.containers[0].entries][:2] == ["X", "URL"]
    assert not workload.containers[0].open_reasons


def test_generators_merge_and_mask(project) -> None:
    text = "configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [X=2]\n  envs: [app.env]\n"
    built, found = overlay(project, text, **{"k8s/overlays/prod/app.env": "# comment\nTOKEN=abc\nHOSTED\n"})
    entries = {entry.name: entry for entry in found.workloads[0].containers[0].entries}
    assert entries["X"].value.value.plain == "2"
    assert built.where(entries["X"].loc) == "k8s/overlays/prod/kustomization.yaml:5"
    assert (
        built.where(entries["TOKEN"].loc)
        if isinstance(entries["TOKEN"].loc[1], int)
        else entries["TOKEN"].loc[0].endswith("app.env")
    )
    assert entries["URL"].value.value.host == "db"
    assert type(entries["HOSTED"].value).__name__ == "Unknown"
    assert "abc" not in repr(found)
    assert "u:p" not in repr(found)


def test_missing_env_file_opens_the_scope(project) -> None:
    _built, found = overlay(project, "secretGenerator:\n- name: s\n  envs: [.env.secret]\n")
    assert [reason for reason, _loc in found.open_reasons] == [".env.secret is not in the repository"]
    assert found.workloads[0].containers[0].open_reasons


def test_remote_base_opens_the_scope(project) -> None:
    _built, found = overlay(
        project,
        "components: []\n",
        **{"k8s/overlays/prod/kustomization.yaml": "resources:\n- ../../base\n- github.com/x/y//z?ref=v1\n"},
    )
    assert "fetched" in found.open_reasons[0][0]


def test_component_changes_what_is_there(project) -> None:
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplicas: [{name: api, count: 7}]\n"
    built, found = overlay(project, "components: [../../parts/big]\n", **{"k8s/parts/big/kustomization.yaml": component})
    assert found.workloads[0].replicas.value == 7
    assert "kustomize:k8s/parts/big" not in built.deployments()


def test_cycle_is_a_blind_spot(project) -> None:
    built = project({"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"})
    built.deployments()
    assert {spot.kind for spot in built.model.blind_spots} == {"kustomize-cycle"}


def test_labels_reach_selectors_and_pods(project) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {selector: {app: api}}\n"
    _built, found = overlay(
        project,
        "labels: [{pairs: {team: shop}, includeSelectors: true}]\n",
        **{"k8s/base/kustomization.yaml": "resources: [api.yaml, svc.yaml]\n", "k8s/base/svc.yaml": service},
    )
    nodes = {node.text("kind"): node for node in found.objects}
    assert nodes["Service"].text("spec", "selector", "team") == "shop"
    assert nodes["Deployment"].text("spec", "template", "metadata", "labels", "team") == "shop"


def test_replacement_by_a_masked_value_is_a_hole(project) -> None:
    text = "replacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: data.URL}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=api].image']\n"
    _built, found = overlay(project, text)
    assert type(found.workloads[0].containers[0].image).__name__ == "Unknown"
    assert found.workloads[0].containers[1].image.value == "envoy:1"


def test_kustomization_of_the_same_files_is_no_deployment_of_its_own(project) -> None:
    built, _found = overlay(
        project, "", **{"k8s/all/kustomization.yaml": "resources: [../base/api.yaml]\n", "k8s/base/spare.yaml": BASE}
    )
    assert list(built.deployments()) == ["kustomize:k8s/overlays/prod"]


def test_template_of_a_kustomization_is_not_found_by_kustomize(project) -> None:
    built, _found = overlay(
        project,
        "",
        **{
            "scripts/preview-kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [x.yaml]\n"
        },
    )
    assert list(built.deployments()) == ["kustomize:k8s/overlays/prod"]


def test_patch_of_patches_keeps_trees_apart(project) -> None:
    more = {"k8s/overlays/dev/kustomization.yaml": "resources: [../../base]\nreplicas: [{name: api, count: 1}]\n"}
    built, _found = overlay(project, "replicas: [{name: api, count: 9}]\n", **more)
    counts = {key: item.workloads[0].replicas.value for key, item in built.deployments().items()}
    assert counts == {"kustomize:k8s/overlays/dev": 1, "kustomize:k8s/overlays/prod": 9}


def test_merge_functions_do_not_change_their_input() -> None:
    from opslint.model.kustomize_patches import strategic

    base = Mapping([(Scalar("a", 0), Sequence([Scalar("1", 0)], 0))], 0)
    patch = Mapping([(Scalar("a", 0), Scalar("", 0)), (Scalar("b", 0), Scalar("2", 0))], 0)
    merged = strategic(base, patch, lists=True)
    assert merged is not None and merged.keys() == ["b"]
    assert base.keys() == ["a"]


def test_what_kustomize_refuses_is_named(project) -> None:
    merge = "configMapGenerator:\n- name: settings\n  behavior: merge\n  literals: [X=2]\n"
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {X: '1'}\n"
    more = {"k8s/base/kustomization.yaml": "resources: [api.yaml, map.yaml]\n", "k8s/base/map.yaml": plain}
    built, _found = overlay(project, merge, **more)
    assert [spot.kind for spot in built.model.blind_spots] == ["kustomize-does-not-build"]
    # Without a namespace of its own, or with the generator naming it, the ConfigMap is found.
    more["k8s/base/map.yaml"] = plain.replace(", namespace: shop", "")
    built, _found = overlay(project, "namespace: shop\n" + merge, **more)
    assert not built.model.blind_spots
    patch = "patches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: settings, namespace: other}\n    data: {X: '3'}\n"
    more["k8s/base/map.yaml"] = plain
    built, _found = overlay(project, patch, **more)
    assert [spot.kind for spot in built.model.blind_spots] == ["kustomize-does-not-build"]


def refused(built) -> list[str]:
    built.deployments()
    return [item.message for item in built.model.kustomizer.refused]


@pytest.mark.parametrize(
    ("operation", "accepted"),
    [
        ("{op: replace, path: /spec/replicas, value: 3}", True),
        ("{op: add, path: /metadata/annotations/owner, value: shop}", True),
        ("{op: replace, path: /metadata/annotations/owner, value: shop}", True),
        ("{op: remove, path: /metadata/annotations/owner}", False),
        ("{op: add, path: /metadata/labels/owner, value: shop}", False),
        ("{op: replace, path: /spec/strategy/type, value: Recreate}", False),
        ("{op: remove, path: /spec/template/spec/containers/0/livenessProbe}", False),
        ("{op: replace, path: /spec/template/spec/containers/7/image, value: a}", False),
        ("{op: add, path: /spec/template/spec/containers/0/ports/-, value: {containerPort: 1}}", True),
    ],
)
def test_operations_that_kustomize_refuses(project, operation: str, accepted: bool) -> None:
    built, _found = overlay(project, f"patches:\n- target: {{kind: Deployment, name: api}}\n  patch: |-\n    - {operation}\n")
    assert (refused(built) == []) is accepted


def test_an_object_twice_is_refused_where_it_comes_twice(project) -> None:
    again = {"k8s/overlays/prod/more.yaml": BASE}
    built, _found = overlay(project, "", **{"k8s/base/kustomization.yaml": "resources: [api.yaml, api.yaml]\n"})
    assert [item.directory for item in built.model.kustomizer.refused] == ["k8s/base"]
    built = project(kustomization(**{"k8s/overlays/prod/kustomization.yaml": "resources: [../../base, more.yaml]\n", **again}))
    assert refused(built) == ["Deployment api is there already: a build may hold no two objects of one name"]
    other = {"k8s/overlays/prod/more.yaml": BASE.replace("{name: api}", "{name: api, namespace: b}", 1)}
    built = project(kustomization(**{"k8s/overlays/prod/kustomization.yaml": "resources: [../../base, more.yaml]\n", **other}))
    assert refused(built) == []


@pytest.mark.parametrize(
    "part",
    [
        "helmCharts: [{name: redis, repo: https://charts.example.com, version: 1.0.0}]",
        "generators: [plugin.yaml]",
        "components: [https://github.com/example/parts//redis?ref=v1]",
    ],
)
def test_what_is_made_at_build_time_may_be_patched(project, part: str) -> None:
    patch = "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: redis}\n    spec: {replicas: 2}\n"
    built, _found = overlay(project, f"{part}\n{patch}")
    assert refused(built) == []


def test_a_kustomization_without_an_extension_is_built(project) -> None:
    built = project({"k8s/Kustomization": "resources: [api.yaml]\n", "k8s/api.yaml": BASE})
    assert list(built.deployments()) == ["kustomize:k8s"]
