"""Two migrations that both claim to be the last."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, AlembicRevision, DjangoMigration, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, MigrationGraph, MigrationNode, Reporter


class SeveralMigrationHeads(ProjectRule):
    """The migrations of one application end in two heads.

    What it finds:
        Alembic: two or more revisions of one branch that no other revision follows. Django: two or more leaf migrations
        in one app.

    In production:
        Two pull requests each added a migration on top of the same one. `alembic upgrade head` and `manage.py migrate`
        refuse to run: the deployment stops after the new images are built, or the pods restart for ever.

    Bad:
        # file: migrations/versions/a1_users.py
        from alembic import op
        revision = "a1"
        down_revision = None
        def upgrade():
            op.create_table("users")
        def downgrade():
            op.drop_table("users")
        # file: migrations/versions/b2_email.py
        from alembic import op
        revision = "b2"  # expect: several-migration-heads
        down_revision = "a1"
        def upgrade():
            op.execute("CREATE TABLE emails (id int)")
        def downgrade():
            op.execute("DROP TABLE emails")
        # file: migrations/versions/c3_phone.py
        from alembic import op
        revision = "c3"
        down_revision = "a1"
        def upgrade():
            op.execute("CREATE TABLE phones (id int)")
        def downgrade():
            op.execute("DROP TABLE phones")

    Good:
        # file: migrations/versions/a1_users.py
        from alembic import op
        revision = "a1"
        down_revision = None
        def upgrade():
            op.create_table("users")
        def downgrade():
            op.drop_table("users")
        # file: migrations/versions/b2_email.py
        from alembic import op
        revision = "b2"
        down_revision = "a1"
        def upgrade():
            op.execute("CREATE TABLE emails (id int)")
        def downgrade():
            op.execute("DROP TABLE emails")
        # file: migrations/versions/c3_phone.py
        from alembic import op
        revision = "c3"
        down_revision = "b2"
        def upgrade():
            op.execute("CREATE TABLE phones (id int)")
        def downgrade():
            op.execute("DROP TABLE phones")

    Exempt:
        Branches that carry labels; revisions that depend on other branches; a project that upgrades to `heads`; chains
        with a parent that is computed or missing (broken-migration-chain reports the latter).

    Fix safety:
        Manual: `alembic merge heads` or `manage.py makemigrations --merge`, after a look at what the two do.

    Authority:
        https://alembic.sqlalchemy.org/en/latest/branches.html
    """

    meta = Meta(
        "several-migration-heads",
        category="migrations",
        severity="error",
        confidence="high",
        summary="The migrations of one application end in two heads",
        help="Merge them: `alembic merge heads`, or `manage.py makemigrations --merge`.",
        authority="https://alembic.sqlalchemy.org/en/latest/branches.html",
    )
    needs = (AlembicRevision, DjangoMigration)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge every graph, whether its migrations are new or not."""
        for graph in model.migrations.all:
            if graph.tool == "sql" or len(graph.heads) < 2:
                continue
            if graph.open:
                report.silent(graph.open, graph.heads[0].loc)
                continue
            if graph.missing:
                # The tool stops at the parent that is nowhere before it counts heads; broken-migration-chain reports it.
                report.silent(f"a parent is missing: {graph.missing[0][1]}", graph.heads[0].loc)
                continue
            heads = _unlabelled(graph) if graph.tool == "alembic" else graph.heads
            if len(heads) < 2 or (graph.tool == "alembic" and model.migrations.upgrades_all_heads):
                continue
            self._report(graph, heads, report)

    def _report(self, graph: MigrationGraph, heads: list[MigrationNode], report: Reporter) -> None:
        first, *others = sorted(heads, key=lambda node: (not node.new, node.path))
        what = f"the app `{graph.label}`" if graph.tool == "django" else f"`{graph.location}`"
        command = "manage.py migrate" if graph.tool == "django" else "alembic upgrade head"
        names = ", ".join(f"`{node.key}`" for node in sorted(heads, key=lambda node: node.key))
        report(
            at=first.loc,
            message=f"The migrations of {what} have {len(heads)} heads ({names}): `{command}` refuses to run.",
            evidence=[(node.loc, f"`{node.key}` has no successor either") for node in others],
            key=graph.label,
            derived=[node.path for node in graph.nodes.values()],
        )


def _unlabelled(graph: MigrationGraph) -> list[MigrationNode]:
    """Heads that no branch label tells apart: those of the branch with the most heads."""
    by_label: dict[str, list[MigrationNode]] = {}
    for head in graph.heads:
        labels = head.labels or next((node.labels for node in graph.before(head) if node.labels), [])
        by_label.setdefault(labels[0] if labels else "", []).append(head)
    if len(by_label) > 1 or "" not in by_label:
        return max(by_label.values(), key=len)
    return graph.heads
