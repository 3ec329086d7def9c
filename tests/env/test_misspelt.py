"""Which names are misspelt ones of others, and which are other names."""

from __future__ import annotations

import pytest
from opslint.model.near_names import is_misspelt


@pytest.mark.parametrize(
    ("written", "meant", "expected"),
    [
        ("KAFKA_BROKER", "KAFKA_BROKERS", True),
        ("CACHE_BAKCEND", "CACHE_BACKEND", True),
        ("DATABSAE_ULR", "DATABASE_URL", False),
        ("DB_HOST", "DB_PORT", False),
        ("POOL_MIN", "POOL_MAX", False),
        ("SHARD_HOST1", "SHARD_HOST2", False),
        ("ORDER_QUEUE", "ORDER_QUEUE_NAME", False),
    ],
)
def test_is_misspelt(written: str, meant: str, expected: bool) -> None:
    assert is_misspelt(written, meant) is expected
