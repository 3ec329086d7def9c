"""Facts of Serverless Framework services: the file is rewritten into the SAM template that says the same, and read as one."""

from __future__ import annotations

from opslint.base.expression import literal, raw
from opslint.base.rule import Extractor
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.cloudformation import Converter, read_template
from opslint.facts.serverless_names import FIRST, LOOK
from opslint.facts.terraform import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.expression import Expression
    from opslint.base.fact import Fact
    from opslint.base.tree import Node
    from opslint.syntax.yaml import YamlDocument

TIMEOUT_DEFAULT = "6"
"""Seconds (serverless.com/framework/docs/providers/aws/guide/serverless.yml, `timeout`)."""

_NAMES = {"handler": "Handler", "runtime": "Runtime", "timeout": "Timeout", "memorySize": "MemorySize", "name": "FunctionName"}
_SQS = {"arn": "Queue", "batchSize": "BatchSize", "maximumBatchingWindow": "MaximumBatchingWindowInSeconds"}


_OWN = ("service", "custom", "provider", "params")
"""What ``${self:…}`` may ask for."""

MAX_NESTED = 6
"""Variables inside variables that are followed."""


class ServerlessConverter(Converter):
    """A text with ``${…}`` holds variables of the framework."""

    def expression(self, node: Node, depth: int) -> Expression:
        if isinstance(node, Scalar) and node.masked is None and "${" in node.text:
            return variables(node.text)
        return super().expression(node, depth)


def variables(text: str, depth: int = 0) -> Expression:
    """Return a text with ``${source, fallback}`` as an expression: calls of `FIRST` and `LOOK`."""
    if depth > MAX_NESTED:
        return raw("variables that are nested too deeply")
    parts: list[Expression] = []
    rest = text
    while "${" in rest:
        before, _, rest = rest.partition("${")
        end = _end(rest)
        if end < 0:
            return raw("a variable that does not end")
        if before:
            parts.append(literal(before))
        parts.append(_variable(rest[:end], depth))
        rest = rest[end + 1 :]
    if rest:
        parts.append(literal(rest))
    return parts[0] if len(parts) == 1 else ["tmpl", parts]


def _end(text: str) -> int:
    """Return where the brace that is open closes, -1 when it does not."""
    level = 0
    for at, char in enumerate(text):
        if char == "{":
            level += 1
        elif char == "}":
            if not level:
                return at
            level -= 1
    return -1


def _variable(content: str, depth: int) -> Expression:
    if content.startswith("AWS::"):
        return ["ref", content, []]
    sources: list[Expression] = []
    for source in _sources(content):
        if source[:1] in ("'", '"'):
            sources.append(literal(source[1:-1]))
        elif source.isdigit():
            sources.append(literal(int(source)))
        elif source in ("true", "false", "null"):
            sources.append(literal({"true": True, "false": False, "null": None}[source]))
        else:
            sources.append(["call", LOOK, [variables(source, depth + 1) if "${" in source else literal(source)], False])
    return ["call", FIRST, sources, False]


def _sources(content: str) -> list[str]:
    """Split at commas that stand outside of quotes, parentheses and inner variables."""
    out, word, level, quote = [], "", 0, ""
    for char in content:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "({":
            level += 1
        elif char in ")}":
            level -= 1
        elif char == "," and not level:
            out.append(word.strip())
            word = ""
            continue
        word += char
    return [found for found in (*out, word.strip()) if found]


def _extract(document: YamlDocument, emit: Callable[[Fact], None]) -> None:
    root = next((node for node in document.documents if isinstance(node, Mapping)), None)
    functions = root.mapping("functions") if root is not None else None
    if root is None or functions is None:
        return
    provider = root.mapping("provider") or Mapping([], root.at)
    shared = _function(provider)
    if "Timeout" not in shared:
        shared = Mapping([*shared.pairs, (Scalar("Timeout", root.at), Scalar(TIMEOUT_DEFAULT, root.at))], root.at)
    shared = Mapping([*shared.pairs, (Scalar("CodeUri", root.at), Scalar(".", root.at))], root.at)
    resources: list[tuple[Scalar, Node]] = [
        (key, _resource("AWS::Serverless::Function", _function(value)))
        for key, value in functions.pairs
        if isinstance(value, Mapping)
    ]
    own = root.mapping("resources", "Resources")
    resources.extend(own.pairs if own is not None else ())
    at = root.at
    template = Mapping(
        [
            (Scalar("Transform", at), Scalar("AWS::Serverless-2016-10-31", at)),
            (Scalar("Globals", at), Mapping([(Scalar("Function", at), shared)], at)),
        ],
        at,
    )
    convert = ServerlessConverter(document)
    pairs = [
        [literal(key.text), clean(convert.expression(value, 0), key.text), -1] for key, value in root.pairs if key.text in _OWN
    ]
    read_template(template, Mapping(resources, at), convert, emit, ["obj", -1, pairs])


def _resource(kind: str, properties: Mapping) -> Mapping:
    at = properties.at
    return Mapping([(Scalar("Type", at), Scalar(kind, at)), (Scalar("Properties", at), properties)], at)


def _function(body: Mapping) -> Mapping:
    """The SAM properties of one function, or of what `provider` says for all."""
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in body.pairs:
        if key.text in _NAMES and not (key.text == "name" and "handler" not in body):
            pairs.append((Scalar(_NAMES[key.text], key.at), value))
        elif key.text == "environment":
            pairs.append((Scalar("Environment", key.at), Mapping([(Scalar("Variables", key.at), value)], value.at)))
        elif key.text == "events" and isinstance(value, Sequence):
            pairs.append((Scalar("Events", key.at), _events(value)))
    return Mapping(pairs, body.at)


def _events(items: Sequence) -> Mapping:
    """Queues that feed a function; what else starts it is no business of the join."""
    pairs: list[tuple[Scalar, Node]] = []
    for number, item in enumerate(items.items):
        queue = item.get("sqs") if isinstance(item, Mapping) else None
        if queue is None:
            continue
        properties: list[tuple[Scalar, Node]] = [(Scalar("Queue", queue.at), queue)]
        if isinstance(queue, Mapping):
            properties = [(Scalar(_SQS[key.text], key.at), value) for key, value in queue.pairs if key.text in _SQS]
            answers = queue.key("functionResponseType")
            if answers is not None:
                kind = Scalar(queue.text("functionResponseType") or "", answers.at)
                properties.append((Scalar("FunctionResponseTypes", answers.at), Sequence([kind], answers.at)))
        event = Mapping(
            [
                (Scalar("Type", queue.at), Scalar("SQS", queue.at)),
                (Scalar("Properties", queue.at), Mapping(properties, queue.at)),
            ],
            queue.at,
        )
        pairs.append((Scalar(f"Event{number}", queue.at), event))
    return Mapping(pairs, items.at)


EXTRACTORS: tuple[Extractor, ...] = (Extractor("serverless", (), _extract),)
