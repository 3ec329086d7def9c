"""JSON written inside a string or heredoc (container definitions, redrive policies), as an expression."""

from __future__ import annotations

from opslint.base.expression import literal
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.expression import Expression

MAX_JSON = 200_000
"""Characters of embedded JSON that are parsed."""

JSON_TEXT = "jsontext"
"""Name of the call that stands for such text: a structure, whose spelling as text is not kept."""

_MARK = "\x01"


def json_expression(expression: Expression) -> Expression | None:
    """Return ``jsontext(<value>)`` for a string template that is a JSON object or list, else None.

    Interpolations stay expressions: those inside a JSON string become templates, bare ones stand for themselves.
    """
    if expression[0] == "lit":
        if not isinstance(expression[1], str):
            return None
        parts: list[Expression] = [expression]
    elif expression[0] == "tmpl":
        parts = expression[1]
    else:
        return None
    first = parts[0][1] if parts and parts[0][0] == "lit" else ""
    if not isinstance(first, str) or first.lstrip()[:1] not in ("{", "["):
        return None
    text, holes = _with_marks(parts)
    if len(text) > MAX_JSON:
        return None
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict | list):
        return None
    return ["call", JSON_TEXT, [_expression(value, holes, 0)], False]


def _with_marks(parts: list[Expression]) -> tuple[str, list[Expression]]:
    out: list[str] = []
    holes: list[Expression] = []
    in_string = False
    for part in parts:
        if part[0] == "lit":
            text = str(part[1]).replace(_MARK, "")
            in_string ^= bool((text.count('"') - text.count('\\"')) % 2)
            out.append(text)
        else:
            mark = f"\\u0001{len(holes)}\\u0001"
            out.append(mark if in_string else f'"{mark}"')
            holes.append(part)
    return "".join(out), holes


def _expression(value: Any, holes: list[Expression], depth: int) -> Expression:
    if depth > 32:
        return ["raw", "nested too deeply"]
    if isinstance(value, dict):
        pairs = [[literal(key), _expression(item, holes, depth + 1), -1] for key, item in value.items()]
        return ["obj", -1, pairs]
    if isinstance(value, list):
        return ["list", [_expression(item, holes, depth + 1) for item in value]]
    if isinstance(value, str) and _MARK in value:
        made: list[Expression] = []
        for number, piece in enumerate(value.split(_MARK)):
            if number % 2:
                made.append(holes[int(piece)])
            elif piece:
                made.append(literal(piece))
        return made[0] if len(made) == 1 else ["tmpl", made]
    return literal(value)
