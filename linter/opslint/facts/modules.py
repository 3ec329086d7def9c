"""How Python modules hang together: imports, functions with what they call, module-level objects."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import handed_functions

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Places
    from opslint.syntax.python import FunctionInfo, ImportInfo, PythonDocument
    from opslint.syntax.python_scope import Block


class Import(Fact):
    """One imported module or name.

    `module` has leading dots when relative, `name` is None for ``import module``, ``*`` for a star import.
    `surely`: run whenever the module is (module level, not under ``if TYPE_CHECKING``, a condition or a try).
    `function`: qualname of the function it stands in, else "". `alias` is the name it binds in the module.
    """

    __slots__ = ("alias", "function", "module", "name", "surely")
    alias: str
    function: str
    module: str
    name: str | None
    surely: bool


class Function(Fact):
    """One function or method with what it calls.

    `calls` are ``[origin, place]`` (resolved origins only, in source order, one per origin); `decorators` likewise;
    `params` are ``[name, origin of an instance of the annotation or None]``; `returns` is the origin of what every
    ``return`` gives, when there is one, and `parts` those of its elements when every ``return`` gives a tuple of one length; `owner` the
    class qualname or "". `passed` are ``[origin, place, how]`` of names given to other calls that may be functions: ``passed`` to be
    called while it waits, ``later`` (a thread, a background task). `contained`: all of its work stands in one try that takes every error and
    goes on; `refuses`: it says no to a request by raising (401, 404, …).
    """

    __slots__ = (
        "calls",
        "contained",
        "decorators",
        "is_async",
        "owner",
        "params",
        "parts",
        "passed",
        "qualname",
        "refuses",
        "returns",
    )
    calls: list[list[object]]
    contained: bool
    decorators: list[list[object]]
    is_async: bool
    owner: str
    params: list[list[object]]
    parts: list[str | None]
    passed: list[list[object]]
    qualname: str
    refuses: bool
    returns: str | None


class ModuleCalls(Fact):
    """What the module itself calls when imported: ``[origin, place]`` pairs. `main_guard`: calls under ``if __name__ == "__main__"``."""

    __slots__ = ("calls", "main_guard")
    calls: list[list[object]]
    main_guard: list[list[object]]


class ModuleBinding(Fact):
    """A module-level or class-level name bound to an object of known origin (``session = requests.Session()``)."""

    __slots__ = ("name", "origin")
    name: str
    origin: str


class ClassDef(Fact):
    """A class with the origins of its bases (unknown ones left out) and its method names."""

    __slots__ = ("bases", "methods", "qualname")
    bases: list[str]
    methods: list[str]
    qualname: str


class DynamicImport(Fact):
    """A module named by a string: an installed app, a URLconf, a task module, ``uvicorn.run("app.main:app")``. `surely`: loaded at start."""

    __slots__ = ("name", "surely")
    name: str
    surely: bool


def is_main_guard(block: Block) -> bool:
    """Tell whether a block stands under ``if __name__ == "__main__"``."""
    inner: Block | None = block
    while inner is not None:
        node = inner.node
        if inner.kind == "if" and isinstance(node, _ast.If) and isinstance(node.test, _ast.Compare):
            left = node.test.left
            if isinstance(left, _ast.Name) and left.id == "__name__":
                return True
        inner = inner.parent
    return False


def _is_type_checking(block: Block) -> bool:
    for outer in block.up():
        if outer.kind == "if" and isinstance(outer.node, _ast.If):
            test = outer.node.test
            name = test.attr if isinstance(test, _ast.Attribute) else test.id if isinstance(test, _ast.Name) else ""
            if name == "TYPE_CHECKING":
                return True
    return False


def _imports(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    for found in document.imports:
        if not _is_type_checking(found.block):
            emit(_import(document, found))


def _import(document: PythonDocument, found: ImportInfo) -> Import:
    function = found.block.scope.enclosing_function()
    conditional = any(block.kind in ("if", "else", "try", "except", "loop") for block in found.block.up())
    return Import(
        at=document.place(found.node),
        alias=found.alias,
        function=function.qualname if function else "",
        module=found.module,
        name=found.name,
        surely=function is None and not conditional,
    )


def _functions(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    returned = _return_values(document)
    calls: dict[int, dict[str, int]] = {}
    top: dict[str, int] = {}
    guarded: dict[str, int] = {}
    for site in document.calls:
        if site.origin is None:
            continue
        scope = site.scope.enclosing_function()
        if scope is not None:
            known = calls.setdefault(id(scope), {})
        else:
            known = guarded if is_main_guard(site.block) else top
        if site.origin not in known:
            known[site.origin] = document.place(site.node)
    handed: dict[int, dict[str, list[object]]] = {}
    for site, argument, origin, how in handed_functions(document):
        scope = site.scope.enclosing_function()
        if scope is not None and origin not in calls.get(id(scope), {}):
            passed = handed.setdefault(id(scope), {})
            if origin not in passed:
                passed[origin] = [origin, document.place(argument), how]
    refusing = _refusing(document)
    for info in document.functions:
        key = id(info.scope)
        passed_on = list(handed.get(key, {}).values())
        emit(_function(document, info, calls.get(key, {}), passed_on, returned.get(key, []), key in refusing))
    if top or guarded:
        emit(ModuleCalls(at=document.places.add((1, 1, 1, 1)), calls=_pairs(top), main_guard=_pairs(guarded)))
    methods_of: dict[str, list[str]] = {}
    for info in document.functions:
        if info.owner:
            methods_of.setdefault(info.owner, []).append(info.node.name)
    for klass in document.classes:
        methods = methods_of.get(klass.qualname, [])
        bases = [base for base in klass.bases if base]
        emit(ClassDef(at=document.place(klass.node), bases=bases, methods=methods, qualname=klass.qualname))


def _pairs(calls: dict[str, int]) -> list[list[object]]:
    return [[origin, place] for origin, place in calls.items()]


def _function(
    document: PythonDocument,
    info: FunctionInfo,
    calls: dict[str, int],
    passed: list[list[object]],
    returned: list[_ast.expr],
    refuses: bool,
) -> Function:
    params: list[list[object]] = []
    for arg in info.parameters():
        outer = info.scope.parent or document.scope
        params.append([arg.arg, document.instance_of(arg.annotation, outer) if arg.annotation else None])
    return Function(
        at=document.place(info.node),
        calls=_pairs(calls),
        contained=_is_contained(info.node.body),
        decorators=[[origin, document.place(node)] for origin, node in info.decorators],
        is_async=info.is_async,
        owner=info.owner,
        params=params,
        parts=_returned_parts(document, info, returned),
        passed=passed,
        qualname=info.qualname,
        refuses=refuses,
        returns=_returned(document, info, returned),
    )


_FRAMEWORKS = frozenset(("aiohttp", "django", "fastapi", "flask", "litestar", "rest_framework", "sanic", "starlette", "werkzeug"))
_REFUSALS = ("HTTPException", "Http404", "PermissionDenied", "AuthenticationFailed", "NotAuthenticated", "Unauthorized")


def _refusing(document: PythonDocument) -> set[int]:
    """The scopes (by identity) that raise an HTTP refusal, made there or kept under a name."""
    found: set[int] = set()
    for statement, block in document.statements:
        if isinstance(statement, _ast.Raise) and statement.exc is not None:
            made = statement.exc.func if isinstance(statement.exc, _ast.Call) else statement.exc
            origin = document.origin(made, block.scope)
            root, _, rest = (origin or "").removesuffix("()").partition(".")
            if root in _FRAMEWORKS and rest.rpartition(".")[2] in _REFUSALS:
                found.add(id(block.scope))
    return found


def _is_contained(body: list[_ast.stmt]) -> bool:
    """Tell whether a function is one try with a broad except that does not raise, beside its docstring and plain names."""
    work = [
        statement
        for statement in body
        if not (isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Constant))
        and not (isinstance(statement, _ast.Assign) and isinstance(statement.value, _ast.Constant | _ast.Name | _ast.Attribute))
    ]
    if len(work) != 1 or not isinstance(work[0], _ast.Try):
        return False
    for handler in work[0].handlers:
        kind = handler.type
        if kind is None or (isinstance(kind, _ast.Name) and kind.id in ("Exception", "BaseException")):
            return not any(isinstance(statement, _ast.Raise) for statement in handler.body)
    return False


def _return_values(document: PythonDocument) -> dict[int, list[_ast.expr]]:
    """What each scope returns, or yields as a dependency does; by the identity of the scope."""
    values: dict[int, list[_ast.expr]] = {}
    for statement, block in document.statements:
        value: _ast.expr | None = None
        if isinstance(statement, _ast.Return):
            value = statement.value
        elif isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Yield):
            value = statement.value.value
        if value is not None and not (isinstance(value, _ast.Constant) and value.value is None):
            values.setdefault(id(block.scope), []).append(value)
    return values


def _returned(document: PythonDocument, info: FunctionInfo, values: list[_ast.expr]) -> str | None:
    """The one origin that all returns give; the return annotation when they tell nothing."""
    origins = {document.origin(value, info.scope) for value in values}
    if len(origins) == 1 and None not in origins:
        return origins.pop()
    if info.node.returns is not None:
        return document.instance_of(info.node.returns, info.scope.parent or document.scope)
    return None


def _returned_parts(document: PythonDocument, info: FunctionInfo, values: list[_ast.expr]) -> list[str | None]:
    """The origins of the elements of the tuple that every return gives; empty when there is no such tuple."""
    tuples = [value for value in values if isinstance(value, _ast.Tuple)]
    if not tuples or len(tuples) != len(values) or len({len(value.elts) for value in tuples}) != 1:
        return []
    found: list[str | None] = []
    for elements in zip(*(value.elts for value in tuples), strict=True):
        origins = {document.origin(element, info.scope) for element in elements if not _is_nothing(element)}
        found.append(origins.pop() if len(origins) == 1 else None)
    return found


def _is_nothing(node: _ast.expr) -> bool:
    return isinstance(node, _ast.Constant) and node.value is None


_LOADERS = {
    "uvicorn.run": True,
    "importlib.import_module": False,
    "django.urls.include": True,
    "django.conf.urls.include": True,
    "django.utils.module_loading.import_string": False,
}
_SETTINGS = frozenset(("INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION", "CELERY_IMPORTS"))


def _dynamic(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    for site in document.calls:
        surely = _LOADERS.get(site.origin or "")
        if surely is not None and site.node.args:
            _dynamic_names(document, site.node.args[0], surely, emit)
        elif site.origin in ("celery.Celery", "celery.app.Celery"):
            included = site.keyword("include")
            if included is not None:
                _dynamic_names(document, included, True, emit)
        elif site.origin == "os.environ.setdefault" and len(site.node.args) == 2:
            if document.constant(site.node.args[0], site.scope) == "DJANGO_SETTINGS_MODULE":
                _dynamic_names(document, site.node.args[1], True, emit)
    if b"INSTALLED_APPS" in document.data or b"ROOT_URLCONF" in document.data:
        for name in sorted(_SETTINGS & document.scope.bindings.keys()):
            for binding in document.scope.bindings[name]:
                if isinstance(binding.node, _ast.expr):
                    _dynamic_names(document, binding.node, True, emit)


def _dynamic_names(document: PythonDocument, node: _ast.expr, surely: bool, emit: Callable[[Fact], None]) -> None:
    stack: list[_ast.expr] = [node]
    followed: set[str] = set()
    while stack:
        item = stack.pop()
        if isinstance(item, _ast.Constant) and isinstance(item.value, str):
            name = item.value.partition(":")[0]
            if name and name.replace(".", "").replace("_", "").isalnum():
                emit(DynamicImport(at=document.place(item), name=name, surely=surely))
        elif isinstance(item, _ast.List | _ast.Tuple):
            stack.extend(reversed(item.elts))
        elif isinstance(item, _ast.BinOp):
            stack.extend((item.right, item.left))
        elif isinstance(item, _ast.Starred):
            stack.append(item.value)
        elif isinstance(item, _ast.Name) and item.id not in followed:
            # INSTALLED_APPS = DJANGO_APPS + LOCAL_APPS
            followed.add(item.id)
            bindings = document.scope.bindings.get(item.id, ())
            stack.extend(binding.node for binding in bindings if binding.how == "value" and isinstance(binding.node, _ast.expr))


def _bindings(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    for name, bindings in document.scope.bindings.items():
        values = [binding for binding in bindings if binding.how == "value" and isinstance(binding.node, _ast.expr)]
        if not values or len(values) != len(bindings):
            continue
        origin = document.origin(_ast.Name(id=name, ctx=_ast.Load(), lineno=1 << 30, col_offset=0), document.scope)
        node = values[-1].node
        if origin is not None and origin != "str()" and isinstance(node, _ast.expr):
            emit(ModuleBinding(at=document.place(node), name=name, origin=origin))


def extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    """Emit imports, functions, module calls, classes and module-level objects."""
    _imports(document, emit)
    _functions(document, emit)
    _bindings(document, emit)
    _dynamic(document, emit)


def scan_imports(data: bytes, places: Places) -> list[Fact]:
    """Take the imports of a module that the prescreen did not parse, by its bytes: one regular expression over whole lines.

    Only names after ``import`` on the same line or in one parenthesised list are seen; an indented import counts as
    not surely run. A line inside a string can be taken for an import: that makes a module possibly reachable, never surely a finding.
    """
    import re

    pattern = re.compile(
        rb"^([ \t]*)(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n#;]+))|import[ \t]+([^\n#;]+))", re.MULTILINE
    )
    found: list[Fact] = []
    for match in pattern.finditer(data):
        line = data.count(b"\n", 0, match.start(1)) + 1
        at = places.add((line, len(match.group(1)) + 1, line, len(match.group(1)) + 1))
        surely = not match.group(1)
        if match.group(5) is not None:
            listed, base = match.group(5), None
        else:
            listed = match.group(3) if match.group(3) is not None else match.group(4)
            base = match.group(2).decode("utf-8", "replace")
        rows = b"\n".join(row.partition(b"#")[0] for row in listed.split(b"\n"))
        for part in rows.decode("utf-8", "replace").split(","):
            words = part.split()
            if words:
                name = words[0] if base is not None else None
                alias = words[2] if len(words) == 3 else words[0].partition(".")[0]
                found.append(Import(at=at, alias=alias, function="", module=base or words[0], name=name, surely=surely))
    return found


EXTRACTORS = (Extractor("python", (), extract, weak=True),)
