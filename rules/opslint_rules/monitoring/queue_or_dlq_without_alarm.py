"""Dead-letter queues that fill up unseen."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Meta, ProjectRule, TfBlock

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Queue, Reporter


class QueueOrDlqWithoutAlarm(ProjectRule):
    """Messages end in a dead-letter queue and nobody is told.

    What it finds
    -------------
    A dead-letter queue that no alarm of its root or template looks at.

    In production
    -------------
    Every message in it is an order, a payment or a mail that did not happen. Without an alarm on its depth they are found when
    a customer asks, and after fourteen days at most they are deleted.

    Bad:
        # file: infra/queues.tf
        resource "aws_sqs_queue" "orders" {
          name = "orders"
          redrive_policy = jsonencode({
            deadLetterTargetArn = aws_sqs_queue.orders_dlq.arn
            maxReceiveCount     = 5
          })
        }
        resource "aws_sqs_queue" "orders_dlq" { # expect: queue-or-dlq-without-alarm
          name = "orders-dlq"
        }

    Good:
        # file: infra/queues.tf
        resource "aws_sqs_queue" "orders" {
          name = "orders"
          redrive_policy = jsonencode({
            deadLetterTargetArn = aws_sqs_queue.orders_dlq.arn
            maxReceiveCount     = 5
          })
        }
        resource "aws_sqs_queue" "orders_dlq" {
          name = "orders-dlq"
        }
        resource "aws_cloudwatch_metric_alarm" "orders_dlq" {
          alarm_name          = "orders-dlq-not-empty"
          namespace           = "AWS/SQS"
          metric_name         = "ApproximateNumberOfMessagesVisible"
          dimensions          = { QueueName = aws_sqs_queue.orders_dlq.name }
          comparison_operator = "GreaterThanThreshold"
          evaluation_periods  = 1
          threshold           = 0
          alarm_actions       = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
        }

    Exempt
    ------
    A dead-letter queue with a consumer of its own. Alarms whose dimensions are not known, modules from elsewhere that get the
    queue, a role by which a service elsewhere reads the metrics, `telemetry = "platform"`: counted only.

    Fix safety
    ----------
    None: who is to be told is not in the repository.

    Authority
    ---------
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html
    """

    meta = Meta(
        "queue-or-dlq-without-alarm",
        category="monitoring",
        severity="warning",
        confidence="medium",
        authority="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html",
        summary="Messages end in a dead-letter queue and nobody is told",
        help="Add an alarm on `ApproximateNumberOfMessagesVisible > 0` of the dead-letter queue, with an action.",
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each dead-letter queue once, over all environments it exists in."""
        if model.settings.telemetry == "platform":
            return
        consumed = {id(source.queue) for source in model.resources.event_sources if source.queue is not None}
        places: dict[Loc, list[Queue]] = {}
        for queue in model.resources.queues:
            if queue.is_dead_letter and queue.service == "sqs" and id(queue) not in consumed:
                if model.resources.spares_production(queue.resource):
                    continue
                places.setdefault(queue.resource.loc, []).append(queue)
        for loc, queues in places.items():
            watched = [model.resources.watched(queue.resource) for queue in queues]
            if model.resources.metrics_reader is not None:
                report.silent("a service elsewhere reads the metrics and may alert on them", loc)
            elif model.missing_siblings:
                report.silent(f"the sibling {model.missing_siblings[0]} may hold the alarms", loc)
            elif any(answer is False for answer in watched):
                self._report(loc, [queue for queue, answer in zip(queues, watched, strict=True) if answer is False], report)
            elif any(answer is None for answer in watched):
                report.silent("what the alarms look at is not known", loc)

    def _report(self, loc: Loc, queues: list[Queue], report: Reporter) -> None:
        resource = queues[0].resource
        report(
            at=loc,
            message=f"No alarm looks at dead-letter queue `{resource.name}`: what failed waits there until it is deleted",
            environments=sorted({name for queue in queues for name in queue.resource.environments}),
            key=resource.address,
            derived={path for queue in queues for path in queue.resource.files},
        )
