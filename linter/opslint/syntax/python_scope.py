"""Scopes, blocks and provenance of a Python file.

Provenance is a dotted *origin*: ``requests.get`` for a call through any alias, ``requests.Session().get`` for a
method of an object that a call made (the ``()`` stands for "an instance or result of"), ``.clients.session.get`` for
something a relative import brought, ``<local>.helper`` for something this module defines. Origins never rest on how a variable is spelled.
"""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = "<local>"
"""Root of the origins of names that the module itself defines (functions and classes)."""

MAX_HOPS = 8
"""Assignments followed from a name back to what made the object."""

FunctionNode = _ast.FunctionDef | _ast.AsyncFunctionDef


class Block:
    """A statement that holds others: where a call stands between loops, tries and conditions.

    `kind`: ``module function class if else loop try except finally with``; `node` the statement (the handler for ``except``).
    """

    __slots__ = ("kind", "node", "parent", "scope")

    def __init__(self, kind: str, node: _ast.AST | None, parent: Block | None, scope: Scope) -> None:
        self.kind = kind
        self.node = node
        self.parent = parent
        self.scope = scope

    def up(self) -> Iterator[Block]:
        """Yield this block and those around it, inside the same function or class body."""
        block: Block | None = self
        while block is not None and block.scope is self.scope:
            yield block
            block = block.parent

    def inside(self, kind: str) -> Block | None:
        """Return the innermost enclosing block of `kind` within the same scope."""
        return next((block for block in self.up() if block.kind == kind), None)


class Binding:
    """One way a name gets its value: `how` is ``value param import def class element part unknown``.

    ``part``: an element of what the call `node` gives, `target` its index.
    """

    __slots__ = ("annotation", "how", "line", "node", "target")

    def __init__(
        self,
        how: str,
        line: int,
        *,
        node: _ast.AST | None = None,
        target: str = "",
        annotation: _ast.expr | None = None,
    ) -> None:
        self.how = how
        self.line = line
        self.node = node
        self.target = target
        self.annotation = annotation


class Scope:
    """A module, class or function body with the names it binds. `attributes` of a class are what methods set on ``self``."""

    __slots__ = ("attributes", "bindings", "globals", "kind", "name", "node", "parent")

    def __init__(self, kind: str, name: str, node: _ast.AST | None, parent: Scope | None) -> None:
        self.kind = kind
        self.name = name
        self.node = node
        self.parent = parent
        self.bindings: dict[str, list[Binding]] = {}
        self.attributes: dict[str, list[tuple[_ast.expr, Scope]]] = {}
        self.globals: set[str] = set()

    def bind(self, name: str, binding: Binding) -> None:
        """Add one way `name` gets a value (in the module's scope when declared global)."""
        scope = self.module if name in self.globals else self
        scope.bindings.setdefault(name, []).append(binding)

    @property
    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def qualname(self) -> str:
        """Dotted name below the module, without ``<locals>``; empty for the module."""
        parts: list[str] = []
        scope: Scope | None = self
        while scope is not None and scope.parent is not None:
            parts.append(scope.name)
            scope = scope.parent
        return ".".join(reversed(parts))

    def enclosing_class(self) -> Scope | None:
        """The class whose method (or a function inside a method) this scope is."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope

    def enclosing_function(self) -> Scope | None:
        """The innermost function this scope is or is in."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "function":
            scope = scope.parent
        return scope

    def lookup(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """Find the scope that binds `name`, as Python does (class bodies are skipped from inside functions)."""
        scope: Scope | None = self
        first = True
        while scope is not None:
            if (first or scope.kind != "class") and name in scope.bindings:
                return scope, scope.bindings[name]
            first = False
            scope = scope.parent
        return None


class Resolver:
    """Answers where an expression's value comes from, within one module."""

    def __init__(self) -> None:
        # By binding; and by (binding, hops) where the bound on hops cut the answer short.
        self._memo: dict[int | tuple[int, int], str | None] = {}
        self._attributes: dict[tuple[int, str], str | None] = {}
        self._active: set[int] = set()
        self._cut = False

    def origin(self, node: _ast.expr | None, scope: Scope, hops: int = 0) -> str | None:
        """Return the origin of an expression, or None when it cannot be told."""
        suffix: list[str] = []
        while True:
            if isinstance(node, _ast.Attribute):
                base = node.value
                if isinstance(base, _ast.Name) and base.id in ("self", "cls"):
                    found = self._self_attribute(node.attr, scope, hops)
                    return found + "".join(reversed(suffix)) if found else None
                suffix.append("." + node.attr)
                node = base
            elif isinstance(node, _ast.Call):
                suffix.append("()")
                node = node.func
            elif isinstance(node, _ast.Await):
                node = node.value
            elif isinstance(node, _ast.Name):
                root = self.name_origin(node.id, scope, node.lineno, hops)
                return root + "".join(reversed(suffix)) if root else None
            else:
                return self._other(node, scope, hops, "".join(reversed(suffix)))

    def _other(self, node: _ast.expr | None, scope: Scope, hops: int, suffix: str) -> str | None:
        if isinstance(node, _ast.BoolOp) and isinstance(node.op, _ast.Or):
            # `client or requests.Session()`: the default tells what it is, unless the alternatives disagree.
            found = {self.origin(value, scope, hops + 1) for value in node.values} - {None}
            single = found.pop() if len(found) == 1 else None
            return single + suffix if single else None
        if isinstance(node, _ast.NamedExpr):
            inner = self.origin(node.value, scope, hops + 1)
            return inner + suffix if inner else None
        if isinstance(node, _ast.Constant) and isinstance(node.value, str):
            return "str()" + suffix
        return None

    def name_origin(self, name: str, scope: Scope, line: int, hops: int = 0) -> str | None:
        """Return the origin of a name used at `line` of `scope`; a builtin is its own origin."""
        if hops > MAX_HOPS:
            self._cut = True
            return None
        found = scope.lookup(name)
        if found is None:
            return name if scope.kind else None
        home, bindings = found
        # `rows = rows.filter(…)`: inside its own value a name still is what it was before.
        usable = [binding for binding in bindings if not _is_none(binding) and id(binding) not in self._active]
        if not usable:
            return None
        if len(usable) > 1 and home is scope and home.kind == "function":
            # A name on the right of its own new assignment is still the old one.
            before = [binding for binding in usable if binding.line < line]
            before = before or [binding for binding in usable if binding.line == line]
            usable = [max(before or usable, key=lambda binding: binding.line)]
        first = self._remembered(name, usable[0], home, hops)
        if first is None or any(self._remembered(name, binding, home, hops) != first for binding in usable[1:]):
            return None
        return first

    def _remembered(self, name: str, binding: Binding, home: Scope, hops: int) -> str | None:
        """`_binding_origin`, each binding resolved once: names bound many times in terms of each other stay linear."""
        key = id(binding)
        for known in (key, (key, hops)):
            if known in self._memo:
                self._cut = self._cut or known is not key
                return self._memo[known]
        outer, self._cut = self._cut, False
        self._active.add(key)
        found = self._binding_origin(name, binding, home, hops)
        self._active.discard(key)
        self._memo[(key, hops) if self._cut else key] = found
        self._cut = self._cut or outer
        return found

    def _binding_origin(self, name: str, binding: Binding, home: Scope, hops: int) -> str | None:
        if binding.how == "import":
            return binding.target
        if binding.how in ("def", "class"):
            qualname = f"{home.qualname}.{name}" if home.qualname else name
            return f"{LOCAL}.{qualname}"
        if binding.how == "value" and isinstance(binding.node, _ast.expr):
            if binding.annotation is not None and isinstance(binding.node, _ast.Constant):
                return self.instance_of(binding.annotation, home, hops)
            return self.origin(binding.node, home, hops + 1)
        if binding.how == "param" and binding.annotation is not None:
            return self.instance_of(binding.annotation, home, hops)
        if binding.how == "part" and isinstance(binding.node, _ast.expr):
            return _part(self.origin(binding.node, home, hops + 1), binding.target)
        return None

    def instance_of(self, annotation: _ast.expr, scope: Scope, hops: int = 0) -> str | None:
        """Return the origin of a value annotated so (``Optional[X]``, ``X | None`` and ``Annotated[X, …]`` are seen through)."""
        node: _ast.expr = annotation
        for _ in range(4):
            if isinstance(node, _ast.BinOp) and isinstance(node.op, _ast.BitOr):
                node = node.left if not _is_none_constant(node.left) else node.right
            elif isinstance(node, _ast.Subscript):
                outer = self.origin(node.value, scope, hops + 1) or ""
                if outer.rpartition(".")[2] not in ("Optional", "Annotated", "ClassVar", "Final"):
                    break
                inner = node.slice
                node = inner.elts[0] if isinstance(inner, _ast.Tuple) and inner.elts else inner
            elif isinstance(node, _ast.Constant) and isinstance(node.value, str):
                if not node.value.replace(".", "").isidentifier():
                    return None
                head, _, rest = node.value.partition(".")
                root = self.name_origin(head, scope, 1 << 30, hops + 1)
                return f"{root}.{rest}()" if root and rest else f"{root}()" if root else None
            else:
                break
        if isinstance(node, _ast.Subscript):
            node = node.value
        root = self.origin(node, scope, hops + 1) if isinstance(node, _ast.Name | _ast.Attribute) else None
        return root + "()" if root else None

    def _self_attribute(self, attr: str, scope: Scope, hops: int) -> str | None:
        owner = scope.enclosing_class()
        if owner is None:
            return None
        key = (id(owner), attr)
        if key not in self._attributes:
            # While it is being found out (`self.x = self.x.copy()`) it is not known.
            self._attributes[key] = None
            self._attributes[key] = self._attribute(attr, owner, hops)
        return self._attributes[key]

    def _attribute(self, attr: str, owner: Scope, hops: int) -> str | None:
        if hops > MAX_HOPS:
            self._cut = True
            return None
        origins: set[str | None] = set()
        for value, where in owner.attributes.get(attr, ()):
            if not _is_none_constant(value):
                origins.add(self.origin(value, where, hops + 1))
        if not origins and attr in owner.bindings:
            made = _property(owner.bindings[attr][-1])
            if made is not None:
                # The attribute is what the property gives.
                return self.instance_of(made, owner.parent or owner, hops + 1)
            origins = {self._remembered(attr, binding, owner, hops) for binding in owner.bindings[attr] if not _is_none(binding)}
        if len(origins) == 1:
            return origins.pop()
        return None if origins else f"{LOCAL}.{owner.qualname}().{attr}"


def _property(binding: Binding) -> _ast.expr | None:
    """The return annotation of a property, None when the binding is none or says nothing."""
    node = binding.node
    if binding.how != "def" or not isinstance(node, _ast.FunctionDef):
        return None
    for decorator in node.decorator_list:
        name = (
            decorator.attr if isinstance(decorator, _ast.Attribute) else decorator.id if isinstance(decorator, _ast.Name) else ""
        )
        if name in ("property", "cached_property"):
            return node.returns
    return None


_FETCH_OR_MAKE = ("get_or_create()", "aget_or_create()", "update_or_create()", "aupdate_or_create()")


def _part(origin: str | None, index: str) -> str | None:
    """The origin of one element of what a call gives: Django's ``get_or_create`` gives (an instance of the model, whether it is new).

    Of the repository's own functions it is ``f().<0>``, which the link resolves; of others it cannot be told.
    """
    if origin is None:
        return None
    head, _, method = origin.rpartition(".")
    if method in _FETCH_OR_MAKE:
        model, _, manager = head.rpartition(".")
        return f"{model}()" if index == "0" and manager in ("objects", "_default_manager") and not model.endswith("()") else None
    return f"{origin}.<{index}>" if origin.startswith((LOCAL, ".")) and origin.endswith("()") else None


def _is_none_constant(node: _ast.AST | None) -> bool:
    return isinstance(node, _ast.Constant) and node.value is None


def _is_none(binding: Binding) -> bool:
    return binding.how == "value" and binding.annotation is None and _is_none_constant(binding.node)
