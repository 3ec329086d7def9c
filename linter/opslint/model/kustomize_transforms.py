"""Kustomize's built-in transformers over one object: selection, namespace, names and references, replicas, images."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes import group_of
from opslint.model.anchored_patterns import fits

if TYPE_CHECKING:
    from opslint.base.tree import Node

_BUILTIN = frozenset(
    "apps autoscaling batch extensions policy admissionregistration.k8s.io apiextensions.k8s.io apiregistration.k8s.io networking.k8s.io"
    " node.k8s.io rbac.authorization.k8s.io scheduling.k8s.io storage.k8s.io".split()
)
_CLUSTER_SCOPED = frozenset(
    "ClusterExternalSecret ClusterRole ClusterRoleBinding ClusterSecretStore CustomResourceDefinition GatewayClass IngressClass Namespace"
    " PersistentVolume PriorityClass StorageClass APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration".split()
)
_NEVER_RENAMED = frozenset(("APIService", "CustomResourceDefinition", "Namespace"))


def is_builtin(node: Mapping) -> bool:
    """Tell whether an object is of an API that kustomize knows the schema of."""
    group = group_of(node.text("apiVersion") or "")
    return not group or group in _BUILTIN


def matches(node: Mapping, names: tuple[str, ...], target: Mapping) -> bool:
    """Tell whether a selector (`group version kind name namespace labelSelector`; `exact`: a name taken literally) takes an object."""
    group, _, version = (node.text("apiVersion") or "").rpartition("/")
    for key, own in (("group", group), ("version", version), ("kind", node.text("kind") or "")):
        wanted = target.text(key)
        if wanted and not _anchored(wanted, own):
            return False
    if "exact" in target and not target.text("group") and group and target.text("version"):
        return False
    own_names = (node.text("metadata", "name") or "", *names)
    exact, name = target.text("exact"), target.text("name")
    if (exact and exact not in own_names) or (name and not any(_anchored(name, own) for own in own_names)):
        return False
    namespace = target.text("namespace")
    own_namespace = node.text("metadata", "namespace")
    if namespace and own_namespace and not _anchored(namespace, own_namespace):
        return False
    labels = node.mapping("metadata", "labels")
    selector = target.text("labelSelector")
    if selector and not selects(selector, labels):
        return False
    annotations = target.text("annotationSelector")
    return not annotations or selects(annotations, node.mapping("metadata", "annotations"))


def _anchored(pattern: str, text: str) -> bool:
    """Kustomize's anchored regular expressions. Raises PatternError for one that is not followed."""
    return pattern == text or fits(pattern, text)


def selects(selector: str, labels: Mapping | None) -> bool:
    """A label selector: ``a``, ``!a``, ``a=b``, ``a==b``, ``a!=b``, ``a in (b, c)``, ``a notin (b)``, joined with commas."""
    parts: list[str] = []
    depth = 0
    current = ""
    for char in selector:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    return all(_selects(part.strip(), labels) for part in (*parts, current) if part.strip())


def _selects(part: str, labels: Mapping | None) -> bool:
    def value(name: str) -> str | None:
        return labels.text(name.strip()) if labels is not None else None

    for word in (" notin ", " in "):
        name, found, rest = part.partition(word)
        if found:
            options = {option.strip() for option in rest.strip().strip("()").split(",")}
            return (value(name) in options) is (word == " in ")
    for sign in ("!=", "==", "="):
        name, found, rest = part.partition(sign)
        if found:
            return (value(name) == rest.strip()) is (sign != "!=")
    return value(part[1:]) is None if part.startswith("!") else value(part) is not None


def with_field(node: Mapping, path: tuple[str, ...], value: Node) -> Mapping:
    """Set a field, making the mappings on the way."""
    name, rest = path[0], path[1:]
    child = node.get(name)
    if rest:
        inner = child if isinstance(child, Mapping) else Mapping([], value.at, value.path)
        value = with_field(inner, rest, value)
    if name in node:
        return Mapping([(key, value if key.text == name else old) for key, old in node.pairs], node.at, node.path)
    return Mapping([*node.pairs, (Scalar(name, value.at, path=value.path), value)], node.at, node.path)


_POD_LABELS = {
    "CronJob": ("spec", "jobTemplate", "spec", "template", "metadata", "labels"),
    "DaemonSet": ("spec", "template", "metadata", "labels"),
    "Deployment": ("spec", "template", "metadata", "labels"),
    "Job": ("spec", "template", "metadata", "labels"),
    "ReplicaSet": ("spec", "template", "metadata", "labels"),
    "StatefulSet": ("spec", "template", "metadata", "labels"),
}
_SELECTORS = {
    "DaemonSet": ("spec", "selector", "matchLabels"),
    "Deployment": ("spec", "selector", "matchLabels"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
    "ReplicaSet": ("spec", "selector", "matchLabels"),
    "Service": ("spec", "selector"),
    "StatefulSet": ("spec", "selector", "matchLabels"),
}


def labelled(node: Mapping, tree: Mapping) -> Mapping:
    """Apply `commonLabels` and `labels`."""
    common = tree.mapping("commonLabels")
    if common is not None:
        node = _with_labels(node, common, selectors=True, templates=True)
    for entry in tree.sequence("labels"):
        pairs = entry.mapping("pairs") if isinstance(entry, Mapping) else None
        if pairs is not None and isinstance(entry, Mapping):
            selectors = entry.text("includeSelectors") == "true"
            node = _with_labels(node, pairs, selectors=selectors, templates=selectors or entry.text("includeTemplates") == "true")
    return node


def _with_labels(node: Mapping, pairs: Mapping, *, selectors: bool, templates: bool) -> Mapping:
    kind = node.text("kind") or ""
    places: list[tuple[str, ...]] = [("metadata", "labels")]
    if templates and kind in _POD_LABELS and is_builtin(node):
        places.append(_POD_LABELS[kind])
    if selectors and kind in _SELECTORS and is_builtin(node):
        path = _SELECTORS[kind]
        if kind in ("Deployment", "DaemonSet", "ReplicaSet", "StatefulSet") or node.get(*path) is not None:
            places.append(path)
    for place in places:
        for key, value in pairs.pairs:
            node = with_field(node, (*place, key.text), value)
    return node


def with_namespace(node: Mapping, namespace: Scalar) -> Mapping:
    """Put an object into a namespace; a Namespace object takes its name."""
    if node.text("kind") == "Namespace":
        return with_field(node, ("metadata", "name"), namespace)
    if node.text("kind") in _CLUSTER_SCOPED or node.mapping("metadata") is None:
        return node
    return with_field(node, ("metadata", "namespace"), namespace)


def renamed(node: Mapping, prefix: str, suffix: str) -> Mapping:
    """Give an object its prefix and suffix (the same node when its kind is never renamed)."""
    name = node.get("metadata", "name")
    if not isinstance(name, Scalar) or node.text("kind") in _NEVER_RENAMED:
        return node
    return with_field(node, ("metadata", "name"), Scalar(f"{prefix}{name.text}{suffix}", name.at, quoted=True, path=name.path))


_NAMED_BY = {
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "service": ("Service", "name"),
}
_PLAIN_NAMES = {"serviceAccountName": "ServiceAccount", "serviceName": "Service"}


def with_references(node: Mapping, changes: dict[tuple[str, str], str]) -> Mapping:
    """Follow renamed objects in the fields that name them."""
    made = _followed(node, changes)
    assert isinstance(made, Mapping)
    return made


def _followed(node: Node, changes: dict[tuple[str, str], str]) -> Node:
    if isinstance(node, Sequence):
        return Sequence([_followed(item, changes) for item in node.items], node.at, node.path)
    if not isinstance(node, Mapping):
        return node
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in node.pairs:
        if key.text in _NAMED_BY and isinstance(value, Mapping):
            kind, field = _NAMED_BY[key.text]
            value = _field_renamed(value, field, kind, changes)
        elif key.text in ("scaleTargetRef", "roleRef") and isinstance(value, Mapping):
            value = _field_renamed(value, "name", value.text("kind") or "Deployment", changes)
        elif key.text in _PLAIN_NAMES and isinstance(value, Scalar):
            value = _name(value, changes.get((_PLAIN_NAMES[key.text], value.text)))
        pairs.append((key, _followed(value, changes)))
    return Mapping(pairs, node.at, node.path)


NameReference = tuple[str, str, tuple[str, ...]]
"""Kind of what is named, kind of what names it ("": any), path of the field; lists on the way are gone through."""


def name_references(configuration: Mapping) -> list[NameReference]:
    """The ``nameReference`` entries of a transformer configuration."""
    found: list[NameReference] = []
    for entry in configuration.sequence("nameReference"):
        for spec in entry.sequence("fieldSpecs") if isinstance(entry, Mapping) else ():
            path = spec.text("path") if isinstance(spec, Mapping) else None
            if path and isinstance(entry, Mapping) and isinstance(spec, Mapping):
                found.append((entry.text("kind") or "", spec.text("kind") or "", tuple(path.strip("/").split("/"))))
    return found


def with_named(node: Mapping, references: list[NameReference], changes: dict[tuple[str, str], str]) -> Mapping:
    """Follow renamed objects in the fields that a configuration says name them."""
    for named, kind, path in references:
        if kind in ("", node.text("kind")):
            made = _named_at(node, path, named, changes)
            assert isinstance(made, Mapping)
            node = made
    return node


def _named_at(node: Node, path: tuple[str, ...], named: str, changes: dict[tuple[str, str], str]) -> Node:
    if isinstance(node, Sequence):
        return Sequence([_named_at(item, path, named, changes) for item in node.items], node.at, node.path)
    if not path:
        return _name(node, changes.get((named, node.text))) if isinstance(node, Scalar) else node
    if not isinstance(node, Mapping) or path[0] not in node:
        return node
    pairs = [(key, _named_at(value, path[1:], named, changes) if key.text == path[0] else value) for key, value in node.pairs]
    return Mapping(pairs, node.at, node.path)


def _field_renamed(node: Mapping, field: str, kind: str, changes: dict[tuple[str, str], str]) -> Mapping:
    new = changes.get((kind, node.text(field) or ""))
    if new is None:
        return node
    pairs: list[tuple[Scalar, Node]] = [
        (key, _name(value, new) if key.text == field and isinstance(value, Scalar) else value) for key, value in node.pairs
    ]
    return Mapping(pairs, node.at, node.path)


def _name(value: Scalar, new: str | None) -> Scalar:
    return Scalar(new, value.at, quoted=True, path=value.path) if new is not None else value


def scaled(node: Mapping, names: tuple[str, ...], entries: list[Node]) -> Mapping:
    """Apply `replicas` entries."""
    own = (node.text("metadata", "name") or "", *names)
    for entry in entries:
        if (
            isinstance(entry, Mapping)
            and entry.text("name") in own
            and node.text("kind") in ("Deployment", "ReplicaSet", "StatefulSet", "Rollout")
        ):
            count = entry.get("count")
            if count is not None:
                node = with_field(node, ("spec", "replicas"), count)
    return node


def retagged(node: Mapping, entries: list[Node]) -> Mapping:
    """Apply `images` entries; a changed image stands where its entry is written."""
    images = [entry for entry in entries if isinstance(entry, Mapping) and entry.text("name")]
    if not images:
        return node
    made = _retagged(node, images)
    assert isinstance(made, Mapping)
    return made


def _retagged(node: Node, images: list[Mapping]) -> Node:
    if isinstance(node, Sequence):
        return Sequence([_retagged(item, images) for item in node.items], node.at, node.path)
    if not isinstance(node, Mapping):
        return node
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in node.pairs:
        if key.text in ("containers", "initContainers", "ephemeralContainers") and isinstance(value, Sequence):
            items = [_container(item, images) if isinstance(item, Mapping) else item for item in value.items]
            value = Sequence(items, value.at, value.path)
        else:
            value = _retagged(value, images)
        pairs.append((key, value))
    return Mapping(pairs, node.at, node.path)


def _container(container: Mapping, images: list[Mapping]) -> Mapping:
    for entry in images:
        image = container.get("image")
        if isinstance(image, Scalar) and _is_image(image.text, entry.text("name") or ""):
            container = with_field(container, ("image",), _image(image, entry))
    return container


def split_image(text: str) -> tuple[str, str, str]:
    """An image as (repository, tag, digest), "" where not given."""
    rest, _, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}{slash}{name}", tag, digest


def _is_image(text: str, name: str) -> bool:
    return split_image(text)[0] == name


def _image(image: Scalar, entry: Mapping) -> Scalar:
    repository, tag, digest = split_image(image.text)
    repository = entry.text("newName") or repository
    new_tag, new_digest = entry.text("newTag"), entry.text("digest")
    if new_digest:
        tag, digest = new_tag or "", new_digest
    elif new_tag is not None:
        tag, digest = new_tag, ""
    tag += entry.text("tagSuffix") or ""
    text = repository + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    where: Node = entry
    for key in ("digest", "newTag", "newName", "name"):
        found = entry.get(key)
        if found is not None:
            where = found
            break
    return Scalar(text, where.at, quoted=True, path=where.path)
