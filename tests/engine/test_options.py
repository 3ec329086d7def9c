"""The option table, the fast parser, selection, severities and exit codes."""

from __future__ import annotations

import pytest
from opslint.base.settings import RunOptions, SeverityOverride, default_settings
from opslint.engine.options import OPTIONS, parse, run_options
from opslint.engine.select import Severities, tier_severity


def test_every_option_has_a_field_and_every_field_an_option():
    assert sorted([option.dest for option in OPTIONS] + ["paths"]) == sorted(RunOptions.FIELDS)


def test_plain_lines_are_parsed():
    options = parse(["a.py", "--format", "json", "--select=env,ci", "--select", "x", "--jobs", "2", "--no-cache", "--", "-b.py"])
    assert options is not None
    assert (options.paths, options.format, options.select, options.jobs, options.no_cache) == (
        ["a.py", "-b.py"],
        "json",
        ["env", "ci", "x"],
        2,
        True,
    )
    assert parse([]) == run_options()


def test_fail_on_lowers_min_severity():
    options = parse(["--fail-on", "note"])
    assert options is not None
    assert options.min_severity == "note"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--nonsense"],
        ["--format", "xml"],
        ["--format"],
        ["--jobs", "two"],
        ["--no-cache=1"],
        ["-x"],
        ["--format", "json", "--format", "json"],
        ["--jobs", "-1"],
        ["--output", "--no-cache"],
    ],
)
def test_what_is_not_plain_goes_to_click(words):
    assert parse(words) is None


def test_tiers():
    assert tier_severity("env", "error", "production") == "error"
    assert tier_severity("ci", "error", "staging") == "warning"
    assert tier_severity("env", "error", "staging") == "error"
    assert tier_severity("env", "error", "development") == "note"


def test_the_most_severe_environment_counts(opslint):
    from types import SimpleNamespace

    rule = SimpleNamespace(name="r", category="ci")
    plain = Severities(default_settings())
    assert plain.of(rule, "error", ["staging", "production/eu", "development"]) == ("error", "production/eu")
    assert plain.of(rule, "error", []) == ("error", None)
    assert plain.of(rule, "error", ["staging"]) == ("warning", "staging")
    off = Severities(default_settings().replace(severities=[SeverityOverride(level="off", rule="ci", tier="staging")]))
    assert off.of(rule, "error", ["staging"]) == (None, None)
    assert off.of(rule, "error", ["staging", "development"]) == ("note", "development")


def names(result):
    return sorted({row["rule"] for row in result["findings"]})


def test_selection(opslint, tree):
    assert names(opslint.json("--select", "acme-call", cwd=tree)) == ["acme-call"]
    assert names(opslint.json("--ignore", "timeouts", cwd=tree)) == ["acme-not-given"]
    assert names(opslint.json("--ignore", "timeouts", "--extend-select", "acme-call", cwd=tree)) == [
        "acme-call",
        "acme-not-given",
    ]
    assert names(opslint.json("--select", "timeouts,env", "--ignore", "acme-call", cwd=tree)) == ["acme-not-given"]
    done = opslint.process("check", "--select", "acme-cal", cwd=tree)
    assert done.returncode == 2
    assert b"did you mean 'acme-call'" in done.stderr


def test_exit_codes(opslint, tree):
    assert opslint.process("check", cwd=tree).returncode == 1
    assert opslint.process("check", "--exit-zero", cwd=tree).returncode == 0
    assert opslint.process("check", "app/plain.py", cwd=tree).returncode == 0
    assert opslint.process("check", "--cache-dir", ".", cwd=tree).returncode == 2
    (tree / "opslint.toml").write_text(
        "[[severity]]\nrule = 'acme-call'\nlevel = 'warning'\n\n[[severity]]\nrule = 'env'\nlevel = 'note'\n"
    )
    assert opslint.process("check", cwd=tree).returncode == 0
    assert opslint.process("check", "--fail-on", "warning", cwd=tree).returncode == 1
    shown = opslint.json(cwd=tree)
    assert names(shown) == ["acme-call"]
    assert names(opslint.json("--min-severity", "note", cwd=tree)) == ["acme-call", "acme-not-given"]


def test_a_preview_rule_is_on_only_by_name(opslint, tree):
    module = opslint.packs / "acme_pack" / "acme_call.py"
    module.write_text(module.read_text().replace('summary="a call"', 'summary="a call", status="preview"'))
    assert names(opslint.json(cwd=tree)) == ["acme-not-given"]
    assert names(opslint.json("--select", "timeouts", cwd=tree)) == []
    assert names(opslint.json("--extend-select", "acme-call", cwd=tree)) == ["acme-call", "acme-not-given"]


def test_unsaved_content_is_judged_in_its_place(opslint, tree):
    result = opslint.json("--stdin-filename", "app/plain.py", "app/plain.py", cwd=tree, stdin=b"import acme\nacme.run(1)\n")
    assert [(row["path"], row["line"]) for row in result["findings"]] == [("app/plain.py", 2)]
    new = opslint.json("--stdin-filename", "app/brand_new.py", cwd=tree, stdin=b"import acme\nacme.run(1)\n")
    assert [(row["path"], row["line"]) for row in new["findings"]] == [("app/brand_new.py", 2)]
