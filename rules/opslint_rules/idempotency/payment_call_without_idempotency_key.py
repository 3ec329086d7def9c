"""Payments that a retry makes twice."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, FunctionEffects, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class PaymentCallWithoutIdempotencyKey(ProjectRule):
    """A payment is created without an idempotency key.

    What it finds
    -------------
    ``stripe.….create``, ``capture``, ``refund`` and the like without ``idempotency_key``. In a task that retries, a cloud function or a webhook
    receiver it is an error; in a plain request handler a note, because Stripe's SDK adds a random key for its own retries.

    In production
    -------------
    A task that dies after the charge and before it saved the result is run again and charges again: the SDK's random key is new
    in every run.

    Bad:
        # file: app/tasks.py
        import stripe
        from celery import shared_task

        @shared_task(acks_late=True)
        def charge(order_id: int, amount: int) -> None:
            stripe.PaymentIntent.create(amount=amount, currency="eur")  # expect: payment-call-without-idempotency-key

    Good:
        # file: app/tasks.py
        import stripe
        from celery import shared_task

        @shared_task(acks_late=True)
        def charge(order_id: int, amount: int) -> None:
            stripe.PaymentIntent.create(amount=amount, currency="eur", idempotency_key=f"order-{order_id}")

    Exempt
    ------
    Calls that read, calls with a key, calls given ``**options``.

    Fix safety
    ----------
    None: the key must come from the input.

    Authority
    ---------
    https://docs.stripe.com/api/idempotent_requests
    """

    meta = Meta(
        "payment-call-without-idempotency-key",
        category="idempotency",
        severity="error",
        confidence="high",
        authority="https://docs.stripe.com/api/idempotent_requests",
        summary="A payment is created without an idempotency key",
        help="Pass an idempotency key made from what is paid for (the order's id), never from a clock or a random number.",
    )
    needs = (FunctionEffects,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report payments on a way that repeats as errors, all others that move money as notes."""
        repeated = set()
        for function, causes in model.handlers.repeated:
            for effect in model.handlers.effects(function):
                if effect.what == "payment" and effect.loc not in repeated:
                    repeated.add(effect.loc)
                    name = effect.origin.replace("()", "")
                    report(
                        at=effect.loc,
                        message=f"`{name}` without an idempotency key in code that may run twice: the second run pays again",
                        evidence=[*causes, (function.loc, f"`{function.qualname}` may run twice"), *effect.chain],
                    )
        for fact in model.facts(FunctionEffects):
            for group, what, origin, place in fact.marks:
                money = what == "payment" and str(origin).split(".")[1:2] and str(origin).split(".")[1] in _MONEY
                if group != "effect" or not money or not isinstance(place, int) or fact.place(place) in repeated:
                    continue
                if model.handlers.is_script(fact.path, fact.function):
                    continue
                report(
                    at=fact.place(place),
                    message=(
                        f"`{origin}` without an idempotency key: a user who submits twice, or a proxy that retries, pays twice"
                        " (the SDK's own random key only covers its own retries)"
                    ),
                    severity="note",
                )


_MONEY = frozenset(("Charge", "Invoice", "InvoiceItem", "PaymentIntent", "Payout", "Refund", "Subscription", "Transfer"))
