"""What a function does that must not happen twice, and what in it keeps a second run from doing it again.

Both tables are data: effects (writes that add up, messages that go out) and dedup evidence (keys, guards, conflict clauses).
What a function merely touches follows from the origins of its calls and is read off at link (`opslint.model.handlers`).
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, handed_functions
from opslint.facts.effect_calls import DEDUP_DECORATORS, call_mark, is_relative, may_be_ours
from opslint.facts.replaced_rows import replacing_deletes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.syntax.python import CallSite, FunctionInfo, PythonDocument
    from opslint.syntax.python_scope import Block, Scope

    Emit = Callable[[Fact], None]


class FunctionEffects(Fact):
    """One function's marks in source order: ``[group, what, origin, place]``.

    `group`: ``effect`` (must not happen twice), ``dedup`` (keeps it from happening twice), ``call`` (of something that may be
    the repository's own), ``asks`` (such a call whose answer decides whether to go on), ``again`` (the end of a loop),
    ``touch`` (an origin the parameter's dependency gives). `what` is a row name:
    ``create insert relative counted mail sms message http payment append`` for effects (``counted``: one more of what happened on a day),
    ``key lookup fetch conflict guard lock replace`` for dedup (``fetch``: get-or-create, which keeps rows single but not what is added
    to them). `origin` is the call's, open ones included.
    """

    __slots__ = ("function", "marks")
    function: str
    marks: list[list[object]]


class _Collector:
    """Marks per function, each with its position for the order."""

    def __init__(self, document: PythonDocument) -> None:
        self.document = document
        self.marks: dict[str, list[tuple[int, int, str, str, str, int]]] = {}
        self.ends: list[tuple[Scope, _ast.stmt]] = []
        self.saved: set[tuple[int, str]] = set()
        for site in document.calls:
            func = site.node.func
            if isinstance(func, _ast.Attribute) and func.attr in ("save", "asave") and isinstance(func.value, _ast.Name):
                self.saved.add((id(site.scope), func.value.id))

    def add(
        self, scope: Scope, node: _ast.stmt | _ast.expr | _ast.ExceptHandler, group: str, what: str, origin: str = ""
    ) -> None:
        marks = self.marks.setdefault(function_of(scope), [])
        marks.append((node.lineno, node.col_offset, group, what, origin, self.document.place(node)))

    def calls(self) -> None:
        for site in self.document.calls:
            mark = call_mark(self.document, site)
            if mark is not None:
                self.add(site.scope, site.node, *mark, site.origin or "")
            elif site.origin is not None and may_be_ours(site.origin):
                self.add(site.scope, site.node, "call", "", site.origin)
            for keyword in site.node.keywords:
                if keyword.arg and is_relative(keyword.value):
                    self.add(site.scope, keyword.value, "effect", "relative")
            dependency = _dependency(self.document, site)
            if dependency:
                self.add(site.scope, site.node, "touch", "", dependency)
        for site in replacing_deletes(self.document):
            self.add(site.scope, site.node, "dedup", "replace")
        for site, argument, origin, _how in handed_functions(self.document):
            if may_be_ours(origin):
                self.add(site.scope, argument, "call", "", origin)

    def statements(self) -> None:
        for statement, block in self.document.statements:
            if isinstance(statement, _ast.Assign | _ast.AnnAssign) and statement.value is not None:
                if is_relative(statement.value):
                    self.add(block.scope, statement, "effect", "relative")
            elif isinstance(statement, _ast.AugAssign):
                self.augmented(statement, block)
            elif isinstance(statement, _ast.If) and _returns_early(statement):
                self.add(block.scope, statement.test, "dedup", "guard")
            if isinstance(statement, _ast.If):
                if _asks_for_row(statement, block.scope):
                    self.add(block.scope, statement.test, "dedup", "lookup")
                self.asks(statement, block)
            elif isinstance(statement, _ast.For | _ast.AsyncFor | _ast.While):
                self.ends.append((block.scope, statement))

    def asks(self, statement: _ast.If, block: Block) -> None:
        """``if not acquire(key): return`` and ``if seen(key): …`` of the repository's own functions: the link looks into them."""
        leaves = isinstance(statement.body[-1], _ast.Return | _ast.Continue | _ast.Raise | _ast.Break)
        if not statement.orelse and not leaves:
            return
        # ``if seen(key): return`` does nothing else; what does is no answer to a second run.
        only = leaves and all(isinstance(part, _ast.Expr | _ast.Return | _ast.Continue | _ast.Raise) for part in statement.body)
        for test in statement.test.values if isinstance(statement.test, _ast.BoolOp) else [statement.test]:
            node = test.operand if isinstance(test, _ast.UnaryOp) else test
            how = "seen" if only and node is test else "taken"
            node = node.value if isinstance(node, _ast.Await) else node
            if isinstance(node, _ast.Name):
                node = _value_of(node, block.scope) or node
                node = node.value if isinstance(node, _ast.Await) else node
            origin = self.document.origin(node.func, block.scope) if isinstance(node, _ast.Call) else None
            if origin is not None and may_be_ours(origin):
                self.add(block.scope, statement.test, "asks", how, origin)

    def loops(self) -> None:
        """Where a loop ends, what it did may be followed by another round."""
        for scope, statement in self.ends:
            marks = self.marks.get(function_of(scope))
            end = statement.end_lineno or statement.lineno
            if marks and any(mark[2] == "effect" and statement.lineno <= mark[0] <= end for mark in marks):
                marks.append((end, 1 << 20, "again", "", "", self.document.place(statement)))

    def augmented(self, statement: _ast.AugAssign, block: Block) -> None:
        """``row.count += n`` counts when the same object is saved in this function."""
        target = statement.target
        if not isinstance(target, _ast.Attribute) or not isinstance(statement.op, _ast.Add | _ast.Sub):
            return
        base = target.value
        if not isinstance(base, _ast.Name):
            return
        if _is_text(statement.value):
            return
        if (id(block.scope), base.id) in self.saved:
            what = "counted" if _counts_a_day(statement, base.id, block.scope) else "relative"
            self.add(block.scope, statement, "effect", what)

    def excepts(self) -> None:
        for handler, block in self.document.excepts:
            names = handler.type.elts if isinstance(handler.type, _ast.Tuple) else [handler.type] if handler.type else []
            for name in names:
                origin = self.document.origin(name, block.scope) or ""
                if origin.rpartition(".")[2] in (
                    "IntegrityError",
                    "UniqueViolation",
                    "DuplicateKeyError",
                    "UniqueViolationError",
                ):
                    self.add(block.scope, handler, "dedup", "conflict")

    def keys(self) -> None:
        """The header written as text: ``{"Idempotency-Key": …}``."""
        if b"dempotency-" not in self.document.data and b"dempotency_" not in self.document.data:
            return
        for statement, block in self.document.statements:
            for node in _dicts(statement):
                for key in node.keys:
                    if isinstance(key, _ast.Constant) and isinstance(key.value, str):
                        if key.value.lower().replace("_", "-") == "idempotency-key":
                            self.add(block.scope, node, "dedup", "key")

    def decorators(self) -> None:
        for info in self.document.functions:
            for origin, node in info.decorators:
                if origin.startswith(DEDUP_DECORATORS):
                    self.add(info.scope, node, "dedup", "key")


def _dicts(statement: _ast.stmt) -> Iterator[_ast.Dict]:
    """Yield dict displays of a simple statement."""
    if not isinstance(statement, _ast.Assign | _ast.Expr | _ast.Return | _ast.AnnAssign):
        return
    stack: list[_ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, _ast.Dict):
            yield node
        for field in node._fields:
            value = getattr(node, field)
            if isinstance(value, list):
                stack.extend(item for item in value if isinstance(item, _ast.AST))
            elif isinstance(value, _ast.AST):
                stack.append(value)


def _returns_early(statement: _ast.If) -> bool:
    """``if row.processed: return`` and the like: what it tests is an attribute, an item or a call, not only a parameter."""
    last = statement.body[-1]
    if not isinstance(last, _ast.Return | _ast.Continue):
        return False
    test = statement.test.operand if isinstance(statement.test, _ast.UnaryOp) else statement.test
    if isinstance(test, _ast.Compare):
        return isinstance(test.left, _ast.Attribute) and isinstance(test.ops[0], _ast.Eq | _ast.In | _ast.NotEq | _ast.NotIn)
    return isinstance(test, _ast.Attribute) and not isinstance(statement.test, _ast.UnaryOp)


_QUERIES = frozenset(
    ("aexists", "afirst", "count", "exists", "filter", "filter_by", "first", "one_or_none", "scalar", "scalar_one_or_none")
    + ("fetchall", "fetchone", "fetchrow", "fetchval", "find_one", "get_or_none", "hget", "scalars")
    + ("sismember", "hexists")
)


def _value_of(name: _ast.Name, scope: Scope) -> _ast.expr | None:
    """What a name was last given before it is used here."""
    found = scope.lookup(name.id)
    if found is None:
        return None
    before = [binding for binding in found[1] if binding.line <= name.lineno] or found[1]
    last = max(before, key=lambda binding: binding.line)
    return last.node if last.how == "value" and isinstance(last.node, _ast.expr) else None


def _counts_a_day(statement: _ast.AugAssign, name: str, scope: Scope) -> bool:
    """``row, _ = Usage.objects.get_or_create(date=today)`` and ``row.sent += 1``: what happened is counted, however often it happened."""
    found = scope.lookup(name)
    if not isinstance(statement.value, _ast.Constant) or statement.value.value != 1 or found is None:
        return False
    for binding in found[1]:
        made = binding.node.value if isinstance(binding.node, _ast.Await) else binding.node
        if not isinstance(made, _ast.Call) or not isinstance(made.func, _ast.Attribute):
            continue
        if made.func.attr in ("get_or_create", "aget_or_create"):
            return any(_is_day(keyword.value, scope) for keyword in made.keywords if keyword.arg != "defaults")
    return False


def _is_day(node: _ast.expr, scope: Scope) -> bool:
    """``timezone.now().date()``, ``date.today()``, or a name that was given one."""
    if isinstance(node, _ast.Name):
        node = _value_of(node, scope) or node
    func = node.func if isinstance(node, _ast.Call) else None
    return isinstance(func, _ast.Attribute) and func.attr in ("date", "localdate", "today")


def _is_text(node: _ast.expr) -> bool:
    """Text or a list that is added to something."""
    while isinstance(node, _ast.BinOp):
        node = node.left
    if isinstance(node, _ast.Constant):
        return isinstance(node.value, str)
    return isinstance(node, _ast.JoinedStr | _ast.List | _ast.ListComp)


def _asks_for_row(statement: _ast.If, scope: Scope) -> bool:
    """A query that decides whether the work is still to be done: ``if X.objects.filter(…).exists(): return``, ``if not existing: create``.

    The test may be of a name that the query was assigned to, or of ``hasattr(row, …)``. ``if not row: return`` is no such question.
    """
    leaves = isinstance(statement.body[-1], _ast.Return | _ast.Continue | _ast.Raise | _ast.Break)
    tests = statement.test.values if isinstance(statement.test, _ast.BoolOp) else [statement.test]
    return any(_is_question(test, scope, leaves, bool(statement.orelse)) for test in tests)


def _is_question(node: _ast.expr, scope: Scope, leaves: bool, either: bool) -> bool:
    """`leaves`: the branch ends the function or the round; `either`: there is an else branch, so both answers are looked at."""
    negated = isinstance(node, _ast.UnaryOp) and isinstance(node.op, _ast.Not)
    if isinstance(node, _ast.UnaryOp):
        node = node.operand
    if isinstance(node, _ast.Compare):
        negated = isinstance(node.ops[0], _ast.Is | _ast.Eq)
        node = node.left
    if negated == leaves and not (either and not leaves):
        return False
    if isinstance(node, _ast.Name):
        bound = _value_of(node, scope)
        if bound is None:
            return False
        node = bound
    if isinstance(node, _ast.Await):
        node = node.value
    if not isinstance(node, _ast.Call):
        return False
    if isinstance(node.func, _ast.Name):
        return node.func.id == "hasattr"
    return isinstance(node.func, _ast.Attribute) and node.func.attr in _QUERIES


def _dependency(document: PythonDocument, site: CallSite) -> str:
    """Return the origin of a method called on a parameter that FastAPI fills: ``db = Depends(get_db)`` without a type."""
    base: _ast.expr = site.node.func
    suffix = ""
    while isinstance(base, _ast.Attribute):
        suffix = f".{base.attr}{suffix}"
        base = base.value
    if site.origin is not None or not suffix or not isinstance(base, _ast.Name):
        return ""
    found = site.scope.lookup(base.id)
    if found is None or found[1][0].how != "param" or not isinstance(found[0].node, _ast.FunctionDef | _ast.AsyncFunctionDef):
        return ""
    args = found[0].node.args
    named = [*args.posonlyargs, *args.args]
    defaults = dict(zip([arg.arg for arg in named[len(named) - len(args.defaults) :]], args.defaults, strict=True))
    defaults.update({arg.arg: value for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value is not None})
    default = defaults.get(base.id)
    outer = found[0].parent or document.scope
    if not isinstance(default, _ast.Call) or not default.args:
        return ""
    if document.origin(default.func, outer) not in (
        "fastapi.Depends",
        "fastapi.param_functions.Depends",
        "fastapi.params.Depends",
    ):
        return ""
    maker = document.origin(default.args[0], outer)
    return f"{maker}(){suffix}" if maker else ""


def _owner(document: PythonDocument, functions: dict[str, FunctionInfo], name: str) -> int:
    info = functions.get(name)
    return document.place(info.node) if info is not None else document.places.add((1, 1, 1, 1))


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit one fact for each function (and the module) that has an effect or evidence against repetition."""
    collector = _Collector(document)
    collector.calls()
    collector.statements()
    collector.excepts()
    collector.keys()
    collector.decorators()
    collector.loops()
    functions = {info.qualname: info for info in document.functions}
    for name, marks in collector.marks.items():
        if any(mark[2] in ("effect", "touch") for mark in marks) or any(
            mark[2] == "dedup" and mark[3] != "guard" for mark in marks
        ):
            rows: list[list[object]] = [[group, what, origin, place] for _l, _c, group, what, origin, place in sorted(marks)]
            emit(FunctionEffects(at=_owner(document, functions, name), function=name, marks=rows))


def _wanted(_document: PythonDocument, _emit: Emit) -> None:
    """Nothing by itself: its literals are why a file without any other strong one is parsed at all."""


EXTRACTORS = (
    Extractor("python", ("stripe.",), _wanted),
    Extractor("python", (), extract, weak=True),
)
