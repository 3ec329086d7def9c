"""Python: one walk over the tree that `ast` gives, filling the indexes all extractors and rules share.

`ast` itself is not imported (it costs 6 ms, `_ast` nothing); trees come from `compile(…, PyCF_ONLY_AST)`.
"""

from __future__ import annotations

import _ast
import sys

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem
from opslint.syntax.python_scope import Resolver, Scope
from opslint.syntax.python_walk import LEAVES, CallSite, ClassInfo, FunctionInfo, ImportInfo, Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Span
    from opslint.syntax.python_scope import Block, FunctionNode

ONLY_AST = 0x400  # ast.PyCF_ONLY_AST

UNKNOWN = object()
"""What `PythonDocument.constant` returns when an expression has no value known from this file."""


__all__ = ["LEAVES", "CallSite", "ClassInfo", "FunctionInfo", "ImportInfo", "PythonDocument", "read"]


class PythonDocument(Document):
    """A parsed module with its indexes, in source order. `memo` holds what several extractors ask, by name."""

    def __init__(self, data: bytes, text: str, tree: _ast.Module) -> None:
        super().__init__(data, "python")
        self.text = text
        self.tree = tree
        self.lines = text.split("\n")
        self.scope = Scope("module", "", tree, None)
        self.calls: list[CallSite] = []
        self.subscripts: list[tuple[_ast.Subscript, Block]] = []
        self.functions: list[FunctionInfo] = []
        self.classes: list[ClassInfo] = []
        self.imports: list[ImportInfo] = []
        self.excepts: list[tuple[_ast.ExceptHandler, Block]] = []
        self.statements: list[tuple[_ast.stmt, Block]] = []
        self.memo: dict[str, object] = {}
        self._resolver = Resolver()
        self._ascii = text.isascii()
        self._parents: dict[int, _ast.AST] | None = None
        self._loads: dict[str, list[_ast.Name]] | None = None
        Walk(self).run()
        for call in self.calls:
            call.origin = self._resolver.origin(call.node.func, call.scope)
        for function in self.functions:
            outer = function.scope.parent or self.scope
            for decorator in function.node.decorator_list:
                target = decorator.func if isinstance(decorator, _ast.Call) else decorator
                function.decorators.append((self._resolver.origin(target, outer) or "", decorator))
        for klass in self.classes:
            outer = klass.scope.parent or self.scope
            for base in klass.node.bases:
                bare = base.value if isinstance(base, _ast.Subscript) else base
                klass.bases.append(self._resolver.origin(bare, outer))

    def origin(self, node: _ast.expr | None, scope: Scope) -> str | None:
        """Return the provenance of an expression (see `python_scope`)."""
        return self._resolver.origin(node, scope)

    def instance_of(self, annotation: _ast.expr, scope: Scope) -> str | None:
        """Return the origin of a value with this annotation."""
        return self._resolver.instance_of(annotation, scope)

    def constant(self, node: _ast.expr | None, scope: Scope, hops: int = 0) -> object:
        """Return the str, number, bool or None an expression has, following single assignments; else `UNKNOWN`."""
        if isinstance(node, _ast.Constant):
            return node.value
        if isinstance(node, _ast.UnaryOp) and isinstance(node.op, _ast.USub):
            inner = self.constant(node.operand, scope, hops)
            return -inner if isinstance(inner, int | float) else UNKNOWN
        if isinstance(node, _ast.BinOp) and isinstance(node.op, _ast.Mult | _ast.Add):
            return self._arithmetic(node, scope, hops)
        if isinstance(node, _ast.Name) and hops < 4:
            found = scope.lookup(node.id)
            if found is not None and len(found[1]) == 1:
                binding = found[1][0]
                if binding.how == "value" and isinstance(binding.node, _ast.expr):
                    return self.constant(binding.node, found[0], hops + 1)
        return UNKNOWN

    def _arithmetic(self, node: _ast.BinOp, scope: Scope, hops: int) -> object:
        if hops > 8:
            return UNKNOWN
        left = self.constant(node.left, scope, hops + 1)
        right = self.constant(node.right, scope, hops + 1)
        if isinstance(left, str) and isinstance(right, str) and isinstance(node.op, _ast.Add):
            return left + right
        if isinstance(left, int | float) and isinstance(right, int | float):
            return left * right if isinstance(node.op, _ast.Mult) else left + right
        return UNKNOWN

    def span(self, node: _ast.stmt | _ast.expr | _ast.arg | _ast.keyword | _ast.ExceptHandler | _ast.alias) -> Span:
        """Return a node's span in code points."""
        end_line = node.end_lineno or node.lineno
        return (
            node.lineno,
            self._column(node.lineno, node.col_offset),
            end_line,
            self._column(end_line, node.end_col_offset or 0),
        )

    def header_span(self, node: FunctionNode | _ast.ClassDef) -> Span:
        """Return the span of ``def name`` or ``class name``: the first line only, decorators left out."""
        line = self.lines[node.lineno - 1]
        return (node.lineno, self._column(node.lineno, node.col_offset), node.lineno, len(line.rstrip()) + 1)

    def place(self, node: _ast.stmt | _ast.expr | _ast.arg | _ast.keyword | _ast.ExceptHandler | _ast.alias) -> int:
        """Return the place of a node, for a fact."""
        if isinstance(node, _ast.FunctionDef | _ast.AsyncFunctionDef | _ast.ClassDef):
            return self.places.add(self.header_span(node))
        return self.places.add(self.span(node))

    def _column(self, line: int, offset: int) -> int:
        if self._ascii:
            return offset + 1
        text = self.lines[line - 1]
        return offset + 1 if text.isascii() else len(text.encode("utf-8")[:offset].decode("utf-8", "replace")) + 1

    def children(self, node: _ast.AST) -> list[_ast.AST]:
        """Return the direct children of a node, in field order."""
        found: list[_ast.AST] = []
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                found.extend(item for item in value if isinstance(item, _ast.AST))
            elif isinstance(value, _ast.AST):
                found.append(value)
        return found

    def parent(self, node: _ast.AST) -> _ast.AST | None:
        """Return the node that holds `node`; the table is made on first use."""
        if self._parents is None:
            self._parents = {}
            stack: list[_ast.AST] = [self.tree]
            while stack:
                outer = stack.pop()
                children = self.children(outer)
                for child in children:
                    self._parents[id(child)] = outer
                stack.extend(children)
        return self._parents.get(id(node))

    def uses(self, name: str, scope: Scope) -> list[_ast.Name]:
        """Return the loads of variable `name` in the statements of `scope` (nested functions included)."""
        if self._loads is None:
            self._loads = {}
            stack: list[_ast.AST] = [self.tree]
            while stack:
                node = stack.pop()
                if isinstance(node, _ast.Name) and isinstance(node.ctx, _ast.Load):
                    self._loads.setdefault(node.id, []).append(node)
                stack.extend(self.children(node))
        home = scope.node
        low, high = (home.lineno, home.end_lineno or 0) if isinstance(home, _ast.stmt) else (0, 1 << 30)
        return [node for node in self._loads.get(name, []) if low <= node.lineno <= high]

    def views(self, hook: str, names: tuple[str, ...]) -> Iterator[CallView]:
        """Yield `CallView`s for the ``calls`` hook; ``pkg.*`` takes everything below a package."""
        if hook != "calls":
            return
        exact = frozenset(names)
        prefixes = tuple(name[:-1] for name in names if name.endswith(".*"))
        for call in self.calls:
            if call.origin is not None and (call.origin in exact or (prefixes and call.origin.startswith(prefixes))):
                yield CallView(self, call)

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield comments that hold ``opslint:``; the file is tokenised only when the bytes do."""
        if b"opslint:" not in self.data:
            return
        import io
        import tokenize

        try:
            for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
                if token.type == tokenize.COMMENT and "opslint:" in token.string:
                    line, column = token.start
                    alone = not token.line[:column].strip()
                    yield (line, column + 1, line, token.end[1] + 1), token.string[1:].strip(), alone
        except (tokenize.TokenError, SyntaxError):
            return

    def block_end(self, line: int) -> int:
        """Return the last line of the def, class, with, if… that starts at `line` (or whose decorator does)."""
        for statement, _block in self.statements:
            first = statement.lineno
            for decorator in getattr(statement, "decorator_list", ()):
                first = min(first, decorator.lineno)
            if first <= line <= statement.lineno:
                return statement.end_lineno or line
        return line


class CallView:
    """What a file rule that subscribed to calls gets."""

    __slots__ = ("document", "site")

    def __init__(self, document: PythonDocument, site: CallSite) -> None:
        self.document = document
        self.site = site

    @property
    def origin(self) -> str:
        """The resolved dotted name."""
        return self.site.origin or ""

    @property
    def loc(self) -> tuple[str, Span]:
        """Where the call stands, for `report(at=…)`."""
        return ("", self.document.span(self.site.node))


def decode_source(data: bytes) -> str:
    """Decode Python source as the interpreter would (BOM, coding cookie), strictly.

    Raises ReadProblem ``decode-error`` with the line of the first bad byte.
    """
    head = data[:400].split(b"\n", 2)[:2]
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    if any(line.lstrip().startswith(b"#") and b"coding" in line for line in head):
        import io
        import tokenize

        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError as error:
            raise ReadProblem("decode-error", str(error)) from None
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise ReadProblem("decode-error", f"not valid {encoding}: {error}", (line, 1, line, 1)) from None


def read(data: bytes, kind: str = "python") -> PythonDocument:
    """Parse a module.

    Raises ReadProblem: ``decode-error``, ``parse-error`` (naming the running Python, since newer syntax needs a newer
    interpreter), ``limit`` when nesting exhausts the parser.
    """
    text = decode_source(data)
    version = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    # `ast` takes \r and \f apart itself; its line numbers count \n, \r\n and \r alike.
    normalised = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    try:
        tree = compile(normalised, "<file>", "exec", ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        line = min(error.lineno or 1, normalised.count("\n") + 1)
        column = max(error.offset or 1, 1)
        message = f"not valid for {version}: {error.msg} (newer syntax needs opslint to run on that Python)"
        raise ReadProblem("parse-error", message, (line, column, line, column)) from None
    except ValueError as error:
        raise ReadProblem("parse-error", f"not valid for {version}: {error}") from None
    except (RecursionError, MemoryError):
        raise ReadProblem("limit", "nested too deeply for the Python parser") from None
    assert isinstance(tree, _ast.Module)
    try:
        return PythonDocument(data, normalised, tree)
    except RecursionError:
        raise ReadProblem("limit", "nested too deeply to be followed") from None
