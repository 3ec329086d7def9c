"""What may be kept of a possibly secret value."""

from __future__ import annotations

import pytest
from opslint.base.masking import holds_secret, is_credential_name, is_secret_name, mask, mask_named, strip_credentials


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


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("redis://h:6379?db=2", "redis://h:6379?db=3"),
        ("postgresql://h/d?schema=a", "postgresql://h/d?schema=b"),
    ],
)
def test_parts_of_a_server_that_a_query_names_differ(left: str, right: str) -> None:
    assert mask(left).digest != mask(right).digest


MARK = "s3cr3tMark"


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://u:{MARK}/x@db.example.com:5432/app",
        f"postgres://u:a/{MARK}@db.example.com/app",
        f"DefaultEndpointsProtocol=http;AccountName=acme;AccountKey={MARK};BlobEndpoint=http://azurite:10000/acme",
        f"Server=tcp:acme.database.windows.net,1433;Database=orders;User Id=a;Password={MARK}",
        f"Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey={MARK};EntityPath=orders",
        f"host=db.example.com dbname=orders password={MARK}",
        f"jdbc:sqlserver://db.example.com:1433;databaseName=orders;password={MARK}",
        f"tgram://{MARK}/123",
        f"discord://123456/{MARK}",
        f"{MARK} says http://example.com",
        f"https://hooks.example.com/services/{MARK}",
    ],
)
def test_nothing_secret_is_kept(text: str) -> None:
    masked = mask(text)
    kept = "|".join(str(item) for item in masked.as_tuple()).lower()
    assert MARK.lower() not in kept


@pytest.mark.parametrize(
    ("text", "scheme", "host", "name"),
    [
        (
            "Server=tcp:acme.database.windows.net,1433;Database=orders;Password=x",
            "sqlserver",
            "acme.database.windows.net",
            "orders",
        ),
        ("host=db.example.com dbname=orders password=x", "postgres", "db.example.com", "orders"),
        ("DefaultEndpointsProtocol=https;AccountName=Acme;AccountKey=x", "azure-storage", "acme.blob.core.windows.net", ""),
        ("Endpoint=sb://a.servicebus.windows.net/;SharedAccessKey=x;EntityPath=q", "sb", "a.servicebus.windows.net", "q"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", "https", "sqs.eu-west-1.amazonaws.com", "123456789012/jobs"),
        ("postgres:///app?host=/cloudsql/acme:europe-west1:main", "postgres", "acme:europe-west1:main", "app"),
    ],
)
def test_where_connection_strings_point(text: str, scheme: str, host: str, name: str) -> None:
    masked = mask(text)
    assert (masked.kind, masked.scheme, masked.host, masked.name) == ("url", scheme, host, name)


def test_a_credential_is_kept_by_its_digest_only() -> None:
    masked = mask_named("DB_PASSWORD", "hunter.two")
    assert (masked.kind, masked.host, masked.name, masked.plain) == ("text", "", "", None)
    assert mask_named("DB_PASSWORD", "123456").plain is None
    assert mask_named("DB_HOST", "db.example.com").host == "db.example.com"


@pytest.mark.parametrize(
    ("name", "may", "holds", "is_one"),
    [
        ("DB_PASSWORD", True, True, True),
        ("DBPASSWORD", True, False, True),
        ("apiToken", True, True, True),
        ("access_key_id", False, True, False),
        ("SENTRY_DSN", True, True, False),
        ("OAUTH_TOKEN_URL", False, False, False),
        ("secret_name", True, False, False),
        ("JWT_PUBLIC_KEY", True, False, False),
        ("SIGNING_KEY", True, True, True),
        ("registry-password", True, True, True),
        ("spring.datasource.password", True, True, True),
        ("hash_key", True, False, True),
        ("HOST", False, False, False),
        ("TOKENIZER", True, False, False),
    ],
)
def test_names_of_secrets(name: str, may: bool, holds: bool, is_one: bool) -> None:
    assert (is_secret_name(name), holds_secret(name), is_credential_name(name)) == (may, holds, is_one)
