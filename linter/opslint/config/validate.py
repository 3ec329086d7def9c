"""Refusing what the schema does not know, in words that name the file, the line, the key and the nearest right one."""

from __future__ import annotations

import json
from importlib.resources import files

from opslint.base.errors import ConfigError, nearest
from opslint.base.finding import CATEGORIES
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from opslint.base.rule import Option


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration, as the package ships it."""
    loaded: dict[str, Any] = json.loads(files("opslint.config").joinpath("schema/config-1.schema.json").read_text("utf-8"))
    return loaded


def check(data: dict[str, Any], where: Callable[[tuple[str | int, ...]], str]) -> None:
    """Raise ConfigError for the first thing the schema refuses. `where(path)` names the place of a key (file and line)."""
    _check_against(schema(), data, (), where)


def _check_against(
    fragment: dict[str, Any], value: Any, above: tuple[str | int, ...], where: Callable[[tuple[str | int, ...]], str]
) -> None:
    from jsonschema import Draft202012Validator

    errors = sorted(
        Draft202012Validator(fragment).iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path]
    )
    if errors:
        error = errors[0]
        path = (*above, *error.absolute_path)
        raise ConfigError(_words(error, path, where))


def _words(error: Any, path: tuple[str | int, ...], where: Callable[[tuple[str | int, ...]], str]) -> str:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(name for name in error.instance if name not in known)
        key = (*path, unknown[0])
        return f"{where(key)}: unknown key '{dotted(key)}'{nearest(unknown[0], known)}"
    if error.validator == "enum":
        return f"{where(path)}: {dotted(path)} is {error.instance!r}{_one_of(str(error.instance), error.validator_value)}"
    if error.validator == "required":
        missing = error.message.partition("'")[2].partition("'")[0]
        return f"{where(path)}: {dotted(path)} has no '{missing}'"
    return f"{where(path)}: {dotted(path) or 'the configuration'}: {error.message}"


def _one_of(word: str, allowed: list[str]) -> str:
    return nearest(word, allowed) or f", not one of {', '.join(allowed)}"


def dotted(path: tuple[str | int, ...]) -> str:
    """Return a key's path as people write it: ``environment[0].tier``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def check_names(data: dict[str, Any], names: Sequence[str], where: Callable[[tuple[str | int, ...]], str]) -> None:
    """Raise ConfigError for a rule or category, wherever one is named, that is none of `names` (with the categories)."""
    known = sorted({*names, *CATEGORIES})
    mentioned: list[tuple[tuple[str | int, ...], str]] = []
    for key in ("select", "extend_select", "ignore"):
        for index, item in enumerate(data.get(key, [])):
            if isinstance(item, str):
                mentioned.append(((key, index), item))
            else:
                mentioned.append(((key, index, "rule"), item["rule"]))
    mentioned += [(("severity", index, "rule"), item["rule"]) for index, item in enumerate(data.get("severity", []))]
    for path, name in mentioned:
        if name not in known:
            raise ConfigError(f"{where(path)}: {dotted(path)}: no rule or category '{name}'{nearest(name, known)}")


def check_options(
    data: dict[str, Any],
    names: Sequence[str],
    options_of: Callable[[str], Sequence[Option]],
    where: Callable[[tuple[str | int, ...]], str],
) -> None:
    """Raise ConfigError for an unknown rule in `[rules.…]`, an option it does not have, or a value its schema refuses."""
    for rule, table in data.get("rules", {}).items():
        path = ("rules", rule)
        if rule not in names:
            raise ConfigError(f"{where(path)}: {dotted(path)}: no rule '{rule}'{nearest(rule, list(names))}")
        options = {option.name: option for option in options_of(rule)}
        for name, value in table.items():
            if name not in options:
                known = nearest(name, list(options)) or (
                    f" (it has {', '.join(sorted(options))})" if options else " (it has no options)"
                )
                raise ConfigError(f"{where((*path, name))}: rule {rule} has no option '{name}'{known}")
            _check_against(options[name].schema, value, (*path, name), where)
