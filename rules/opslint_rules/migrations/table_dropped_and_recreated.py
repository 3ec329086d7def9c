"""A script that empties a table by dropping it and making it again."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, AlembicRevision, Meta, ProjectRule, SqlScript, script_is_run

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, MigrationNode, Reporter


class TableDroppedAndRecreated(ProjectRule):
    """A migration drops a table and creates it again: its rows are gone.

    What it finds:
        A new migration, or a numbered SQL script, that drops a table and then creates one of the same name.

    In production:
        The first run on an empty database hides it. The second run, or the first one in production, deletes every row of
        the table.

    Bad:
        # file: sql/001_schema.sql
        CREATE SCHEMA IF NOT EXISTS shop;
        DROP TABLE IF EXISTS shop.orders CASCADE; -- expect: table-dropped-and-recreated
        CREATE TABLE shop.orders (id bigint PRIMARY KEY);

    Good:
        # file: sql/001_schema.sql
        CREATE SCHEMA IF NOT EXISTS shop;
        CREATE TABLE IF NOT EXISTS shop.orders (id bigint PRIMARY KEY);

    Exempt:
        Temporary tables; a table that was renamed or copied first; down migrations. A numbered script that no
        migration tool, command or container here is seen to run is a note.

    Fix safety:
        Manual.

    Authority:
        https://aws.amazon.com/builders-library/ensuring-rollback-safety-during-deployments/
    """

    meta = Meta(
        "table-dropped-and-recreated",
        category="migrations",
        severity="error",
        confidence="high",
        summary="A migration drops a table and creates it again: its rows are gone",
        help="Use `CREATE TABLE IF NOT EXISTS` and `ALTER TABLE`; keep scripts that reset a database out of the migrations.",
        authority="https://aws.amazon.com/builders-library/ensuring-rollback-safety-during-deployments/",
    )
    needs = (AlembicRevision, SqlScript)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each script once; numbered SQL scripts without a tool's marks run whenever somebody starts them."""
        for graph in model.migrations.all:
            if graph.tool == "django":
                continue
            for node in graph.nodes.values():
                if node.new or graph.tool == "sql":
                    self._node(node, graph.tool != "sql" or script_is_run(model, node.path), report)

    def _node(self, node: MigrationNode, is_run: bool, report: Reporter) -> None:
        dropped: dict[str, dict[str, object]] = {}
        recreated: list[str] = []
        saved: set[str] = set()
        for op in node.ops:
            table = str(op.get("table", ""))
            if op["op"] == "drop_table" and table and table not in saved:
                dropped.setdefault(table, op)
            elif op["op"] == "create_table" and table in dropped and not op.get("temporary") and table not in recreated:
                recreated.append(table)
            elif op["op"] in ("create_table", "insert", "rename_table"):
                saved.add(table)
        if not recreated:
            return
        unseen = "" if is_run else " (no command or migration tool here is seen to run it)"
        first = min((dropped[table] for table in recreated), key=lambda op: int(str(op["at"])))
        tables = f"the table `{recreated[0]}`" if len(recreated) == 1 else f"{len(recreated)} tables (`{recreated[0]}`, …)"
        report(
            at=(node.path, first["at"]),  # type: ignore[arg-type]
            message=f"The script drops {tables} and creates them again: whoever runs it on a database in use loses all their rows{unseen}.",
            severity=None if is_run else "note",
            evidence=[
                (node.place(op), "created again here")
                for op in node.ops
                if op["op"] == "create_table" and op["table"] == recreated[0]
            ][:1],
            key=recreated[0],
        )
