"""Which calls wait without a limit, given the versions that are installed and what other files do to a driver.

The table says what happens when nothing is said; a row may hold for some versions only. Read from the packages' own signatures.
"""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.clients import ClientCall, ProcessCall
from opslint.facts.http import SESSIONS, HttpCall, OwnTransport, driver_of
from opslint.facts.modules import Function, Import, ModuleBinding
from opslint.facts.requirements import LockedPackage
from opslint.facts.retries import UnboundedRetry
from opslint.model.touches import kind_of

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel

UNBOUNDED_BELOW = {"redis": ("redis", (8,))}
"""Driver → (distribution, first version with a limit by default). redis-py 8.0 set 5 s, sync and asyncio."""

DEFAULTS = {
    "aiohttp.": ("aiohttp", 300.0, 1),
    "anthropic.": ("anthropic", 600.0, 3),
    "openai.": ("openai", 600.0, 3),
    "stripe.": ("stripe", 80.0, 3),
}
"""Origin prefix → (driver, seconds of one attempt, attempts): aiohttp 3.14 total, openai 3.57 and anthropic read, stripe 16."""


class Waiting(Record):
    """Calls that may wait for ever and belong together: on one session, in one client class, in one function.

    `calls` are in order of place; `source` is where the shared session is made, when that is another place.
    """

    __slots__ = ("calls", "driver", "how", "origin", "source")
    calls: list[HttpCall]
    driver: str
    how: str
    origin: str
    source: Loc | None


def _stem(path: str) -> str:
    """Return the name that imports a file (a package by its directory's)."""
    parts = path.removesuffix(".py").split("/")
    return parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]


class Drivers:
    """Verdicts on outgoing calls."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.project = model.python

    @cached_property
    def waiting(self) -> list[Waiting]:
        """HTTP calls without a timeout, those on one session object together."""
        if any(fact.driver == "socket" for fact in self.model.facts(OwnTransport)):
            return []
        groups: dict[tuple[str, str, str], list[tuple[HttpCall, str, str]]] = {}
        for call in self._calls():
            origin = call.origin if call.driver else self.project.expand(call.path, call.origin)
            driver = call.driver or (driver_of(origin) or ("", None))[0]
            if not driver or self._has_own_transport(call, driver):
                continue
            groups.setdefault(self._group(call, origin), []).append((call, origin, driver))
        found = []
        for key, members in groups.items():
            call, origin, driver = members[0]
            calls = [member[0] for member in members]
            found.append(Waiting(calls=calls, driver=driver, how=call.how, origin=origin, source=self._sources.get(key[:2])))
        return found

    def _calls(self) -> list[HttpCall]:
        """The calls of parsed files, and of files the prescreen left out that import a session from another file."""
        calls = list(self.model.facts(HttpCall))
        names = {key[1] for key in self._sources}
        paths = {key[0] for key in self._sources if key[0]}
        # The last name of a module is its file's: most imports need no look-up of where they lead.
        stems = {_stem(path) for path in paths}
        from_package = any(path.endswith("__init__.py") for path in paths)
        for imported in self.model.facts(Import) if names else ():
            last = imported.module.rpartition(".")[2]
            if (
                imported.name not in names
                and imported.name not in stems
                and last not in stems
                and not (from_package and not last)
            ):
                continue
            info = self.model.files.get(imported.path)
            if info is None or not info.screened:
                continue
            target = self.project.file_of(imported.module, imported.path)
            inner = self.project.file_of(_dotted(imported.module, imported.name), imported.path) if imported.name else None
            if (target, imported.name) in self._sources or target in paths or inner in paths:
                calls += [fact for fact in self.model.handlers.facts_of(HttpCall, imported.path) if fact not in calls]
        return calls

    @cached_property
    def _sources(self) -> dict[tuple[str, str], Loc]:
        """Module-level sessions and functions that return one: (path, name) → place."""
        found: dict[tuple[str, str], Loc] = {}
        for binding in self.model.facts(ModuleBinding):
            if binding.origin.removesuffix("()") in SESSIONS:
                found[binding.path, binding.name] = binding.loc
        for function in self.model.facts(Function):
            if function.returns and function.returns.removesuffix("()") in SESSIONS:
                found[function.path, function.qualname] = function.loc
        return found

    def _group(self, call: HttpCall, origin: str) -> tuple[str, str, str]:
        """Calls on one session belong together; calls of module functions when they stand in one class or one function."""
        if "()" not in origin:
            return call.path, f"@{self._unit(call)}", call.how
        if not call.driver:
            head = call.origin.rpartition(".")[0]
            parent, _, name = head.removesuffix("()").rpartition(".")
            target = self.project.resolve(call.path, parent) if parent and parent != "<local>" else None
            path = target.path if target is not None and target.path else call.path
            return path, name, call.how
        return call.path, call.object or f"@{call.at}", call.how

    def _unit(self, call: HttpCall) -> str:
        function = self.project.function(call.path, call.function) if call.function else None
        if function is None:
            return call.function or str(call.at)
        return function.owner or function.qualname

    def _has_own_transport(self, call: HttpCall, driver: str) -> bool:
        changed = self._transports.get(driver)
        if not changed:
            return False
        if call.path in changed:
            return True
        return bool(not call.driver and changed.intersection(found for found, _surely in self.project.imports_of(call.path)))

    @cached_property
    def _transports(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for fact in self.model.facts(OwnTransport):
            found.setdefault(fact.driver, set()).add(fact.path)
        return found

    @cached_property
    def clients(self) -> list[tuple[ClientCall, Loc | None]]:
        """Clients made without a limit, each with the place of the version that makes it unbounded (None: any version)."""
        found: list[tuple[ClientCall, Loc | None]] = []
        for call in self.model.facts(ClientCall):
            row = UNBOUNDED_BELOW.get(call.driver)
            if row is None:
                found.append((call, None))
                continue
            below, loc = self.is_below(row[0], row[1], call.path)
            if below:
                found.append((call, loc))
        return found

    @cached_property
    def processes(self) -> list[ProcessCall]:
        """Child processes waited for without a limit."""
        return self.model.facts(ProcessCall)

    def unknown_versions(self) -> list[ClientCall]:
        """Clients whose verdict needs a version that no lock or requirement tells."""
        return [
            call
            for call in self.model.facts(ClientCall)
            if call.driver in UNBOUNDED_BELOW and self.is_below(*UNBOUNDED_BELOW[call.driver], call.path)[0] is None
        ]

    def is_below(self, name: str, version: tuple[int, ...], path: str) -> tuple[bool | None, Loc | None]:
        """Tell whether the installed version of a distribution is below `version` for the code at `path`, None when unknown.

        The nearest directory above the code that names the package decides; in it a lock before a requirement.
        """
        best: tuple[int, int, LockedPackage] | None = None
        for package in self.model.facts(LockedPackage):
            if package.name.lower().replace("_", "-") != name:
                continue
            directory = package.path.rpartition("/")[0]
            shared = len(directory) if not directory or path.startswith(directory + "/") else -1
            rank = (shared, 1 if package.version else 0)
            if best is None or rank > best[:2]:
                best = (*rank, package)
        if best is None:
            return None, None
        package = best[2]
        numbers = _numbers(package.version)
        if numbers:
            return numbers < version, package.loc
        return _bounded(package.specifier, version), package.loc

    @cached_property
    def endless_retries(self) -> list[UnboundedRetry]:
        """Retries without an end; of loops only those that wait on something outside the process."""
        found = []
        for retry in self.model.facts(UnboundedRetry):
            if retry.how != "loop" or self._waits(retry):
                found.append(retry)
        return found

    def _waits(self, retry: UnboundedRetry) -> bool:
        for origin, _place in retry.calls:
            target = self.project.resolve(retry.path, str(origin))
            if target.kind == "function":
                function = self.project.function(target.path, target.name)
                if function is not None and any(t.kind not in ("disk",) for t in self.model.handlers.touches(function)):
                    return True
            elif kind_of(target.name if target.kind == "external" else str(origin)) not in ("", "disk"):
                return True
        return False


def _dotted(module: str, name: str) -> str:
    return module + name if module.endswith(".") else f"{module}.{name}"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, () when it has none."""
    numbers: list[int] = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _bounded(specifier: str, version: tuple[int, ...]) -> bool | None:
    """Tell whether a specifier excludes `version` and above (True), allows nothing below it (False), or neither (None)."""
    for clause in specifier.replace(" ", "").split(","):
        for operator in ("~=", "<=", ">=", "==", "<", ">", "^", "~"):
            if clause.startswith(operator):
                numbers = _numbers(clause[len(operator) :].rstrip(".*"))
                if not numbers:
                    break
                if operator == "<" and numbers <= version:
                    return True
                if operator in ("<=", "==") and numbers < version:
                    return True
                if operator in ("~=", "^", "~") and numbers[0] < version[0]:
                    return True
                if operator in (">=", ">", "~=", "^", "==", "~") and numbers >= version:
                    return False
                break
    return None
