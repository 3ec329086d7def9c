"""Workers whose image checks the health of a web server."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, ComposeFile, Dockerfile, Meta, ProjectRule, compose_gaps

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Gap, Loc, Reporter


class WorkerProbeUnrelated(ProjectRule):
    """A worker inherits the `HEALTHCHECK` of a web server that it does not start.

    What it finds
    -------------
    A compose service that starts the worker or scheduler of a task queue from an image whose Dockerfile has a `HEALTHCHECK` that requests
    a local URL, where another service of the same image starts the web server, and the worker has no `healthcheck` of its own.

    In production
    -------------
    The worker is "unhealthy" from its third check on, for as long as it runs: monitoring that reads the state is switched off, a service
    that waits for it with `condition: service_healthy` never starts, and Swarm kills it again and again. A worker that does hang looks the same.

    Bad:
        # file: docker-compose.yml
        services:
          web:
            build: .
            command: gunicorn shop.wsgi:application --bind 0.0.0.0:8000
          worker:  # expect: worker-probe-unrelated
            build: .
            command: celery -A shop worker
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY shop shop
        HEALTHCHECK CMD curl -f http://localhost:8000/live || exit 1
        CMD ["gunicorn", "shop.wsgi:application", "--bind", "0.0.0.0:8000"]
        # file: shop/__init__.py
        # file: shop/wsgi.py
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()

    Good:
        # file: docker-compose.yml
        services:
          web:
            build: .
            command: gunicorn shop.wsgi:application --bind 0.0.0.0:8000
          worker:
            build: .
            command: celery -A shop worker
            healthcheck:
              test: ["CMD-SHELL", "celery -A shop inspect ping -d celery@$$HOSTNAME"]
        # file: Dockerfile
        FROM python:3.12-slim
        WORKDIR /srv
        COPY shop shop
        HEALTHCHECK CMD curl -f http://localhost:8000/live || exit 1
        CMD ["gunicorn", "shop.wsgi:application", "--bind", "0.0.0.0:8000"]
        # file: shop/__init__.py
        # file: shop/wsgi.py
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()

    Exempt
    ------
    Services with a `healthcheck` (also `disable: true`), services that are meant to end, programs that are not known to serve no HTTP.

    Fix safety
    ----------
    None: what tells that the worker works is the team's to say.

    Authority
    ---------
    https://docs.docker.com/reference/dockerfile/#healthcheck
    """

    meta = Meta(
        "worker-probe-unrelated",
        category="health",
        severity="warning",
        confidence="high",
        authority="https://docs.docker.com/reference/dockerfile/#healthcheck",
        summary="A worker inherits the `HEALTHCHECK` of a web server that it does not start",
        help="Give the worker a `healthcheck` of its own in the compose file, or `healthcheck: {disable: true}`; or move the image's check to the web service.",
    )
    needs = (ComposeFile,)
    joins = (Dockerfile,)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each `HEALTHCHECK` once, at the first worker that inherits it."""
        found: dict[Loc, list[Gap]] = {}
        for gap in compose_gaps(model):
            if gap.inherited is not None:
                found.setdefault(gap.inherited.loc, []).append(gap)
        for check, gaps in found.items():
            self._report(check, gaps, report)

    @staticmethod
    def _report(check: Loc, gaps: list[Gap], report: Reporter) -> None:
        places = {gap.workload.loc: gap for gap in gaps}
        first, *others = places.values()
        asked = getattr(first.inherited.path, "value", "a URL") if first.inherited is not None else "a URL"
        evidence = [
            (check, f"the image's health check asks for `{asked}`"),
            (first.sibling, "this service starts the web server"),
        ]
        evidence += [(gap.workload.loc, f"`{gap.workload.name}` inherits it as well") for gap in others]
        report(
            at=first.workload.loc,
            message=f"`{first.workload.name}` starts {first.start.server} and inherits the image's `HEALTHCHECK`, which asks a web server for "
            f"`{asked}`: it is never healthy, and nobody can tell when it hangs",
            evidence=evidence,
            environments=sorted({name for gap in gaps for name in gap.workload.environments}),
            service=first.workload.name,
            derived=sorted({file for gap in gaps for file in (*gap.workload.files, *gap.start.files)}),
        )
