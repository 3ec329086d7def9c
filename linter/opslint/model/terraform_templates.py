"""Files that `file()` and `templatefile()` read, as values: JSON becomes a structure, other text a text with holes."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import unknown
from opslint.model.terraform_eval import Evaluator, Names

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.value import Value

MAX_TEMPLATE = 200_000
"""Bytes of a template that is read."""

_MARK = b"OPSLINT_TEMPLATE"


def template_value(data: bytes, bound: dict[str, Value]) -> Value:
    """Return what a template gives with `bound` names: JSON as a structure of values, secrets masked; else Unknown.

    Only JSON is followed: of other texts (scripts, YAML) no rule needs a value.
    """
    if len(data) > MAX_TEMPLATE or _MARK in data or data.lstrip()[:1] not in (b"[", b"{"):
        return unknown("the text of a file")
    from opslint.facts.terraform import clean
    from opslint.syntax import hcl
    from opslint.syntax.document import ReadProblem

    try:
        document = hcl.read(b"x = <<" + _MARK + b"\n" + data.rstrip(b"\n") + b"\n" + _MARK + b"\n", "terraform")
    except ReadProblem:
        return unknown("a template that could not be read")
    if not document.body[0]:
        return unknown("a template that could not be read")
    expression = clean(document.body[0][0][2], "container_definitions")
    return Evaluator().value(expression, Names(bound=dict(bound), functions={}, look=_nothing))


def _nothing(name: str, _steps: list[Any], _evaluator: Evaluator) -> tuple[Value, list[Any]]:
    return unknown(f"{name} is not given to the template"), []
