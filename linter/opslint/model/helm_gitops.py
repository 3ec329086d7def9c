"""Charts of the repository that Argo CD and Flux install, with the values that stand in their manifests."""

from __future__ import annotations

import posixpath

from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes import KubernetesObject
from opslint.model.gotemplate_values import Opaque, RenderError
from opslint.model.helm_releases import Inline, Release, is_plain, normal, set_value
from opslint.model.helm_values import values_in_text, values_of_node
from opslint.model.raw_manifests import RawManifests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel

_KINDS = frozenset(("Application", "ApplicationSet", "HelmRelease"))


def gitops_releases(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    """Releases of `charts` by Applications, ApplicationSets and HelmReleases of the repository."""
    raw = RawManifests(model)
    used = model.kustomizer.used_files if "kustomization" in model.kinds else set[str]()
    for fact in model.facts(KubernetesObject):
        if fact.object_kind not in _KINDS:
            continue
        tree = decode(fact.tree, fact.path)
        if not isinstance(tree, Mapping):
            continue
        # What a kustomization takes may be patched by it; the values of the file alone are then not the last word.
        patched = "a kustomization may patch it" if fact.path in used else ""
        if fact.object_kind == "HelmRelease":
            yield from _flux(tree, raw.tree_of(fact), patched, charts)
        elif fact.object_kind == "Application":
            spec = tree.mapping("spec")
            if spec is not None:
                yield from _argo(spec, raw.tree_of(fact), tree.text("metadata", "name"), patched, charts)
        else:
            yield from _set(tree, raw.tree_of(fact), patched, charts)


def _set(tree: Mapping, raw: Mapping | None, patched: str, charts: set[str]) -> Iterator[Release]:
    """The Applications of an ApplicationSet: one for each element of its lists; with other generators one whose parameters are not known."""
    spec = tree.mapping("spec", "template", "spec")
    if spec is None:
        return
    generators = [item for item in tree.sequence("spec", "generators") if isinstance(item, Mapping)]
    elements: list[dict[str, str]] = []
    for generator in generators:
        for element in generator.sequence("list", "elements"):
            if isinstance(element, Mapping):
                elements.append({key: value.text for key, value in element.items() if isinstance(value, Scalar)})
    if not elements or not all("list" in item for item in generators):
        elements = [{}]
    name = tree.get("spec", "template", "metadata", "name")
    inner = raw.mapping("spec", "template") if raw is not None else None
    for parameters in elements:
        filled = _filled(spec, parameters)
        made = _filled(inner, parameters) if inner is not None else None
        assert isinstance(filled, Mapping)
        named = _text(name.text, parameters) if isinstance(name, Scalar) else ""
        yield from _argo(filled, made if isinstance(made, Mapping) else None, named, patched, charts)


def _filled(node: Node, element: dict[str, str]) -> Node:
    from opslint.base.tree import Sequence

    if isinstance(node, Mapping):
        return Mapping([(key, _filled(value, element)) for key, value in node.pairs], node.at, node.path)
    if isinstance(node, Sequence):
        return Sequence([_filled(item, element) for item in node.items], node.at, node.path)
    if isinstance(node, Scalar) and "{{" in node.text:
        return Scalar(_text(node.text, element), node.at, quoted=node.quoted, path=node.path)
    return node


def _text(text: str, element: dict[str, str]) -> str:
    """Fill the parameters of a generator in; one that is not known becomes a variable, which a file name is matched with."""
    out: list[str] = []
    at = 0
    while True:
        start = text.find("{{", at)
        end = text.find("}}", start) if start >= 0 else -1
        if end < 0:
            return "".join((*out, text[at:]))
        name = text[start + 2 : end].strip().strip("-").strip().removeprefix(".")
        out.extend((text[at:start], element.get(name, "${x}")))
        at = end + 2


def _argo(spec: Mapping, raw: Mapping | None, name: str | None, patched: str, charts: set[str]) -> Iterator[Release]:
    raw_spec = raw.mapping("spec") if raw is not None else None
    raw_sources = [] if raw_spec is None else [raw_spec.get("source"), *raw_spec.sequence("sources")]
    for index, source in enumerate((spec.get("source"), *spec.sequence("sources"))):
        chart = normal((source.text("path") or "").lstrip("/") or "?") if isinstance(source, Mapping) else ""
        if chart not in charts or not isinstance(source, Mapping):
            continue
        helm = source.mapping("helm")
        raw_source = raw_sources[index] if index < len(raw_sources) else None
        raw_helm = raw_source.mapping("helm") if isinstance(raw_source, Mapping) else None
        layers: list[str | Inline] = []
        sets = []
        if helm is not None:
            layers.extend(_argo_file(item.text, chart) for item in helm.sequence("valueFiles") if isinstance(item, Scalar))
            sets = _parameters(raw_helm)
            if raw_helm is None:
                layers.append(Inline(reason="an Application that cannot be read again", values={}))
            elif "valuesObject" in raw_helm:
                layers.append(inline(raw_helm.get("valuesObject")))
            elif "values" in raw_helm:
                layers.append(inline(raw_helm.get("values")))
        if patched:
            layers.append(Inline(reason=patched, values={}))
        namespace = spec.text("destination", "namespace")
        released = (helm.text("releaseName") if helm is not None else None) or name
        yield Release(
            chart=chart,
            cluster=cluster_of(spec),
            environment="",
            layers=layers,
            loc=source.loc,
            name=released if released and is_plain(released) else None,
            namespace=namespace if namespace and is_plain(namespace) else None,
            optional=helm is not None and helm.text("ignoreMissingValueFiles") == "true",
            sets=sets,
        )


def cluster_of(spec: Mapping) -> str:
    """The cluster an Application names, "" when it is not known."""
    text = spec.text("destination", "server") or spec.text("destination", "name") or ""
    return text if text and is_plain(text) else ""


def _parameters(helm: Mapping | None) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for item in helm.sequence("parameters") if helm is not None else ():
        name = item.text("name") if isinstance(item, Mapping) else None
        if name and isinstance(item, Mapping):
            text = item.text("value") or ""
            flag = "--set-string" if item.text("forceString") == "true" else "--set"
            # Argo CD escapes the commas of a parameter itself; other special characters are Helm's.
            found.append((name, Opaque(f"parameter {name}") if text.startswith("{") else set_value(name, text, flag)))
    for item in helm.sequence("fileParameters") if helm is not None else ():
        if isinstance(item, Mapping) and item.text("name"):
            found.append((item.text("name") or "", Opaque("a file parameter")))
    return found


def inline(node: Node | None) -> Inline:
    """A layer of values written as a mapping or as a text of YAML."""
    if isinstance(node, Scalar) and "${x}" in node.text:
        return Inline(reason="values that a generator fills in", values={})
    try:
        if isinstance(node, Mapping):
            return Inline(reason="", values=values_of_node(node))
        if isinstance(node, Scalar):
            return Inline(reason="", values=values_in_text(node) if node.text.strip() else {})
    except RenderError as error:
        return Inline(reason=error.message, values={})
    return Inline(reason="values that are not known", values={})


def _argo_file(text: str, chart: str) -> str:
    if text.startswith("$") and not text.startswith("${x}"):
        return normal(text.partition("/")[2])
    return normal(text.lstrip("/")) if text.startswith("/") else normal(posixpath.join(chart, text))


def _flux(tree: Mapping, raw: Mapping | None, patched: str, charts: set[str]) -> Iterator[Release]:
    chart = normal((tree.text("spec", "chart", "spec", "chart") or "?").lstrip("/"))
    if chart not in charts:
        return
    layers: list[str | Inline] = [
        normal(item.text) for item in tree.sequence("spec", "chart", "spec", "valuesFiles") if isinstance(item, Scalar)
    ]
    own = normal(posixpath.join(chart, "values.yaml"))
    if layers and own not in layers:
        layers.insert(0, Inline(reason="valuesFiles that stand for the chart's own values", values={}))
    if tree.sequence("spec", "valuesFrom"):
        layers.append(Inline(reason="valuesFrom", values={}))
    if tree.get("spec", "values") is not None:
        layers.append(inline(raw.get("spec", "values") if raw is not None else None))
    if patched:
        layers.append(Inline(reason=patched, values={}))
    yield Release(
        chart=chart,
        cluster=tree.text("spec", "kubeConfig", "secretRef", "name") or "",
        environment="",
        layers=layers,
        loc=tree.loc,
        name=_flux_name(tree),
        namespace=tree.text("spec", "targetNamespace") or tree.text("metadata", "namespace"),
        optional=tree.text("spec", "chart", "spec", "ignoreMissingValuesFiles") == "true",
        sets=[],
    )


def _flux_name(tree: Mapping) -> str | None:
    """Flux puts the target namespace before the name of a release that has none of its own."""
    name, target = tree.text("spec", "releaseName"), tree.text("spec", "targetNamespace")
    own = tree.text("metadata", "name")
    return name or (f"{target}-{own}" if target and own else own)
