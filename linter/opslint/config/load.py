"""From a TOML file to `ProjectSettings`, with the origin of each key.

Reading and validating costs tens of milliseconds (`tomllib`, `jsonschema`); the engine calls `load` only when the file
changed and otherwise restores what `to_json` gave.
"""

from __future__ import annotations

import os

from opslint.base.errors import ConfigError
from opslint.base.settings import (
    DeclaredEnvironment,
    DeclaredService,
    IgnoreEntry,
    ProjectSettings,
    SeverityOverride,
    default_settings,
)
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from opslint.base.rule import Option

FILE_NAME = "opslint.toml"
DEFAULT = "default"
_MAX_BYTES = 1 << 20


def find(root: str) -> str | None:
    """Return the configuration file of the project at `root`: `opslint.toml`, else a `pyproject.toml` with `[tool.opslint]`."""
    own = os.path.join(root, FILE_NAME)
    if os.path.isfile(own):
        return own
    shared = os.path.join(root, "pyproject.toml")
    if not os.path.isfile(shared):
        return None
    with open(shared, "rb") as handle:
        data = handle.read(_MAX_BYTES)
    return shared if b"opslint" in data and _has_table(data) else None


def _has_table(data: bytes) -> bool:
    try:
        return isinstance(_parse(data.decode("utf-8")).get("tool", {}).get("opslint"), dict)
    except ValueError:
        # A broken pyproject.toml is no configuration of ours; its own tools will say so.
        return False


def load(
    root: str,
    explicit: str | None = None,
    *,
    names: Sequence[str] | None = None,
    options_of: Callable[[str], Sequence[Option]] | None = None,
) -> tuple[ProjectSettings, dict[str, str]]:
    """Return the settings of the project at `root` and the origin of each key (``opslint.toml:12`` or ``default``).

    `explicit` is the file given with `--config`. `names` are all rules: with them, names are checked; with `options_of`,
    rule options too. ConfigError says what is wrong.
    """
    path = explicit or find(root)
    if path is None:
        settings = default_settings()
        return settings, {key: DEFAULT for key in settings.FIELDS if key != "source"}
    try:
        with open(path, "rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{path}: larger than {_MAX_BYTES} bytes")
    return parse(data, source_name(root, path), names=names, options_of=options_of)


def source_name(root: str, path: str) -> str:
    """Return how a configuration file is named: relative to the root when it lies below it."""
    full = os.path.abspath(path)
    inside = full.startswith(root.rstrip(os.sep) + os.sep)
    return os.path.relpath(full, root).replace(os.sep, "/") if inside else path


def _parse(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def parse(
    data: bytes,
    source: str,
    *,
    names: Sequence[str] | None = None,
    options_of: Callable[[str], Sequence[Option]] | None = None,
) -> tuple[ProjectSettings, dict[str, str]]:
    """Like `load`, for the content of a configuration file (`--policy-from` reads it from git)."""
    from opslint.config.positions import Lines
    from opslint.config.validate import check, check_names, check_options

    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        table = _parse(text)
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    shared = source.rpartition("/")[2].rpartition(os.sep)[2] == "pyproject.toml"
    if shared:
        table = table.get("tool", {}).get("opslint", {})
        if not isinstance(table, dict):
            raise ConfigError(f"{source}: tool.opslint is no table")
    lines = Lines(text, ("tool", "opslint") if shared else ())

    def where(path: tuple[str | int, ...]) -> str:
        line = lines.of(path)
        return source if line is None else f"{source}:{line}"

    table = _canonical(table, where)
    check(table, where)
    if names is not None:
        check_names(table, names, where)
        if options_of is not None:
            check_options(table, names, options_of, where)
    return _settings(table, source), _origins(table, where)


def _canonical(table: dict[str, Any], where: Callable[[tuple[str | int, ...]], str]) -> dict[str, Any]:
    """Write keys with underscores (rule names keep their dashes) and dates as text."""
    out: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in out:
            raise ConfigError(f"{where((name,))}: '{name}' is set twice, once with dashes")
        if name == "rules" and isinstance(value, dict):
            out[name] = {rule: _underscored(options) for rule, options in value.items()}
        else:
            out[name] = _underscored(value)
    return out


def _underscored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.replace("-", "_"): _underscored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_underscored(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def _settings(table: dict[str, Any], source: str) -> ProjectSettings:
    ignored = table.get("ignore", [])
    return default_settings().replace(
        environments=[
            DeclaredEnvironment(instance=item.get("instance"), name=item["name"], paths=item.get("paths", []), tier=item["tier"])
            for item in table.get("environment", [])
        ],
        exclude=table.get("exclude", []),
        extend_select=table.get("extend_select", []),
        fix=table.get("fix", {}),
        ignore=[item for item in ignored if isinstance(item, str)],
        ignores=[
            IgnoreEntry(index=index, path=item["path"], reason=item["reason"], rule=item["rule"], until=item.get("until"))
            for index, item in enumerate(item for item in ignored if isinstance(item, dict))
        ],
        optional_env=table.get("optional_env", []),
        platform_env=table.get("platform_env", []),
        rule_options=table.get("rules", {}),
        select=table.get("select"),
        services=[
            DeclaredService(
                code=item.get("code"),
                dockerfile=item.get("dockerfile"),
                entry=item.get("entry", []),
                images=item.get("images", []),
                name=item["name"],
            )
            for item in table.get("service", [])
        ],
        severities=[
            SeverityOverride(level=item["level"], rule=item["rule"], tier=item.get("tier")) for item in table.get("severity", [])
        ],
        shallow_readiness=table.get("shallow_readiness", False),
        siblings=table.get("siblings", []),
        source=source,
        telemetry=table.get("telemetry"),
    )


_KEYS = {
    "environments": "environment",
    "ignores": "ignore",
    "rule_options": "rules",
    "services": "service",
    "severities": "severity",
}
"""Settings whose key in the file is another word."""


def _origins(table: dict[str, Any], where: Callable[[tuple[str | int, ...]], str]) -> dict[str, str]:
    origins = {}
    for field in ProjectSettings.FIELDS:
        key = _KEYS.get(field, field)
        given = key in table
        if key == "ignore" and given:
            given = any(isinstance(item, dict if field == "ignores" else str) for item in table[key])
        if field != "source":
            origins[field] = where((key, 0) if given and isinstance(table[key], list) else (key,)) if given else DEFAULT
    return origins


_RECORDS: dict[str, type[DeclaredEnvironment | DeclaredService | SeverityOverride | IgnoreEntry]] = {
    "environments": DeclaredEnvironment,
    "ignores": IgnoreEntry,
    "services": DeclaredService,
    "severities": SeverityOverride,
}


def to_json(settings: ProjectSettings, origins: dict[str, str]) -> list[Any]:
    """Return settings and origins as JSON values, for the engine's cache."""
    values = []
    for name in settings.FIELDS:
        value = getattr(settings, name)
        values.append([list(item.as_tuple()) for item in value] if name in _RECORDS else value)
    return [list(settings.FIELDS), values, origins]


def from_json(data: list[Any]) -> tuple[ProjectSettings, dict[str, str]]:
    """Restore what `to_json` gave; ValueError when it was made by another version of the settings."""
    names, values, origins = data
    if tuple(names) != ProjectSettings.FIELDS:
        raise ValueError("settings of another version")
    restored: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        record = _RECORDS.get(name)
        restored[name] = value if record is None else [record(**dict(zip(record.FIELDS, item, strict=True))) for item in value]
    return ProjectSettings(**restored), origins
