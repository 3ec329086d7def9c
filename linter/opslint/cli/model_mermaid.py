"""The view of the model as a Mermaid diagram."""

from __future__ import annotations

from typing import Any

from opslint.cli.model_view import UNNAMED
from opslint.report.escape import visible


def mermaid(view: dict[str, Any]) -> str:
    """Return a flowchart: environments hold workloads and resources, services run as workloads, queues feed functions."""
    lines = ["flowchart LR"]
    ids: dict[tuple[str, str], str] = {}

    def node(kind: str, name: str) -> str:
        return ids.setdefault((kind, name), f"n{len(ids)}")

    groups: dict[str, list[tuple[str, str]]] = {}
    edges: list[str] = []
    for service in view["services"]:
        own = node("service", service["name"])
        for run in service["runs"]:
            for environment in run["environments"] or [UNNAMED]:
                name = f"{run['workload']} / {run['container']}"
                target = node(f"run {environment}", name)
                if (target, name) not in groups.setdefault(environment, []):
                    groups[environment].append((target, name))
                edges.append(f"  {own} -->|runs as| {target}")
        if service["dockerfile"]:
            edges.append(f"  {own} -->|built by| {node('file', service['dockerfile'])}")
    for resource in view["resources"]:
        for environment in resource["environments"] or [UNNAMED]:
            member = (node(f"run {environment}", resource["address"]), resource["address"])
            if member not in groups.setdefault(environment, []):
                groups[environment].append(member)
    for link in view["links"]:
        if link["kind"] == "feeds":
            edges.append(f"  {node('resource', link['from'])} -->|feeds| {node('resource', link['to'])}")
    for (kind, name), identity in ids.items():
        if not kind.startswith("run "):
            lines.append(f'  {identity}["{_label(name)}"]')
    for number, (environment, members) in enumerate(sorted(groups.items())):
        lines.append(f'  subgraph e{number}["{_label(environment)}"]')
        lines += [f'    {identity}["{_label(name)}"]' for identity, name in members]
        lines.append("  end")
    return "\n".join([*lines, *dict.fromkeys(edges)]) + "\n"


def _label(text: str) -> str:
    """Escape a label: Mermaid reads entities as `#quot;`, and HTML in labels is markup."""
    out = visible(text).replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return out.replace("`", "#96;")
