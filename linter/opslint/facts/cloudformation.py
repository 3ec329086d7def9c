"""Facts of CloudFormation and SAM templates. Properties become expressions (`opslint.base.expression`), so that the model
evaluates them like Terraform: ``!Ref``, ``!GetAtt`` and ``!Sub`` are references, ``!If`` a conditional, ``!Join`` a call.
"""

from __future__ import annotations

from opslint.base.expression import literal, raw
from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.terraform import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.expression import BodyData, Expression
    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument

MAX_DEPTH = 48
"""Levels of properties that are followed."""

_SHORT = {"!Ref": "Ref", "!Condition": "Condition"}


class CfnTemplate(Fact):
    """What a template says besides its resources: `parameters` ``[name, place, default or None]``, `conditions` and `mappings`
    as bodies, `functions` the body of SAM's ``Globals.Function``, `sam` whether it is a SAM template; `own` what a file of the Serverless
    Framework says of itself (``service``, ``custom``, ``provider``) as an expression, [] for templates.
    """

    __slots__ = ("conditions", "functions", "mappings", "own", "parameters", "sam")
    conditions: list[Any]
    functions: list[Any]
    mappings: list[Any]
    own: list[Any]
    parameters: list[list[Any]]
    sam: bool


class CfnResource(Fact):
    """One resource: logical `name`, `type`, its properties as a body, `policies` (``DeletionPolicy``, ``Condition``…) as another."""

    __slots__ = ("body", "name", "policies", "type")
    body: list[Any]
    name: str
    policies: list[Any]
    type: str


class Converter:
    """Turns property trees into expressions, with places of the document."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document

    def place(self, node: Node) -> int:
        return self._document.place(node)

    def body(self, mapping: Mapping | None) -> BodyData:
        """Return a mapping as a body: every pair an attribute."""
        attributes = []
        for key, value in mapping.pairs if mapping is not None else ():
            attributes.append([key.text, self.place(key), clean(self.expression(value, 0), key.text)])
        return [attributes, [], False]

    def expression(self, node: Node, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            return raw("nested too deeply")
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Sequence):
            return ["list", [self.expression(item, depth + 1) for item in node.items]]
        if isinstance(node, Mapping):
            if len(node.pairs) == 1:
                made = self._intrinsic(node.pairs[0][0].text, node.pairs[0][1], depth + 1)
                if made is not None:
                    return made
            pairs = [[literal(key.text), self.expression(value, depth + 1), self.place(key)] for key, value in node.pairs]
            return ["obj", self.place(node), pairs]
        return raw("a value that is not read")

    def _scalar(self, node: Scalar) -> Expression:
        if node.masked is not None:
            return ["mask", *node.masked.as_tuple()]
        if node.is_null:
            return literal(None)
        if node.boolean is not None:
            return literal(node.boolean)
        if not node.quoted and node.number is not None:
            number = node.number
            return literal(
                int(number) if number.is_integer() and abs(number) < 1e15 and not node.text.startswith("0") else number
            )
        return literal(node.text)

    def _intrinsic(self, key: str, value: Node, depth: int) -> Expression | None:
        name = _SHORT.get(key) or (f"Fn::{key[1:]}" if key.startswith("!") else key)
        if name == "Ref":
            return ["ref", value.text, []] if isinstance(value, Scalar) else raw("Ref")
        if name == "Condition" and isinstance(value, Scalar):
            return ["ref", "Condition", [value.text]]
        if not name.startswith("Fn::"):
            return None
        arguments = [self.expression(item, depth) for item in value.items] if isinstance(value, Sequence) else []
        return self._function(name[4:], value, arguments)

    def _function(self, name: str, value: Node, arguments: list[Expression]) -> Expression:
        if name == "GetAtt":
            return _attribute(value)
        if name == "Sub":
            return self._sub(value)
        if name == "If" and len(arguments) == 3 and arguments[0][0] == "lit":
            return ["cond", ["ref", "Condition", [str(arguments[0][1])]], arguments[1], arguments[2]]
        if name == "Equals" and len(arguments) == 2:
            return ["op", "==", *arguments]
        if name in ("And", "Or") and len(arguments) >= 2:
            made = arguments[0]
            for argument in arguments[1:]:
                made = ["op", "&&" if name == "And" else "||", made, argument]
            return made
        if name == "Not" and len(arguments) == 1:
            return ["un", "!", arguments[0]]
        if name == "Join" and len(arguments) == 2:
            return ["call", "join", arguments, False]
        if name == "Split" and len(arguments) == 2:
            return ["call", "split", arguments, False]
        if name == "Select" and len(arguments) == 2:
            return ["call", "element", [arguments[1], arguments[0]], False]
        if name == "FindInMap" and len(arguments) == 3:
            return ["post", ["ref", "Mappings", []], [["i", argument] for argument in arguments]]
        return raw(f"Fn::{name} is not followed")

    def _sub(self, value: Node) -> Expression:
        bound: dict[str, Expression] = {}
        if isinstance(value, Sequence) and value.items:
            names = value.items[1] if len(value.items) > 1 else None
            if isinstance(names, Mapping):
                bound = {key: self.expression(item, MAX_DEPTH - 8) for key, item in names.items()}
            value = value.items[0]
        return _substituted(value.text, bound) if isinstance(value, Scalar) else raw("Fn::Sub")


def _attribute(value: Node) -> Expression:
    if isinstance(value, Scalar):
        name, _, attribute = value.text.partition(".")
    else:
        texts = [item.text for item in value.items if isinstance(item, Scalar)] if isinstance(value, Sequence) else []
        name, attribute = (texts[0], ".".join(texts[1:])) if len(texts) > 1 else ("", "")
    return ["ref", name, [attribute]] if name and attribute else raw("GetAtt")


def _substituted(text: str, bound: dict[str, Expression]) -> Expression:
    parts: list[Expression] = []
    rest = text
    while "${" in rest:
        before, _, rest = rest.partition("${")
        inner, closed, rest = rest.partition("}")
        if before:
            parts.append(literal(before))
        if not closed:
            return raw("Fn::Sub that does not end")
        if inner.startswith("!"):
            parts.append(literal("${" + inner[1:] + "}"))
        elif inner in bound:
            parts.append(bound[inner])
        else:
            name, dot, attribute = inner.strip().partition(".")
            parts.append(["ref", name, [attribute] if dot else []])
    if rest:
        parts.append(literal(rest))
    if len(parts) == 1 and parts[0][0] == "lit":
        return parts[0]
    return ["tmpl", parts] if parts else literal("")


def _template(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    for root in document.documents:
        resources = root.mapping("Resources") if isinstance(root, Mapping) else None
        if isinstance(root, Mapping) and resources is not None:
            read_template(root, resources, Converter(document), emit)


def read_template(
    root: Mapping, resources: Mapping, convert: Converter, emit: Callable[[Fact], None], own: Expression | None = None
) -> None:
    """Emit the facts of one template: `root` with its parameters and globals, `resources` by logical name, `own` as in `CfnTemplate`."""
    parameters = []
    declared = root.mapping("Parameters")
    for key, value in declared.pairs if declared is not None else ():
        default = value.get("Default") if isinstance(value, Mapping) else None
        secret = isinstance(value, Mapping) and value.text("NoEcho") in ("true", "True")
        expression: Expression | None = None
        if secret:
            expression = ["secret", key.text]
        elif default is not None:
            expression = clean(convert.expression(default, 0), key.text)
        parameters.append([key.text, convert.place(key), expression])
    transform = root.get("Transform")
    texts = (
        [item.text for item in transform if isinstance(item, Scalar)]
        if isinstance(transform, Sequence)
        else [root.text("Transform") or ""]
    )
    emit(
        CfnTemplate(
            at=convert.place(root),
            conditions=convert.body(root.mapping("Conditions")),
            functions=convert.body(root.mapping("Globals", "Function")),
            mappings=convert.body(root.mapping("Mappings")),
            own=own or [],
            parameters=parameters,
            sam=any(text.startswith("AWS::Serverless") for text in texts),
        )
    )
    for key, value in resources.pairs:
        kind = value.text("Type") if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and kind is not None:
            others = [(k, v) for k, v in value.pairs if k.text not in ("Type", "Properties", "Metadata")]
            policies = convert.body(Mapping(others, value.at))
            body = convert.body(value.mapping("Properties"))
            emit(CfnResource(at=convert.place(key), body=body, name=key.text, policies=policies, type=kind))


EXTRACTORS: tuple[Extractor, ...] = (Extractor("cloudformation", (), _template),)
