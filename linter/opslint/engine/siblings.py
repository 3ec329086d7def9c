"""Repositories that are deployed together: what one exports, and how it joins the model of another.

``opslint model export FILE`` writes the facts of a project; ``--facts NAME=FILE`` lets them join as if its files stood below ``NAME:/``.
Manifests, which may be put together from templates and values, are exported as the deployments they give. Places are shown as
``NAME:path``. A report that stands in a sibling moves to its first local evidence; where nothing local takes part it is the sibling's own.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

from opslint.base.errors import UsageError, nearest
from opslint.base.fact import FACT_TYPES
from opslint.base.jsonio import dumps, loads
from opslint.base.settings import DeclaredEnvironment, DeclaredService, default_settings
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.shared_facts import received, shared
from opslint.engine.shared_records import RECORDS, Decoder, Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from opslint.base.finding import Report
    from opslint.base.settings import ProjectSettings
    from opslint.engine.run import ProjectRun
    from opslint.model.environments import Environments
    from opslint.model.records import Deployment

FORMAT = 1
KEY_VARIABLE = "OPSLINT_FACTS_KEY"
MAX_BYTES = 512 << 20

MANIFEST_FACTS = ("compose", "helm", "kubernetes", "kustomize", "named", "procfile")
"""Modules of `opslint.facts` whose facts are not exported: what they say is in the deployments."""


def exchange_key() -> bytes:
    """Return the key of the hashes that repositories compare: of ``$OPSLINT_FACTS_KEY``, else one that everybody knows."""
    secret = os.environ.get(KEY_VARIABLE, "")
    return blake2b(secret.encode("utf-8", "surrogateescape"), person=b"opslint facts 1", digest_size=32).digest()


def _key_id() -> str:
    """Tell one exchange key from another without telling it."""
    return blake2b(exchange_key(), person=b"opslint key id", digest_size=8).hexdigest()


def _layout() -> str:
    """Return a digest of the shapes of all facts and records: what another version wrote may mean something else."""
    from opslint.facts.registry import FACT_MODULES

    for module in FACT_MODULES:
        __import__(module)
    rows = [[kind, *FACT_TYPES[kind].FIELDS] for kind in sorted(FACT_TYPES) if kind.startswith("opslint.facts.")]
    rows += [[kind.__name__, *kind.FIELDS] for kind in RECORDS]
    return blake2b(dumps(rows).encode(), digest_size=8).hexdigest()


def exported(project: ProjectRun) -> str:
    """Return the facts of a checked project as the text of a facts file.

    The project must have been made with `exporting`: then its hashes are made with the exchange key, and nothing of it was cached.
    """
    from opslint import __version__
    from opslint.engine.project import Positions

    positions = Positions(project.stage)
    model = project.model()
    settings = project.settings
    body = {
        "deployments": [Encoder(positions.of).encode(deployment) for deployment in model.deployments],
        "facts": shared(project.stage, MANIFEST_FACTS),
        "files": {path: [info.kind, info.role] for path, info in model.files.items()},
        "kinds": sorted(project.stage.fact_kinds()),
        "places": {path: project.stage.places_text(path) for path, _entry in project.stage.read_entries()},
        "settings": {
            "environments": [[item.name, item.tier, item.instance, item.paths] for item in settings.environments],
            "optional_env": settings.optional_env,
            "platform_env": settings.platform_env,
            "services": [[item.name, item.code, item.dockerfile, item.entry, item.images] for item in settings.services],
        },
    }
    text = dumps(body)
    head = {"opslint-facts": FORMAT, "version": __version__, "layout": _layout(), "key": _key_id(), "check": _check(text)}
    return f'{dumps(head)[:-1]},"project":{text}}}\n'


def _check(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Guest:
    """What one sibling exported, moved below its name."""

    def __init__(self, name: str, body: dict[str, Any]) -> None:
        self.name = name
        self._count = 0
        self.files: dict[str, tuple[str, str]] = {self.moved(path): (kind, role) for path, (kind, role) in body["files"].items()}
        self.kinds: set[str] = set(body["kinds"])
        self.places: dict[str, str] = {self.moved(path): text for path, text in body["places"].items()}
        self.rows: dict[str, list[tuple[str, list[list[Any]]]]] = {
            kind: [(self.moved(path), received(rows, self.digest)) for path, rows in by_path.items()]
            for kind, by_path in body["facts"].items()
        }
        self._deployments = body["deployments"]
        self.settings = body["settings"]
        self._try()

    def _try(self) -> None:
        """Make everything once: what is wrong with a file is said when it is read, not in the middle of a run."""
        for kind, by_path in self.rows.items():
            for path, rows in by_path:
                for row in rows:
                    FACT_TYPES[kind].load(path, row)
        self.deployments()
        Guests([self], []).joined(default_settings())

    def moved(self, path: str) -> str:
        """Return where a path of the sibling stands in the model."""
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"{path!r} is no path of a project")
        return f"{self.name}:/{path}" if path else f"{self.name}:"

    def digest(self) -> str:
        """Return a digest that equals no other: the sibling told none."""
        self._count += 1
        return f"{self.name}:{self._count}"

    def deployments(self) -> list[Deployment]:
        """Return the deployments of the sibling, made anew for each model."""
        found: list[Deployment] = []
        for value in self._deployments:
            deployment = Decoder(self.moved, self.digest).decode(value)
            key = f"{self.name}:{deployment.key}"
            workloads = [workload.replace(deployment=key) for workload in deployment.workloads]
            found.append(deployment.replace(key=key, workloads=workloads))
        return found


class Guests:
    """The siblings that join one project; `missing` are those that it declares and that were not given."""

    def __init__(self, guests: list[Guest], missing: list[str]) -> None:
        self.guests = guests
        self.missing = missing
        self.prefixes = tuple(f"{guest.name}:/" for guest in guests)
        self.places = {path: text for guest in guests for path, text in guest.places.items()}
        self.files = {path: info for guest in guests for path, info in guest.files.items()}

    def is_foreign(self, path: str) -> bool:
        """Tell whether a path of the model stands in a sibling."""
        return path.startswith(self.prefixes) if self.prefixes else False

    def rows(self, kind: str) -> list[tuple[str, list[list[Any]]]]:
        """Return (path, rows) of the facts of `kind`."""
        return [row for guest in self.guests for row in guest.rows.get(kind, ())]

    def kinds(self) -> set[str]:
        """Return the kinds of all facts that took part."""
        return {kind for guest in self.guests for kind in guest.kinds}

    def deployments(self, own: Sequence[Deployment]) -> list[Deployment]:
        """Return `own` without what the siblings' facts gave once more, and what the siblings exported."""
        kept = [item for item in own if not self.is_foreign(item.loc[0])]
        return sorted([*kept, *(item for guest in self.guests for item in guest.deployments())], key=lambda item: item.key)

    def shown(self, text: str) -> str:
        """Return a path or message with places as a reader knows them, ``NAME:path``."""
        for prefix in self.prefixes:
            if prefix in text:
                text = text.replace(prefix, prefix[:-1])
        return text

    def joined(self, settings: ProjectSettings) -> ProjectSettings:
        """Return the settings with what the siblings declare of environments, services and variables."""
        environments, services = list(settings.environments), list(settings.services)
        optional, platform = list(settings.optional_env), list(settings.platform_env)
        for guest in self.guests:
            given = guest.settings
            for name, tier, instance, paths in given["environments"]:
                moved = [guest.moved(path) for path in paths]
                environments.append(DeclaredEnvironment(instance=instance, name=name, paths=moved, tier=tier))
            for name, code, dockerfile, entry, images in given["services"]:
                services.append(
                    DeclaredService(
                        code=None if code is None else guest.moved(code),
                        dockerfile=None if dockerfile is None else guest.moved(dockerfile),
                        entry=entry,
                        images=images,
                        name=name,
                    )
                )
            optional += given["optional_env"]
            platform += given["platform_env"]
        return settings.replace(environments=environments, optional_env=optional, platform_env=platform, services=services)

    def at_home(self, reports: Iterable[Report], environments: Environments) -> list[Report]:
        """Return the reports that concern this repository: what stands in a sibling moves to its first local evidence."""
        out = []
        for report in reports:
            if not self.is_foreign(report.at[0]):
                out.append(report)
                continue
            here = next((loc for loc, _note in report.evidence if not self.is_foreign(loc[0])), None)
            if here is None:
                continue
            note = next(note for loc, note in report.evidence if loc == here)
            rest = [(loc, text) for loc, text in report.evidence if loc != here]
            out.append(
                report.replace(
                    at=here,
                    environments=report.environments or environments.names_of([report.at[0]]),
                    evidence=[(report.at, "in the sibling repository"), *rest],
                    fix=None,
                    message=f"{report.message} (here: {note.removesuffix(' here')})",
                )
            )
        return out


def guests_of(settings: ProjectSettings, given: dict[str, Guest]) -> Guests:
    """Return the siblings of a project, of those that were given."""
    guests = [given[name] for name in settings.siblings if name in given]
    return Guests(guests, [name for name in settings.siblings if name not in given])


def read_facts(words: Sequence[str]) -> dict[str, Guest]:
    """Read what ``--facts NAME=FILE`` names. UsageError says what is wrong with a file."""
    found: dict[str, Guest] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--facts {word}: give NAME=FILE, a sibling's name and what `opslint model export FILE` wrote there")
        if name in found:
            raise UsageError(f"--facts {name}: given twice")
        found[name] = _read(name, path)
    return found


def check_names(given: Iterable[str], projects: Iterable[ProjectSettings]) -> None:
    """UsageError when facts are given of what no project of the run declares as its sibling."""
    declared = sorted({name for settings in projects for name in settings.siblings})
    for name in given:
        if name not in declared:
            known = nearest(name, declared) or (f"; declared is {', '.join(declared)}" if declared else "")
            raise UsageError(f'--facts {name}: no project of this run declares siblings = ["{name}"]{known}')


def _read(name: str, path: str) -> Guest:
    try:
        with open(path, "rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--facts {name}: {path}: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"--facts {name}: {path} is larger than {MAX_BYTES >> 20} MB")
    try:
        text = data.decode("utf-8", "surrogatepass")
        value = loads(text.strip())
    except (ValueError, RecursionError):
        raise UsageError(f"--facts {name}: {path} is no facts file, or cut short: it is no JSON") from None
    if not isinstance(value, dict) or "opslint-facts" not in value:
        raise UsageError(f"--facts {name}: {path} is no facts file; `opslint model export FILE` writes one")
    _check_head(name, path, value)
    try:
        if _check(dumps(value["project"])) != value["check"]:
            raise ValueError("changed after it was written")
        return Guest(name, value["project"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"--facts {name}: {path} is damaged ({type(error).__name__}: {error}); export it again") from None


def _check_head(name: str, path: str, value: dict[str, Any]) -> None:
    from opslint import __version__

    if value["opslint-facts"] != FORMAT or value.get("layout") != _layout():
        theirs = value.get("version")
        raise UsageError(
            f"--facts {name}: {path} was written by opslint {theirs}, whose facts have another shape than those of {__version__}:"
            " export it with the same version"
        )
    if value.get("key") != _key_id():
        raise UsageError(f"--facts {name}: {path} was written with another ${KEY_VARIABLE}: its hashes cannot be compared")
