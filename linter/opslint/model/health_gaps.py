"""Long-running compose services that nothing watches: those without a health check beside others that have one, and those
whose image brings the health check of another program.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.probe_commands import url_of
from opslint.model.probes import image_probe

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Container, Deployment, Entry, Probe, Service, Workload

_WORKS = frozenset(("worker", "beat"))
_ENDS = frozenset(("no", "on-failure", "none"))
"""Restart policies of services that are meant to end."""


class Gap(Record):
    """A compose service that works in the background and has no health check of its own. `start` is what it runs.

    `inherited`: the `HEALTHCHECK` of its image, which asks a web server that this service does not start; None where the image has
    none either. `sibling`: the service of the same code that has a check (the one that starts the web server, where one is inherited).
    """

    __slots__ = ("inherited", "sibling", "start", "workload")
    inherited: Probe | None
    sibling: Loc
    start: Entry
    workload: Workload


def compose_gaps(model: DeploymentModel) -> list[Gap]:
    """Return the gaps of all compose deployments, in order of deployment and service."""
    owners: dict[int, tuple[Service, list[Entry]]] = {}
    for service in model.services:
        if service.context or service.dockerfile:
            for (_workload, container), entries in zip(service.runs, service.entries, strict=True):
                owners[id(container)] = (service, entries)
    found: list[Gap] = []
    for deployment in model.deployments:
        if deployment.platform == "compose":
            for workload in deployment.workloads:
                gap = _gap(model, deployment, workload, owners)
                if gap is not None:
                    found.append(gap)
    return found


def _gap(
    model: DeploymentModel,
    deployment: Deployment,
    workload: Workload,
    owners: dict[int, tuple[Service, list[Entry]]],
) -> Gap | None:
    container = workload.containers[0]
    if workload.pod.get("healthcheck") is not None or not _stays(workload):
        return None
    service, entries = owners.get(id(container), (None, []))
    start = _background(entries if service is not None else _started(model, container))
    if start is None:
        return None
    image = model.linked.image(container)
    if service is not None and image is not None and image.healthcheck is not None:
        probe = image_probe(image.healthcheck, image.fact)
        web = _web_run(service)
        if probe is None or probe.command is None or url_of(probe.command) is None or web is None:
            return None
        return Gap(inherited=probe, sibling=web.loc, start=start, workload=workload)
    for other in deployment.workloads:
        if other.containers[0].probes and _same_code(service is not None, workload, other, owners):
            return Gap(inherited=None, sibling=other.containers[0].probes[0].loc, start=start, workload=workload)
    return None


def _stays(workload: Workload) -> bool:
    """A service that is started with the others and is not meant to end."""
    restart = workload.pod.text("restart") or workload.pod.text("deploy", "restart_policy", "condition") or ""
    return restart not in _ENDS and not workload.pod.sequence("profiles")


def _started(model: DeploymentModel, container: Container) -> list[Entry]:
    """What the command of an image that is not built here starts, as far as its own words tell."""
    from opslint.model.entries import Resolver
    from opslint.model.services import start_words
    from opslint.model.start_files import StartFiles

    words, shell, loc = start_words(container, None)
    linked = model.linked
    files = StartFiles(linked.tree, linked.scripts, None, container.entries, workdir=None, mounts=[], root="")
    return Resolver(files).run(words, loc, shell=shell).entries


def _background(entries: list[Entry]) -> Entry | None:
    """The worker or scheduler of a task queue that is all a container runs for long."""
    if any(entry.role in ("web", "migrate") for entry in entries):
        return None
    return next((entry for entry in entries if entry.role in _WORKS and entry.server), None)


def _web_run(service: Service) -> Workload | None:
    """The workload that starts the web server of a service's image."""
    for (workload, _container), entries in zip(service.runs, service.entries, strict=True):
        if any(entry.role == "web" for entry in entries):
            return workload
    return None


def _same_code(built: bool, workload: Workload, other: Workload, owners: dict[int, tuple[Service, list[Entry]]]) -> bool:
    """Both are built here, or both name the same image (with the same variables in it)."""
    if built:
        return id(other.containers[0]) in owners
    image = workload.pod.text("image")
    return bool(image) and image == other.pod.text("image")
