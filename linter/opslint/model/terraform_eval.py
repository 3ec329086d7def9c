"""Evaluates HCL expressions to values: variables, locals, modules and functions as far as the repository says."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Secret, Unknown, known, unknown
from opslint.model.terraform_functions import call
from opslint.model.terraform_values import (
    Missing,
    OpenMap,
    PathParts,
    Reference,
    as_number,
    as_text,
    lift,
    missing,
    plain,
    same_value,
    settled,
    text_with_holes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.expression import Expression
    from opslint.base.value import Value

MAX_DEPTH = 160
"""Expressions inside expressions, locals and modules that are followed (each costs a few Python frames)."""

MAX_WORK = 20_000
"""Expressions evaluated for one question (nested `for` expressions multiply)."""

MAX_FOR = 500
"""Items a `for` expression is evaluated over."""


class Names(Record):
    """What an expression may refer to. `look` resolves a name with its steps (``var``, ``local``, a resource…), `functions` are
    further functions (Terragrunt's, `file`), `bound` the names of `for`, `each`, `count` and dynamic blocks.
    """

    __slots__ = ("bound", "functions", "look")
    bound: dict[str, Value]
    functions: dict[str, Callable[[list[Value]], Value]]
    look: Callable[[str, list[Any], Evaluator], tuple[Value, list[Any]]]

    def binding(self, **names: Value) -> Names:
        """Return the same names with some more bound."""
        return Names(bound={**self.bound, **names}, functions=self.functions, look=self.look)


class Evaluator:
    """Evaluates expressions against `Names`, counting depth and work over everything it enters."""

    __slots__ = ("depth", "left")

    def __init__(self) -> None:
        self.depth = 0
        self.left = MAX_WORK

    def value(self, expression: Expression, names: Names) -> Value:
        """Return the value of an expression."""
        if not self.depth:
            self.left = MAX_WORK
        self.left -= 1
        if self.depth >= MAX_DEPTH or self.left < 0:
            return unknown("nested too deeply")
        self.depth += 1
        try:
            return _TAGS[expression[0]](self, expression, names)
        finally:
            self.depth -= 1

    def _literal(self, expression: Expression, _names: Names) -> Value:
        return known(expression[1])

    def _secret(self, expression: Expression, _names: Names) -> Value:
        return Secret(ref=expression[1])

    def _mask(self, expression: Expression, _names: Names) -> Value:
        return known(Masked(**dict(zip(Masked.FIELDS, expression[1:], strict=True))))

    def _raw(self, expression: Expression, _names: Names) -> Value:
        return unknown(expression[1])

    def _template(self, expression: Expression, names: Names) -> Value:
        parts = [part[1] if part[0] == "lit" else self.value(part, names) for part in expression[1]]
        return text_with_holes([part if isinstance(part, str | Known | Secret | Unknown) else str(part) for part in parts])

    def _reference(self, expression: Expression, names: Names) -> Value:
        name, steps = expression[1], expression[2]
        bound = names.bound.get(name)
        if bound is not None:
            return self.steps(bound, steps, names)
        if any(type(step) is not str for step in steps):
            # Indices are of the names that stand here, whatever module is looked into.
            steps = [self._index(step, names) if isinstance(step, list) and step[0] == "i" else step for step in steps]
        value, rest = names.look(name, steps, self)
        return self.steps(value, rest, names)

    def _index(self, step: list[Any], names: Names) -> list[Any]:
        key = as_text(self.value(step[1], names))
        if key is None:
            return ["i", ["raw", "an index that is not known"]]
        return ["i", ["lit", key]] if step[1][0] == "lit" else ["i", ["lit", key], "computed"]

    def member(self, expression: Expression, keys: list[str], names: Names) -> Value:
        """Return a member of what an expression gives; of objects that are written in place only that member is evaluated."""
        while keys and expression[0] == "obj" and all(key[0] == "lit" for key, _value, _at in expression[2]):
            found = [value for key, value, _at in expression[2] if str(key[1]) == keys[0]]
            if not found:
                return missing(keys[0])
            expression, keys = found[-1], keys[1:]
        if keys and expression[0] == "ref" and expression[1] not in names.bound:
            return self.value(["ref", expression[1], [*expression[2], *keys]], names)
        return self.steps(self.value(expression, names), list(keys), names)

    def _post(self, expression: Expression, names: Names) -> Value:
        return self.steps(self.value(expression[1], names), expression[2], names)

    def steps(self, value: Value, steps: list[Any], names: Names) -> Value:
        """Follow attribute, index and splat steps from a value."""
        for number, step in enumerate(steps):
            if isinstance(step, list) and step[0] == "*":
                return self._splat(value, steps[number + 1 :], names)
            if isinstance(value, PathParts) and isinstance(step, list) and step[1][0] == "lit" and len(step) == 2:
                return unknown("a segment counted from the start of an absolute path")
            key = step if isinstance(step, str) else as_text(self.value(step[1], names))
            value = _member(value, key)
        return value

    def _splat(self, value: Value, steps: list[Any], names: Names) -> Value:
        inner = settled(value)
        if isinstance(value, Reference) or not isinstance(inner, Known):
            return self.steps(value, steps, names) if isinstance(value, Reference) else inner
        items = inner.value if isinstance(inner.value, list) else [] if inner.value is None else [inner]
        return known([self.steps(item, steps, names) for item in items[:MAX_FOR]])

    def _call(self, expression: Expression, names: Names) -> Value:
        arguments = [self.value(argument, names) for argument in expression[2]]
        if expression[3] and arguments:
            last = settled(arguments.pop())
            if not isinstance(last, Known) or not isinstance(last.value, list):
                return unknown("arguments that are not known")
            arguments.extend(last.value)
        own = names.functions.get(expression[1])
        return own(arguments) if own is not None else call(expression[1], arguments)

    def _list(self, expression: Expression, names: Names) -> Value:
        return known([self.value(item, names) for item in expression[1]])

    def _object(self, expression: Expression, names: Names) -> Value:
        out: dict[str, Value] = {}
        for key, value, _at in expression[2]:
            name = as_text(self.value(key, names))
            if name is None:
                return unknown("a key that is not known")
            out[name] = self.value(value, names)
        return known(out)

    def _conditional(self, expression: Expression, names: Names) -> Value:
        test = _truth(self.value(expression[1], names))
        if test is not None:
            return self.value(expression[2 if test else 3], names)
        yes, no = plain(self.value(expression[2], names)), plain(self.value(expression[3], names))
        if isinstance(yes, Known) and isinstance(no, Known) and yes.value == no.value:
            return lift(yes.value)
        return unknown("a condition that is not known")

    def _unary(self, expression: Expression, names: Names) -> Value:
        value = self.value(expression[2], names)
        if expression[1] == "!":
            truth = _truth(value)
            return known(not truth) if truth is not None else unknown("negation of something unknown")
        number = as_number(value)
        return known(-number) if number is not None else unknown("a number that is not known")

    def _binary(self, expression: Expression, names: Names) -> Value:
        operator = expression[1]
        left = self.value(expression[2], names)
        if operator in ("&&", "||"):
            right = self.value(expression[3], names)
            return _logic(operator, _truth(left), _truth(right))
        right = self.value(expression[3], names)
        if operator in ("==", "!="):
            return _equality(operator, plain(left), plain(right))
        a, b = as_number(left), as_number(right)
        return unknown("arithmetic on something unknown") if a is None or b is None else _arithmetic(operator, a, b)

    def _for(self, expression: Expression, names: Names) -> Value:
        _tag, kind, key_name, value_name, source, key_expression, value_expression, test = expression
        items = _items(self.value(source, names))
        if items is None or len(items) > MAX_FOR:
            return unknown("a for expression over something unknown")
        out_list: list[Value] = []
        out_map: dict[str, Value] = {}
        for key, item in items:
            bound = {value_name: item}
            if key_name:
                bound[key_name] = key
            inner = names.binding(**bound)
            if test is not None:
                truth = _truth(self.value(test, inner))
                if truth is None:
                    return unknown("a for expression whose condition is not known")
                if not truth:
                    continue
            if kind == "list":
                out_list.append(self.value(value_expression, inner))
                continue
            name = as_text(self.value(key_expression, inner))
            if name is None:
                return unknown("a key that is not known")
            out_map[name] = self.value(value_expression, inner)
        return known(out_list) if kind == "list" else known(out_map)


_TAGS: dict[str, Callable[[Evaluator, Expression, Names], Value]] = {
    "lit": Evaluator._literal,
    "secret": Evaluator._secret,
    "mask": Evaluator._mask,
    "raw": Evaluator._raw,
    "tmpl": Evaluator._template,
    "ref": Evaluator._reference,
    "post": Evaluator._post,
    "call": Evaluator._call,
    "list": Evaluator._list,
    "obj": Evaluator._object,
    "cond": Evaluator._conditional,
    "un": Evaluator._unary,
    "op": Evaluator._binary,
    "for": Evaluator._for,
}


def _member(value: Value, key: str | None) -> Value:
    if isinstance(value, Reference):
        if key is None or key.isdigit():
            return value
        attribute = f"{value.attribute}.{key}" if value.attribute else key
        inner = _member(value.value, key) if isinstance(value.value, Known) else value.value
        return value.replace(attribute=attribute, value=inner)
    if isinstance(value, Missing):
        return value
    if isinstance(value, OpenMap) and key is not None:
        return value.entries.get(key) or unknown(value.reason)
    if not isinstance(value, Known):
        return value if isinstance(value, Secret) else unknown(value.reason if isinstance(value, Unknown) else "absent")
    inner_value = value.value
    if key is None:
        return unknown("an index that is not known")
    if isinstance(inner_value, dict):
        found: Value = inner_value.get(key) or missing(key)
        return found
    if isinstance(inner_value, list) and key.lstrip("-").isdigit() and abs(int(key)) < len(inner_value):
        item: Value = inner_value[int(key)]
        return item
    return unknown(f"no member {key}")


def _truth(value: Value) -> bool | None:
    value = settled(value)
    if isinstance(value, Known):
        if isinstance(value.value, bool):
            return value.value
        if value.value in ("true", "false"):
            return bool(value.value == "true")
    return None


def _logic(operator: str, left: bool | None, right: bool | None) -> Value:
    decisive = operator == "||"
    if left is decisive or right is decisive:
        return known(decisive)
    if left is None or right is None:
        return unknown("a condition that is not known")
    return known(not decisive)


def _equality(operator: str, left: Value, right: Value) -> Value:
    if not isinstance(left, Known) or not isinstance(right, Known):
        return unknown("a comparison with something unknown")
    same = same_value(left.value, right.value)
    return known(same if operator == "==" else not same)


def _arithmetic(operator: str, a: float, b: float) -> Value:
    if operator in ("<", ">", "<=", ">="):
        return known({"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator])
    if operator in ("/", "%") and not b:
        return unknown("division by zero")
    try:
        result = {"+": a + b, "-": a - b, "*": a * b}[operator] if operator in "+-*" else a / b if operator == "/" else a % b
    except (OverflowError, KeyError):
        return unknown("arithmetic that overflows")
    return known(int(result) if abs(result) < 1e15 and float(result).is_integer() else result)


def _items(value: Value) -> list[tuple[Value, Value]] | None:
    inner = settled(value)
    if not isinstance(inner, Known):
        return None
    if isinstance(inner.value, dict):
        return [(known(key), inner.value[key]) for key in sorted(inner.value)]
    if isinstance(inner.value, list):
        return [(known(number), item) for number, item in enumerate(inner.value)]
    return None


def items_of(value: Value) -> list[tuple[Value, Value]] | None:
    """Return the (key, item) pairs a `for_each` or dynamic block goes through, None when they are not known."""
    return _items(value)


def truth(value: Value) -> bool | None:
    """Return a known boolean (Terraform also takes the strings ``true`` and ``false``), else None."""
    return _truth(value)
