"""What a call outside the process reaches, by the origin of the object it is called on.

Data: a row is (prefix of the origin, kind). A constructor alone touches nothing; a method of what it made does, and so do the module functions
listed as such.
"""

from __future__ import annotations

PREFIXES = (
    ("aio_pika.", "broker"),
    ("aiobotocore.", "aws"),
    ("aiohttp.", "http"),
    ("aiokafka.", "broker"),
    ("aiomysql.", "database"),
    ("aioredis.", "cache"),
    ("aiosqlite.", "disk"),
    ("anthropic.", "http"),
    ("asyncpg.", "database"),
    ("azure.", "http"),
    ("beanie.", "database"),
    ("boto3.", "aws"),
    ("cassandra.", "database"),
    ("confluent_kafka.", "broker"),
    ("databases.", "database"),
    ("django.core.cache.", "cache"),
    ("django.core.mail.", "mail"),
    ("django.db.", "database"),
    ("elasticsearch.", "database"),
    ("flask_sqlalchemy.", "database"),
    ("google.cloud.", "http"),
    ("httpx.", "http"),
    ("kafka.", "broker"),
    ("kombu.", "broker"),
    ("mongoengine.", "database"),
    ("motor.", "database"),
    ("MySQLdb.", "database"),
    ("neo4j.", "database"),
    ("openai.", "http"),
    ("peewee.", "database"),
    ("pika.", "broker"),
    ("psycopg.", "database"),
    ("psycopg2.", "database"),
    ("psycopg_pool.", "database"),
    ("pymemcache.", "cache"),
    ("pymongo.", "database"),
    ("pymysql.", "database"),
    ("qdrant_client.", "database"),
    ("redis.", "cache"),
    ("requests.", "http"),
    ("smtplib.", "mail"),
    ("sqlalchemy.", "database"),
    ("sqlalchemy_utils.", "database"),
    ("sqlite3.", "disk"),
    ("sqlmodel.", "database"),
    ("stripe.", "http"),
    ("subprocess.", "process"),
    ("supabase.", "http"),
    ("tortoise.", "database"),
    ("twilio.", "http"),
    ("urllib.request.urlopen", "http"),
    ("urllib3.PoolManager", "http"),
    ("urllib3.request", "http"),
    ("valkey.", "cache"),
)
"""Prefix of the origin → kind of the dependency."""

_FUNCTIONS = frozenset(
    ("connect", "connect_robust", "create_connection", "create_pool", "from_url", "urlopen", "send_mail", "get", "post", "put")
    + ("patch", "delete", "head", "options", "request", "create", "list", "retrieve", "run", "check_call", "check_output", "call")
)
"""Module functions that reach out by themselves."""

_LOCAL = frozenset(
    (
        "Column",
        "ForeignKey",
        "Index",
        "Integer",
        "String",
        "Table",
        "and_",
        "case",
        "cast",
        "delete",
        "desc",
        "func",
        "insert",
        "join",
    )
    + (
        "or_",
        "outerjoin",
        "select",
        "text",
        "union",
        "update",
        "where",
        "filter",
        "order_by",
        "values",
        "limit",
        "offset",
        "Q",
        "F",
    )
    + (
        "label",
        "options",
        "joinedload",
        "selectinload",
        "subquery",
        "returning",
        "mapped_column",
        "relationship",
        "register_blueprint",
    )
    + ("model_dump", "model_validate", "dict", "json", "raise_for_status", "close", "aclose", "on_event", "exception_handler")
)
"""Methods that only build a statement or read what was already fetched."""

_QUERYSET = ("objects", "_default_manager")


def kind_of(origin: str) -> str:
    """Return the kind of dependency a call of this origin touches, "" for none."""
    if any(f".{manager}." in origin for manager in _QUERYSET):
        return "database"
    name = origin.rpartition(".")[2]
    for prefix, kind in PREFIXES:
        if origin.startswith(prefix):
            if name in _LOCAL and not (kind == "http" and name == "delete"):
                return ""
            if prefix == "django.db." and not origin.startswith(("django.db.connection", "django.db.models.Model.objects")):
                return ""
            if "()" in origin or ".objects." in origin:
                return kind
            return (
                kind
                if (name in _FUNCTIONS and not name[:1].isupper() and kind != "cache") or prefix == "django.core.cache."
                else ""
            )
    if origin == "open" or origin.startswith("shutil.disk_usage"):
        return "disk"
    return ""
