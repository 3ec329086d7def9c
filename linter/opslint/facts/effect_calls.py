"""Which single call is an effect that must not happen twice, and which is evidence against repetition: tables, and how they are read."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import literal_start, text, written

if TYPE_CHECKING:
    from opslint.syntax.python import CallSite, PythonDocument

MAIL = frozenset(
    (
        "django.core.mail.EmailMessage().send",
        "django.core.mail.EmailMultiAlternatives().send",
        "django.core.mail.send_mail",
        "django.core.mail.send_mass_mail",
        "fastapi_mail.FastMail().send_message",
        "flask_mail.Mail().send",
        "resend.Emails.send",
        "sendgrid.SendGridAPIClient().send",
        "smtplib.SMTP().send_message",
        "smtplib.SMTP().sendmail",
        "smtplib.SMTP_SSL().send_message",
        "smtplib.SMTP_SSL().sendmail",
    )
)
SMS = frozenset(("twilio.rest.Client().messages.create", "twilio.rest.Client().calls.create", "vonage.Sms().send_message"))

AWS = frozenset(
    ("invoke", "publish", "publish_batch", "put_events", "put_record", "put_records", "run_instances", "run_task")
    + ("send_bulk_email", "send_email", "send_message", "send_message_batch", "send_raw_email", "start_execution")
)
"""boto3 client operations that do something each time they are called."""

AWS_KEYS = ("ClientToken", "MessageDeduplicationId", "clientToken", "name", "ConditionExpression")
"""Arguments that make such an operation repeatable."""

STRIPE_WRITES = frozenset(("capture", "cancel", "confirm", "create", "create_reversal", "pay", "refund"))

_BOTO = ("boto3.client().", "boto3.Session().client().", "boto3.session.Session().client().")
_HTTP_WRITES = tuple(
    f"{root}.{verb}"
    for root in ("requests", "requests.Session()", "requests.session()", "httpx", "httpx.Client()", "httpx.AsyncClient()")
    + ("aiohttp.ClientSession()",)
    for verb in ("post", "patch")
)
_SQL_CALLS = ("execute", "executemany", "executescript", "text", "fetchrow", "fetchval")
_DEDUP_METHODS = {
    "get_or_create": "fetch",
    "update_or_create": "fetch",
    "aget_or_create": "fetch",
    "aupdate_or_create": "fetch",
    "bulk_get_or_create": "fetch",
    "on_conflict_do_nothing": "conflict",
    "on_conflict_do_update": "conflict",
    "on_duplicate_key_update": "conflict",
    "select_for_update": "lock",
    "setnx": "key",
    "insert_or_ignore": "conflict",
    "merge": "lookup",
    "pg_advisory_lock": "lock",
}
_DEDUP_ARGUMENTS = frozenset(
    ("idempotency_key", "idempotency_token", "ignore_conflicts", "update_conflicts", "nx", "on_conflict", "dedup_key", "upsert")
    + ("deduplication_id", "MessageDeduplicationId", "ConditionExpression", "ClientRequestToken", "ClientToken")
)
DEDUP_DECORATORS = (
    "aws_lambda_powertools.utilities.idempotency.",
    "celery_once.",
    "celery_singleton.",
)


def _sql_mark(document: PythonDocument, site: CallSite) -> tuple[str, str] | None:
    """Judge raw SQL by its words: an INSERT without a conflict clause, an UPDATE that adds to what is there."""
    name = site.node.func.attr if isinstance(site.node.func, _ast.Attribute) else ""
    origin = site.origin or ""
    if name not in _SQL_CALLS and not origin.endswith(".text"):
        return None
    words = text(document, site.argument(0, "statement"), site.scope) or literal_start(site.argument(0, "statement"))
    if words is None:
        return None
    upper = " ".join(words.upper().split())
    if upper.startswith("SELECT") and " FOR UPDATE" in upper:
        return "dedup", "lock"
    if upper.startswith("INSERT"):
        guarded = ("ON CONFLICT", "ON DUPLICATE KEY", "INSERT IGNORE", "INSERT OR ", "NOT EXISTS")
        return ("dedup", "conflict") if any(part in upper for part in guarded) else ("effect", "insert")
    if upper.startswith("MERGE"):
        return "dedup", "conflict"
    if upper.startswith("UPDATE") and " SET " in upper:
        for assignment in upper.partition(" SET ")[2].partition(" WHERE ")[0].split(","):
            left, _, right = assignment.partition("=")
            target = left.strip().rpartition(".")[2]
            value = right.replace("+", " + ").replace("-", " - ").split()
            if target and target in value and ("+" in value or "-" in value):
                return "effect", "relative"
    return None


def call_mark(document: PythonDocument, site: CallSite) -> tuple[str, str] | None:
    """Return (group, what) of one call, None when it is neither an effect nor evidence."""
    origin = site.origin or ""
    name = site.node.func.attr if isinstance(site.node.func, _ast.Attribute) else ""
    if any(keyword.arg in _DEDUP_ARGUMENTS for keyword in site.node.keywords) and _says_yes(document, site):
        return "dedup", "key"
    if name in _DEDUP_METHODS:
        return "dedup", _DEDUP_METHODS[name]
    if origin in ("django.core.cache.cache.add", "cache.add"):
        return "dedup", "key"
    sql = _sql_mark(document, site)
    if sql is not None:
        return sql
    if origin in MAIL:
        return "effect", "mail"
    if origin in SMS:
        return "effect", "sms"
    if origin.startswith("stripe.") and name in STRIPE_WRITES and "Webhook" not in origin:
        return "effect", "payment"
    if origin.startswith(_BOTO) and name in AWS:
        if any(keyword.arg in AWS_KEYS for keyword in site.node.keywords):
            return "dedup", "key"
        return "effect", "mail" if name.endswith("_email") else "message"
    if origin in _HTTP_WRITES:
        return "effect", "http"
    return _orm_mark(document, site, origin, name)


def _says_yes(document: PythonDocument, site: CallSite) -> bool:
    given = [keyword for keyword in site.node.keywords if keyword.arg in _DEDUP_ARGUMENTS]
    return any(document.constant(keyword.value, site.scope) not in (None, False) for keyword in given)


def _orm_mark(document: PythonDocument, site: CallSite, origin: str, name: str) -> tuple[str, str] | None:
    if name in ("create", "acreate", "bulk_create") and ".objects." in origin + ".":
        return "effect", "create"
    if name in ("add", "add_all") and _is_new_row(document, site) and _is_session(origin):
        return "effect", "create"
    if name in ("delay", "apply_async", "send_task", "kiq", "enqueue") and origin:
        how = written(site, None, "task_id", "job_id", "_job_id")[0]
        return ("dedup", "key") if how != "absent" else ("effect", "message")
    if name in ("incr", "incrby", "hincrby", "incrbyfloat") and origin:
        return "effect", "relative"
    if name in ("insert_one", "insert_many") and origin:
        return "effect", "insert"
    if origin == "open" and len(site.node.args) > 1:
        mode = text(document, site.node.args[1], site.scope)
        return ("effect", "append") if mode and "a" in mode else None
    return None


def _is_session(origin: str) -> bool:
    """A session by what made it, or by an object another module made (decided at link by its origin)."""
    return bool(origin) and not origin.startswith(("set()", "<local>.set", "str()"))


def _is_new_row(document: PythonDocument, site: CallSite) -> bool:
    """Tell whether what is added was made here: a call of a capitalised class, or a name bound to one."""
    node = site.node.args[0] if site.node.args else None
    origin = document.origin(node, site.scope) or ""
    return origin.endswith("()") and origin[:-2].rpartition(".")[2][:1].isupper()


def is_relative(node: _ast.expr) -> bool:
    """``F("x") + n`` in an update or an assignment."""
    if not isinstance(node, _ast.BinOp) or not isinstance(node.op, _ast.Add | _ast.Sub):
        return False
    for side in (node.left, node.right):
        if isinstance(side, _ast.Call) and isinstance(side.func, _ast.Name) and side.func.id == "F":
            return True
        if isinstance(side, _ast.Call) and isinstance(side.func, _ast.Attribute) and side.func.attr == "F":
            return True
    return False


def may_be_ours(origin: str) -> bool:
    """Tell whether an origin may be a definition of the repository."""
    root = origin.partition(".")[0].removesuffix("()")
    return origin.startswith((".", "<local>.")) or ("." in origin and root not in _NOT_OURS)


_NOT_OURS = frozenset(
    ("boto3", "celery", "datetime", "django", "fastapi", "flask", "httpx", "json", "logging", "os", "re", "requests")
) | {
    "rest_framework",
    "sqlalchemy",
    "starlette",
    "str",
    "stripe",
    "super",
    "time",
    "uuid",
}
