"""What a request handler can answer: always the same, a failure as a success, a status that is computed and not used.

One fact for a function that could be a handler (decorated, a method, or taking a request first) and whose answers say something
about health: nothing is checked, or no path answers anything but success.
"""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import calls_by_scope, statements_by_scope
from opslint.facts.exceptions import is_broad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opslint.syntax.python import FunctionInfo, PythonDocument
    from opslint.syntax.python_scope import Block

    Emit = Callable[[Fact], None]


class Answer(Fact):
    """How a possible handler answers.

    `constant`: every answer is made of literals, clocks and settings, and nothing else is called. `swallows`: places of broad
    except clauses that answer and do not raise. `fails`: some path raises, aborts, or answers a status that is not (surely) 2xx.
    `unused`: place of a status that is computed and never used, or None. `delegates`: an answer is what another call returns.
    """

    __slots__ = ("constant", "delegates", "fails", "function", "swallows", "unused")
    constant: bool
    delegates: bool
    fails: bool
    function: str
    swallows: list[int]
    unused: int | None


_RESPONSES = frozenset(
    (
        "HttpResponse",
        "JSONResponse",
        "JsonResponse",
        "ORJSONResponse",
        "PlainTextResponse",
        "Response",
        "json_response",
        "jsonify",
    )
    + (
        "make_response",
        "UJSONResponse",
        "HTMLResponse",
        "dict",
        "str",
        "bool",
        "int",
        "isoformat",
        "now",
        "utcnow",
        "time",
        "today",
    )
    + (
        "Ok",
        "ok",
        "strftime",
        "round",
        "get_settings",
        "uname",
        "getenv",
        "get",
        "gethostname",
        "timestamp",
        "monotonic",
        "perf_counter",
    )
)
"""Last names of calls that make an answer or read a clock; any other call is work."""

_LOGGING = frozenset(("debug", "info", "warning", "error", "exception", "critical", "log", "print", "bind"))
_STATUS = ("status_code", "status", "code", "http_status")


def _candidates(document: PythonDocument) -> Iterator[FunctionInfo]:
    for info in document.functions:
        args = info.node.args.args
        names = [arg.arg for arg in args[:2]]
        if info.decorators or info.owner or "request" in names or "req" in names or "environ" in names:
            yield info


def _last_name(node: _ast.expr) -> str:
    return node.attr if isinstance(node, _ast.Attribute) else node.id if isinstance(node, _ast.Name) else ""


class _Index:
    """The file's statements, calls and except clauses by scope."""

    def __init__(self, document: PythonDocument) -> None:
        self.document = document
        self.statements = statements_by_scope(document)
        self.calls = calls_by_scope(document)
        self.excepts: dict[int, list[_ast.ExceptHandler]] = {}
        for handler, block in document.excepts:
            self.excepts.setdefault(id(block.scope), []).append(handler)


class _Reading:
    """The answers of one function."""

    def __init__(self, index: _Index, info: FunctionInfo) -> None:
        self.document = index.document
        self.info = info
        self.mine = index.statements.get(id(info.scope), [])
        self.calls = index.calls.get(id(info.scope), [])
        self.handlers = index.excepts.get(id(info.scope), [])

    def is_constant(self) -> bool:
        returns = [statement for statement, _block in self.mine if isinstance(statement, _ast.Return) and statement.value]
        if not returns:
            return False
        for statement, _block in self.mine:
            if isinstance(statement, _ast.Try | _ast.For | _ast.While | _ast.With | _ast.AsyncWith | _ast.Raise | _ast.Import):
                return False
            if isinstance(statement, _ast.If | _ast.ImportFrom | _ast.Assert | _ast.AsyncFor | _ast.Match):
                return False
        return (
            all(_last_name(site.node.func) in _RESPONSES | _LOGGING for site in self.calls) and not self.info.node.args.defaults
        )

    def status_of(self, call: _ast.Call) -> str:
        """``ok``, ``other`` (not 2xx, or not known) or ``none`` (not said) of a response call."""
        for keyword in call.keywords:
            if keyword.arg in _STATUS:
                return self.judge(keyword.value)
            if keyword.arg is None:
                return "other"
        return "none"

    def judge(self, node: _ast.expr) -> str:
        value = self.document.constant(node, self.info.scope)
        if isinstance(value, int):
            return "ok" if 200 <= value < 300 else "other"
        name = _last_name(node)
        if name.startswith("HTTP_2") or name in ("OK", "ok"):
            return "ok"
        return "other"

    def fails(self) -> bool:
        for statement, block in self.mine:
            if isinstance(statement, _ast.Raise) and not self.is_caught(statement, block):
                return True
            if isinstance(statement, _ast.Assign | _ast.AugAssign):
                targets = statement.targets if isinstance(statement, _ast.Assign) else [statement.target]
                for target in targets:
                    if isinstance(target, _ast.Attribute) and target.attr in _STATUS and self.judge(statement.value) == "other":
                        return True
            if isinstance(statement, _ast.Return) and isinstance(statement.value, _ast.Tuple) and len(statement.value.elts) > 1:
                if self.judge(statement.value.elts[1]) == "other":
                    return True
        for site in self.calls:
            name = _last_name(site.node.func)
            if name in ("abort", "HttpResponseServerError", "HttpResponseBadRequest", "HTTPServiceUnavailable", "send_error"):
                return True
            if name and name not in _LOGGING and self.status_of(site.node) == "other":
                return True
            if name == "set_status" and site.node.args and self.judge(site.node.args[0]) == "other":
                return True
            if name in ("send_response", "Response", "HttpResponse", "JsonResponse") and len(site.node.args) > 1:
                return True
        return False

    def is_caught(self, statement: _ast.Raise, block: Block) -> bool:
        """A raise inside a try of this function whose broad except answers does not leave the function."""
        for outer in block.up():
            if outer.kind == "try" and isinstance(outer.node, _ast.Try):
                for handler in outer.node.handlers:
                    if is_broad(self.document, handler.type, self.info.scope):
                        return True
                    origin = self.document.origin(statement.exc, self.info.scope) or ""
                    named = self.document.origin(handler.type, self.info.scope) if handler.type is not None else ""
                    if named and origin.removesuffix("()") == named:
                        return not any(isinstance(inner, _ast.Raise) for inner in handler.body)
        return False

    def swallows(self) -> list[int]:
        """Broad except clauses that neither raise nor let the function fail."""
        found = []
        for handler in self.handlers:
            if not is_broad(self.document, handler.type, self.info.scope):
                continue
            if any(isinstance(inner, _ast.Raise) for inner in handler.body):
                continue
            found.append(self.document.place(handler.type if handler.type is not None else handler))
        return found

    def unused_status(self) -> int | None:
        """A local ``status…`` variable that gets numbers on several paths and is never read."""
        for name, bindings in self.info.scope.bindings.items():
            codes = [
                self.document.constant(binding.node, self.info.scope)
                for binding in bindings
                if binding.how == "value" and isinstance(binding.node, _ast.expr)
            ]
            if len(codes) < 2 or not any(isinstance(code, int) and 400 <= code < 600 for code in codes):
                continue
            if not self.is_read(name):
                bad = next(
                    binding.node
                    for binding, code in zip(bindings, codes, strict=False)
                    if isinstance(code, int) and 400 <= code < 600
                )
                return self.document.place(bad) if isinstance(bad, _ast.expr) else None
        return None

    def is_read(self, name: str) -> bool:
        stack: list[_ast.AST] = list(self.info.node.body)
        while stack:
            node = stack.pop()
            if isinstance(node, _ast.Name) and node.id == name and isinstance(node.ctx, _ast.Load):
                return True
            for field in node._fields:
                value = getattr(node, field)
                if isinstance(value, list):
                    stack.extend(item for item in value if isinstance(item, _ast.AST))
                elif isinstance(value, _ast.AST):
                    stack.append(value)
        return False

    def delegates(self) -> bool:
        """Some answer is what a call of something else gives."""
        for statement, _block in self.mine:
            value = statement.value if isinstance(statement, _ast.Return) else None
            value = value.value if isinstance(value, _ast.Await) else value
            if isinstance(value, _ast.Call) and _last_name(value.func) not in _RESPONSES:
                return True
        return False


def extract(document: PythonDocument, emit: Emit) -> None:
    """Emit one fact for each possible handler that answers a constant or has a broad except that answers."""
    index = _Index(document)
    for info in _candidates(document):
        reading = _Reading(index, info)
        constant = reading.is_constant()
        swallows = reading.swallows()
        unused = reading.unused_status()
        if constant or swallows or unused is not None:
            fact = Answer(
                at=document.place(info.node),
                constant=constant,
                delegates=reading.delegates(),
                fails=reading.fails(),
                function=info.qualname,
                swallows=swallows,
                unused=unused,
            )
            emit(fact)


EXTRACTORS = (Extractor("python", (), extract, weak=True),)
