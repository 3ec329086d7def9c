"""Migrations as facts: which revision follows which, and what each one does to schema and data.

An *operation* is a JSON dict. ``op`` is one of ``create_table drop_table rename_table add_column drop_column rename_column
alter_column add_index drop_index add_constraint drop_constraint insert update delete run_python run_sql state sql other``; ``at`` a
place; ``table`` and ``name`` are lower case ("" when unknown). Further keys where they apply:

- ``guarded`` bool: a second run passes over it (``IF NOT EXISTS``, inside a condition, ``ON CONFLICT``).
- ``loop`` bool: stands in a loop. ``concurrent`` bool: built without blocking writes.
- ``required`` bool or None, ``default`` (``server``, ``python``, ``none``, ``unknown``): of a column that is added.
- ``reverse`` (``none``, ``noop``, ``given``, ``elidable``): of Django's RunPython and RunSQL.
- ``assumed``: names of `opslint: assume[…]` comments that cover the operation (not there when none does).
- ``field``: the class of a column that is added or changed; ``links``: names of a created table's many-to-many fields.
- ``random`` bool: an inserted row carries a key made on the spot. ``relative`` bool: the update builds on the old value.
"""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.python import PythonDocument
    from opslint.syntax.sql import SqlDocument


class DjangoMigration(Fact):
    """One `Migration` class. The app and the name follow from its path.

    `parents`, `replaces`, `run_before` are ``[app, name, place]``; `open`: a dependency could not be read (it is computed);
    `atomic` False when the class says so; `made` is when Django generated it ("2021-07-14 18:05", "" when the header is gone).
    """

    __slots__ = ("atomic", "made", "open", "ops", "parents", "replaces", "run_before")
    atomic: bool
    made: str
    open: bool
    ops: list[dict[str, Any]]
    parents: list[list[Any]]
    replaces: list[list[Any]]
    run_before: list[list[Any]]


class AlembicRevision(Fact):
    """One Alembic revision file.

    `parents` and `depends_on` are ``[revision, place]``; `labels` the branch labels; `open`: a parent could not be read.
    `ops` of `upgrade()`, `down_ops` of `downgrade()`; `downgrade` is ``ops``, ``empty``, ``raises`` or ``missing``, `down_at` its place;
    `assumed` what comments assume of the way back.
    """

    __slots__ = ("assumed", "depends_on", "down_at", "down_ops", "downgrade", "labels", "open", "ops", "parents", "revision")
    assumed: list[str]
    depends_on: list[list[Any]]
    down_at: int
    down_ops: list[dict[str, Any]]
    downgrade: str
    labels: list[str]
    open: bool
    ops: list[dict[str, Any]]
    parents: list[list[Any]]
    revision: str


class SqlScript(Fact):
    """A SQL file: its operations; `down` are those behind a ``migrate:down`` or ``+goose Down`` mark; `marked`: it has such marks."""

    __slots__ = ("down", "marked", "ops")
    down: list[dict[str, Any]]
    marked: bool
    ops: list[dict[str, Any]]


class DjangoApp(Fact):
    """An `AppConfig` class: the dotted `name` of the app and its `label` ("" when it is the last part of the name)."""

    __slots__ = ("label", "name")
    label: str
    name: str


class MigrationRun(Fact):
    """Python code that migrates or creates tables when it runs.

    `tool`: ``alembic``, ``django``, ``flask-migrate`` or ``create_all``; `function` its qualname ("" at module level).
    `when`: ``import`` (module level), ``startup`` (a lifespan or start-up handler, `AppConfig.ready`, or called from one in this file),
    ``function`` (whatever calls it). `conditional`: stands under a condition. `locked`: the file takes a lock first.
    """

    __slots__ = ("conditional", "function", "locked", "tool", "when")
    conditional: bool
    function: str
    locked: bool
    tool: str
    when: str


class StartupCalls(Fact):
    """A start-up handler of a web application and the origins of what it calls: `calls` are ``[origin, place, conditional]``."""

    __slots__ = ("calls", "function")
    calls: list[list[Any]]
    function: str


def _django(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    from opslint.facts import django_migrations

    django_migrations.extract(document, emit)


def _alembic(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    from opslint.facts import alembic_revisions

    alembic_revisions.extract(document, emit)


def _runs(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    from opslint.facts import migration_runs

    migration_runs.extract(document, emit)


def _sql(document: SqlDocument, emit: Callable[[Fact], None]) -> None:
    from opslint.facts.assumptions import Assumptions
    from opslint.facts.sql_statements import classify

    down_from = next((line for line, mark in document.marks if mark.lower().endswith("down")), None)
    ops: list[dict[str, Any]] = []
    down: list[dict[str, Any]] = []
    for statement in document.statements:
        target = down if down_from is not None and statement.span[0] > down_from else ops
        for op in classify(statement):
            op["at"] = document.places.add(statement.span)
            target.append(op)
    if ops or down:
        Assumptions(document).mark(ops)
        emit(SqlScript(at=document.places.add((1, 1, 1, 1)), down=down, marked=bool(document.marks), ops=ops))


_STATEMENTS = tuple(
    spelled
    for word in ("create", "alter", "drop", "insert", "update", "delete", "truncate")
    for spelled in (word, word.upper(), word.capitalize())
)
"""What a script that changes schema or rows holds, in the three ways people write keywords."""

EXTRACTORS: tuple[Extractor, ...] = (
    Extractor("python", ("Migration", "AppConfig"), _django),
    Extractor("python", ("down_revision",), _alembic),
    Extractor("python", ("create_all", "upgrade", "migrate", "lifespan", "on_event", "startup"), _runs),
    Extractor("sql", _STATEMENTS, _sql),
)
