"""What a value names: a database on a server, a Redis slot, a vhost, a queue, a bucket, an account…, in one spelling whatever wrote it.

A queue's URL and its ARN, ``postgres://`` and ``postgresql+asyncpg://``, a default port and none give the same shape. Names are compared
by their keyed digest; only hosts, ARNs and what a literal of Terraform says are ever shown.
"""

from __future__ import annotations

from opslint.base.masking import Masked, digest_of
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.environment_names import STRONG, of_value, tier_tokens
from opslint.model.resource_queries import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

ALLOWED_NAMES = frozenset(
    "image images registry repository repo ecr acr gcr artifact artifacts artefact artefacts package packages layer chart charts cdn zone"
    " parent certificate cert acm snapshot restore source template module tag tags version docs documentation description mode stage tier"
    " profile settings config environment env label labels workspace key_prefix origin origins cors csrf allowed allowlist whitelist"
    " trusted".split()
)
"""Words of a name that say the value may be another environment's on purpose: things that are only read, or that name no thing."""

ALLOWED_HOSTS = (
    ".dkr.ecr.",
    "gcr.io",
    "pkg.dev",
    "ghcr.io",
    "docker.io",
    "quay.io",
    ".azurecr.io",
    ".jfrog.io",
    "nexus",
    "registry.",
    "artifacts.",
    "public.ecr.aws",
    "dev.azure.com",
)
"""Parts of hosts that hold images, packages and code."""

SERVERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "postgres": ("database", "postgres", ("5432",)),
    "postgresql": ("database", "postgres", ("5432",)),
    "postgis": ("database", "postgres", ("5432",)),
    "cockroachdb": ("database", "cockroach", ("26257",)),
    "mysql": ("database", "mysql", ("3306",)),
    "mariadb": ("database", "mysql", ("3306",)),
    "mssql": ("database", "mssql", ("1433",)),
    "sqlserver": ("database", "mssql", ("1433",)),
    "oracle": ("database", "oracle", ("1521",)),
    "mongodb": ("database", "mongodb", ("27017",)),
    "clickhouse": ("database", "clickhouse", ("9000", "8123", "9440", "8443")),
    "cassandra": ("database", "cassandra", ("9042",)),
    "redis": ("slot", "redis", ("6379", "6380")),
    "rediss": ("slot", "redis", ("6379", "6380")),
    "amqp": ("vhost", "amqp", ("5672", "5671")),
    "amqps": ("vhost", "amqp", ("5672", "5671")),
    "pyamqp": ("vhost", "amqp", ("5672", "5671")),
    "kafka": ("server", "kafka", ("9092", "9093", "9094")),
    "nats": ("server", "nats", ("4222",)),
    "memcached": ("server", "memcached", ("11211",)),
    "elasticsearch": ("server", "elasticsearch", ("9200",)),
}
"""Scheme (without its driver) → kind, family and the ports that need not be written (each product's URL documentation)."""

STORE_HOSTS = (
    ".rds.amazonaws.com",
    ".cache.amazonaws.com",
    ".docdb.amazonaws.com",
    ".kafka.amazonaws.com",
    ".mq.amazonaws.com",
    ".es.amazonaws.com",
    ".redshift.amazonaws.com",
    ".database.windows.net",
    ".database.azure.com",
    ".redis.cache.windows.net",
    ".documents.azure.com",
    ".servicebus.windows.net",
    ".mongodb.net",
    ".mysql.database.azure.com",
    ".neon.tech",
    ".supabase.co",
    ".upstash.io",
    ".cloudamqp.com",
    ".aivencloud.com",
    ".psdb.cloud",
    ".redislabs.com",
    ".redis-cloud.com",
    ".confluent.cloud",
)
"""Ends of hosts that belong to one managed database, cache or broker."""

HOST_KINDS: dict[str, tuple[str, ...]] = {
    "bucket": (".storage.googleapis.com", ".blob.core.windows.net", ".dfs.core.windows.net", ".file.core.windows.net"),
    "server": (".servicebus.windows.net", ".database.windows.net", ".redis.cache.windows.net", ".postgres.database.azure.com"),
    "vault": (".vault.azure.net",),
}
"""Kind → the ends of hosts whose first label is the name of one such thing (a storage account, a vault)."""

APP_HOSTS = (
    ".onrender.com",
    ".herokuapp.com",
    ".railway.app",
    ".fly.dev",
    ".run.app",
    ".vercel.app",
    ".netlify.app",
    ".azurewebsites.net",
    ".azurecontainerapps.io",
    ".awsapprunner.com",
    ".cloudfunctions.net",
    ".appspot.com",
    ".workers.dev",
    ".ondigitalocean.app",
    ".elasticbeanstalk.com",
    ".elb.amazonaws.com",
)
"""Ends of hosts that platforms give to one deployed application each."""

ARN_KINDS = {
    "sqs": "queue",
    "sns": "topic",
    "s3": "bucket",
    "dynamodb": "table",
    "rds": "server",
    "elasticache": "server",
    "kafka": "server",
    "es": "server",
    "secretsmanager": "secret",
    "kinesis": "stream",
    "firehose": "stream",
    "events": "bus",
    "states": "workflow",
    "iam": "role",
    "kms": "key",
    "lambda": "function",
}
"""AWS service → what its ARN names; other ARNs have the kind ``arn``."""

EXCLUSIVE = frozenset("database slot vhost server queue topic table stream bus workflow bucket prefix secret state app".split())
"""Kinds that two environments share when the same one is given to both: what one writes, the other reads."""

KIND_WORDS: dict[str, str] = {
    **dict.fromkeys(("bucket", "buckets"), "bucket"),
    **dict.fromkeys(("queue", "queues"), "queue"),
    **dict.fromkeys(("topic", "topics"), "topic"),
    **dict.fromkeys(("table", "tables"), "table"),
    **dict.fromkeys(("stream",), "stream"),
    **dict.fromkeys(("database", "dbname", "db", "keyspace"), "database"),
    **dict.fromkeys(("vhost",), "vhost"),
    **dict.fromkeys(("namespace",), "namespace"),
    **dict.fromkeys(("project",), "project"),
    **dict.fromkeys(("account", "subscription"), "account"),
    **dict.fromkeys(
        ("host", "hostname", "endpoint", "server", "address", "addr", "domain", "broker", "dsn", "url", "uri"), "host"
    ),
    **dict.fromkeys(("exchange", "index", "realm", "tenant", "cluster", "vpc", "instance", "arn"), "name"),
}
"""Words of a setting's name that say its whole value names a thing, and which kind; the last one decides."""

ATTRIBUTE_WORDS = frozenset(
    "type types class size sizes replication sku engine family prefix suffix ttl timeout retention policy password user username port cidr"
    " count level format protocol alias redirect schema schemas dialect adapter driver".split()
)
"""Words of a name that say its value describes a thing instead of naming it."""

SENDER_WORDS = frozenset("from sender mailfrom reply noreply replyto envelope return".split())
"""Words of a setting that holds the address mail is sent from."""

GLOBAL = ""
"""The scope of names that are unique in the whole world: buckets, accounts, projects, DNS names."""

MAX_SHOWN = 60
"""Characters of an identity that a message shows."""

_PLACEHOLDERS = ("your", "placeholder", "changeme", "change-me", "replace", "xxxx", "todo")
"""How labels begin that somebody is to fill in: two of them are not one thing."""

_LOCAL_ENDS = (".local", ".internal", ".svc", ".localhost", ".lan", ".test", ".example", ".invalid")


class Shape(Record):
    """What one value names. Fields as in `opslint.model.identities.Identity`; `account` and `region` are "" where the value does not say."""

    __slots__ = ("account", "digest", "kind", "region", "scope", "shown", "tiers")
    account: str
    digest: str
    kind: str
    region: str
    scope: str | None
    shown: str
    tiers: list[str]


def _shape(kind: str, scope: str | None, digest: str, shown: str = "", *texts: str, account: str = "", region: str = "") -> Shape:
    # The first text that names a tier decides: where a server is counts for more than what its database is called.
    tiers: list[str] = []
    for text in texts:
        lowered = text.lower()
        # Most names hold no such word at all: they need not be taken apart.
        if not tiers and any(word in lowered for word in STRONG):
            tiers = tier_tokens(_without_top(lowered))
    return Shape(account=account, digest=digest, kind=kind, region=region, scope=scope, shown=shorten(shown), tiers=tiers)


def _without_top(text: str) -> str:
    """Drop a host's last label: ``dev`` is a top-level domain like any other."""
    host, dot, top = text.rpartition(".")
    return host if dot and top.isalpha() and "/" not in text and ":" not in text else text


def shorten(text: str) -> str:
    """Cut the middle out of a long identity, and all but the last four digits of account numbers."""
    parts = text.split(":")
    text = ":".join(f"…{part[-4:]}" if len(part) == 12 and part.isdigit() else part for part in parts)
    if len(text) <= MAX_SHOWN:
        return text
    half = (MAX_SHOWN - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def named_shape(kind: str, scope: str | None, text: str, *, account: str = "", region: str = "") -> Shape:
    """Return the shape of a thing whose name is known as text and no secret (a namespace, an ingress host, a declared queue)."""
    return _shape(kind, scope, digest_of(text), text, text, account=account, region=region)


MODE_NAMES = frozenset(
    "ENVIRONMENT ENV APP_ENV APP_ENVIRONMENT DEPLOY_ENV DEPLOYMENT_ENV DEPLOY_ENVIRONMENT STAGE TIER SENTRY_ENVIRONMENT DD_ENV".split()
)
"""Variables that tell a process which environment it is in (``NODE_ENV`` and the like tell how it was built)."""


TIER_NAMES = frozenset("environment env stage tier environment_name env_name deploy_env".split())
"""Inputs of modules and roots that tell infrastructure the same."""


def mode_shape(kind: str, text: str) -> Shape | None:
    """Return what a setting that names the environment itself says (kind ``tier`` of infrastructure, ``mode`` of a process)."""
    found = of_value(text)
    if found is None:
        return None
    shape = _shape(kind, None, digest_of(text.lower()), text)
    return shape.replace(tiers=[found[0]])


def shape_of(name: str, value: Masked) -> Shape | None:
    """Return what the value of the setting `name` names, None when it names nothing or a thing that environments share on purpose."""
    if value.plain and name in MODE_NAMES:
        return mode_shape("mode", value.plain)
    if name in TIER_NAMES and value.kind == "text" and value.name:
        return mode_shape("tier", value.name)
    words = tokens(name)
    if not ALLOWED_NAMES.isdisjoint(words) and "event" not in words:
        return None
    if value.kind == "url":
        return _of_url(value)
    if value.kind == "arn":
        return _of_arn(value)
    if not ATTRIBUTE_WORDS.isdisjoint(words):
        return None
    if value.kind == "host":
        return _of_host(value)
    if value.kind == "email":
        sends = not SENDER_WORDS.isdisjoint(words)
        return _shape("sender", GLOBAL, value.digest, f"…@{value.host}", value.host) if sends else None
    kind = next((KIND_WORDS[word] for word in reversed(words) if word in KIND_WORDS), "")
    if value.kind == "text" and value.scheme:
        return _shape("key", None, value.digest, value.scheme, value.name)
    if value.kind == "text" and kind:
        scope = GLOBAL if kind in ("bucket", "project", "account") else None
        return _shape(kind, scope, value.digest, value.name, value.name)
    if value.kind == "int" and kind == "account":
        return _shape(kind, GLOBAL, value.digest)
    return None


def is_everywhere(host: str) -> bool:
    """Tell whether a host means the same machine wherever it is asked for: a public DNS name, no private one and no address."""
    if "." not in host or host.endswith(_LOCAL_ENDS) or host.replace(".", "").isdigit():
        return False
    return not any(label.startswith(_PLACEHOLDERS) for label in host.split("."))


def _of_host(value: Masked) -> Shape | None:
    if any(part in value.host for part in ALLOWED_HOSTS):
        return None
    for kind, ends in HOST_KINDS.items():
        named = next((value.host.removesuffix(end) for end in ends if value.host.endswith(end)), "")
        if named:
            return _shape(kind, GLOBAL, digest_of(named), value.host, value.host)
    bucket = _bucket_host(value.host)
    if bucket:
        return _shape("bucket", GLOBAL, digest_of(bucket), bucket, bucket)
    if value.host.endswith(STORE_HOSTS):
        return _shape("server", GLOBAL if is_everywhere(value.host) else None, digest_of(value.host), value.host, value.host)
    scope = GLOBAL if is_everywhere(value.host) else None
    is_app = value.host.endswith(APP_HOSTS) or (".execute-api." in value.host and value.host.endswith(".amazonaws.com"))
    return _shape("app" if is_app else "host", scope, digest_of(value.host), value.host, value.host)


def _of_url(value: Masked) -> Shape | None:
    scheme = value.scheme.removeprefix("jdbc:").partition("+")[0]
    if scheme in ("s3", "s3a", "s3n", "gs", "wasb", "abfs"):
        if value.name:
            return _shape("prefix", value.host, value.digest, f"{value.host}/{value.name}", value.host, value.name)
        return _shape("bucket", GLOBAL, digest_of(value.host), value.host, value.host)
    if scheme == "sb" and value.name:
        return _shape("queue", value.host, digest_of(value.name), f"{value.host}/{value.name}", value.host, value.name)
    if scheme in SERVERS:
        return server_shape(scheme, value.host, value.port, digest_of(name_of(scheme, value)), name_of(scheme, value))
    if not value.host or any(part in value.host for part in ALLOWED_HOSTS):
        return None
    if value.name and value.host.endswith(".amazonaws.com") and (value.host.startswith("sqs.") or ".queue." in value.host):
        account, _, queue = value.name.partition("/")
        labels = value.host.split(".")
        region = labels[1] if labels[0] == "sqs" and len(labels) == 4 else labels[0] if labels[1] == "queue" else ""
        return _aws("queue", "sqs", region, account, queue)
    if value.name and scheme in ("http", "https"):
        return _shape("bucket", GLOBAL, digest_of(value.name), value.name, value.name)
    return _of_host(value)


def name_of(scheme: str, value: Masked) -> str:
    """Return the database, slot or vhost that a server's URL names, with its default where the product has one."""
    name, _, query = value.name.partition("?")
    kind = SERVERS[scheme][0]
    if kind == "slot":
        return query.rpartition("=")[2] if not name and query else name or "0"
    if kind == "vhost":
        return name.replace("%2F", "/").replace("%2f", "/") or "/"
    return value.name


def server_shape(scheme: str, host: str, port: str, digest: str, name: str) -> Shape | None:
    """Return the database, slot or vhost of a server; the server itself when nothing says which of them is meant."""
    kind, family, ports = SERVERS[scheme]
    if not host:
        return None
    everywhere = all(is_everywhere(item.partition(":")[0]) for item in host.split(",")) or ":" in host
    address = host if not port or port in ports else f"{host}:{port}"
    if kind == "server" or not digest or (kind == "database" and digest == digest_of("")):
        return _shape("server", GLOBAL if everywhere else None, digest_of(address), address, host)
    return _shape(kind, f"{family}://{address}" if everywhere else None, digest, f"{address}/{name}".rstrip("/"), host, name)


def _bucket_host(host: str) -> str:
    """Return the bucket of a virtual-hosted address: ``acme.s3.eu-west-1.amazonaws.com``, ``acme.s3.amazonaws.com``."""
    if host.endswith(".amazonaws.com"):
        for mark in (".s3.", ".s3-"):
            if mark in host:
                return host.partition(mark)[0]
    return ""


def _of_arn(value: Masked) -> Shape:
    partition, _, service = value.scheme.partition(":")
    region, _, account = value.host.partition(":")
    name = value.name
    kind = ARN_KINDS.get(service, "arn")
    if service == "s3":
        bucket, slash, path = name.partition("/")
        if slash and path not in ("", "*"):
            return _shape("prefix", bucket, value.digest, f"{bucket}/{path}", bucket, path)
        return _shape("bucket", GLOBAL, digest_of(bucket), bucket, bucket)
    if service == "dynamodb":
        name = name.removeprefix("table/").partition("/")[0]
    return _aws(kind, service, region, account, name, partition)


def _aws(kind: str, service: str, region: str, account: str, name: str, partition: str = "aws") -> Shape:
    complete = account.isdigit() and len(account) == 12 and "*" not in name
    scope = f"{partition}:{service}:{region}:{account}" if complete else None
    return _shape(kind, scope, digest_of(name), f"{service}:{region}:{account}:{name}", name, account=account, region=region)


_HOST_ENDS = ("HOSTNAME", "HOST", "ENDPOINT", "SERVER", "ADDRESS", "ADDR")
_NAME_ENDS = ("DATABASE_NAME", "DB_NAME", "DBNAME", "DATABASE", "NAME", "DB", "VHOST", "VIRTUAL_HOST", "DB_INDEX", "DB_NUMBER")
_FAMILIES = (
    ("redis", "redis"),
    ("cache", "redis"),
    ("valkey", "redis"),
    ("rabbit", "amqp"),
    ("amqp", "amqp"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
    ("mongo", "mongodb"),
    ("clickhouse", "clickhouse"),
)
"""Parts of a prefix that say what a separate host is; any other is a SQL database like PostgreSQL."""


def joined_shapes(values: Iterable[tuple[str, Masked]]) -> dict[str, Shape]:
    """Return, by the name of the host's setting, what settings that belong together name: ``DB_HOST`` with ``DB_NAME`` and ``DB_PORT``.

    `values` are the settings of one container or file.
    """
    given = {name.upper(): (name, value) for name, value in values}
    out: dict[str, Shape] = {}
    for upper, (name, value) in given.items():
        if value.kind != "host" or not value.host:
            continue
        end = next((end for end in _HOST_ENDS if upper.endswith(end)), "")
        prefix = upper.removesuffix(end) if end else ""
        if not prefix:
            continue
        named = next((given[prefix + other][1] for other in _NAME_ENDS if prefix + other in given), None)
        if named is None or named.kind not in ("text", "int", "bool", "path"):
            continue
        family = next((family for mark, family in _FAMILIES if mark in prefix.lower()), "postgres")
        port = given.get(prefix + "PORT")
        number = value.port or (port[1].plain if port is not None else "") or ""
        shown = named.plain if named.plain is not None else named.name
        made = server_shape(family, value.host, number, named.digest, shown)
        if made is not None:
            out[name] = made
    return out
