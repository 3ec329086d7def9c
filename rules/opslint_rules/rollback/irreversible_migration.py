"""A migration that cannot be taken back."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, AlembicRevision, DjangoMigration, Meta, ProjectRule, SqlScript

if TYPE_CHECKING:
    from typing import Any

    from opslint.api import DeploymentModel, MigrationGraph, MigrationNode, Reporter

_DESTRUCTIVE = frozenset(("drop_table", "drop_column"))
_DATA = frozenset(("run_python", "run_sql", "sql", "insert", "update", "delete", "state"))
_HARMLESS = frozenset(("state", "add_index", "drop_index", "add_enum_value", "other", "sql"))
"""What the version before does not notice: indexes, and a further value of an enum (which PostgreSQL cannot take back anyway)."""


class IrreversibleMigration(ProjectRule):
    """A new migration has no way back.

    What it finds:
        Alembic: a revision that changes something, whose `downgrade()` is empty, missing or raises. Django: `RunPython`
        or `RunSQL` without a reverse. SQL: an up script without its down script in a directory where the others have one.

    In production:
        The release is bad and must be rolled back. The schema cannot go with it, and the old version meets tables it does
        not know.

    Bad:
        # file: migrations/versions/b2_email.py
        from alembic import op
        revision = "b2"
        down_revision = None
        def upgrade():
            op.drop_column("users", "nickname")
        def downgrade():  # expect: irreversible-migration
            pass

    Good:
        # file: migrations/versions/b2_email.py
        import sqlalchemy as sa
        from alembic import op
        revision = "b2"
        down_revision = None
        def upgrade():
            op.drop_column("users", "nickname")
        def downgrade():
            op.add_column("users", sa.Column("nickname", sa.String(50), nullable=True))

    Exempt:
        Merge revisions and revisions that do nothing; `RunPython.noop` as reverse; indexes; a further value of an
        enum; squashes; what `opslint: assume[irreversible]` covers.
        A Django migration without schema changes whose functions only update rows (a backfill) is a note.

    Fix safety:
        Manual: `migrations.RunPython.noop` where nothing needs to be undone.

    Authority:
        https://docs.djangoproject.com/en/stable/ref/migration-operations/#runpython
    """

    meta = Meta(
        "irreversible-migration",
        category="rollback",
        severity="error",
        confidence="high",
        summary="A new migration has no way back",
        help="Write the downgrade, or say `RunPython.noop` where there is nothing to undo.",
        authority="https://docs.djangoproject.com/en/stable/ref/migration-operations/#runpython",
    )
    needs = (AlembicRevision, DjangoMigration, SqlScript)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each new migration once."""
        for graph in model.migrations.all:
            pairs = sum(node.downgrade == "given" for node in graph.nodes.values())
            for node in graph.nodes.values():
                if not node.new:
                    continue
                if graph.tool == "django":
                    self._django(node, report)
                elif graph.tool == "alembic" or pairs * 2 > len(graph.nodes):
                    self._downgrade(graph, node, report)

    def _django(self, node: MigrationNode, report: Reporter) -> None:
        found = [
            op
            for op in node.ops
            if op.get("reverse") == "none" and op["op"] != "state" and "irreversible" not in op.get("assumed", ())
        ]
        if not found:
            return
        schema = any(op["op"] not in _DATA for op in node.ops)
        only_rows = not schema and all(_only_updates(op) for op in found)
        also = ", also not over its schema changes" if schema else ""
        if only_rows:
            also = "; it changes no schema, and `RunPython.noop` would say that nothing needs undoing"
        first, *others = found
        what = f"`RunPython({first['name']})`" if first["op"] == "run_python" and first["name"] else "`RunPython` or `RunSQL`"
        report(
            at=node.place(first),
            message=f"{what} has no reverse: `manage.py migrate` cannot go back over this migration{also}.",
            evidence=[(node.place(op), "no reverse either") for op in others[:5]],
            severity="note" if only_rows else "error" if any(op["op"] in _DESTRUCTIVE for op in node.ops) else "warning",
            key=node.key,
        )

    def _downgrade(self, graph: MigrationGraph, node: MigrationNode, report: Reporter) -> None:
        changes = [op for op in node.ops if op["op"] not in _HARMLESS]
        if node.downgrade == "given" or not changes or len(node.parents) > 1 or "irreversible" in node.assumed:
            return
        if all("irreversible" in op.get("assumed", ()) for op in changes):
            return
        how = {"empty": "is empty", "raises": "raises", "missing": "is missing"}[node.downgrade]
        what = "`downgrade()`" if graph.tool == "alembic" else "The down script"
        destructive = next((op for op in changes if op["op"] in _DESTRUCTIVE), None)
        first = destructive or changes[0]
        report(
            at=node.down_loc,
            message=f"{what} of `{node.key.rpartition('/')[2]}` {how}: the release cannot be rolled back together with its schema.",
            evidence=[(node.place(first), f"changes `{first.get('table') or first.get('name') or 'the database'}`")],
            severity="error" if destructive is not None else "warning",
            key=node.key,
        )


def _only_updates(op: dict[str, Any]) -> bool:
    """Tell whether a data operation is known to take nothing away and to add nothing that a way back would have to remove."""
    steps = op.get("steps") if op["op"] == "run_python" else [op]
    return steps is not None and all(
        step["op"] == "update" or (step["op"] == "insert" and bool(step.get("guarded"))) for step in steps
    )
