"""What opslint resolves of a compose project is what Docker Compose v2.40.3 resolved (`record.py` wrote the outputs)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opslint.base.tree import Scalar
from opslint.base.value import Known, Unknown
from opslint.facts.compose_scalars import variable_text
from opslint.facts.env_values import MAX_NESTED, masked, value_of
from opslint.model.compose_names import DotenvFiles, Names, expand
from opslint.syntax.dotenv_compose import settings

HERE = Path(__file__).parent / "recorded"
CASES = sorted(path.parent.name for path in HERE.glob("*/case.json"))
VERSION = "2.40.3"


def load(name):
    return json.loads((HERE / name).read_text())


def services_of(model, key):
    deployment = next(item for item in model.deployments if item.key == key)
    return {workload.name: workload.containers[0] for workload in deployment.workloads}


def effective(container):
    return {entry.name: entry.value for entry in container.entries}


@pytest.mark.parametrize("name", CASES)
def test_project(model_of, name):
    case, tool = load(f"{name}/case.json"), load(f"{name}/tool.json")
    assert tool["version"] == VERSION
    project = HERE / name / "project"
    files = {path.relative_to(project).as_posix(): path.read_bytes().decode() for path in project.rglob("*") if path.is_file()}
    found = services_of(model_of(files), case["deployment"])
    empty, hosted = tool["outputs"]["empty host"], tool["outputs"]["with host"]
    assert sorted(found) == sorted(empty)
    for service, container in found.items():
        values = effective(container)
        assert container.open_reasons == []
        one, two = (outputs[service]["environment"] or {} for outputs in (empty, hosted))
        assert set(one) | set(two) <= set(values), service
        for variable, value in values.items():
            where = f"{service}.{variable}"
            same = one.get(variable) == two.get(variable)
            if isinstance(value, Known):
                # The host may decide the user-info of a URL, of which nothing is kept.
                assert value.value == masked(variable, one[variable]) == masked(variable, two[variable]), where
            else:
                # Not known is right only where the host decides.
                assert isinstance(value, Unknown), where
                assert not same or one.get(variable) is None or variable in case.get("undecided", ()), where
        for kept, value in (("image", container.image), ("command", container.args), ("entrypoint", container.command)):
            if kept == "image":
                assert not isinstance(value, Known) or value.value == empty[service][kept] == hosted[service][kept]
            elif value is not None and empty[service] == hosted[service]:
                assert value == empty[service][kept]


def evaluated(found):
    """Names that the file does not set are empty on a host that sets nothing."""
    values = {}

    def find(name):
        return values.get(name, "")

    for setting in found:
        if setting.text is not None:
            values[setting.name] = expand(setting.text, find) if setting.expands else setting.text
    return values


def test_dotenv_texts():
    recorded = load("dotenv-texts.json")
    assert recorded["version"] == VERSION
    assert sum(item["result"] is not None for item in recorded["texts"]) > 40
    for item in recorded["texts"]:
        found = settings(item["text"])
        if item["result"] is None:
            # Compose also refuses what it cannot interpolate (`${}`): that is no matter of this grammar.
            assert found is None or "${" in item["text"], item
            continue
        assert found is not None, item
        values = evaluated(found)
        expected = {name: value for name, value in item["result"].items() if name}
        assert {name: value for name, value in values.items() if name} == expected, item


def test_yaml_scalars():
    recorded = load("yaml-scalars.json")
    assert recorded["version"] == VERSION
    assert {text: variable_text(Scalar(text, 0)) for text in recorded["scalars"] if not Scalar(text, 0).is_null} == {
        text: value for text, value in recorded["scalars"].items() if not Scalar(text, 0).is_null
    }


@pytest.mark.parametrize("text", ["2024-01-01", "2024-01-01T10:00:00Z", "2024-1-1 10:00:00 +01:00"])
def test_timestamps_are_refused(text):
    # v2.40.3: "services.a.environment.F invalid jsonType time.Time"
    assert variable_text(Scalar(text, 0)) is None
    assert variable_text(Scalar(text, 0, quoted=True)) == text


def test_image_env_is_the_lowest(model_of):
    # https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/: ENV of the image comes last.
    model = model_of(
        {
            "Dockerfile": 'FROM python:3.12-slim\nENV A=image B=image C=image\nCMD ["python", "-m", "shop"]\n',
            "compose.yaml": "services:\n  web:\n    build: .\n    env_file: web.env\n    environment: {C: environment}\n",
            "web.env": "B=file\nC=file\n",
        }
    )
    scope = model.variables.resolve(model.workloads[0], model.workloads[0].containers[0])
    assert {name: found.entry.origin for name, found in scope.bindings.items()} == {
        "A": "ENV",
        "B": "env_file web.env",
        "C": "environment",
    }
    assert [entry.origin for entry in scope.bindings["C"].overrode] == ["env_file web.env", "ENV"]


def test_names_in_a_list_that_the_host_decides_open_the_scope(model_of):
    text = 'services:\n  web:\n    image: x\n    environment: ["${NAME}=1", "${SET}=2"]\n'
    (web,) = services_of(model_of({"compose.yaml": text, ".env": "SET=KNOWN\n"}), "compose:compose.yaml").values()
    assert list(effective(web)) == ["KNOWN"]
    assert [reason for reason, _loc in web.open_reasons] == ["variable ${NAME} depends on the host"]


@pytest.mark.parametrize(
    ("extra", "other", "count"),
    [
        ("models: [llm]", "", 1),
        ("depends_on: [db]", "  db:\n    provider: {type: cloud}\n", 1),
        ("depends_on: {db: {condition: service_started}}", "  db:\n    provider: {type: cloud}\n", 1),
        ("depends_on: [db, gone]", "  db:\n    image: postgres:16\n", 0),
    ],
)
def test_what_compose_itself_sets_opens_the_scope(model_of, extra, other, count):
    # https://docs.docker.com/reference/compose-file/services/#models, …/#provider: both set variables of the service.
    text = f"services:\n  web:\n    image: x\n    {extra}\n{other}"
    assert len(services_of(model_of({"compose.yaml": text}), "compose:compose.yaml")["web"].open_reasons) == count


def test_what_others_read_is_no_deployment_of_its_own(model_of):
    files = {
        "compose.yaml": "include: [infra/db.yaml]\nservices:\n  web:\n    extends: {file: common.yml, service: app}\n",
        "infra/db.yaml": "services:\n  db:\n    image: postgres:16\n",
        "common.yml": "services:\n  app:\n    image: web:1\n",
    }
    assert [item.key for item in model_of(files).deployments] == ["compose:compose.yaml"]


@pytest.mark.parametrize(
    ("files", "key"),
    [
        # Compose files that include each other, extend themselves, or name nothing that is there.
        (
            {
                "compose.yaml": "include: [b.yaml]\nservices:\n  a:\n    image: x\n",
                "b.yaml": "include: [compose.yaml]\nservices: {}\n",
            },
            1,
        ),
        ({"compose.yaml": "services:\n  a:\n    image: x\n    extends: a\n    environment: {A: 1}\n"}, 1),
        (
            {
                "compose.yaml": "include: [gone.yaml, 7, {path: [x, {}]}]\nservices:\n  a:\n    image: x\n    env_file: {path: 7}\n"
            },
            1,
        ),
        ({"compose.yaml": "services:\n  a:\n    image: x\n    environment: [[], {}, 7, =x]\n    extends: [1]\n"}, 1),
        ({"compose.yaml": "services: [a]\n"}, 0),
    ],
)
def test_bad_input(model_of, files, key):
    assert len(model_of(files).deployments) == key


def test_deep_defaults_end_somewhere(model_of):
    text = "${A:-" * 5000 + "x" + "}" * 5000
    assert value_of("A", text)[1][0] == "v"
    assert expand(text, lambda _name: "") == "${A:-" * (5000 - MAX_NESTED) + "x" + "}" * (5000 - MAX_NESTED)
    names = Names(DotenvFiles(model_of({".env": "A=\n"})), [(".env", False)])
    assert names.text(text)[0] is not None


def test_secrets_of_dotenv_files_never_become_text(model_of):
    text = "services:\n  web:\n    image: x:${DB_PASSWORD}\n    command: run --dsn ${URL} --tag ${TAG}\n"
    files = {"compose.yaml": text, ".env": "DB_PASSWORD=hunter2hunter2\nURL=postgres://u:hunter2hunter2@db/x\nTAG=v1\n"}
    (web,) = services_of(model_of(files), "compose:compose.yaml").values()
    assert isinstance(web.image, Unknown)
    assert web.args == ["run", "--dsn", "--tag", "v1"]
