"""Retries that never end."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, UnboundedRetry

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter


class RetryWithoutLimit(ProjectRule):
    """Something is retried until it succeeds, without an end.

    What it finds
    -------------
    tenacity, backoff, retrying and retry without a stop, ``urllib3.Retry(total=None)``, a Celery task with ``max_retries=None``, and
    ``while True`` loops that only a success of a call over the network leaves.

    In production
    -------------
    While the other side is down, every caller keeps hammering it: nothing ever fails, so nothing alarms, queues fill up, and the load keeps
    the other side from coming back.

    Bad:
        # file: app/prices.py
        import httpx
        from tenacity import retry

        @retry  # expect: retry-without-limit
        def price(sku: str) -> float:
            return httpx.get(f"https://prices.example.com/{sku}").json()["price"]

    Good:
        # file: app/prices.py
        import httpx
        from tenacity import retry, stop_after_attempt, wait_random_exponential

        @retry(stop=stop_after_attempt(4), wait=wait_random_exponential(max=10))
        def price(sku: str) -> float:
            return httpx.get(f"https://prices.example.com/{sku}").json()["price"]

    Exempt
    ------
    Loops that are the service (a consumer goes on after each message), loops with a counter, a deadline or a stop flag, decorators
    given ``**options``. In scripts and commands it is a note.

    Fix safety
    ----------
    None: the number of attempts is a decision.

    Authority
    ---------
    https://sre.google/sre-book/addressing-cascading-failures/
    """

    meta = Meta(
        "retry-without-limit",
        category="timeouts",
        severity="error",
        confidence="high",
        authority="https://sre.google/sre-book/addressing-cascading-failures/",
        summary="Something is retried until it succeeds, without an end",
        help="Stop after a few attempts or a deadline, and wait longer, with jitter, between them.",
    )
    needs = (UnboundedRetry,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each retry without an end."""
        for retry in model.drivers.endless_retries:
            evidence = []
            if retry.how == "loop":
                message = (
                    "Only success leaves this loop: while the other side is down it retries for ever, and nothing fails or alarms"
                )
                evidence = [
                    (retry.place(place), f"tries `{str(origin).replace('()', '')}`")
                    for origin, place in retry.calls[:3]
                    if isinstance(place, int)
                ]
            elif retry.how == "task":
                message = "`max_retries=None` retries this task for ever: a message that cannot succeed never leaves the queue"
            else:
                message = f"{retry.library} without `{retry.missing}` retries for ever: while the other side is down nothing fails or alarms"
            script = model.handlers.is_script(retry.path, retry.function)
            report(at=retry.loc, message=message, evidence=evidence, severity="note" if script else None)
