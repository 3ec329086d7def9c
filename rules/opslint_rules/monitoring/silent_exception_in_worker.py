"""Errors that nobody will ever see."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Handler, Meta, ProjectRule, Route, SilentExcept

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter

_HOW = {
    "default": "an empty result takes the place of the error",
    "pass": "nothing is logged, raised or counted",
    "print": "it is only printed: no level, no traceback, no alert",
    "suppress": "nothing is logged, raised or counted",
}


class SilentExceptionInWorker(ProjectRule):
    """Service code swallows every exception and leaves no trace.

    What it finds
    -------------
    ``except Exception`` (or bare) in a running service (routes, tasks, consumers, signal receivers and what they call) around something that
    reaches a database, another service, a mail server or a process, and that only passes, puts an empty default in place of the
    result, or prints; and ``contextlib.suppress(Exception)`` without a comment. The places of one
    service are shown as one finding: it is one habit. Each can be suppressed by itself.

    In production
    -------------
    The mail is not sent, the row not written, the price wrong, for weeks: nothing fails, no log names it, and the first report comes from a
    customer.

    Bad:
        # file: app/tasks.py
        from celery import shared_task
        from django.core.mail import send_mail

        @shared_task
        def welcome(address: str) -> None:
            try:
                send_mail("Welcome", "Hello", "team@example.com", [address])
            except Exception:  # expect: silent-exception-in-worker
                pass

    Good:
        # file: app/tasks.py
        import logging
        from celery import shared_task
        from django.core.mail import send_mail

        logger = logging.getLogger(__name__)

        @shared_task
        def welcome(address: str) -> None:
            try:
                send_mail("Welcome", "Hello", "team@example.com", [address])
            except Exception:
                logger.exception("welcome mail not sent")

    Exempt
    ------
    Narrow exceptions, predicates whose False is the report, closing and cleaning up, optional imports, telemetry that must not break its
    caller, pure conversions, retries inside a counted loop, scripts, commands and migrations. Calls that cannot be followed.

    Fix safety
    ----------
    Manual: what to log, and whether to go on, is a decision.

    Authority
    ---------
    https://sre.google/sre-book/monitoring-distributed-systems/
    """

    meta = Meta(
        "silent-exception-in-worker",
        category="monitoring",
        severity="warning",
        confidence="medium",
        authority="https://sre.google/sre-book/monitoring-distributed-systems/",
        summary="Service code swallows every exception and leaves no trace",
        help="Log it with `logger.exception(…)`, or catch only what you expect.",
        fix="manual",
    )
    needs = (SilentExcept, Handler, Route)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report every silent except of service code; those under one list of requirements (one service) belong together."""
        handlers = model.handlers
        homes = {path.rpartition("/")[0] for path, info in model.files.items() if info.kind in ("requirements", "pyproject")}
        for path in sorted(handlers.service_files):
            if "migrations" in path.split("/") or "alembic" in path.split("/"):
                continue
            for fact in handlers.facts_of(SilentExcept, path):
                lost = None if handlers.is_script(path, fact.function) else handlers.lost(fact)
                if lost is not None:
                    report(
                        at=fact.loc,
                        message=_words(fact, lost),
                        evidence=handlers.working.get((path, fact.function), []),
                        together=f"swallowed errors of {_home(path, homes)}",
                    )


def _home(path: str, homes: set[str]) -> str:
    """Return the nearest directory above `path` that lists what its code is installed with."""
    while path:
        path = path.rpartition("/")[0]
        if path in homes:
            break
    return path


def _words(fact: SilentExcept, lost: str) -> str:
    if fact.drops:
        return "An item that fails is left out of the result: nothing is logged, raised or counted"
    return f"Every error of `{_name(lost)}` is swallowed here: {_HOW[fact.how]}"


def _name(origin: str) -> str:
    """What was tried, by its own name and that of its class."""
    parts = origin.replace("()", "").removeprefix("<local>.").split(".")
    start = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return ".".join(parts[start:])
