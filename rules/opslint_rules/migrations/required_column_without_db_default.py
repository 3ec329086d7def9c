"""A column that the running version does not fill."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, AlembicRevision, DjangoMigration, Meta, ProjectRule, SqlScript

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, MigrationGraph, MigrationNode, Reporter

_ROLLING = frozenset(("Deployment", "StatefulSet", "Rollout"))
"""Workloads of which old and new pods serve side by side during a release."""

_EMPTY_DEFAULT = frozenset(
    ("CharField", "TextField", "SlugField", "EmailField", "URLField", "FileField", "ImageField", "FilePathField")
)
"""Django fills these with the empty string while it adds the column, and drops that default again."""


class RequiredColumnWithoutDbDefault(ProjectRule):
    """A NOT NULL column without a database default is added to a table in use.

    What it finds:
        A new migration that adds a required column with no server default to a table that it does not create. Django's
        `default=` lives in Python: Django takes it out of the database again when the column is there.

    In production:
        Alembic and SQL: the statement fails on a table that has rows. Django: the old version, still running during the
        rollout or after a rollback, inserts rows without the column, and each insert fails.

    Bad:
        # file: migrations/versions/b2_plan.py
        import sqlalchemy as sa
        from alembic import op
        revision = "b2"
        down_revision = None
        def upgrade():
            op.add_column("accounts", sa.Column("plan", sa.String(20), nullable=False))  # expect: required-column-without-db-default
        def downgrade():
            op.drop_column("accounts", "plan")

    Good:
        # file: migrations/versions/b2_plan.py
        import sqlalchemy as sa
        from alembic import op
        revision = "b2"
        down_revision = None
        def upgrade():
            op.add_column("accounts", sa.Column("plan", sa.String(20), nullable=False, server_default="free"))
        def downgrade():
            op.drop_column("accounts", "plan")

    Exempt:
        Tables that the same release creates; `db_default`, `server_default`, generated columns; a column that the same
        migration fills and then alters; fields whose arguments or class are not known; squashes. A Python default is a warning where a
        Deployment replaces its pods one by one, else a note.

    Fix safety:
        Manual: `db_default=` (Django 5.0) or `server_default=`, or add the column as NULL, fill it, and make it required a release later.

    Authority:
        https://docs.djangoproject.com/en/stable/ref/models/fields/#db-default
    """

    meta = Meta(
        "required-column-without-db-default",
        category="migrations",
        severity="error",
        confidence="high",
        summary="A NOT NULL column without a database default is added to a table in use",
        help="Give the column a database default (`db_default=`, `server_default=`), or add it as NULL first.",
        authority="https://docs.djangoproject.com/en/stable/ref/models/fields/#db-default",
    )
    needs = (AlembicRevision, DjangoMigration, SqlScript)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each new migration once."""
        rolling = any(workload.kind in _ROLLING for workload in model.workloads)
        for graph in model.migrations.all:
            created = set() if model.all_migrations else graph.new_tables()
            for node in graph.nodes.values():
                if node.new:
                    self._node(graph, node, created, report, rolling=rolling)

    def _node(self, graph: MigrationGraph, node: MigrationNode, created: set[str], report: Reporter, *, rolling: bool) -> None:
        own = created | {op["table"] for op in node.ops if op["op"] == "create_table"}
        found = [
            op
            for op in node.ops
            if op["op"] == "add_column"
            and op.get("required") is True
            and op.get("default") in ("none", "python")
            and op["table"] not in own
            and not op.get("guarded")
            and not _in_steps(node, op)
        ]
        if not found:
            return
        fails = [op for op in found if op["default"] == "none" and op.get("field") not in _EMPTY_DEFAULT]
        if graph.tool != "django":
            fails = found
        first = (fails or found)[0]
        column = f"`{first['table']}.{first['name']}`"
        if fails:
            message = f"The required column {column} has no default: adding it fails on a table that has rows, and the running version cannot insert."
        else:
            message = (
                f"The default of {column} lives in Python only: until every old pod is gone (and after a rollback) "
                "their inserts fail on the new NOT NULL column."
            )
        report(
            at=node.place(first),
            message=message,
            evidence=[(node.place(op), f"`{op['name']}` likewise") for op in (fails or found) if op is not first][:5],
            severity="error" if fails else "warning" if rolling else "note",
            confidence="high" if fails else "medium",
            key=node.key,
        )


def _in_steps(node: MigrationNode, added: dict[str, object]) -> bool:
    """The same migration fills the column and then alters it: added, filled and made strict step by step."""
    later = node.ops[node.ops.index(added) + 1 :]
    fills = next((index for index, op in enumerate(later) if op["op"] in ("run_python", "run_sql", "update")), None)
    if fills is None:
        return False
    return any(
        op["op"] == "alter_column" and (op["table"], op["name"]) == (added["table"], added["name"]) for op in later[fills:]
    )
