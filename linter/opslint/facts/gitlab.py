"""GitLab CI files as facts: the tree with variables masked, and the commands of every script in it.

`extends`, `default` and `include` are joined by the model, because they reach into other files; anchors are already followed
by the reader. ``!reference [job, script]`` stays in the tree as ``{"!reference": [job, script]}``.
"""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import strip_credentials
from opslint.base.rule import Extractor
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.named import NamedFile
from opslint.facts.scripts import script_commands
from opslint.facts.workflows import masked_env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument


class GitlabPipeline(Fact):
    """One GitLab CI file. `tree` is encoded; `scripts` are ``[place of a script line, commands]``."""

    __slots__ = ("scripts", "tree")
    scripts: list[list[Any]]
    tree: list[Any]


SCRIPT_KEYS = ("before_script", "script", "after_script")


def _clean(node: Node) -> Node:
    if isinstance(node, Scalar):
        text = strip_credentials(node.text)
        return node if text == node.text else Scalar(text, node.at, quoted=node.quoted, path=node.path)
    if isinstance(node, Mapping):
        pairs = [(key, masked_env(value) if key.text == "variables" else _clean(value)) for key, value in node.pairs]
        return Mapping(pairs, node.at, node.path)
    if isinstance(node, Sequence):
        return Sequence([_clean(item) for item in node.items], node.at, node.path)
    return node


def script_lines(node: Node | None) -> Iterator[Node]:
    """Yield the lines of a `script:` (a text, a list, or lists in a list, as anchors give them)."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Sequence):
            stack.extend(reversed(current.items))
        elif current is not None:
            yield current


def local_includes(root: Mapping) -> list[str]:
    """Return the files of this repository that ``include:`` names (no wildcards)."""
    include = root.get("include")
    items = include.items if isinstance(include, Sequence) else [include] if include is not None else []
    named = [
        item.text if isinstance(item, Scalar) else item.text("local") if isinstance(item, Mapping) else None for item in items
    ]
    return [name for name in named if name and not name.startswith("http") and "*" not in name]


def _extract(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    root = next((node for node in document.documents if isinstance(node, Mapping) and "spec" not in node), None)
    if root is None:
        return
    for name in local_includes(root):
        emit(NamedFile(as_kind="gitlab-ci", at=document.place(root), name="/" + name.lstrip("/")))
    scripts: list[list[Any]] = []
    seen: set[int] = set()
    owners = [root, *(value for _key, value in root.pairs if isinstance(value, Mapping))]
    for owner in owners:
        for key in SCRIPT_KEYS:
            for line in script_lines(owner.get(key)):
                if isinstance(line, Scalar) and document.place(line) not in seen:
                    seen.add(document.place(line))
                    commands = script_commands(document, line)
                    if commands:
                        scripts.append([document.place(line), commands])
    emit(GitlabPipeline(at=document.place(root), scripts=scripts, tree=document.encode(_clean(root))))


EXTRACTORS: tuple[Extractor, ...] = (Extractor("gitlab-ci", (), _extract),)
