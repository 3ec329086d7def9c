"""Calls that may take longer than whoever waits for them."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, Function, Handler, Meta, ProjectRule

if TYPE_CHECKING:
    from opslint.api import Budget, DeploymentModel, Loc, Reporter, WorstCase


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
    What rests on the defaults of an SDK (stripe, openai, anthropic) is a warning.

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
    joins = (*MANIFESTS, Handler)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each call with the smallest budget it overruns; calls on one driver's defaults under one budget together."""
        smallest: dict[Loc, tuple[Budget, WorstCase]] = {}
        for budget, worst in model.budgets.exceeded:
            known = smallest.get(worst.loc)
            if known is None or budget.seconds < known[0].seconds:
                smallest[worst.loc] = (budget, worst)
        groups: dict[tuple[Loc, object], list[tuple[Budget, WorstCase]]] = {}
        for loc, pair in smallest.items():
            groups.setdefault((pair[0].loc, pair[1].driver or loc), []).append(pair)
        for pairs in groups.values():
            self._report(pairs, report)

    def _report(self, pairs: list[tuple[Budget, WorstCase]], report: Reporter) -> None:
        budget, worst = pairs[0]
        evidence = [
            (budget.loc, budget.label),
            (budget.function.loc, f"`{budget.function.qualname}` runs under it"),
            *worst.chain,
        ]
        if worst.attempts_loc is not None:
            evidence.append((worst.attempts_loc, "retried here"))
        evidence += [(other.loc, "another call with the same limits") for _budget, other in pairs[1:]]
        name = worst.origin.replace("()", "")
        source = f" (the defaults of {worst.driver})" if worst.driver else ""
        report(
            at=worst.loc,
            message=f"`{name}` may take {worst.formula}{source}; the {budget.label} kills the caller first",
            evidence=evidence,
            environments=budget.environments,
            service=budget.service or None,
            severity="warning" if budget.kind == "task" or worst.driver else None,
        )
