"""Values of Helm charts: files read with the place of every value, layered as Helm layers them."""

from __future__ import annotations

from opslint.base.location import Places
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import Opaque, RenderError, copied, from_node
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Mapping, Node, Scalar
    from opslint.facts.helm import HelmChart
    from opslint.model.model import DeploymentModel


class Chart(Record):
    """A chart with its parts: `templates` and `files` are project paths; `alias` is the name its parent knows it by; `imports` are what
    its parent takes of its values (path in the child, path in the parent).
    """

    __slots__ = ("alias", "children", "condition", "directory", "fact", "files", "imports", "tags", "templates")
    alias: str
    children: list[Chart]
    condition: str
    directory: str
    fact: HelmChart
    files: list[str]
    imports: list[list[str]]
    tags: list[str]
    templates: list[str]


def read_values(model: DeploymentModel, path: str) -> dict[str, Any]:
    """Read a values file. Raises RenderError when it is no mapping or no YAML."""
    data = model.read(path)
    if data is None:
        raise RenderError(f"{path} cannot be read")
    return parse_values(data, path)


def parse_values(data: bytes, path: str) -> dict[str, Any]:
    """Values of a file's bytes, each with its place in `path`."""
    from opslint.syntax.yaml import build

    places = Places()
    try:
        roots = build(data.removeprefix(b"\xef\xbb\xbf"), places)
    except ReadProblem as problem:
        error = RenderError(f"values cannot be read: {problem.message}")
        error.loc = (path, problem.span)
        raise error from None
    except UnicodeDecodeError:
        raise RenderError("values are not UTF-8") from None

    def place(node: Node) -> Loc:
        assert isinstance(node.at, int)
        return (path, places.spans[node.at])

    made = from_node(roots[0], place) if roots else {}
    if made is None:
        return {}
    if not isinstance(made, dict):
        raise RenderError("values are not a mapping")
    return _unsealed(made) if b"ENC[AES256_GCM" in data else made


def _unsealed(value: Any) -> Any:
    """Values that SOPS encrypted are somebody else's to read."""
    if isinstance(value, dict):
        return {key: _unsealed(item) for key, item in value.items() if key != "sops"}
    if isinstance(value, list):
        return [_unsealed(item) for item in value]
    return Opaque("encrypted with SOPS") if isinstance(value, str) and value.startswith("ENC[AES256_GCM") else value


def values_of_node(node: Mapping) -> dict[str, Any]:
    """Values written as a mapping inside a manifest; its nodes carry spans."""
    made = from_node(node, lambda item: item.loc)
    assert isinstance(made, dict)
    return made


def values_in_text(node: Scalar) -> dict[str, Any]:
    """Values written as a text of YAML inside a manifest, each at the place of the text. Raises RenderError."""
    from opslint.syntax.yaml import build

    try:
        roots = build(node.text.encode("utf-8", "replace"), Places())
    except ReadProblem as problem:
        error = RenderError(f"values cannot be read: {problem.message}")
        error.loc = node.loc
        raise error from None
    made = from_node(roots[0], lambda _item: node.loc) if roots else {}
    if made is None:
        return {}
    if not isinstance(made, dict):
        raise RenderError("values are not a mapping")
    return made


def doubted(value: Any, reason: str) -> Any:
    """Values that others which are not known may lie over: a text is only likely then. Structure is kept."""
    if isinstance(value, dict):
        return {key: doubted(item, reason) for key, item in value.items()}
    if isinstance(value, list):
        return [doubted(item, reason) for item in value]
    if not isinstance(value, str) or not value:
        return value
    return Opaque(reason) if "{{" in value else Opaque(reason, str(value))


def layered(base: dict[str, Any], over: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """Lay one values file over another: maps merge, everything else is replaced, null takes a key away."""
    if depth > 60:
        raise RenderError("values are nested too deep")
    made = dict(base)
    for key, value in over.items():
        own = made.pop(key, None)
        if isinstance(own, dict) and isinstance(value, dict):
            made[key] = layered(own, value, depth + 1)
        elif value is not None or key not in base:
            made[key] = value
    return made


def with_set(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Apply one ``--set a.b[0].c=value``."""
    path = [part for part in key.replace("[", ".[").split(".") if part]
    made = _set(copied(values), path, value)
    return made if isinstance(made, dict) else values


def _set(values: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    head = path[0]
    if head.startswith("["):
        index = head.strip("[]")
        items = list(values) if isinstance(values, list) else []
        if not index.isdigit() or int(index) > 200:
            return Opaque("--set")
        while len(items) <= int(index):
            items.append(None)
        items[int(index)] = _set(items[int(index)], path[1:], value)
        return items
    made = values if isinstance(values, dict) else {}
    inner = _set(made.get(head), path[1:], value)
    made.pop(head, None)
    made[head] = inner
    return made


def enabled(chart: Chart, parent_values: dict[str, Any]) -> bool | None:
    """Tell whether a subchart is on, by its condition (the first path that is there) and its tags; None when it is not known."""
    for path in filter(None, (part.strip() for part in chart.condition.split(","))):
        value: Any = parent_values
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else value if isinstance(value, Opaque) else None
        if isinstance(value, Opaque):
            return None
        if isinstance(value, bool):
            return value
    tags = parent_values.get("tags")
    if chart.tags and isinstance(tags, dict):
        known = [tags[tag] for tag in chart.tags if tag in tags]
        if known:
            return any(known)
    return True


def with_imports(model: DeploymentModel, chart: Chart, given: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A chart's own values with those that it imports from subcharts that are on, which its own lie over."""
    path = f"{chart.directory}/values.yaml" if chart.directory else "values.yaml"
    own = read_values(model, path) if path in model.files else {}
    if depth > 10 or not any(child.imports or child.children for child in chart.children):
        return own
    imported: dict[str, Any] = {}
    whole = layered(own, given)
    for child in chart.children:
        if not child.imports or enabled(child, whole) is False:
            continue
        inner = own.get(child.alias)
        values = layered(with_imports(model, child, {}, depth + 1), inner if isinstance(inner, dict) else {})
        for source, target in child.imports:
            found: Any = values
            for key in source.split("."):
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(found, dict):
                for key in reversed([part for part in target.split(".") if part]):
                    found = {key: found}
                imported = layered(found, imported)
    return layered(imported, own)


def scoped(chart: Chart, values: dict[str, Any], defaults: dict[str, Any], globals_: dict[str, Any]) -> dict[str, Any]:
    """The values a chart sees: its defaults under what its parent gives it, with the parent's globals."""
    made = layered(defaults, values)
    own = made.get("global")
    merged = layered(own if isinstance(own, dict) else {}, globals_)
    made.pop("global", None)
    made["global"] = merged
    for child in chart.children:
        if not isinstance(made.get(child.alias), dict):
            made.pop(child.alias, None)
            made[child.alias] = {}
    return made
