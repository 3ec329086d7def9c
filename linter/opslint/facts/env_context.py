"""Where a read stands: what it is only the fallback of, and whether it is for people's own machines."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import PythonDocument
    from opslint.syntax.python_scope import Block, Scope

    NameOf = Callable[[_ast.expr, Scope], str | None]

_TIER_TEXTS = frozenset("development dev local localhost test testing production prod staging live".split())
_MAX_NODES = 400
"""Nodes of one test or default looked at."""


class Context:
    """Answers for one file. `name_of(node, scope)` gives the variable an expression itself reads, None when it is no read."""

    def __init__(self, document: PythonDocument, name_of: NameOf) -> None:
        self.document = document
        self.name_of = name_of
        self._refused: set[str] | None = None

    def read_in(self, root: _ast.AST, scope: Scope) -> set[str]:
        """Return the variables that an expression reads, also through names assigned from a read."""
        found: set[str] = set()
        stack: list[_ast.AST] = [root]
        seen = 0
        while stack and seen < _MAX_NODES:
            node = stack.pop()
            seen += 1
            if isinstance(node, _ast.Call | _ast.Subscript):
                name = self.name_of(node, scope)
                if name is not None:
                    found.add(name)
            elif isinstance(node, _ast.Name):
                home = scope.lookup(node.id)
                for binding in home[1] if home is not None else ():
                    name = self.name_of(binding.node, scope) if isinstance(binding.node, _ast.Call | _ast.Subscript) else None
                    if name is not None:
                        found.add(name)
            stack.extend(self.document.children(node))
        return found

    def instead(self, node: _ast.expr, name: str, scope: Scope) -> list[str]:
        """Return the variables in whose place this read stands: it is (part of) the default of their reads, here or by its name."""
        direct = self._defaults_above(node, scope)
        found = direct if direct else self._through_name(node, scope)
        return sorted(found - {name})

    def _defaults_above(self, node: _ast.AST, scope: Scope) -> set[str]:
        """The reads that have `node` in their default, and the other operands of an ``or``, and the ``else`` of a test of another."""
        found: set[str] = set()
        child, parent = node, self.document.parent(node)
        while isinstance(parent, _ast.expr | _ast.keyword):
            if isinstance(parent, _ast.Call) and child is not parent.func:
                name = self.name_of(parent, scope)
                if name is not None and not (parent.args and parent.args[0] is child):
                    found.add(name)
            elif isinstance(parent, _ast.BoolOp) and isinstance(parent.op, _ast.Or):
                for value in parent.values:
                    if value is not child:
                        found |= self.read_in(value, scope)
            elif isinstance(parent, _ast.IfExp) and child is parent.orelse:
                found |= self.read_in(parent.test, scope)
            child, parent = parent, self.document.parent(parent)
        return found

    def _through_name(self, node: _ast.expr, scope: Scope) -> set[str]:
        """The read is assigned to a name that only defaults of other reads use."""
        target = assigned_name(self.document, node)
        if target is None:
            return set()
        found: set[str] = set()
        uses = self.document.uses(target, scope)
        for use in uses:
            above = self._defaults_above(use, scope) or self._else_of(use, scope)
            if not above:
                return set()
            found |= above
        return found

    def _else_of(self, node: _ast.AST, scope: Scope) -> set[str]:
        """The variables tested by the ``if`` statements whose other branch a node stands in."""
        found: set[str] = set()
        child, parent = node, self.document.parent(node)
        while parent is not None and not isinstance(parent, _ast.FunctionDef | _ast.AsyncFunctionDef | _ast.Module):
            if isinstance(parent, _ast.If):
                negated = isinstance(parent.test, _ast.UnaryOp) and isinstance(parent.test.op, _ast.Not)
                if negated or any(child is item for item in parent.orelse):
                    found |= self.read_in(parent.test, scope)
            child, parent = parent, self.document.parent(parent)
        return found

    def other_branch(self, node: _ast.expr, name: str, scope: Scope) -> list[str]:
        """Return the variables that, when set, keep the statement of a read from being run (``if URL: … else: HOST = …``)."""
        return sorted(self._else_of(node, scope) - {name})

    def guarded(self, node: _ast.expr, name: str, block: Block) -> bool:
        """Tell whether a read stands under a test of the tier, of debugging or of another variable, so that it may not be run."""
        tests: list[tuple[_ast.expr, bool]] = []
        for outer in block.up():
            if isinstance(outer.node, _ast.If):
                tests.append((outer.node.test, outer.kind == "if"))
        child, parent = node, self.document.parent(node)
        while isinstance(parent, _ast.expr | _ast.keyword):
            if isinstance(parent, _ast.IfExp):
                tests.append((parent.test, child is parent.body))
            child, parent = parent, self.document.parent(parent)  # type: ignore[assignment]
        scope = block.scope
        return any(self._is_tier_test(test) or (first and self._is_positive(test, name, scope)) for test, first in tests)

    def _is_positive(self, test: _ast.expr, name: str, scope: Scope) -> bool:
        if isinstance(test, _ast.UnaryOp) and isinstance(test.op, _ast.Not):
            return False
        return bool(self.read_in(test, scope) - {name})

    def _is_tier_test(self, test: _ast.expr) -> bool:
        stack: list[_ast.AST] = [test]
        while stack:
            node = stack.pop()
            if isinstance(node, _ast.Constant) and isinstance(node.value, str) and node.value.lower() in _TIER_TEXTS:
                return True
            word = node.id if isinstance(node, _ast.Name) else node.attr if isinstance(node, _ast.Attribute) else ""
            if any(mark in word.upper() for mark in ("DEBUG", "TESTING", "IS_DEV", "IS_LOCAL", "IS_PROD", "PRODUCTION")):
                return True
            stack.extend(self.document.children(node))
        return False

    def refuses(self, text: str) -> bool:
        """Tell whether the file compares something with this text, or with a part of it: a default it does not put up with."""
        if self._refused is None:
            self._refused = set()
            stack: list[_ast.AST] = [self.document.tree]
            while stack:
                node = stack.pop()
                searched = (
                    isinstance(node, _ast.Call) and isinstance(node.func, _ast.Attribute) and node.func.attr.endswith("swith")
                )
                if searched or isinstance(node, _ast.Compare | _ast.Set | _ast.List | _ast.Tuple):
                    self._refused.update(self._texts(node))
                stack.extend(self.document.children(node))
        lowered = text.lower()
        return any(len(part) >= 4 and part.lower() in lowered for part in self._refused)

    def _texts(self, root: _ast.AST) -> set[str]:
        children = [root, *self.document.children(root)]
        texts = {node.value for node in children if isinstance(node, _ast.Constant) and isinstance(node.value, str)}
        for node in children:
            if isinstance(node, _ast.Name):
                value = self.document.constant(node, self.document.scope)
                if isinstance(value, str):
                    texts.add(value)
        return texts


def held_by(document: PythonDocument, node: _ast.expr, scope: Scope) -> tuple[str, str]:
    """Return what the value of a read goes into (a dictionary or call by its place, an object or class by qualname) and its name there."""
    child: _ast.AST = node
    parent = document.parent(node)
    while isinstance(
        parent, _ast.Call | _ast.Attribute | _ast.BoolOp | _ast.Compare | _ast.IfExp | _ast.Subscript | _ast.UnaryOp
    ):
        child, parent = parent, document.parent(parent)
    if isinstance(parent, _ast.Dict):
        key = next((key for key, value in zip(parent.keys, parent.values, strict=True) if value is child), None)
        named = key.value if isinstance(key, _ast.Constant) and isinstance(key.value, str) else ""
        return (f"dict@{document.place(parent)}", named) if named else ("", "")
    if isinstance(parent, _ast.keyword) and parent.arg:
        call = document.parent(parent)
        return (f"call@{document.place(call)}", parent.arg) if isinstance(call, _ast.Call) else ("", "")
    targets = parent.targets if isinstance(parent, _ast.Assign) else [parent.target] if isinstance(parent, _ast.AnnAssign) else []
    if len(targets) == 1 and isinstance(targets[0], _ast.Attribute):
        return scope.qualname, targets[0].attr
    return (scope.qualname, targets[0].id) if len(targets) == 1 and isinstance(targets[0], _ast.Name) else ("", "")


def assigned_name(document: PythonDocument, node: _ast.expr) -> str | None:
    """Return the variable a read is assigned to, looking through conversions (``int(os.getenv(…))``, ``.lower()``)."""
    parent = document.parent(node)
    while isinstance(parent, _ast.Call | _ast.Attribute | _ast.BoolOp):
        parent = document.parent(parent)
    targets = parent.targets if isinstance(parent, _ast.Assign) else [parent.target] if isinstance(parent, _ast.AnnAssign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], _ast.Name) else None
