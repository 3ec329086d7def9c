"""Runs parsed Go templates over values, as Helm does, with three answers to every condition: yes, no, not known.

What is not known prints as a marked piece of text. An ``if`` that depends on it renders its body, and the rendering is
*open*: `Machine.open_reasons` says why. Every loop, call and text is bounded; anything that Helm would refuse is a `RenderError`.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.gotemplate_values import (
    MAX_TEXT,
    Opaque,
    RenderError,
    Scope,
    Text,
    collapsed,
    go_text,
    is_open,
    join,
    marks_of,
    truth,
)
from opslint.model.sprig import FUNCTIONS
from opslint.syntax import gotemplate
from opslint.syntax.document import ReadProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.location import Loc, Span

MAX_STEPS = 400_000
"""Most nodes and operands that the rendering of one chart may execute (the largest real chart seen needs 30,000)."""

MAX_DEPTH = 45
"""Deepest chain of include, template and tpl; real charts stay below 12."""

_TOLERANT = frozenset(
    "quote squote printf print println default list tuple dict set toYaml mustToYaml toYamlPretty indent nindent ternary include tpl"
    " merge mergeOverwrite mustMerge mustMergeOverwrite coalesce append mustAppend prepend concat and or not required toString cat join"
    " trim trimSuffix trimPrefix trunc lower upper empty pluck hasKey get kindIs kindOf typeIs has without compact deepCopy mustDeepCopy"
    " fail omit pick toJson mustToJson toRawJson toPrettyJson".split()
)
"""Functions that take an unknown argument themselves; of all others the result is then unknown."""

_VERDICTS = frozenset(
    "eq ne lt le gt ge contains hasPrefix hasSuffix regexMatch mustRegexMatch semverCompare has deepEqual len empty int int64 float64"
    " atoi add sub mul div mod fromYaml fromJson fromYamlArray fromJsonArray splitList split regexFind regexFindAll semver kindIs".split()
)
"""Functions whose result says something about the whole text: with an unknown piece in it, it is unknown."""


class Defined(Record):
    """A template by name: the file it stands in and its body."""

    __slots__ = ("body", "path")
    body: list[gotemplate.Node]
    path: str


class Piece(Record):
    """Something printed, and where the template says so."""

    __slots__ = ("path", "span", "text")
    path: str
    span: Span
    text: str


class _Frame:
    """The variables and the dot of one template call."""

    __slots__ = ("dot", "names", "path", "values")

    def __init__(self, dot: Any, path: str) -> None:
        self.dot = dot
        self.path = path
        self.names = [""]
        self.values = [dot]

    def find(self, name: str) -> int:
        for index in range(len(self.names) - 1, -1, -1):
            if self.names[index] == name:
                return index
        raise RenderError(f"undefined variable: ${name}")


class Machine:
    """One chart being rendered: its named templates, budgets and what was not known. `functions` are further ones, or others of a name."""

    def __init__(
        self, templates: dict[str, Defined], functions: dict[str, tuple[Callable[..., Any], int, int]] | None = None
    ) -> None:
        self.templates = templates
        self.functions = {**FUNCTIONS, **functions} if functions else FUNCTIONS
        self.open_reasons: list[tuple[str, Loc]] = []
        self.steps = 0
        self.depth = 0
        self.printed = 0
        self._parsed: dict[str, gotemplate.Template] = {}
        self._here: Loc = ("", (1, 1, 1, 1))

    def render(self, path: str, body: list[gotemplate.Node], dot: Any) -> list[Piece]:
        """Run one file's body. Raises RenderError with the place of the action that failed."""
        out: list[Piece] = []
        self.depth = 0
        try:
            self._run(body, _Frame(dot, path), out)
        except RenderError as error:
            error.loc = error.loc or self._here
            raise
        except RecursionError:
            deep = RenderError("templates call each other too deep")
            deep.loc = self._here
            raise deep from None
        return out

    def open(self, reason: str) -> None:
        """Note that what is rendered here depends on something that is not known."""
        entry = (reason, self._here)
        if entry not in self.open_reasons:
            self.open_reasons.append(entry)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise RenderError("rendering takes too many steps")

    def _run(self, nodes: list[gotemplate.Node], frame: _Frame, out: list[Piece]) -> str:
        """Run nodes; return ``break`` or ``continue`` when a loop is to be left."""
        for node in nodes:
            self._step()
            if isinstance(node, gotemplate.Text):
                self._print(node.text, node.span, frame, out)
                continue
            self._here = (frame.path, node.span)
            if isinstance(node, gotemplate.Action):
                value = self.pipeline(node.pipe, frame)
                if not node.pipe.names:
                    self._print(go_text(value, ""), node.span, frame, out)
            elif isinstance(node, gotemplate.Branch):
                jump = self._branch(node, frame, out)
                if jump:
                    return jump
            elif isinstance(node, gotemplate.Call):
                dot = self.pipeline(node.pipe, frame) if node.pipe else None
                self._call(node.name, dot, out)
            elif isinstance(node, gotemplate.Jump):
                return node.word
        return ""

    def _print(self, text: str, span: Span, frame: _Frame, out: list[Piece]) -> None:
        if text:
            self.printed += len(text)
            if self.printed > MAX_TEXT * 2:
                raise RenderError("output too large")
            out.append(Piece(path=frame.path, span=span, text=text))

    def _branch(self, node: gotemplate.Branch, frame: _Frame, out: list[Piece]) -> str:
        mark, dot = len(frame.names), frame.dot
        try:
            if node.word == "range":
                return self._range(node, frame, out)
            value = self.pipeline(node.pipe, frame)
            verdict = truth(value)
            if verdict is None or is_open(value):
                assert isinstance(value, Opaque | Text)
                reason = value.reason if isinstance(value, Opaque) else "a condition on text that is not known"
                self._here = (frame.path, node.span)
                self.open(reason)
            if verdict is False:
                return self._run(node.otherwise, frame, out)
            if node.word == "with":
                frame.dot = value
            return self._run(node.body, frame, out)
        finally:
            del frame.names[mark:], frame.values[mark:]
            frame.dot = dot

    def _range(self, node: gotemplate.Branch, frame: _Frame, out: list[Piece]) -> str:
        pipe = node.pipe
        value = self._commands(pipe, frame)
        pairs = self._pairs(value, node, frame)
        if not pairs:
            return self._run(node.otherwise, frame, out)
        outer, mark = frame.dot, len(frame.names)
        slots = [self._bind(name, None, pipe.assigns, frame) for name in pipe.names]
        inner = len(frame.names)
        for key, item in pairs:
            self._step()
            del frame.names[inner:], frame.values[inner:]
            if len(slots) == 2:
                frame.values[slots[0]] = key
            if slots:
                frame.values[slots[-1]] = item
            frame.dot = item
            if self._run(node.body, frame, out) == "break":
                break
        frame.dot = outer
        del frame.names[mark:], frame.values[mark:]
        return ""

    def _pairs(self, value: Any, node: gotemplate.Branch, frame: _Frame) -> list[tuple[Any, Any]]:
        if value is None:
            return []
        if isinstance(value, list):
            return list(enumerate(value))
        if isinstance(value, dict):
            return [(key, value[key]) for key in sorted(value)]
        if isinstance(value, Opaque):
            self._here = (frame.path, node.span)
            self.open(value.reason)
            return [(Opaque(value.reason), Opaque(value.reason))]
        pairs = value.pairs() if isinstance(value, Scope) else None
        if pairs is not None:
            return pairs
        if isinstance(value, int) and not isinstance(value, bool) and value < 100_000:
            return [(index, index) for index in range(value)]
        raise RenderError(f"range can't iterate over {go_text(value)[:60]}")

    @staticmethod
    def _bind(name: str, value: Any, assigns: bool, frame: _Frame) -> int:
        if assigns:
            index = frame.find(name)
            frame.values[index] = value
            return index
        frame.names.append(name)
        frame.values.append(value)
        return len(frame.names) - 1

    def _call(self, name: str, dot: Any, out: list[Piece]) -> None:
        target = self.templates.get(name)
        if target is None:
            raise RenderError(f'template "{name}" not defined')
        here = self._here
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RenderError("templates call each other too deep")
        self._run(target.body, _Frame(dot, target.path), out)
        self.depth -= 1
        self._here = here

    # Pipelines

    def pipeline(self, pipe: gotemplate.Pipe, frame: _Frame) -> Any:
        """Evaluate a pipeline, with its declarations."""
        value = self._commands(pipe, frame)
        for name in pipe.names:
            self._bind(name, value, pipe.assigns, frame)
        return value

    def _commands(self, pipe: gotemplate.Pipe, frame: _Frame) -> Any:
        value: Any = None
        for index, command in enumerate(pipe.commands):
            value = self._command(command, frame, [value] if index else [])
        return value

    def _command(self, command: list[gotemplate.Operand], frame: _Frame, piped: list[Any]) -> Any:
        self._step()
        first = command[0]
        if isinstance(first, gotemplate.Function):
            return self._function(first.name, command[1:], frame, piped)
        if len(command) == 1 and not piped:
            return self._operand(first, frame)
        args = [self._operand(operand, frame) for operand in command[1:]] + piped
        if not first.chain:
            raise RenderError("can't give argument to non-function")
        receiver = self._base(first, frame)
        for name in first.chain[:-1]:
            receiver = self._field(receiver, name)
        if isinstance(receiver, Opaque):
            return Opaque(receiver.reason)
        method = receiver.methods.get(first.chain[-1]) if isinstance(receiver, Scope) else None
        if method is None:
            raise RenderError(f"{first.chain[-1]} is not a method but has arguments")
        unknown = next((arg for arg in args if isinstance(arg, Opaque)), None)
        return Opaque(unknown.reason) if unknown else method(*args)

    def _operand(self, operand: gotemplate.Operand, frame: _Frame) -> Any:
        self._step()
        if isinstance(operand, gotemplate.Function):
            return self._function(operand.name, [], frame, [])
        value = self._base(operand, frame)
        for index, name in enumerate(operand.chain):
            if value is None and index == 0 and isinstance(operand, gotemplate.Nested):
                return None  # a parenthesised nil is "no value", and so are its fields
            value = self._field(value, name)
        return value

    def _base(self, operand: gotemplate.Operand, frame: _Frame) -> Any:
        if isinstance(operand, gotemplate.Dot):
            return frame.dot
        if isinstance(operand, gotemplate.Variable):
            return frame.values[frame.find(operand.name)]
        if isinstance(operand, gotemplate.Nested):
            return self.pipeline(operand.pipe, frame)
        assert isinstance(operand, gotemplate.Constant)
        return operand.value

    def _field(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return value.get(name)
        if isinstance(value, Opaque):
            return Opaque(value.reason)
        if isinstance(value, Scope):
            if name in value.methods:
                return value.methods[name]()
            if name in value.fields:
                return value.fields[name]
            raise RenderError(f"can't evaluate field {name}")
        if value is None:
            raise RenderError(f"nil pointer evaluating interface {{}}.{name}")
        raise RenderError(f"can't evaluate field {name} in type {type(value).__name__}")

    # Functions

    def _function(self, name: str, operands: list[gotemplate.Operand], frame: _Frame, piped: list[Any]) -> Any:
        if name in ("and", "or"):
            return self._logic(name, operands, frame, piped)
        args = [self._operand(operand, frame) for operand in operands] + piped
        return self.call(name, args)

    def _logic(self, name: str, operands: list[gotemplate.Operand], frame: _Frame, piped: list[Any]) -> Any:
        if not operands and not piped:
            raise RenderError(f"wrong number of args for {name}")
        decides = name == "or"
        unknown: Opaque | None = None
        value: Any = None
        for index in range(len(operands) + len(piped)):
            value = self._operand(operands[index], frame) if index < len(operands) else piped[0]
            verdict = truth(value)
            if verdict is None:
                assert isinstance(value, Opaque)
                unknown = unknown or value
            elif verdict is decides:
                # A known answer decides, unless what came before could have answered with another value.
                return unknown if unknown is not None and decides and not isinstance(value, bool) else value
        return unknown if unknown is not None else value

    def call(self, name: str, args: list[Any]) -> Any:
        """Call a function by name with evaluated arguments."""
        self._step()
        if name in ("include", "tpl"):
            if len(args) != 2:
                raise RenderError(f"wrong number of args for {name}: want 2 got {len(args)}")
            return self._include(*args) if name == "include" else self._tpl(*args)
        entry = self.functions.get(name)
        if entry is None:
            raise RenderError(f'function "{name}" not defined')
        function, least, most = entry
        if not least <= len(args) <= most:
            raise RenderError(f"wrong number of args for {name}: got {len(args)}")
        unknown = next((arg for arg in args if isinstance(arg, Opaque) and arg.placeholder is None), None)
        if unknown is not None and name not in _TOLERANT:
            return Opaque(unknown.reason)
        args = [arg.text() if isinstance(arg, Opaque) and arg.placeholder is not None else arg for arg in args]
        if name in _VERDICTS:
            holes = (what for arg in args if is_open(arg) for _s, _e, what in marks_of(arg))
            hole = next((what for what in holes if isinstance(what, Opaque) and what.placeholder is None), None)
            if hole is not None:
                return Opaque(hole.reason)
        result = function(*args)
        if isinstance(result, str):
            if len(result) > MAX_TEXT:
                raise RenderError("a text is too large")
            if not isinstance(result, Text):
                return collapsed(result, args)
        return result

    def _include(self, name: Any, dot: Any) -> Any:
        if isinstance(name, Opaque) or is_open(name):
            return Opaque("the name of an included template is not known")
        if not isinstance(name, str):
            raise RenderError("include needs a template name")
        out: list[Piece] = []
        self._call(name, dot, out)
        return join(piece.text for piece in out)

    def _tpl(self, source: Any, dot: Any) -> Any:
        if isinstance(source, Opaque):
            return source
        if not isinstance(source, str):
            raise RenderError("tpl needs a string")
        if "{{" not in source:
            return source
        text = str(source)
        parsed = self._parsed.get(text)
        if parsed is None:
            try:
                parsed = self._parsed[text] = gotemplate.parse(text)
            except ReadProblem as problem:
                raise RenderError(f"tpl: {problem.message}") from None
        here, outer = self._here, self.templates
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RenderError("templates call each other too deep")
        out: list[Piece] = []
        if parsed.defines:
            self.templates = {**outer, **{name: Defined(body=body, path=here[0]) for name, body in parsed.defines.items()}}
        try:
            self._run(parsed.body, _Frame(dot, here[0]), out)
        finally:
            self.templates = outer
        self.depth -= 1
        self._here = here
        made = join(piece.text for piece in out)
        return made if made.marks else collapsed(str(made), [source])
