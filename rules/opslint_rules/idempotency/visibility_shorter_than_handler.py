"""Queues that hand a message out again while it is still being handled."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Meta, ProjectRule, TfBlock, as_number

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, EventSource, Loc, Reporter

FACTOR = 6
"""Times the function timeout that AWS asks the visibility timeout to be (Lambda developer guide, "Using Lambda with SQS")."""


class VisibilityShorterThanHandler(ProjectRule):
    """A queue hands a message out again while a function still works on it.

    What it finds
    -------------
    An SQS queue that feeds a Lambda function and whose visibility timeout is below the function's timeout (the API refuses that),
    or below six times the timeout plus the batch window, which AWS recommends so that throttled batches can be retried.

    In production
    -------------
    The deploy fails, or messages become visible again while their batch waits for a free function: each is handled twice, and
    counts a receive that brings it closer to the dead-letter queue although nothing failed.

    Bad:
        # file: infra/main.tf
        resource "aws_sqs_queue" "orders" {
          name                       = "orders"
          visibility_timeout_seconds = 60 # expect: visibility-shorter-than-handler
          redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
        }
        resource "aws_sqs_queue" "dead" {
          name = "orders-dead"
        }
        resource "aws_lambda_function" "orders" {
          function_name = "orders"
          role          = "arn:aws:iam::111122223333:role/orders"
          timeout       = 120
        }
        resource "aws_lambda_event_source_mapping" "orders" {
          event_source_arn = aws_sqs_queue.orders.arn
          function_name    = aws_lambda_function.orders.arn
        }

    Good:
        # file: infra/main.tf
        resource "aws_sqs_queue" "orders" {
          name                       = "orders"
          visibility_timeout_seconds = 720
          redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
        }
        resource "aws_sqs_queue" "dead" {
          name = "orders-dead"
        }
        resource "aws_lambda_function" "orders" {
          function_name = "orders"
          role          = "arn:aws:iam::111122223333:role/orders"
          timeout       = 120
        }
        resource "aws_lambda_event_source_mapping" "orders" {
          event_source_arn = aws_sqs_queue.orders.arn
          function_name    = aws_lambda_function.orders.arn
        }

    Exempt
    ------
    Timeouts that the repository does not say. FIFO queues below the recommendation are a note.

    Fix safety
    ----------
    None: both numbers are decisions.

    Authority
    ---------
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    meta = Meta(
        "visibility-shorter-than-handler",
        category="idempotency",
        severity="error",
        confidence="high",
        authority="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
        summary="A queue hands a message out again while a function still works on it",
        help="Set the visibility timeout to at least six times the function's timeout plus the batch window.",
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Compare each queue with the function it feeds; instances of one block are one finding."""
        places: dict[Loc, list[tuple[float, float, float, EventSource]]] = {}
        for source in model.resources.event_sources:
            if source.queue is None or source.function is None or source.queue.service != "sqs":
                continue
            visibility, timeout = as_number(source.queue.visibility), as_number(source.function.timeout)
            window = as_number(source.batch_window) or 0
            if visibility is None or timeout is None:
                report.silent("a timeout is not known", source.loc)
            elif visibility < FACTOR * timeout + window:
                places.setdefault(source.queue.visibility_loc, []).append((visibility, timeout, window, source))
        for loc, found in places.items():
            self._report(loc, found, report)

    def _report(self, loc: Loc, found: list[tuple[float, float, float, EventSource]], report: Reporter) -> None:
        visibility, timeout, window, source = min(found, key=lambda item: item[0] / (FACTOR * item[1] + item[2]))
        queue, function = source.queue, source.function
        if queue is None or function is None:
            return
        refused = visibility < timeout
        name = f"`{queue.resource.name}` ({visibility:g} s)"
        if refused:
            message = (
                f"Visibility timeout of {name} is below the timeout of its function ({timeout:g} s): AWS refuses the mapping"
            )
        else:
            sum_ = f"6 × {timeout:g} s" + (f" + {window:g} s batch window" if window else "")
            message = (
                f"Visibility timeout of {name} is below {FACTOR * timeout + window:g} s ({sum_}): messages of a throttled batch are"
                " handed out twice"
            )
        report(
            at=loc,
            message=message,
            evidence=[
                (function.timeout_loc, f"the function may take {timeout:g} s"),
                (source.loc, "the queue feeds the function"),
            ],
            environments=sorted({name for item in found if item[3].queue for name in item[3].queue.resource.environments}),
            key=queue.resource.address,
            severity=None if refused else "note" if queue.fifo else "warning",
            derived={*queue.resource.files, *function.resource.files},
        )
