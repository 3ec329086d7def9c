"""Webhook receivers that do their work again for every redelivery."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, WebhookCheck

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Effect, Loc, Reporter, Webhook

_WORDS = {
    "append": "appends to a file",
    "create": "creates a row",
    "http": "calls another service",
    "insert": "inserts a row",
    "mail": "sends a mail",
    "message": "sends a message",
    "payment": "moves money",
    "relative": "adds to a stored value",
    "sms": "sends a text message",
}
_KEYS = frozenset(("key", "lookup", "fetch", "conflict", "lock"))


class WebhookHandlerIgnoresEventId(ProjectRule):
    """A webhook receiver does its work without looking at which event it is.

    What it finds
    -------------
    A route that verifies a provider's signature (Stripe, GitHub, Shopify, Twilio, svix, an HMAC over the body), then creates rows, sends
    messages or adds to values, and never reads what tells one delivery from another (``event["id"]``, ``X-GitHub-Delivery``…).

    In production
    -------------
    Providers deliver at least once: after a timeout, a deploy or a 500 the same event comes again, and the order is created, the mail
    sent, the credit added a second time.

    Bad:
        # file: app/hooks.py
        import stripe
        from flask import Flask, request
        from app.models import Payment, db

        app = Flask(__name__)

        @app.post("/stripe")
        def stripe_hook():
            event = stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], "whsec")
            db.session.add(Payment(amount=event["data"]["object"]["amount"]))  # expect: webhook-handler-ignores-event-id
            db.session.commit()
            return "", 204

    Good:
        # file: app/hooks.py
        import stripe
        from flask import Flask, request
        from app.models import Payment, db

        app = Flask(__name__)

        @app.post("/stripe")
        def stripe_hook():
            event = stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], "whsec")
            if Payment.query.filter_by(event_id=event["id"]).first():
                return "", 200
            db.session.add(Payment(event_id=event["id"], amount=event["data"]["object"]["amount"]))
            db.session.commit()
            return "", 204

    Exempt
    ------
    Handlers that only set fixed values, and effects behind a look-up, a conflict clause, a lock or a key of their own. Tasks that are queued
    under a name which the module does not have: nothing is sent there.

    Fix safety
    ----------
    None: it needs a place to keep the ids that were seen.

    Authority
    ---------
    https://docs.stripe.com/webhooks#handle-duplicate-events
    """

    meta = Meta(
        "webhook-handler-ignores-event-id",
        category="idempotency",
        severity="error",
        confidence="high",
        authority="https://docs.stripe.com/webhooks#handle-duplicate-events",
        summary="A webhook receiver does its work without looking at which event it is",
        help="Keep the ids of handled events in a table with a unique constraint, written in the same transaction as the work.",
    )
    needs = (WebhookCheck,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each receiver once, at its first effect, with the others as evidence."""
        seen: set[object] = set()
        for hook in model.handlers.webhooks:
            effects = [
                effect
                for effect in hook.effects
                if effect.what != "counted" and not _KEYS.intersection(what for what, _loc in effect.guards)
            ]
            effects.sort(key=lambda effect: len(effect.chain))
            if hook.reads or not effects or effects[0].loc in seen:
                continue
            seen.add(effects[0].loc)
            self._report(hook, effects, report)

    def _report(self, hook: Webhook, effects: list[Effect], report: Reporter) -> None:
        first = effects[0]
        evidence = [
            (hook.function.loc, f"`{hook.function.qualname}` receives it"),
            (hook.check, f"{hook.provider} signature verified"),
        ]
        evidence += first.chain
        others: dict[Loc, str] = {}
        for effect in effects[1:]:
            # Where the handler's own file sets it off says more than the line that finally sends.
            at = next((loc for loc, _note in reversed(effect.chain) if loc[0] == first.loc[0]), effect.loc)
            if at != first.loc:
                others.setdefault(at, f"also {_WORDS.get(effect.what, effect.what)}")
        evidence += list(others.items())[:6]
        report(
            at=first.loc,
            message=(
                f"A redelivered {hook.provider} webhook {_WORDS.get(first.what, first.what)} again:"
                f" `{hook.function.qualname}` never looks at the event's id"
            ),
            evidence=evidence,
        )
