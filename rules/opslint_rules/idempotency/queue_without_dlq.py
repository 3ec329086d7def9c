"""Queues whose failed messages have nowhere to go."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Meta, ProjectRule, TfBlock

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Queue, Reporter


class QueueWithoutDlq(ProjectRule):
    """A queue keeps redelivering a message that cannot be handled.

    What it finds
    -------------
    An SQS queue that something consumes without `redrive_policy` (in its own block or as a separate resource), or a Pub/Sub subscription without
    `dead_letter_policy`.

    In production
    -------------
    One message that the handler cannot digest comes back every visibility timeout until it expires, days later: it takes
    workers, repeats every effect that happens before the failure, and then disappears without anybody having seen it.

    Bad:
        # file: infra/queues.tf
        resource "aws_sqs_queue" "orders" { # expect: queue-without-dlq
          name = "orders"
        }
        resource "aws_lambda_event_source_mapping" "orders" {
          event_source_arn = aws_sqs_queue.orders.arn
          function_name    = "handle-orders"
        }

    Good:
        # file: infra/queues.tf
        resource "aws_sqs_queue" "orders" {
          name = "orders"
          redrive_policy = jsonencode({
            deadLetterTargetArn = aws_sqs_queue.orders_failed.arn
            maxReceiveCount     = 5
          })
        }
        resource "aws_sqs_queue" "orders_failed" {
          name = "orders-failed"
        }

    Exempt
    ------
    A queue that something else sends its failures to. A queue that nothing here takes messages from, a template that the CDK
    wrote and nothing deploys: counted only. A redrive policy that depends on a variable nobody sets: counted only.

    Fix safety
    ----------
    None: how often a message may fail is a decision.

    Authority
    ---------
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """

    meta = Meta(
        "queue-without-dlq",
        category="idempotency",
        severity="warning",
        confidence="high",
        authority="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        summary="A queue keeps redelivering a message that cannot be handled",
        help="Add a dead-letter queue and a `redrive_policy` with a `maxReceiveCount` of at least 5.",
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each declared queue once, over all environments it exists in."""
        places: dict[Loc, list[Queue]] = {}
        for queue in model.resources.queues:
            if not queue.is_dead_letter:
                places.setdefault(queue.resource.loc, []).append(queue)
        consumers = {id(source.queue): source.loc for source in model.resources.event_sources if source.queue is not None}
        for loc, queues in places.items():
            bad = [queue for queue in queues if queue.has_dead_letter is False]
            if bad and not any(model.resources.is_consumed(queue) for queue in bad):
                report.silent("nothing here takes the queue's messages", loc)
            elif bad:
                self._report(model, loc, bad, consumers.get(id(bad[0])), report)
            elif any(queue.has_dead_letter is None for queue in queues):
                report.silent("the redrive policy is not known", loc)

    def _report(self, model: DeploymentModel, loc: Loc, bad: list[Queue], consumer: Loc | None, report: Reporter) -> None:
        resource = bad[0].resource
        kind = "dead_letter_policy" if bad[0].service == "pubsub" else "redrive policy"
        report(
            at=loc,
            message=f"Queue `{resource.name}` has no {kind}: a message that fails is redelivered until it expires, then lost",
            evidence=[(consumer, "a function is called with its messages")] if consumer is not None else [],
            environments=sorted({name for queue in bad for name in queue.resource.environments}),
            key=resource.address,
            confidence=None if consumer is not None else "medium",
            derived={path for queue in bad for path in queue.resource.files},
        )
