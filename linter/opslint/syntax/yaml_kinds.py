"""Which tool a YAML file belongs to, told from its content where the path does not say."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.tree import Node

_PLAY_KEYS = frozenset(("tasks", "roles", "pre_tasks", "post_tasks", "handlers", "vars", "gather_facts", "become"))
_FIXED = frozenset(("workflow", "action", "gitlab-ci", "helm-chart", "helm-template", "kustomization"))
"""Kinds that the tool itself finds by path: the content cannot change them."""


def refine(kind: str, documents: list[Node]) -> str:
    """Return the refined kind of a file whose path says `kind`; ``unknown-yaml`` where no tool is recognised."""
    if kind in _FIXED:
        return kind
    mappings = [document for document in documents if isinstance(document, Mapping)]
    told = next((found for found in map(_of_mapping, mappings) if found), None)
    if told is None and not mappings and documents and isinstance(documents[0], Sequence) and _is_playbook(documents[0]):
        told = "ansible"
    if kind in ("compose", "helm-values"):
        return told if told in ("kubernetes", "kustomization", "cloudformation") else kind
    if told is None and kind == "json":
        return "json"
    return told or "unknown-yaml"


def _of_mapping(node: Mapping) -> str | None:
    version = node.text("apiVersion")
    if version is not None and "kind" in node:
        is_kustomization = version.startswith("kustomize.config.k8s.io/") and node.text("kind") in ("Kustomization", "Component")
        return "kustomization" if is_kustomization else "kubernetes"
    if "AWSTemplateFormatVersion" in node or _has_aws_resources(node):
        return "cloudformation"
    if "openapi" in node or "swagger" in node:
        return "openapi"
    if _is_serverless(node):
        return "serverless"
    if _is_compose(node):
        return "compose"
    if _has_rule_groups(node):
        return "prometheus-rules"
    return "gitlab-ci" if _is_gitlab(node) else None


def _has_aws_resources(node: Mapping) -> bool:
    resources = node.mapping("Resources")
    bodies = [value for _name, value in resources.items() if isinstance(value, Mapping)] if resources is not None else []
    return any((body.text("Type") or "").startswith(("AWS::", "Custom::")) for body in bodies)


def _is_serverless(node: Mapping) -> bool:
    provider = node.get("provider")
    named = isinstance(provider, Scalar) or (isinstance(provider, Mapping) and "name" in provider)
    return "service" in node and named and ("functions" in node or "custom" in node or "plugins" in node)


def _is_compose(node: Mapping) -> bool:
    services = node.mapping("services")
    if services is None or "kind" in node:
        return False
    bodies = [value for _name, value in services.items() if isinstance(value, Mapping)]
    return any("image" in body or "build" in body for body in bodies)


def _has_rule_groups(node: Mapping) -> bool:
    groups = [group for group in node.sequence("groups") if isinstance(group, Mapping)]
    return bool(groups) and all("name" in group and "rules" in group for group in groups)


def _is_gitlab(node: Mapping) -> bool:
    jobs = [value for _name, value in node.items() if isinstance(value, Mapping)]
    scripted = [job for job in jobs if isinstance(job.get("script"), Sequence | Scalar)]
    return bool(scripted) and ("stages" in node or any("stage" in job or "rules" in job or "extends" in job for job in scripted))


def _is_playbook(node: Sequence) -> bool:
    items = [item for item in node.items if isinstance(item, Mapping)]
    return any(("hosts" in item and _PLAY_KEYS.intersection(item.keys())) or "import_playbook" in item for item in items)
