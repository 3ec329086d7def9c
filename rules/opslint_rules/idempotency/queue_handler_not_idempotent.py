"""Handlers of at-least-once queues that repeat their effect."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Function, Handler, Meta, ProjectRule, Receive, TfBlock

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter

_WORDS = {
    "append": "appends to a file",
    "create": "creates a row",
    "insert": "inserts a row",
    "mail": "sends a mail",
    "payment": "moves money",
    "sms": "sends a text message",
}


class QueueHandlerNotIdempotent(ProjectRule):
    """The handler of an at-least-once queue does something that must not happen twice.

    What it finds
    -------------
    A function that handles messages of SQS, Azure Storage Queue, Service Bus, RabbitMQ, Kafka or Pub/Sub (a Lambda function fed by a
    queue, a callback, a receive loop, a method that a subclass puts into one) and creates rows, sends mail or texts, or moves money
    without a look-up, key, conflict clause or lock before it.

    In production
    -------------
    The worker is replaced by a deploy after the effect and before the acknowledgement: the queue delivers the message again, and the
    order, the mail, the next job exist twice.

    Bad:
        # file: worker.py
        import boto3
        from sqlalchemy.orm import Session
        from app.models import Order, engine

        sqs = boto3.client("sqs")

        def poll(url: str) -> None:
            answer = sqs.receive_message(QueueUrl=url)
            for message in answer["Messages"]:
                with Session(engine) as session:
                    session.add(Order(body=message["Body"]))  # expect: queue-handler-not-idempotent
                    session.commit()
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    Good:
        # file: worker.py
        import boto3
        from sqlalchemy.orm import Session
        from app.models import Order, engine

        sqs = boto3.client("sqs")

        def poll(url: str) -> None:
            answer = sqs.receive_message(QueueUrl=url)
            for message in answer["Messages"]:
                with Session(engine) as session:
                    known = session.query(Order).filter_by(message_id=message["MessageId"]).first()
                    if not known:
                        session.add(Order(message_id=message["MessageId"], body=message["Body"]))
                        session.commit()
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    Exempt
    ------
    Effects after dedup evidence, rows whose predecessors the same function deletes first (`delete(Segment).where(…)` before
    `Segment(…)`), updates to a fixed value, Powertools' idempotency, and handlers marked ``opslint: assume[idempotent]``.
    Messages and requests that are passed on: whoever gets them must expect them twice.
    What is added to stored values is `relative-update-in-retryable-handler`.

    Fix safety
    ----------
    None: it needs a key that names the message, and a place to keep it.

    Authority
    ---------
    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """

    meta = Meta(
        "queue-handler-not-idempotent",
        category="idempotency",
        severity="error",
        confidence="medium",
        authority="https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html",
        summary="The handler of an at-least-once queue does something that must not happen twice",
        help="Look for the message's key before the effect, or write it with the effect under a unique constraint.",
    )
    needs = (Function,)
    joins = (CfnResource, Handler, Receive, TfBlock)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each handler once, at its first unguarded effect."""
        seen: set[Loc] = set()
        for consumer in model.handlers.consumers:
            effects = [e for e in model.handlers.effects(consumer.function) if not e.guards and e.what in _WORDS]
            effects = [effect for effect in effects if effect.loc not in seen]
            # What the handler's own file does says more than what all handlers share.
            effects.sort(key=lambda effect: effect.loc[0] != consumer.function.path)
            if not effects:
                continue
            first = effects[0]
            seen.update(effect.loc for effect in effects)
            name = consumer.function.qualname
            evidence = [*consumer.causes, (consumer.function.loc, f"`{name}` handles it"), *first.chain]
            evidence += [(effect.loc, f"also {_WORDS[effect.what]}") for effect in effects[1:4]]
            evidence.append((first.loc, f"no dedup evidence before it in `{name}` and what it calls (depth 3)"))
            report(
                at=first.loc,
                message=f"A message that is delivered again {_WORDS[first.what]} again: nothing in `{name}` looks for it first",
                evidence=evidence,
            )
