"""What comments assume of a migration, and which fields and squashes are not judged."""

from __future__ import annotations

from typing import Any

from opslint.facts.alembic_revisions import extract as alembic
from opslint.facts.data_steps import sql_ops
from opslint.facts.django_migrations import extract as django
from opslint.syntax import python


def _facts(extract: Any, text: str) -> list[Any]:
    found: list[Any] = []
    extract(python.read(text.encode()), found.append)
    return found


DJANGO = """
import taggit.managers
from django.db import migrations, models

def fill(apps, schema_editor):
    Plan = apps.get_model("shop", "Plan")
    # opslint: assume[idempotent] -- the loader clears the table before
    Plan.objects.create(name="basic")

class Migration(migrations.Migration):
    operations = [
        migrations.RunPython(fill),  # opslint: assume[irreversible] -- rows stay
        migrations.RemoveField("order", "note"),
        migrations.AddField("order", "tags", taggit.managers.TaggableManager(to="tags.Tag")),
        migrations.AddField("order", "rank", models.IntegerField()),
    ]
"""


def test_django_operations_carry_what_is_assumed() -> None:
    (fact,) = _facts(django, DJANGO)
    run, removal, tags, rank = fact.ops
    assert run["assumed"] == ["irreversible"]
    assert [step["assumed"] for step in run["steps"] if step["op"] == "insert"] == [["idempotent"]]
    assert "assumed" not in removal
    assert (tags["required"], rank["required"]) == (None, True)


def test_an_assumption_over_the_class_holds_for_all_of_it() -> None:
    text = DJANGO.replace("class Migration", "# opslint: assume[contract] -- unused since 4.1\nclass Migration")
    (fact,) = _facts(django, text)
    assert all("contract" in op["assumed"] for op in fact.ops)


def test_an_assumption_without_a_reason_assumes_nothing() -> None:
    (fact,) = _facts(django, DJANGO.replace(" -- rows stay", ""))
    assert "assumed" not in fact.ops[0]


def test_alembic_downgrade() -> None:
    (fact,) = _facts(
        alembic,
        """
from alembic import op
revision = "b"
down_revision = "a"
def upgrade():
    op.drop_column("orders", "note")
def downgrade():
    # opslint: assume[irreversible] -- exported first
    pass
""",
    )
    assert fact.assumed == ["irreversible"]
    assert fact.downgrade == "empty"


def test_enum_values() -> None:
    (op,) = sql_ops(["ALTER TYPE authmethod ADD VALUE IF NOT EXISTS 'OIDC'"])
    assert (op["op"], op["name"], op["guarded"]) == ("add_enum_value", "authmethod", True)
    assert sql_ops(["ALTER TYPE mood RENAME TO feeling"])[0]["op"] == "alter_type"


def test_a_squash_is_history(model_of: Any) -> None:
    text = """
from django.db import migrations, models
class Migration(migrations.Migration):
    replaces = [("shop", "0001_initial")]
    operations = [migrations.RemoveField("order", "note")]
"""
    model = model_of({"shop/migrations/0001_squashed_0009.py": text}, all_migrations=True)
    (graph,) = model.migrations.django
    assert [node.new for node in graph.nodes.values()] == [False]
