"""Migration graphs: heads, missing parents, circles, squashes, versions of SQL files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opslint.model.migrations import sql_version
from opslint.model.model import DeploymentModel

Make = Callable[..., DeploymentModel]


def _alembic(revision: str, down: object, extra: str = "") -> str:
    return f'revision = "{revision}"\ndown_revision = {down!r}\n{extra}\ndef upgrade():\n    pass\n\ndef downgrade():\n    pass\n'


def _django(dependencies: str, body: str = "") -> str:
    return f"from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [{dependencies}]\n{body}    operations = []\n"


def test_alembic_heads_across_version_locations(model_of: Make) -> None:
    files = {"a/1.py": _alembic("r1", None), "b/2.py": _alembic("r2", "r1"), "b/3.py": _alembic("r3", ("r2",))}
    (graph,) = model_of(files).migrations.alembic
    assert [node.key for node in graph.heads] == ["r3"]
    assert sorted(graph.nodes) == ["r1", "r2", "r3"]


def test_alembic_missing_duplicate_and_computed_parents(model_of: Make) -> None:
    files = {
        "a/1.py": _alembic("r1", "nowhere"),
        "a/2.py": _alembic("r1", None),
        "a/3.py": "P = find()\n" + _alembic("r3", None).replace("down_revision = None", "down_revision = P"),
    }
    (graph,) = model_of(files).migrations.alembic
    assert [name for _node, name, _loc in graph.missing] == ["nowhere"]
    assert [name for _a, _b, name in graph.duplicates] == ["r1"]
    assert graph.open


def test_circles_are_found_without_recursion(model_of: Make) -> None:
    files = {f"a/{index:04}.py": _alembic(f"r{index}", f"r{(index + 1) % 3000}") for index in range(3000)}
    (graph,) = model_of(files).migrations.alembic
    assert [len(cycle) for cycle in graph.cycles] == [3000]


def test_django_squash_swappable_first_and_other_apps(model_of: Make) -> None:
    files = {
        "shop/migrations/0001_initial.py": _django('("auth", "0001_initial"), migrations.swappable_dependency("auth.User")'),
        "shop/migrations/0002_x.py": _django('("shop", "0001_initial"), ("billing", "__first__")'),
        "shop/migrations/0001_squashed.py": _django("", '    replaces = [("shop", "0001_initial"), ("shop", "0002_x")]\n'),
        "shop/migrations/0003_y.py": _django('("shop", "0002_x"), ("billing", "0009_gone")'),
        "billing/migrations/0001_initial.py": _django(""),
    }
    billing, shop = model_of(files).migrations.django
    assert billing.missing == []
    assert [node.key for node in shop.heads] == ["0003_y"]
    assert [name for _node, name, _loc in shop.missing] == ["billing.0009_gone"]


def test_new_migrations(model_of: Make) -> None:
    files = {"a/1.py": _alembic("r1", None), "a/2.py": _alembic("r2", "r1")}
    new = model_of(files, old_paths=lambda: frozenset({"a/1.py"})).migrations.alembic[0]
    assert [node.key for node in new.nodes.values() if node.new] == ["r2"]
    history = model_of(files).migrations.alembic[0]
    assert not any(node.new for node in history.nodes.values())
    everything = model_of(files, all_migrations=True).migrations.alembic[0]
    assert all(node.new for node in everything.nodes.values())


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("V1_2__add.sql", (1, 2)),
        ("U3__undo.sql", (3,)),
        ("0001_a.up.sql", (1,)),
        ("20260101120000_a.sql", (20260101120000,)),
        ("001-a.sql", (1,)),
        ("schema.sql", None),
        ("12_ab.sql", None),
        ("R__views.sql", None),
    ],
)
def test_versions_of_sql_files(name: str, version: tuple[int, ...] | None) -> None:
    assert sql_version(name, "db") == version
