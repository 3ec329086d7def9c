"""Variables that scripts and pipelines fill with something computed, or rewrite in files."""

from __future__ import annotations

from opslint.base.tree import Mapping, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.workflows import Workflow
from opslint.model.all_commands import all_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel

_EDITORS = frozenset(("sed", "perl", "yq", "envsubst", "awk"))


def scripted_names(model: DeploymentModel) -> frozenset[str]:
    """Return the names that a command gives a value which is not constant, or that a stream editor rewrites."""
    found: set[str] = set()
    for words in all_commands(model):
        edits = words[0] in _EDITORS
        for word in words:
            name, equals, value = word.partition("=")
            if equals and "$" in value and _is_name(name):
                found.add(name)
            if edits:
                found.update(_named(word))
    for fact in model.facts(Workflow):
        tree = decode(fact.tree, fact.path)
        for block in _blocks(tree):
            found.update(key.text for key, value in block.pairs if "$" in (block.text(key.text) or ""))
    return frozenset(found)


def rewrites_image(model: DeploymentModel, image: str) -> bool:
    """Tell whether a command may put another tag of an image into manifests: ``kustomize edit set image``, an editor on ``image:``.

    A name with a hole in it may be any.
    """
    name = image.partition("@")[0]
    name = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    return any("$" in text or text in (name, name.rpartition("/")[2]) for text in model.rewritten_images)


def rewritten_images(model: DeploymentModel) -> frozenset[str]:
    """Return the names of the images whose lines in manifests commands rewrite, as far as they are written out."""
    found: set[str] = set()
    for words in all_commands(model):
        if words[:4] == ["kustomize", "edit", "set", "image"]:
            for word in words[4:]:
                name = word.partition("=")[0].partition("@")[0]
                found.add(name.rpartition(":")[0] if ":" in name.rpartition("/")[2] and "=" not in word else name)
        elif words[0] in _EDITORS:
            found.update(word for word in words[1:] if "image:" in word and "$" in word)
    return frozenset(found)


def _blocks(tree: Node) -> Iterator[Mapping]:
    """The `env:` blocks of a workflow, its jobs and their steps."""
    jobs = tree.mapping("jobs") if isinstance(tree, Mapping) else None
    owners: list[Node] = [tree]
    for _name, job in jobs.items() if jobs is not None else ():
        owners.append(job)
        owners.extend(job.sequence("steps") if isinstance(job, Mapping) else ())
    for owner in owners:
        block = owner.mapping("env") if isinstance(owner, Mapping) else None
        if block is not None:
            yield block


def _named(text: str) -> Iterator[str]:
    """The names of ``${NAME…}`` and ``NAME=`` in an editor's expression."""
    for part in text.split("${")[1:]:
        end = next((at for at, char in enumerate(part) if not (char.isalnum() or char == "_")), len(part))
        if end:
            yield part[:end]
    for part in text.split("=")[:-1]:
        start = next((at for at in range(len(part), 0, -1) if not (part[at - 1].isalnum() or part[at - 1] == "_")), 0)
        if part[start:]:
            yield part[start:]


def _is_name(text: str) -> bool:
    return text.replace("_", "a").isalnum() and not text[:1].isdigit()
