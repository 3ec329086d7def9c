"""How a Python file reads variables, taken from its syntax tree: the extraction behind `opslint.facts.env`."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts import env_libraries as libraries
from opslint.facts.env import NO_WORDS, AlwaysTrue, EnvFamily, EnvObject, EnvRead, EnvReader, EnvWrite, NamedCall
from opslint.facts.env_context import Context, assigned_name, held_by
from opslint.facts.env_defaults import default_kind, keepable
from opslint.facts.env_forms import compared_with, families, is_tested, memberships, names_given, option_names
from opslint.facts.env_uses import catches, caught, is_checked, is_noticed, stops_when_listed, tested_before, when_none
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.fact import Fact
    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block, Scope

    Emit = Callable[[Fact], None]

_BAD_VALUES = frozenset(("ValueError", "Exception", "BaseException"))
_PARSERS = frozenset(("bool", "int", "float"))
_SILENT_ROOTS = ("os.", "logging", "typing")


def looks_like_name(text: object) -> bool:
    """Tell whether a literal has the form of a variable's name: capitals, digits, underscores, three or more."""
    return isinstance(text, str) and len(text) >= 3 and text[0].isalpha() and text.isupper() and text.replace("_", "").isalnum()


def variable_of(document: PythonDocument, node: _ast.expr, scope: Scope) -> str | None:
    """Return the variable that an expression reads, None when it is no read or the name is not known."""
    name: object = None
    if isinstance(node, _ast.Subscript):
        if document.origin(node.value, scope) == "os.environ":
            name = document.constant(node.slice, scope)
    elif isinstance(node, _ast.Call) and (node.args or node.keywords):
        origin = document.origin(node.func, scope)
        if origin is not None and libraries.library_of(origin) is not None:
            name = document.constant(node.args[0] if node.args else None, scope)
    return name if isinstance(name, str) else None


class Extraction:
    """One file while its reads are taken."""

    def __init__(self, document: PythonDocument, emit: Emit) -> None:
        self.document = document
        self.emit = emit
        self.scheme = libraries.scheme_of(document)
        self.prefixes = libraries.prefix_of(document)
        self.context = Context(document, lambda node, scope: variable_of(document, node, scope))
        self.reads: list[tuple[EnvRead, tuple[str, str] | None]] = []
        self.readers: dict[str, EnvReader] = {}

    def run(self) -> None:
        """Emit everything that the file tells."""
        for node, block in self.document.subscripts:
            self._subscript(node, block)
        for site in self.document.calls:
            if site.origin is not None:
                self._call(site)
        for test, block, name in memberships(self.document):
            self._read(test, block, name, "os.environ", "handled", None, "")
        for at, prefix in families(self.document):
            self.emit(EnvFamily(at=at, prefix=prefix))
        self._passed_on()
        self._objects()
        self._finish()

    def _finish(self) -> None:
        """Emit the reads; those assigned to one name in one scope are alternatives of each other."""
        groups: dict[tuple[str, str], set[str]] = {}
        for read, target in self.reads:
            if target is not None:
                groups.setdefault(target, set()).add(read.name)
        for read, target in self.reads:
            others = groups[target] - {read.name} if target is not None else set()
            self.emit(read.replace(instead=sorted({*read.instead, *others})) if others else read)
            if read.parse == "bool" and read.default is not None and read.default.lower() in NO_WORDS:
                self.emit(AlwaysTrue(at=read.at, default=read.default, name=read.name))

    def _read(
        self,
        node: _ast.expr,
        block: Block,
        name: str,
        how: str,
        missing: str,
        default: str | None,
        kind: str,
        *,
        aliases: list[str] | None = None,
        parse: str = "",
    ) -> None:
        function = block.scope.enclosing_function()
        qualname = function.qualname if function else ""
        target = assigned_name(self.document, node)
        instead = {*self.context.instead(node, name, block.scope), *self.context.other_branch(node, name, block.scope)}
        holder, slot = held_by(self.document, node, block.scope)
        read = EnvRead(
            at=self.document.place(node),
            aliases=aliases or [],
            default=default,
            default_kind=kind,
            function=qualname,
            guarded=self.context.guarded(node, name, block),
            holder=holder,
            how=how,
            ignore_case=False,
            import_time=function is None,
            instead=sorted(instead),
            missing=missing,
            name=name,
            noticed=missing == "handled" and is_noticed(self.document, node, block),
            parse=parse or self._parse(node, block),
            slot=slot,
        )
        self.reads.append((read, (qualname, target) if target is not None else None))

    def _parse(self, node: _ast.expr, block: Block) -> str:
        """The built-in that the read is the only argument of, or the texts it is compared with."""
        parent = self.document.parent(node)
        if isinstance(parent, _ast.Call) and len(parent.args) == 1 and parent.args[0] is node:
            origin = self.document.origin(parent.func, block.scope)
            taken = origin in _PARSERS and not (origin != "bool" and catches(self.document, block, _BAD_VALUES))
            return origin or "" if taken else ""
        return compared_with(self.document, node)

    def _subscript(self, node: _ast.Subscript, block: Block) -> None:
        document = self.document
        if document.origin(node.value, block.scope) != "os.environ":
            return
        names = names_given(document, node.slice, node, block.scope)
        if not names:
            if isinstance(node.ctx, _ast.Load):
                self._reader(node.slice, None, node, block)
        elif isinstance(node.ctx, _ast.Store):
            parent = document.parent(node)
            value = document.constant(parent.value, block.scope) if isinstance(parent, _ast.Assign) else UNKNOWN
            for name in names:
                self.emit(EnvWrite(at=document.place(node), name=name, only_default=False, value=keepable(name, value)))
        elif isinstance(node.ctx, _ast.Load):
            for name in names:
                safe = caught(document, block) or tested_before(document, name, node, block)
                self._read(node, block, name, "os.environ", "handled" if safe else "raises", None, "")

    def _call(self, site: CallSite) -> None:
        document, origin = self.document, site.origin or ""
        library = libraries.library_of(origin)
        if library is None:
            if origin == "os.environ.setdefault":
                _setdefault(document, site, self.emit)
            elif (option := option_names(document, site)) is not None:
                names, how, missing, default = option
                kind = default_kind(names[0], document.constant(default, site.scope)) if default is not None else ""
                self._read(site.node, site.block, names[0], how, missing, None, kind, aliases=names[1:])
            elif not origin.startswith(_SILENT_ROOTS):
                named_call(document, site, self.emit, self.context)
            return
        argument = site.argument(0, "env" if library.how == "dj-database-url" else "key")
        names = names_given(document, argument, site.node, site.scope)
        if argument is None and library.named:
            names = [library.named]
        if not names:
            self._reader(argument, site.argument(1, "default"), site.node, site.block)
        prefix = self.prefixes.get(library.how, "")
        if library.how == "environs":
            prefix += libraries.around(document, site.block)
        for name in names:
            self._library_read(site, library, prefix + name)

    def _library_read(self, site: CallSite, library: libraries.Library, name: str) -> None:
        default = site.argument(library.default_at, "default")
        if default is None and library.how == "django-environ":
            default = self.scheme.get(name)
        cast = site.argument(2 if library.how == "decouple" else 1, "cast")
        origin = self.document.origin(cast, site.scope) if cast is not None else None
        missing, text, kind = self._missing(site, library, name, default)
        self._read(site.node, site.block, name, library.how, missing, text, kind, parse=libraries.parse_of(library, origin or ""))

    def _missing(
        self, site: CallSite, library: libraries.Library, name: str, default: _ast.expr | None
    ) -> tuple[str, str | None, str]:
        """What a missing value means, and the default with its kind; ``get(X) or "text"`` has a default as well."""
        document, gives_none = self.document, site.origin in libraries.GIVE_NONE or library.how == "dj-database-url"
        value = document.constant(default, site.scope) if default is not None else None
        if default is None or value is None or value == "":
            otherwise = self._or_else(site)
            if otherwise is not None:
                return "default", keepable(name, otherwise), self._kind(name, otherwise)
        if default is None:
            missing = when_none(document, site, name) if gives_none else "raises"
            if stops_when_listed(document, site):
                missing = "raises"
            elif missing == "raises" and not gives_none:
                tested = tested_before(document, name, site.node, site.block)
                missing = "handled" if tested or caught(document, site.block) else missing
            return missing, None, "none" if gives_none else ""
        missing, kind = "default", self._kind(name, value)
        if value is None or value == "":
            told = when_none(document, site, name)
            if value is None or (told == "raises" and is_checked(document, site)):
                missing = told
        return missing, keepable(name, value), kind

    def _or_else(self, site: CallSite) -> object:
        """The literal at the end of ``read or … or literal`` (not an empty one), else None."""
        parent = self.document.parent(site.node)
        if not isinstance(parent, _ast.BoolOp) or not isinstance(parent.op, _ast.Or) or parent.values[-1] is site.node:
            return None
        value = self.document.constant(parent.values[-1], site.scope)
        return value if isinstance(value, str | int | float) and value not in ("", 0) else None

    def _kind(self, name: str, value: object) -> str:
        kind = default_kind(name, value)
        if kind == "secret" and self.context.refuses(str(value)):
            return "refused"
        return kind

    def _reader(self, argument: _ast.expr | None, default: _ast.expr | None, node: _ast.expr, block: Block) -> None:
        """The name is a parameter of the enclosing function: that function is a reader."""
        document = self.document
        function = next((info for info in document.functions if info.scope is block.scope), None)
        prefix, parameter = _parameter(argument)
        if function is None or not parameter:
            return
        params = [arg.arg for arg in function.parameters()]
        if parameter not in params:
            return
        offset = 1 if function.owner and params[:1] in (["self"], ["cls"]) else 0
        default_param = default.id if isinstance(default, _ast.Name) and default.id in params else ""
        others = {param for param in params if param != parameter}
        raises = any(
            isinstance(step, _ast.Raise) and _stops_on_missing(document, inner, others)
            for step, inner in document.statements
            if inner.scope is block.scope
        )
        if isinstance(node, _ast.Subscript):
            raises = not caught(document, block) and not is_tested(document, parameter, block.scope)
        if not default_param and default is None and not raises:
            # `value = os.environ.get(name)` … `return value or default`
            default_param = next((name for name in params if name in ("default", "fallback")), "")
        missing = "default" if default is not None and not default_param else "none"
        if missing == "none" and self._returns_literal(block.scope):
            missing = "handled"
        found = EnvReader(
            at=document.place(node),
            default_param=default_param,
            default_position=params.index(default_param) - offset if default_param else -1,
            missing="raises" if raises else missing,
            param=parameter,
            position=params.index(parameter) - offset,
            prefix=prefix,
            qualname=function.qualname,
            through="",
        )
        self.readers.setdefault(function.qualname, found)
        self.emit(found)

    def _returns_literal(self, scope: Scope) -> bool:
        """Tell whether a function returns a literal (not None) somewhere: what it gives without a variable is not None."""
        returned = (
            step.value for step, block in self.document.statements if isinstance(step, _ast.Return) and block.scope is scope
        )
        return any(
            isinstance(value, _ast.List | _ast.Tuple | _ast.Dict | _ast.Set)
            or (isinstance(value, _ast.Constant) and value.value is not None)
            for value in returned
        )

    def _passed_on(self) -> None:
        """Functions of this file that hand a parameter to a reader of this file are readers themselves."""
        for site in self.document.calls if self.readers else ():
            inner = self.readers.get((site.origin or "").removeprefix("<local>."))
            function = next((info for info in self.document.functions if info.scope is site.scope), None)
            if inner is None or inner.through or function is None or function.qualname in self.readers:
                continue
            argument = site.argument(inner.position, inner.param)
            params = [arg.arg for arg in function.parameters()]
            if not isinstance(argument, _ast.Name) or argument.id not in params:
                continue
            offset = 1 if function.owner and params[:1] in (["self"], ["cls"]) else 0
            given = site.argument(inner.default_position, inner.default_param) if inner.default_param else None
            handed = given.id if isinstance(given, _ast.Name) and given.id in params else ""
            outer = inner.replace(
                at=self.document.place(site.node),
                default_param=handed,
                default_position=params.index(handed) - offset if handed else -1,
                missing="default" if given is not None and not handed else inner.missing,
                param=argument.id,
                position=params.index(argument.id) - offset,
                qualname=function.qualname,
                through=site.origin or "",
            )
            self.readers[function.qualname] = outer
            self.emit(outer)

    def _objects(self) -> None:
        """What other files must know of the objects of django-environ, environs and starlette that they import from here."""
        for name, bindings in self.document.scope.bindings.items():
            node = bindings[0].node
            how = (
                libraries.MAKERS.get(self.document.origin(node.func, self.document.scope) or "")
                if isinstance(node, _ast.Call)
                else None
            )
            if how is not None and len(bindings) == 1 and isinstance(node, _ast.Call):
                scheme = sorted(self.scheme) if how == "django-environ" else []
                at = self.document.place(node)
                self.emit(EnvObject(at=at, how=how, name=name, prefix=self.prefixes.get(how, ""), scheme=scheme))


def _stops_on_missing(document: PythonDocument, block: Block, others: set[str]) -> bool:
    """Tell whether a ``raise`` in `block` can be what a missing variable leads to: not one that another parameter asks for, nor one
    that a value that cannot be converted leads to.
    """
    for outer in block.up():
        if outer.kind == "except" and isinstance(outer.node, _ast.ExceptHandler):
            types = outer.node.type.elts if isinstance(outer.node.type, _ast.Tuple) else [outer.node.type]
            named = {document.origin(item, block.scope) for item in types if item is not None}
            if named and named <= {"ValueError", "TypeError", "json.JSONDecodeError"}:
                return False
        if outer.kind in ("if", "else") and isinstance(outer.node, _ast.If):
            stack: list[_ast.AST] = [outer.node.test]
            while stack:
                node = stack.pop()
                if isinstance(node, _ast.Name) and node.id in others:
                    return False
                stack.extend(document.children(node))
    return True


def _parameter(argument: _ast.expr | None) -> tuple[str, str]:
    """The literal prefix and the name that an argument is made of: ``name``, ``f"APP_{name}"``, ``"APP_" + name``, ``name.upper()``."""
    if isinstance(argument, _ast.Call) and isinstance(argument.func, _ast.Attribute) and argument.func.attr == "upper":
        argument = argument.func.value
    if isinstance(argument, _ast.Name):
        return "", argument.id
    parts: list[_ast.expr] = []
    if isinstance(argument, _ast.JoinedStr):
        parts = argument.values
    elif isinstance(argument, _ast.BinOp) and isinstance(argument.op, _ast.Add):
        parts = [argument.left, argument.right]
    if len(parts) == 2 and isinstance(parts[0], _ast.Constant) and isinstance(parts[0].value, str):
        last = parts[1].value if isinstance(parts[1], _ast.FormattedValue) else parts[1]
        if isinstance(last, _ast.Name):
            return parts[0].value, last.id
    return "", ""


def _setdefault(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    name = document.constant(site.argument(0, "key"), site.scope)
    if isinstance(name, str):
        value = document.constant(site.argument(1, "value"), site.scope)
        emit(EnvWrite(at=document.place(site.node), name=name, only_default=True, value=keepable(name, value)))


def named_call(document: PythonDocument, site: CallSite, emit: Emit, context: Context) -> None:
    """Emit a call with a literal name, or one that needs none, of something that another file may show to be a reader."""
    args = site.node.args
    named = (pair for pair in enumerate(args[:2]) if isinstance(pair[1], _ast.Constant) and looks_like_name(pair[1].value))
    position, argument = next(named, (-1, None))
    origin = site.origin or ""
    if not isinstance(argument, _ast.Constant):
        if args or origin.rpartition(".")[2] not in libraries.NAMED or not origin.startswith((".", "<local>")):
            return
        position = 0
    default = site.keyword("default")
    cast = site.keyword("cast")
    for given in args[position + 1 : position + 3]:
        if libraries.is_type(document, given, site.scope):
            cast = cast or given
        else:
            default = default or given
    value = document.constant(default, site.scope) if default is not None else None
    name = str(argument.value) if isinstance(argument, _ast.Constant) else ""
    function = site.scope.enclosing_function()
    emit(
        NamedCall(
            at=document.place(site.node),
            cast=document.origin(cast, site.scope) or "" if cast is not None else "",
            caught=caught(document, site.block),
            default=keepable(name, value) if default is not None else None,
            default_kind=default_kind(name, value) if default is not None else "",
            defaulted=default is not None and value is not None,
            function=function.qualname if function else "",
            guarded=context.guarded(site.node, name, site.block),
            import_time=function is None,
            missing=when_none(document, site, name),
            name=name,
            origin=origin,
            position=position,
        )
    )
