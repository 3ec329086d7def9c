"""Charts of the repository that Terraform installs (`helm_release`), once for each root and environment."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known
from opslint.model.gotemplate_values import Opaque
from opslint.model.helm_releases import Inline, Release, set_value
from opslint.model.terraform_paths import in_repository
from opslint.model.terraform_values import FileText, as_text, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Resource
    from opslint.model.terraform_roots import Root

TYPE = "helm_release"

MAX_DEPTH = 30
"""Levels of values that are followed."""


def terraform_releases(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    """Yield the releases of the repository's own charts in applied roots."""
    for root in model.terraform.roots:
        if not root.applied:
            continue
        for resource in model.terraform.resources_in(root, TYPE):
            chart = _chart(resource, root, charts)
            if chart is not None and not resource.uncertain:
                yield _release(resource, chart)


def _chart(resource: Resource, root: Root, charts: set[str]) -> str | None:
    value = resource.get("chart")
    if resource.body.has("repository") or value == ABSENT:
        return None
    # `path.module` is a project path already; anything else is relative to where Terraform runs.
    return next((path for base in ("", root.path) if (path := in_repository(value, base)) is not None and path in charts), None)


def _release(resource: Resource, chart: str) -> Release:
    layers: list[str | Inline] = []
    values = settled(resource.get("values"))
    items = values.value if isinstance(values, Known) and isinstance(values.value, list) else []
    if not isinstance(values, Known) and values != ABSENT:
        layers.append(Inline(reason="values that are not known", values={}))
    layers.extend(_layer(item) for item in items)
    sets, is_open = _sets(resource)
    if is_open:
        layers.append(Inline(reason="settings whose names are not known", values={}))
    namespace = resource.get("namespace")
    environment = resource.environments[0] if len(resource.environments) == 1 else ""
    return Release(
        chart=chart,
        cluster="",
        environment=environment.replace("/", "-"),
        layers=layers,
        loc=resource.loc,
        name=as_text(resource.get("name")),
        namespace="default" if namespace == ABSENT else as_text(namespace),
        optional=False,
        sets=sets,
    )


def _layer(value: Value) -> str | Inline:
    """One entry of ``values``: a file as it is, or what a function encodes."""
    found = settled(value)
    if isinstance(found, FileText):
        return found.path
    made = _plain(found, 0)
    return Inline(reason="", values=made) if isinstance(made, dict) else Inline(reason="values that are not known", values={})


def _plain(value: Value, depth: int) -> Any:
    """Return a value as Helm's; what is not known is `Opaque`."""
    found = settled(value)
    if not isinstance(found, Known) or isinstance(found.value, Masked) or depth > MAX_DEPTH:
        return Opaque("a value of Terraform that is not known")
    if isinstance(found.value, dict):
        return {key: _plain(item, depth + 1) for key, item in found.value.items()}
    if isinstance(found.value, list):
        return [_plain(item, depth + 1) for item in found.value]
    return found.value


def _sets(resource: Resource) -> tuple[list[tuple[str, Any]], bool]:
    """Return what ``set`` blocks (or the list of the same name) say, and whether there are more whose names are not known."""
    found: list[tuple[str, Any]] = []
    is_open = False
    for kind in ("set", "set_sensitive", "set_list"):
        given: list[tuple[Value, Value, Value]] = [
            (block.body.get("name"), block.body.get("value"), block.body.get("type"))
            for block in resource.blocks(kind)
            if not block.uncertain
        ]
        is_open = is_open or any(block.uncertain for block in resource.blocks(kind))
        listed = settled(resource.get(kind)) if resource.body.expression(kind) is not None else ABSENT
        for item in listed.value if isinstance(listed, Known) and isinstance(listed.value, list) else ():
            fields = settled(item)
            if isinstance(fields, Known) and isinstance(fields.value, dict):
                given.append(
                    (fields.value.get("name", ABSENT), fields.value.get("value", ABSENT), fields.value.get("type", ABSENT))
                )
        is_open = is_open or (listed != ABSENT and not isinstance(listed, Known))
        for name, value, typed in given:
            key, text = as_text(name), as_text(value)
            if key is None:
                is_open = True
            elif kind != "set" or text is None:
                found.append((key, Opaque(f"{kind} {key}")))
            else:
                found.append((key, set_value(key, text, "--set-string" if as_text(typed) == "string" else "--set")))
    return found, is_open
