"""Settings after all layers were merged: what the engine and the model are told. `opslint.config` makes them."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class DeclaredEnvironment(Record):
    """`[[environment]]`: a name, its tier, an optional instance, the path globs that belong to it."""

    __slots__ = ("instance", "name", "paths", "tier")
    instance: str | None
    name: str
    paths: list[str]
    tier: str


class DeclaredService(Record):
    """`[[service]]`: a name, its code root or entry modules, Dockerfile and image repositories."""

    __slots__ = ("code", "dockerfile", "entry", "images", "name")
    code: str | None
    dockerfile: str | None
    entry: list[str]
    images: list[str]
    name: str


class SeverityOverride(Record):
    """`[[severity]]`: rule or category, optional tier, level (``error warning note off``)."""

    __slots__ = ("level", "rule", "tier")
    level: str
    rule: str
    tier: str | None


class IgnoreEntry(Record):
    """`[[ignore]]`: rule or category, path glob, reason, optional until (ISO date). `index` is its number in the file."""

    __slots__ = ("index", "path", "reason", "rule", "until")
    index: int
    path: str
    reason: str
    rule: str
    until: str | None


class ProjectSettings(Record):
    """One project's configuration. `source` is the project path of the file it came from ("" when there is none).

    `rule_options` are the `[rules.<name>]` tables; `fix` the `[fix]` table; `platform_env` names the platform sets;
    `optional_env` names that may be missing; `telemetry` is ``platform`` when monitoring lives outside the repository.
    """

    __slots__ = (
        "environments",
        "exclude",
        "extend_select",
        "fix",
        "ignore",
        "ignores",
        "optional_env",
        "platform_env",
        "rule_options",
        "select",
        "services",
        "severities",
        "shallow_readiness",
        "siblings",
        "source",
        "telemetry",
    )
    environments: list[DeclaredEnvironment]
    exclude: list[str]
    extend_select: list[str]
    fix: dict[str, Any]
    ignore: list[str]
    ignores: list[IgnoreEntry]
    optional_env: list[str]
    platform_env: list[str]
    rule_options: dict[str, dict[str, Any]]
    select: list[str] | None
    services: list[DeclaredService]
    severities: list[SeverityOverride]
    shallow_readiness: bool
    siblings: list[str]
    source: str
    telemetry: str | None


def default_settings() -> ProjectSettings:
    """Return the settings of a project without configuration."""
    return ProjectSettings(
        environments=[],
        exclude=[],
        extend_select=[],
        fix={},
        ignore=[],
        ignores=[],
        optional_env=[],
        platform_env=[],
        rule_options={},
        select=None,
        services=[],
        severities=[],
        shallow_readiness=False,
        siblings=[],
        source="",
        telemetry=None,
    )


class RunOptions(Record):
    """The options of one `check` call, in the words of the command line (paths are absolute or relative to the working directory)."""

    __slots__ = (
        "all_migrations",
        "allow_incomplete",
        "baseline",
        "cache_dir",
        "config",
        "diff",
        "exit_zero",
        "extend_select",
        "facts",
        "fail_on",
        "fix",
        "format",
        "ignore",
        "jobs",
        "min_confidence",
        "min_severity",
        "no_cache",
        "no_prescreen",
        "output",
        "paths",
        "policy_from",
        "quiet",
        "report",
        "root",
        "select",
        "show_fixes",
        "statistics",
        "stdin_filename",
        "trace",
        "tracked",
        "unsafe_fixes",
        "verbose",
    )
    all_migrations: bool
    allow_incomplete: bool
    baseline: str | None
    cache_dir: str | None
    config: str | None
    diff: str | None
    exit_zero: bool
    extend_select: list[str]
    facts: list[str]
    fail_on: str
    fix: bool
    format: str
    ignore: list[str]
    jobs: int
    min_confidence: str
    min_severity: str
    no_cache: bool
    no_prescreen: bool
    output: str | None
    paths: list[str]
    policy_from: str | None
    quiet: bool
    report: list[str]
    root: str | None
    select: list[str]
    show_fixes: bool
    statistics: bool
    stdin_filename: str | None
    trace: str | None
    tracked: bool
    unsafe_fixes: bool
    verbose: bool
