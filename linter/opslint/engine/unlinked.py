"""The first thing to say when code and manifests could not be brought together: what was looked for and not found."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel

_STARTS = frozenset(
    (
        "cloudformation", "compose", "dockerfile", "helm-chart", "helm-template", "helm-values", "kubernetes", "kustomization",
        "procfile", "systemd", "terraform",
    )
)  # fmt: skip
"""Kinds of files that may say how code is started."""


def unlinked(model: DeploymentModel) -> list[str]:
    """Return one hint when the project has code or workloads and no service joins them; [] otherwise.

    A repository of infrastructure or pipelines alone has nothing to join, and lacks nothing.
    """
    from opslint.report.text import NOT_LINKED

    kinds = {info.kind for info in model.files.values() if info.role == "deploy"}
    has_code = "python" in kinds
    services = list(model.services) if kinds & _STARTS else []
    if any(not service.unlinked for service in services) or not (has_code or services):
        return []
    if services:
        reasons = sorted({service.unlinked for service in services})
        why = f"{len(services)} found in the manifests, none runs code of this repository ({'; '.join(reasons[:2])})"
    else:
        why = "there is Python code, and no Dockerfile, manifest or Procfile that starts it"
    change = '[[service]] in opslint.toml helps: name = "api", code = "path/of/its/code", dockerfile = "Dockerfile"'
    return [f"{NOT_LINKED} to code: {why}\n{change}"]
