"""Readiness probes that are satisfied by a running process."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Answer, Meta, ProjectRule, Route, asked

if TYPE_CHECKING:
    from opslint.api import Asked, DeploymentModel, Reporter, RouteInfo, Service

_ROLES = {
    "healthcheck": "health check",
    "readiness": "readiness probe",
    "target-group": "target group's health check",
}
_LIVE = frozenset(("alive", "live", "liveness", "livez", "ping"))
_HARD = frozenset(("database", "broker"))


class ReadinessChecksNothing(ProjectRule):
    """A readiness probe asks a handler that returns a constant, and the service cannot work without a dependency.

    What it finds
    -------------
    A readiness probe, a target group's or a compose health check whose path is served by a handler that always answers the same, in a service
    whose code uses a database or a broker.

    In production
    -------------
    A pod that cannot reach its database is ready: it gets its share of the traffic and fails all of it, and a rolling update with a
    wrong password replaces every healthy pod.

    Bad:
        # file: docker-compose.yml
        services:
          api:
            build: .
            command: uvicorn app.main:app --host 0.0.0.0 --port 8000
            ports: ["8000:8000"]
            healthcheck:
              test: ["CMD", "curl", "-f", "http://localhost:8000/ready"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app app
        # file: app/__init__.py
        # file: app/main.py
        from fastapi import FastAPI
        from sqlalchemy import create_engine, text

        app = FastAPI()
        engine = create_engine("sqlite://")

        @app.get("/ready")
        def ready():  # expect: readiness-checks-nothing
            return {"status": "ok"}

        @app.get("/orders")
        def orders():
            with engine.connect() as connection:
                return connection.execute(text("SELECT id FROM orders")).all()

    Good:
        # file: docker-compose.yml
        services:
          api:
            build: .
            command: uvicorn app.main:app --host 0.0.0.0 --port 8000
            ports: ["8000:8000"]
            healthcheck:
              test: ["CMD", "curl", "-f", "http://localhost:8000/ready"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app app
        # file: app/__init__.py
        # file: app/main.py
        from fastapi import FastAPI
        from sqlalchemy import create_engine, text

        app = FastAPI()
        engine = create_engine("sqlite://")

        @app.get("/ready")
        def ready():
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            return {"status": "ok"}

    Exempt
    ------
    Paths that only liveness probes ask, services without a hard dependency, ``shallow_readiness = true`` in the configuration (deep checks may
    make one failure everybody's).

    Fix safety
    ----------
    None.

    Authority
    ---------
    https://aws.amazon.com/builders-library/implementing-health-checks/
    """

    meta = Meta(
        "readiness-checks-nothing",
        category="health",
        severity="warning",
        confidence="medium",
        authority="https://aws.amazon.com/builders-library/implementing-health-checks/",
        summary="A readiness probe asks a handler that returns a constant, and the service cannot work without a dependency",
        help="Check the database or broker the service cannot work without, with a short timeout; keep the constant for liveness.",
    )
    needs = (Route, Answer)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each handler once, with the probes that ask it and the dependency it ignores."""
        if model.settings.shallow_readiness:
            return
        checks = asked(model, frozenset(_ROLES))
        ready = {check.service.name for check in checks if check.probe.role == "readiness"}
        found: dict[tuple[str, str, str], tuple[Service, RouteInfo, list[Asked]]] = {}
        for check in checks:
            if check.probe.role == "healthcheck":
                # Docker's and Compose's check stands for liveness where readiness is asked elsewhere, or where its path says so.
                if check.service.name in ready or _LIVE.intersection(check.path.lower().strip("/").split("/")):
                    continue
            if check.doubt:
                report.silent(check.doubt, check.probe.loc)
                continue
            route = model.routes.of(check.service).match(check.path)
            if route is not None and route.handler is not None:
                key = (check.service.name, route.handler.path, route.handler.qualname)
                found.setdefault(key, (check.service, route, []))[2].append(check)
        for service, route, asking in found.values():
            self._judge(model, service, route, asking, report)

    def _judge(
        self,
        model: DeploymentModel,
        service: Service,
        route: RouteInfo,
        asking: list[Asked],
        report: Reporter,
    ) -> None:
        function = route.handler
        answer = model.handlers.answer(function) if function is not None else None
        if function is None or answer is None or not answer.constant or model.handlers.touches(function):
            return
        needed = model.handlers.needs(service, _HARD)
        if needed is None:
            return
        evidence = [(check.probe.path_loc, f"this {_ROLES[check.probe.role]} asks `{route.path}`") for check in asking[:4]]
        evidence += [(route.loc, f"serves `{route.path}`"), (needed.chain[-1][0], f"the service needs its {needed.kind}")]
        report(
            at=answer.loc,
            message=f"`{route.path}` always answers the same: a pod that cannot reach its {needed.kind} is ready and gets traffic",
            evidence=evidence,
            environments=sorted({name for check in asking for name in check.workload.environments}),
            service=service.name,
            derived=sorted({file for workload, _c in service.runs for file in workload.files} | set(route.files)),
        )
