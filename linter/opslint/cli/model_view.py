"""The deployment model as plain data: what `opslint model` prints, in whatever format."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from opslint.base.masking import strip_credentials
from opslint.base.rule import Reporter
from opslint.base.value import Known
from opslint.cli.model_variables import Matrix
from opslint.model.environment_names import split_name
from opslint.model.environments import tier_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Loc
    from opslint.base.rule import ProjectRule
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Entry, Service, Workload
    from opslint.model.terraform_nodes import Resource

UNNAMED = "deployment"
"""What the one environment of a project without any is called in text; null in JSON."""


class View:
    """Builds the view of one model. `place(loc)` gives ``(path, line)``. Parts that crash are named in `crashed`."""

    def __init__(self, model: DeploymentModel, place: Callable[[Loc], tuple[str, int]]) -> None:
        self.model = model
        self.place = place
        self.crashed: list[str] = []
        self._names: dict[str, int] = {}

    def data(self) -> dict[str, Any]:
        """Return everything but the blind spots, which need all joins made first."""
        return {
            "schema": 1,
            "environments": self._part("environments", self._environments, []),
            "services": self._part("services", self._services, []),
            "variables": self._part("variables", self._variables, []),
            "resources": self._part("resources", self._resources, []),
            "identities": self._part("identities", self._identities, []),
            "links": self._part("links", self._links, []),
            "pipelines": self._part("pipelines", self._pipelines, []),
        }

    def _part(self, name: str, make: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return make()
        except Exception as error:  # noqa: BLE001 - one part that crashes must not hide the others; the exit code says so
            line = f"{name}: {type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
            if line not in self.crashed:
                self.crashed.append(line)
            return otherwise

    def _at(self, loc: Loc) -> dict[str, Any]:
        path, line = self.place(loc)
        return {"path": path, "line": line}

    def _environments(self) -> list[dict[str, Any]]:
        names = [name.partition("/") for name in self.model.environments.seen()]
        return [{"name": tier + slash + instance, "tier": tier, "instance": instance or None} for tier, slash, instance in names]

    def _services(self) -> list[dict[str, Any]]:
        return [
            {
                "name": self._label(service),
                "context": service.context or None,
                "dockerfile": service.dockerfile or None,
                "unlinked": service.unlinked or None,
                "runs": [self._run(workload, container, entries) for (workload, container), entries in _runs(service)],
            }
            for service in self.model.services
        ]

    def _label(self, service: Service) -> str:
        """Return a service's name, with what it is built of or where it runs first when another has the same name."""
        if not self._names:
            for one in self.model.services:
                self._names[one.name] = self._names.get(one.name, 0) + 1
        if self._names.get(service.name, 1) == 1:
            return service.name
        first = service.runs[0][1].loc if service.runs else None
        return f"{service.name} ({service.dockerfile or service.context or (self.place(first)[0] if first else '')})"

    def _run(self, workload: Workload, container: Container, entries: list[Entry]) -> dict[str, Any]:
        return {
            "workload": workload.name,
            "kind": workload.kind,
            "platform": workload.platform,
            "deployment": workload.deployment,
            "container": container.name,
            "environments": workload.environments,
            **self._at(container.loc),
            "image": str(container.image.value) if isinstance(container.image, Known) else None,
            "entries": [
                {"role": entry.role, "server": entry.server or None, "command": entry.words, "modules": entry.modules}
                for entry in entries
            ],
            "probes": [{"role": probe.role, "method": probe.method, **self._at(probe.loc)} for probe in container.probes],
        }

    def _variables(self) -> list[dict[str, Any]]:
        """Variables × environments, by service: what sets each, what reads each, and whether more may be set than was read."""
        names = self._service_names()
        runs = [
            (names.get((id(workload), id(container)), workload.name), workload, container)
            for workload in self.model.workloads
            for container in workload.containers
        ]
        return Matrix(self.model, self._at, self.model.environments.seen()).rows(runs)

    def _service_names(self) -> dict[tuple[int, int], str]:
        return {
            (id(workload), id(container)): self._label(service)
            for service in self._part("services", lambda: list(self.model.services), [])
            for workload, container in service.runs
        }

    def _resources(self) -> list[dict[str, Any]]:
        rows = [
            {
                "type": resource.type,
                "address": resource.address,
                "root": resource.root,
                "group": _group(resource.root),
                "platform": resource.platform,
                "environments": resource.environments,
                "uncertain": resource.uncertain,
                **self._at(resource.loc),
            }
            for resource in self._all_resources()
        ]
        return sorted(rows, key=lambda row: (str(row["root"]), str(row["address"])))

    def _all_resources(self) -> list[Resource]:
        declared = [resource for template in self.model.resources.templates for resource in template.resources]
        return [*self.model.terraform.all_resources, *declared]

    def _identities(self) -> list[dict[str, Any]]:
        """What each environment uses or owns, by its name; `shared_with` are environments of another tier that have the very same."""
        having: dict[tuple[str, str, str], set[str]] = {}
        for identity in self.model.identities:
            if identity.key is not None:
                having.setdefault(identity.key, set()).add(identity.environment)
        numbers: dict[tuple[str, str, str], int] = {}
        rows = []
        for identity in self.model.identities:
            key = identity.key
            others = having[key] if key is not None else set()
            row = {
                "kind": identity.kind,
                "text": strip_credentials(identity.shown) or None,
                "name": identity.name,
                "environment": identity.environment,
                "service": identity.service or None,
                "owned": identity.owned,
                "exclusive": identity.is_exclusive,
                "same": numbers.setdefault(key, len(numbers)) if key is not None else None,
                "shared_with": sorted(name for name in others if tier_of(name) != tier_of(identity.environment)),
                **self._at(identity.loc),
            }
            rows.append(row)
        return rows

    def _links(self) -> list[dict[str, Any]]:
        """What was joined with what, and where the evidence stands."""
        links = []
        for service in self.model.services:
            for workload, container in service.runs:
                if service.dockerfile:
                    links.append({"from": workload.name, "to": service.dockerfile, "kind": "built by", **self._at(container.loc)})
            for entries in service.entries:
                for entry in entries:
                    for module in entry.modules:
                        links.append({"from": self._label(service), "to": module, "kind": "starts", **self._at(entry.loc)})
        for source in self.model.resources.event_sources:
            if source.function is not None:
                feeds = source.queue.resource.address if source.queue is not None else "an event source"
                link = {"from": feeds, "to": source.function.resource.address, "kind": "feeds", **self._at(source.loc)}
                links.append(link)
        unique = {tuple(sorted((key, str(value)) for key, value in link.items())): link for link in links}
        return sorted(unique.values(), key=lambda link: (link["from"], link["kind"], link["to"], link["path"], link["line"]))

    def _pipelines(self) -> list[dict[str, Any]]:
        return [
            {
                "name": pipeline.name,
                "path": pipeline.path,
                "events": sorted(pipeline.events),
                "jobs": [
                    {
                        "id": job.id,
                        "environments": job.environments,
                        "actions": [{"kind": action.kind, "tool": action.tool} for action in job.actions],
                        **self._at(job.loc),
                    }
                    for job in pipeline.jobs
                ],
            }
            for pipeline in self.model.pipelines.all
        ]

    def blind_spots(self, rules: list[ProjectRule]) -> list[dict[str, Any]]:
        """Run the project rules to see what kept them silent; return reasons with their cost, most costly first.

        `cost` counts places left undecided, and blind spots of the joins themselves; `help` is the configuration that helps.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}

        def note(kind: str, message: str, loc: Loc | None, help: str, rule: str | None) -> None:
            row = found.setdefault(
                (kind, message), {"kind": kind, "message": message, "cost": 0, "help": help or None, "rules": [], "places": []}
            )
            row["cost"] += 1
            if rule is not None and rule not in row["rules"]:
                row["rules"].append(rule)
            place = self._at(loc) if loc is not None and loc[0] else None
            if place is not None and place not in row["places"]:
                row["places"].append(place)

        for rule in rules:
            reporter = Reporter(rule.meta.name)
            self._part(f"rule {rule.meta.name}", partial(rule.check, self.model, reporter), None)
            for loc, reason in dict.fromkeys((loc, reason) for loc, reason in reporter.undecided):
                note("undecided", reason, loc, "", rule.meta.name)
        for name, paths in self._part("environments", self.model.environments.side_by_side, []):
            message = f"{name} is named by {', '.join(paths)}: taken for one environment; where they are two, what is given to each is not told apart"
            help_ = "[[environment]] with the paths of each"
            note("environment-ambiguous", message, None, help_, None)
        for spot in self.model.blind_spots:
            note(spot.kind, spot.message, spot.loc, spot.help, None)
        return sorted(found.values(), key=lambda row: (-row["cost"], row["kind"], row["message"]))


def _group(root: str) -> str:
    """Return a root's directory without what names its environment: equal for what stands side by side."""
    return "/".join("*" if split_name(segment, weak=True) else segment for segment in root.split("/"))


def _runs(service: Service) -> list[tuple[tuple[Workload, Container], list[Entry]]]:
    return list(zip(service.runs, service.entries, strict=True))
