"""Migrations per tool and application: nodes, heads, missing parents, cycles, and which of them are new."""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.migrations import AlembicRevision, DjangoApp, DjangoMigration, SqlScript
from opslint.facts.shell_scripts import MakeTarget, ScriptSteps
from opslint.model.migration_starts import MigrationStart, migration_starts

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.model.model import DeploymentModel

CONTRIB = frozenset(
    "admin auth contenttypes sessions sites messages staticfiles flatpages redirects gis postgres humanize syndication sitemaps".split()
)
"""Labels of the apps that Django itself brings (docs, ref/contrib)."""


class MigrationNode(Record):
    """One migration. `key` is its revision or name; `parents` the keys of those it follows in its own graph; `new`: to be judged as a change.

    `assumed` is what comments assume of its way back; `ops`, `down_ops` are as in `opslint.facts.migrations`;
    `downgrade` is ``given empty raises missing`` (Django: from its operations). `made` is when Django generated it ("": not known).
    """

    __slots__ = (
        "assumed",
        "down_loc",
        "down_ops",
        "downgrade",
        "key",
        "labels",
        "loc",
        "made",
        "new",
        "ops",
        "parents",
        "path",
        "transactional",
    )
    assumed: list[str]
    down_loc: Loc
    down_ops: list[dict[str, Any]]
    downgrade: str
    key: str
    labels: list[str]
    loc: Loc
    made: str
    new: bool
    ops: list[dict[str, Any]]
    parents: list[str]
    path: str
    transactional: bool

    def place(self, op: dict[str, Any]) -> Loc:
        """Where an operation stands."""
        return (self.path, op["at"])


class MigrationGraph(Record):
    """The migrations of one application (Django), script location (Alembic) or directory (SQL).

    `tool`: ``django alembic sql``; `label` the app or directory. `heads` have no child; `missing` are (node, name, place) of parents that
    are nowhere; `cycles` lists of nodes; `duplicates` (place, place, revision) of identifiers used twice. `open`
    says why the graph may have more than was read ("" when it was read to the end).
    """

    __slots__ = ("cycles", "duplicates", "heads", "label", "location", "missing", "nodes", "open", "tool")
    cycles: list[list[MigrationNode]]
    duplicates: list[tuple[Loc, Loc, str]]
    heads: list[MigrationNode]
    label: str
    location: str
    missing: list[tuple[MigrationNode, str, Loc]]
    nodes: dict[str, MigrationNode]
    open: str
    tool: str

    def new_tables(self) -> set[str]:
        """Tables that new migrations of this graph create: nothing reads them yet."""
        return {op["table"] for node in self.nodes.values() if node.new for op in node.ops if op["op"] == "create_table"}

    def before(self, node: MigrationNode) -> list[MigrationNode]:
        """Return the ancestors of `node`, nearest first."""
        found: list[MigrationNode] = []
        seen = {node.key}
        work = list(node.parents)
        while work:
            key = work.pop(0)
            parent = self.nodes.get(key)
            if parent is None or key in seen:
                continue
            seen.add(key)
            found.append(parent)
            work.extend(parent.parents)
        return found


class MigrationGraphs:
    """All migration graphs, sorted by tool and location: `all`, and by tool `django`, `alembic`, `sql`."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._old = model.old_paths()
        self.django = self._django()
        self.alembic = self._alembic()
        self.sql = self._sql()
        self.all = [*self.alembic, *self.django, *self.sql]

    def is_new(self, path: str) -> bool:
        """A migration is new when the base revision does not have its file; all are with ``--all-migrations``."""
        return self.model.all_migrations or (self._old is not None and path not in self._old)

    @cached_property
    def upgrades_all_heads(self) -> bool:
        """Some script or pipeline runs ``alembic upgrade heads``: several heads are meant."""
        lists = [fact.commands for fact in self.model.facts(ScriptSteps)]
        lists.extend(target.commands for target in self.model.facts(MakeTarget))
        found = [words for commands in lists for _at, words, _info in commands]
        found.extend(action.words for _pipeline, job in self.model.pipelines.jobs() for action in job.actions)
        found.extend(entry.words for service in self.model.services for entries in service.entries for entry in entries)
        return any("heads" in words and "upgrade" in words for words in found)

    @cached_property
    def starts(self) -> list[MigrationStart]:
        """Containers that migrate when they start."""
        return migration_starts(self.model)

    # Django

    def _django(self) -> list[MigrationGraph]:
        labels = self._labels()
        by_app: dict[str, list[DjangoMigration]] = {}
        for fact in self.model.facts(DjangoMigration):
            directory = fact.path.rpartition("/")[0]
            if directory.rpartition("/")[2] == "migrations":
                by_app.setdefault(directory, []).append(fact)
        apps: dict[str, list[str]] = {}
        for directory in by_app:
            apps.setdefault(labels.get(directory.rpartition("/")[0]) or _last(directory, 2), []).append(directory)
        graphs = {}
        for label, directories in apps.items():
            for directory in directories:
                graphs[directory] = self._django_graph(label, directory, by_app[directory])
        for directory, graph in graphs.items():
            for fact in by_app[directory]:
                self._django_links(graph, fact, apps, graphs)
        for graph in graphs.values():
            self._finish(graph)
        return [graphs[directory] for directory in sorted(graphs)]

    def _labels(self) -> dict[str, str]:
        """Directory of an app → the label its `AppConfig` gives."""
        found: dict[str, str] = {}
        for app in self.model.facts(DjangoApp):
            found[app.path.rpartition("/")[0]] = app.label or app.name.rpartition(".")[2]
        return found

    def _django_graph(self, label: str, directory: str, facts: list[DjangoMigration]) -> MigrationGraph:
        nodes: dict[str, MigrationNode] = {}
        for fact in facts:
            name = _stem(fact.path)
            kinds = [op.get("reverse") for op in fact.ops if "reverse" in op]
            nodes[name] = MigrationNode(
                assumed=[],
                down_loc=fact.loc,
                down_ops=[],
                downgrade="missing" if "none" in kinds else "given",
                key=name,
                labels=[],
                loc=fact.loc,
                made=fact.made,
                # A squash stands for migrations that databases in use have; it runs on empty ones only.
                new=self.is_new(fact.path) and not fact.replaces,
                ops=fact.ops,
                parents=[],
                path=fact.path,
                transactional=fact.atomic,
            )
        reason = next((fact.path for fact in facts if fact.open), "")
        open_ = f"{reason} computes its dependencies" if reason else ""
        return MigrationGraph(
            cycles=[],
            duplicates=[],
            heads=[],
            label=label,
            location=directory,
            missing=[],
            nodes=nodes,
            open=open_,
            tool="django",
        )

    def _django_links(
        self, graph: MigrationGraph, fact: DjangoMigration, apps: dict[str, list[str]], graphs: dict[str, MigrationGraph]
    ) -> None:
        node = graph.nodes[_stem(fact.path)]
        for app, name, place in fact.parents:
            if name in ("__first__", "__latest__"):
                continue
            directories = [graph.location] if app == graph.label else apps.get(app, [])
            if not directories or (app in CONTRIB and app != graph.label):
                continue
            if app == graph.label and name in graph.nodes:
                node.parents.append(name)
                continue
            if any(self._has(graphs[directory], directory, name) for directory in directories):
                continue
            if self._replaced(app, name):
                node.parents.extend(self._replaced(app, name) if app == graph.label else [])
                continue
            graph.missing.append((node, f"{app}.{name}", (fact.path, place)))

    def _has(self, graph: MigrationGraph, directory: str, name: str) -> bool:
        return name in graph.nodes or f"{directory}/{name}.py" in self.model.files

    def _replaced(self, app: str, name: str) -> list[str]:
        """Names of the squashed migrations that stand for (app, name)."""
        return self._replacements.get((app, name), [])

    @cached_property
    def _replacements(self) -> dict[tuple[str, str], list[str]]:
        """(app, replaced migration) → names of the squashed migrations that replace it."""
        found: dict[tuple[str, str], list[str]] = {}
        for fact in self.model.facts(DjangoMigration):
            for app, name, _place in fact.replaces:
                found.setdefault((app, name), []).append(_stem(fact.path))
        return found

    # Alembic

    def _alembic(self) -> list[MigrationGraph]:
        facts = self.model.facts(AlembicRevision)
        home: dict[str, list[AlembicRevision]] = {}
        for fact in facts:
            home.setdefault(fact.path.rpartition("/")[0], []).append(fact)
        owner: dict[str, str] = {directory: directory for directory in home}
        revisions: dict[str, set[str]] = {}
        for fact in facts:
            revisions.setdefault(fact.revision, set()).add(fact.path.rpartition("/")[0])
        for fact in facts:
            # Several version locations form one graph where a revision follows one of another directory.
            directory = fact.path.rpartition("/")[0]
            for parent, _place in (*fact.parents, *fact.depends_on):
                homes = revisions.get(parent, set())
                if directory not in homes and len(homes) == 1:
                    other = next(iter(homes))
                    _join(owner, directory, other)
        groups: dict[str, list[AlembicRevision]] = {}
        for directory, found in home.items():
            groups.setdefault(_root(owner, directory), []).extend(found)
        return [self._alembic_graph(location, groups[location]) for location in sorted(groups)]

    def _alembic_graph(self, location: str, facts: list[AlembicRevision]) -> MigrationGraph:
        nodes: dict[str, MigrationNode] = {}
        open_ = ""
        graph = MigrationGraph(
            cycles=[],
            duplicates=[],
            heads=[],
            label=location,
            location=location,
            missing=[],
            nodes=nodes,
            open="",
            tool="alembic",
        )
        for fact in facts:
            if fact.revision in nodes:
                graph.duplicates.append((nodes[fact.revision].loc, fact.loc, fact.revision))
            nodes[fact.revision] = MigrationNode(
                assumed=fact.assumed,
                down_loc=(fact.path, fact.down_at),
                down_ops=fact.down_ops,
                downgrade="given" if fact.downgrade == "ops" else fact.downgrade,
                key=fact.revision,
                labels=fact.labels,
                loc=fact.loc,
                made="",
                new=self.is_new(fact.path),
                ops=fact.ops,
                parents=[parent for parent, _place in fact.parents],
                path=fact.path,
                transactional=True,
            )
            open_ = open_ or (f"{fact.path} computes its parents" if fact.open else "")
        known = set(nodes)
        for fact in facts:
            for parent, place in (*fact.parents, *fact.depends_on):
                if parent not in known and parent not in ("base", "head", "heads"):
                    graph.missing.append((nodes[fact.revision], parent, (fact.path, place)))
        graph.open = open_
        if any(fact.depends_on for fact in facts):
            graph.open = graph.open or "revisions depend on other branches"
        self._finish(graph)
        return graph

    # SQL files

    def _sql(self) -> list[MigrationGraph]:
        by_directory: dict[str, list[tuple[Any, SqlScript]]] = {}
        downs: dict[str, SqlScript] = {}
        for fact in self.model.facts(SqlScript):
            directory, _, name = fact.path.rpartition("/")
            version = sql_version(name, directory)
            if version is None:
                continue
            if name.endswith(".down.sql") or (name[:1] == "U" and "__" in name):
                downs[fact.path] = fact
            else:
                by_directory.setdefault(directory, []).append((version, fact))
        return [self._sql_graph(directory, by_directory[directory], downs) for directory in sorted(by_directory)]

    def _sql_graph(self, directory: str, scripts: list[tuple[Any, SqlScript]], downs: dict[str, SqlScript]) -> MigrationGraph:
        nodes: dict[str, MigrationNode] = {}
        previous: list[str] = []
        for _version, fact in sorted(scripts, key=lambda item: (item[0], item[1].path)):
            down = downs.get(fact.path.removesuffix(".up.sql") + ".down.sql")
            nodes[fact.path] = MigrationNode(
                assumed=[],
                down_loc=down.loc if down is not None else fact.loc,
                down_ops=down.ops if down is not None else fact.down,
                downgrade="given" if down is not None or fact.down else "missing",
                key=fact.path,
                labels=[],
                loc=fact.loc,
                made="",
                new=self.is_new(fact.path),
                ops=fact.ops,
                parents=previous,
                path=fact.path,
                transactional=True,
            )
            previous = [fact.path]
        heads = [nodes[previous[0]]] if previous else []
        return MigrationGraph(
            cycles=[],
            duplicates=[],
            heads=heads,
            label=directory,
            location=directory,
            missing=[],
            nodes=nodes,
            open="",
            tool="sql",
        )

    def _finish(self, graph: MigrationGraph) -> None:
        """Find heads and cycles. Migrations that a squash replaces count as the squash."""
        replaced = set()
        if graph.tool == "django":
            names = {name for (app, name), _by in self._replacements.items() if app == graph.label}
            replaced = {name for name in names if name in graph.nodes}
            for node in graph.nodes.values():
                extra = [by for parent in node.parents for by in self._replacements.get((graph.label, parent), [])]
                node.parents.extend(by for by in extra if by != node.key and by in graph.nodes and by not in node.parents)
        followed = {parent for node in graph.nodes.values() for parent in node.parents if node.key not in replaced}
        graph.heads = [node for key, node in sorted(graph.nodes.items()) if key not in followed and key not in replaced]
        graph.cycles = _cycles(graph.nodes)


def _cycles(nodes: dict[str, MigrationNode]) -> list[list[MigrationNode]]:
    """Return the groups of nodes that follow each other in a circle (walked without recursion)."""
    done: set[str] = set()
    found: list[list[MigrationNode]] = []
    for start in sorted(nodes):
        if start in done:
            continue
        path: list[str] = []
        on_path: dict[str, int] = {}
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            key, index = stack.pop()
            if index == 0:
                if key in done:
                    continue
                on_path[key] = len(path)
                path.append(key)
            parents = [parent for parent in nodes[key].parents if parent in nodes]
            if index < len(parents):
                stack.append((key, index + 1))
                parent = parents[index]
                if parent in on_path:
                    found.append([nodes[name] for name in path[on_path[parent] :]])
                elif parent not in done:
                    stack.append((parent, 0))
            else:
                done.add(key)
                path.pop()
                del on_path[key]
    return found


def sql_version(name: str, directory: str) -> tuple[int, ...] | None:
    """Return the version that the name of a SQL migration carries, None when it is no migration's name.

    Flyway ``V1_2__x.sql`` (and ``U…``), golang-migrate ``0001_x.up.sql``, dbmate, goose and plain sequences ``001_x.sql``.
    """
    stem = name.removesuffix(".sql").removesuffix(".up").removesuffix(".down")
    if stem[:1] in "VU" and "__" in stem:
        parts = stem[1:].partition("__")[0].replace("_", ".").split(".")
        return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else None
    digits = stem[: len(stem) - len(stem.lstrip("0123456789"))]
    if len(digits) >= 3 and stem[len(digits) : len(digits) + 1] in ("_", "-", "."):
        return (int(digits),)
    if name == "migration.sql":
        version = _last(directory, 1).partition("_")[0]
        return (int(version),) if version.isdigit() else None
    return None


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")


def _last(directory: str, position: int) -> str:
    parts = directory.split("/")
    return parts[-position] if len(parts) >= position else ""


def _root(owner: dict[str, str], name: str) -> str:
    while owner[name] != name:
        owner[name] = owner[owner[name]]
        name = owner[name]
    return name


def _join(owner: dict[str, str], left: str, right: str) -> None:
    first, second = sorted((_root(owner, left), _root(owner, right)))
    owner[second] = first
