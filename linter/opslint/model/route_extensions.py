"""What third-party code adds to a web application: nothing, known routes, or anything. Data."""

from __future__ import annotations

HARMLESS = (
    "celery.",
    "ddtrace.",
    "elasticapm.",
    "flask_bcrypt.",
    "flask_caching.",
    "flask_compress.",
    "flask_cors.",
    "flask_jwt_extended.",
    "flask_limiter.",
    "flask_login.",
    "flask_mail.",
    "flask_marshmallow.",
    "flask_migrate.",
    "flask_session.",
    "flask_sqlalchemy.",
    "flask_talisman.",
    "flask_wtf.",
    "hypercorn.",
    "mangum.",
    "newrelic.",
    "opentelemetry.",
    "sentry_sdk.",
    "slowapi.",
    "starlette.middleware.",
    "fastapi.middleware.",
    "starlette.testclient.",
    "fastapi.testclient.",
    "tortoise.contrib.",
    "uvicorn.",
    "waitress.",
    "werkzeug.",
    "asgi_correlation_id.",
    "print",
    "isinstance",
    "setattr",
    "getattr",
)
"""Calls that take an application and add no route to it."""

EXTENSION_PATHS = {
    "flask_admin.": "/admin/**",
    "healthcheck.": "/healthcheck",
    "prometheus_fastapi_instrumentator.": "/metrics",
    "prometheus_flask_exporter.": "/metrics",
    "sqladmin.": "/admin/**",
    "starlette_exporter.": "/metrics",
}
"""Extensions that add routes at a path of their own when none is given."""

KNOWN_URLCONFS = {
    "debug_toolbar.urls": ["**"],
    "django.conf.urls.i18n": ["setlang/"],
    "django.contrib.auth.urls": ["login/", "logout/", "password_change/**", "password_reset/**", "reset/**"],
    "django_prometheus.urls": ["metrics"],
    "health_check.urls": ["", "**"],
    "rest_framework.urls": ["login/", "logout/"],
    "watchman.urls": ["", "ping/", "dashboard/", "bare/"],
}
"""URLconfs of libraries and what they serve below their prefix."""

BUILT_IN = {"fastapi": ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"), "flask": ("/static/**",)}
"""What a framework serves by itself."""
