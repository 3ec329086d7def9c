"""A column or table that is taken from under the running version."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, DjangoMigration, Meta, ProjectRule

if TYPE_CHECKING:
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
        The database half of `SeparateDatabaseAndState`, whose state half went out a release earlier; tables and columns
        that the same release adds; squashes (`replaces`); what `opslint: assume[contract]` or `assume[expand]` covers.

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
        if not found:
            return
        first, *others = found
        name = f"{first['table']}.{first['name']}" if first["name"] else first["table"]
        more = f" (and {len(others)} more)" if others else ""
        report(
            at=node.place(first),
            message=f"The migration {_REMOVALS[first['op']]} `{graph.label}.{name}`{more} in one step: "
            "the version that still runs selects it, and its queries fail.",
            evidence=[
                (node.place(op), f"{_REMOVALS[op['op']]} `{op['table']}{'.' + op['name'] if op['name'] else ''}`")
                for op in others[:5]
            ],
            key=node.key,
        )
