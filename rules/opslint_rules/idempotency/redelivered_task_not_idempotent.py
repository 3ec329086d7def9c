"""Tasks that run again and repeat their effect."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Handler, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Effect, Loc, Reporter


class RedeliveredTaskNotIdempotent(ProjectRule):
    """A task that may run twice has an effect that must not happen twice.

    What it finds
    -------------
    A task with ``acks_late``, ``autoretry_for`` or ``self.retry`` that sends mail or messages, creates rows or moves money
    without a look-up, key, conflict clause, lock or marker before it.

    In production
    -------------
    A worker that is killed by a deploy, or an error after the effect, runs the task again: the mail goes out twice, the points are added
    twice.

    Bad:
        # file: app/tasks.py
        from celery import shared_task
        from django.core.mail import send_mail
        from app.models import Invoice

        @shared_task(bind=True, autoretry_for=(Exception,), max_retries=3)
        def remind(self, invoice_id: int) -> None:
            invoice = Invoice.objects.get(pk=invoice_id)
            send_mail("Reminder", invoice.text, "billing@example.com", [invoice.email])  # expect: redelivered-task-not-idempotent
            invoice.refresh_totals()
            invoice.save()

    Good:
        # file: app/tasks.py
        from celery import shared_task
        from django.core.mail import send_mail
        from app.models import Invoice, Reminder

        @shared_task(bind=True, autoretry_for=(Exception,), max_retries=3)
        def remind(self, invoice_id: int) -> None:
            invoice = Invoice.objects.get(pk=invoice_id)
            reminder, created = Reminder.objects.get_or_create(invoice=invoice)
            if reminder.sent:
                return
            send_mail("Reminder", invoice.text, "billing@example.com", [invoice.email])
            reminder.mark_sent()

    Exempt
    ------
    Effects after dedup evidence, and tasks marked ``opslint: assume[idempotent]``. Where only an error repeats the task: an effect after
    which nothing can fail, and requests to other services (to send them again is what the retry is for). Other tasks that are put in
    the queue: they are judged themselves. What is added to stored values is
    `relative-update-in-retryable-handler`.

    Fix safety
    ----------
    None.

    Authority
    ---------
    https://docs.celeryq.dev/en/stable/userguide/tasks.html
    """

    meta = Meta(
        "redelivered-task-not-idempotent",
        category="idempotency",
        severity="error",
        confidence="medium",
        authority="https://docs.celeryq.dev/en/stable/userguide/tasks.html",
        summary="A task that may run twice has an effect that must not happen twice",
        help="Keep a marker of what was done, written before or together with the effect, and look at it first.",
        status="preview",
    )
    needs = (Handler,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each task once, at its first unguarded effect."""
        seen: set[Loc] = set()
        for task in model.handlers.tasks:
            if not task.causes:
                continue
            late = any("late" in note for _loc, note in task.causes)
            effects = [e for e in model.handlers.effects(task.function) if not e.guards and _repeats(e, late)]
            if not effects or effects[0].loc in seen:
                continue
            first = effects[0]
            seen.add(first.loc)
            evidence = [*task.causes, *first.chain, *((effect.loc, "and again") for effect in effects[1:4])]
            evidence.append((first.loc, f"no dedup evidence before it in `{task.function.qualname}` and what it calls (depth 3)"))
            report(
                at=first.loc,
                message=f"`{task.function.qualname}` may run twice, and this is done again each time ({first.what})",
                evidence=evidence,
            )


def _repeats(effect: Effect, late: bool) -> bool:
    """Tell whether a second run does harm: `late`, the task may stop after any line, else only where something after the effect fails."""
    if effect.what in ("counted", "relative") or effect.origin.endswith(_ENQUEUE):
        return False
    return late or (effect.followed and effect.what != "http")


_ENQUEUE = (".delay", ".apply_async", ".enqueue", ".kiq", ".send_task")
