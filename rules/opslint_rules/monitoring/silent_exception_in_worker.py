"""Errors that nobody will ever see."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, SilentExcept

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
    ``except Exception`` (or bare) around work of a running service (routes, tasks, consumers, signal receivers and what they load) that only
    passes, puts an empty default in place of the result, or prints; and ``contextlib.suppress(Exception)`` without a comment.

    In production
    -------------
    The mail is not sent, the row not written, the price wrong, for weeks: nothing fails, no log names it, and the first report comes from a
    customer.

    Bad:
        # file: app/tasks.py
        from celery import shared_task
        from app.mail import send_welcome

        @shared_task
        def welcome(user_id: int) -> None:
            try:
                send_welcome(user_id)
            except Exception:  # expect: silent-exception-in-worker
                pass

    Good:
        # file: app/tasks.py
        import logging
        from celery import shared_task
        from app.mail import send_welcome

        logger = logging.getLogger(__name__)

        @shared_task
        def welcome(user_id: int) -> None:
            try:
                send_welcome(user_id)
            except Exception:
                logger.exception("welcome mail for user %s not sent", user_id)

    Exempt
    ------
    Narrow exceptions, predicates whose False is the report, closing and cleaning up, optional imports, telemetry that must not break its
    caller, pure conversions, retries inside a counted loop, scripts, commands and migrations.

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
    needs = (SilentExcept,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each silent except of service code."""
        handlers = model.handlers
        for path in sorted(handlers.service_files):
            if "migrations" in path.split("/") or "alembic" in path.split("/"):
                continue
            for fact in handlers.facts_of(SilentExcept, path):
                if handlers.is_script(path, fact.function) or handlers.is_telemetry(fact):
                    continue
                tried = [str(origin).rpartition(".")[2].removesuffix("()") for origin, _place in fact.calls[-1:]]
                what = f" of `{tried[0]}`" if tried and tried[0] else ""
                chain = handlers.working.get((path, fact.function), [])
                message = f"Every error{what} is swallowed here: {_HOW[fact.how]}"
                if fact.drops:
                    message = "An item that fails is left out of the result: nothing is logged, raised or counted"
                report(at=fact.loc, message=message, evidence=chain)
