"""A column or table that is taken from under the running version."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, DjangoMigration, Meta, ProjectRule

if TYPE_CHECKING:
    from typing import Any

    from opslint.api import DeploymentModel, MigrationGraph, MigrationNode, Reporter

_REMOVALS = {"drop_column": "removes", "drop_table": "deletes", "rename_column": "renames", "rename_table": "renames"}


class DestructiveWithLiveReaders(ProjectRule):
    """A migration removes or renames what the running version still selects.

    What it finds:
        A new Django migration that removes or renames a field or a model in one step. Django's ORM names every column of
        a model in each query, so the version that runs until the rollout ends reads the column that is gone.

    In production:
        From the migration to the end of the rollout every query on the table fails, and a rollback brings the errors back
        for good.

    Bad:
        # file: shop/migrations/0002_remove_order_note.py
        from django.db import migrations
        class Migration(migrations.Migration):
            dependencies = [("billing", "0001_initial")]
            operations = [
                migrations.RemoveField(model_name="order", name="note"),  # expect: destructive-with-live-readers
            ]

    Good:
        # file: shop/migrations/0002_forget_order_note.py
        from django.db import migrations
        class Migration(migrations.Migration):
            dependencies = [("billing", "0001_initial")]
            operations = [
                migrations.SeparateDatabaseAndState(
                    state_operations=[migrations.RemoveField(model_name="order", name="note")],
                ),
            ]

    Exempt:
        The database half of `SeparateDatabaseAndState`, whose state half went out a release earlier; tables and
        columns that the same release adds, or that a migration generated less than a day before added (counted);
        sequences; squashes (`replaces`); what `opslint: assume[contract]` or `assume[expand]` covers. A many-to-many
        field, which has a join table in place of a column, is a warning.

    Fix safety:
        Manual: two releases, the first takes the field out of the state only.

    Authority:
        https://aws.amazon.com/builders-library/ensuring-rollback-safety-during-deployments/
    """

    meta = Meta(
        "destructive-with-live-readers",
        category="migrations",
        severity="error",
        confidence="medium",
        summary="A migration removes or renames what the running version still selects",
        help="Release the code that no longer uses it first (`SeparateDatabaseAndState`), drop it in the release after.",
        authority="https://aws.amazon.com/builders-library/ensuring-rollback-safety-during-deployments/",
    )
    needs = (DjangoMigration,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each new migration once."""
        for graph in model.migrations.django:
            created = set() if model.all_migrations else graph.new_tables()
            for node in graph.nodes.values():
                if node.new:
                    self._node(graph, node, created, report)

    def _node(self, graph: MigrationGraph, node: MigrationNode, created: set[str], report: Reporter) -> None:
        own = created | {op["table"] for op in node.ops if op["op"] == "create_table"}
        fresh = {(op["table"], op["name"]) for op in node.ops if op["op"] == "add_column"}
        found = [
            op
            for op in node.ops
            if op["op"] in _REMOVALS
            and not op.get("separate")
            and op["table"]
            and op["table"] not in own
            and (op["table"], op["name"]) not in fresh
            and not {"expand", "contract"} & set(op.get("assumed", ()))
        ]
        found = [op for op in found if not self._is_same_release(graph, node, op, report)]
        if not found:
            return
        # A many-to-many field has a table of its own in place of a column.
        found.sort(key=lambda op: _is_link(graph, node, op))
        first, *others = found
        name = _name_of(first)
        more = f" (and {len(others)} more)" if others else ""
        link = _is_link(graph, node, first)
        harm = "the version that still runs selects it, and its queries fail."
        if link:
            harm = "its join table changes, and what the version that still runs reads or writes through it fails."
        report(
            at=node.place(first),
            message=f"The migration {_REMOVALS[first['op']]} {'the many-to-many field ' if link else ''}`{graph.label}.{name}`{more}"
            f" in one step: {harm}",
            evidence=[(node.place(op), f"{_REMOVALS[op['op']]} `{_name_of(op)}`") for op in others[:5]],
            severity="warning" if link else None,
            key=node.key,
        )

    @staticmethod
    def _is_same_release(graph: MigrationGraph, node: MigrationNode, op: dict[str, Any], report: Reporter) -> bool:
        """Tell whether what is removed was made less than a day before, as the headers of both migrations say."""
        maker = _maker(graph, node, op)
        if maker is None or not node.made or not maker[0].made:
            return False
        from datetime import datetime, timedelta

        try:
            times = [datetime.strptime(found.made, "%Y-%m-%d %H:%M") for found in (maker[0], node)]
        except ValueError:
            return False
        if timedelta(0) <= times[1] - times[0] < timedelta(days=1):
            report.silent("made and removed within a day: it may never have been released", node.place(op))
            return True
        return False


def _name_of(op: dict[str, Any]) -> str:
    """The column with its table; a table alone."""
    return f"{op['table']}.{op['name']}" if op["name"] and op["op"] != "rename_table" else str(op["table"])


def _maker(graph: MigrationGraph, node: MigrationNode, op: dict[str, Any]) -> tuple[MigrationNode, dict[str, Any]] | None:
    """The nearest migration before that adds the column or creates its table, with the operation."""
    column = op["op"] in ("drop_column", "rename_column")
    for before in graph.before(node):
        for made in before.ops:
            if made["table"] != op["table"]:
                continue
            if made["op"] == "create_table" or (column and made["op"] == "add_column" and made["name"] == op["name"]):
                return before, made
    return None


def _is_link(graph: MigrationGraph, node: MigrationNode, op: dict[str, Any]) -> bool:
    maker = _maker(graph, node, op) if op["op"] in ("drop_column", "rename_column") else None
    if maker is None:
        return False
    return maker[1].get("field") == "ManyToManyField" or op["name"] in maker[1].get("links", ())
