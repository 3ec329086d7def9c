"""The command line: usage errors, exit codes, interruption, and every command that is no check."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import opslint.__main__ as fast_door
import pytest
from opslint.cli.check_command import check as check_command
from opslint.cli.main import COMMANDS, cli, main
from opslint.engine.options import OPTIONS, parse

from . import sample

CALL = "import requests\n\nrequests.get('x')\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = sample.tree(tmp_path / "repo", {"app.py": CALL, "opslint.toml": "[fix]\nhttp-timeout = 10\n"})
    monkeypatch.chdir(root)
    monkeypatch.setenv("OPSLINT_CACHE_DIR", str(tmp_path / "cache"))
    return root


def through(door: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run a command line through the fast door or through click alone."""
    if door == "click":
        return main(list(words))
    monkeypatch.setattr(sys, "argv", ["opslint", *words])
    return fast_door.main()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chekc"], "no command 'chekc' (did you mean 'check'?)"),
        (["check", "--fromat", "json"], "--format"),
        (["check", "--format", "jsno"], "did you mean 'json'?"),
        (["check", "--fail-on", "eror"], "did you mean 'error'?"),
        (["check", "--jobs", "-1"], "--jobs"),
        (["check", "--select", "http-call-without-timeot"], "did you mean 'http-call-without-timeout'?"),
        (["check", "--ignore", "timeuts"], "did you mean 'timeouts'?"),
        (["check", "nothing-here.py"], "no such file or directory"),
        (["check", "--report", "jsno=x"], "no format 'jsno' (did you mean 'json'?)"),
        (["check", "--report", "json"], "not of the form FORMAT=FILE"),
        (["check", "--output", "no/such/dir/x.json"], "no directory"),
        (["check", "--baseline", "none.txt"], "`opslint baseline` makes it"),
        (["check", "--config", "none.toml"], "none.toml"),
        (["check", "--fix", "--show-fixes"], "exclude each other"),
        (["rule", "http-call-without-timeot"], "did you mean 'http-call-without-timeout'?"),
        (["rules", "--format", "xml"], "(one of text, json)"),
        (["model", "a", "b"], "takes one PATH"),
        (["completion", "bsh"], "did you mean 'bash'?"),
        (["dev", "new-rule", "Bad_Name", "--category", "env", "--package", "."], "is no rule name"),
        (["dev", "new-rule", "a-b", "--category", "enw"], "did you mean 'env'?"),
        (["dev", "corpus", "http-call-without-timeout", "--corpus-dir", "none"], "names no directory"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("door", ["fast", "click"])
def test_bad_usage_is_exit_2_with_the_nearest_right_word(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, door: str, words: list[str], message: str
) -> None:
    assert through(door, monkeypatch, *words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("door", ["fast", "click"])
def test_exit_codes(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    assert through(door, monkeypatch, "check") == 1
    assert through(door, monkeypatch, "check", "--exit-zero") == 0
    assert through(door, monkeypatch, "check", "--ignore", "timeouts") == 0
    (project / "broken.py").write_text("import requests\nrequests.get(\n")
    assert through(door, monkeypatch, "check") == 3
    assert through(door, monkeypatch, "check", "--exit-zero") == 3
    assert through(door, monkeypatch, "check", "--allow-incomplete") == 1
    assert through(door, monkeypatch, "check", "app.py") == 1
    (project / "opslint.toml").write_text("selct = []\n")
    assert through(door, monkeypatch, "check") == 2
    assert "did you mean 'select'?" in capsys.readouterr().err


@pytest.mark.parametrize("door", ["fast", "click"])
def test_an_interrupted_run_is_130_and_leaves_no_output(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    def interrupted(*_arguments: object, **_keywords: object) -> None:
        raise KeyboardInterrupt

    (project / "out.json").write_text("before")
    monkeypatch.setattr("opslint.report.json.run_object", interrupted)
    assert through(door, monkeypatch, "check", "--format", "json", "--output", "out.json") == 130
    monkeypatch.setattr("opslint.cli.check.run", interrupted)
    assert through(door, monkeypatch, "check", "--format", "json", "--output", "out.json") == 130
    assert capsys.readouterr().out == ""
    assert (project / "out.json").read_text() == "before"
    assert sorted(path.name for path in project.iterdir()) == ["app.py", "opslint.toml", "out.json"]


@pytest.mark.parametrize("name", ["json", "jsonl", "sarif", "github", "gitlab", "junit", "html", "agent"])
def test_machine_formats_print_nothing_else(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    main(["check", "--format", name, "--statistics", "--verbose"])
    first = capsys.readouterr().out
    main(["check", "--format", name, "--output", "out"])
    assert capsys.readouterr().out == ""
    assert (project / "out").read_text() == first


def test_click_and_the_fast_door_read_the_same_table() -> None:
    options = {option.name: option for option in check_command.params if option.param_type_name == "option"}
    assert sorted(options) == sorted(option.dest for option in OPTIONS)
    values: dict[str, Any] = {}
    words: list[str] = []
    for option in OPTIONS:
        words.append(option.name)
        if option.type != "flag":
            words.append(option.choices[-1] if option.choices else "3")
    fast = parse([*words, "a.py"])
    assert fast is not None
    captured: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opslint.cli.check.check", lambda given: captured.append(given) or 0)
        main(["check", *words, "a.py"])
        main(["check"])
    assert captured == [fast, parse([])]
    assert values == {}


def test_every_command_loads_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        assert "Usage: opslint " + name in capsys.readouterr().out
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, (_target, text) in COMMANDS.items():
        assert name in out
        assert text in out


def test_rules_json_is_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    keys = "rule category severity confidence default status cross_file fix summary authority".split()
    assert rows
    assert all(list(row) == keys for row in rows)
    assert [row["rule"] for row in rows] == sorted(row["rule"] for row in rows)
    assert main(["rules"]) == 0
    text = capsys.readouterr().out
    assert all(row["rule"] in text for row in rows)
    assert main(["rule", rows[0]["rule"]]) == 0
    page = capsys.readouterr().out
    assert page.startswith(rows[0]["rule"])
    assert "In production" in page
    assert rows[0]["authority"] in page


def test_config_show_tells_origins(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    assert '{"http_timeout":10}  (opslint.toml:1)' in capsys.readouterr().out
    assert main(["config", "show", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {"key": "telemetry", "value": None, "origin": "default"} in shown["settings"]


def test_init_writes_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 2
    (project / "opslint.toml").unlink()
    assert main(["init"]) == 0
    capsys.readouterr()
    assert main(["check"]) == 1
    assert main(["init"]) == 2


def test_baseline_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline"]) == 0
    assert main(["check", "--baseline", "opslint-baseline.txt"]) == 0
    assert "1 in the baseline" in capsys.readouterr().out
    assert main(["baseline"]) == 2
    (project / "app.py").write_text(CALL + "\n\ndef other():\n    requests.post('y')\n")
    assert main(["baseline", "--prune"]) == 0
    assert main(["check", "--baseline", "opslint-baseline.txt"]) == 1
    (project / "app.py").write_text("")
    assert main(["baseline", "--prune"]) == 0
    assert "1 entries dropped, 0 left" in capsys.readouterr().err


def test_fix_command_reports_what_is_left(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--show-fixes", "--unsafe-fixes"]) == 1
    assert "+requests.get('x', timeout=10)" in capsys.readouterr().out
    assert (project / "app.py").read_text() == CALL
    assert main(["fix", "--unsafe-fixes"]) == 0
    assert (project / "app.py").read_text() == CALL.replace("'x'", "'x', timeout=10")
    assert "fixed app.py" in capsys.readouterr().err


def test_model_in_three_formats(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.tree(
        project,
        {
            "Dockerfile": 'FROM python:3.12\nCOPY app.py /app.py\nCMD ["python", "/app.py"]\n',
            "docker-compose.yml": "services:\n  api:\n    build: .\n    environment:\n      A_NAME: value-of-it\n",
        },
    )
    assert main(["model"]) == 0
    text = capsys.readouterr().out
    for word in (
        "Environments:",
        "Services",
        "Variables",
        "Resources",
        "Identities",
        "Links",
        "Pipelines",
        "Blind spots",
        "A_NAME",
    ):
        assert word in text
    assert main(["model", "--format", "json"]) == 0
    shown = capsys.readouterr().out
    (variable,) = json.loads(shown)["variables"]
    assert (variable["name"], variable["environments"][0]["state"]) == ("A_NAME", "set")
    assert main(["model", "export"]) == 0
    exported = capsys.readouterr().out
    assert json.loads(exported)["opslint-facts"] == 1
    assert "value-of-it" not in text + shown + exported
    assert main(["model", "--format", "mermaid"]) == 0
    assert capsys.readouterr().out.startswith("flowchart LR\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == 0
    assert "_OPSLINT_COMPLETE" in capsys.readouterr().out


def test_dev_docs_writes_once_and_notices_drift(tmp_path: Path) -> None:
    page = tmp_path / "rules.md"
    page.write_text("# Rules\n\nAn introduction.\n")
    assert main(["dev", "docs", "--file", str(page), "--check"]) == 1
    assert main(["dev", "docs", "--file", str(page)]) == 0
    assert main(["dev", "docs", "--file", str(page), "--check"]) == 0
    text = page.read_text()
    assert text.startswith("# Rules\n\nAn introduction.\n")
    assert "`http-call-without-timeout`" in text
    page.write_text(text.replace("| error |", "| warning |", 1))
    assert main(["dev", "docs", "--file", str(page), "--check"]) == 1


def test_dev_corpus_samples_the_same_findings_again(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tmp_path / "corpus"
    for owner in "abc":
        functions = "".join(f"\n\ndef f{number}():\n    requests.get('{number}')\n" for number in range(8))
        sample.tree(corpus / f"{owner}+repo", {"app.py": "import requests\n" + functions})
    listing = tmp_path / "corpus.toml"
    listing.write_text("".join(f'[[repository]]\nname = "{owner}/repo"\ncommit = "0"\n' for owner in "abcd"))
    words = ["dev", "corpus", "http-call-without-timeout", "--corpus-dir", str(corpus), "--list", str(listing)]
    assert main(words) == 0
    first = capsys.readouterr()
    assert first.out.count("== ") == 12
    assert {first.out.count(f"== {owner}/repo") for owner in "abc"} == {4}
    assert "requests.get('" in first.out
    assert "d/repo is not in the corpus directory" in first.err
    assert main(words) == 0
    assert capsys.readouterr().out == first.out
    assert main([*words, "--seed", "2"]) == 0
    assert capsys.readouterr().out != first.out


def test_unknown_words_of_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "chck"]) == 2
    assert "did you mean 'check'?" in capsys.readouterr().err
    assert cli.name
