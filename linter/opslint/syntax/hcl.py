"""HCL (Terraform, tfvars, Terragrunt, backend files) → Document, with tree-sitter-hcl.

The parser is error-tolerant: what is broken becomes a problem, what is sound is still read. It is iterative, so depth cannot
overflow a stack there; our own walk is recursive and stops at `MAX_DEPTH` with an expression that is not followed.
"""

from __future__ import annotations

from opslint.base.expression import literal, raw
from opslint.base.lazy import cache
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import ReadProblem
from opslint.syntax.hcl_document import HclBlock, HclDocument
from opslint.syntax.hcl_text import heredoc_text, unescape

if TYPE_CHECKING:
    from typing import Any

    from tree_sitter import Node, Parser

    from opslint.base.expression import BodyData, Expression
    from opslint.base.location import Span

MAX_DEPTH = 64
"""Expression and block nesting that is followed; the deepest seen in real repositories is 14."""

MAX_BRACKETS = 2_000
"""Unclosed brackets before the parser refuses to see the bytes."""

MAX_PROBLEMS = 20

__all__ = ["HclBlock", "HclDocument", "read"]

_OPENERS = b"([{"
_BRACKETS = b"()[]{}"
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def read(data: bytes, kind: str) -> HclDocument:
    """Read HCL. Raises `ReadProblem` for text that is not UTF-8 or nested beyond `MAX_BRACKETS`."""
    document = HclDocument(data, kind)
    if data.startswith(b"\xef\xbb\xbf"):
        data = b"   " + data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReadProblem("decode-error", f"not UTF-8: byte 0x{data[error.start]:02x}", (line, 1, line, 1)) from None
    _guard(data)
    tree = _parser().parse(data)
    reader = _Reader(document, data, text.isascii())
    document.body = reader.file(tree.root_node)
    return document


def _guard(data: bytes) -> None:
    depth = 0
    for byte in data.translate(None, _NOT_BRACKETS):
        if byte in _OPENERS:
            depth += 1
            if depth > MAX_BRACKETS:
                raise ReadProblem("limit", f"more than {MAX_BRACKETS} brackets are open at once")
        elif depth:
            depth -= 1


class _Reader:
    """One walk over the syntax tree of one file."""

    def __init__(self, document: HclDocument, data: bytes, ascii_only: bool) -> None:
        self.document = document
        self.data = data
        self.lines = None if ascii_only else data.split(b"\n")
        self.too_deep = False

    def span(self, first: Node, last: Node | None = None) -> Span:
        start, end = first.start_point, (last or first).end_point
        return (start[0] + 1, self._column(start), end[0] + 1, self._column(end))

    def _column(self, point: Any) -> int:
        row, column = point
        if self.lines is None or column == 0:
            return int(column) + 1
        return len(self.lines[row][:column].decode("utf-8", "replace")) + 1

    def place(self, first: Node, last: Node | None = None) -> int:
        span = self.span(first, last)
        return self.document.places.add(span)

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8")

    def file(self, root: Node) -> BodyData:
        if root.has_error:
            self._errors(root)
        if b"opslint:" in self.data:
            self._comments(root)
        body: BodyData = [[], [], root.has_error]
        for child in root.children:
            if child.type == "body":
                self._fill(child, body, 0)
            elif child.type == "object" and self.document.kind == "tfvars":
                # `*.tfvars.json`: one object, whose members are the variables.
                pairs = self._collection(child, 0)[2]
                body[0].extend([str(key[1]), at, value] for key, value, at in pairs if key[0] == "lit")
            elif child.type == "object":
                self.document.problems.append(ReadProblem("parse-error", "JSON is not read here", self.span(child)))
        return body

    def _errors(self, root: Node) -> None:
        stack = [root]
        while stack and len(self.document.problems) < MAX_PROBLEMS:
            node = stack.pop()
            if node.is_missing:
                self._problem(node, f"expected `{node.type}`")
            elif node.is_error:
                shown = self.data[node.start_byte : node.end_byte].decode("utf-8", "replace").split("\n", 1)[0]
                self._problem(node, f"unexpected `{shown[:40]}`" if shown.strip() else "unexpected end")
            elif node.has_error:
                stack.extend(reversed(node.children))

    def _problem(self, node: Node, message: str) -> None:
        self.document.problems.append(ReadProblem("parse-error", f"not valid HCL: {message}", self.span(node)))

    def _comments(self, root: Node) -> None:
        stack = [root]
        while stack:
            node = stack.pop()
            if node.type == "comment":
                text = self.text(node)
                if "opslint:" in text:
                    self.document.comment_spans.append((self.span(node), _comment_text(text)))
            elif node.child_count:
                stack.extend(reversed(node.children))

    def _fill(self, node: Node, body: BodyData, depth: int) -> None:
        for child in node.children:
            if child.type == "attribute":
                self._attribute(child, body)
            elif child.type == "block":
                if depth >= MAX_DEPTH:
                    self._limit(child)
                    body[2] = True
                else:
                    self._block(child, body, depth)

    def _limit(self, node: Node) -> None:
        if not self.too_deep:
            self.too_deep = True
            message = f"nested deeper than {MAX_DEPTH} levels; what is below is not read"
            self.document.problems.append(ReadProblem("limit", message, self.span(node)))

    def _attribute(self, node: Node, body: BodyData) -> None:
        name, value = "", None
        for child in node.children:
            if child.type == "identifier" and not name:
                name = self.text(child)
            elif child.type == "expression":
                value = child
        if not name:
            return
        broken = node.has_error
        expression = raw("parse error") if value is None or broken else self.expression(value, 0)
        body[0].append([name, self.place(node), expression])
        self._note_end(node)

    def _block(self, node: Node, body: BodyData, depth: int) -> None:
        kind, labels, last = "", [], node
        inner: BodyData = [[], [], node.has_error]
        for child in node.children:
            if child.type == "identifier":
                if kind:
                    labels.append(self.text(child))
                else:
                    kind = self.text(child)
                last = child
            elif child.type == "string_lit":
                labels.append(self._string(child))
                last = child
            elif child.type == "body":
                self._fill(child, inner, depth + 1)
        body[1].append([kind, labels, self.place(node, last), inner])
        self._note_end(node)

    def _note_end(self, node: Node) -> None:
        start, end = node.start_point[0] + 1, node.end_point[0] + 1
        if end > self.document.ends.get(start, start):
            self.document.ends[start] = end

    # Expressions

    def expression(self, node: Node, depth: int) -> Expression:
        """Turn an `expression` node into its JSON list."""
        if depth > MAX_DEPTH:
            return raw("nested too deeply")
        base: Expression | None = None
        steps: list[Any] = []
        for child in node.children:
            kind = child.type
            if kind in ("get_attr", "index", "splat"):
                self._step(child, steps, depth)
            elif kind not in ("(", ")", "comment"):
                base = self._primary(child, kind, depth + 1)
        if base is None:
            return raw("parse error")
        if not steps:
            return base
        if base[0] == "ref" and not base[2]:
            return ["ref", base[1], steps]
        return ["post", base, steps]

    def _step(self, node: Node, steps: list[Any], depth: int) -> None:
        kind = node.type
        if kind == "get_attr":
            steps.append(self.text(node.children[-1]))
        elif kind == "splat":
            steps.append(["*"])
            for child in node.children[0].children:
                if child.type in ("get_attr", "index"):
                    self._step(child, steps, depth)
        else:
            inner = node.children[0]
            if inner.type == "legacy_index":
                steps.append(["i", literal(int(self.text(inner)[1:]))])
                return
            found = next((child for child in inner.children if child.type == "expression"), None)
            steps.append(["i", self.expression(found, depth + 1) if found else raw("parse error")])

    def _primary(self, node: Node, kind: str, depth: int) -> Expression:
        if kind == "literal_value":
            return self._literal(node.children[0])
        if kind == "variable_expr":
            return ["ref", self.text(node), []]
        if kind == "template_expr":
            return self._template(node.children[0], depth)
        if kind == "collection_value":
            return self._collection(node.children[0], depth)
        if kind == "function_call":
            return self._call(node, depth)
        if kind == "expression":
            return self.expression(node, depth)
        if kind == "conditional":
            parts = [self.expression(child, depth) for child in node.children if child.type == "expression"]
            return ["cond", *parts] if len(parts) == 3 else raw("parse error")
        if kind == "operation":
            return self._operation(node.children[0], depth)
        if kind == "for_expr":
            return self._for(node.children[0], depth)
        return raw(kind)

    def _literal(self, node: Node) -> Expression:
        kind = node.type
        if kind == "string_lit":
            return literal(self._string(node))
        if kind == "bool_lit":
            return literal(self.text(node) == "true")
        if kind == "null_lit":
            return literal(None)
        text = self.text(node)
        try:
            return literal(int(text) if text.isdigit() and len(text) < 19 else float(text))
        except ValueError:
            return raw("number")

    def _string(self, node: Node) -> str:
        first, last = node.children[0], node.children[-1]
        return unescape(self.data[first.end_byte : last.start_byte].decode("utf-8"))

    def _collection(self, node: Node, depth: int) -> Expression:
        if node.type == "tuple":
            return ["list", [self.expression(child, depth) for child in node.children if child.type == "expression"]]
        entries = []
        for child in node.children:
            if child.type != "object_elem":
                continue
            pair = [part for part in child.children if part.type == "expression"]
            if len(pair) == 2:
                entries.append([self._key(pair[0], depth), self.expression(pair[1], depth), self.place(child)])
        return ["obj", self.place(node), entries]

    def _key(self, node: Node, depth: int) -> Expression:
        parenthesised = bool(node.children) and node.children[0].type == "("
        key = self.expression(node, depth)
        if key[0] == "ref" and not key[2] and not parenthesised:
            return literal(key[1])
        return key

    def _call(self, node: Node, depth: int) -> Expression:
        arguments: list[Expression] = []
        spread = False
        for child in node.children:
            if child.type == "function_arguments":
                for part in child.children:
                    if part.type == "expression":
                        arguments.append(self.expression(part, depth))
                    elif part.type == "ellipsis":
                        spread = True
        return ["call", self.text(node.children[0]), arguments, spread]

    def _operation(self, node: Node, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            return raw("nested too deeply")
        operands: list[Expression] = []
        operator = ""
        for child in node.children:
            kind = child.type
            if not child.is_named:
                operator += self.text(child) if kind not in "()" else ""
            elif kind in ("get_attr", "index", "splat") and operands:
                # A traversal beside an operator is not wrapped in an expression of its own.
                steps: list[Any] = []
                self._step(child, steps, depth)
                last = operands[-1]
                operands[-1] = [*last[:2], [*last[2], *steps]] if last[0] in ("ref", "post") else ["post", last, steps]
            elif kind != "comment":
                operands.append(self.expression(child, depth) if kind == "expression" else self._primary(child, kind, depth + 1))
        if node.type == "unary_operation" and len(operands) == 1:
            value = operands[0]
            if operator == "-" and value[0] == "lit" and isinstance(value[1], int | float):
                return literal(-value[1])
            return ["un", operator, value]
        return ["op", operator, *operands] if len(operands) == 2 else raw("parse error")

    def _for(self, node: Node, depth: int) -> Expression:
        names: list[str] = []
        source: Expression = raw("parse error")
        results: list[Expression] = []
        test: Expression | None = None
        grouped = False
        for child in node.children:
            if child.type == "for_intro":
                for part in child.children:
                    if part.type == "identifier":
                        names.append(self.text(part))
                    elif part.type == "expression":
                        source = self.expression(part, depth)
            elif child.type == "expression":
                results.append(self.expression(child, depth))
            elif child.type == "ellipsis":
                grouped = True
            elif child.type == "for_cond":
                found = next((part for part in child.children if part.type == "expression"), None)
                test = self.expression(found, depth) if found else raw("parse error")
        if grouped or not names or not results:
            return raw("for expression that groups")
        key = names[0] if len(names) == 2 else ""
        if node.type == "for_tuple_expr":
            return ["for", "list", key, names[-1], source, None, results[0], test]
        return ["for", "object", key, names[-1], source, results[0], results[-1], test]

    def _template(self, node: Node, depth: int) -> Expression:
        heredoc = node.type == "heredoc_template"
        children = node.children
        indented = heredoc and self.text(children[0]) == "<<-"
        start, end = children[0].end_byte, children[-1].start_byte
        if heredoc:
            newline = self.data.find(b"\n", children[1].end_byte)
            start = newline + 1 if newline >= 0 else end
            end = self.data.rfind(b"\n", start, end) + 1 or start
        parts: list[Any] = []
        for child in children:
            if child.type in ("template_interpolation", "template_directive"):
                parts.append(self.data[start : child.start_byte].decode("utf-8"))
                found = next((part for part in child.children if part.type == "expression"), None)
                known = child.type == "template_interpolation" and found is not None
                parts.append(self.expression(found, depth) if known and found else raw("template directive"))
                start = child.end_byte
        parts.append(self.data[start:end].decode("utf-8"))
        texts = heredoc_text(parts, indented) if heredoc else [unescape(p) if isinstance(p, str) else p for p in parts]
        made = [literal(part) if isinstance(part, str) else part for part in texts if part != ""]
        if not made:
            return literal("")
        if len(made) == 1 and made[0][0] == "lit":
            return made[0]
        return ["tmpl", made]


def _comment_text(text: str) -> str:
    if text.startswith("/*"):
        return text[2:].removesuffix("*/").strip()
    return text.lstrip("#/").strip()
