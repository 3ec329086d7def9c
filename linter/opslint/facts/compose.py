"""Compose files as facts: the trimmed tree, environment values masked and in one shape."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_values import value_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument

__all__ = ["EXTRACTORS", "ComposeFile"]


class ComposeFile(Fact):
    """One compose file.

    `tree` is the encoded top-level mapping (services, volumes, networks, secrets, configs, include, name) without `environment:`
    and build `args:`; `environments` maps a service name to ``[name, place, value]`` entries in order
    (`opslint.facts.env_values`), `reset` names the services whose `environment` replaces (``!override``) or drops (``!reset``)
    what is below.
    """

    __slots__ = ("environments", "reset", "tree")
    environments: dict[str, list[list[Any]]]
    reset: list[str]
    tree: list[Any]


_TOP = frozenset(("services", "volumes", "networks", "secrets", "configs", "include", "name"))
_DROPPED = frozenset(("environment", "args", "labels", "content", "logging"))


def _extract(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    for root in document.documents[:1]:
        if isinstance(root, Mapping):
            emit(_compose(document, root))


def _compose(document: YamlDocument, root: Mapping) -> ComposeFile:
    environments: dict[str, list[list[Any]]] = {}
    reset: list[str] = []
    services = root.mapping("services")
    for name, service in services.items() if services else ():
        environment = service.get("environment") if isinstance(service, Mapping) else None
        if environment is None:
            continue
        if isinstance(environment, Mapping) and environment.keys() in (["!override"], ["!reset"]):
            reset.append(name)
            environment = environment.get("!override")
        environments[name] = _entries(document, environment)
    pairs = [(key, _trimmed(value)) for key, value in root.pairs if key.text in _TOP]
    tree = Mapping(pairs, root.at)
    return ComposeFile(at=document.place(root), environments=environments, reset=reset, tree=document.encode(tree))


def _entries(document: YamlDocument, environment: Node | None) -> list[list[Any]]:
    entries: list[list[Any]] = []
    if isinstance(environment, Mapping):
        for key, value in environment.pairs:
            text = value.text if isinstance(value, Scalar) and not value.is_null else None
            if isinstance(value, Scalar):
                entries.append([key.text, document.place(key), value_of(key.text, text)])
    elif isinstance(environment, Sequence):
        for item in environment.items:
            if isinstance(item, Scalar) and item.text:
                name, equals, text = item.text.partition("=")
                entries.append([name.strip(), document.place(item), value_of(name.strip(), text if equals else None)])
    return entries


def _trimmed(root: Node) -> Node:
    """Copy a tree without masked blocks, and with credentials cut out of every text. Depth is bounded by the reader."""
    if isinstance(root, Scalar):
        return Scalar(strip_credentials(root.text), root.at, quoted=root.quoted)
    if isinstance(root, Sequence):
        return Sequence([_trimmed(item) for item in root.items], root.at)
    if isinstance(root, Mapping):
        return Mapping([(key, _trimmed(value)) for key, value in root.pairs if key.text not in _DROPPED], root.at)
    assert isinstance(root, Hole)
    return root


EXTRACTORS = (Extractor("compose", (), _extract),)
