"""Rows that a second run of a migration inserts or changes again."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, AlembicRevision, DjangoMigration, Meta, ProjectRule, SqlScript

if TYPE_CHECKING:
    from typing import Any

    from opslint.api import DeploymentModel, MigrationGraph, MigrationNode, Reporter


class DataMigrationNotIdempotent(ProjectRule):
    """A data migration inserts or counts up without looking whether it did so before.

    What it finds:
        A new migration that inserts rows (`op.bulk_insert`, `table.insert()`, `objects.create`, `INSERT`) with no guard
        for rows that are there, or that changes a value by what it was (`SET n = n + 1`). Tables that the same migration
        creates are left out.

    In production:
        The migration stops half-way, or its bookkeeping is lost with a restored dump, and is run again: duplicate rows,
        or a unique violation that keeps it from ever ending.

    Bad:
        # file: migrations/versions/b2_roles.py
        import sqlalchemy as sa
        from alembic import op
        revision = "b2"
        down_revision = None
        roles = sa.table("roles", sa.column("name"))
        def upgrade():
            op.bulk_insert(roles, [{"name": "admin"}])  # expect: data-migration-not-idempotent
        def downgrade():
            op.execute("DELETE FROM roles WHERE name = 'admin'")

    Good:
        # file: migrations/versions/b2_roles.py
        from alembic import op
        revision = "b2"
        down_revision = None
        def upgrade():
            op.execute("INSERT INTO roles (name) VALUES ('admin') ON CONFLICT DO NOTHING")
        def downgrade():
            op.execute("DELETE FROM roles WHERE name = 'admin'")

    Exempt:
        `get_or_create`, `ON CONFLICT`, `WHERE NOT EXISTS`, `ignore_conflicts`, a look at the table first; tables created
        in the same migration; functions that are not in the migration's file; Django operations without a reverse in an
        atomic migration (they run once); what `opslint: assume[idempotent]` covers.
        An Alembic revision whose way back deletes from the tables that it inserts into is a note.

    Fix safety:
        Manual.

    Authority:
        https://docs.djangoproject.com/en/stable/topics/migrations/#data-migrations
    """

    meta = Meta(
        "data-migration-not-idempotent",
        category="migrations",
        severity="warning",
        confidence="medium",
        summary="A data migration inserts or counts up without looking whether it did so before",
        help="Insert with `ON CONFLICT DO NOTHING` or `get_or_create`; compute new values from columns the migration does not change.",
        authority="https://docs.djangoproject.com/en/stable/topics/migrations/#data-migrations",
    )
    needs = (AlembicRevision, DjangoMigration, SqlScript)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each new migration once, at its first such step."""
        for graph in model.migrations.all:
            for node in graph.nodes.values():
                if node.new:
                    self._node(graph, node, report)

    def _node(self, graph: MigrationGraph, node: MigrationNode, report: Reporter) -> None:
        created = {op["table"].rpartition(".")[2] for op in node.ops if op["op"] == "create_table"}
        if graph.tool == "django":
            created |= {f"{graph.label}_{table}" for table in created}
        found = []
        for op in node.ops:
            if node.transactional and op.get("reverse") == "none":
                # Done wholly or not at all, recorded with it, and never taken back: there is no second run.
                continue
            if op["op"] == "run_python" and op.get("steps") is None:
                report.silent("the function of a data migration is not in its file", node.place(op))
            for step in [op, *(op.get("steps") or [])]:
                again = step["op"] == "insert" or (step["op"] == "update" and step.get("relative"))
                table = str(step.get("table", "")).rpartition(".")[2]
                if not again or step.get("guarded") or "idempotent" in (*step.get("assumed", ()), *op.get("assumed", ())):
                    continue
                if created and not table and step["op"] == "insert":
                    report.silent("whether the rows go into the table that the migration creates is not known", node.place(op))
                elif table not in created:
                    found.append(step)
        if not found:
            return
        first, *others = found
        what = "inserts rows" if first["op"] == "insert" else "changes a value by what it was"
        table = f" into `{first['table']}`" if first.get("table") and first["op"] == "insert" else ""
        harm = "run a second time, it does it twice or fails"
        once = graph.tool == "alembic" and node.transactional and _is_taken_back(node)
        if once:
            harm = (
                "its way back takes them away, so only a database whose record of it was lost (a restored dump) meets them twice"
            )
        report(
            at=(node.path, first["at"]),
            message=f"The migration {what}{table} without looking whether it did so before: {harm}.",
            severity="note" if once else None,
            evidence=[((node.path, op["at"]), "likewise") for op in others[:5]],
            key=node.key,
        )


def _is_taken_back(node: MigrationNode) -> bool:
    """Tell whether the way back deletes from each table that the migration inserts into (it changes no value by what it was)."""
    inserted = {_table(op) for op in node.ops if op["op"] == "insert"}
    if any(op["op"] == "update" and op.get("relative") for op in node.ops):
        return False
    emptied = {_table(op) for op in node.down_ops if op["op"] in ("delete", "drop_table")}
    return bool(inserted) and "" not in inserted and inserted <= emptied


def _table(op: dict[str, Any]) -> str:
    return str(op.get("table", "")).rpartition(".")[2]
