"""Health checks that ask for a path the application does not serve."""

from __future__ import annotations

from opslint.api import MANIFESTS, TYPE_CHECKING, Meta, ProjectRule, Route, asked, tier_of

if TYPE_CHECKING:
    from opslint.api import Asked, DeploymentModel, Reporter, RouteTable

_ROLES = frozenset(("healthcheck", "liveness", "readiness", "startup", "target-group"))
_NAMES = {"healthcheck": "health check", "target-group": "target group's health check"}
_HARM = {
    "healthcheck": "the container never becomes healthy",
    "liveness": "the container is restarted again and again",
    "readiness": "the pods never get traffic",
    "startup": "the container is killed before it has started",
    "target-group": "the targets never get traffic",
}


class ProbePathNotServed(ProjectRule):
    """A probe asks for a path that the application answers with 404.

    What it finds
    -------------
    An HTTP probe (or a `curl`, `wget` or Python one-liner as a health check) whose path no route of the linked application serves, where all
    of its routes are known.

    In production
    -------------
    Every probe gets a 404: new pods never become ready and the rollout hangs, or the container is restarted for ever.

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
                  readinessProbe:
                    httpGet:
                      path: /healthz  # expect: probe-path-not-served
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
        from fastapi import FastAPI

        app = FastAPI()

        @app.get("/health")
        def health():
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
                  readinessProbe:
                    httpGet:
                      path: /health
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
        from fastapi import FastAPI

        app = FastAPI()

        @app.get("/health")
        def health():
            return {"status": "ok"}

    Exempt
    ------
    Applications with routes that cannot be followed, probes on a port of another server, servers behind a path prefix: counted only.

    Fix safety
    ----------
    None: the nearest route is named in the message.

    Authority
    ---------
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
    """

    meta = Meta(
        "probe-path-not-served",
        category="health",
        severity="error",
        confidence="high",
        authority="https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
        summary="A probe asks for a path that the application answers with 404",
        help="Point the probe at a route that exists, or add the route to the application.",
    )
    needs = (Route,)
    joins = MANIFESTS

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each path of a service once, with every probe that asks for it and every environment they stand in."""
        found: dict[tuple[str, str], list[tuple[Asked, RouteTable]]] = {}
        for item in asked(model, _ROLES):
            table = model.routes.of_entries(item.entries)
            if table.match(item.path) is not None:
                continue
            if item.doubt or not table.complete:
                why = item.doubt or (
                    f"routes are not all known: {table.why_open[0][0]}" if table.why_open else "no route is known"
                )
                report.silent(why, item.probe.path_loc)
                continue
            found.setdefault((item.service.name, item.path), []).append((item, table))
        for items in found.values():
            self._report(items, report)

    def _report(self, items: list[tuple[Asked, RouteTable]], report: Reporter) -> None:
        items.sort(key=lambda found: "production" not in {tier_of(name) for name in found[0].workload.environments})
        item, table = items[0]
        near = table.nearest(item.path)
        hint = f" (the nearest route is `{near.path}`)" if near is not None else ""
        role = item.probe.role
        evidence = (
            [(near.loc, f"serves `{near.path}`")] if near is not None else [(table.routes[0].loc, "a route of the application")]
        )
        start = next((entry for entry in item.entries if entry.role == "web"), item.entries[0])
        evidence.append((start.loc, "starts the application"))
        others = dict.fromkeys(other.probe.path_loc for other, _table in items[1:])
        evidence += [(loc, "this one asks for it as well") for loc in others if loc != item.probe.path_loc]
        report(
            at=item.probe.path_loc,
            message=f"The {_NAMES.get(role, role + ' probe')} asks for `{item.path}`, which `{item.service.name}` does not serve{hint}: {_HARM[role]}",
            evidence=evidence,
            environments=sorted({name for other, _table in items for name in other.workload.environments}),
            service=item.service.name,
            derived=sorted(
                {
                    *(file for other, _table in items for file in other.workload.files),
                    *(file for route in table.routes for file in route.files),
                    *start.files,
                }
            ),
        )
