"""Charts of the repository that helmfile installs: the file rendered for each of its environments, with values of all forms."""

from __future__ import annotations

import posixpath

from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_eval import Machine
from opslint.model.gotemplate_values import Opaque, RenderError
from opslint.model.helm_releases import Inline, Release, is_plain, normal, set_value
from opslint.model.helm_render import objects_of
from opslint.model.helm_values import doubted, layered, read_values, values_of_node
from opslint.syntax import gotemplate
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel

_NAMES = frozenset(("helmfile.yaml", "helmfile.yml", "helmfile.yaml.gotmpl", "helmfile.gotmpl"))
MAX_ENVIRONMENTS = 30
"""Most environments of one helmfile that are rendered."""


def helmfile_releases(model: DeploymentModel, charts: set[str]) -> Iterator[Release]:
    """Releases of `charts` by the helmfiles of the repository, for each environment that they declare."""
    for path in sorted(model.files):
        directory, _, name = path.rpartition("/")
        in_folder = directory.endswith("helmfile.d") and name.endswith((".yaml", ".yml", ".gotmpl"))
        if name not in _NAMES and not in_folder:
            continue
        state = _Helmfile(model, path)
        for environment in state.environments()[:MAX_ENVIRONMENTS]:
            try:
                yield from state.releases(environment, charts)
            except RenderError as error:
                model.blind("helmfile-not-rendered", error.loc or (path, (1, 1, 1, 1)), f"{path}: {error.message}")


class _Open(dict[str, "Any"]):
    """Values with more keys than those that are known."""

    reason = "values of an environment that are not in the repository"

    def get(self, key: str, default: Any = None) -> Any:
        """A value; one that is not there could be anything."""
        return self[key] if key in self else Opaque(self.reason)


def _opened(values: Any) -> Any:
    return _Open({key: _opened(value) for key, value in values.items()}) if isinstance(values, dict) else values


class _Helmfile:
    """One state file."""

    def __init__(self, model: DeploymentModel, path: str) -> None:
        self.model = model
        self.path = path
        self.base = posixpath.dirname(path)
        self.text = (model.read(path) or b"").decode("utf-8", "replace").replace("\r\n", "\n")

    def environments(self) -> list[str]:
        """The environments it declares; ``default`` alone when there are none or they cannot be read."""
        try:
            trees = self._trees("default", _Open())
        except RenderError:
            return ["default"]
        names = [key for tree in trees for key in _keys(tree.mapping("environments"))]
        return names or ["default"]

    def _trees(self, environment: str, values: dict[str, Any]) -> list[Mapping]:
        return objects_of(self._rendered(self.text, environment, values, self.path))

    def _rendered(self, text: str, environment: str, values: dict[str, Any], path: str, release: Any = None) -> Any:
        try:
            parsed = gotemplate.parse(text)
        except ReadProblem as problem:
            error = RenderError(problem.message)
            error.loc = (path, problem.span)
            raise error from None
        machine = Machine({}, self._functions())
        dot = {
            "Environment": {"Name": environment, "Values": values, "KubeContext": Opaque("the context")},
            "Values": values,
            "StateValues": values,
            "Namespace": Opaque("the namespace given to helmfile"),
            "Release": release if release is not None else Opaque("the release"),
        }
        return machine.render(path, parsed.body, dot)

    def _functions(self) -> dict[str, tuple[Callable[..., Any], int, int]]:
        def outside(*args: Any) -> Any:
            return Opaque(f"from outside: {str(args[0])[:60]}" if args else "from outside")

        def get(name: Any, *rest: Any) -> Any:
            value: Any = rest[-1]
            for key in str(name).split("."):
                value = value.get(key) if isinstance(value, dict) else value if isinstance(value, Opaque) else None
            if value is None and len(rest) == 2:
                return rest[0]
            return Opaque(f"no value {name}") if value is None else value

        def read_file(name: Any) -> Any:
            path = normal(posixpath.join(self.base, str(name)))
            data = self.model.read(path) if path in self.model.files else None
            return Opaque(f"{path} is not in the repository") if data is None else data.decode("utf-8", "replace")

        names = ("env", "requiredEnv", "exec", "envExec", "fetchSecretValue", "expandSecretRefs", "readDir", "isFile", "isDir")
        made: dict[str, tuple[Callable[..., Any], int, int]] = dict.fromkeys(names, (outside, 0, 9))
        return {
            **made,
            "get": (get, 2, 3),
            "getOrNil": (lambda name, of: get(name, None, of), 2, 2),
            "readFile": (read_file, 1, 1),
        }

    def releases(self, environment: str, charts: set[str]) -> Iterator[Release]:
        """The releases of one environment."""
        trees = self._trees(environment, _Open())
        declared = [tree.mapping("environments", environment) for tree in trees]
        values = self._environment_values(environment, [item for item in declared if item is not None])
        if any(tree.sequence("bases") for tree in trees):
            values = _opened(values)
        trees = self._trees(environment, values)
        templates: dict[str, Mapping] = {}
        named = any(tree.mapping("environments") is not None for tree in trees)
        for tree in trees:
            shared = tree.mapping("templates")
            if shared is not None:
                templates.update({key: value for key, value in shared.items() if isinstance(value, Mapping)})
            for item in tree.sequence("releases"):
                made = self._release(item, tree, templates, environment, values, charts) if isinstance(item, Mapping) else None
                if made is not None:
                    yield made if named else made.replace(environment="")

    def _environment_values(self, environment: str, declared: list[Mapping]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        is_open = False
        for tree in declared:
            is_open = is_open or bool(tree.sequence("secrets"))
            for entry in tree.sequence("values"):
                layer = self._layer(entry, environment, values, None)
                if isinstance(layer, str):
                    path = normal(layer)
                    if path in self.model.files:
                        values = layered(values, read_values(self.model, path))
                    else:
                        is_open = True
                else:
                    is_open = is_open or bool(layer.reason)
                    values = layered(doubted(values, layer.reason) if layer.reason else values, layer.values)
        return _opened(values) if is_open else values

    def _layer(self, entry: Node, environment: str, values: dict[str, Any], release: Any) -> str | Inline:
        """One entry of a list of values: a file, a template of a file, or values in place."""
        if isinstance(entry, Mapping):
            return Inline(reason="", values=values_of_node(entry))
        if not isinstance(entry, Scalar):
            return Inline(reason="a values file whose name is not known", values={})
        text = entry.text
        if "{{" in text:
            pieces = self._rendered(text, environment, values, self.path, release)
            text = "".join(piece.text for piece in pieces)
        path = normal(posixpath.join(self.base, text))
        if not path.endswith(".gotmpl") or path not in self.model.files:
            return path
        source = (self.model.read(path) or b"").decode("utf-8", "replace").replace("\r\n", "\n")
        trees = objects_of(self._rendered(source, environment, values, path, release))
        return Inline(reason="", values=values_of_node(trees[0]) if trees else {})

    def _release(
        self,
        item: Mapping,
        tree: Mapping,
        templates: dict[str, Mapping],
        environment: str,
        values: dict[str, Any],
        charts: set[str],
    ) -> Release | None:
        for entry in item.sequence("inherit"):
            base = templates.get(entry.text("template") or "") if isinstance(entry, Mapping) else None
            if base is not None:
                item = Mapping([*item.pairs, *(pair for pair in base.pairs if pair[0].text not in item)], item.at, item.path)
        chart = normal(posixpath.join(self.base, item.text("chart") or "?"))
        if chart not in charts or item.text("installed") == "false" or self._is_off(item.text("condition"), values):
            return None
        name, namespace = item.text("name"), item.text("namespace") or tree.text("helmDefaults", "namespace")
        release = {
            "Name": name or Opaque("its name"),
            "Namespace": namespace or Opaque("its namespace"),
            "Chart": item.text("chart") or "",
        }
        context = item.text("kubeContext") or tree.text("helmDefaults", "kubeContext")
        layers = [
            self._layer(entry, environment, values, release) for key in ("values", "secrets") for entry in item.sequence(key)
        ]
        return Release(
            chart=chart,
            cluster=context if context and is_plain(context) else "",
            environment=environment if environment != "default" else "",
            layers=layers,
            loc=item.loc,
            name=name if name and is_plain(name) else None,
            namespace=namespace if namespace and is_plain(namespace) else None,
            optional=(item.text("missingFileHandler") or tree.text("missingFileHandler") or "Error") != "Error",
            sets=_sets(item),
        )

    def _is_off(self, condition: str | None, values: dict[str, Any]) -> bool:
        value: Any = values
        for key in (condition or "").split(".") if condition else ():
            value = value.get(key) if isinstance(value, dict) else value
        return bool(condition) and (value is False or value is None)


def _sets(item: Mapping) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for field, flag in (("set", "--set"), ("setString", "--set-string")):
        for entry in item.sequence(field):
            name = entry.text("name") if isinstance(entry, Mapping) else None
            if name and isinstance(entry, Mapping):
                text = entry.text("value")
                found.append((name, Opaque(f"set {name}") if text is None else set_value(name, text, flag)))
    return found


def _keys(node: Mapping | None) -> list[str]:
    return node.keys() if node is not None else []
