"""From containers to code: start commands, container paths, joins, scopes."""

from __future__ import annotations

import pytest

PYTHON = {"app/__init__.py": "", "app/main.py": "app = 1\n", "app/tasks.py": "", "manage.py": "", "app/settings.py": ""}
COPY_ALL = "FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\n"


def entries(model):
    return [
        (entry.role, entry.server, entry.modules) for service in model.services for found in service.entries for entry in found
    ]


def of_command(model_of, command, dockerfile=COPY_ALL, files=(), environment=""):
    compose = f"services:\n  web:\n    build: .\n    command: {command}\n{environment}"
    return entries(model_of({**PYTHON, "Dockerfile": dockerfile, "compose.yaml": compose, **dict(files)}))


@pytest.mark.parametrize(
    ("command", "role", "server", "modules"),
    [
        ("gunicorn app.main:app -b 0.0.0.0:80 --workers 2", "web", "gunicorn", ["app/main.py"]),
        ("gunicorn -w 4 -k uvicorn.workers.UvicornWorker 'app.main:app'", "web", "gunicorn", ["app/main.py"]),
        ("gunicorn --chdir app main:app", "web", "gunicorn", ["app/main.py"]),
        ("uvicorn app.main:app --host 0.0.0.0 --reload", "web", "uvicorn", ["app/main.py"]),
        ("uvicorn 'app.main:create()' --factory", "web", "uvicorn", ["app/main.py"]),
        ("python -m uvicorn app.main:app", "web", "uvicorn", ["app/main.py"]),
        ("celery -A app.tasks worker -l info", "worker", "celery", ["app/tasks.py"]),
        ("celery --app=app.tasks beat", "beat", "celery", ["app/tasks.py"]),
        ("python manage.py runserver 0:80", "web", "manage.py", ["manage.py"]),
        ("python manage.py migrate --noinput", "migrate", "manage.py", ["manage.py"]),
        ("python -u app/main.py", "command", "", ["app/main.py"]),
        ("python -m app.tasks", "command", "", ["app/tasks.py"]),
        ("flask --app app.main run", "web", "flask", ["app/main.py"]),
        ("fastapi run app/main.py --port 80", "web", "fastapi", ["app/main.py"]),
        ("streamlit run app/main.py", "web", "streamlit", ["app/main.py"]),
        ("dramatiq app.tasks --processes 2", "worker", "dramatiq", ["app/tasks.py"]),
        ("opentelemetry-instrument --service_name x gunicorn app.main:app", "web", "gunicorn", ["app/main.py"]),
        ("newrelic-admin run-program ddtrace-run uvicorn app.main:app", "web", "uvicorn", ["app/main.py"]),
        ("tini -- poetry run uvicorn app.main:app", "web", "uvicorn", ["app/main.py"]),
        ("uv run --no-dev python -m app.tasks", "command", "", ["app/tasks.py"]),
        ("./wait-for-it.sh db:5432 -t 30 -- uvicorn app.main:app", "web", "uvicorn", ["app/main.py"]),
        ("env A=1 B=2 gosu www uvicorn app.main:app", "web", "uvicorn", ["app/main.py"]),
        ("sh -c 'exec uvicorn app.main:app --port $${PORT:-80}'", "web", "uvicorn", ["app/main.py"]),
        ("bash -lc 'cd app && gunicorn main:app'", "web", "gunicorn", ["app/main.py"]),
    ],
)
def test_start_commands(model_of, command, role, server, modules):
    assert of_command(model_of, command) == [(role, server, modules)]


def test_several_programs_of_one_line(model_of):
    found = of_command(model_of, "sh -c 'python manage.py migrate && exec gunicorn app.main:app'")
    assert [role for role, _server, _modules in found] == ["migrate", "web"]


def test_entry_point_script_with_arguments(model_of):
    script = '#!/bin/sh\nset -e\nif [ "$WAIT" = 1 ]; then\n  python -m app.tasks\nfi\nexport MODE=x\nexec "$@"\n'
    dockerfile = COPY_ALL + 'ENTRYPOINT ["/srv/entrypoint.sh"]\nCMD ["uvicorn", "app.main:app"]\n'
    files = {**PYTHON, "Dockerfile": dockerfile, "entrypoint.sh": script, "compose.yaml": "services:\n  web:\n    build: .\n"}
    model = model_of(files)
    assert entries(model) == [("web", "uvicorn", ["app/main.py"])]
    entry = model.services[0].entries[0][0]
    assert entry.loc[0] == "Dockerfile"
    assert "entrypoint.sh" in entry.files
    scope = model.variables.resolve(model.workloads[0], model.workloads[0].containers[0])
    assert scope.bindings["MODE"].entry.origin == "export in entrypoint.sh"


def test_django_settings_of_the_container(model_of):
    found = of_command(model_of, "gunicorn app.main:app", environment="    environment: {DJANGO_SETTINGS_MODULE: app.settings}\n")
    assert found == [("web", "gunicorn", ["app/main.py", "app/settings.py"])]


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.12\nWORKDIR /srv\nCOPY app ./app\n",
        "FROM python:3.12\nCOPY app/ /srv/app/\nWORKDIR /srv\n",
        "FROM python:3.12 AS build\nWORKDIR /w\nCOPY . .\nFROM python:3.12\nWORKDIR /srv\nCOPY --from=build /w /srv\n",
        "FROM python:3.12 AS base\nENV HOME_DIR=/srv\nWORKDIR $HOME_DIR\nFROM base\nCOPY app/*.py app/\n",
        "FROM python:3.12\nENV PYTHONPATH=/opt/code\nCOPY . /opt/code\n",
    ],
)
def test_container_paths(model_of, dockerfile):
    assert of_command(model_of, "gunicorn app.main:app", dockerfile) == [("web", "gunicorn", ["app/main.py"])]


def test_variable_that_names_the_module(model_of):
    found = of_command(
        model_of,
        "sh -c 'python -m $${KIND}'",
        environment="    environment: {KIND: app}\n",
        files={"app/__main__.py": ""}.items(),
    )
    assert found == [("command", "", ["app/__main__.py"])]


def test_images_join_by_repository_path_and_ambiguity_does_not(model_of):
    manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n        - {name: web, image: 'ghcr.io/shop/web:1.0'}\n"
    compose = "services:\n  any:\n    build: .\n    image: ghcr.io/shop/web\n"
    model = model_of(
        {
            **PYTHON,
            "Dockerfile": COPY_ALL + 'CMD ["uvicorn", "app.main:app"]\n',
            "compose.yaml": compose,
            "k8s/web.yaml": manifest,
        }
    )
    (service,) = [found for found in model.services if found.dockerfile]
    assert len(service.runs) == 2
    both = {"a/web/Dockerfile": COPY_ALL, "b/web/Dockerfile": COPY_ALL, "k8s/web.yaml": manifest}
    model = model_of(both)
    assert [found.dockerfile for found in model.services] == [""]
    assert [spot.kind for spot in model.blind_spots] == ["service-not-linked"]


@pytest.mark.parametrize(
    ("dockerfile", "closed"),
    [
        (COPY_ALL, True),
        (COPY_ALL.replace("python:3.12-slim", "ghcr.io/shop/base:3"), False),
        (COPY_ALL + 'ENTRYPOINT ["chamber", "exec", "shop", "--"]\n', False),
    ],
)
def test_scopes_of_images(model_of, dockerfile, closed):
    model = model_of(
        {
            **PYTHON,
            "Dockerfile": dockerfile + "ENV A=1\n",
            "compose.yaml": "services:\n  web:\n    build: .\n    command: uvicorn app.main:app\n",
        }
    )
    scope = model.variables.resolve(model.workloads[0], model.workloads[0].containers[0])
    assert scope.closed is closed
    assert scope.bindings["A"].entry.origin == "ENV"
