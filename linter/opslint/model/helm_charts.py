"""The charts of a project with their subcharts: what lies in them, what they are built on."""

from __future__ import annotations

import posixpath

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.helm import HelmChart
from opslint.model.helm_values import Chart

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel

_TEMPLATE_SUFFIXES = (".yaml", ".yml", ".tpl", ".json", ".txt")


def chart_directories(model: DeploymentModel) -> list[str]:
    """The directories of all charts of the project, subcharts included."""
    return sorted({posixpath.dirname(fact.path) for fact in model.facts(HelmChart)})


def charts(model: DeploymentModel) -> list[Chart]:
    """The charts that are installed by themselves: not below another's ``charts/``, no libraries."""
    facts = {posixpath.dirname(fact.path): fact for fact in model.facts(HelmChart)}
    by_chart: dict[str, list[str]] = {directory: [] for directory in facts}
    for path in sorted(model.files):
        owner = _owner(path, by_chart)
        if owner is not None:
            by_chart[owner].append(path)
    found: list[Chart] = []
    for directory, fact in sorted(facts.items()):
        above, found_charts, _name = f"/{directory}".rpartition("/charts/")
        is_child = bool(found_charts) and _owner(f"{above[1:]}/x" if above else "x", by_chart) is not None
        if not is_child and fact.type != "library":
            found.append(_chart(model, facts, by_chart, directory, fact.name, "", [], [], 0))
    return found


def _owner(path: str, by_chart: dict[str, list[str]]) -> str | None:
    """The innermost chart a file belongs to."""
    directory = posixpath.dirname(path)
    while True:
        if directory in by_chart:
            return directory
        if not directory:
            return None
        directory = directory.rpartition("/")[0]


def local_dependencies(facts: dict[str, HelmChart]) -> set[str]:
    """The directories of charts that other charts of the repository are built on."""
    found: set[str] = set()
    for directory, fact in facts.items():
        for dependency in fact.dependencies:
            target = _file_repository(directory, dependency[3])
            if target is not None and target != directory:
                found.add(target)
    return found


def _file_repository(directory: str, repository: str) -> str | None:
    if not repository.startswith("file://"):
        return None
    joined = posixpath.normpath(posixpath.join(directory, repository[len("file://") :]))
    return "" if joined == "." else joined


def _chart(
    model: DeploymentModel,
    facts: dict[str, HelmChart],
    by_chart: dict[str, list[str]],
    directory: str,
    alias: str,
    condition: str,
    tags: list[str],
    imports: list[list[str]],
    depth: int,
) -> Chart:
    fact = facts[directory]
    base = f"{directory}/" if directory else ""
    templates = [
        path for path in by_chart[directory] if path.startswith(f"{base}templates/") and path.endswith(_TEMPLATE_SUFFIXES)
    ]
    files = [path for path in by_chart[directory] if not path.startswith((f"{base}templates/", f"{base}charts/"))]
    children: list[Chart] = []
    named: set[str] = set()
    if depth < 10:
        for name, other, _version, repository, when, tag_list, place, taken in fact.dependencies:
            target = f"{base}charts/{name}"
            if target not in facts:
                target = _file_repository(directory, repository) or target
            if target in facts and target != directory:
                named.add(target)
                children.append(
                    _chart(
                        model,
                        facts,
                        by_chart,
                        target,
                        other or name,
                        when,
                        [t for t in tag_list.split(",") if t],
                        taken,
                        depth + 1,
                    )
                )
            else:
                model.blind(
                    "helm-dependency-not-here",
                    fact.place(place),
                    f"chart {fact.name} needs {name}, which is fetched from elsewhere",
                )
        for target in sorted(facts):
            if posixpath.dirname(target) == f"{base}charts" and target not in named:
                children.append(_chart(model, facts, by_chart, target, facts[target].name, "", [], [], depth + 1))
    return Chart(
        alias=alias,
        children=children,
        condition=condition,
        directory=directory,
        fact=fact,
        files=files,
        imports=imports,
        tags=tags,
        templates=templates,
    )
