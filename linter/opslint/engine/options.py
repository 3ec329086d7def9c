"""The options of `check` as plain data: the fast door parses with this table, click builds its command from it."""

from __future__ import annotations

from opslint.base.settings import RunOptions
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

FORMATS = ("text", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown", "html", "agent")
LEVELS = ("error", "warning", "note")
CONFIDENCE_LEVELS = ("high", "medium", "low")


class CheckOption:
    """One option. `type`: ``flag``, ``str`` or ``int``; `choices` restrict a string; `repeatable` options collect a list."""

    __slots__ = ("choices", "default", "help", "metavar", "name", "repeatable", "type")

    def __init__(
        self,
        name: str,
        type: str,
        default: Any,
        help: str,
        *,
        choices: tuple[str, ...] = (),
        repeatable: bool = False,
        metavar: str = "",
    ) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.help = help
        self.choices = choices
        self.repeatable = repeatable
        self.metavar = metavar

    @property
    def dest(self) -> str:
        """The field of `RunOptions` the option sets."""
        return self.name[2:].replace("-", "_")


OPTIONS: tuple[CheckOption, ...] = (
    CheckOption("--format", "str", "text", "Format of the report on standard output.", choices=FORMATS),
    CheckOption("--output", "str", None, "Write the report to FILE instead of standard output.", metavar="FILE"),
    CheckOption("--report", "str", None, "Write one more report (repeatable).", repeatable=True, metavar="FORMAT=FILE"),
    CheckOption("--select", "str", None, "Only these rules or categories.", repeatable=True, metavar="NAMES"),
    CheckOption("--extend-select", "str", None, "These rules or categories besides.", repeatable=True, metavar="NAMES"),
    CheckOption("--ignore", "str", None, "Not these rules or categories.", repeatable=True, metavar="NAMES"),
    CheckOption("--min-severity", "str", "warning", "Report findings at or above this severity.", choices=LEVELS),
    CheckOption("--fail-on", "str", "error", "Exit 1 for findings at or above this severity.", choices=LEVELS),
    CheckOption("--min-confidence", "str", "medium", "Report findings at or above this confidence.", choices=CONFIDENCE_LEVELS),
    CheckOption("--diff", "str", None, "Report only findings that the merge base of REV and HEAD did not have.", metavar="REV"),
    CheckOption("--all-migrations", "flag", False, "Judge old migrations too."),
    CheckOption("--baseline", "str", None, "Leave out the findings listed in FILE.", metavar="FILE"),
    CheckOption("--facts", "str", None, "What the sibling NAME exported (repeatable).", repeatable=True, metavar="NAME=FILE"),
    CheckOption("--fix", "flag", False, "Apply safe fixes."),
    CheckOption("--unsafe-fixes", "flag", False, "With --fix or --show-fixes: also fixes that may change behaviour."),
    CheckOption("--show-fixes", "flag", False, "Print the fixes as a patch; change nothing."),
    CheckOption(
        "--stdin-filename", "str", None, "Read this file's content from standard input (an editor's buffer).", metavar="FILE"
    ),
    CheckOption("--jobs", "int", 0, "Worker processes; 0 chooses.", metavar="N"),
    CheckOption("--no-cache", "flag", False, "Neither read nor write the cache."),
    CheckOption("--cache-dir", "str", None, "Where the cache lives (never inside the linted tree).", metavar="DIR"),
    CheckOption("--no-prescreen", "flag", False, "Parse every file, also those that hold no word any rule looks for."),
    CheckOption("--config", "str", None, "Use this configuration file.", metavar="FILE"),
    CheckOption("--root", "str", None, "Take this directory as the one project.", metavar="DIR"),
    CheckOption("--tracked", "flag", False, "Only files in the git index (for hooks)."),
    CheckOption("--policy-from", "str", None, "Take configuration and suppressions from this revision.", metavar="REV"),
    CheckOption("--statistics", "flag", False, "Print counts by rule and category."),
    CheckOption("--trace", "str", None, "Write where the time went to FILE.", metavar="FILE"),
    CheckOption("--exit-zero", "flag", False, "Exit 0 also when there are findings."),
    CheckOption("--allow-incomplete", "flag", False, "Exit as if every file had been read."),
    CheckOption("--quiet", "flag", False, "Print findings only."),
    CheckOption("--verbose", "flag", False, "Print what was read and why."),
)

_BY_NAME = {option.name: option for option in OPTIONS}


def defaults() -> dict[str, Any]:
    """Return the value of every `RunOptions` field when nothing is given."""
    values: dict[str, Any] = {option.dest: [] if option.repeatable else option.default for option in OPTIONS}
    values["paths"] = []
    return values


def run_options(**changes: Any) -> RunOptions:
    """Return options with defaults, changed as given; `--fail-on` below `--min-severity` lowers the latter with it."""
    values = {**defaults(), **changes}
    return finish(values)


def finish(values: dict[str, Any]) -> RunOptions:
    """Return the options of parsed `values`: split name lists at commas, lower `min_severity` with `fail_on`."""
    for name in ("select", "extend_select", "ignore"):
        values[name] = [word for item in values[name] for word in item.replace(",", " ").split()]
    if LEVELS.index(values["fail_on"]) > LEVELS.index(values["min_severity"]):
        values["min_severity"] = values["fail_on"]
    return RunOptions(**values)


def parse(words: list[str]) -> RunOptions | None:
    """Parse the words after ``check``; None when anything is not plain (click then reads them and explains)."""
    values = defaults()
    seen: set[str] = set()
    index, count = 0, len(words)
    while index < count:
        word = words[index]
        index += 1
        if word == "--":
            values["paths"] += words[index:]
            break
        if not word.startswith("-"):
            values["paths"].append(word)
            continue
        name, equals, text = word.partition("=")
        option = _BY_NAME.get(name)
        if option is None or (option.type == "flag" and equals):
            return None
        if option.type == "flag":
            values[option.dest] = True
            continue
        if not equals:
            if index == count:
                return None
            text = words[index]
            index += 1
            if text.startswith("--"):
                return None
        if not _take(values, option, text, seen):
            return None
    return finish(values)


def _take(values: dict[str, Any], option: CheckOption, text: str, seen: set[str]) -> bool:
    if option.choices and text not in option.choices:
        return False
    if option.repeatable:
        values[option.dest].append(text)
        return True
    if option.dest in seen:
        return False
    seen.add(option.dest)
    if option.type == "int":
        if not text.isascii() or not text.isdigit():
            return False
        values[option.dest] = int(text)
    else:
        values[option.dest] = text
    return True
