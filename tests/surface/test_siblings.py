"""One system in three repositories: what each exports joins the others, says no value, and what is missing is never absent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from opslint.cli.main import main

from . import sample

PROJECT = Path(__file__).parents[2] / "fixtures/projects/shop-platform"
PARTS = {"manifests": ("charts", "monitoring"), "infrastructure": ("terraform",)}
TAX = "env-required-but-not-set"
MINUTES = "env-set-in-some-environments"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Code, manifests and infrastructure of one system as three repositories, with what each exports beside it."""
    top = tmp_path_factory.mktemp("system")
    shutil.copytree(PROJECT, top / "code")
    (top / "code/expected.txt").unlink()
    for name, directories in PARTS.items():
        for directory in directories:
            (top / name).mkdir(exist_ok=True)
            shutil.move(top / "code" / directory, top / name / directory)
    names = ("code", *PARTS)
    for name in names:
        others = [other for other in names if other != name]
        (top / name / "opslint.toml").write_text(f"siblings = {json.dumps(others)}\n")
        assert main(["model", "export", str(top / f"{name}.json"), str(top / name), "--cache-dir", str(top / "cache")]) == 0
    return top


def findings(system: Path, name: str, capsys: pytest.CaptureFixture[str], *, facts: bool) -> list[dict[str, object]]:
    """What `check` says of one of the repositories in the categories that need the join."""
    words = ["check", str(system / name), "--format", "json", "--select", "env,overlap", "--cache-dir", str(system / "cache")]
    if facts:
        for other in ("code", *PARTS):
            words += ["--facts", f"{other}={system / other}.json"] if other != name else []
    capsys.readouterr()
    assert main(words) in (0, 1)
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["findings"]
    return found


def test_what_needs_the_join_is_silent_alone_and_found_together(system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    joined = (TAX, MINUTES)
    alone = {name: {item["rule"] for item in findings(system, name, capsys, facts=False)} for name in ("code", *PARTS)}
    assert not any(rules & set(joined) for rules in alone.values())
    together = {item["rule"]: item for item in findings(system, "code", capsys, facts=True)}
    whole = (PROJECT / "expected.txt").read_text()
    for rule in joined:
        item = together[rule]
        # The very place that the whole project's expectations name.
        assert f"{item['path']}:{item['line']}:{item['column']} {rule} {item['environment']} {item['service']}" in whole
    evidence = together[TAX]["evidence"]
    assert isinstance(evidence, list)
    assert evidence[0]["path"] == "manifests:charts/shop/templates/api-deployment.yaml"
    assert evidence[0]["line"] > 1


def test_what_stands_in_a_sibling_is_reported_at_the_local_evidence(system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = {str(item["rule"]): item for item in findings(system, "manifests", capsys, facts=True)}
    item = there[TAX]
    assert item["path"] == "charts/shop/templates/api-deployment.yaml"
    assert item["fix"] is None
    assert isinstance(item["evidence"], list)
    assert item["evidence"][0]["path"] == "code:src/shop/config.py"
    assert there[MINUTES]["path"] == "charts/shop/values-staging.yaml"
    # The infrastructure has no part in either.
    rules = {item["rule"] for item in findings(system, "infrastructure", capsys, facts=True)}
    assert not rules & {TAX, MINUTES}
    assert "shared-terraform-state" in rules


def test_a_name_in_one_repository_is_the_thing_that_another_owns(system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {str(item["rule"]): item for item in findings(system, "manifests", capsys, facts=True)}["non-prod-references-prod"]
    assert found["path"] == "charts/shop/values-staging.yaml"
    assert isinstance(found["evidence"], list)
    assert [place["path"] for place in found["evidence"]] == ["infrastructure:terraform/modules/storage/main.tf"]
    owner = {str(item["rule"]): item for item in findings(system, "infrastructure", capsys, facts=True)}
    assert owner["non-prod-references-prod"]["path"] == "terraform/modules/storage/main.tf"


def test_every_format_shows_places_in_siblings(
    system: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from opslint.report import FORMATS

    facts = [word for other in PARTS for word in ("--facts", f"{other}={system / other}.json")]
    monkeypatch.chdir(system)
    for name in FORMATS:
        assert main(["check", str(system / "code"), "--no-cache", "--format", name, *facts]) == 1
        out = capsys.readouterr().out
        assert "TAX" in out
        assert "manifests:/" not in out
        assert "/manifests:" not in out


def test_what_is_found_together_can_be_accepted_together(
    system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = [word for other in PARTS for word in ("--facts", f"{other}={system / other}.json")]
    kept = str(tmp_path / "accepted.txt")
    assert main(["baseline", str(system / "code"), "--output", kept, "--min-severity", "note", "--no-cache", *facts]) == 0
    words = ["check", str(system / "code"), "--no-cache", "--fail-on", "note", *facts]
    assert main([*words, "--baseline", kept]) == 0
    assert main(words) == 1
    assert "accepted" not in capsys.readouterr().out


def test_the_model_shows_both(system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = [word for other in PARTS for word in ("--facts", f"{other}={system / other}.json")]
    assert main(["model", str(system / "code"), "--format", "json", *facts]) == 0
    view = json.loads(capsys.readouterr().out)
    (row,) = [row for row in view["variables"] if row["name"] == "SHOP_TAX_SERVICE_URL"]
    assert row["differs"] == "missing"
    assert {cell["environment"]: cell["state"] for cell in row["environments"]} == {
        "production": "absent",
        "staging": "absent",
        "development": "set",
    }
    assert any(item["path"].startswith("infrastructure:terraform/") for item in view["resources"])
    assert [item for item in view["blind_spots"] if item["kind"] == "sibling-not-given"] == []


def test_a_sibling_that_is_not_given_opens_every_scope(system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["model", str(system / "code"), "--format", "json", "--cache-dir", str(system / "cache")]
    assert main(words) == 0
    view = json.loads(capsys.readouterr().out)
    spots = {item["message"]: item["help"] for item in view["blind_spots"] if item["kind"] == "sibling-not-given"}
    assert sorted(spots) == [f"what the sibling {name} sets and serves is not known" for name in sorted(PARTS)]
    assert all("--facts" in help for help in spots.values())
    # One of two is not enough.
    assert main([*words, "--facts", f"manifests={system / 'manifests'}.json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert not any(cell["missing"] for row in view["variables"] for cell in row["environments"])


def test_what_a_sibling_may_set_is_open_not_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.tree(
        tmp_path,
        {
            "app.py": 'import os\n\nA = os.environ["A_NAME"]\nB = os.environ["B_NAME"]\n',
            "Dockerfile": 'FROM python:3.12\nCOPY app.py /app.py\nCMD ["python", "/app.py"]\n',
            "docker-compose.yml": "services:\n  api:\n    build: .\n    environment:\n      A_NAME: x\n",
        },
    )
    states = []
    for config in ("", 'siblings = ["other"]\n'):
        (tmp_path / "opslint.toml").write_text(config)
        code = main(["check", str(tmp_path), "--select", TAX, "--no-cache"])
        capsys.readouterr()
        assert main(["model", str(tmp_path), "--format", "json", "--no-cache"]) == 0
        (row,) = [row for row in json.loads(capsys.readouterr().out)["variables"] if row["name"] == "B_NAME"]
        (cell,) = row["environments"]
        states.append((code, cell["state"], cell["missing"], cell["reason"]))
    assert states == [(1, "absent", True, None), (0, "open", False, "the sibling other may set more")]


def test_an_export_tells_no_value(system: Path) -> None:
    for name in ("code", *PARTS):
        text = (system / f"{name}.json").read_text()
        for value in ("sk_test_51", "whsec_fake", "shop:shop@"):
            assert value not in text
        assert "(no digest)" in text


def test_the_same_tree_gives_the_same_export(system: Path, tmp_path: Path) -> None:
    assert main(["model", "export", str(tmp_path / "again.json"), str(system / "manifests")]) == 0
    assert (tmp_path / "again.json").read_bytes() == (system / "manifests.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "no facts file, or cut short"),
        (lambda text: "[]", "is no facts file"),
        (lambda text: '{"schema": 1}', "is no facts file"),
        (lambda text: text.replace('"opslint-facts":1', '"opslint-facts":99'), "was written by opslint"),
        (lambda text: text.replace('"layout":"', '"layout":"0'), "facts have another shape"),
        (lambda text: text.replace("production", "prodouction", 1), "is damaged"),
    ],
)
def test_a_wrong_facts_file_ends_the_run(
    system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: object, said: str
) -> None:
    assert callable(change)
    (tmp_path / "facts.json").write_text(change((system / "manifests.json").read_text()))
    for command in ("check", "model"):
        assert main([command, str(system / "code"), "--facts", f"manifests={tmp_path / 'facts.json'}"]) == 2
        assert said in capsys.readouterr().err


def test_wrong_words(system: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    good = f"manifests={system / 'manifests'}.json"
    for words, said in (
        (["--facts", "manifests"], "give NAME=FILE"),
        (["--facts", f"manifest={system / 'manifests'}.json"], "did you mean 'manifests'?"),
        (["--facts", "manifests=nowhere.json"], "No such file"),
        (["--facts", good, "--facts", good], "given twice"),
    ):
        assert main(["check", str(system / "code"), *words]) == 2
        assert said in capsys.readouterr().err
    monkeypatch.setenv("OPSLINT_FACTS_KEY", "of the team")
    assert main(["check", str(system / "code"), "--facts", good]) == 2
    assert "another $OPSLINT_FACTS_KEY" in capsys.readouterr().err


def test_a_key_of_the_team_makes_other_hashes_that_join_as_well(
    system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSLINT_FACTS_KEY", "of the team")
    for name in PARTS:
        assert main(["model", "export", str(tmp_path / f"{name}.json"), str(system / name)]) == 0
    facts = [word for other in PARTS for word in ("--facts", f"{other}={tmp_path / other}.json")]
    capsys.readouterr()
    assert main(["check", str(system / "code"), "--format", "json", "--select", "env", *facts]) == 1
    assert TAX in {item["rule"] for item in json.loads(capsys.readouterr().out)["findings"]}
    assert (tmp_path / "manifests.json").read_text() != (system / "manifests.json").read_text()


def test_configuration_refuses_what_is_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.tree(tmp_path, {"opslint.toml": 'siblings = ["acme/infra"]\n', "app.py": "x = 1\n"})
    assert main(["check", str(tmp_path)]) == 2
    assert "siblings" in capsys.readouterr().err


def test_the_settings_module_of_a_sibling_finds_the_code_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Django service: which settings a container there runs with decides what the code here reads."""
    image = "registry.example.com/acme/web"
    sample.tree(
        tmp_path / "code",
        {
            "opslint.toml": 'siblings = ["manifests"]\n',
            "manage.py": 'import os\n\nfrom django.core.management import execute_from_command_line\n\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.base")\nexecute_from_command_line()\n',
            "shop/__init__.py": "",
            "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n",
            "shop/settings/__init__.py": "",
            "shop/settings/base.py": "DEBUG = True\n",
            "shop/settings/production.py": 'import os\n\nSECRET_KEY = os.environ["SECRET_KEY"]\nREGION = os.environ["REGION"]\n',
            "Dockerfile": 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ["gunicorn", "shop.wsgi"]\n',
            ".github/workflows/images.yml": f"on: push\njobs:\n  b:\n    runs-on: ubuntu-latest\n    steps:\n    - run: docker build -t {image}:1 .\n",
        },
    )
    sample.tree(
        tmp_path / "manifests",
        {
            "overlays/prod/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n"
            f"      - name: web\n        image: {image}:1\n        env:\n"
            "        - {name: DJANGO_SETTINGS_MODULE, value: shop.settings.production}\n        - {name: REGION, value: eu}\n",
        },
    )
    facts = tmp_path / "manifests.json"
    assert main(["model", "export", str(facts), str(tmp_path / "manifests")]) == 0
    assert '"eu"' not in facts.read_text()
    words = ["check", str(tmp_path / "code"), "--select", TAX, "--format", "json", "--no-cache"]
    capsys.readouterr()
    assert main([*words, "--facts", f"manifests={facts}"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["path"], found["environment"]) == ("shop/settings/production.py", "production")
    assert "SECRET_KEY" in found["message"]
