"""Variables of Kubernetes containers: `envFrom` in order, then `env`, with ConfigMaps and Secrets of the deployment looked up."""

from __future__ import annotations

from opslint.base.masking import mask
from opslint.base.record import Record
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Secret, unknown
from opslint.model.records import EnvEntry
from opslint.syntax.helm import SourcedScalar

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.base.value import Value


class _Keys(Record):
    """What an object gives: names with the place they are written at and their value; `open_reason` when there may be more."""

    __slots__ = ("names", "open_reason", "open_loc")
    names: dict[str, tuple[Loc, Value]]
    open_reason: str
    open_loc: Loc


class Objects:
    """The ConfigMaps and Secrets that the workloads of one deployment can name.

    `nodes` are its own objects; `further` are those of other plain manifests of the repository, used where the name is not
    among the own ones and only one of them has it.
    """

    def __init__(self, deployment: str, nodes: list[Mapping], further: Objects | None = None) -> None:
        self.deployment = deployment
        self._own: dict[tuple[str, str], list[tuple[str, _Keys]]] = {}
        self._further = further._own if further is not None else {}
        self._namespace = ""
        for node in nodes:
            for kind, name, keys in _sources(deployment, node):
                self._own.setdefault((kind, name), []).append((node.text("metadata", "namespace") or "", keys))

    def within(self, namespace: Value) -> Objects:
        """The same objects as a workload of a namespace sees them."""
        seen = Objects(self.deployment, [])
        seen._own, seen._further = self._own, self._further
        seen._namespace = namespace.value if isinstance(namespace, Known) else ""
        return seen

    def find(self, kind: str, name: str) -> _Keys | None:
        """The keys of a ConfigMap or Secret by name; None when it is not in the repository (or not clear which)."""
        own = self._own.get((kind, name))
        if own:
            here = [keys for space, keys in own if self._namespace and space == self._namespace]
            found = here or [keys for _space, keys in own]
            return found[0] if len(found) == 1 else _common(found)
        further = self._further.get((kind, name))
        return further[0][1] if further and len(further) == 1 else None

    def names_kind(self, kind: str, name: str) -> bool:
        """Tell whether an object of this kind and name is in the repository."""
        return (kind, name) in self._own or (kind, name) in self._further


def _common(found: list[_Keys]) -> _Keys:
    """Several objects of one name: only what all of them have, and with one value, is sure."""
    first = found[0]
    names: dict[str, tuple[Loc, Value]] = {}
    for name, (loc, value) in first.names.items():
        if all(name in other.names for other in found[1:]):
            agreed = all(_agree(value, other.names[name][1]) for other in found[1:])
            names[name] = (loc, value if agreed else unknown("several objects of this name differ"))
    reason = next((keys.open_reason for keys in found if keys.open_reason), "")
    if any(set(keys.names) != set(names) for keys in found):
        reason = reason or "several objects of this name differ"
    return _Keys(names=names, open_loc=first.open_loc, open_reason=reason)


def _agree(left: Value, right: Value) -> bool:
    if isinstance(left, Secret) and isinstance(right, Secret):
        return True
    return isinstance(left, Known) and isinstance(right, Known) and left.value == right.value


def _sources(deployment: str, node: Mapping) -> list[tuple[str, str, _Keys]]:
    kind, name = node.text("kind") or "", node.text("metadata", "name") or ""
    namespace = node.text("metadata", "namespace") or ""
    if kind == "ConfigMap":
        return [("ConfigMap", name, _config_keys(node))]
    ref = f"{deployment}/{namespace}/"
    if kind == "Secret":
        return [("Secret", name, _secret_keys(node, f"{ref}{name}", ("data",), ("stringData",)))]
    if kind == "SealedSecret":
        # The controller gives the Secret the name of the SealedSecret, whatever its template says.
        return [("Secret", name, _secret_keys(node, f"{ref}{name}", ("spec", "encryptedData"), ("spec", "template", "data")))]
    if kind == "ExternalSecret":
        named = node.text("spec", "target", "name") or name
        return [("Secret", named, _external_keys(node, f"{ref}{named}"))]
    if kind == "ClusterExternalSecret":
        named = node.text("spec", "externalSecretName") or name
        return [("Secret", named, _keys({}, "a ClusterExternalSecret", node))]
    if kind == "SecretProviderClass":
        return _provider_keys(node, ref)
    return []


def _keys(names: dict[str, tuple[Loc, Value]], reason: str, node: Node) -> _Keys:
    return _Keys(names=names, open_loc=node.loc, open_reason=reason)


def _config_keys(node: Mapping) -> _Keys:
    names: dict[str, tuple[Loc, Value]] = {}
    reason = ""
    for field in ("data", "binaryData"):
        data = node.get(field)
        if isinstance(data, Hole):
            reason = f"its data: {data.reason}"
        for key, value in data.pairs if isinstance(data, Mapping) else ():
            if isinstance(value, Hole) and key.text == HOLE_KEY:
                reason = f"its data: {value.reason}"
            else:
                names[key.text] = (source_of(value, key), value_of(value))
    return _keys(names, reason, node)


HOLE_KEY = "unknown-value"
"""The key of a rendered block that is not known (see `opslint.syntax.helm.TOKEN`)."""


def _secret_keys(node: Mapping, ref: str, *fields: tuple[str, ...]) -> _Keys:
    names: dict[str, tuple[Loc, Value]] = {}
    reason = ""
    for field in fields:
        data = node.get(*field)
        if isinstance(data, Hole):
            reason = f"its data: {data.reason}"
        for key, value in data.pairs if isinstance(data, Mapping) else ():
            if isinstance(value, Hole) and key.text == HOLE_KEY:
                reason = f"its data: {value.reason}"
            else:
                names[key.text] = (source_of(value, key), Secret(ref=f"{ref}/{key.text}"))
    return _keys(names, reason, node)


def _external_keys(node: Mapping, ref: str) -> _Keys:
    names: dict[str, tuple[Loc, Value]] = {}
    reason = ""
    for item in node.sequence("spec", "data"):
        key = item.get("secretKey") if isinstance(item, Mapping) else None
        if isinstance(key, Scalar):
            names[key.text] = (key.loc, Secret(ref=f"{ref}/{key.text}"))
        else:
            reason = "its data are not known"
    if node.sequence("spec", "dataFrom"):
        reason = "an ExternalSecret takes all keys of its store (dataFrom)"
    template = node.mapping("spec", "target", "template")
    data = template.mapping("data") if template is not None else None
    if template is not None and data is not None:
        if template.text("mergePolicy") != "Merge":
            names, reason = {}, ""
        names.update({key.text: (key.loc, Secret(ref=f"{ref}/{key.text}")) for key, _value in data.pairs})
    if template is not None and template.sequence("templateFrom"):
        reason = "an ExternalSecret with templateFrom"
    return _keys(names, reason, node)


def _provider_keys(node: Mapping, ref: str) -> list[tuple[str, str, _Keys]]:
    found: list[tuple[str, str, _Keys]] = []
    for item in node.sequence("spec", "secretObjects"):
        if not isinstance(item, Mapping) or not item.text("secretName"):
            continue
        named = item.text("secretName") or ""
        names: dict[str, tuple[Loc, Value]] = {}
        for entry in item.sequence("data"):
            key = entry.get("key") if isinstance(entry, Mapping) else None
            if isinstance(key, Scalar):
                names[key.text] = (key.loc, Secret(ref=f"{ref}{named}/{key.text}"))
        found.append(("Secret", named, _keys(names, "", item)))
    return found


def source_of(value: Node, key: Node) -> Loc:
    """Where an entry was really written: the values file a rendered scalar came from, else its key."""
    for node in (value, key):
        if isinstance(node, SourcedScalar) and node.origins:
            return node.origins[-1]
    return key.loc


def value_of(node: Node) -> Value:
    """What a masked scalar is as a value."""
    if isinstance(node, SourcedScalar) and node.guess:
        return unknown(node.guess)
    if isinstance(node, Scalar) and node.masked is not None:
        return Known(value=node.masked)
    if isinstance(node, Scalar) and node.is_null:
        return Known(value=mask(""))
    if isinstance(node, Hole):
        return unknown(node.reason)
    return unknown("not a plain value")


def container_env(container: Mapping, objects: Objects) -> tuple[list[EnvEntry], list[tuple[str, Loc]]]:
    """The variables of a container, lowest precedence first, and what opens its scope."""
    entries: list[EnvEntry] = []
    reasons: list[tuple[str, Loc]] = []
    for field in ("envFrom", "env"):
        block = container.get(field)
        if isinstance(block, Hole):
            reasons.append((f"{field}: {block.reason}", block.loc))
        elif isinstance(block, Mapping):
            reasons.append((f"{field} is not a list", block.loc))
        for item in block.items if isinstance(block, Sequence) else ():
            if not isinstance(item, Mapping) or HOLE_KEY in item:
                reasons.append((f"{field}: an entry that is not known", item.loc))
            elif field == "envFrom":
                _take_all(item, objects, entries, reasons)
            else:
                _take_one(item, objects, entries, reasons)
    return entries, reasons


def _take_all(item: Mapping, objects: Objects, entries: list[EnvEntry], reasons: list[tuple[str, Loc]]) -> None:
    prefix = item.text("prefix") or ""
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        ref = item.mapping(field)
        if ref is None:
            continue
        name = ref.get("name")
        if not isinstance(name, Scalar):
            reasons.append((f"{kind} whose name is not known", ref.loc))
            continue
        found = objects.find(kind, name.text)
        if found is None:
            reasons.append((f"{kind} {name.text} is not in the repository", source_of(name, name)))
            continue
        for key, (loc, value) in found.names.items():
            entries.append(EnvEntry(loc=loc, name=prefix + key, origin=f"{kind} {name.text}", value=value))
        if found.open_reason:
            reasons.append((f"{kind} {name.text}: {found.open_reason}", found.open_loc))


def _take_one(item: Mapping, objects: Objects, entries: list[EnvEntry], reasons: list[tuple[str, Loc]]) -> None:
    name = item.get("name")
    if not isinstance(name, Scalar) or (isinstance(name, SourcedScalar) and name.guess):
        reasons.append(("env: a name that is not known", item.loc))
        return
    source = item.get("valueFrom")
    if source is None:
        value = item.get("value")
        if value is None:
            value = Scalar("", name.at, path=name.path)
        entries.append(EnvEntry(loc=source_of(value, name), name=name.text, origin="env", value=value_of(value)))
        return
    entries.append(_referenced(name, source, objects))


def _referenced(name: Scalar, source: Node, objects: Objects) -> EnvEntry:
    loc = source_of(name, name)
    if not isinstance(source, Mapping):
        return EnvEntry(loc=loc, name=name.text, origin="valueFrom", value=unknown("valueFrom is not known"))
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        ref = source.mapping(field)
        if ref is None:
            continue
        named, key = ref.text("name"), ref.text("key")
        origin = f"{kind} {named or '?'}"
        found = objects.find(kind, named) if named else None
        if found is not None and key in found.names:
            return EnvEntry(loc=loc, name=name.text, origin=origin, value=found.names[key][1])
        if kind == "Secret" and named and key and ref.text("optional") != "true":
            return EnvEntry(loc=loc, name=name.text, origin=origin, value=Secret(ref=f"{objects.deployment}//{named}/{key}"))
        return EnvEntry(loc=loc, name=name.text, origin=origin, value=unknown(f"{origin} is not in the repository"))
    kind = next(iter(source.keys()), "valueFrom")
    return EnvEntry(loc=loc, name=name.text, origin=kind, value=unknown(f"set by Kubernetes ({kind})"))
