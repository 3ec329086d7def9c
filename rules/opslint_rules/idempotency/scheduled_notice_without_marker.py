"""Scheduled mails that keep no mark of whom they were sent to."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, WindowLoop

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class ScheduledNoticeWithoutMarker(ProjectRule):
    """A scheduled task mails whom a date window selects and keeps no mark of whom it told.

    What it finds
    -------------
    A task that a schedule starts (a beat entry, a cron decorator, a task without arguments), asks for rows by a date window
    (``filter(due__lte=today + timedelta(days=7))``), mails or texts in a loop over them, and writes nothing: no sent flag, no log row.

    In production
    -------------
    Two schedulers during a deploy, a second run by hand, a window wider than the interval: everyone gets the mail again, each day anew.

    Bad:
        # file: app/tasks.py
        from datetime import timedelta
        from celery import shared_task
        from django.core.mail import send_mail
        from django.utils import timezone
        from app.models import Invoice

        @shared_task
        def remind() -> None:
            soon = timezone.now() + timedelta(days=7)
            for invoice in Invoice.objects.filter(due__lte=soon):
                send_mail("Due soon", invoice.text, "billing@example.com", [invoice.email])  # expect: scheduled-notice-without-marker

    Good:
        # file: app/tasks.py
        from datetime import timedelta
        from celery import shared_task
        from django.core.mail import send_mail
        from django.utils import timezone
        from app.models import Invoice

        @shared_task
        def remind() -> None:
            soon = timezone.now() + timedelta(days=7)
            for invoice in Invoice.objects.filter(due__lte=soon, reminded=False):
                send_mail("Due soon", invoice.text, "billing@example.com", [invoice.email])
                invoice.reminded = True
                invoice.save(update_fields=["reminded"])

    Exempt
    ------
    Functions that change or create any row, set a key, or check one before they send.

    Fix safety
    ----------
    None: it needs a column or a table for the mark.

    Authority
    ---------
    https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html
    """

    meta = Meta(
        "scheduled-notice-without-marker",
        category="idempotency",
        severity="warning",
        confidence="medium",
        authority="https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html",
        summary="A scheduled task mails whom a date window selects and keeps no mark of whom it told",
        help="Set a sent marker on the row (or write a log row) in the loop, and leave marked rows out of the query.",
    )
    needs = (WindowLoop,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each function once, at the call in the loop that leads to the first mail."""
        for notice in model.handlers.notices:
            places = []
            for effect in notice.effects:
                at = effect.chain[0][0] if effect.chain else effect.loc
                if at not in places:
                    places.append(at)
            first = notice.effects[0]
            evidence = [notice.cause, (notice.window, "rows selected by a date window")]
            evidence += first.chain
            evidence += [(at, "another one") for at in places[1:]]
            evidence.append(
                (first.loc, f"nothing in `{notice.function.qualname}` and what it calls sets or checks a marker (depth 3)")
            )
            report(
                at=places[0],
                message=(
                    f"`{notice.function.qualname}` tells everyone its date window selects and keeps no mark:"
                    " a second run tells them all again"
                ),
                evidence=evidence,
            )
