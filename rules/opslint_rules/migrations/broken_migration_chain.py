"""A migration that follows one that is not there."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, AlembicRevision, DjangoMigration, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, MigrationGraph, Reporter


class BrokenMigrationChain(ProjectRule):
    """A migration depends on one that does not exist, or the chain is a circle.

    What it finds:
        An Alembic `down_revision` or `depends_on`, or a Django dependency on an app of this repository, that names a
        migration which is nowhere; two Alembic revisions with the same identifier; migrations that depend on each other
        in a circle.

    In production:
        The tool cannot build its graph and stops with an error before the first statement, in every environment, on the
        next deployment.

    Bad:
        # file: migrations/versions/b2_email.py
        from alembic import op
        revision = "b2"
        down_revision = "a1"  # expect: broken-migration-chain
        def upgrade():
            op.execute("CREATE TABLE emails (id int)")
        def downgrade():
            op.execute("DROP TABLE emails")

    Good:
        # file: migrations/versions/b2_email.py
        from alembic import op
        revision = "b2"
        down_revision = None
        def upgrade():
            op.execute("CREATE TABLE emails (id int)")
        def downgrade():
            op.execute("DROP TABLE emails")

    Exempt:
        Dependencies on Django's own and on third-party apps; names that a squashed migration replaces; `__first__` and
        `__latest__`.

    Fix safety:
        None.

    Authority:
        https://alembic.sqlalchemy.org/en/latest/tutorial.html
    """

    meta = Meta(
        "broken-migration-chain",
        category="migrations",
        severity="error",
        confidence="high",
        summary="A migration depends on one that does not exist, or the chain is a circle",
        help="Restore the missing migration, or let this one follow the last one that is there.",
        authority="https://alembic.sqlalchemy.org/en/latest/tutorial.html",
    )
    needs = (AlembicRevision, DjangoMigration)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every graph, whether its migrations are new or not."""
        for graph in model.migrations.all:
            self._missing(graph, report)
            for cycle in graph.cycles:
                first, *others = cycle
                report(
                    at=first.loc,
                    message=f"The migration `{first.key}` depends on itself through {len(others)} others: the tool cannot order them.",
                    evidence=[(node.loc, f"`{node.key}` is part of the circle") for node in others],
                    key=first.key,
                )
            for first_loc, second_loc, name in graph.duplicates:
                report(
                    at=second_loc,
                    message=f"The revision `{name}` exists twice: which of the two runs depends on the order of the files.",
                    evidence=[(first_loc, "the other one")],
                    key=name,
                )

    def _missing(self, graph: MigrationGraph, report: Reporter) -> None:
        for node, name, loc in graph.missing:
            report(
                at=loc,
                message=f"`{node.key}` follows `{name}`, which does not exist in this repository: the migration tool stops before it does anything.",
                key=f"{node.key} {name}",
                derived=[other.path for other in graph.nodes.values()],
            )
