"""Values of Go templates as YAML and JSON, as Helm prints them, with the marks of their pieces."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import Budget, Opaque, Text, collapsed, go_float, join, resolve_scalar

if TYPE_CHECKING:
    from typing import Any


def to_yaml(value: Any) -> Text:
    """Print a value as Helm's ``toYaml`` does (keys sorted, no trailing newline), keeping marks."""
    lines = _yaml_lines(value, 0, Budget(), 0)
    parts: list[str] = []
    for index, line in enumerate(lines):
        if index:
            parts.append("\n")
        parts.extend(line)
    return join(parts)


def _yaml_lines(value: Any, indent: int, budget: Budget, depth: int) -> list[list[str]]:
    budget.take(depth)
    pad = " " * indent
    lines: list[list[str]] = []
    if isinstance(value, dict) and value:
        for key in sorted(value):
            child = value[key]
            if isinstance(child, dict | list) and child:
                lines.append([pad, _yaml_scalar(key), ":"])
                lines.extend(_yaml_lines(child, indent + (2 if isinstance(child, dict) else 0), budget, depth + 1))
            else:
                lines.append([pad, _yaml_scalar(key), ": ", _yaml_scalar(child)])
        return lines
    if isinstance(value, list) and value:
        for item in value:
            if isinstance(item, dict | list) and item:
                inner = _yaml_lines(item, indent + 2, budget, depth + 1)
                inner[0] = [pad, "- ", *(inner[0][1:] if inner[0] and inner[0][0] == " " * (indent + 2) else inner[0])]
                lines.extend(inner)
            else:
                lines.append([pad, "- ", _yaml_scalar(item)])
        return lines
    return [[pad, _yaml_scalar(value)]]


_PLAIN_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._$")
_PLAIN = _PLAIN_START | frozenset("-+=@ ()$^;")


def _yaml_scalar(value: Any) -> Text:
    if value is None:
        return Text("null")
    if isinstance(value, bool):
        return Text("true" if value else "false")
    if isinstance(value, dict):
        return Text("{}")
    if isinstance(value, list):
        return Text("[]")
    if isinstance(value, Opaque):
        return value.text()
    if isinstance(value, float):
        return collapsed(go_float(value, json=True), [value])
    if isinstance(value, int):
        return Text(str(value))
    if not isinstance(value, str):
        return Text("{}")
    plain = value and value[0] in _PLAIN_START and not value.endswith((" ", ":"))
    if plain and (_PLAIN.issuperset(value) or (":" in value and _PLAIN.issuperset(value.replace(":", "")) and ": " not in value)):
        if isinstance(resolve_scalar(value), str) and not value[0].isdigit():
            return join([value])
        if isinstance(resolve_scalar(value), str) and not _PLAIN_DIGITS.issuperset(value):
            return join([value])
    return quoted(value)


_PLAIN_DIGITS = frozenset("0123456789:.-+eE_TZ ")


def quoted(value: str) -> Text:
    """A double-quoted string (valid as JSON, YAML and Go), with the marks of the text."""
    import json

    text = json.dumps(str(value), ensure_ascii=False)
    if len(text) == len(value) + 2:
        return join(['"', value, '"'])
    return collapsed(text, [value])


def plain_json(value: Any, indent: int | None = None) -> str:
    """JSON as Go's ``toRawJson`` prints it; unknown values become their token."""
    import json

    return json.dumps(
        _jsonable(value, Budget(), 0),
        sort_keys=True,
        ensure_ascii=False,
        indent=indent,
        separators=(",", ": ") if indent else (",", ":"),
    )


def _jsonable(value: Any, budget: Budget, depth: int) -> Any:
    budget.take(depth)
    if isinstance(value, dict):
        return {str(key): _jsonable(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item, budget, depth + 1) for item in value]
    if isinstance(value, Opaque):
        return str(value.text())
    if isinstance(value, float):
        return int(value) if value == int(value) and abs(value) < 1e21 else float(value)
    if isinstance(value, str):
        return str(value)
    return value if isinstance(value, bool | int) or value is None else {}
