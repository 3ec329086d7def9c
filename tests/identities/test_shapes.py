"""What a value names, in one spelling whatever wrote it."""

from __future__ import annotations

import pytest
from opslint.base.masking import mask
from opslint.facts.env_values import masked
from opslint.model.identity_shapes import joined_shapes, mode_shape, shape_of, shorten


def _key(name: str, text: str) -> tuple[str, str | None, str] | None:
    shape = shape_of(name, masked(name, text))
    return None if shape is None else (shape.kind, shape.scope, shape.digest)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("DATABASE_URL", "postgres://a:b@db.acme.io/shop"), ("DB", "postgresql+asyncpg://c:d@db.acme.io:5432/shop?ssl=on")),
        (("REDIS_URL", "redis://r.acme.io:6379"), ("CACHE_URL", "rediss://:x@r.acme.io/0")),
        (("BROKER_URL", "amqp://u:p@mq.acme.io"), ("BROKER_URL", "amqps://u:p@mq.acme.io:5671/%2F")),
        (
            ("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"),
            ("QUEUE_ARN", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
        ),
        (("BUCKET", "acme-files"), ("FILES_URL", "https://acme-files.s3.eu-west-1.amazonaws.com")),
        (("BUCKET", "acme-files"), ("FILES_ARN", "arn:aws:s3:::acme-files/*")),
        (("BUCKET", "acme-files"), ("FILES_URL", "gs://acme-files")),
        (
            ("ConnectionStrings__Main", "Server=tcp:a.database.windows.net,1433;Database=shop;User Id=u;Password=p"),
            ("DATABASE_URL", "sqlserver://a.database.windows.net:1433/shop"),
        ),
    ],
)
def test_one_thing_in_two_spellings(left: tuple[str, str], right: tuple[str, str]) -> None:
    assert _key(*left) == _key(*right) is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("REDIS_URL", "redis://r.acme.io/0"), ("REDIS_URL", "redis://r.acme.io/1")),
        (("REDIS_URL", "redis://r.acme.io?db=0"), ("REDIS_URL", "redis://r.acme.io?db=1")),
        (("DATABASE_URL", "postgres://db.acme.io/shop"), ("DATABASE_URL", "postgres://db.acme.io/shop_staging")),
        (("DATABASE_URL", "postgres://db.acme.io/shop?schema=a"), ("DATABASE_URL", "postgres://db.acme.io/shop?schema=b")),
        (("BROKER_URL", "amqp://mq.acme.io/a"), ("BROKER_URL", "amqp://mq.acme.io/b")),
        (("FILES", "s3://acme/staging/x"), ("FILES", "s3://acme/production/x")),
    ],
)
def test_two_things(left: tuple[str, str], right: tuple[str, str]) -> None:
    assert _key(*left) != _key(*right)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("IMAGE_REGISTRY", "registry.staging.acme.io"),
        ("CORS_ORIGINS", "https://staging.acme.io"),
        ("instance_class", "db.t3.medium"),
        ("node_type", "cache.t4g.small"),
        ("account_replication_type", "GRS"),
        ("ADMIN_EMAIL", "admin@staging.acme.io"),
        ("GREETING", "hello"),
        ("PORT", "8000"),
    ],
)
def test_values_that_name_nothing(name: str, text: str) -> None:
    assert _key(name, text) is None


@pytest.mark.parametrize(
    ("name", "text", "kind", "tiers"),
    [
        ("API_HOST", "api.staging.acme.io", "host", ["staging"]),
        ("API_HOST", "api.shop.dev", "host", []),
        ("API_HOST", "liveness.product.acme.io", "host", []),
        ("DATABASE_URL", "postgres://db.staging.acme.io/orders_prod", "database", ["staging"]),
        ("STRIPE_KEY", "sk_test_abcdefgh", "key", ["development"]),
        ("APP_ENV", "staging", "mode", ["staging"]),
        ("DEFAULT_FROM_EMAIL", "shop@mail.staging.acme.io", "sender", ["staging"]),
        ("VAULT_ADDR", "https://kv-acme-prd.vault.azure.net", "vault", ["production"]),
        ("BACKEND_URL", "https://shop-prod.onrender.com", "app", ["production"]),
    ],
)
def test_kinds_and_tiers(name: str, text: str, kind: str, tiers: list[str]) -> None:
    shape = shape_of(name, masked(name, text))
    assert shape is not None
    assert (shape.kind, shape.tiers) == (kind, tiers)


def test_names_that_each_network_has_for_itself_have_no_scope() -> None:
    for text in ("redis://redis:6379/0", "postgres://db.internal/x", "http://10.0.0.5:80", "https://your-api.onrender.com"):
        found = _key("URL", text)
        assert found is not None
        assert found[1] is None


def test_settings_that_belong_together() -> None:
    values = [
        ("DB_HOST", mask("db.acme.io")),
        ("DB_PORT", mask("5432")),
        ("DB_NAME", mask("shop")),
        ("API_HOST", mask("api.acme.io")),
    ]
    joined = joined_shapes(values)
    assert list(joined) == ["DB_HOST"]
    whole = shape_of("DATABASE_URL", mask("postgres://db.acme.io/shop"))
    assert whole is not None
    assert (joined["DB_HOST"].kind, joined["DB_HOST"].scope, joined["DB_HOST"].digest) == (whole.kind, whole.scope, whole.digest)


def test_account_numbers_are_cut() -> None:
    assert shorten("sqs:eu-west-1:111122223333:jobs") == "sqs:eu-west-1:…3333:jobs"
    assert len(shorten("x" * 200)) <= 60


def test_what_says_no_environment_has_no_mode() -> None:
    assert mode_shape("mode", "standard") is None
