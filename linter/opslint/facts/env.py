"""Environment variables as Python code reads them, with what happens when one is missing."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_context import Context, assigned_name
from opslint.facts.env_defaults import default_kind, keepable
from opslint.facts.env_uses import caught, is_checked, tested_before, when_none
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block, Scope

    Emit = Callable[[Fact], None]


class EnvRead(Fact):
    """One read of one variable.

    `missing` says what happens when it is not set: ``raises`` (an exception at the read, or at once after it), ``none`` (None
    goes on to somewhere this file does not tell), ``handled`` (None is tested for), ``default`` (a default takes its place).
    `default` is the default's text where it may be kept, `default_kind` one of ``"" none empty harmless development secret refused
    unknown`` (``refused``: a secret that the file itself compares with and so does not put up with).
    `import_time`: read while the module is imported. `function`: qualname it stands in, else "". `how` names the reader (``os.environ``,
    ``django-environ``, ``pydantic``…); `ignore_case`: the reader takes the name in any case. `aliases`: other names that do as well.
    `guarded`: it stands under a test of the tier, of debugging or of another variable. `instead`: variables that, when set, make
    this one needless (it is a fallback of theirs, or an alternative). `parse`: ``bool int float`` where that function takes the
    text as it is, else "".
    """

    __slots__ = (
        "aliases",
        "default",
        "default_kind",
        "function",
        "guarded",
        "how",
        "ignore_case",
        "import_time",
        "instead",
        "missing",
        "name",
        "parse",
    )
    aliases: list[str]
    default: str | None
    default_kind: str
    function: str
    guarded: bool
    how: str
    ignore_case: bool
    import_time: bool
    instead: list[str]
    missing: str
    name: str
    parse: str


class EnvReader(Fact):
    """A function of the repository whose parameter becomes the name of a read.

    `position` and `param` are the parameter that holds the name, `default_param` the one that holds the default ("" when none).
    `missing` as in EnvRead for a call that gives no default. `through` is the origin of another reader it passes the name to, else "".
    """

    __slots__ = ("default_param", "default_position", "missing", "param", "position", "qualname", "through")
    default_param: str
    default_position: int
    missing: str
    param: str
    position: int
    qualname: str
    through: str


class NamedCall(Fact):
    """A call with a literal that looks like a variable's name, to something another file may show to be a reader.

    `origin` is the callee's; `position` of the literal; `defaulted`: a second argument or a ``default`` keyword is given.
    """

    __slots__ = ("default", "default_kind", "defaulted", "function", "import_time", "missing", "name", "origin", "position")
    default: str | None
    default_kind: str
    defaulted: bool
    function: str
    import_time: bool
    missing: str
    name: str
    origin: str
    position: int


class EnvWrite(Fact):
    """The process sets a variable itself (``os.environ[X] = …``, ``setdefault``); `value` where it is a harmless literal."""

    __slots__ = ("name", "only_default", "value")
    name: str
    only_default: bool
    value: str | None


_CALLS = {
    "os.getenv": "os.environ",
    "os.environ.get": "os.environ",
    "os.environ.pop": "os.environ",
    "decouple.config": "decouple",
    "decouple.AutoConfig()": "decouple",
    "decouple.Config()": "decouple",
    "starlette.config.Config()": "starlette",
    "environ.Env()": "django-environ",
    "environ.FileAwareEnv()": "django-environ",
    "environs.Env()": "environs",
    "environs.FileAwareEnv()": "environs",
}
"""Calls that read a variable named by the first argument. The first three give None, the others raise."""

_GIVE_NONE = frozenset(("os.getenv", "os.environ.get"))
_TYPED = ("environ.Env().", "environ.FileAwareEnv().", "environs.Env().", "environs.FileAwareEnv().")
_NOT_READS = frozenset(
    "read_env read_envfile seal prefixed dump parser_for parse_value get_value path_from unset is_value add_parser".split()
)


def looks_like_name(text: object) -> bool:
    """Tell whether a literal has the form of a variable's name: capitals, digits, underscores, three or more."""
    return isinstance(text, str) and len(text) >= 3 and text[0].isalpha() and text.isupper() and text.replace("_", "").isalnum()


class _Extraction:
    """One file while its reads are taken."""

    def __init__(self, document: PythonDocument, emit: Emit) -> None:
        self.document = document
        self.emit = emit
        self.defaults = _scheme_defaults(document)
        self.context = Context(document, lambda node, scope: variable_of(document, node, scope))
        self.reads: list[tuple[EnvRead, tuple[str, str] | None]] = []

    def run(self) -> None:
        for node, block in self.document.subscripts:
            self._subscript(node, block)
        for site in self.document.calls:
            if site.origin is not None:
                self._call(site)
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

    def _read(self, node: _ast.expr, block: Block, name: str, how: str, missing: str, default: str | None, kind: str) -> None:
        function = block.scope.enclosing_function()
        qualname = function.qualname if function else ""
        target = assigned_name(self.document, node)
        instead = {*self.context.instead(node, name, block.scope), *self.context.other_branch(node, name, block.scope)}
        read = EnvRead(
            at=self.document.place(node),
            aliases=[],
            default=default,
            default_kind=kind,
            function=qualname,
            guarded=self.context.guarded(node, name, block),
            how=how,
            ignore_case=False,
            import_time=function is None,
            instead=sorted(instead),
            missing=missing,
            name=name,
            parse=self._parse(node, block),
        )
        self.reads.append((read, (qualname, target) if target is not None else None))

    def _parse(self, node: _ast.expr, block: Block) -> str:
        """The built-in that the read is the only argument of."""
        parent = self.document.parent(node)
        if not isinstance(parent, _ast.Call) or len(parent.args) != 1 or parent.args[0] is not node:
            return ""
        origin = self.document.origin(parent.func, block.scope)
        return origin if origin in ("bool", "int", "float") else ""

    def _subscript(self, node: _ast.Subscript, block: Block) -> None:
        document = self.document
        if document.origin(node.value, block.scope) != "os.environ":
            return
        name = document.constant(node.slice, block.scope)
        if not isinstance(name, str):
            return
        if isinstance(node.ctx, _ast.Store):
            parent = document.parent(node)
            value = document.constant(parent.value, block.scope) if isinstance(parent, _ast.Assign) else UNKNOWN
            self.emit(EnvWrite(at=document.place(node), name=name, only_default=False, value=keepable(name, value)))
        elif isinstance(node.ctx, _ast.Load):
            safe = caught(document, block) or tested_before(document, name, node, block)
            self._read(node, block, name, "os.environ", "handled" if safe else "raises", None, "")

    def _call(self, site: CallSite) -> None:
        document, origin = self.document, site.origin or ""
        how = _how(origin)
        if how is None:
            if origin == "os.environ.setdefault":
                _setdefault(document, site, self.emit)
            elif not origin.startswith(("os.", "logging", "typing")):
                _named_call(document, site, self.emit)
            return
        name = document.constant(site.argument(0, "key"), site.scope)
        if not isinstance(name, str):
            _reader(document, site, self.emit)
            return
        default = site.argument(1, "default")
        if how in ("django-environ", "environs", "decouple", "starlette"):
            default = site.keyword("default") or (
                site.argument(1, "default") if how == "environs" and origin != "environs.Env()" else None
            )
            if default is None and how == "django-environ":
                default = self.defaults.get(name)
        missing, text, kind = self._missing(site, name, default)
        self._read(site.node, site.block, name, how, missing, text, kind)

    def _missing(self, site: CallSite, name: str, default: _ast.expr | None) -> tuple[str, str | None, str]:
        """What a missing value means, and the default with its kind; ``get(X) or "text"`` has a default as well."""
        document, gives_none = self.document, site.origin in _GIVE_NONE
        value = document.constant(default, site.scope) if default is not None else None
        if default is None or value is None or value == "":
            otherwise = self._or_else(site)
            if otherwise is not None:
                return "default", keepable(name, otherwise), self._kind(name, otherwise)
        if default is None:
            missing = when_none(document, site, name) if gives_none else "raises"
            if missing == "raises" and not gives_none and caught(document, site.block):
                missing = "handled"
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


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit reads, readers, named calls and writes."""
    _Extraction(document, emit).run()


def _how(origin: str) -> str | None:
    """The library that a call with this origin reads a variable with, None when it reads none."""
    how = _CALLS.get(origin)
    if how is None and origin.startswith(_TYPED) and origin.count("()") == 1 and origin.rpartition(".")[2] not in _NOT_READS:
        return "environs" if origin.startswith("environs") else "django-environ"
    return how


def variable_of(document: PythonDocument, node: _ast.expr, scope: Scope) -> str | None:
    """Return the variable that an expression reads, None when it is no read or the name is not known."""
    name: object = None
    if isinstance(node, _ast.Subscript):
        if document.origin(node.value, scope) == "os.environ":
            name = document.constant(node.slice, scope)
    elif isinstance(node, _ast.Call) and (node.args or node.keywords):
        origin = document.origin(node.func, scope)
        if origin is not None and _how(origin) is not None:
            name = document.constant(node.args[0] if node.args else None, scope)
    return name if isinstance(name, str) else None


def _where(block: Block) -> tuple[str, bool]:
    function = block.scope.enclosing_function()
    return (function.qualname if function else ""), function is None


def _scheme_defaults(document: PythonDocument) -> dict[str, _ast.expr]:
    """Names with a default in ``environ.Env(NAME=(type, default))``."""
    found: dict[str, _ast.expr] = {}
    for site in document.calls:
        if site.origin in ("environ.Env", "environ.FileAwareEnv"):
            for keyword in site.node.keywords:
                if keyword.arg and isinstance(keyword.value, _ast.Tuple) and len(keyword.value.elts) == 2:
                    found[keyword.arg] = keyword.value.elts[1]
    return found


def _setdefault(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    name = document.constant(site.argument(0, "key"), site.scope)
    if isinstance(name, str):
        value = document.constant(site.argument(1, "value"), site.scope)
        emit(EnvWrite(at=document.place(site.node), name=name, only_default=True, value=keepable(name, value)))


def _named_call(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    named = (
        pair for pair in enumerate(site.node.args[:2]) if isinstance(pair[1], _ast.Constant) and looks_like_name(pair[1].value)
    )
    position, argument = next(named, (-1, None))
    if not isinstance(argument, _ast.Constant):
        return
    default = site.keyword("default") or (site.node.args[position + 1] if len(site.node.args) > position + 1 else None)
    value = document.constant(default, site.scope) if default is not None else None
    name = str(argument.value)
    function, import_time = _where(site.block)
    emit(
        NamedCall(
            at=document.place(site.node),
            default=keepable(name, value) if default is not None else None,
            default_kind=default_kind(name, value) if default is not None else "",
            defaulted=default is not None and value is not None,
            function=function,
            import_time=import_time,
            missing=when_none(document, site, name),
            name=name,
            origin=site.origin or "",
            position=position,
        )
    )


def _reader(document: PythonDocument, site: CallSite, emit: Emit) -> None:
    """The name is a parameter of the enclosing function: that function is a reader."""
    argument = site.argument(0, "key")
    function = next((info for info in document.functions if info.scope is site.scope), None)
    if function is None or not isinstance(argument, _ast.Name):
        return
    params = [arg.arg for arg in function.parameters()]
    if argument.id not in params:
        return
    offset = 1 if function.owner and params[:1] in (["self"], ["cls"]) else 0
    default = site.argument(1, "default")
    default_param = default.id if isinstance(default, _ast.Name) and default.id in params else ""
    raises = any(isinstance(step, _ast.Raise) for step, block in document.statements if block.scope is site.scope)
    if not default_param and default is None and not raises:
        # `value = os.environ.get(name)` … `return value or default`
        default_param = next((name for name in params if name in ("default", "fallback")), "")
    missing = "raises" if raises else "default" if default is not None and not default_param else "none"
    emit(
        EnvReader(
            at=document.place(site.node),
            default_param=default_param,
            default_position=params.index(default_param) - offset if default_param else -1,
            missing=missing,
            param=argument.id,
            position=params.index(argument.id) - offset,
            qualname=function.qualname,
            through="",
        )
    )


EXTRACTORS = (
    Extractor("python", ("environ", "getenv", "decouple", "starlette.config", "environs"), extract),
    Extractor("python", (), lambda document, emit: _weak(document, emit), weak=True),
)


def _weak(document: PythonDocument, emit: Emit) -> None:
    """In files parsed for another's sake: calls of readers that other files define."""
    data = document.data
    if any(literal in data for literal in (b"environ", b"getenv", b"decouple", b"starlette.config", b"environs")):
        return
    for site in document.calls:
        if site.origin is not None and site.origin.startswith((".", "<local>")):
            _named_call(document, site, emit)
