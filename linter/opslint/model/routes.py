"""What each service's web application serves: routers, mounts and prefixes joined across files.

A table is *complete* when nothing in the code could serve a path that is not in it. Whatever may serve more below a prefix that is known
is itself a route with a wildcard; only what may serve anything, or anywhere, opens the whole table.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.django_urls import UrlRoot
from opslint.facts.modules import Function, Import
from opslint.facts.routes import HOLE, Mount, PathCompared, PathConstant, Route, Router, RouterAlias, RouterPassed
from opslint.model.route_extensions import BUILT_IN, EXTENSION_PATHS, HARMLESS, KNOWN_URLCONFS
from opslint.model.route_patterns import REGEX, segments_of
from opslint.model.route_table import RouteInfo, RouteTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel
    from opslint.model.records import Entry, Service

    Key = tuple[str, str]

MAX_DEPTH = 10
"""Mounts followed below one application."""


class _Build:
    """One table while it is made."""

    def __init__(self, *, append_slash: bool) -> None:
        self.routes: list[RouteInfo] = []
        self.why_open: list[tuple[str, Loc]] = []
        self.append_slash = append_slash
        self.seen: set[tuple[Key, str]] = set()

    def add(self, framework: str, path: str, loc: Loc, files: list[str], handler: Function | None, methods: list[str]) -> None:
        self.routes.append(
            RouteInfo(
                files=sorted({*files, loc[0]}),
                framework=framework,
                handler=handler,
                loc=loc,
                methods=methods,
                path="/" + path.replace(REGEX, "").lstrip("/"),
                segments=segments_of(path, framework),
            )
        )


class Routes:
    """Route tables by service."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.project = model.python
        self._routers: dict[Key, Router] = {(fact.path, fact.name): fact for fact in model.facts(Router)}
        self._aliases: dict[Key, str] = {(fact.path, fact.name): fact.target for fact in model.facts(RouterAlias)}
        self._imports: dict[Key, Import] = {
            (fact.path, fact.alias): fact for fact in model.facts(Import) if not fact.function and fact.name != "*"
        }
        self._params: dict[Key, set[Key]] = {}
        self._routes: dict[Key, list[Route]] = {}
        self._mounts: dict[Key, list[Mount]] = {}
        self._passed: dict[Key, list[RouterPassed]] = {}
        self._orphans: list[Route | Mount] = []
        self._link()
        self._tables: dict[str, RouteTable] = {}

    def of(self, service: Service) -> RouteTable:
        """Return what a service serves; an open, empty table when its code is not known."""
        if service.name not in self._tables:
            self._tables[service.name] = self.of_entries([entry for run in service.entries for entry in run])
        return self._tables[service.name]

    def of_entries(self, entries: Iterable[Entry]) -> RouteTable:
        """Return what entries serve: the applications they name, else every application in what they load."""
        roots: list[Key] = []
        modules: list[str] = []
        django = False
        for entry in entries:
            modules += [module for module in entry.modules if module not in modules]
            key, is_django = self._application(entry)
            django = django or is_django
            if key is not None and key not in roots:
                roots.append(key)
        reached = self.project.possibly(modules)
        if not roots and not django:
            roots = sorted(key for key, router in self._routers.items() if router.app and key[0] in reached)
            roots = [key for key in roots if not self._is_mounted(key)]
        if not roots and not django:
            django = any(fact.path in reached for fact in self.model.facts(UrlRoot)) or self._is_django(modules)
        return self._table(roots, reached, django=django)

    def all_routes(self) -> list[RouteInfo]:
        """Return every route of every application of the project, with full paths as far as they are known."""
        build = _Build(append_slash=True)
        for key in sorted(key for key, router in self._routers.items() if router.app and not self._is_mounted(key)):
            self._walk(build, key, "", [], 0)
        for root in self._url_roots():
            self._walk(build, root, "", [], 0)
        known = {(route.loc, route.path) for route in build.routes}
        placed = {loc for loc, _path in known}
        for facts in self._routes.values():
            for fact in facts:
                if fact.loc not in placed:
                    build.add(fact.framework, fact.pattern, fact.loc, [], self._handler(fact), fact.methods)
        for orphan in self._orphans:
            if isinstance(orphan, Route):
                build.add(orphan.framework, orphan.pattern, orphan.loc, [], self._handler(orphan), orphan.methods)
        return build.routes

    def _table(self, roots: list[Key], reached: set[str], *, django: bool) -> RouteTable:
        slash = next((fact.append_slash for fact in self.model.facts(UrlRoot) if fact.append_slash is not None), True)
        build = _Build(append_slash=slash)
        for root in roots:
            self._walk(build, root, "", [], 0)
        if django:
            found = self._url_roots()
            for root in found:
                self._walk(build, root, "", [], 0)
            if len(found) > 1:
                build.why_open.append(("several ROOT_URLCONF settings", (found[1][0], 0)))
        if not build.routes:
            # A path that a middleware looks at is no route: without an application nothing is known to be served.
            build.why_open.append(("no application whose routes are known", (next(iter(sorted(reached)), ""), 0)))
        for fact in self.model.facts(PathCompared):
            if fact.path in reached:
                build.add("aiohttp", fact.value + ("**" if fact.prefix else ""), fact.loc, [], None, [])
        for orphan in self._orphans:
            if orphan.path in reached:
                build.why_open.append(("a router that could not be followed", orphan.loc))
        return RouteTable(build.routes, build.why_open, append_slash=slash)

    def _application(self, entry: Entry) -> tuple[Key | None, bool]:
        """Return the router an entry's ``module:attr`` names, and whether it is a Django application."""
        if not entry.modules or ":" not in entry.app:
            return None, entry.server in ("django", "manage.py")
        path, attr = entry.modules[0], entry.app.partition(":")[2].partition("(")[0] or "app"
        for name in (attr, f"{attr}()"):
            key = self._resolve(path, f"#{name}")
            if key is not None:
                return key, False
        target = self.project.resolve(path, f"<local>.{attr}")
        return None, target.kind == "external" and target.name.startswith(("django.core.", "channels."))

    def _is_django(self, modules: list[str]) -> bool:
        return any(module.rpartition("/")[2] == "manage.py" for module in modules)

    def _url_roots(self) -> list[Key]:
        found: list[Key] = []
        for fact in self.model.facts(UrlRoot):
            path = self.project.file_of(fact.module, fact.path)
            if path is not None and (path, "urlpatterns") not in found:
                found.append((path, "urlpatterns"))
        return found

    def _is_mounted(self, key: Key) -> bool:
        return key in self._children

    def _link(self) -> None:
        for passed in self.model.facts(RouterPassed):
            key = self._resolve(passed.path, passed.router)
            if key is not None:
                self._passed.setdefault(key, []).append(passed)
        # Parameters first: who is handed to a registering function, to a bounded depth of hand-overs.
        for _round in range(3):
            for passed in self.model.facts(RouterPassed):
                self._bind_parameter(passed)
        for route in self.model.facts(Route):
            keys = self._keys(route.path, route.router)
            if not keys:
                self._orphans.append(route)
            for key in keys:
                self._routes.setdefault(key, []).append(route)
        self._children: set[Key] = set()
        for mount in self.model.facts(Mount):
            keys = self._keys(mount.path, mount.parent)
            if not keys:
                self._orphans.append(mount)
            for key in keys:
                self._mounts.setdefault(key, []).append(mount)
            self._children.update(self._keys(mount.path, mount.child) if mount.child else ())

    def _bind_parameter(self, passed: RouterPassed) -> None:
        function = self.project.function_at(passed.path, passed.callee) if passed.callee else None
        if function is None:
            return
        names = [str(param[0]) for param in function.params]
        if names and function.owner and names[0] in ("self", "cls"):
            names = names[1:]
        name = passed.argument
        if name.isdigit():
            name = names[int(name)] if int(name) < len(names) else ""
        if name in names:
            bound = self._params.setdefault((function.path, f"{function.qualname}:{name}"), set())
            bound.update(self._keys(passed.path, passed.router))

    def _keys(self, path: str, reference: str) -> list[Key]:
        """Return the routers a reference stands for."""
        if reference.startswith("?"):
            return sorted(self._params.get((path, reference[1:]), ()))
        key = self._resolve(path, reference)
        return [key] if key is not None else []

    def _resolve(self, path: str, reference: str, depth: int = 0) -> Key | None:
        """Return the (file, name) of a router, following imports, aliases and factories."""
        if depth > MAX_DEPTH or not reference or reference.startswith("?"):
            return None
        if reference.startswith("@"):
            found = self.project.file_of(reference[1:], path)
            return (found, "urlpatterns") if found is not None else None
        if reference.startswith("#"):
            return self._named(path, reference[1:], depth)
        if reference.endswith("()"):
            target = self.project.resolve(path, reference[:-2])
            return self._named(target.path, f"{target.name}()", depth) if target.kind == "function" else None
        head, _, attr = reference.rpartition(".")
        if not head or head in (".", ".."):
            # ``from . import urls``: a module of this package.
            head, attr = reference, "urlpatterns"
        if not head.strip("."):
            return self._named(path, attr, depth)
        if head == "<local>":
            return self._named(path, attr, depth)
        target = self.project.resolve(path, head)
        if target.kind == "class":
            return self._named(target.path, f"{target.name}.{attr}", depth)
        if target.kind == "module":
            return self._named(target.path, attr, depth)
        whole = self.project.resolve(path, reference)
        return (whole.path, "urlpatterns") if whole.kind == "module" else None

    def _named(self, path: str, name: str, depth: int) -> Key | None:
        if (path, name) in self._routers:
            return path, name
        if (path, name) in self._aliases:
            return self._resolve(path, self._aliases[path, name], depth + 1)
        imported = self._imports.get((path, name))
        if imported is not None and imported.name is not None:
            joined = imported.module + imported.name if imported.module.endswith(".") else f"{imported.module}.{imported.name}"
            return self._resolve(path, joined, depth + 1)
        return (path, name) if name == "urlpatterns" or self._is_list(path, name) else None

    def _is_list(self, path: str, name: str) -> bool:
        if not hasattr(self, "_lists"):
            named = [(fact.path, fact.router) for fact in self.model.facts(Route)]
            named += [(fact.path, fact.parent) for fact in self.model.facts(Mount)]
            self._lists = {(where, reference[1:]) for where, reference in named if reference.startswith("#")}
        return (path, name) in self._lists

    def _text(self, path: str, pattern: str) -> str | None:
        """Fill the holes of a pattern; None when one stays open."""
        if HOLE not in pattern:
            return pattern
        parts = pattern.split(HOLE)
        for index in range(1, len(parts), 2):
            value = self._constant(path, parts[index])
            if value is None:
                return None
            parts[index] = value
        return "".join(parts)

    def _constant(self, path: str, origin: str) -> str | None:
        head, _, attr = origin.rpartition(".")
        if not head:
            return None
        if not head.strip("."):
            imported = self.project.resolve(path, origin)
            return self._value(imported.path, imported.name) if imported.path else None
        if head == "<local>":
            return self._value(path, attr)
        target = self.project.resolve(path, head)
        if target.kind == "class":
            return self._value(target.path, f"{target.name}.{attr}")
        return self._value(target.path, attr) if target.kind == "module" else None

    def _value(self, path: str, name: str) -> str | None:
        facts = self.model.handlers.facts_of(PathConstant, path)
        return next((fact.value for fact in facts if fact.name == name), None)

    def _walk(self, build: _Build, key: Key, prefix: str, files: list[str], depth: int, *, own: bool = True) -> None:
        if depth > MAX_DEPTH or (key, prefix) in build.seen:
            return
        build.seen.add((key, prefix))
        router = self._routers.get(key)
        files = [*files, key[0]]
        if router is not None and own:
            text = self._text(key[0], router.prefix)
            if text is None:
                build.why_open.append(("a router with a prefix that is not a literal", router.loc))
                return
            prefix = _join(prefix, text, router.framework)
        if router is not None and router.app:
            for path in BUILT_IN.get(router.framework, ()):
                build.add(router.framework, _join(prefix, path, router.framework), router.loc, files, None, ["GET", "HEAD"])
        for route in self._routes.get(key, ()):
            text = self._text(route.path, route.pattern)
            if text is None:
                build.why_open.append(("a route with a path that is not a literal", route.loc))
            else:
                handler = self._handler(route)
                build.add(route.framework, _join(prefix, text, route.framework), route.loc, files, handler, route.methods)
        for mount in self._mounts.get(key, ()):
            self._mount(build, mount, prefix, files, depth)
        for passed in self._passed.get(key, ()):
            self._handed(build, passed, prefix, files)

    def _mount(self, build: _Build, mount: Mount, prefix: str, files: list[str], depth: int) -> None:
        text = self._text(mount.path, mount.prefix)
        if text is None:
            build.why_open.append(("a mount below a prefix that is not a literal", mount.loc))
            return
        below = _join(prefix, text, mount.framework)
        children = self._keys(mount.path, mount.child) if mount.child else []
        for child in children:
            self._walk(build, child, below, [*files, mount.path], depth + 1, own=not mount.replaces)
        if children:
            return
        known = KNOWN_URLCONFS.get(mount.child.removeprefix("@"))
        if known is not None:
            for path in known:
                build.add(mount.framework, below + path, mount.loc, files, None, [])
        elif below.strip("/^") and not below.startswith("*"):
            build.add(mount.framework, below.rstrip("/") + "/**", mount.loc, files, None, [])
        else:
            build.why_open.append(("something mounted at the root that is not of this repository", mount.loc))

    def _handed(self, build: _Build, passed: RouterPassed, prefix: str, files: list[str]) -> None:
        """An application given to other code: known extensions, functions of this repository, or anything."""
        callee = self.project.resolve(passed.path, passed.callee) if passed.callee else None
        if callee is not None and callee.kind in ("function", "class"):
            return
        name = callee.name if callee is not None and callee.kind == "external" else passed.callee
        if passed.callee.rpartition(".")[2] in _REGISTERING or name.startswith(HARMLESS):
            return
        if passed.paths:
            for path in passed.paths:
                build.add("aiohttp", _join(prefix, path, ""), passed.loc, files, None, [])
            return
        for known, path in EXTENSION_PATHS.items():
            if name.startswith(known):
                build.add("aiohttp", _join(prefix, path, ""), passed.loc, files, None, [])
                return
        if passed.callee.rpartition(".")[2] == "init_app":
            return
        build.why_open.append((f"the application is handed to {name or 'a call that could not be followed'}", passed.loc))

    def _handler(self, route: Route) -> Function | None:
        if not route.handler or route.handler == "<lambda>":
            return None
        origin = route.handler.removesuffix("()")
        if origin.rpartition(".")[2].startswith("as_view"):
            origin = origin.rpartition(".")[0]
        target = self.project.resolve(route.path, origin)
        if target.kind == "function":
            return self.project.function(target.path, target.name)
        if target.kind == "class":
            for method in ("get", "head", "post", "dispatch", "list"):
                found = self.project.function(target.path, f"{target.name}.{method}")
                if found is not None:
                    return found
        return None


_REGISTERING = frozenset(("include_router", "register_blueprint", "mount", "add_subapp", "add_namespace"))


def _join(prefix: str, path: str, framework: str) -> str:
    """Join two parts of a path the way the framework does: Django by mere concatenation."""
    if framework in ("django", "drf"):
        return prefix + path
    if not prefix:
        return path
    return prefix.rstrip("/") + ("/" + path.lstrip("/") if path else "")
