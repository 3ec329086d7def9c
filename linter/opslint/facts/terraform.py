"""Facts of Terraform, tfvars, backend files and Terragrunt: blocks and values, with what may be secret cut out."""

from __future__ import annotations

from opslint.base.expression import is_literal_text, raw, rewrite
from opslint.base.fact import Fact
from opslint.base.masking import PLAIN_NAMES, holds_secret, mask, strip_credentials
from opslint.base.opaque import SECRET_STARTS, conceal_words, is_identity, is_opaque
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.json_text import json_expression
from opslint.facts.serverless_names import LOOK

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.expression import BodyData, Expression
    from opslint.syntax.hcl import HclDocument

_ENV_NAMES = frozenset(
    "env envs environment variables env_vars environment_variables environment_vars container_env app_settings extra_env"
    " secret_environment_variables env_variables".split()
)
"""Keys below which the pairs are environment variables of a process."""

_ENV_BLOCKS = _ENV_NAMES | {"set_sensitive"}
"""Blocks that hold such pairs."""

_DATA_TYPES = frozenset("kubernetes_config_map kubernetes_config_map_v1 kubernetes_secret kubernetes_secret_v1".split())
_DATA = ("data", "string_data", "binary_data")
"""Resources whose pairs become variables, and where these stand."""

MAX_TEXT = 2_000
"""Characters of a string that a fact keeps."""


class TfBlock(Fact):
    """One top-level block of a ``.tf`` file. `block` is its type; `body` a body of `opslint.base.expression`."""

    __slots__ = ("block", "body", "labels")
    block: str
    body: list[Any]
    labels: list[str]


class TfVars(Fact):
    """The values of one tfvars file: `body` holds its attributes."""

    __slots__ = ("body",)
    body: list[Any]


class HclFile(Fact):
    """A Terragrunt file or any other HCL file (partial backend configuration), whole. `dialect` is its file kind."""

    __slots__ = ("body", "dialect")
    body: list[Any]
    dialect: str


def is_secret_text(text: str) -> bool:
    """Tell whether the text begins like a well-known credential."""
    return text.startswith(SECRET_STARTS) and len(text) >= 11


def clean_body(body: BodyData, owner: str = "", *, in_env: bool = False, values: bool = False) -> BodyData:
    """Return the body with secrets replaced.

    `owner` names what the body belongs to, `in_env` tells that it lists variables, `values` that its literals are settings of an
    environment (tfvars, inputs): of these only numbers, booleans and what has the shape of an identity are kept as text.
    """
    attributes, blocks, is_open = body
    variable = next((expression[1] for name, _at, expression in attributes if name == "name" and is_literal_text(expression)), "")
    out = []
    for name, at, expression in attributes:
        context = owner if name == "default" and owner else name
        if in_env and name == "value" and variable:
            expression = _masked(expression, variable)
        elif name == "value" and variable and holds_secret(variable.rpartition(".")[2]) and is_literal_text(expression):
            expression = ["secret", variable]
        else:
            expression = clean(expression, context, in_env=in_env and name.lower() in _ENV_NAMES)
            if values or context is not name or name == "inputs":
                expression = rewrite(expression, _setting, context)
        out.append([name, at, expression])
    inner = []
    for kind, labels, at, nested in blocks:
        inner.append([kind, labels, at, clean_body(nested, in_env=kind.lower() in _ENV_BLOCKS, values=values)])
    return [out, inner, is_open]


def clean(expression: Expression, name: str, *, in_env: bool = False) -> Expression:
    """Return the expression of attribute `name` with secrets replaced and embedded JSON as expressions."""
    if in_env or name.lower() in _ENV_NAMES:
        if expression[0] in ("lit", "tmpl"):
            expression = _embedded(expression, name)
        if expression[0] in ("lit", "tmpl"):
            return _plain(expression, name)
        return _env(expression, name)
    return _walk_env(rewrite(rewrite(expression, _embedded, name), _plain, name))


def _walk_env(expression: Expression) -> Expression:
    """Mask the values below keys such as ``environment`` inside objects and lists."""
    tag = expression[0]
    if tag == "list":
        return ["list", [_walk_env(item) for item in _words(expression[1])]]
    if tag == "call":
        return ["call", expression[1], [_walk_env(item) for item in expression[2]], expression[3]]
    if tag == "obj":
        entries = []
        for key, value, at in expression[2]:
            own = key[1] if is_literal_text(key) else ""
            holds = own.lower() in _ENV_NAMES and value[0] not in ("lit", "tmpl")
            entries.append([key, _env(value, own) if holds else _walk_env(value), at])
        return ["obj", expression[1], entries]
    return expression


def _words(items: list[Expression]) -> list[Expression]:
    """Hide what follows a flag of a secret's name in a list of words (``["run", "--token", "…"]``)."""
    texts = [item[1] if is_literal_text(item) else "$" for item in items]
    if not any(text.startswith("-") for text in texts):
        return items
    hidden = conceal_words(texts)
    return [["lit", shown] if shown != text else item for item, text, shown in zip(items, texts, hidden, strict=True)]


def _env(expression: Expression, name: str) -> Expression:
    """Mask literal values of variables: ``{NAME = value}`` and ``[{name = NAME, value = …}]`` (or ``key = NAME``)."""
    tag = expression[0]
    if tag == "obj":
        naming = (
            ("name", "Name", "key", "Key")
            if any(k[1] in ("value", "Value") for k, _v, _at in expression[2])
            else ("name", "Name")
        )
        named = next((v[1] for k, v, _at in expression[2] if k[1] in naming and is_literal_text(v)), "")
        entries = []
        for key, value, at in expression[2]:
            own = str(key[1]) if key[0] == "lit" else name
            if named and own not in ("value", "Value"):
                entries.append([key, _plain(value, own), at])
            elif own.lower() in _ENV_NAMES and value[0] not in ("lit", "tmpl"):
                entries.append([key, _env(value, own), at])
            else:
                entries.append([key, _masked(value, named or own), at])
        return ["obj", expression[1], entries]
    # Literals that are no pairs (the argument of a call, an item of a list) are no variables.
    if tag == "list":
        return ["list", [_env(item, name) for item in expression[1]]]
    if tag == "call":
        return ["call", expression[1], [_env(item, name) for item in expression[2]], expression[3]]
    if tag == "cond":
        return ["cond", expression[1], _env(expression[2], name), _env(expression[3], name)]
    if tag == "for":
        return [*expression[:6], _env(expression[6], name), expression[7]]
    return rewrite(expression, _plain, name)


def _masked(expression: Expression, name: str) -> Expression:
    if expression[0] == "lit" and isinstance(expression[1], str):
        if name in PLAIN_NAMES:
            return _plain(expression, name)
        if holds_secret(name) or is_secret_text(expression[1]):
            return ["secret", name]
        return ["mask", *mask(expression[1]).as_tuple()]
    if expression[0] == "tmpl" and name not in PLAIN_NAMES:
        return _env_parts(expression, secret=holds_secret(name))
    if expression[0] in ("lit", "tmpl"):
        return _plain(expression, name)
    if expression[0] == "call":
        return ["call", expression[1], [_argument(item, name, expression[1]) for item in expression[2]], expression[3]]
    return rewrite(expression, _masked, name)


def _argument(expression: Expression, name: str, function: str) -> Expression:
    """Return an argument of a call that makes a variable: a separator or a pattern must stay what it is, or the result is not known."""
    if expression[0] == "list":
        return ["list", [_argument(item, name, function) for item in expression[1]]]
    if not is_literal_text(expression):
        return _masked(expression, name)
    if function == LOOK:
        # Where a value is looked up, not the value.
        return expression
    text = expression[1]
    shape = text.replace("%s", "x").replace("%d", "1") if function in ("format", "formatlist") else text
    if not is_secret_text(text) and (not any(char.isalnum() for char in text) or (is_identity(shape) and not holds_secret(name))):
        return expression
    return _masked(expression, name)


def _plain(expression: Expression, name: str) -> Expression:
    if expression[0] == "tmpl":
        if holds_secret(name) and all(part[0] == "lit" for part in expression[1]):
            return ["secret", name]
        return ["tmpl", [_part(part) if is_literal_text(part) else part for part in expression[1]]]
    if not is_literal_text(expression):
        return expression
    text = expression[1]
    if text and (holds_secret(name) or is_secret_text(text)):
        return ["secret", name]
    return _plain_text(expression)


def _plain_text(expression: Expression) -> Expression:
    text = expression[1]
    if len(text) > MAX_TEXT or text.count("\n") > 2:
        return raw("long text")
    if is_opaque(text):
        # Not cut: two texts that differ in what is hidden must stay different, and the digest tells them apart.
        return ["mask", *mask(text).as_tuple()]
    return ["lit", strip_credentials(text)] if "://" in text else expression


def _part(expression: Expression) -> Expression:
    """Return a literal part of a template: as it is, or a hole."""
    made = _plain_text(expression)
    return raw("masked text") if made[0] == "mask" else made


def _env_parts(expression: Expression, *, secret: bool) -> Expression:
    """Return a variable's template: literal parts are kept when they are punctuation or have the shape of an address or a name."""
    parts: list[Expression] = []
    for part in expression[1]:
        parts.extend(_env_part(part, secret=secret) if is_literal_text(part) else [part])
    return ["tmpl", parts]


def _env_part(expression: Expression, *, secret: bool) -> list[Expression]:
    text = strip_credentials(expression[1])
    scheme, mark, rest = text.rpartition("://")
    _host, colon, port = rest.partition("/")[0].partition(":")
    if mark and colon and not port.isdigit():
        # What follows the colon may be a password whose ``@`` stands behind a hole: from there on nothing is known.
        return [["lit", scheme + mark], raw("masked text")] if is_identity(scheme) else [raw("masked text")]
    if not any(char.isalnum() for char in text):
        return [["lit", text]]
    return [["lit", text]] if is_identity(text) and not (secret and not mark) else [raw("masked text")]


def _setting(expression: Expression, name: str) -> Expression:
    """Return a setting of an environment: masked unless its shape is that of an identity."""
    if expression[0] == "tmpl":
        return _env_parts(expression, secret=holds_secret(name))
    if not is_literal_text(expression) or not expression[1] or is_identity(expression[1]):
        return expression
    return ["mask", *mask(expression[1]).as_tuple()]


def _embedded(expression: Expression, name: str) -> Expression:
    # The value of a variable is its text, JSON or not.
    found = json_expression(expression) if name not in ("value", "Value") else None
    return expression if found is None else found


def _is_sensitive(body: BodyData) -> bool:
    return any(name == "sensitive" and expression == ["lit", True] for name, _at, expression in body[0])


def _conceal(expression: Expression, name: str) -> Expression:
    return expression if expression == ["lit", None] or expression == ["lit", ""] else ["secret", name]


def _blocks(document: HclDocument, emit: Callable[[Fact], None]) -> None:
    for kind, labels, at, body in document.body[1]:
        owner = labels[0] if kind == "variable" and labels else ""
        if kind == "resource" and labels and labels[0] in _DATA_TYPES:
            # What the keys hold are variables of a pod, or files.
            body = [[[name, at, _env(value, name) if name in _DATA else value] for name, at, value in body[0]], body[1], body[2]]
        body = clean_body(body, owner)
        if kind in ("variable", "output") and _is_sensitive(body):
            attributes = [
                [name, place, _conceal(expression, owner) if name == "default" else expression]
                for name, place, expression in body[0]
            ]
            body = [attributes, body[1], body[2]]
        emit(TfBlock(at=at, block=kind, body=body, labels=labels))


def _tfvars(document: HclDocument, emit: Callable[[Fact], None]) -> None:
    at = document.places.add((1, 1, 1, 1))
    emit(TfVars(at=at, body=clean_body(document.body, values=True)))


def _whole(document: HclDocument, emit: Callable[[Fact], None]) -> None:
    attributes, blocks, _open = document.body
    locked = blocks and not attributes and all(block[0] == "provider" for block in blocks)
    if locked or not (attributes or blocks):
        return
    at = document.places.add((1, 1, 1, 1))
    emit(HclFile(at=at, body=clean_body(document.body), dialect=document.kind))


EXTRACTORS: tuple[Extractor, ...] = (
    Extractor("terraform", (), _blocks),
    Extractor("tfvars", (), _tfvars),
    Extractor("terragrunt", (), _whole),
    Extractor("hcl", (), _whole),
)
