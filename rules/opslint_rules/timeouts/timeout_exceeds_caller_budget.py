"""Calls that may take longer than whoever waits for them."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Function, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class TimeoutExceedsCallerBudget(ProjectRule):
    """A call may take longer than the time its caller grants.

    What it finds
    -------------
    A call whose worst case (attempts × timeout, and what is waited between them) reaches the timeout of the Lambda function, the gunicorn
    worker (30 s when nothing is said, sync and threaded workers), or the time limit of the task that makes it.

    In production
    -------------
    The caller kills the worker before the call's own timeout fires: no exception, no log of which peer was slow, and the work is lost
    in the middle. A retry on top of it starts all over.

    Bad:
        # file: template.yaml
        AWSTemplateFormatVersion: "2010-09-09"
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Orders:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: src/
              Handler: orders.handler
              Runtime: python3.12
              Timeout: 10
        # file: src/orders.py
        import requests

        def handler(event, context):
            return requests.post("https://erp.example.com/orders", json=event, timeout=30).json()  # expect: timeout-exceeds-caller-budget

    Good:
        # file: template.yaml
        AWSTemplateFormatVersion: "2010-09-09"
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Orders:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: src/
              Handler: orders.handler
              Runtime: python3.12
              Timeout: 10
        # file: src/orders.py
        import requests

        def handler(event, context):
            return requests.post("https://erp.example.com/orders", json=event, timeout=5).json()

    Exempt
    ------
    Asynchronous gunicorn workers (their timeout is a heartbeat), budgets and timeouts that are not known, boto3's defaults.

    Fix safety
    ----------
    None: one of the two numbers is wrong, and only you know which.

    Authority
    ---------
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """

    meta = Meta(
        "timeout-exceeds-caller-budget",
        category="timeouts",
        severity="error",
        confidence="high",
        authority="https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
        summary="A call may take longer than the time its caller grants",
        help="Keep attempts × timeout below the caller's budget, or move the call to a task.",
    )
    needs = (Function,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each call once, with the smallest budget it overruns."""
        found: dict[tuple[str, object], tuple[float, object]] = {}
        for budget, worst in model.budgets.exceeded:
            known = found.get(worst.loc)
            if known is not None and known[0] <= budget.seconds:
                continue
            found[worst.loc] = (budget.seconds, (budget, worst))
        for loc, (_seconds, pair) in found.items():
            budget, worst = pair  # type: ignore[misc]
            evidence = [(budget.loc, budget.label), (budget.function.loc, f"`{budget.function.qualname}` runs under it"), *worst.chain]
            if worst.attempts_loc is not None:
                evidence.append((worst.attempts_loc, "retried here"))
            name = worst.origin.replace("()", "")
            report(
                at=loc,
                message=f"`{name}` may take {worst.formula}; the {budget.label} kills the caller first",
                evidence=evidence,
                environments=budget.environments,
                service=budget.service or None,
                severity="warning" if budget.kind == "task" else None,
            )
