"""The view of the model as text for a terminal and as a Mermaid diagram."""

from __future__ import annotations

from typing import Any

from opslint.cli.model_view import UNNAMED
from opslint.report.escape import visible

_SIGNS = {"set": "set", "secret": "secret", "unknown": "?", "open": "open", "absent": "-"}
MAX_ROWS = 40


def text(view: dict[str, Any], *, everything: bool) -> str:
    """Return the tables: environments × variables, × resources, services, links, pipelines, blind spots."""
    limit = 10**9 if everything else MAX_ROWS
    names = [item["name"] for item in view["environments"]]
    lines = ["Environments: " + (visible(", ".join(names)) or f"none named; one {UNNAMED}, judged like production")]
    lines += _section("Services", [_service(item) for item in view["services"]], "no workload was found", limit)
    lines += _section("Variables (! the code needs it, ? reads it)", _variables(view["variables"]), "nothing sets any", limit)
    lines += _section(
        "Resources", [_resource(item) for item in view["resources"]], "no Terraform or CloudFormation resource", limit
    )
    lines += _section("Links", [_link(item) for item in view["links"]], "nothing could be joined", limit)
    lines += _section("Pipelines", [_pipeline(item) for item in view["pipelines"]], "none", limit)
    lines += _section("Blind spots, most costly first", [_blind(item) for item in view["blind_spots"]], "none", limit)
    return "\n".join(lines) + "\n"


def _section(title: str, rows: list[str], nothing: str, limit: int) -> list[str]:
    shown = rows[:limit] or [f"({nothing})"]
    more = [f"  ... and {len(rows) - limit} more (--all)"] if len(rows) > limit else []
    return ["", f"{title}: {len(rows)}", *(f"  {row}" for row in shown), *more]


def _service(item: dict[str, Any]) -> str:
    places = sorted({f"{run['workload']} ({', '.join(run['environments']) or UNNAMED})" for run in item["runs"]})
    modules = sorted({module for run in item["runs"] for entry in run["entries"] for module in entry["modules"]})
    how = (
        f"not linked: {item['unlinked']}" if item["unlinked"] else f"{item['dockerfile']} -> {', '.join(modules) or 'no module'}"
    )
    return visible(f"{item['name']}: {how}; runs as {', '.join(places) or 'nothing'}")


def _variables(rows: list[dict[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(cell["environment"] for row in rows for cell in row["environments"]))
    if not rows:
        return []
    heads = [visible(name or UNNAMED) for name in names]
    labels = [visible(f"{row['service']} {row['name']}") + _reading(row) for row in rows]
    first = max(map(len, labels))
    widths = [max(len(head), 6) for head in heads]
    lines = [" " * first + "  " + "  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip()]
    for label, row in zip(labels, rows, strict=True):
        cells = {cell["environment"]: _SIGNS[cell["state"]] for cell in row["environments"]}
        line = "  ".join(cells.get(name, "").ljust(width) for name, width in zip(names, widths, strict=True))
        lines.append(f"{label.ljust(first)}  {line}".rstrip())
    return lines


def _reading(row: dict[str, Any]) -> str:
    """Mark what the code reads: `!` when it fails without, `?` when it does not."""
    return " !" if any(read["required"] for read in row["reads"]) else " ?" if row["reads"] else ""


def _resource(item: dict[str, Any]) -> str:
    doubt = " (may not exist)" if item["uncertain"] else ""
    return visible(f"{item['path']}:{item['line']}  {item['address']}  [{', '.join(item['environments']) or UNNAMED}]{doubt}")


def _link(item: dict[str, Any]) -> str:
    return visible(f"{item['from']} {item['kind']} {item['to']}  ({item['path']}:{item['line']})")


def _pipeline(item: dict[str, Any]) -> str:
    jobs = []
    for job in item["jobs"]:
        kinds = ", ".join(dict.fromkeys(action["kind"] for action in job["actions"]))
        target = f" -> {', '.join(job['environments'])}" if job["environments"] else ""
        jobs.append(f"{job['id']}{target}" + (f" ({kinds})" if kinds else ""))
    return visible(f"{item['path']} on {', '.join(item['events']) or 'nothing known'}: {'; '.join(jobs)}")


def _blind(item: dict[str, Any]) -> str:
    place = f" at {item['places'][0]['path']}:{item['places'][0]['line']}" if item["places"] else ""
    more = f" and {len(item['places']) - 1} more places" if len(item["places"]) > 1 else ""
    silent = f"; kept silent: {', '.join(item['rules'])}" if item["rules"] else ""
    change = f"; would help: {item['help']}" if item["help"] else ""
    return visible(f"{item['cost']} x {item['message']}{place}{more}{silent}{change}")


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
