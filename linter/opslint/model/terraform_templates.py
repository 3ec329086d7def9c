"""Files that `file()` and `templatefile()` read, as values: JSON becomes a structure, other text a text with holes."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import unknown
from opslint.model.terraform_eval import Evaluator, Names
from opslint.model.terraform_values import FileText

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.value import Value

MAX_TEMPLATE = 200_000
"""Bytes of a template that is read."""

_MARK = b"OPSLINT_TEMPLATE"


def template_value(path: str, data: bytes, bound: dict[str, Value]) -> Value:
    """Return what the template at `path` gives with `bound` names: JSON as a structure of values, secrets masked; else Unknown.

    Only JSON is followed: of other texts (scripts) no rule needs a value, and YAML is read by `yaml_value`.
    """
    if len(data) > MAX_TEMPLATE or _MARK in data or data.lstrip()[:1] not in (b"[", b"{"):
        return FileText(path=path, prefix="", reason="the text of a file")
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


def yaml_value(data: bytes) -> Value:
    """Return the structure of a YAML file, its texts masked unless they have the shape of an identity."""
    if len(data) > MAX_TEMPLATE:
        return unknown("a file that is too long")
    from opslint.facts.cloudformation import Converter
    from opslint.facts.terraform import clean_body
    from opslint.syntax import yaml
    from opslint.syntax.document import ReadProblem

    try:
        document = yaml.read(data, "yaml")
    except ReadProblem:
        return unknown("a file that could not be read")
    if len(document.documents) != 1 or document.problems:
        return unknown("a file that could not be read")
    expression = Converter(document).expression(document.documents[0], 0)
    attributes = [[key[1], at, value] for key, value, at in expression[2]] if expression[0] == "obj" else []
    body = clean_body([attributes, [], False], values=True)
    made = ["obj", -1, [[["lit", name], value, at] for name, at, value in body[0]]]
    return Evaluator().value(made, Names(bound={}, functions={}, look=_nothing)) if attributes else unknown("no map")


def _nothing(name: str, _steps: list[Any], _evaluator: Evaluator) -> tuple[Value, list[Any]]:
    return unknown(f"{name} is not given to the template"), []
