"""Which compose files belong together, how they merge, and which variables come out."""

from __future__ import annotations

import pytest
from opslint.base.value import Known, Unknown
from opslint.model.compose_files import compose_command, join

WEB = "services:\n  web:\n    image: web:1\n"


def keys(model):
    return {item.key: item.environments for item in model.deployments}


def container(model, name="web"):
    return next(work.containers[0] for work in model.workloads if work.name == name)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"compose.yaml": WEB}, {"compose:compose.yaml": []}),
        (
            {"docker-compose.yml": WEB, "docker-compose.override.yml": "services:\n  web:\n    ports: ['80:80']\n"},
            {"compose:docker-compose.yml+docker-compose.override.yml": []},
        ),
        (
            {"docker-compose.yml": WEB, "docker-compose.prod.yml": "services:\n  web:\n    restart: always\n"},
            {"compose:docker-compose.yml": ["development"], "compose:docker-compose.yml+docker-compose.prod.yml": ["production"]},
        ),
        (
            {"docker-compose.yml": WEB, "docker-compose.prod.yml": WEB},
            {"compose:docker-compose.yml": ["development"], "compose:docker-compose.prod.yml": ["production"]},
        ),
        (
            {"docker-compose.postgres.yml": WEB, "docker-compose.mariadb.yml": WEB},
            {"compose:docker-compose.mariadb.yml": [], "compose:docker-compose.postgres.yml": []},
        ),
        (
            {
                "docker-compose.yml": WEB,
                "extra.yml": WEB,
                "deploy.sh": "docker compose -f docker-compose.yml -f extra.yml up -d\n",
            },
            {"compose:docker-compose.yml": [], "compose:docker-compose.yml+extra.yml": []},
        ),
        (
            {
                "a/compose.yaml": "services:\n  web:\n    image: web:1\n    env_file: .env.production\n",
                "a/.env.production": "A=1\n",
            },
            {"compose:a/compose.yaml": ["production"]},
        ),
    ],
)
def test_combinations(model_of, files, expected):
    assert keys(model_of(files)) == expected


def test_mounted_source_is_a_workstation(model_of):
    files = {
        "docker-compose.yml": "services:\n  web:\n    build: .\n    volumes: ['.:/srv']\n",
        "Dockerfile": "FROM python:3.12\n",
    }
    assert keys(model_of(files)) == {"compose:docker-compose.yml": ["development"]}


def test_merging(model_of):
    base = (
        "services:\n  web:\n    image: web:1\n    command: [a]\n    ports: ['80:80']\n    environment: {A: '1', B: '2'}\n"
        "    depends_on: [db]\n    env_file: one.env\n  db:\n    image: postgres:16\n"
    )
    above = (
        "services:\n  web:\n    image: web:2\n    command: b c\n    ports: ['81:81']\n    environment:\n      - B=3\n"
        "    depends_on:\n      cache: {condition: service_started}\n    env_file: [two.env]\n"
    )
    model = model_of({"compose.yaml": base, "compose.override.yaml": above, "one.env": "E=1\nF=1\n", "two.env": "F=2\nA=9\n"})
    web = container(model)
    assert web.image == Known(value="web:2")
    assert web.args == ["b", "c"]
    assert sorted(web.ports) == ["80", "81"]
    assert web.node.mapping("depends_on").keys() == ["db", "cache"]
    scope = model.variables.resolve(model.workloads[0], web)
    assert {name: found.entry.value.value.plain for name, found in scope.bindings.items()} == {
        "E": "1",
        "F": "2",
        "A": "1",
        "B": "3",
    }
    assert [entry.origin for entry in scope.bindings["A"].overrode] == ["env_file two.env"]


def test_reset_override_and_extends(model_of):
    base = "services:\n  common:\n    image: web:1\n    environment: {A: '1'}\n    ports: ['80:80']\n  web:\n    extends: common\n    environment: {B: '2'}\n"
    above = "services:\n  web:\n    ports: !override ['90:90']\n    environment: !reset null\n"
    model = model_of({"compose.yaml": base, "compose.override.yaml": above})
    web = container(model)
    assert web.ports == {"90": 90}
    assert web.entries == []
    assert [entry.name for entry in container(model_of({"compose.yaml": base})).entries] == ["A", "B"]


def test_extends_and_include_other_files(model_of):
    files = {
        "compose.yaml": "include: [infra/compose.yml]\nservices:\n  web:\n    extends: {file: base/web.yml, service: web}\n",
        "base/web.yml": "services:\n  web:\n    image: web:7\n    env_file: web.env\n",
        "base/web.env": "X=1\n",
        "infra/compose.yml": "services:\n  db:\n    image: postgres:16\n    env_file: db.env\n",
        "infra/db.env": "Y=1\n",
    }
    model = model_of(files)
    deployment = next(item for item in model.deployments if item.key == "compose:compose.yaml")
    found = {work.name: [entry.name for entry in work.containers[0].entries] for work in deployment.workloads}
    assert found == {"db": ["Y"], "web": ["X"]}


def test_interpolation(model_of):
    text = (
        "services:\n  web:\n    image: 'web:${TAG:-5}'\n    environment:\n      A: ${A}\n      B: ${B:-dev}\n      C: ${C:?}\n"
        "      D:\n      E: $$x\n      F: ${KNOWN}\n"
    )
    web = container(model_of({"compose.yaml": text, ".env": "KNOWN=7\nD=8\nTAG=9\n"}))
    assert web.image == Known(value="web:9")
    values = {entry.name: entry.value for entry in web.entries}
    assert all(isinstance(values[name], Unknown) for name in "ABC")
    assert values["D"].value.plain == "8"
    assert values["F"].value.plain == "7"
    bare = container(model_of({"compose.yaml": text}))
    assert isinstance(bare.image, Unknown)
    assert bare.image.prefix == "web:"


@pytest.mark.parametrize(
    ("env_file", "files", "ignored", "closed"),
    [
        ("env_file: web.env", {"web.env": "A=1\n"}, (), True),
        ("env_file: web.env", {}, ("web.env",), False),
        ("env_file: web.env", {}, (), True),
        ("env_file: web.env", {"web.env": "A='1\n"}, (), False),
        ("env_file: ${FILE}", {}, (), False),
        ("env_file: /etc/web.env", {}, (), False),
        ("env_file: [{path: web.env, required: false}]", {}, (), True),
    ],
)
def test_what_opens_a_scope(model_of, env_file, files, ignored, closed):
    text = f"services:\n  web:\n    image: redis:7\n    {env_file}\n"
    assert (container(model_of({"compose.yaml": text, **files}, ignored)).open_reasons == []) is closed


def test_health_checks(model_of):
    text = (
        "services:\n  web:\n    image: web:1\n    healthcheck:\n      test: [CMD, curl, -f, 'http://localhost:8000/ready?x=1']\n"
        "      interval: 1m30s\n      retries: 5\n  off:\n    image: web:1\n    healthcheck: {disable: true}\n"
    )
    model = model_of({"compose.yaml": text})
    (probe,) = container(model).probes
    assert (probe.period, probe.failures, probe.shell, probe.port) == (90.0, 5, False, Known(value=8000))
    assert container(model, "off").probes == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("docker compose -f a.yml --file=b.yml up -d", (["a.yml", "b.yml"], [])),
        ("sudo docker-compose -p x --env-file e -f a.yml pull", (["a.yml"], ["e"])),
        ("docker compose up", ([], [])),
        ("docker build .", None),
    ],
)
def test_compose_commands(words, expected):
    found = compose_command(words.split())
    assert (None if found is None else (found.files, found.env_files)) == expected


def test_paths_never_leave_the_project():
    assert join("a/b", "../c.env") == "a/c.env"
    assert join("a", "../../c.env") is None
    assert join("a", "/etc/x") is None
