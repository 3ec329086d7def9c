"""Python: one walk over the tree that `ast` gives, filling the indexes all extractors and rules share.

`ast` itself is not imported (it costs 6 ms, `_ast` nothing); trees come from `compile(…, PyCF_ONLY_AST)`.
"""

from __future__ import annotations

import _ast
import sys

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem
from opslint.syntax.python_scope import Binding, Block, Resolver, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from opslint.base.location import Span
    from opslint.syntax.python_scope import FunctionNode

ONLY_AST = 0x400  # ast.PyCF_ONLY_AST

UNKNOWN = object()
"""What `PythonDocument.constant` returns when an expression has no value known from this file."""


class CallSite:
    """One call: its node, the block it stands in, and its origin (`python_scope`)."""

    __slots__ = ("block", "node", "origin")

    def __init__(self, node: _ast.Call, block: Block) -> None:
        self.node = node
        self.block = block
        self.origin: str | None = None

    @property
    def scope(self) -> Scope:
        """The scope the call stands in."""
        return self.block.scope

    def keyword(self, name: str) -> _ast.expr | None:
        """The value of keyword `name`, if it is written."""
        return next((keyword.value for keyword in self.node.keywords if keyword.arg == name), None)

    def argument(self, position: int, name: str) -> _ast.expr | None:
        """The argument given at `position` (0-based) or by keyword; None when it is not written or follows a ``*args``."""
        args = self.node.args
        if position < len(args) and not any(isinstance(arg, _ast.Starred) for arg in args[: position + 1]):
            return args[position]
        return self.keyword(name)

    @property
    def has_star_kwargs(self) -> bool:
        """A ``**mapping`` is passed: any keyword may be in it."""
        return any(keyword.arg is None for keyword in self.node.keywords)

    @property
    def has_star_args(self) -> bool:
        """A ``*sequence`` is passed: any positional argument may be in it."""
        return any(isinstance(arg, _ast.Starred) for arg in self.node.args)


class FunctionInfo:
    """One function or method. `decorators` are (origin, decorator expression); `owner` the class qualname or ""."""

    __slots__ = ("block", "decorators", "node", "owner", "qualname", "scope")

    def __init__(self, node: FunctionNode, scope: Scope, block: Block) -> None:
        self.node = node
        self.scope = scope
        self.block = block
        self.qualname = scope.qualname
        owner = scope.parent
        self.owner = owner.qualname if owner is not None and owner.kind == "class" else ""
        self.decorators: list[tuple[str, _ast.expr]] = []

    @property
    def is_async(self) -> bool:
        """Declared with ``async def``."""
        return isinstance(self.node, _ast.AsyncFunctionDef)

    def parameters(self) -> list[_ast.arg]:
        """All named parameters in order."""
        args = self.node.args
        return [*args.posonlyargs, *args.args, *args.kwonlyargs]


class ClassInfo:
    """One class with the origins of its bases."""

    __slots__ = ("bases", "block", "node", "qualname", "scope")

    def __init__(self, node: _ast.ClassDef, scope: Scope, block: Block) -> None:
        self.node = node
        self.scope = scope
        self.block = block
        self.qualname = scope.qualname
        self.bases: list[str | None] = []


class ImportInfo:
    """One imported module or name.

    `module` has leading dots when relative, `name` is None for ``import module``, ``*`` for a star; `alias` is the name bound.
    """

    __slots__ = ("alias", "block", "module", "name", "node")

    def __init__(self, module: str, name: str | None, alias: str, node: _ast.stmt, block: Block) -> None:
        self.module = module
        self.name = name
        self.alias = alias
        self.node = node
        self.block = block


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
        _Walk(self).run()
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


_LEAVES = frozenset(
    (_ast.Constant, _ast.Name, _ast.Load, _ast.Store, _ast.Del, str, int, type(None), float, bool, bytes, complex)
    + tuple(kind for base in (_ast.operator, _ast.boolop, _ast.unaryop, _ast.cmpop) for kind in base.__subclasses__())
)
"""Types below which nothing is collected."""

_COMPOUND = frozenset(("body", "orelse", "finalbody", "handlers", "cases", "decorator_list"))


class _Walk:
    """The one walk. Statements recurse (their nesting is bounded by the parser), expressions use a stack."""

    def __init__(self, document: PythonDocument) -> None:
        self.document = document

    def run(self) -> None:
        scope = self.document.scope
        self.body(self.document.tree.body, Block("module", None, None, scope))

    def body(self, statements: list[_ast.stmt], block: Block) -> None:
        for statement in statements:
            self.document.statements.append((statement, block))
            visit = _STATEMENTS.get(type(statement))
            if visit is not None:
                visit(self, statement, block)
            else:
                self.expressions(statement, block)

    def expressions(self, root: _ast.AST, block: Block) -> None:
        """Collect calls and subscripts of a simple statement (or the head of a compound one), in source order."""
        stack: list[_ast.AST] = [root]
        pop = stack.pop
        calls, subscripts = self.document.calls, self.document.subscripts
        while stack:
            node = pop()
            kind = type(node)
            if kind is _ast.Call:
                calls.append(CallSite(node, block))  # type: ignore[arg-type]
            elif kind is _ast.Subscript:
                subscripts.append((node, block))  # type: ignore[arg-type]
            elif kind is _ast.NamedExpr and isinstance(node.target, _ast.Name):  # type: ignore[attr-defined]
                block.scope.bind(node.target.id, Binding("value", node.lineno, node=node.value))  # type: ignore[attr-defined]
            start = len(stack)
            for field in node._fields:
                value = getattr(node, field)
                if value.__class__ is list:
                    if field in _COMPOUND and node is root and isinstance(node, _ast.stmt):
                        continue
                    stack.extend([item for item in value if type(item) not in _LEAVES])
                elif type(value) not in _LEAVES:
                    stack.append(value)
            if len(stack) - start > 1:
                stack[start:] = stack[: start - 1 if start else None : -1]

    def function(self, node: FunctionNode, block: Block) -> None:
        scope = Scope("function", node.name, node, block.scope)
        block.scope.bind(node.name, Binding("def", node.lineno, node=node))
        for decorator in node.decorator_list:
            self.expressions(decorator, block)
        self.expressions(node.args, block)
        args = node.args
        for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if arg is not None:
                annotation = None if arg in (args.vararg, args.kwarg) else arg.annotation
                scope.bind(arg.arg, Binding("param", node.lineno, node=arg, annotation=annotation))
        inner = Block("function", node, block, scope)
        self.document.functions.append(FunctionInfo(node, scope, inner))
        self.body(node.body, inner)

    def klass(self, node: _ast.ClassDef, block: Block) -> None:
        scope = Scope("class", node.name, node, block.scope)
        block.scope.bind(node.name, Binding("class", node.lineno, node=node))
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.expressions(part, block)
        inner = Block("class", node, block, scope)
        self.document.classes.append(ClassInfo(node, scope, inner))
        self.body(node.body, inner)

    def imported(self, node: _ast.Import, block: Block) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self.document.imports.append(ImportInfo(alias.name, None, bound, node, block))
            if alias.asname:
                block.scope.bind(alias.asname, Binding("import", node.lineno, target=alias.name))
            else:
                root = alias.name.partition(".")[0]
                block.scope.bind(root, Binding("import", node.lineno, target=root))

    def imported_from(self, node: _ast.ImportFrom, block: Block) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            self.document.imports.append(ImportInfo(module, alias.name, alias.asname or alias.name, node, block))
            joined = module + alias.name if module.endswith(".") else f"{module}.{alias.name}"
            block.scope.bind(alias.asname or alias.name, Binding("import", node.lineno, target=joined))

    def assign(self, node: _ast.Assign, block: Block) -> None:
        self.expressions(node, block)
        for target in node.targets:
            self.target(target, node.value, block, node.lineno)

    def annotated(self, node: _ast.AnnAssign, block: Block) -> None:
        self.expressions(node, block)
        if isinstance(node.target, _ast.Name):
            how = "value" if node.value is not None else "param"
            block.scope.bind(
                node.target.id, Binding(how, node.lineno, node=node.value or node.target, annotation=node.annotation)
            )
        elif node.value is not None:
            self.target(node.target, node.value, block, node.lineno)

    def target(self, target: _ast.expr, value: _ast.expr | None, block: Block, line: int) -> None:
        """Bind one assignment target; a part of an unpacked value is what stands in its place, or the part of the call that gives it."""
        if isinstance(target, _ast.Name):
            how = "value" if value is not None else "unknown"
            block.scope.bind(target.id, Binding(how, line, node=value))
        elif isinstance(target, _ast.Attribute) and isinstance(target.value, _ast.Name) and target.value.id in ("self", "cls"):
            owner = block.scope.enclosing_class()
            if owner is not None and value is not None:
                owner.attributes.setdefault(target.attr, []).append((value, block.scope))
        elif isinstance(target, _ast.Tuple | _ast.List):
            values = value.elts if isinstance(value, _ast.Tuple | _ast.List) and len(value.elts) == len(target.elts) else None
            unpacked = isinstance(value.value if isinstance(value, _ast.Await) else value, _ast.Call)
            for index, part in enumerate(target.elts):
                if isinstance(part, _ast.Name) and unpacked:
                    block.scope.bind(part.id, Binding("part", line, node=value, target=str(index)))
                else:
                    self.target(part, values[index] if values else None, block, line)
                    # What follows a star counts from the end.
                    unpacked = unpacked and not isinstance(part, _ast.Starred)
        elif isinstance(target, _ast.Starred):
            self.target(target.value, None, block, line)

    def augmented(self, node: _ast.AugAssign, block: Block) -> None:
        self.expressions(node, block)
        if isinstance(node.target, _ast.Name):
            block.scope.bind(node.target.id, Binding("unknown", node.lineno))

    def condition(self, node: _ast.If, block: Block) -> None:
        self.expressions(node, block)
        self.body(node.body, Block("if", node, block, block.scope))
        self.body(node.orelse, Block("else", node, block, block.scope))

    def loop(self, node: _ast.For | _ast.AsyncFor | _ast.While, block: Block) -> None:
        self.expressions(node, block)
        if not isinstance(node, _ast.While):
            self.target(node.target, None, block, node.lineno)
        self.body(node.body, Block("loop", node, block, block.scope))
        self.body(node.orelse, Block("else", node, block, block.scope))

    def context(self, node: _ast.With | _ast.AsyncWith, block: Block) -> None:
        self.expressions(node, block)
        for item in node.items:
            if item.optional_vars is not None:
                self.target(item.optional_vars, item.context_expr, block, node.lineno)
        self.body(node.body, Block("with", node, block, block.scope))

    def tried(self, node: _ast.Try, block: Block) -> None:
        self.body(node.body, Block("try", node, block, block.scope))
        for handler in node.handlers:
            self.document.excepts.append((handler, block))
            inner = Block("except", handler, block, block.scope)
            if handler.type is not None:
                self.expressions(handler.type, inner)
            if handler.name:
                block.scope.bind(handler.name, Binding("unknown", handler.lineno))
            self.body(handler.body, inner)
        self.body(node.orelse, Block("else", node, block, block.scope))
        self.body(node.finalbody, Block("finally", node, block, block.scope))

    def matched(self, node: _ast.Match, block: Block) -> None:
        self.expressions(node.subject, block)
        for case in node.cases:
            inner = Block("if", node, block, block.scope)
            if case.guard is not None:
                self.expressions(case.guard, inner)
            self.body(case.body, inner)

    def declared_global(self, node: _ast.Global, block: Block) -> None:
        block.scope.globals.update(node.names)


_STATEMENTS: dict[type[_ast.stmt], Callable[[_Walk, Any, Block], None]] = {
    _ast.FunctionDef: _Walk.function,
    _ast.AsyncFunctionDef: _Walk.function,
    _ast.ClassDef: _Walk.klass,
    _ast.Import: _Walk.imported,
    _ast.ImportFrom: _Walk.imported_from,
    _ast.Assign: _Walk.assign,
    _ast.AnnAssign: _Walk.annotated,
    _ast.AugAssign: _Walk.augmented,
    _ast.If: _Walk.condition,
    _ast.For: _Walk.loop,
    _ast.AsyncFor: _Walk.loop,
    _ast.While: _Walk.loop,
    _ast.With: _Walk.context,
    _ast.AsyncWith: _Walk.context,
    _ast.Try: _Walk.tried,
    _ast.Match: _Walk.matched,
    _ast.Global: _Walk.declared_global,
}
_STATEMENTS[_ast.TryStar] = _Walk.tried


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
