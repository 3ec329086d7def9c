"""What of a build context reaches an image, what a compose project is called, and what two environments of it share."""

from __future__ import annotations

import pytest
from opslint.model.broker_slots import shared_slots
from opslint.model.compose import combinations
from opslint.model.compose_projects import project_collisions, project_names
from opslint.model.docker_context import is_left_out
from opslint.model.dotenv_images import dotenv_in_image, overriding_loads, shipped_dotenv
from opslint.model.repeated_keys import repeated_keys

DB = "services:\n  db:\n    image: postgres:16\n    volumes: [data:/var/lib/postgresql/data]\nvolumes: {data: }\n"


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        # https://docs.docker.com/build/concepts/context/#syntax: patterns start at the context's root, the last match decides.
        (".env", ".env", True),
        (".env", "api/.env", False),
        ("**/.env", "api/.env", True),
        ("**/.env", ".env", True),
        (".env*", ".env.production", True),
        ("*.env", ".env", True),
        ("api", "api/.env", True),
        ("/api/", "api/.env", True),
        ("*", ".env", True),
        ("**", "api/.env", True),
        (".env*\n!.env.shared", ".env.shared", False),
        ("!.env\n.env", ".env", True),
        ("# .env\n\nnode_modules", ".env", False),
        ("api/*/.env", "api/.env", False),
    ],
)
def test_ignore_files(model_of, lines, path, expected):
    model = model_of({".dockerignore": lines + "\n", path: "A=1\n"})
    assert is_left_out(model, "", "Dockerfile", path) is expected


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(model_of):
    model = model_of({"api/.dockerignore": "*.md\n", "api/Dockerfile.dockerignore": ".env\n", "api/.env": "A=1\n"})
    assert is_left_out(model, "api", "api/Dockerfile", "api/.env")
    assert not is_left_out(model, "api", "api/Dockerfile.dev", "api/.env")


def names(model):
    return {item.group.key: project_names(item) for item in combinations(model)}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a/stack/compose.yaml": DB}, ["dir:stack"]),
        ({"compose.yaml": "name: shop\n" + DB}, ["shop"]),
        ({"compose.yaml": "name: ${STACK}\n" + DB, ".env": "STACK=shop-eu\n"}, ["shop-eu"]),
        ({"compose.yaml": "name: ${STACK}\n" + DB}, None),
        ({"compose.yaml": "name: shop\n" + DB, ".env": "COMPOSE_PROJECT_NAME=other\n"}, ["other"]),
        ({"compose.yaml": DB, "up.sh": "docker compose -p one up -d\nCOMPOSE_PROJECT_NAME=x docker compose ps\n"}, ["one"]),
        ({"compose.yaml": DB, "up.sh": 'docker compose --project-name "shop-$TIER" up -d\n'}, None),
    ],
)
def test_project_names(model_of, files, expected):
    # https://docs.docker.com/compose/how-tos/project-name/: -p, COMPOSE_PROJECT_NAME, name:, the directory.
    (found,) = names(model_of(files)).values()
    assert found == expected


@pytest.mark.parametrize(
    ("left", "right", "kinds"),
    [
        ("docker-compose.staging.yml", "docker-compose.prod.yml", ["volume", "service"]),
        ("docker-compose.dev.yml", "docker-compose.test.yml", ["volume"]),
        ("docker-compose.dev.yml", "docker-compose.prod.yml", []),
        ("staging/stack/compose.yaml", "prod/stack/compose.yaml", ["volume", "service"]),
        ("staging/a/compose.yaml", "prod/b/compose.yaml", []),
    ],
)
def test_collisions(model_of, left, right, kinds):
    found, unknown = project_collisions(model_of({left: DB, right: DB}))
    assert [thing.kind for item in found for thing in item.things] == kinds
    assert unknown == []


def test_a_name_set_by_a_script_is_not_followed(model_of):
    files = {
        "docker-compose.staging.yml": DB,
        "docker-compose.prod.yml": DB,
        "up.sh": "export COMPOSE_PROJECT_NAME=$1\nmake up\n",
    }
    found, unknown = project_collisions(model_of(files))
    assert found == []
    assert len(unknown) == 2


IMAGE = 'FROM python:3.12-slim AS build\nWORKDIR /src\nCOPY . .\nFROM python:3.12-slim\nWORKDIR /srv\n{copy}\nCMD ["python", "app.py"]\n'


@pytest.mark.parametrize(
    ("copy", "ignored", "expected"),
    [
        ("COPY . .", "", [".env"]),
        ("COPY . .", ".env", []),
        ("COPY app.py .", "", []),
        ("COPY app.py .env* ./", "", [".env"]),
        ("COPY --from=build /src /srv", "", [".env"]),
        ("COPY --from=build /src/static /srv/static", "", []),
        ("COPY .env.example .env", "", []),
    ],
)
def test_dotenv_in_image(model_of, copy, ignored, expected):
    files = {
        "Dockerfile": IMAGE.format(copy=copy),
        ".dockerignore": ignored + "\n",
        ".env": "A=1\n",
        ".env.example": "A=\n",
        "app.py": "from dotenv import load_dotenv\n\nload_dotenv(override=True)\n",
        "static/x.css": "",
        "compose.yaml": "services:\n  app:\n    build: .\n    environment: {A: '2'}\n",
    }
    model = model_of(files)
    image = model.linked.image(model.workloads[0].containers[0])
    assert [item.path for item in dotenv_in_image(model, image)] == expected
    assert len(shipped_dotenv(model)) == len(expected)
    assert len(overriding_loads(model)) == len(expected)


def test_slots_by_any_spelling(model_of):
    files = {
        "env/.env.staging": "A=redis://cache.acme-corp.io\nB=amqp://u:p@mq.acme-corp.io/%2F\nC=redis://redis:6379/0\nD=redis://x.acme-corp.io/1\n",
        "env/.env.production": "Z=rediss://:${PW}@cache.acme-corp.io:6379/0\nY=amqps://mq.acme-corp.io/\nC=redis://redis:6379/0\nD=redis://x.acme-corp.io/2\n",
    }
    assert [(item.kind, [use.name for use in item.uses]) for item in shared_slots(model_of(files))] == [
        ("slot", ["A", "Z"]),
        ("vhost", ["B", "Y"]),
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".env": "A=1\nA=1\nB=1\nB=2\nexport B=3\n"}, ["B", "B"]),
        ({".env": "A=1\nA=${A}2\nC\nC=1\n"}, []),
        ({"compose.yaml": "services:\n  a:\n    image: x\n    environment: [A=1, B, A=2, B=1]\n"}, ["A", "B"]),
        ({"compose.yaml": "services:\n  a:\n    image: x\n    environment: {A: 1, A: 2}\n"}, ["A"]),
        ({"compose.yaml": "x-e: &e {A: 1}\nservices:\n  a:\n    image: x\n    environment:\n      <<: *e\n      A: 2\n"}, []),
    ],
)
def test_repeated_keys(model_of, files, expected):
    assert [item.name for item in repeated_keys(model_of(files))] == expected
