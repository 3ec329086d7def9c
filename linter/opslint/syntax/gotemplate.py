"""Go text/template source → tree: the language of Helm charts.

The parser follows the documented grammar: actions with trim markers, comments, pipelines, variables, ``if``, ``with``,
``range`` with ``else`` chains, ``define``, ``block``, ``template``, ``break``, ``continue``. Every node has the span it was
written at. Nothing is looked up here: an unknown function is the evaluator's business.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import ReadProblem
from opslint.syntax.gotemplate_lexer import Item, Lexer, Lines, Token, number, unescape

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Span

MAX_NESTING = 80
"""Deepest nesting of blocks and parentheses; the deepest real chart seen has 11."""


class Pipe:
    """A pipeline: `commands` are lists of operands, `names` the variables it declares (or sets, when `assigns`)."""

    __slots__ = ("assigns", "commands", "names", "span")

    def __init__(self, names: list[str], assigns: bool, commands: list[list[Operand]], span: Span) -> None:
        self.names = names
        self.assigns = assigns
        self.commands = commands
        self.span = span


class Operand:
    """Base of what a command is made of. `chain` are the fields taken of it (``.a.b``)."""

    __slots__ = ("chain",)

    def __init__(self, chain: tuple[str, ...] = ()) -> None:
        self.chain = chain


class Dot(Operand):
    """``.`` with the fields taken of it."""

    __slots__ = ()


class Variable(Operand):
    """``$name`` (``""`` is the root, ``$``)."""

    __slots__ = ("name",)

    def __init__(self, name: str, chain: tuple[str, ...] = ()) -> None:
        super().__init__(chain)
        self.name = name


class Function(Operand):
    """A function name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Constant(Operand):
    """A string, number, boolean or ``nil``."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Nested(Operand):
    """A pipeline in parentheses."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Pipe, chain: tuple[str, ...] = ()) -> None:
        super().__init__(chain)
        self.pipe = pipe


class Node:
    """Base of the parts of a template."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span


class Text(Node):
    """Literal text; `span` is where it starts (after trimming)."""

    __slots__ = ("text",)

    def __init__(self, text: str, span: Span) -> None:
        super().__init__(span)
        self.text = text


class Action(Node):
    """A pipeline whose value is printed (unless it declares variables)."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Pipe, span: Span) -> None:
        super().__init__(span)
        self.pipe = pipe


class Branch(Node):
    """``if``, ``with`` or ``range``."""

    __slots__ = ("body", "otherwise", "pipe", "word")

    def __init__(self, word: str, pipe: Pipe, body: list[Node], otherwise: list[Node], span: Span) -> None:
        super().__init__(span)
        self.word = word
        self.pipe = pipe
        self.body = body
        self.otherwise = otherwise


class Call(Node):
    """``{{ template "name" pipeline }}`` (also made of a ``block``)."""

    __slots__ = ("name", "pipe")

    def __init__(self, name: str, pipe: Pipe | None, span: Span) -> None:
        super().__init__(span)
        self.name = name
        self.pipe = pipe


class Jump(Node):
    """``break`` or ``continue``."""

    __slots__ = ("word",)

    def __init__(self, word: str, span: Span) -> None:
        super().__init__(span)
        self.word = word


class Template:
    """One parsed file: its own body and the templates it defines."""

    __slots__ = ("body", "defines")

    def __init__(self, body: list[Node], defines: dict[str, list[Node]]) -> None:
        self.body = body
        self.defines = defines


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self.items = Lexer(text, self.lines).items()
        self.at = 0
        self.defines: dict[str, list[Node]] = {}
        self.tokens: list[Token] = []
        self.token = 0
        self.item = Item(0, 0, "", [])

    def parse(self) -> Template:
        body, closer = self.block(0)
        if closer:
            raise self.error(f"unexpected {{{{{closer}}}}}")
        return Template(body, self.defines)

    def error(self, message: str) -> ReadProblem:
        return self.lines.problem(message, self.item.start)

    def block(self, depth: int) -> tuple[list[Node], str]:
        """Read nodes up to ``end``, ``else`` or the end of the file; return them and what closed the block."""
        if depth > MAX_NESTING:
            raise ReadProblem(
                "limit", f"template nested deeper than {MAX_NESTING} blocks", self.lines.span(self.item.start, self.item.end)
            )
        nodes: list[Node] = []
        while self.at < len(self.items):
            item = self.items[self.at]
            self.at += 1
            if item.tokens is None:
                nodes.append(Text(item.text, self.lines.span(item.start, item.end)))
                continue
            self.item, self.tokens, self.token = item, item.tokens, 0
            word = self.peek_word()
            if word in ("end", "else"):
                self.token += 1
                if word == "end":
                    self.finish()
                return nodes, word
            node = self.statement(word, depth)
            if node is not None:
                nodes.append(node)
        return nodes, ""

    def peek_word(self) -> str:
        token = self.peek()
        return token.text if token is not None and token.what == "word" else ""

    def statement(self, word: str, depth: int) -> Node | None:
        span = self.lines.span(self.item.start, self.item.end)
        if word in ("if", "with", "range"):
            self.token += 1
            return self.branch(word, span, depth)
        if word in ("define", "block", "template"):
            self.token += 1
            return self.named(word, span, depth)
        if word in ("break", "continue") and len(self.tokens) == 1:
            return Jump(word, span)
        if not self.tokens:
            raise self.error("missing value for command")
        pipe = self.pipeline(0, span)
        self.finish()
        return Action(pipe, span)

    def branch(self, word: str, span: Span, depth: int) -> Branch:
        pipe = self.pipeline(0, span, in_range=word == "range")
        self.finish()
        body, closer = self.block(depth + 1)
        otherwise: list[Node] = []
        if closer == "else":
            chained = self.peek_word()
            if chained in ("if", "with"):
                # `else if` stands for an `if` inside the `else`, closed by the same `end`.
                self.token += 1
                inner = self.branch(chained, self.lines.span(self.item.start, self.item.end), depth + 1)
                return Branch(word, pipe, body, [inner], span)
            self.finish()
            otherwise, closer = self.block(depth + 1)
        if closer != "end":
            raise self.lines.problem(f"{word} without end", self.lines.starts[span[0] - 1])
        return Branch(word, pipe, body, otherwise, span)

    def named(self, word: str, span: Span, depth: int) -> Node | None:
        token = self.next()
        if token is None or token.what not in ("string", "raw"):
            raise self.error(f"{word} needs a quoted name")
        name = self.constant(token)
        pipe = None
        if word != "define" and self.peek() is not None:
            pipe = self.pipeline(0, span)
        self.finish()
        if word == "template":
            return Call(name, pipe, span)
        body, closer = self.block(depth + 1)
        if closer != "end":
            raise self.lines.problem(f"{word} without end", self.lines.starts[span[0] - 1])
        if word == "block":
            self.defines.setdefault(name, body)
            return Call(name, pipe, span)
        self.defines[name] = body
        return None

    def peek(self, ahead: int = 0) -> Token | None:
        index = self.token + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def next(self) -> Token | None:
        token = self.peek()
        self.token += 1
        return token

    def finish(self) -> None:
        token = self.peek()
        if token is not None:
            raise self.error(f"unexpected {token.text!r}")

    def pipeline(self, depth: int, span: Span, *, in_range: bool = False) -> Pipe:
        if depth > MAX_NESTING:
            raise ReadProblem("limit", f"parentheses nested deeper than {MAX_NESTING}", span)
        names, assigns = self.declaration(in_range)
        commands: list[list[Operand]] = []
        while True:
            command: list[Operand] = []
            token = self.peek()
            while token is not None and token.text not in ("|", ")"):
                command.append(self.operand(depth, span))
                token = self.peek()
                if token is not None and token.text not in ("|", ")") and not token.spaced:
                    raise self.error(f"unexpected {token.text!r} in operand")
            if not command:
                raise self.error("missing value for command")
            if commands and not isinstance(command[0], Function | Dot | Variable | Nested):
                raise self.error("only functions and fields can stand after a pipe")
            commands.append(command)
            if token is None or token.text == ")":
                return Pipe(names, assigns, commands, span)
            self.token += 1

    def declaration(self, in_range: bool) -> tuple[list[str], bool]:
        first, second = self.peek(), self.peek(1)
        if first is None or second is None or first.what != "variable":
            return [], False
        if second.text in (":=", "="):
            self.token += 2
            return [first.text[1:]], second.text == "="
        third, fourth = self.peek(2), self.peek(3)
        if in_range and second.text == "," and third is not None and fourth is not None and third.what == "variable":
            if fourth.text in (":=", "="):
                self.token += 4
                return [first.text[1:], third.text[1:]], fourth.text == "="
        return [], False

    def operand(self, depth: int, span: Span) -> Operand:
        token = self.next()
        assert token is not None
        what, text = token.what, token.text
        if what == "field":
            return Dot((text[1:], *self.chain()))
        if what == "variable":
            return Variable(text[1:], self.chain())
        if what == "dot":
            return Dot()
        if what in ("string", "raw", "char", "number"):
            return Constant(self.constant(token))
        if what == "word":
            if text in ("true", "false", "nil"):
                return Constant(None if text == "nil" else text == "true")
            return Function(text)
        if text == "(":
            pipe = self.pipeline(depth + 1, span)
            closing = self.next()
            if closing is None or closing.text != ")":
                raise self.error("unclosed left parenthesis")
            return Nested(pipe, self.chain())
        raise self.error(f"unexpected {text!r} in operand")

    def chain(self) -> tuple[str, ...]:
        names = []
        token = self.peek()
        while token is not None and token.what == "field" and not token.spaced:
            names.append(token.text[1:])
            self.token += 1
            token = self.peek()
        return tuple(names)

    def constant(self, token: Token) -> Any:
        text = token.text
        if token.what == "raw":
            return text[1:-1].replace("\r", "")
        if token.what == "string":
            return unescape(text[1:-1])
        if token.what == "char":
            inner = unescape(text[1:-1])
            return ord(inner[0]) if inner else 0
        try:
            return number(text.replace("_", ""))
        except ValueError:
            raise self.error(f"bad number {text!r}") from None


def parse(text: str) -> Template:
    """Parse one template file. Raises ReadProblem (``parse-error``, ``limit``) with the span of the action."""
    return _Parser(text).parse()
