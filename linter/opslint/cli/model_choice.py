"""What of the model was asked for: some environments, some services, only what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opslint.base.errors import UsageError, nearest
from opslint.cli.model_variables import GIVEN, difference
from opslint.cli.model_view import UNNAMED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.model.environments import Environments


def chosen_environments(words: Iterable[str], data: dict[str, Any], environments: Environments) -> set[str | None] | None:
    """Return the names (None: the unnamed one) that `words` name: a whole name, a tier, or another word for one (``prod``).

    None when nothing was asked for. UsageError names the nearest right one.
    """
    known: dict[str, list[str | None]] = {}
    for item in data["environments"]:
        known.setdefault(item["name"], []).append(item["name"])
        if item["tier"] != item["name"]:
            known.setdefault(item["tier"], []).append(item["name"])
    if not known or any(cell["environment"] is None for row in data["variables"] for cell in row["environments"]):
        known.setdefault(UNNAMED, []).append(None)
    chosen: set[str | None] = set()
    asked = False
    for word in words:
        asked = True
        found = known.get(word)
        if found is None:
            other = environments.of_value(word)
            found = known.get(other.name) if other is not None else None
        if found is None:
            raise UsageError(f"no environment '{word}'{nearest(word, list(known))}; there is {', '.join(known)}")
        chosen.update(found)
    return chosen if asked else None


def chosen_services(words: Iterable[str], data: dict[str, Any]) -> set[str] | None:
    """Return the services that `words` name, by their own name or that of a workload. UsageError names the nearest right one."""
    known: dict[str, set[str]] = {}
    for name in [*(row["service"] for row in data["variables"]), *(item["name"] for item in data["services"])]:
        for word in (name, name.partition(" (")[0]):
            known.setdefault(word, set()).add(name)
    for item in data["services"]:
        for run in item["runs"]:
            if run["workload"] not in known:
                known[run["workload"]] = {item["name"]}
    chosen: set[str] = set()
    asked = False
    for word in words:
        asked = True
        if word not in known:
            some = sorted(known)
            listed = f"; there is {', '.join(some[:12])}{' …' if len(some) > 12 else ''}" if some else "; no service was found"
            raise UsageError(f"no service '{word}'{nearest(word, some) or listed}")
        chosen |= known[word]
    return chosen if asked else None


def narrowed(
    data: dict[str, Any], environments: set[str | None] | None, services: set[str] | None, *, only_differences: bool
) -> dict[str, Any]:
    """Return the view without what was not asked for. Blind spots stay: they are about the whole."""
    out = dict(data)
    if environments is not None:
        _take_environments(out, environments)
    if services is not None:
        _take_services(out, services)
    if only_differences:
        out["variables"] = [row for row in out["variables"] if row["differs"]]
        out["resources"] = _differing_resources(out["resources"])
        out["identities"] = [item for item in out["identities"] if item["shared_with"]]
    return out


def _take_environments(out: dict[str, Any], chosen: set[str | None]) -> None:
    def wanted(names: list[str]) -> bool:
        return any(name in chosen for name in names) if names else None in chosen

    out["environments"] = [item for item in out["environments"] if item["name"] in chosen]
    services = []
    for item in out["services"]:
        runs = [run for run in item["runs"] if wanted(run["environments"])]
        if runs:
            services.append({**item, "runs": runs})
    out["services"] = services
    rows = []
    for row in out["variables"]:
        cells = [cell for cell in row["environments"] if cell["environment"] in chosen]
        if cells and (row["reads"] or any(cell["state"] in GIVEN for cell in cells)):
            rows.append({**row, "differs": difference(cells), "environments": cells})
    out["variables"] = rows
    # A resource of no environment belongs to whichever uses it.
    out["resources"] = [item for item in out["resources"] if not item["environments"] or wanted(item["environments"])]
    out["identities"] = [item for item in out["identities"] if item["environment"] in chosen]
    pipelines = []
    for pipeline in out["pipelines"]:
        jobs = [job for job in pipeline["jobs"] if not job["environments"] or wanted(job["environments"])]
        pipelines.append({**pipeline, "jobs": jobs})
    out["pipelines"] = pipelines


def _take_services(out: dict[str, Any], chosen: set[str]) -> None:
    out["services"] = [item for item in out["services"] if item["name"] in chosen]
    out["variables"] = [row for row in out["variables"] if row["service"] in chosen]
    names = chosen | {run["workload"] for item in out["services"] for run in item["runs"]}
    out["identities"] = [item for item in out["identities"] if item["service"] in names]
    out["links"] = [link for link in out["links"] if link["from"] in names or link["to"] in names]


def _differing_resources(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    used = {name for item in items for name in item["environments"]}
    found: dict[tuple[str, str], set[str]] = {}
    for item in items:
        found.setdefault((item["group"], item["address"]), set()).update(item["environments"])
    return [item for item in items if found[item["group"], item["address"]] != used]
