"""The view of the model as text for a terminal 100 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opslint.cli.model_matrix import matrix
from opslint.cli.model_table import WIDTH, fit, middle, table, tail, wrapped
from opslint.cli.model_view import UNNAMED
from opslint.report.escape import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_ROWS = 40

THIRD_PARTY = "a third party's image"
"""What a service that was not built here is unlinked for."""


def text(view: dict[str, Any], *, everything: bool, detailed: bool = False) -> str:
    """Return the tables: services × variables × environments, resources, identities, links, pipelines, blind spots.

    `everything`: every row of every table; `detailed`: where each variable is set and read, below its row.
    """
    limit = 10**9 if everything else MAX_ROWS
    names = [item["name"] for item in view["environments"]]
    lines = wrapped("Environments: " + (visible(", ".join(names)) or f"none named; one {UNNAMED}, judged like production"), "")
    lines += _services(view["services"], limit)
    lines += matrix(view, everything=everything, detailed=detailed)
    lines += _resources(view, names, limit)
    lines += _identities(view["identities"], names, limit)
    lines += _section("Links", _joined_links(view["links"]), _link, "nothing could be joined", limit)
    lines += _section("Pipelines", view["pipelines"], _pipeline, "none", limit)
    lines += _section("Blind spots, most costly first", view["blind_spots"], _blind, "none", limit)
    return "\n".join(lines) + "\n"


def _section(title: str, items: list[Any], show: Callable[[Any], list[str]], nothing: str, limit: int) -> list[str]:
    shown = [line for item in items[:limit] for line in show(item)] or [f"  ({nothing})"]
    return ["", f"{title}: {len(items)}", *shown, *_more(len(items), limit)]


def _services(items: list[dict[str, Any]], limit: int) -> list[str]:
    """Own services with what they are built of and where they run; third parties' images in one line."""
    own = [item for item in items if item["unlinked"] != THIRD_PARTY]
    lines = _section("Services", own, _service, "no workload was found", limit)
    others = [f"{item['name']} ({', '.join(_places(item))})" for item in items if item["unlinked"] == THIRD_PARTY]
    return lines + (wrapped(visible(f"third parties' images: {', '.join(others)}")) if others else [])


def _places(item: dict[str, Any]) -> dict[str, list[str]]:
    """Return environment → the workloads that run a service there."""
    places: dict[str, list[str]] = {}
    for run in item["runs"]:
        for environment in run["environments"] or [UNNAMED]:
            names = places.setdefault(environment, [])
            if run["workload"] not in names:
                names.append(run["workload"])
    return places


def _service(item: dict[str, Any]) -> list[str]:
    modules = sorted({module for run in item["runs"] for entry in run["entries"] for module in entry["modules"]})
    if item["unlinked"]:
        built = f"not linked to code: {item['unlinked']}"
    else:
        built = (
            f"{item['dockerfile'] or item['context'] or 'its code'} starts {', '.join(modules) or 'no module of this repository'}"
        )
    where = "; ".join(f"{environment}: {', '.join(sorted(names))}" for environment, names in _places(item).items())
    return wrapped(visible(f"{item['name']}  {built}")) + wrapped(visible(f"runs in {where or 'nothing'}"), "      ")


def _resources(view: dict[str, Any], names: list[str], limit: int) -> list[str]:
    """One row for each resource, a column for each environment; without environments a plain list."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    places: dict[tuple[str, str], str] = {}
    for item in view["resources"]:
        key = (item["group"], item["address"])
        places.setdefault(key, f"{item['path']}:{item['line']}")
        for environment in item["environments"] or [UNNAMED]:
            rows.setdefault(key, {})[environment] = "maybe" if item["uncertain"] else "yes"
    used = _used(names, rows.values())
    lines = ["", f"Resources: {len(rows)}" + (" (* not in every environment)" if len(used) > 1 else "")]
    if not rows:
        return [*lines, "  (no Terraform or CloudFormation resource)"]
    body = []
    for key in list(rows)[:limit]:
        cells = [rows[key].get(name, "-") for name in used]
        differs = len({cell != "-" for cell in cells}) > 1
        body.append(["*" if differs else "", key[1], *cells, places[key]])
    return [*lines, *_beside(["", "", *used, "declared at"], body), *_more(len(rows), limit)]


def _identities(items: list[dict[str, Any]], names: list[str], limit: int) -> list[str]:
    """One row for each thing that has an identity, with the environments that own or use it; shared ones first."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    places: dict[tuple[str, str], str] = {}
    marks: dict[tuple[str, str], str] = {}
    for item in items:
        key = (item["kind"], _label(item))
        places.setdefault(key, f"{item['path']}:{item['line']}")
        cells = rows.setdefault(key, {})
        if cells.get(item["environment"]) != "owns":
            cells[item["environment"]] = "owns" if item["owned"] else "uses"
        if item["shared_with"]:
            marks[key] = "*"
        elif item["same"] is None and item["text"] and len({name.partition("/")[0] for name in cells}) > 1:
            marks.setdefault(key, "?")
    used = _used(names, rows.values())
    legend = ["* the same in several tiers"] if "*" in marks.values() else []
    legend += ["? one name, it is not known whether one thing"] if "?" in marks.values() else []
    lines = ["", f"Identities: {len(rows)}" + (f" ({'; '.join(legend)})" if legend else "")]
    if not rows:
        return [*lines, "  (no host, store, account or name of a named environment is known)"]
    ordered = sorted(rows, key=lambda key: (_ORDER.index(marks.get(key, "")), *key))
    body = [
        [marks.get(key, ""), f"{key[0]} {key[1]}", *(rows[key].get(name, "-") for name in used), places[key]]
        for key in ordered[:limit]
    ]
    return [*lines, *_beside(["", "", *used, "written at"], body), *_more(len(rows), limit)]


_ORDER = ("*", "?", "")
_TIER_WORDS = frozenset("prod production prd staging stage stg uat preprod dev development sandbox preview ephemeral".split())


def _label(item: dict[str, Any]) -> str:
    """Name a thing: by its text; where only words of it may be shown, or none, by the setting that holds it."""
    text = item["text"] or ""
    if text and _TIER_WORDS.issuperset(text.split()):
        return f"…{text.replace(' ', '…')}… ({item['name']})"
    return text or f"({item['name']})"


def _used(names: list[str], rows: Iterable[dict[str, str]]) -> list[str]:
    found = {name for cells in rows for name in cells}
    return [name for name in [*names, UNNAMED] if name in found]


def _more(count: int, limit: int) -> list[str]:
    return [f"  … and {count - limit} more (--all)"] if count > limit else []


def _beside(head: list[str], body: list[list[str]]) -> list[str]:
    """Return a table of a mark, a thing, a column for each environment, and a place."""
    rows = [[visible(cell) for cell in row] for row in (head, *body)]
    columns = [[row[number] for row in rows] for number in range(len(head))]
    count = len(head) - 3
    widths = fit(columns, [1, max(24, 52 - 6 * count), *[5] * count, 20], [1, 60, *[16] * count, 32], WIDTH)
    short = [
        [*(middle(cell, width) for cell, width in zip(row[:-1], widths, strict=False)), tail(row[-1], widths[-1])] for row in rows
    ]
    return table(short[0], short[1:], widths)


def _joined_links(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bring the links of one thing together: one line for all that it is built by, starts or feeds."""
    joined: dict[tuple[str, str], dict[str, Any]] = {}
    for link in links:
        found = joined.setdefault((link["from"], link["kind"]), {"from": link["from"], "kind": link["kind"], "to": {}})
        found["to"].setdefault(link["to"], f"{link['path']}:{link['line']}")
    return list(joined.values())


def _link(item: dict[str, Any]) -> list[str]:
    targets = ", ".join(f"{target} ({place})" for target, place in item["to"].items())
    return wrapped(visible(f"{item['from']} {item['kind']} {targets}"))


def _pipeline(item: dict[str, Any]) -> list[str]:
    jobs = []
    for job in item["jobs"]:
        kinds = ", ".join(dict.fromkeys(action["kind"] for action in job["actions"]))
        target = f" -> {', '.join(job['environments'])}" if job["environments"] else ""
        jobs.append(f"{job['id']}{target}" + (f" ({kinds})" if kinds else ""))
    return wrapped(visible(f"{item['path']} on {', '.join(item['events']) or 'nothing known'}: {'; '.join(jobs) or 'no job'}"))


def _blind(item: dict[str, Any]) -> list[str]:
    place = f" at {item['places'][0]['path']}:{item['places'][0]['line']}" if item["places"] else ""
    others = len(item["places"]) - 1
    more = f" and {others} more place{'s' if others > 1 else ''}" if others > 0 else ""
    lines = wrapped(visible(f"{item['cost']} × {item['message']}{place}{more}"))
    if item["rules"]:
        lines += wrapped(visible(f"kept silent: {', '.join(item['rules'])}"), "      ")
    if item["help"]:
        lines += wrapped(visible(f"would help: {item['help']}"), "      ")
    return lines
