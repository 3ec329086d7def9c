"""GitHub Actions workflows and composite actions as facts: the trimmed tree, and the commands of every script in it.

Values of `env:` blocks, and inputs whose name says that they hold a credential, are masked; a value that is one expression
(``${{ inputs.environment }}``) is a reference and stays.
"""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.masking import PLAIN_NAMES, is_secret_name, mask_named, strip_credentials
from opslint.base.opaque import is_identity
from opslint.base.rule import Extractor
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.scripts import script_commands
from opslint.facts.workflow_views import JobView, StepView, jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument

__all__ = ["EXTRACTORS", "CompositeAction", "JobView", "StepView", "Workflow", "job_views"]


class Workflow(Fact):
    """One workflow file. `tree` is encoded (`opslint.base.tree`); `scripts` are ``[place of the run scalar, commands]``."""

    __slots__ = ("scripts", "tree")
    scripts: list[list[Any]]
    tree: list[Any]


class CompositeAction(Fact):
    """One ``action.yml``: `using` is ``composite``, ``docker``, ``node20``…; tree and scripts as in `Workflow`."""

    __slots__ = ("scripts", "tree", "using")
    scripts: list[list[Any]]
    tree: list[Any]
    using: str


_TOP = frozenset("name on env defaults permissions concurrency jobs run-name inputs outputs runs".split())


def is_reference(text: str) -> bool:
    """Tell whether the whole text is one ``${{ … }}`` without a literal in it."""
    body = text.strip()
    return body.startswith("${{") and body.endswith("}}") and body.count("${{") == 1 and "'" not in body


def is_version(text: str) -> bool:
    """Tell whether the text is a version and nothing else: ``3.12``, ``20.x``, ``1.9.8``."""
    return len(text) <= 12 and text[:1].isdigit() and all(part.isdigit() or part == "x" for part in text.split("."))


def masked_scalar(name: str, node: Scalar) -> Scalar:
    """Return the value of an environment variable as a fact may keep it."""
    if node.masked is not None or name in PLAIN_NAMES or is_reference(node.text) or node.is_null:
        return node
    if name.startswith("TF_") and "${{" in node.text:
        # A variable of Terraform with a hole: masked as a whole it would look like a value that is known.
        shape = "".join(part.rpartition("}}")[2] for part in node.text.split("${{"))
        text = node.text if not is_secret_name(name) and (not shape or is_identity(shape)) else "${{ … }}"
        return Scalar(text, node.at, quoted=node.quoted, path=node.path)
    if name.upper().endswith("VERSION") and is_version(node.text):
        return node
    return Scalar("", node.at, quoted=node.quoted, masked=mask_named(name, node.text), path=node.path)


def masked_env(node: Node) -> Node:
    """Mask the values of an `env:` or `variables:` block."""
    if isinstance(node, Mapping):
        return Mapping([(key, masked_env_value(key.text, value)) for key, value in node.pairs], node.at, node.path)
    return node


def masked_env_value(name: str, value: Node) -> Node:
    """Mask one value of such a block; GitLab's ``{value: …, description: …}`` form keeps its shape."""
    if isinstance(value, Scalar):
        return masked_scalar(name, value)
    if isinstance(value, Mapping):
        return Mapping([(key, masked_env_value(name, inner)) for key, inner in value.pairs], value.at, value.path)
    return value


def _clean(name: str, node: Node) -> Node:
    """Copy a node below `name` with secrets masked and credentials cut out of texts."""
    if isinstance(node, Scalar):
        if is_secret_name(name) and not is_reference(node.text) and node.boolean is None:
            return masked_scalar("secret", node)
        text = strip_credentials(node.text)
        return node if text == node.text else Scalar(text, node.at, quoted=node.quoted, path=node.path)
    if isinstance(node, Mapping):
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in node.pairs:
            if key.text in ("env", "build-args", "secrets"):
                pairs.append((key, masked_env(value) if isinstance(value, Mapping) else _clean(key.text, value)))
            elif key.text != "description":
                pairs.append((key, _clean(key.text, value)))
        return Mapping(pairs, node.at, node.path)
    if isinstance(node, Sequence):
        return Sequence([_clean(name, item) for item in node.items], node.at, node.path)
    return node


def _trimmed(root: Mapping) -> Mapping:
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in root.pairs:
        if key.text == "env":
            pairs.append((key, masked_env(value)))
        elif key.text in _TOP:
            pairs.append((key, _clean("", value)))
    return Mapping(pairs, root.at, root.path)


def _root(document: YamlDocument) -> Mapping | None:
    return next((node for node in document.documents if isinstance(node, Mapping)), None)


def _script_nodes(step: Mapping) -> Iterator[tuple[Scalar, bool]]:
    """Yield the scripts of a step: `run`, and `script` inputs of actions that run one on another host."""
    run = step.get("run")
    if isinstance(run, Scalar):
        yield run, True
    uses = step.text("uses") or ""
    if "github-script" in uses:
        return
    for name in ("script", "command", "inlineScript", "commands"):
        node = step.get("with", name)
        if isinstance(node, Scalar):
            yield node, False


def _scripts(document: YamlDocument, steps: Iterator[Mapping]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for step in steps:
        shell = step.text("shell") or ""
        if shell.startswith(("pwsh", "powershell", "python", "cmd", "node")):
            continue
        for node, _own in _script_nodes(step):
            commands = script_commands(document, node)
            if commands:
                found.append([document.place(node), commands])
    return found


def _workflow(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    root = _root(document)
    if root is None or root.mapping("jobs") is None:
        return
    steps = (step.node for job in jobs_of(root) for step in job.steps)
    scripts = _scripts(document, steps)
    emit(Workflow(at=document.place(root), scripts=scripts, tree=document.encode(_trimmed(root))))


def _action(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    root = _root(document)
    runs = root.mapping("runs") if root is not None else None
    if root is None or runs is None:
        return
    steps = (item for item in runs.sequence("steps") if isinstance(item, Mapping))
    emit(
        CompositeAction(
            at=document.place(root),
            scripts=_scripts(document, steps),
            tree=document.encode(_trimmed(root)),
            using=runs.text("using") or "",
        )
    )


def job_views(document: YamlDocument) -> Iterator[JobView]:
    """Yield the views for the ``jobs`` hook (`opslint.base.rule.WorkflowJobs`)."""
    root = _root(document)
    if root is not None and document.kind == "workflow":
        yield from jobs_of(root)


EXTRACTORS: tuple[Extractor, ...] = (
    Extractor("workflow", (), _workflow),
    Extractor("action", (), _action),
)
