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
    A peer that accepts the connection and never answers keeps the thread waiting until something else ends it: the limit of the cloud
    function, task or server worker it runs in, which the message names where every caller has one (a warning then), or nothing at all. When
    the other side slows down, every worker ends up waiting, and a service whose own code is healthy stops answering.

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
    ``socket.setdefaulttimeout``. httpx (5 s) and aiohttp (300 s) without an argument. In scripts and commands it is a note, and in files
    that nothing which is deployed is seen to load (a client library for others, retired code).

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
            for calls, is_note in ((service, False), (script, True)):
                if calls:
                    self._report(model, waiting, calls, report, is_note=is_note)

    def _report(
        self, model: DeploymentModel, waiting: Waiting, calls: list[HttpCall], report: Reporter, *, is_note: bool
    ) -> None:
        first, others = calls[0], calls[1:]
        name = waiting.origin.replace("()", "")
        given = "is given no limit (`timeout=None`)" if first.how == "none" else "has no `timeout`"
        severity = "note" if is_note else None
        evidence = [(call.loc, "likewise") for call in others]
        if waiting.source is not None:
            evidence.append((waiting.source, "the session is made here"))
        bound = None if is_note else model.waits.bound(first.path, first.function)
        if bound is not None:
            message = f"`{name}` {given}: while its peer keeps silent, only {bound.label}, ends the wait"
            severity = "warning"
            evidence += [(bound.loc, "the limit is set here")] if bound.loc is not None else []
        else:
            message = f"`{name}` {given}: while its peer keeps silent, whatever called it waits"
        if not is_note and not model.waits.is_loaded(first.path):
            message += "; nothing that is deployed is seen to load this file"
            severity = "note"
        if others:
            message += f"; {len(others)} more {'on this session' if '()' in waiting.origin else 'beside it'}"
        data = {"keyword": "timeout", "also": len(others)}
        fix = Fix(applicability="unsafe", data=data, maker="http-timeout", title="Pass timeout={value}")
        report(at=first.loc, message=message, evidence=evidence, severity=severity, fix=fix)
