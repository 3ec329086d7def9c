"""The one walk over the tree of a Python file, and what it collects: calls, functions, classes, imports."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.python_scope import Binding, Block, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.syntax.python import PythonDocument
    from opslint.syntax.python_scope import FunctionNode


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


LEAVES = frozenset(
    (_ast.Constant, _ast.Name, _ast.Load, _ast.Store, _ast.Del, str, int, type(None), float, bool, bytes, complex)
    + tuple(kind for base in (_ast.operator, _ast.boolop, _ast.unaryop, _ast.cmpop) for kind in base.__subclasses__())
)
"""Types below which nothing is collected."""

_CHILDREN: dict[type, tuple[str, ...]] = {}
"""Fields by type of node that may hold calls, filled as types are met."""

_PLAIN = frozenset(
    ("arg", "attr", "conversion", "ctx", "id", "is_async", "kind", "level", "module", "name", "names", "op", "ops")
)
_PLAIN |= frozenset(("rest", "simple", "type_comment", "asname"))
"""Fields of names, operators and flags."""


def _children_of(kind: type) -> tuple[str, ...]:
    fields: tuple[str, ...] = getattr(kind, "_fields", ())
    found = _CHILDREN[kind] = tuple(field for field in fields if field not in _PLAIN)
    return found


_COMPOUND = frozenset(("body", "orelse", "finalbody", "handlers", "cases", "decorator_list"))


class Walk:
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
            for field in _CHILDREN.get(kind) or _children_of(kind):
                value = getattr(node, field)
                if value.__class__ is list:
                    if field in _COMPOUND and node is root and isinstance(node, _ast.stmt):
                        continue
                    stack.extend([item for item in value if type(item) not in LEAVES])
                elif type(value) not in LEAVES:
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


_STATEMENTS: dict[type[_ast.stmt], Callable[[Walk, Any, Block], None]] = {
    _ast.FunctionDef: Walk.function,
    _ast.AsyncFunctionDef: Walk.function,
    _ast.ClassDef: Walk.klass,
    _ast.Import: Walk.imported,
    _ast.ImportFrom: Walk.imported_from,
    _ast.Assign: Walk.assign,
    _ast.AnnAssign: Walk.annotated,
    _ast.AugAssign: Walk.augmented,
    _ast.If: Walk.condition,
    _ast.For: Walk.loop,
    _ast.AsyncFor: Walk.loop,
    _ast.While: Walk.loop,
    _ast.With: Walk.context,
    _ast.AsyncWith: Walk.context,
    _ast.Try: Walk.tried,
    _ast.Match: Walk.matched,
    _ast.Global: Walk.declared_global,
}
_STATEMENTS[_ast.TryStar] = Walk.tried
