"""Programs that start other programs, and how servers name the code they run: data for `opslint.model.entries`.

Each entry comes from the program's own command reference.
"""

from __future__ import annotations

WRAPPERS: dict[str, frozenset[str]] = {
    "exec": frozenset(("-a",)),
    "command": frozenset(),
    "nohup": frozenset(),
    "time": frozenset(),
    "nice": frozenset(("-n",)),
    "ionice": frozenset(("-c", "-n")),
    "stdbuf": frozenset(("-o", "-e", "-i")),
    "tini": frozenset(("-e", "-p")),
    "dumb-init": frozenset(("-r",)),
    "catatonit": frozenset(),
    "sudo": frozenset(("-u", "-g")),
    "opentelemetry-instrument": frozenset(
        ("--traces_exporter", "--metrics_exporter", "--logs_exporter", "--service_name", "--exporter_otlp_endpoint")
    ),
    "ddtrace-run": frozenset(),
    "splunk-py-trace": frozenset(),
    "coverage": frozenset(),
    "xvfb-run": frozenset(("-s", "--server-args", "-n")),
    "dockerize": frozenset(("-wait", "-timeout", "-template", "-wait-retry-interval")),
    "memray": frozenset(("-o", "--output")),
}
"""Program → its options that take a value. What follows its options is the command it runs."""

WRAPPERS_WITH_VERB: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "newrelic-admin": (("run-program", "run-python"), frozenset()),
    "poetry": (("run",), frozenset(("-C", "--directory", "-P", "--project"))),
    "uv": (("run",), frozenset(("--project", "--directory", "--package", "--python", "-p", "--extra", "--group", "--env-file"))),
    "pipenv": (("run",), frozenset()),
    "pdm": (("run",), frozenset(("-p", "--project"))),
    "rye": (("run",), frozenset()),
    "hatch": (("run",), frozenset(("-e",))),
    "conda": (("run",), frozenset(("-n", "--name", "-p", "--prefix"))),
    "micromamba": (("run",), frozenset(("-n", "--name", "-p", "--prefix"))),
    "coverage": (("run",), frozenset(("--rcfile",))),
    "memray": (("run",), frozenset(("-o", "--output"))),
    "pixi": (("run",), frozenset(("-e", "--environment"))),
}
"""Program → the verbs behind which a command stands, and options with a value."""

ARGUMENT_WRAPPERS: dict[str, int] = {"gosu": 1, "su-exec": 1, "timeout": 1, "chroot": 1, "setuidgid": 1}
"""Program → how many words of its own come before the command."""

DASHED = frozenset(
    "wait-for-it wait-for-it.sh wait-for wait-for.sh wait_for_it.sh wait-for-db.sh watchmedo chamber doppler infisical aws-vault op sops"
    " berglas summon teller envconsul vals dotenvx consul-template".split()
)
"""Programs that run what stands behind ``--``."""

SECRET_RUNNERS = frozenset(
    "chamber doppler infisical aws-vault op sops berglas summon teller envconsul vals dotenvx consul-template".split()
)
"""Of these, the ones that set variables from a store: what they set is not in the repository."""

SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))

PYTHON_OPTIONS_WITH_VALUE = frozenset(("-W", "-X"))

SERVER_ROLES: dict[str, str] = {
    "gunicorn": "web",
    "uvicorn": "web",
    "hypercorn": "web",
    "daphne": "web",
    "granian": "web",
    "waitress-serve": "web",
    "uwsgi": "web",
    "fastapi": "web",
    "flask": "web",
    "streamlit": "web",
    "gradio": "web",
    "chainlit": "web",
    "chalice": "web",
    "quart": "web",
    "sanic": "web",
    "litestar": "web",
    "celery": "worker",
    "rq": "worker",
    "rqworker": "worker",
    "dramatiq": "worker",
    "arq": "worker",
    "huey_consumer": "worker",
    "huey_consumer.py": "worker",
    "taskiq": "worker",
    "faust": "worker",
    "faststream": "worker",
    "procrastinate": "worker",
    "alembic": "migrate",
    "node": "web",
}
"""Program → the role of what it starts."""

VALUE_OPTIONS: dict[str, frozenset[str]] = {
    "gunicorn": frozenset(
        "-b --bind -w --workers -k --worker-class -t --timeout -c --config --chdir --threads --graceful-timeout --keep-alive --log-level"
        " --access-logfile --error-logfile --max-requests --max-requests-jitter -n --name -u --user -g --group -p --pid --worker-tmp-dir"
        " --backlog --log-config --env -e --pythonpath --forwarded-allow-ips --limit-request-line --limit-request-field_size --umask"
        " --access-logformat --log-file --log-syslog-to --statsd-host --statsd-prefix --certfile --keyfile --worker-connections"
        " --logger-class --limit-request-fields --proxy-allow-from --reload-extra-file --reload-engine".split()
    ),
    "uvicorn": frozenset(
        "--host --port --uds --fd --workers --loop --http --ws --lifespan --env-file --log-config --log-level --root-path --app-dir"
        " --proxy-headers-list --forwarded-allow-ips --limit-concurrency --backlog --limit-max-requests --timeout-keep-alive"
        " --timeout-graceful-shutdown --ssl-keyfile --ssl-certfile --reload-dir --reload-include --reload-exclude --interface"
        " --ws-max-size --ws-ping-interval --ws-ping-timeout --header".split()
    ),
    "hypercorn": frozenset(
        "-b --bind -w --workers -k --worker-class -c --config --access-logfile --error-logfile --root-path".split()
    ),
    "daphne": frozenset(
        "-b --bind -p --port -u --unix-socket -e --endpoint -v --verbosity -t --http-timeout --access-log".split()
    ),
    "granian": frozenset(
        "--interface --host --port --workers --runtime-threads --blocking-threads --loop --log-level --ws".split()
    ),
    "waitress-serve": frozenset("--host --port --listen --threads --url-prefix".split()),
    "celery": frozenset("-A --app -b --broker --workdir --result-backend --loader --config".split()),
    "flask": frozenset("-A --app -e --env-file".split()),
    "rq": frozenset("-u --url -c --config -P --path -n --name -w --worker-class".split()),
    "dramatiq": frozenset("-p --processes -t --threads -P --path -Q --queues --pid-file --log-file --watch".split()),
    "streamlit": frozenset(),
    "fastapi": frozenset("--host --port --workers --app --root-path".split()),
    "arq": frozenset("--watch --custom-log-dict".split()),
    "alembic": frozenset("-c --config -n --name -x".split()),
    "node": frozenset("-r --require --import --loader --experimental-loader --env-file".split()),
}
"""Program → options that take the next word as their value (needed to find the positional words)."""
