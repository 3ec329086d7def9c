"""HTTP calls that wait for ever."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Fix, HttpCall, Meta, ProjectRule, SessionMade

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Reporter, Waiting


class HttpCallWithoutTimeout(ProjectRule):
    """An HTTP call has no timeout and its driver sets none.

    What it finds
    -------------
    A call of requests (also through a session, wherever it is made), urllib, urllib3, http.client, httplib2 or pycurl that is given no
    timeout, and one of httpx or aiohttp that is given ``None``. Calls on one session, or in one client class or function, are one finding.

    In production
    -------------
    A peer that accepts the connection and never answers holds the thread for good. When the other side slows down, every worker ends up
    waiting, and a service whose own code is healthy stops answering.

    Bad:
        # file: app/rates.py
        import requests

        def rate(currency: str) -> float:
            answer = requests.get(f"https://rates.example.com/{currency}")  # expect: http-call-without-timeout
            return answer.json()["rate"]

    Good:
        # file: app/rates.py
        import requests

        def rate(currency: str) -> float:
            answer = requests.get(f"https://rates.example.com/{currency}", timeout=(3, 10))
            return answer.json()["rate"]

    Exempt
    ------
    Calls that pass ``**options`` (a timeout may be in them), sessions with an adapter or a method of the repository's own, a global
    ``socket.setdefaulttimeout``. httpx (5 s) and aiohttp (300 s) without an argument. In scripts and commands it is a note.

    Fix safety
    ----------
    Unsafe: a slow but healthy peer may now fail. Offered only when ``[fix] http_timeout`` gives the value.

    Authority
    ---------
    https://requests.readthedocs.io/en/latest/user/advanced/#timeouts
    """

    meta = Meta(
        "http-call-without-timeout",
        category="timeouts",
        severity="error",
        confidence="high",
        authority="https://requests.readthedocs.io/en/latest/user/advanced/#timeouts",
        summary="An HTTP call has no timeout and its driver sets none",
        help="Pass `timeout=(connect, read)` in seconds, below what your own caller waits.",
        fix="unsafe",
    )
    needs = (HttpCall, SessionMade)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each call, or each session with all its calls; those of scripts apart."""
        for waiting in model.drivers.waiting:
            service = [call for call in waiting.calls if not model.handlers.is_script(call.path, call.function)]
            script = [call for call in waiting.calls if call not in service]
            for calls, severity in ((service, None), (script, "note")):
                if calls:
                    self._report(waiting, calls, severity, report)

    def _report(self, waiting: Waiting, calls: list[HttpCall], severity: str | None, report: Reporter) -> None:
        first, others = calls[0], calls[1:]
        name = waiting.origin.replace("()", "")
        if first.how == "none":
            message = f"`{name}` is given no limit (`timeout=None`): a peer that never answers holds this worker for good"
        else:
            message = f"`{name}` without `timeout` waits for ever: a peer that never answers holds this worker for good"
        if others:
            message += f"; {len(others)} more {'on this session' if '()' in waiting.origin else 'beside it'}"
        evidence = [(call.loc, "likewise") for call in others]
        if waiting.source is not None:
            evidence.append((waiting.source, "the session is made here"))
        data = {"keyword": "timeout", "also": len(others)}
        fix = Fix(applicability="unsafe", data=data, maker="http-timeout", title="Pass timeout={value}")
        report(at=first.loc, message=message, evidence=evidence, severity=severity, fix=fix)
