"""Expressions of HCL as JSON lists, so that facts can hold them and the model can evaluate them without a parser.

An expression is a list whose first item is its tag:

====================================================  =================================================================
``["lit", value]``                                    None, bool, int, float or str
``["tmpl", [part, …]]``                               a string template; literal parts are ``lit``
``["ref", name, [step, …]]``                          ``name.step[…]…``; see *steps*
``["post", base, [step, …]]``                         steps after any other expression
``["call", name, [argument, …], spread]``             a function call; `spread`: the last argument ends in ``…``
``["list", [item, …]]``
``["obj", at, [[key, value, at], …]]``                keys are expressions; `at` are places (-1: none)
``["cond", test, yes, no]``
``["un", operator, operand]``
``["op", operator, left, right]``
``["for", kind, key, value, source, k, v, test]``     kind ``list`` or ``object``; `key`, `value` names, `k` None in lists
``["secret", name]``                                  a literal that is treated as if it were not in the repository
``["mask", …]``                                       a literal reduced to the fields of `opslint.base.masking.Masked`
``["raw", reason]``                                   something not followed
====================================================  =================================================================

Steps are attribute names (str), ``["*"]`` (a splat) and ``["i", expression]`` (an index).

A *body* is ``[attributes, blocks, open]`` with attributes ``[name, at, expression]``, blocks ``[type, labels, at, body]`` and
`open` true when some of it could not be read.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Expression = list[Any]
    BodyData = list[Any]


def literal(value: Any) -> Expression:
    """Return the expression of a constant."""
    return ["lit", value]


def raw(reason: str) -> Expression:
    """Return an expression that is not followed, for `reason`."""
    return ["raw", reason]


def is_literal_text(expression: Expression) -> bool:
    """Tell whether the expression is a plain string."""
    return expression[0] == "lit" and isinstance(expression[1], str)


def children(expression: Expression) -> Iterator[Expression]:
    """Yield the direct sub-expressions."""
    tag = expression[0]
    if tag == "tmpl" or tag == "list":
        yield from expression[1]
    elif tag == "ref" or tag == "post":
        if tag == "post":
            yield expression[1]
        for step in expression[2]:
            if isinstance(step, list) and step[0] == "i":
                yield step[1]
    elif tag == "call":
        yield from expression[2]
    elif tag == "obj":
        for key, value, _at in expression[2]:
            yield key
            yield value
    elif tag in ("cond", "op", "un"):
        yield from (part for part in expression[1:] if isinstance(part, list))
    elif tag == "for":
        yield from (part for part in expression[4:] if isinstance(part, list))


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield the expression and all below it (depth is bounded by the reader)."""
    stack = [expression]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(children(current))


def walk_body(body: BodyData) -> Iterator[Expression]:
    """Yield every expression of a body and its blocks, sub-expressions included."""
    bodies = [body]
    while bodies:
        attributes, blocks, _open = bodies.pop()
        for _name, _at, expression in attributes:
            yield from walk(expression)
        bodies.extend(block[3] for block in blocks)


def rewrite(expression: Expression, change: Callable[[Expression, str], Expression], name: str = "") -> Expression:
    """Return the expression with `change(leaf, name)` applied to literals and templates; `name` is the nearest key above."""
    tag = expression[0]
    if tag == "lit" or tag == "tmpl":
        return change(expression, name)
    if tag == "list":
        return ["list", [rewrite(item, change, name) for item in expression[1]]]
    if tag == "obj":
        entries = []
        for key, value, at in expression[2]:
            own = str(key[1]) if key[0] == "lit" else name
            entries.append([key, rewrite(value, change, own), at])
        return ["obj", expression[1], entries]
    if tag == "cond":
        return ["cond", expression[1], rewrite(expression[2], change, name), rewrite(expression[3], change, name)]
    if tag == "call":
        return ["call", expression[1], [rewrite(item, change, name) for item in expression[2]], expression[3]]
    if tag == "for":
        k, v = expression[5], expression[6]
        return [*expression[:5], k, rewrite(v, change, name), expression[7]]
    return expression
