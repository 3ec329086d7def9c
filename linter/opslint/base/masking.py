"""Values that may be secret, reduced to what may be kept.

Of a value in a dotenv file, tfvars, a Secret or an `env:` block opslint keeps the kind, and of a URL the
scheme, host, port and path's database, and a keyed digest for comparison: never the text. The digest key
is random per cache store, so a leaked cache cannot be searched with a dictionary.
"""

from __future__ import annotations

from _blake2 import blake2b

from opslint.base.record import Record
from opslint.base.secret_names import BARE_WORDS, holds_secret, is_credential_name, is_secret_name

__all__ = [
    "PLAIN_NAMES",
    "Masked",
    "digest_key",
    "digest_of",
    "holds_secret",
    "is_credential_name",
    "is_host",
    "is_secret_name",
    "mask",
    "mask_named",
    "set_digest_key",
    "strip_credentials",
]

_KEY = [b"opslint"]

PLAIN_NAMES = frozenset(
    "PORT HOST BIND WEB_CONCURRENCY WORKERS THREADS GUNICORN_CMD_ARGS UVICORN_WORKERS DJANGO_SETTINGS_MODULE FLASK_APP"
    " FLASK_ENV ENV ENVIRONMENT APP_ENV APP_ENVIRONMENT NODE_ENV RAILS_ENV STAGE DEPLOY_ENV DEPLOYMENT_ENV TIER LOG_LEVEL"
    " LOGLEVEL DEBUG DJANGO_DEBUG PYTHONPATH DD_ENV DD_SERVICE DD_VERSION SENTRY_ENVIRONMENT SENTRY_RELEASE OTEL_SERVICE_NAME"
    " OTEL_RESOURCE_ATTRIBUTES COMPOSE_PROJECT_NAME COMPOSE_FILE COMPOSE_PROFILES AWS_REGION AWS_DEFAULT_REGION TZ LANG"
    " PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PATH CELERY_APP TAG IMAGE_TAG VERSION APP_VERSION".split()
)
"""Names whose values steer the tools opslint models and hold no secret by their meaning; kept as text."""


def set_digest_key(key: bytes) -> None:
    """Set the key of `Masked.digest` for this process (the cache store's random key)."""
    _KEY[0] = key


def digest_key() -> bytes:
    """Return the key that is set (a reader in another process must use the same)."""
    return _KEY[0]


class Masked(Record):
    """What may be known of a possibly secret value.

    `kind`: ``empty bool int number url arn email path host text``. `scheme`, `host`, `port`, `name` (database,
    bucket, last path segment of an identity) are set for URLs, ARNs and bare hosts; of a bare text `name` keeps only the words
    that name a tier (``production`` of ``acme-exports-production``); `digest` is a keyed hash of
    the whole value without user-info and query; `plain` is the text itself for booleans and short integers.
    """

    __slots__ = ("digest", "host", "kind", "name", "plain", "port", "scheme")
    digest: str
    host: str
    kind: str
    name: str
    plain: str | None
    port: str
    scheme: str


_BOOLS = frozenset("true false yes no on off 1 0 t f y n".split())


def digest_of(text: str) -> str:
    """Return the keyed digest of a text: equal texts have equal digests in one run, and nothing can be searched for."""
    return blake2b(text.encode("utf-8", "surrogatepass"), key=_KEY[0][:64], digest_size=12).hexdigest()


def _masked(
    kind: str, text: str, *, scheme: str = "", host: str = "", port: str = "", name: str = "", plain: str | None = None
) -> Masked:
    return Masked(digest=digest_of(text), host=host, kind=kind, name=name, plain=plain, port=port, scheme=scheme)


_SANDBOX_KEYS = ("sk_test_", "pk_test_", "rk_test_")
"""How keys begin that reach a provider's sandbox and never real money (docs.stripe.com/keys). Of such a key the start is kept."""


def mask(text: str) -> Masked:
    """Reduce a value to what may be kept of it."""
    text = text.strip()
    if not text:
        return _masked("empty", "", plain="")
    lower = text.lower()
    if lower in _BOOLS:
        return _masked("bool", lower, plain=text)
    if text.isascii() and text.lstrip("-").isdigit():
        return _masked("int", text, plain=text if len(text) <= 6 else None)
    scheme, mark, _rest = text.partition("://")
    if mark and _is_scheme(scheme):
        return _mask_url(text)
    if "=" in text and (";" in text or " " in text):
        found = _mask_pairs(text)
        if found is not None:
            return found
    if mark:
        return _masked("text", text)
    if lower.startswith(_SANDBOX_KEYS):
        return _masked("text", text, scheme=lower[:8].rstrip("_") + "_…", name="sandbox")
    if lower.startswith("arn:"):
        parts = text.split(":", 5)
        return _masked("arn", text, scheme=":".join(parts[1:3]), host=":".join(parts[3:5]), name=parts[-1])
    if "@" in text and " " not in text and "." in text.rpartition("@")[2]:
        return _masked("email", lower, host=text.rpartition("@")[2].lower())
    if text.startswith(("/", "./")) and " " not in text:
        return _masked("path", text)
    host, _, port = lower.partition(":")
    if is_host(host) and (not port or port.isdigit()):
        return _masked("host", lower, host=host, port=port)
    return _masked("text", text, name=_tier_words(lower))


def mask_named(name: str, text: str) -> Masked:
    """Reduce the value of the setting `name`: of a credential nothing is kept but its digest, whatever it looks like."""
    value = mask(text)
    if value.kind in ("int", "host", "email", "path", "arn", "text") and not value.scheme.endswith("…") and holds_secret(name):
        return _masked("text", text.strip())
    return value


_TIER_WORDS = frozenset("prod production prd staging stage stg uat preprod dev development sandbox preview ephemeral".split())
"""Words that may be kept of a text: they name a tier and nothing else."""


def _tier_words(text: str) -> str:
    """Return the words of an identifier that name a tier, joined by spaces; "" for texts with blanks (sentences, keys)."""
    if len(text) > 120 or " " in text:
        return ""
    words = "".join(char if char.isalnum() else " " for char in text).split()
    return " ".join(word for word in words if word in _TIER_WORDS)


_NAMING_QUERY = ("db", "database", "dbname", "schema", "currentschema", "search_path", "vhost")
"""Query settings of a data store's URL that say which part of the server is meant (redis-py ``db``, Prisma ``schema``, JDBC ``currentSchema``)."""

_BUCKET_HOSTS = ("s3.amazonaws.com", "storage.googleapis.com", "storage.cloud.google.com")


_WEB = frozenset("http https ws wss".split())

STORES = frozenset(
    "postgres postgresql postgis cockroachdb mysql mariadb mssql sqlserver oracle mongodb clickhouse cassandra redis rediss amqp amqps pyamqp"
    " kafka nats memcached elasticsearch s3 s3a s3n gs wasb abfs sb azure-storage".split()
)
"""Schemes (without driver) whose host and first path segment name a place where data is kept, and hold no secret."""

_ADDRESSES = frozenset(
    "tcp udp grpc grpcs http2 smtp smtps ldap ldaps ftp ftps sftp ssh git file unix mqtt mqtts fluentd syslog otlp api".split()
)
"""Schemes whose host is a machine. Of all others (``tgram://<token>/…``) a host without a dot may be a secret."""


def _is_scheme(text: str) -> bool:
    return (
        text[:1].isalpha()
        and text.isascii()
        and len(text) <= 40
        and text.replace("+", "").replace("-", "").replace(".", "").replace(":", "").isalnum()
    )


def _mask_url(text: str) -> Masked:
    scheme, _, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    if "@" in path and "@" not in authority and ":" in authority and not authority.rpartition(":")[2].isdigit():
        # A password may hold a slash: user-info ends at the last @ before the path.
        path = path.rpartition("@")[2]
        authority, slash, path = path.partition("/")
    path, _, query = path.partition("#")[0].partition("?")
    authority, _, bare_query = authority.rpartition("@")[2].partition("?")
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.lstrip(":")
    else:
        host, _, port = authority.partition(":")
    scheme, host = scheme.lower(), host.lower()
    bare = scheme.removeprefix("jdbc:").partition("+")[0].partition(":")[0]
    if bare == "sqlserver" and ";" in port:
        port, _, settings = port.partition(";")
        query = "&".join(settings.split(";"))
    named, socket = _naming_query(query or bare_query) if bare in STORES else ("", "")
    host = host or socket
    clean = f"{scheme}://{host}:{port}{slash}{path}".rstrip("/") + (f"?{named}" if named else "")
    if bare not in STORES and bare not in _WEB and (bare not in _ADDRESSES and not is_host(host)):
        return _masked("url", clean, scheme=scheme)
    name = _name_of_path(bare, host, path)
    return _masked("url", clean, scheme=scheme, host=host, port=port, name=f"{name}?{named}" if named else name)


_PAIR_HOSTS = ("host", "server", "datasource", "addr", "address", "networkaddress")
_PAIR_NAMES = ("dbname", "database", "initialcatalog")


def _mask_pairs(text: str) -> Masked | None:
    """Reduce a connection string (``Server=…;Database=…;Password=…``, libpq's ``host=… dbname=…``); None for any other text."""
    pairs: dict[str, str] = {}
    for part in text.split(";") if ";" in text else text.split():
        key, equals, value = part.partition("=")
        if equals:
            pairs.setdefault(key.strip().lower().replace(" ", ""), value.strip().strip("'\""))
    endpoint = pairs.get("endpoint") or pairs.get("blobendpoint") or pairs.get("queueendpoint") or ""
    if "://" in endpoint:
        return _mask_url(f"{endpoint.rstrip('/')}/{pairs.get('entitypath', '')}")
    if "accountname" in pairs:
        host = f"{pairs['accountname'].lower()}.blob.{pairs.get('endpointsuffix', 'core.windows.net')}"
        return _masked("url", f"azure-storage://{host}", scheme="azure-storage", host=host)
    host = next((pairs[key] for key in _PAIR_HOSTS if pairs.get(key)), "").lower().removeprefix("tcp:")
    name = next((pairs[key] for key in _PAIR_NAMES if pairs.get(key)), "")
    if not host or not name:
        return None
    host, _, port = host.replace(",", ":").partition(":")
    port = port or pairs.get("port", "")
    scheme = "postgres" if "dbname" in pairs or "host" in pairs else "sqlserver"
    return _masked("url", f"{scheme}://{host}:{port}/{name}", scheme=scheme, host=host, port=port, name=name)


def _naming_query(query: str) -> tuple[str, str]:
    """Return the settings of a store's query that tell one part of its server from another, and a Cloud SQL socket's instance."""
    named: list[str] = []
    socket = ""
    for part in query.split("&") if query else ():
        key, _, value = part.partition("=")
        if key.lower() in _NAMING_QUERY and value:
            named.append(f"{key.lower()}={value}")
        elif key.lower() == "host" and value.startswith("/cloudsql/"):
            socket = value.removeprefix("/cloudsql/").rstrip("/")
    return "&".join(sorted(named)), socket


def _name_of_path(scheme: str, host: str, path: str) -> str:
    """Return what of a URL's path names a database, vhost, bucket or queue; nothing else, for paths may carry a token (webhooks)."""
    if scheme in STORES:
        return path.partition("/")[0]
    if host.endswith(".amazonaws.com") and (host.startswith("sqs.") or ".queue." in host):
        return "/".join(path.split("/")[:2])
    if host in _BUCKET_HOSTS or (host.startswith(("s3.", "s3-")) and ".amazonaws.com" in host):
        return path.partition("/")[0]
    return ""


def is_host(text: str) -> bool:
    """Tell whether `text` looks like a DNS name or IPv4 address with at least one dot, or ``localhost``."""
    if text == "localhost":
        return True
    labels = text.split(".")
    if len(labels) < 2 or len(text) > 253:
        return False
    for label in labels:
        if not label or len(label) > 63 or not label.replace("-", "").replace("_", "").isalnum() or not label.isascii():
            return False
    tail = labels[-1]
    return (tail.isalpha() and 2 <= len(tail) <= 24) or (len(labels) == 4 and all(part.isdigit() for part in labels))


_URL_END = frozenset(" \t\r\n\"'`<>|")


def strip_credentials(text: str) -> str:
    """Return `text` without what may be secret in it.

    Cut are user-info and query of every URL, the values of secret-named flags and assignments (``--password=…``, ``TOKEN=…``), and
    what looks like a key.
    """
    if "://" in text:
        text = _strip_urls(text)
    if "=" in text or "--" in text:
        upper = text.upper()
        if any(word in upper for word in BARE_WORDS):
            text = _strip_named(text)
    if len(text) < 12:
        return text
    from opslint.base.opaque import conceal

    return conceal(text)


def _strip_urls(text: str) -> str:
    pieces: list[str] = []
    start = 0
    while True:
        mark = text.find("://", start)
        if mark < 0:
            return "".join([*pieces, text[start:]])
        begin = end = mark + 3
        while end < len(text) and text[end] not in _URL_END:
            end += 1
        authority, slash, path = text[begin:end].partition("/")
        if "@" in path and "@" not in authority and ":" in authority:
            # A password may hold a slash: user-info ends at the last @ before a space.
            authority, path = authority + slash + path.rpartition("@")[0] + "@", path.rpartition("@")[2]
            slash = ""
        pieces.append(f"{text[start:begin]}{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}")
        start = end


def _strip_named(text: str) -> str:
    """Replace ``NAME=value`` and ``--name value`` of secret-named settings by ``***``, keeping references (``$X``, ``${{ … }}``)."""
    words: list[str] = []
    hide_next = False
    for word in _split_keeping_space(text):
        if word.isspace():
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        if hide_next and not word.startswith(("-", "$", "{")):
            words.append("***")
        elif equals and value and is_secret_name(name.lstrip("-")) and not value.strip("\"'").startswith(("$", "{")):
            words.append(f"{name}=***")
        else:
            words.append(word)
        hide_next = not equals and word.startswith("--") and is_secret_name(word.lstrip("-"))
    return "".join(words)


def _split_keeping_space(text: str) -> list[str]:
    pieces: list[str] = []
    for char in text:
        if pieces and pieces[-1][-1].isspace() == char.isspace():
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces
