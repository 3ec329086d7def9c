"""Configuration: what is read, from where, and how what is wrong is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opslint.api import Option
from opslint.base.errors import ConfigError
from opslint.base.settings import ProjectSettings
from opslint.config.load import find, from_json, load, parse, to_json

NAMES = ["http-call-without-timeout", "queue-without-dlq"]
FULL = """\
select = ["env", "queue-without-dlq"]
extend-select = ["queue-without-dlq"]
exclude = ["legacy/**"]
platform_env = ["PORT", "HEROKU_*"]
telemetry = "platform"

[fix]
http-timeout = 10

[[environment]]
name = "live"
tier = "production"
paths = ["clusters/live/**"]

[[environment]]
name = "qa"
tier = "staging"

[[service]]
name = "api"
code = "src/api"

[[severity]]
rule = "env"
level = "note"
tier = "staging"

[[ignore]]
rule = "queue-without-dlq"
path = "infra/*.tf"
reason = "drained by hand"
until = 2027-01-31

[rules.queue-without-dlq]
max-receives = 3
"""
OPTIONS = {"queue-without-dlq": (Option("max_receives", default=5, schema={"type": "integer"}, help="…"),)}


def read(text: str, source: str = "opslint.toml") -> tuple[ProjectSettings, dict[str, str]]:
    return parse(text.encode(), source, names=NAMES, options_of=lambda name: OPTIONS.get(name, ()))


def test_everything_is_read_with_its_origin() -> None:
    settings, origins = read(FULL)
    assert settings.select == ["env", "queue-without-dlq"]
    assert settings.ignore == []
    assert [(entry.rule, entry.path, entry.until) for entry in settings.ignores] == [
        ("queue-without-dlq", "infra/*.tf", "2027-01-31")
    ]
    assert [(item.name, item.tier, item.paths) for item in settings.environments] == [
        ("live", "production", ["clusters/live/**"]),
        ("qa", "staging", []),
    ]
    assert settings.fix == {"http_timeout": 10}
    assert settings.rule_options == {"queue-without-dlq": {"max_receives": 3}}
    assert settings.source == "opslint.toml"
    assert origins["select"] == "opslint.toml:1"
    assert origins["environments"] == "opslint.toml:10"
    assert origins["siblings"] == "default"
    assert origins["ignore"] == "default"
    assert origins["ignores"].startswith("opslint.toml:2")


def test_settings_survive_the_cache() -> None:
    settings, origins = read(FULL)
    again, again_origins = from_json(json.loads(json.dumps(to_json(settings, origins))))
    assert again == settings
    assert again_origins == origins
    with pytest.raises(ValueError, match="another version"):
        from_json([["a"], [1], {}])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "opslint.toml:1: unknown key 'selct' (did you mean 'select'?)"),
        ("\n[[environment]]\nname = 'a'\ntire = 'production'\n", "opslint.toml:4: unknown key 'environment[0].tire' (did you mean 'tier'?)"),
        ("[[environment]]\nname = 'a'\n", "opslint.toml:1: environment[0] has no 'tier'"),
        ("[[environment]]\nname = 'a'\ntier = 'prodution'\n", "environment[0].tier is 'prodution' (did you mean 'production'?)"),
        ("ignore = ['queue-without-dql']", "no rule or category 'queue-without-dql' (did you mean 'queue-without-dlq'?)"),
        ("[[ignore]]\nrule = 'env'\npath = 'a'\n", "ignore[0] has no 'reason'"),
        ("[[severity]]\nrule = 'enw'\nlevel = 'note'\n", "no rule or category 'enw' (did you mean 'env'?)"),
        ("[rules.queue-without-dl]\n", "no rule 'queue-without-dl' (did you mean 'queue-without-dlq'?)"),
        ("[rules.queue-without-dlq]\nmax-receive = 1\n", "has no option 'max_receive' (did you mean 'max_receives'?)"),
        ("[rules.queue-without-dlq]\nmax-receives = 'x'\n", "opslint.toml:2: rules.queue-without-dlq.max_receives: 'x' is not of type"),
        ("[rules.http-call-without-timeout]\nx = 1\n", "has no option 'x' (it has no options)"),
        ("fix.http-timeout = 0", "fix.http_timeout: 0 is less than or equal to the minimum of 0"),
        ("extend-select = []\nextend_select = []\n", "'extend_select' is set twice"),
        ("select = [", "opslint.toml: "),
        ("exclude = ['/etc/**']", "exclude[0]: '/etc/**' does not match"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_the_nearest_right_word(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_pyproject_counts_only_with_its_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'opslint-user'\n")
    assert find(str(tmp_path)) is None
    assert load(str(tmp_path))[0].source == ""
    (tmp_path / "pyproject.toml").write_text("[tool.opslint]\nselect = ['env']\n\n[tool.other]\nx = 1\n")
    settings, origins = load(str(tmp_path), names=NAMES)
    assert (settings.select, settings.source, origins["select"]) == (["env"], "pyproject.toml", "pyproject.toml:2")
    (tmp_path / "opslint.toml").write_text("select = ['ci']\n")
    assert load(str(tmp_path))[0].select == ["ci"]


def test_an_explicit_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(str(tmp_path), str(tmp_path / "none.toml"))


def test_no_configuration_gives_the_defaults(tmp_path: Path) -> None:
    settings, origins = load(str(tmp_path))
    assert settings.select is None
    assert set(origins.values()) == {"default"}


def test_the_schema_names_every_setting() -> None:
    from opslint.config.load import _KEYS
    from opslint.config.validate import schema

    keys = {_KEYS.get(name, name) for name in ProjectSettings.FIELDS if name != "source"}
    assert keys == set(schema()["properties"])
