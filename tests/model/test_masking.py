"""What may be kept of a possibly secret value."""

from __future__ import annotations

import pytest
from opslint.base.masking import mask, strip_credentials


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("psql postgres://u:p@db.internal:5432/app", "psql postgres://db.internal:5432/app"),
        ("curl https://u:p)w,x;@host/path?token=abc", "curl https://host/path"),
        ("curl https://u:p/w@host/path", "curl https://host/path"),
        ("mysql --password=hunter2 -h db", "mysql --password=*** -h db"),
        ("tool --api-token hunter2 run", "tool --api-token *** run"),
        ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=*** psql -h db"),
        ("PGPASSWORD=$DB_PASSWORD psql", "PGPASSWORD=$DB_PASSWORD psql"),
        ("tool --token ${{ secrets.TOKEN }}", "tool --token ${{ secrets.TOKEN }}"),
        ("echo https://example.com/a", "echo https://example.com/a"),
        ("gunicorn app:app --bind 0.0.0.0:8000", "gunicorn app:app --bind 0.0.0.0:8000"),
    ],
)
def test_strip_credentials(text: str, kept: str) -> None:
    assert strip_credentials(text) == kept


@pytest.mark.parametrize(
    ("text", "kind", "host", "name"),
    [
        ("postgres://u:p@db.prod.internal:5432/app?x=1", "url", "db.prod.internal", "app"),
        ("redis://cache:6379/3", "url", "cache", "3"),
        ("https://api.example.com/hook/secret-token", "url", "api.example.com", ""),
        ("db.internal:5432", "host", "db.internal", ""),
        ("true", "bool", "", ""),
        ("", "empty", "", ""),
        ("8000", "int", "", ""),
    ],
)
def test_mask(text: str, kind: str, host: str, name: str) -> None:
    masked = mask(text)
    assert (masked.kind, masked.host, masked.name) == (kind, host, name)


def test_mask_ignores_user_info_and_query() -> None:
    assert mask("postgres://a:b@h:1/d?x=1").digest == mask("postgres://c:d@h:1/d").digest
