"""Helm charts of the repository as deployments: one for every environment's values, or one with the defaults."""

from __future__ import annotations

import posixpath

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.helm import HelmChart
from opslint.facts.kubernetes import is_known
from opslint.facts.kubernetes_masking import masked_object
from opslint.model.gotemplate_values import Opaque, RenderError
from opslint.model.helm_charts import charts, local_dependencies
from opslint.model.helm_releases import Inline, releases
from opslint.model.helm_render import Templates, render
from opslint.model.helm_values import doubted, layered, read_values, with_set

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Mapping
    from opslint.model.helm_releases import Release
    from opslint.model.helm_values import Chart
    from opslint.model.kubernetes import Assembled
    from opslint.model.model import DeploymentModel

MAX_VARIANTS = 40
"""Most sets of values that one chart is rendered with; the most seen in one repository is 23."""

_VALUES_DIRECTORIES = frozenset(("values", "environments", "envs", "env", "overlays", "helm_values", "helm-values", "config"))


class Variant(Record):
    """One set of values for a chart. `label` is what the deployment's key ends in."""

    __slots__ = ("environments", "label", "layers", "loc", "release")
    environments: list[str]
    label: str
    layers: list[str | Inline]
    loc: Loc
    release: Release | None

    @property
    def files(self) -> list[str]:
        """The values files in order."""
        return [layer for layer in self.layers if isinstance(layer, str)]


def chart_deployments(model: DeploymentModel) -> list[Assembled]:
    """Render every chart with every set of values it is installed with."""
    templates = Templates(model)
    found: list[Assembled] = []
    for chart, variant in model.chart_variants:
        made = assemble(model, templates, chart, variant)
        if made is not None:
            found.append(made)
    return found


def variants(model: DeploymentModel) -> list[tuple[Chart, Variant]]:
    """Every chart that is installed by itself, with every set of values it is installed with."""
    roots = charts(model)
    seen = releases(model, [chart.directory for chart in roots]) if roots else []
    parts = local_dependencies({posixpath.dirname(fact.path): fact for fact in model.facts(HelmChart)})
    found: list[tuple[Chart, Variant]] = []
    for chart in roots:
        own = [release for release in seen if release.chart == chart.directory]
        if chart.directory in parts and not own:
            continue  # other charts are built on it; nobody installs it by itself
        found.extend((chart, variant) for variant in _variants(model, chart, own)[:MAX_VARIANTS])
    return found


def key_of(chart: Chart, variant: Variant) -> str:
    """The key of the deployment that a variant of a chart gives."""
    return f"helm:{chart.directory or '.'}" + (f"@{variant.label}" if variant.label else "")


def _variants(model: DeploymentModel, chart: Chart, seen: list[Release]) -> list[Variant]:
    found: dict[str, Variant] = {}
    environment_files = environment_values(model, chart)
    for release in seen:
        for layers in _expanded(model, release.layers, chart):
            variant = _of_release(model, chart, release, layers)
            label = variant.label
            # Two releases may take the same files and differ in what they say themselves.
            if label in found and not _same(found[label], variant):
                label = "/".join(filter(None, (release.namespace, release.name))) or f"{label}+{release.loc[0]}"
                if label in found:
                    label += f"@{release.environment or release.loc[0]}"
                variant = variant.replace(label=label)
            found.setdefault(label, variant)
    used = {file for variant in found.values() for file in variant.files}
    # A deployer that names its environments has said which values each of them gets.
    said = {name for item in found.values() if item.release and item.release.environment for name in item.environments}
    for path in environment_files:
        environment = model.environments.of_path(path)
        if path not in used and (environment is None or environment.name not in said):
            label = _label(chart, [path])
            found.setdefault(
                label,
                Variant(
                    environments=[environment.name] if environment else [],
                    label=label,
                    layers=[path],
                    loc=(path, (1, 1, 1, 1)),
                    release=None,
                ),
            )
    if not found:
        own = model.environments.of_path(chart.fact.path)
        found[""] = Variant(environments=[own.name] if own else [], label="", layers=[], loc=chart.fact.loc, release=None)
    return [found[label] for label in sorted(found)]


def _label(chart: Chart, files: list[str]) -> str:
    base = f"{chart.directory}/" if chart.directory else ""
    return "+".join(path.removeprefix(base) for path in files)


def _same(left: Variant, right: Variant) -> bool:
    """Tell whether two variants of the same files are one installation written twice (a script and a workflow that has the same command)."""
    one, other = left.release, right.release
    if one is None or other is None:
        return True
    quiet = not any(isinstance(layer, Inline) for layer in (*left.layers, *right.layers))
    quiet = quiet and one.environment == other.environment and _known_sets(one) == _known_sets(other)
    return quiet and (not one.name or not other.name or (one.name, one.namespace) == (other.name, other.namespace))


def _known_sets(release: Release) -> dict[str, Any]:
    return {name: value for name, value in release.sets if not isinstance(value, Opaque)}


def _of_release(model: DeploymentModel, chart: Chart, release: Release, layers: list[str | Inline]) -> Variant:
    files = [layer for layer in layers if isinstance(layer, str)]
    label = _label(chart, files)
    named_by = model.environments.of_value(release.environment) if release.environment else None
    environments = [named_by.name] if named_by is not None else model.environments.names_of(files)
    for value in (release.namespace, release.name):
        named = model.environments.of_value(value) if value and not environments else None
        if named is not None:
            environments = [named.name]
    if not environments:
        by_path = model.environments.of_path(release.loc[0]) if release.loc[0].endswith((".yaml", ".yml")) else None
        environments = [by_path.name] if by_path is not None and not release.loc[0].startswith(".github/") else []
    if not files and (release.namespace or release.name):
        label = f"{release.namespace or ''}/{release.name or ''}".strip("/")
        if release.environment:
            # One release an environment, told apart by nothing else.
            label += f"@{release.environment}"
    return Variant(
        environments=environments,
        label=label,
        layers=layers,
        loc=(files[-1], (1, 1, 1, 1)) if files else release.loc,
        release=release,
    )


def environment_values(model: DeploymentModel, chart: Chart) -> list[str]:
    """Values files beside (or in a values directory near) a chart that name an environment."""
    base = chart.directory
    parent = posixpath.dirname(base)
    found: list[str] = []
    directories = [posixpath.dirname(fact.path) for fact in model.facts(HelmChart)]
    alone = parent not in directories and sum(1 for other in directories if posixpath.dirname(other) == parent) <= 1
    for path in sorted(model.files):
        if not path.endswith((".yaml", ".yml")) or (base and alone and not path.startswith(f"{parent}/" if parent else "")):
            continue
        directory, _, name = path.rpartition("/")
        if directory == base or (directory == parent and alone and base):
            fits = _is_variant(name) and name not in ("values.yaml", "values.yml")
        else:
            fits = _in_values_directory(directory, name, base) or (
                alone and bool(base) and _in_values_directory(directory, name, parent)
            )
        if fits and model.environments.of_path(path) is not None:
            found.append(path)
    return found


def _is_variant(name: str) -> bool:
    stem = name.rpartition(".")[0]
    return stem.startswith(("values-", "values.", "values_")) or stem.endswith(("-values", ".values", "_values"))


def _in_values_directory(directory: str, name: str, base: str) -> bool:
    rest = directory.removeprefix(f"{base}/" if base else "")
    if base and rest == directory:
        return False
    parts = rest.split("/")
    if len(parts) == 1:
        return parts[0] in _VALUES_DIRECTORIES and name.rpartition(".")[0] not in ("kustomization", "Chart")
    return len(parts) == 2 and parts[0] in _VALUES_DIRECTORIES and (name.startswith("values") or _is_variant(name))


def _expanded(model: DeploymentModel, layers: list[str | Inline], chart: Chart) -> list[list[str | Inline]]:
    """The layers of a command, with file names that hold one variable matched against the files that are there."""
    base = f"{chart.directory}/" if chart.directory else ""
    resolved: list[list[str | Inline]] = [[]]
    for name in layers:
        if not isinstance(name, str) or "$" not in name:
            path = name
            if isinstance(name, str) and name not in model.files and base + name in model.files:
                path = base + name
            resolved = [[*so_far, path] for so_far in resolved]
            continue
        prefix, suffix = name[: name.index("$")], _after_variable(name)
        hits = [
            path
            for path in sorted(model.files)
            if path.startswith((prefix, base + prefix))
            and path.endswith(suffix)
            and model.environments.of_path(path) is not None
            and "/" not in path[len(base + prefix if path.startswith(base + prefix) else prefix) : len(path) - len(suffix)]
        ]
        resolved = [[*so_far, path] for so_far in resolved for path in hits[:20]] or resolved
        if len(resolved) > MAX_VARIANTS:
            break
    return resolved


def _after_variable(name: str) -> str:
    end = name.rfind("}")
    if end < 0:
        start = name.rindex("$") + 1
        end = start
        while end < len(name) and (name[end].isalnum() or name[end] == "_"):
            end += 1
        return name[end:]
    return name[end + 1 :]


def assemble(model: DeploymentModel, templates: Templates, chart: Chart, variant: Variant) -> Assembled | None:
    """Render one variant of a chart (None: its values cannot be read)."""
    from opslint.model.kubernetes import Assembled

    open_reasons: list[tuple[str, Loc]] = []
    release = variant.release
    key = key_of(chart, variant)
    try:
        values, doubt = _values(model, variant, open_reasons)
    except RenderError as error:
        model.blind("helm-not-rendered", error.loc or variant.loc, f"{key}: {error.message}")
        return None
    made = render(templates, chart, values, release.name if release else None, release.namespace if release else None, doubt)
    for message, loc in made.failures:
        model.blind(
            "helm-not-rendered",
            loc,
            f"{key}: {message}",
            help="name the values files that the deployment uses in a workflow or helmfile",
        )
        open_reasons.append((f"a template that is not rendered: {message}", loc))
    return Assembled(
        environments=variant.environments,
        files=sorted({*made.files, *variant.files, chart.fact.path}),
        further=None,
        key=key,
        loc=variant.loc,
        namespace=(release.namespace or "") if release is not None else "",
        objects=[masked_object(node) for node in made.objects if is_known(node) and not _is_test(node)],
        open_reasons=[*open_reasons, *made.open_reasons],
    )


def _is_test(node: Mapping) -> bool:
    """Tell whether an object is only made by ``helm test``."""
    hooks = node.mapping("metadata", "annotations")
    text = (hooks.text("helm.sh/hook") or "") if hooks is not None else ""
    return bool(text) and all(hook.strip().startswith("test") for hook in text.split(","))


def _values(model: DeploymentModel, variant: Variant, open_reasons: list[tuple[str, Loc]]) -> tuple[dict[str, Any], str]:
    """The values of a variant, and why values below them are only likely ("" when nothing unknown lies over them)."""
    values: dict[str, Any] = {}
    doubt = ""
    loc = variant.release.loc if variant.release else variant.loc
    for layer in variant.layers:
        if isinstance(layer, Inline):
            if layer.reason:
                values, doubt = doubted(values, layer.reason), layer.reason
                open_reasons.append((layer.reason, loc))
            values = layered(values, layer.values)
        elif layer in model.files:
            values = layered(values, read_values(model, layer))
        elif variant.release is None or not variant.release.optional:
            reason = f"{layer} is not in {'git' if model.is_ignored(layer) else 'the repository'}"
            open_reasons.append((reason, loc))
            if not _is_secrets(layer):
                values, doubt = doubted(values, reason), reason
    for name, value in variant.release.sets if variant.release else ():
        values = with_set(values, name, value)
    return values, doubt


def _is_secrets(path: str) -> bool:
    """Tell whether a values file that is not there says that it holds secrets, and so no image or host."""
    name = path.rpartition("/")[2].lower()
    return "secret" in name or ".enc." in name or ".sops." in name or "credential" in name
