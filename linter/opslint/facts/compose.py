"""Compose files as facts: the trimmed tree, environment values masked and in one shape."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.tree import Hole, Mapping, Scalar, Sequence, encode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.compose_scalars import variable_text
from opslint.facts.env_values import value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.location import Span
    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument

__all__ = ["EXTRACTORS", "ComposeFile", "compose_file", "environment_texts"]


class ComposeFile(Fact):
    """One compose file.

    `tree` is the encoded top-level mapping (services, volumes, networks, secrets, configs, include, name) without `environment:`
    and build `args:`; `environments` maps a service name to ``[name, place, value]`` entries in order
    (`opslint.facts.env_values`; ``["r"]`` removes the variable, ``!reset``, ``["u"]`` is a value that Compose refuses), `reset` names
    the services whose `environment` replaces (``!override``) or drops (``!reset``) what is below.
    """

    __slots__ = ("environments", "reset", "tree")
    environments: dict[str, list[list[Any]]]
    reset: list[str]
    tree: list[Any]


_TOP = frozenset(("services", "volumes", "networks", "secrets", "configs", "include", "name"))
NO_ENVIRONMENT = "environment is neither a list nor a mapping"
"""The hole that stands for an `environment` of which nothing can be known."""

_DROPPED = frozenset(("environment", "args", "labels", "content", "logging"))


def _extract(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    for root in document.documents[:1]:
        if isinstance(root, Mapping):
            emit(compose_file(root, lambda at: at if isinstance(at, int) else document.places.add(at)))


def compose_file(root: Mapping, place: Callable[[int | Span], Any]) -> ComposeFile:
    """Make the fact of a compose file; `place` turns the places of its nodes into those of the fact."""
    environments: dict[str, list[list[Any]]] = {}
    reset: list[str] = []
    services = root.mapping("services")
    for name, service in services.items() if services else ():
        environment, resets = _environment(service)
        if resets:
            reset.append(name)
        if resets or environment is not None:
            environments[name] = [
                [variable, place(node.at), [mark] if mark else value_of(variable, text)]
                for variable, node, text, mark in _written(environment)
            ]
    pairs = [(key, _trimmed(value)) for key, value in root.pairs if key.text in _TOP]
    tree = Mapping(pairs, root.at)
    return ComposeFile(at=place(root.at), environments=environments, reset=reset, tree=encode(tree, place))


def _environment(service: Node) -> tuple[Node | None, bool]:
    """Return the `environment` of a service, and whether it stands alone (``!override``, ``!reset``)."""
    environment = service.get("environment") if isinstance(service, Mapping) else None
    if isinstance(environment, Mapping) and environment.keys() in (["!override"], ["!reset"]):
        return environment.get("!override"), True
    return environment, False


def _written(environment: Node | None) -> Iterator[tuple[str, Node, str | None, str]]:
    """Yield (name, node of the name, text or None for a name passed through, mark: "" or what no text stands for)."""
    if isinstance(environment, Mapping):
        for key, value in environment.pairs:
            if isinstance(value, Mapping) and value.keys() == ["!reset"]:
                yield key.text, key, None, "r"
            elif isinstance(value, Scalar):
                text = None if value.is_null else variable_text(value)
                yield key.text, key, text, "u" if text is None and not value.is_null else ""
            else:
                # Compose refuses a list or a mapping here: whatever is meant, it is no text that is known.
                yield key.text, key, None, "u"
    elif isinstance(environment, Sequence):
        for item in environment.items:
            if isinstance(item, Scalar) and item.text:
                name, equals, text = item.text.partition("=")
                yield name.strip(), item, text if equals else None, ""


def environment_texts(root: Node) -> dict[str, list[str | None]]:
    """Return the texts of `ComposeFile.environments`, in the same order: for values that only their texts together make known."""
    services = root.mapping("services") if isinstance(root, Mapping) else None
    return {
        name: [text for _name, _node, text, _mark in _written(_environment(service)[0])]
        for name, service in (services.items() if services is not None else ())
    }


def _trimmed(root: Node) -> Node:
    """Copy a tree without masked blocks, and with credentials cut out of every text. Depth is bounded by the reader."""
    if isinstance(root, Scalar):
        return Scalar(strip_credentials(root.text), root.at, quoted=root.quoted)
    if isinstance(root, Sequence):
        return Sequence([_trimmed(item) for item in root.items], root.at)
    if isinstance(root, Mapping):
        pairs = [(key, _trimmed(value)) for key, value in root.pairs if key.text not in _DROPPED]
        for key, value in root.pairs:
            if key.text == "environment" and (isinstance(value, Hole) or (isinstance(value, Scalar) and not value.is_null)):
                pairs.append((key, Hole(NO_ENVIRONMENT, "", value.at)))
        return Mapping(pairs, root.at)
    assert isinstance(root, Hole)
    return root


EXTRACTORS = (Extractor("compose", (), _extract),)
