"""Values of Go templates as YAML and JSON, as Helm prints them, with the marks of their pieces."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import Budget, Opaque, Text, collapsed, cut, go_float, join, resolve_scalar

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
    made = join(parts)
    return made if value == "" or not made.endswith("\n") else cut(made, 0, len(made) - 1)


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
                lines.extend(_with_scalar([pad, _yaml_scalar(key), ": "], child, indent + 2))
        return lines
    if isinstance(value, list) and value:
        for item in value:
            if isinstance(item, dict | list) and item:
                inner = _yaml_lines(item, indent + 2, budget, depth + 1)
                inner[0] = [pad, "- ", *(inner[0][1:] if inner[0] and inner[0][0] == " " * (indent + 2) else inner[0])]
                lines.extend(inner)
            else:
                lines.extend(_with_scalar([pad, "- "], item, indent + 2))
        return lines
    return _with_scalar([pad] if pad else [], value, indent + 2)


def _with_scalar(start: list[str], value: Any, indent: int) -> list[list[str]]:
    """The lines of a scalar after what stands before it: several for a text of several lines."""
    if not isinstance(value, str) or "\n" not in value or not _fits_block(value):
        return [[*start, _yaml_scalar(value)]]
    ending = "" if value.endswith("\n") else "-"
    if value.endswith("\n\n") or value == "\n":
        ending = "+"
    lines: list[list[str]] = [[*start, f"|{'2' if value[0] in ' ' + chr(10) else ''}{ending}"]]
    at = 0
    for line in str(value).removesuffix("\n").split("\n"):
        lines.append([" " * indent, cut(value, at, at + len(line))] if line else [""])
        at += len(line) + 1
    return lines


def _fits_block(text: str) -> bool:
    """Tell whether go-yaml prints a text of several lines as a literal block: no blank before a line's end, nothing unprintable."""
    return not text.endswith(" ") and " \n" not in text and not _is_special(text)


def _is_special(text: str) -> bool:
    return any(not (char == "\n" or " " <= char <= "~" or char >= "\xa0") or char in "\ufeff\u2028\u2029" for char in text)


_OPENERS = frozenset("#,[]{}&*!|>'\"%@`")


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
    if not value or "\n" in value or _is_special(value) or _means_more(value):
        return quoted(value)
    return join([value]) if _fits_plain(value) else _single_quoted(value)


def _fits_plain(text: str) -> bool:
    """Tell whether go-yaml prints a line of text without quotes."""
    first, rest = text[0], text[1:2]
    if first in _OPENERS or first == " " or text.endswith((" ", ":")) or text.startswith(("---", "...")):
        return False
    return not (first in "?:-" and rest in ("", " ")) and ": " not in text and " #" not in text


def _single_quoted(text: str) -> Text:
    if "'" in text:
        return collapsed("'" + str(text).replace("'", "''") + "'", [text])
    return join(["'", text, "'"])


def _means_more(text: str) -> bool:
    """Tell whether a text without quotes would be read as something else: a number, a boolean, a date, sexagesimals."""
    if not isinstance(resolve_scalar(text), str):
        return True
    if not text[0].isdigit() and text[0] not in "+-":
        return False
    date = text[:10].split("-")
    if len(date) >= 3 and len(date[0]) == 4 and date[0].isdigit() and date[1].isdigit() and date[2][:1].isdigit():
        return text.replace("-", "").isdigit() or ":" in text
    parts = text.lstrip("+-").replace("_", "").split(":")
    return len(parts) > 1 and all(part.replace(".", "", 1).isdigit() for part in parts)


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
