"""Kubernetes objects without what may be secret: the form in which facts and rendered charts keep them."""

from __future__ import annotations

from opslint.base.masking import Masked, strip_credentials
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_values import masked as masked_variable

if TYPE_CHECKING:
    from opslint.base.tree import Node

_DATA_KEYS = {
    "ConfigMap": ("data", "binaryData"),
    "Secret": ("data", "stringData"),
    "SealedSecret": ("encryptedData", "data", "stringData"),
}
_VALUES_KINDS = frozenset(("HelmRelease", "Application", "ApplicationSet"))
_VALUES_KEYS = frozenset(("values", "valuesObject", "valuesInline", "plugin"))
_DROPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)


def masked_object(node: Mapping) -> Mapping:
    """Copy an object with the values of variables, ConfigMaps and Secrets masked and credentials cut out of every text."""
    kind = node.text("kind") or ""
    made = _copy(node, kind)
    assert isinstance(made, Mapping)
    return made


def masked_scalar(name: str, scalar: Scalar, *, base64: bool = False, secret: bool = False) -> Node:
    """Mask one value of the variable or key `name` (`base64`: as in a Secret's ``data``; `secret`: of a Secret, not even a number is kept)."""
    if scalar.masked is not None or scalar.is_null:
        return scalar  # in a patch, null takes the key away
    text = scalar.text
    if base64:
        text = _decoded(text)
    if "$(" in text:
        text = _without_user(text)
        if "$(" in text:
            return Hole("a variable that Kubernetes expands", "", scalar.at, scalar.path)
    masked = masked_variable(name, text)
    return _with_mask(scalar, masked.replace(plain=None) if secret and masked.kind not in ("bool", "empty") else masked)


def _without_user(text: str) -> str:
    """Cut the user-info of a URL, where Kubernetes' ``$(NAME)`` mostly stands; what is left tells the host."""
    scheme, mark, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}" if mark else text


def _with_mask(scalar: Scalar, masked: Masked) -> Scalar:
    from opslint.syntax.helm import SourcedScalar

    if isinstance(scalar, SourcedScalar):
        return scalar.with_mask(masked)
    return Scalar("", scalar.at, quoted=scalar.quoted, masked=masked, path=scalar.path)


def _decoded(text: str) -> str:
    import base64

    try:
        return base64.b64decode(text.encode(), validate=True).decode()
    except ValueError:
        return text


def masked_pairs(name: str, node: Node, *, base64: bool = False, secret: bool = False) -> Node:
    """Mask every scalar of a block of names with values."""
    if isinstance(node, Scalar):
        return masked_scalar(name, node, base64=base64, secret=secret)
    if isinstance(node, Mapping):
        pairs = [(key, masked_pairs(key.text, value, base64=base64, secret=secret)) for key, value in node.pairs]
        return Mapping(pairs, node.at, node.path)
    if isinstance(node, Sequence):
        return Sequence([masked_pairs(name, item, base64=base64, secret=secret) for item in node.items], node.at, node.path)
    return Hole(node.reason, "", node.at, node.path) if isinstance(node, Hole) else node


def masked_named(node: Node) -> Node:
    """Mask the ``value`` of every ``{name, value}`` item of a list (``env:``, ``httpHeaders:``, ``parameters:``)."""
    if isinstance(node, Sequence):
        return Sequence([masked_named(item) for item in node.items], node.at, node.path)
    if not isinstance(node, Mapping):
        return node if isinstance(node, Hole) else masked_pairs("", node)
    name = node.text("name") or ""
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in node.pairs:
        kept: Node = masked_pairs(name, value) if key.text == "value" else value
        pairs.append((key, kept))
    return Mapping(pairs, node.at, node.path)


def _copy(node: Node, kind: str, *, top: bool = True, inside: str = "") -> Node:
    if isinstance(node, Scalar):
        return _cut(node)
    if isinstance(node, Sequence):
        return Sequence([_copy(item, kind, top=False, inside=inside) for item in node.items], node.at, node.path)
    if not isinstance(node, Mapping):
        return Hole(node.reason, strip_credentials(node.text), node.at, node.path) if isinstance(node, Hole) else node
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in node.pairs:
        name = key.text
        if name in _DROPPED_ANNOTATIONS:
            continue
        if (top and name in _DATA_KEYS.get(kind, ())) or (kind == "SealedSecret" and name == "encryptedData"):
            value = masked_pairs("", value, base64=kind == "Secret" and name == "data", secret=kind != "ConfigMap")
        elif (name == "env" and isinstance(value, Sequence)) or name == "httpHeaders":
            value = masked_named(value)
        elif kind in _VALUES_KINDS and name in _VALUES_KEYS:
            value = masked_pairs("", value)
        elif kind in _VALUES_KINDS and name == "parameters":
            value = masked_named(value)
        else:
            value = _copy(value, kind, top=False, inside=name)
        pairs.append((key, value))
    return Mapping(pairs, node.at, node.path)


def _cut(scalar: Scalar) -> Scalar:
    if scalar.masked is not None:
        return scalar
    text = strip_credentials(scalar.text)
    if text == scalar.text:
        return scalar
    return Scalar(text, scalar.at, quoted=scalar.quoted, path=scalar.path)
