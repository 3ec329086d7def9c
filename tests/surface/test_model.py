"""`opslint model`: the page people open: what each environment gets, side by side, readable in 100 columns; JSON for agents."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from opslint.cli.main import main
from opslint.cli.model_table import WIDTH, fit, middle, tail

from . import sample

PROJECTS = Path(__file__).parents[2] / "fixtures/projects"
CODE = """\
import os

URL = os.environ["API_URL"]
LIMIT = os.environ.get("LIMIT", "10")
TOKEN = os.environ["API_TOKEN"]
"""
DOCKERFILE = 'FROM python:3.12\nWORKDIR /app\nCOPY app.py .\nENV FROM_IMAGE=1\nCMD ["python", "app.py"]\n'
COMPOSE = """\
services:
  api:
    build: .
    environment:
      API_URL: https://api.{tier}.example.com/v1
      API_TOKEN: {token}
      DEBUG: "{debug}"
{more}  cache:
    image: redis:7
    environment:
      ONLY_CACHE: "1"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One service in two environments: production lacks a variable, staging sets one more, the values differ."""
    sample.tree(
        tmp_path,
        {
            "app.py": CODE + 'OTHER = os.environ["ONLY_STAGING"]\n',
            "Dockerfile": DOCKERFILE,
            "docker-compose.prod.yml": COMPOSE.format(tier="prod", token="one-hidden-value", debug="false", more=""),
            "docker-compose.staging.yml": COMPOSE.format(
                tier="staging", token="another-hidden", debug="true", more='      ONLY_STAGING: x\n      LIMIT: "20"\n'
            ),
        },
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPSLINT_CACHE_DIR", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The text that the command prints."""
    assert main(["model", *words]) == 0
    return capsys.readouterr().out


def view_of(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The JSON that the command prints, valid by its schema."""
    view: dict[str, Any] = json.loads(shown(capsys, "--format", "json", *words))
    schema = json.loads(files("opslint.cli").joinpath("schema/model-1.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(view)] == []
    return view


def cells(view: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    (row,) = [row for row in view["variables"] if row["name"] == name]
    return {cell["environment"]: cell for cell in row["environments"]}


def line_of(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.split("\n") if re.search(rf"(^|\s){name}\s", line)]
    return line.split()


def test_environments_side_by_side(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys)
    assert line_of(text, "API_URL") == ["~", "API_URL", "api.prod.example.com", "a", "api.staging.example.com", "b", "app.py:3"]
    assert line_of(text, "API_TOKEN") == ["~", "API_TOKEN", "set", "a", "set", "b", "app.py:5"]
    assert line_of(text, "DEBUG") == ["~", "DEBUG", "false", "true"]
    assert line_of(text, "LIMIT") == ["*", "LIMIT", "default", "20", "app.py:4"]
    assert line_of(text, "ONLY_STAGING") == ["!", "ONLY_STAGING", "-", "missing", "set", "app.py:6"]
    assert line_of(text, "FROM_IMAGE") == ["FROM_IMAGE", "1", "1"]
    assert "hidden" not in text


def test_cells_say_what_is_known(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = view_of(capsys)
    differs = {row["name"]: row["differs"] for row in view["variables"]}
    assert differs["ONLY_STAGING"] == "missing"
    assert differs["LIMIT"] == "presence"
    assert differs["API_URL"] == "value"
    assert differs["FROM_IMAGE"] is None
    url = cells(view, "API_URL")["production"]
    assert (url["state"], url["value"]) == ("set", {"kind": "url", "text": "https://api.prod.example.com"})
    assert (url["path"], url["line"], url["origin"]) == ("docker-compose.prod.yml", 5, "environment")
    token = cells(view, "API_TOKEN")
    assert token["production"]["value"] == {"kind": "text", "text": None}
    assert token["production"]["same"] != token["staging"]["same"]
    absent = cells(view, "ONLY_STAGING")["production"]
    assert (absent["state"], absent["missing"], absent["path"]) == ("absent", True, None)
    (row,) = [row for row in view["variables"] if row["name"] == "LIMIT"]
    assert row["reads"] == [{"required": False, "default": "harmless", "path": "app.py", "line": 4}]


def test_only_differences(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = view_of(capsys, "--only-differences")
    assert {row["name"] for row in view["variables"]} == {"API_URL", "API_TOKEN", "DEBUG", "LIMIT", "ONLY_STAGING"}
    assert "FROM_IMAGE" not in shown(capsys, "--only-differences")


def test_one_environment_by_any_of_its_words(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("staging", "stg"):
        view = view_of(capsys, "--env", word)
        assert [item["name"] for item in view["environments"]] == ["staging"]
        assert {cell["environment"] for row in view["variables"] for cell in row["environments"]} == {"staging"}
        assert {row["differs"] for row in view["variables"]} == {None}
    both = view_of(capsys, "--env", "production", "--env", "staging")
    assert both == view_of(capsys)


def test_one_service_in_detail(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--service", "api")
    assert "ONLY_CACHE" not in text
    assert "production: environment at docker-compose.prod.yml:5" in text
    assert "read at app.py:4 (default harmless)" in text
    assert [item["name"] for item in view_of(capsys, "--service", "cache")["services"]] == ["cache"]


def test_a_name_that_names_nothing_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["--env", "stagin"], "no environment 'stagin' (did you mean 'staging'?); there is production, staging"),
        (["--env", "test"], "no environment 'test'"),
        (["--service", "apo"], "no service 'apo' (did you mean 'api'?)"),
        (["--service", "qqqq"], "; there is api, cache"),
    ):
        assert main(["model", *words]) == 2
        assert said in capsys.readouterr().err
    assert main(["model", "export", "--env", "staging"]) == 2
    assert "no option that chooses" in capsys.readouterr().err


def test_without_environments_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    compose = COMPOSE.format(tier="x", token="hidden", debug="true", more="")
    sample.tree(tmp_path, {"app.py": CODE, "Dockerfile": DOCKERFILE, "docker-compose.yml": compose})
    text = shown(capsys, "--env", "deployment")
    assert "none named; one deployment" in text
    assert line_of(text, "DEBUG") == ["DEBUG", "true"]
    assert view_of(capsys)["variables"][0]["environments"][0]["environment"] is None


@pytest.mark.parametrize("name", ["shop-platform", "clinic-django", "invoice-lambda"])
def test_whole_systems_are_readable_and_valid(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--all"], ["--only-differences"], ["--env", "production"]):
        text = shown(capsys, str(PROJECTS / name), *words)
        assert [line for line in text.split("\n") if len(line) > WIDTH] == []
        view_of(capsys, str(PROJECTS / name), *words)
    assert shown(capsys, str(PROJECTS / name)) == shown(capsys, str(PROJECTS / name), "--no-cache")


def test_shop_platform_names_what_production_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    view = view_of(capsys, str(PROJECTS / "shop-platform"))
    assert {row["name"] for row in view["variables"] if row["differs"] == "missing"} == {"SHOP_TAX_SERVICE_URL"}
    shared = {item["text"]: item["shared_with"] for item in view["identities"] if item["kind"] == "state"}
    assert all(shared.values())
    assert cells(view, "SHOP_DATABASE_URL")["production"]["state"] == "secret"


def test_the_published_schema_is_the_one_that_is_shipped() -> None:
    shipped = files("opslint.cli").joinpath("schema/model-1.schema.json").read_text("utf-8")
    assert (PROJECTS.parents[1] / "docs/schema/model-1.schema.json").read_text() == shipped


def test_many_rows_are_folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "".join(f'      NAME_{number}: "{number}"\n' for number in range(150))
    sample.tree(
        tmp_path,
        {
            "app.py": CODE,
            "Dockerfile": DOCKERFILE,
            "docker-compose.prod.yml": COMPOSE.format(tier="prod", token="x", debug="false", more=lines),
            "docker-compose.staging.yml": COMPOSE.format(tier="staging", token="y", debug="false", more=lines),
        },
    )
    text = shown(capsys)
    assert "same everywhere: " in text
    assert " more" in text
    assert line_of(text, "API_TOKEN")[0] == "~"
    assert len(text.split("\n")) < 80
    whole = shown(capsys, "--all")
    assert all(f" NAME_{number} " in whole for number in range(150))


def test_more_environments_than_fit_stand_below_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    places = ["prod-eu-west-1", "prod-us-east-1", "staging", "dev", "uat2", "test", "preview"]
    tree = {"app.py": CODE, "Dockerfile": DOCKERFILE}
    for place in places:
        tree[f"docker-compose.{place}.yml"] = COMPOSE.format(tier=place, token="x", debug="false", more="")
    sample.tree(tmp_path, tree)
    text = shown(capsys)
    assert [line for line in text.split("\n") if len(line) > WIDTH] == []
    assert len(re.findall(r"^~  API_URL", text, re.MULTILINE)) == 2
    view_of(capsys)
    assert {item["tier"] for item in view_of(capsys, "--env", "production")["environments"]} == {"production"}


def test_layout() -> None:
    assert middle("short", 10) == "short"
    assert middle("a_long_name_of_a_thing", 11) == "a_lon…thing"
    assert tail("src/shop/config.py:31", 14) == "…/config.py:31"
    assert tail("a_long_name_without_end.py:31", 8) == "…d.py:31"
    assert fit([["aaaa"], ["bbbbbbbbbb"], ["cc"]], [1, 4, 1], [10, 10, 10], 14) == [2, 6, 2]
