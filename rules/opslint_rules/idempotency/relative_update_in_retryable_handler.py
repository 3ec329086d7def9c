"""Values that are added to by code that may run twice."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Function, Handler, Meta, ProjectRule, Receive, TfBlock, WebhookCheck

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter


class RelativeUpdateInRetryableHandler(ProjectRule):
    """A handler that may run twice adds to a stored value.

    What it finds
    -------------
    ``F("points") + n``, ``row.points += n`` with ``row.save()``, ``UPDATE … SET x = x + 1`` or ``INCRBY`` in a task that retries, the
    handler of a queue, a webhook receiver or a Lambda function fed by a queue, with nothing before it that tells a second run from the first.

    In production
    -------------
    The second delivery adds a second time: balances, stocks and scores drift, and no log says why.

    Bad:
        # file: app/tasks.py
        from celery import shared_task
        from django.db.models import F
        from app.models import Account

        @shared_task(autoretry_for=(Exception,), max_retries=3)
        def credit(account_id: int, amount: int) -> None:
            Account.objects.filter(pk=account_id).update(balance=F("balance") + amount)  # expect: relative-update-in-retryable-handler

    Good:
        # file: app/tasks.py
        from celery import shared_task
        from django.db import transaction
        from django.db.models import F
        from app.models import Account, Credit

        @shared_task(autoretry_for=(Exception,), max_retries=3)
        def credit(account_id: int, amount: int, key: str) -> None:
            with transaction.atomic():
                if Credit.objects.filter(key=key).exists():
                    return
                Credit.objects.create(key=key)
                Account.objects.filter(pk=account_id).update(balance=F("balance") + amount)

    Exempt
    ------
    Updates behind a look-up, a key, a lock or a conflict clause; ``get_or_create`` of the row itself does not count: the row is one, the
    addition is not. Counters of attempts. A note only: counters of what happened on a day (`get_or_create(date=today)`, then `+= 1`), which
    are right however often it happened.

    Fix safety
    ----------
    None.

    Authority
    ---------
    https://aws.amazon.com/builders-library/making-retries-safe-with-idempotent-APIs/
    """

    meta = Meta(
        "relative-update-in-retryable-handler",
        category="idempotency",
        severity="error",
        confidence="medium",
        authority="https://aws.amazon.com/builders-library/making-retries-safe-with-idempotent-APIs/",
        summary="A handler that may run twice adds to a stored value",
        help="Write a row with a unique key for each addition in the same transaction, or set the value that it must have.",
    )
    needs = (Function,)
    joins = (CfnResource, Handler, Receive, TfBlock, WebhookCheck)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each addition once, with the first cause that repeats it."""
        seen: set[Loc] = set()
        for function, causes in model.handlers.repeated:
            for effect in model.handlers.effects(function):
                if effect.what not in ("counted", "relative") or effect.guards or effect.loc in seen:
                    continue
                seen.add(effect.loc)
                evidence = [*causes, (function.loc, f"`{function.qualname}` may run twice"), *effect.chain]
                evidence.append((effect.loc, f"no dedup evidence before it in `{function.qualname}` and what it calls (depth 3)"))
                counted = effect.what == "counted"
                harm = "what is counted here is then done twice" if counted else "each run adds to a stored value here"
                report(
                    at=effect.loc,
                    message=f"`{function.qualname}` may run twice, and {harm}",
                    evidence=evidence,
                    severity="note" if counted else None,
                )
