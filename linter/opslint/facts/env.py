"""Environment variables as Python code reads them, with what happens when one is missing."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_defaults import default_kind, keepable
from opslint.syntax.python import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block

    Emit = Callable[[Fact], None]


class EnvRead(Fact):
    """One read of one variable.

    `missing` says what happens when it is not set: ``raises`` (an exception at the read, or at once after it), ``none`` (None
    goes on to somewhere this file does not tell), ``handled`` (None is tested for), ``default`` (a default takes its place).
    `default` is the default's text where it may be kept, `default_kind` one of ``"" none empty harmless development secret unknown``.
    `import_time`: read while the module is imported. `function`: qualname it stands in, else "". `how` names the reader (``os.environ``,
    ``django-environ``, ``pydantic``…); `ignore_case`: the reader takes the name in any case. `aliases`: other names that do as well.
    """

    __slots__ = ("aliases", "default", "default_kind", "function", "how", "ignore_case", "import_time", "missing", "name")
    aliases: list[str]
    default: str | None
    default_kind: str
    function: str
    how: str
    ignore_case: bool
    import_time: bool
    missing: str
    name: str


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
_KEY_ERRORS = frozenset(("KeyError", "LookupError", "Exception", "BaseException"))


def looks_like_name(text: object) -> bool:
    """Tell whether a literal has the form of a variable's name: capitals, digits, underscores, three or more."""
    return isinstance(text, str) and len(text) >= 3 and text[0].isalpha() and text.isupper() and text.replace("_", "").isalnum()


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit reads, readers, named calls and writes."""
    for node, block in document.subscripts:
        _subscript(document, node, block, emit)
    defaults = _scheme_defaults(document)
    for site in document.calls:
        if site.origin is not None:
            _call(document, site, defaults, emit)


def _where(block: Block) -> tuple[str, bool]:
    function = block.scope.enclosing_function()
    return (function.qualname if function else ""), function is None


def _subscript(document: PythonDocument, node: _ast.Subscript, block: Block, emit: Emit) -> None:
    if document.origin(node.value, block.scope) != "os.environ":
        return
    name = document.constant(node.slice, block.scope)
    if not isinstance(name, str):
        return
    if isinstance(node.ctx, _ast.Store):
        parent = document.parent(node)
        value = document.constant(parent.value, block.scope) if isinstance(parent, _ast.Assign) else UNKNOWN
        emit(EnvWrite(at=document.place(node), name=name, only_default=False, value=keepable(name, value)))
        return
    if not isinstance(node.ctx, _ast.Load):
        return
    function, import_time = _where(block)
    guarded = _caught(document, block) or _tested_before(document, name, node, block)
    emit(
        EnvRead(
            at=document.place(node),
            aliases=[],
            default=None,
            default_kind="",
            function=function,
            how="os.environ",
            ignore_case=False,
            import_time=import_time,
            missing="handled" if guarded else "raises",
            name=name,
        )
    )


def _caught(document: PythonDocument, block: Block) -> bool:
    """A ``try`` around the read catches KeyError and does not raise on."""
    for outer in block.up():
        if outer.kind != "try" or not isinstance(outer.node, _ast.Try):
            continue
        for handler in outer.node.handlers:
            types = handler.type.elts if isinstance(handler.type, _ast.Tuple) else [handler.type]
            caught = {document.origin(item, block.scope) if item is not None else "Exception" for item in types}
            if caught & _KEY_ERRORS and not any(isinstance(step, _ast.Raise) for step in handler.body):
                return True
    return False


def _tested_before(document: PythonDocument, name: str, node: _ast.AST, block: Block) -> bool:
    """The read stands under ``if "X" in os.environ`` (statement or conditional expression) or after such an early return."""
    tests = [outer.node.test for outer in block.up() if outer.kind in ("if", "else") and isinstance(outer.node, _ast.If)]
    parent = document.parent(node)
    while isinstance(parent, _ast.expr):
        if isinstance(parent, _ast.IfExp):
            tests.append(parent.test)
        elif isinstance(parent, _ast.BoolOp):
            tests.extend(parent.values)
        parent = document.parent(parent)
    return any(_mentions(document, test, name, block) for test in tests)


def _mentions(document: PythonDocument, test: _ast.expr, name: str, block: Block) -> bool:
    stack: list[_ast.AST] = [test]
    while stack:
        node = stack.pop()
        if isinstance(node, _ast.Constant) and node.value == name:
            return True
        stack.extend(document.children(node))
    return False


def _call(document: PythonDocument, site: CallSite, defaults: dict[str, _ast.expr], emit: Emit) -> None:
    origin = site.origin or ""
    how = _CALLS.get(origin)
    if how is None and origin.startswith(_TYPED) and origin.count("()") == 1:
        method = origin.rpartition(".")[2]
        how = None if method in _NOT_READS else ("environs" if origin.startswith("environs") else "django-environ")
    if how is None:
        if origin == "os.environ.setdefault":
            _setdefault(document, site, emit)
        elif not origin.startswith(("os.", "logging", "typing")):
            _named_call(document, site, emit)
        return
    name = document.constant(site.argument(0, "key"), site.scope)
    if not isinstance(name, str):
        _reader(document, site, emit)
        return
    default = site.argument(1, "default")
    if how in ("django-environ", "environs", "decouple", "starlette"):
        default = site.keyword("default") or (
            site.argument(1, "default") if how == "environs" and origin != "environs.Env()" else None
        )
        if default is None and how == "django-environ":
            default = defaults.get(name)
    function, import_time = _where(site.block)
    if default is None:
        missing = _when_none(document, site, name) if origin in _GIVE_NONE else "raises"
        if missing == "raises" and _caught(document, site.block) and origin not in _GIVE_NONE:
            missing = "handled"
        kind, text = ("none" if origin in _GIVE_NONE else ""), None
    else:
        value = document.constant(default, site.scope)
        kind, text = default_kind(name, value), keepable(name, value)
        missing = "default"
        if value is None or value == "":
            told = _when_none(document, site, name)
            missing = told if value is None or told == "raises" and kind == "empty" and _is_checked(document, site) else "default"
    emit(
        EnvRead(
            at=document.place(site.node),
            aliases=[],
            default=text,
            default_kind=kind,
            function=function,
            how=how,
            ignore_case=False,
            import_time=import_time,
            missing=missing,
            name=name,
        )
    )


def _is_checked(document: PythonDocument, site: CallSite) -> bool:
    """The empty default is only there to be refused: the variable it goes to is tested and the program stopped."""
    parent = document.parent(site.node)
    targets = parent.targets if isinstance(parent, _ast.Assign) else []
    if len(targets) != 1 or not isinstance(targets[0], _ast.Name):
        return False
    return any(_leaves(document, document.parent(use), site) for use in document.uses(targets[0].id, site.scope))


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
    for position, argument in enumerate(site.node.args[:2]):
        if isinstance(argument, _ast.Constant) and looks_like_name(argument.value):
            break
    else:
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
            missing=_when_none(document, site, name),
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


def _when_none(document: PythonDocument, site: CallSite, name: str) -> str:
    """What becomes of a None the read gives: ``raises`` at once, ``handled`` by a test, or ``none``: not told here."""
    node: _ast.AST = site.node
    parent = document.parent(node)
    if _is_test(parent, node) and _leaves(document, parent, site):
        return "raises"
    if isinstance(parent, _ast.BoolOp | _ast.IfExp | _ast.Compare | _ast.NamedExpr) or _is_test(parent, node):
        return "handled"
    if _fails_on_none(document, parent, node, site):
        return "handled" if _tested_before(document, name, node, site.block) else "raises"
    targets = parent.targets if isinstance(parent, _ast.Assign) else [parent.target] if isinstance(parent, _ast.AnnAssign) else []
    if len(targets) == 1 and isinstance(targets[0], _ast.Name):
        return _later_use(document, targets[0].id, site)
    return "none"


def _is_test(parent: _ast.AST | None, node: _ast.AST) -> bool:
    if isinstance(parent, _ast.If | _ast.While | _ast.Assert):
        return parent.test is node
    return isinstance(parent, _ast.UnaryOp) and isinstance(parent.op, _ast.Not)


def _leaves(document: PythonDocument, test: _ast.AST | None, site: CallSite) -> bool:
    """``if not X: raise …`` (or ``X is None``, ``X == ""``, or ``sys.exit``): a missing value stops the program."""
    if not isinstance(test, _ast.UnaryOp | _ast.Compare):
        return False
    if isinstance(test, _ast.Compare) and not (
        isinstance(test.ops[0], _ast.Is | _ast.Eq) and isinstance(test.comparators[0], _ast.Constant) and not test.comparators[0].value
    ):
        return False
    statement = document.parent(test)
    if not isinstance(statement, _ast.If) or statement.test is not test:
        return False
    last = statement.body[-1]
    if isinstance(last, _ast.Raise):
        return True
    call = last.value if isinstance(last, _ast.Expr) else None
    return isinstance(call, _ast.Call) and document.origin(call.func, site.scope) in ("sys.exit", "exit", "quit", "os._exit")


def _fails_on_none(document: PythonDocument, parent: _ast.AST | None, node: _ast.AST, site: CallSite) -> bool:
    """None fails at once as the receiver of a method or subscript, in ``int(…)``/``float(…)``/``len(…)``, as an operand of ``+``, unpacked."""
    if isinstance(parent, _ast.Attribute | _ast.BinOp | _ast.Starred):
        return True
    if isinstance(parent, _ast.Subscript):
        return parent.value is node
    if isinstance(parent, _ast.Call) and parent.args and parent.args[0] is node:
        return document.origin(parent.func, site.scope) in ("int", "float", "len", "json.loads", "pathlib.Path", "ast.literal_eval")
    return isinstance(parent, _ast.For | _ast.comprehension) and parent.iter is node


def _later_use(document: PythonDocument, variable: str, site: CallSite) -> str:
    """Look how `variable` is used in the scope it was assigned in."""
    verdict = "none"
    for use in document.uses(variable, site.scope):
        parent = document.parent(use)
        if _leaves(document, parent, site):
            return "raises"
        if isinstance(parent, _ast.BoolOp | _ast.IfExp | _ast.Compare) or _is_test(parent, use):
            return "handled"
        if isinstance(parent, _ast.Call) and document.origin(parent.func, site.scope) in ("bool", "all", "any", "isinstance"):
            return "handled"
        if isinstance(parent, _ast.List | _ast.Tuple | _ast.Dict | _ast.Set):
            return "handled" if verdict == "none" else verdict
        if _fails_on_none(document, parent, use, site):
            verdict = "raises"
    return verdict


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
