"""What migrations do: operations of Django, Alembic and SQL."""

from __future__ import annotations

from typing import Any

import pytest
from opslint.facts.alembic_revisions import extract as alembic
from opslint.facts.data_steps import sql_ops
from opslint.facts.django_migrations import extract as django
from opslint.facts.migration_runs import extract as runs
from opslint.syntax import python, sql


def _facts(extract: Any, text: str) -> list[Any]:
    found: list[Any] = []
    extract(python.read(text.encode()), found.append)
    return found


def _ops(ops: list[dict[str, Any]], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(op.get(key) for key in ("op", "table", *keys)) for op in ops]


def test_alembic_operations() -> None:
    (fact,) = _facts(
        alembic,
        """
import sqlalchemy as sa
from alembic import op
revision: str = "b"
down_revision: tuple[str, ...] | None = ("a", "c")
roles = sa.table("roles", sa.column("name"))
def helper():
    op.drop_table("old")
def upgrade() -> None:
    helper()
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("plan", sa.String(), nullable=False))
        batch_op.alter_column("nick", new_column_name="name")
    for name in ("x", "y"):
        op.execute(roles.insert().values(name=name))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (plan)")
    op.create_index("j", "users", ["nick"], postgresql_concurrently=True)
def downgrade() -> None:
    raise NotImplementedError
""",
    )
    assert [parent for parent, _at in fact.parents] == ["a", "c"]
    assert fact.downgrade == "raises"
    assert sorted(_ops(fact.ops, "name")) == sorted(
        [
            ("add_column", "users", "plan"),
            ("rename_column", "users", "nick"),
            ("insert", "roles", ""),
            ("add_index", "users", "i"),
            ("add_index", "users", "j"),
            ("drop_table", "old", ""),
        ]
    )
    insert = next(op for op in fact.ops if op["op"] == "insert")
    assert insert["loop"]
    assert not insert["guarded"]


def test_django_operations() -> None:
    (fact,) = _facts(
        django,
        """
from django.db import migrations, models
def fill(apps, schema_editor):
    Plan = apps.get_model("shop", "Plan")
    Plan.objects.create(name="a")
    Plan.objects.update(n=models.F("n") + 1)
class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0001")] + EXTRA
    operations = [
        migrations.AddField("Order", "note", models.CharField(default="", max_length=9)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN x", migrations.RunSQL.noop)],
            state_operations=[migrations.RemoveField("order", "x")],
        ),
        migrations.RunPython(fill),
    ]
""",
    )
    assert not fact.atomic
    assert fact.open
    assert _ops(fact.ops, "name", "reverse") == [
        ("add_column", "order", "note", None),
        ("drop_column", "shop_order", "x", "noop"),
        ("state", "order", "x", None),
        ("run_python", "", "fill", "none"),
    ]
    assert fact.ops[0]["required"] is True
    assert fact.ops[0]["default"] == "python"
    steps = fact.ops[3]["steps"]
    assert [(step["op"], step.get("table"), step.get("relative")) for step in steps] == [
        ("insert", "plan", None),
        ("update", None, True),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE IF NOT EXISTS a.b (x int)", [("create_table", "a.b", True)]),
        ("drop table if exists a, b cascade", [("drop_table", "a", True), ("drop_table", "b", True)]),
        (
            "ALTER TABLE ONLY t ADD COLUMN c int NOT NULL, DROP COLUMN d",
            [("add_column", "t", False), ("drop_column", "t", False)],
        ),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", [("insert", "t", True)]),
        ("INSERT INTO t SELECT 1 WHERE NOT EXISTS (SELECT 1)", [("insert", "t", True)]),
        ("UPDATE t SET n = n + 1", [("update", "t", False)]),
        ("UPDATE t SET n = n + 1 WHERE n < 5", [("update", "t", True)]),
        ("BEGIN; SELECT 1; COMMIT", []),
        ("DO $$ BEGIN EXECUTE 'drop table x; --'; END $$", [("sql", None, None)]),
    ],
)
def test_sql_statements(text: str, expected: list[tuple[Any, ...]]) -> None:
    assert [(op["op"], op.get("table"), op.get("guarded")) for op in sql_ops([text])] == expected


def test_relative_updates() -> None:
    (grows,) = sql_ops(["UPDATE t SET n = n * 100"])
    (json,) = sql_ops(["UPDATE t SET p = p - 'key'"])
    assert (grows["relative"], json["relative"]) == (True, False)


def test_splitter_survives_quotes_comments_and_dollars() -> None:
    text = "-- a;b\nSELECT 'it''s; x', \"a;b\"; /* ; */ CREATE FUNCTION f() AS $x$ a; b $x$;\nINSERT INTO t VALUES ('\\';');"
    assert [statement.words[0] for statement in sql.split(text)] == ["SELECT", "CREATE", "INSERT"]
    assert sql.split(text)[2].span[0] == 3


def test_unclosed_sql_ends() -> None:
    for text in ("SELECT 'x", "/* x", "$$ x", '"', "'" * 9, "$" * 2000, "/" * 2000):
        sql.split(text)


def test_migrations_at_start() -> None:
    found = _facts(
        runs,
        """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from alembic import command
from app.db import init
def migrate():
    command.upgrade(None, "head")
@asynccontextmanager
async def lifespan(app):
    migrate()
    init()
    yield
app = FastAPI(lifespan=lifespan)
def later():
    Base.metadata.create_all(engine)
if __name__ == "__main__":
    Base.metadata.create_all(engine)
""",
    )
    assert [(fact.tool, fact.when, fact.function) for fact in found if type(fact).__name__ == "MigrationRun"] == [
        ("alembic", "startup", "migrate"),
        ("create_all", "function", "later"),
    ]
    (startup,) = [fact for fact in found if type(fact).__name__ == "StartupCalls"]
    assert "app.db.init" in [call[0] for call in startup.calls]
