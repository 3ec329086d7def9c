"""Liveness probes that fail when something else is down."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, Meta, ProjectRule, Route, asked, tier_of

if TYPE_CHECKING:
    from opslint.api import Asked, DeploymentModel, Loc, Reporter, RouteInfo, Touch

_KINDS = {
    "aws": "an AWS service",
    "broker": "its broker",
    "cache": "its cache",
    "database": "its database",
    "http": "another service",
}


class LivenessChecksDependency(ProjectRule):
    """A liveness probe's handler asks the database, the broker or another service.

    What it finds
    -------------
    A `livenessProbe` (or an ECS container health check) whose path is served by a handler that uses a database, cache, broker or HTTP
    service, directly or through repository functions, and that can fail because of it.

    In production
    -------------
    The database is slow for a minute: every replica fails its liveness probe at the same time and is restarted. The restarts drop all
    requests in flight, the reconnecting pods load the database further, and a blip becomes an outage.

    Bad:
        # file: k8s/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          selector:
            matchLabels: {app: api}
          template:
            metadata:
              labels: {app: api}
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.4.2
                  command: ["uvicorn", "app.main:app", "--port", "8000"]
                  ports: [{containerPort: 8000}]
                  livenessProbe:
                    httpGet:
                      path: /health  # expect: liveness-checks-dependency
                      port: 8000
        # file: docker-compose.yml
        services:
          api:
            build: .
            image: registry.example.com/shop/api:1.4.2
            command: uvicorn app.main:app --port 8000
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app app
        # file: app/__init__.py
        # file: app/main.py
        import redis
        from fastapi import FastAPI

        app = FastAPI()
        cache = redis.Redis(host="cache")

        @app.get("/health")
        def health():
            cache.ping()
            return {"status": "ok"}

    Good:
        # file: k8s/api.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
        spec:
          selector:
            matchLabels: {app: api}
          template:
            metadata:
              labels: {app: api}
            spec:
              containers:
                - name: api
                  image: registry.example.com/shop/api:1.4.2
                  command: ["uvicorn", "app.main:app", "--port", "8000"]
                  ports: [{containerPort: 8000}]
                  livenessProbe:
                    httpGet:
                      path: /live
                      port: 8000
                  readinessProbe:
                    httpGet:
                      path: /ready
                      port: 8000
        # file: docker-compose.yml
        services:
          api:
            build: .
            image: registry.example.com/shop/api:1.4.2
            command: uvicorn app.main:app --port 8000
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY app app
        # file: app/__init__.py
        # file: app/main.py
        import redis
        from fastapi import FastAPI

        app = FastAPI()
        cache = redis.Redis(host="cache")

        @app.get("/live")
        def live():
            return {"status": "ok"}

        @app.get("/ready")
        def ready():
            cache.ping()
            return {"status": "ok"}

    Exempt
    ------
    Handlers that answer 200 whatever the dependency says, readiness and startup probes, files and embedded databases.

    Fix safety
    ----------
    None: what the process itself needs to be alive is the team's to say.

    Authority
    ---------
    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """

    meta = Meta(
        "liveness-checks-dependency",
        category="health",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        summary="A liveness probe's handler asks the database, the broker or another service",
        help="Let liveness answer from the process alone; check dependencies in the readiness probe.",
    )
    needs = (Route,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each handler once, with every probe that asks it and every environment they stand in."""
        found: dict[tuple[str, Loc], list[tuple[Asked, RouteInfo, Touch]]] = {}
        for item in asked(model, frozenset(("liveness", "healthcheck"))):
            if item.probe.role == "healthcheck" and item.workload.platform != "ecs":
                continue  # a compose or Docker health check marks the container and restarts nothing
            if item.doubt:
                report.silent(item.doubt, item.probe.path_loc)
                continue
            route = model.routes.of_entries(item.entries).match(item.path)
            touch = self._failing(model, route)
            if route is not None and route.handler is not None and touch is not None:
                found.setdefault((item.service.name, route.handler.loc), []).append((item, route, touch))
        for items in found.values():
            self._report(items, report)

    @staticmethod
    def _failing(model: DeploymentModel, route: RouteInfo | None) -> Touch | None:
        """What the handler uses and can fail of."""
        if route is None or route.handler is None:
            return None
        answer = model.handlers.answer(route.handler)
        if answer is not None and (answer.constant or (answer.swallows and not answer.fails and not answer.delegates)):
            return None
        return next((touch for touch in model.handlers.touches(route.handler) if touch.kind in _KINDS), None)

    def _report(self, items: list[tuple[Asked, RouteInfo, Touch]], report: Reporter) -> None:
        items.sort(key=lambda found: "production" not in {tier_of(name) for name in found[0].workload.environments})
        item, route, touch = items[0]
        evidence = [(route.loc, f"serves `{route.path}`"), *((loc, note) for loc, note in touch.chain)]
        others = dict.fromkeys(other.probe.path_loc for other, _route, _touch in items[1:])
        evidence += [(loc, "this liveness probe asks it as well") for loc in others if loc != item.probe.path_loc]
        report(
            at=item.probe.path_loc,
            message=f"The liveness probe of `{item.service.name}` fails when {_KINDS[touch.kind]} does (`{touch.origin}`): "
            "every replica is restarted at once",
            evidence=evidence,
            environments=sorted({name for other, _route, _touch in items for name in other.workload.environments}),
            service=item.service.name,
            derived=sorted({*(file for other, _r, _t in items for file in other.workload.files), *route.files}),
        )
