"""Health checks that cannot fail."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Answer, Meta, ProjectRule, Route, asked

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, RouteInfo

_HEALTH = frozenset(
    (
        "health",
        "healthz",
        "health-check",
        "health_check",
        "healthcheck",
        "ready",
        "readyz",
        "readiness",
        "status",
        "heartbeat",
        "_health",
    )
)
_RESTARTS = frozenset(("liveness", "startup"))
_LIVE = frozenset(("live", "livez", "liveness", "alive", "ping"))


class HealthAlwaysOk(ProjectRule):
    """A health endpoint looks at its dependencies and answers 200 whatever it finds.

    What it finds
    -------------
    A route that a probe asks, or whose path says health or readiness, whose handler checks something but answers success on every path:
    a broad except that answers, or a status that is computed and not used.

    In production
    -------------
    The database is gone, the endpoint says so in its body, and the load balancer keeps sending traffic: it reads the status code.

    Bad:
        # file: app/main.py
        from fastapi import FastAPI
        from sqlalchemy import text
        from app.db import engine

        app = FastAPI()

        @app.get("/health/ready")
        def ready():
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                return {"status": "ok"}
            except Exception as error:  # expect: health-always-ok
                return {"status": "error", "detail": str(error)}

    Good:
        # file: app/main.py
        from fastapi import FastAPI, Response
        from sqlalchemy import text
        from app.db import engine

        app = FastAPI()

        @app.get("/health/ready")
        def ready(response: Response):
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                return {"status": "ok"}
            except Exception as error:
                response.status_code = 503
                return {"status": "error", "detail": str(error)}

    Exempt
    ------
    Liveness paths, handlers that only liveness probes ask, handlers whose answer is another function's, handlers with any path that raises or
    answers something else.

    Fix safety
    ----------
    None.

    Authority
    ---------
    https://aws.amazon.com/builders-library/implementing-health-checks/
    """

    meta = Meta(
        "health-always-ok",
        status="preview",
        category="health",
        severity="error",
        confidence="high",
        authority="https://aws.amazon.com/builders-library/implementing-health-checks/",
        summary="A health endpoint looks at its dependencies and answers 200 whatever it finds",
        help="Answer 503 when a check fails.",
    )
    needs = (Answer, Route)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each handler once."""
        found: dict[object, tuple[RouteInfo, Answer]] = {}
        for route in model.routes.all_routes():
            function = route.handler
            if function is None or not _is_health(route) or function.loc in found:
                continue
            answer = model.handlers.answer(function)
            if answer is None or answer.constant or answer.fails:
                continue
            if answer.unused is not None or (answer.swallows and not answer.delegates):
                found[function.loc] = (route, answer)
        roles = _roles(model) if found else {}
        for loc, (route, answer) in found.items():
            asking = roles.get(loc, {})
            if not asking or not _RESTARTS.issuperset(asking):
                self._report(route, answer, asking, report)

    @staticmethod
    def _report(route: RouteInfo, answer: Answer, asking: dict[str, Loc], report: Reporter) -> None:
        evidence = [(route.loc, f"serves `{route.path}`")]
        if "liveness" in asking:
            evidence.append((asking["liveness"], "a liveness probe asks it as well: give the readiness probe a path of its own"))
        if answer.unused is not None:
            report(
                at=answer.loc,
                message=f"`{route.path}` computes a status for a failed check and never uses it: it answers 200 when unhealthy",
                evidence=[(answer.place(answer.unused), "this status is never read"), *evidence],
            )
        else:
            report(
                at=answer.place(answer.swallows[0]),
                message=f"`{route.path}` answers 200 when its check fails: probes and load balancers read the status, not the body",
                evidence=evidence,
            )


def _roles(model: DeploymentModel) -> dict[object, dict[str, Loc]]:
    """The probes that ask a handler, one place a role, by the handler's place."""
    found: dict[object, dict[str, Loc]] = {}
    for item in asked(model, frozenset(("healthcheck", "liveness", "readiness", "startup", "target-group"))):
        route = model.routes.of_entries(item.entries).match(item.path)
        if route is not None and route.handler is not None:
            found.setdefault(route.handler.loc, {}).setdefault(item.probe.role, item.probe.path_loc)
    return found


def _is_health(route: RouteInfo) -> bool:
    parts = [part for part in route.path.lower().strip("/").split("/") if part]
    # A probe sends a GET to a fixed path: what takes an identifier, or another method only, answers for something else.
    asked = (not route.methods or "GET" in route.methods) and not set("{<") & set(route.path)
    return asked and bool(parts) and parts[-1] in _HEALTH and not _LIVE.intersection(parts)
