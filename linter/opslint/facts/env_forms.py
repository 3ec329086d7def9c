"""Forms a read can take beside a call with a literal: tests of membership, loops over names, options of commands, whole prefixes."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block, Scope

MAX_LOOPED = 40
"""Names taken of one list that a loop goes over."""

_TRUE = frozenset(("true", "1", "yes", "on", "y", "t"))
_FALSE = frozenset(("false", "0", "no", "off", "n", "f", ""))
_LOWERING = frozenset(("lower", "casefold", "upper"))
_OPTIONS = {
    "click.option": "click",
    "click.argument": "click",
    "rich_click.option": "click",
    "typer.Option": "typer",
    "typer.Argument": "typer",
}
_DYNACONF = {"dynaconf.Dynaconf": "DYNACONF", "dynaconf.LazySettings": "DYNACONF", "dynaconf.DjangoDynaconf": "DJANGO"}
_DYNACONF_FLASK = "dynaconf.FlaskDynaconf"


def names_given(document: PythonDocument, argument: _ast.expr | None, node: _ast.AST, scope: Scope) -> list[str]:
    """Return the names that an argument stands for: a literal's one, or all that a loop around `node` takes it from."""
    if argument is None:
        return []
    value = document.constant(argument, scope)
    if isinstance(value, str):
        return [value]
    if not isinstance(argument, _ast.Name):
        return []
    inner: _ast.AST | None = node
    while inner is not None and not isinstance(inner, _ast.FunctionDef | _ast.AsyncFunctionDef):
        loops: list[tuple[_ast.expr, _ast.expr]] = []
        if isinstance(inner, _ast.For):
            loops = [(inner.target, inner.iter)]
        elif isinstance(inner, _ast.ListComp | _ast.SetComp | _ast.GeneratorExp | _ast.DictComp):
            loops = [(part.target, part.iter) for part in inner.generators]
        for target, source in loops:
            if isinstance(target, _ast.Name) and target.id == argument.id:
                return _items(document, source, scope)
        inner = document.parent(inner)
    return []


def _items(document: PythonDocument, source: _ast.expr, scope: Scope) -> list[str]:
    """The strings of a list, tuple or set, or of the one that a name is bound to."""
    if isinstance(source, _ast.Name):
        found = scope.lookup(source.id)
        bound = found[1][0].node if found is not None and len(found[1]) == 1 and found[1][0].how == "value" else None
        source = bound if isinstance(bound, _ast.expr) else source
    if not isinstance(source, _ast.List | _ast.Tuple | _ast.Set):
        return []
    texts = [item.value for item in source.elts if isinstance(item, _ast.Constant) and isinstance(item.value, str)]
    return texts[:MAX_LOOPED] if len(texts) == len(source.elts) else []


def memberships(document: PythonDocument) -> Iterator[tuple[_ast.expr, Block, str]]:
    """Yield every ``"X" in os.environ`` with its block and the name."""
    for node, block in _tests(document):
        name = document.constant(node.left, block.scope)
        if isinstance(name, str):
            yield node, block, name


def is_tested(document: PythonDocument, parameter: str, scope: Scope) -> bool:
    """Tell whether a function tests ``parameter in os.environ``: then it does not fail on a variable that is not set."""
    return any(
        block.scope is scope and isinstance(node.left, _ast.Name) and node.left.id == parameter
        for node, block in _tests(document)
    )


def _tests(document: PythonDocument) -> Iterator[tuple[_ast.Compare, Block]]:
    if b"in os.environ" not in document.data and b"in environ" not in document.data:
        return
    for statement, block in document.statements:
        stack = [child for child in document.children(statement) if isinstance(child, _ast.expr | _ast.keyword | _ast.withitem)]
        while stack:
            node = stack.pop()
            if isinstance(node, _ast.Compare) and isinstance(node.ops[0], _ast.In | _ast.NotIn):
                if document.origin(node.comparators[0], block.scope) == "os.environ":
                    yield node, block
            stack.extend(child for child in document.children(node) if not isinstance(child, _ast.stmt))  # type: ignore[misc]


def compared_with(document: PythonDocument, node: _ast.AST) -> str:
    """Return how a read is compared with words for true or false: ``=True``, ``=~1|true`` (in any case), ``!~false``; "" when it is not."""
    lowered = False
    parent = document.parent(node)
    while isinstance(parent, _ast.Attribute) and isinstance(call := document.parent(parent), _ast.Call) and call.func is parent:
        if parent.attr not in _LOWERING and parent.attr != "strip":
            return ""
        lowered = lowered or parent.attr in _LOWERING
        node, parent = call, document.parent(call)
    if not isinstance(parent, _ast.Compare) or parent.left is not node or len(parent.ops) != 1:
        return ""
    if isinstance(document.parent(parent), _ast.BoolOp):
        return ""  # `X == "1" or X == "true"`: the operands are one question
    other = parent.comparators[0]
    items = other.elts if isinstance(other, _ast.List | _ast.Tuple | _ast.Set) else [other]
    texts = [item.value for item in items if isinstance(item, _ast.Constant) and isinstance(item.value, str)]
    if not texts or len(texts) != len(items):
        return ""
    words = {text.lower() for text in texts}
    kept = "|".join(sorted({text.lower() if lowered else text for text in texts}))
    if isinstance(parent.ops[0], _ast.Eq | _ast.In) and words <= _TRUE:
        return f"={'~' if lowered else ''}{kept}"
    if isinstance(parent.ops[0], _ast.NotEq | _ast.NotIn) and words <= _FALSE:
        return f"!{'~' if lowered else ''}{kept}"
    return ""


def option_names(document: PythonDocument, site: CallSite) -> tuple[list[str], str, str, _ast.expr | None] | None:
    """Return (names, library, what a missing one means, default) of an option of a command that falls back to variables."""
    origin = site.origin or ""
    how = _OPTIONS.get(origin)
    if how is not None:
        given = site.keyword("envvar")
        items = given.elts if isinstance(given, _ast.List | _ast.Tuple) else [given]
        names = [text for item in items if isinstance(text := document.constant(item, site.scope), str)]
        default = site.keyword("default") or (site.node.args[0] if how == "typer" and site.node.args else None)
        if not names:
            return None
        known = default is not None and not (isinstance(default, _ast.Constant) and default.value in (None, ...))
        # The command line may give it, so that a missing variable never stops the program by itself.
        return names, how, "default" if known else "handled", default if known else None
    if origin.endswith(".from_envvar") and "flask." in origin:
        name = document.constant(site.argument(0, "variable_name"), site.scope)
        silent = document.constant(site.argument(1, "silent"), site.scope) is True
        return ([name], "flask", "handled" if silent else "raises", None) if isinstance(name, str) else None
    return None


def families(document: PythonDocument) -> Iterator[tuple[int, str]]:
    """Yield (place, prefix) where every variable with a prefix is read ("" : every variable)."""
    loops: dict[int, int] = {}
    prefixes: dict[int, list[str]] = {}
    for site in document.calls:
        origin = site.origin or ""
        place = -1
        prefix: object = None
        if origin in _DYNACONF or origin == _DYNACONF_FLASK:
            place = document.place(site.node)
            given = site.keyword("envvar_prefix") or site.keyword("ENVVAR_PREFIX")
            prefix = document.constant(given, site.scope) if given is not None else _DYNACONF.get(origin, "FLASK")
            prefix = "" if prefix is False else prefix
            for part in prefix.split(",") if isinstance(prefix, str) else ():
                yield place, f"{part.strip().upper()}_" if part.strip() else ""
        elif origin.endswith(".from_prefixed_env"):
            given = site.argument(0, "prefix")
            prefix = document.constant(given, site.scope) if given is not None else "FLASK"
            if isinstance(prefix, str):
                yield document.place(site.node), f"{prefix}_"
        elif origin in ("os.environ.items", "os.environ.keys"):
            loops.setdefault(id(site.scope), document.place(site.node))
        elif isinstance(site.node.func, _ast.Attribute) and site.node.func.attr == "startswith" and site.node.args:
            text = document.constant(site.node.args[0], site.scope)
            if isinstance(text, str):
                prefixes.setdefault(id(site.scope), []).append(text)
        yield from _automatic(document, site)
    for scope, place in loops.items():
        for text in prefixes.get(scope, ()):
            yield place, text


def _automatic(document: PythonDocument, site: CallSite) -> Iterator[tuple[int, str]]:
    """Click's ``auto_envvar_prefix``, as an argument or inside ``context_settings``."""
    if b"auto_envvar_prefix" not in document.data:
        return
    found = [site.keyword("auto_envvar_prefix")]
    settings = site.keyword("context_settings")
    if isinstance(settings, _ast.Dict):
        pairs = zip(settings.keys, settings.values, strict=True)
        found.extend(value for key, value in pairs if getattr(key, "value", None) == "auto_envvar_prefix")
    for node in found:
        text = document.constant(node, site.scope) if node is not None else None
        if isinstance(text, str):
            yield document.place(site.node), f"{text.upper()}_"
