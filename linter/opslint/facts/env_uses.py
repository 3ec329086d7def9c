"""What becomes of the value of a read: whether a missing one stops the program, is tested for, or goes on."""

from __future__ import annotations

import _ast

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.env_libraries import FALLS_BACK, NOT_SET

if TYPE_CHECKING:
    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block

_TELLS = frozenset(("warning", "warn", "error", "critical", "exception"))
_LOGGERS = ("logging.", "structlog.", "loguru.", "warnings.")


def when_none(document: PythonDocument, site: CallSite, name: str) -> str:
    """What becomes of a None the read gives: ``raises`` at once, ``handled`` by a test, or ``none``: not told here."""
    node: _ast.AST = site.node
    parent = document.parent(node)
    if is_test(parent, node) and leaves(document, parent, site):
        return "raises"
    if isinstance(parent, _ast.BoolOp | _ast.IfExp | _ast.Compare | _ast.NamedExpr) or is_test(parent, node):
        return "handled"
    if _fails_on_none(document, parent, node, site):
        return "handled" if tested_before(document, name, node, site.block) else "raises"
    targets = parent.targets if isinstance(parent, _ast.Assign) else [parent.target] if isinstance(parent, _ast.AnnAssign) else []
    if len(targets) == 1 and isinstance(targets[0], _ast.Name):
        return _later_use(document, targets[0].id, site)
    return "none"


def is_test(parent: _ast.AST | None, node: _ast.AST) -> bool:
    """Tell whether `parent` tests the truth of `node`."""
    if isinstance(parent, _ast.If | _ast.While | _ast.Assert):
        return parent.test is node
    return isinstance(parent, _ast.UnaryOp) and isinstance(parent.op, _ast.Not)


def leaves(document: PythonDocument, test: _ast.AST | None, site: CallSite) -> bool:
    """``if not X: raise …`` (or ``X is None``, ``X == ""``, or ``sys.exit``): a missing value stops the program."""
    if not isinstance(test, _ast.UnaryOp | _ast.Compare):
        return False
    if isinstance(test, _ast.Compare) and not (
        isinstance(test.ops[0], _ast.Is | _ast.Eq)
        and isinstance(test.comparators[0], _ast.Constant)
        and not test.comparators[0].value
    ):
        return False
    statement = document.parent(test)
    if not isinstance(statement, _ast.If) or statement.test is not test:
        return False
    return ends_program(document, statement, site.block)


def _fails_on_none(document: PythonDocument, parent: _ast.AST | None, node: _ast.AST, site: CallSite) -> bool:
    """None fails at once as the receiver of a method or subscript, in ``int(…)``/``float(…)``/``len(…)``, as an operand of ``+``, unpacked."""
    if isinstance(parent, _ast.Attribute | _ast.BinOp | _ast.Starred):
        return True
    if isinstance(parent, _ast.Subscript):
        return parent.value is node
    if isinstance(parent, _ast.Call) and parent.args and parent.args[0] is node:
        return document.origin(parent.func, site.scope) in (
            "int",
            "float",
            "len",
            "json.loads",
            "pathlib.Path",
            "ast.literal_eval",
        )
    return isinstance(parent, _ast.For | _ast.comprehension) and parent.iter is node


def _later_use(document: PythonDocument, variable: str, site: CallSite) -> str:
    """Look how `variable` is used in the scope it was assigned in."""
    verdict = "none"
    for use in document.uses(variable, site.scope):
        parent = document.parent(use)
        if leaves(document, parent, site):
            return "raises"
        if isinstance(parent, _ast.BoolOp | _ast.IfExp | _ast.Compare) or is_test(parent, use):
            return "handled"
        if isinstance(parent, _ast.Call) and document.origin(parent.func, site.scope) in ("bool", "all", "any", "isinstance"):
            return "handled"
        if isinstance(parent, _ast.List | _ast.Tuple | _ast.Dict | _ast.Set):
            return "handled" if verdict == "none" else verdict
        if _fails_on_none(document, parent, use, site):
            verdict = "raises"
    return verdict


def is_checked(document: PythonDocument, site: CallSite) -> bool:
    """The empty default is only there to be refused: the variable it goes to is tested and the program stopped."""
    parent = document.parent(site.node)
    targets = parent.targets if isinstance(parent, _ast.Assign) else []
    if len(targets) != 1 or not isinstance(targets[0], _ast.Name):
        return False
    return any(leaves(document, document.parent(use), site) for use in document.uses(targets[0].id, site.scope))


def stops_when_listed(document: PythonDocument, site: CallSite) -> bool:
    """``missing = [name for name in NAMES if not os.getenv(name)]`` and then ``if missing: raise …``: each of them is required."""
    test = document.parent(site.node)
    inner = document.parent(test) if isinstance(test, _ast.UnaryOp) and isinstance(test.op, _ast.Not) else None
    listed = document.parent(inner) if isinstance(inner, _ast.comprehension) else None
    target = document.parent(listed) if isinstance(listed, _ast.ListComp | _ast.SetComp) else None
    if not isinstance(target, _ast.Assign) or not isinstance(target.targets[0], _ast.Name):
        return False
    for use in document.uses(target.targets[0].id, site.scope):
        statement = document.parent(use)
        if isinstance(statement, _ast.If) and statement.test is use and ends_program(document, statement, site.block):
            return True
    return False


def ends_program(document: PythonDocument, statement: _ast.If, block: Block) -> bool:
    """Tell whether the body of an ``if`` ends with a raise or an exit."""
    last = statement.body[-1]
    if isinstance(last, _ast.Raise):
        return True
    call = last.value if isinstance(last, _ast.Expr) else None
    return isinstance(call, _ast.Call) and document.origin(call.func, block.scope) in ("sys.exit", "exit", "quit", "os._exit")


def is_noticed(document: PythonDocument, node: _ast.expr, block: Block) -> bool:
    """Tell whether a missing value is logged as a warning or an error (``if not X: logger.warning(…)``), where nothing stops."""
    parent = document.parent(node)
    while isinstance(parent, _ast.BoolOp):
        node, parent = parent, document.parent(parent)
    targets = parent.targets if isinstance(parent, _ast.Assign) else []
    uses: list[_ast.expr] = [node]
    if len(targets) == 1 and isinstance(targets[0], _ast.Name):
        uses = list(document.uses(targets[0].id, block.scope))
    for use in uses:
        test = document.parent(use)
        statement = document.parent(test) if test is not None else None
        negated = isinstance(test, _ast.UnaryOp) and isinstance(test.op, _ast.Not)
        if negated and isinstance(statement, _ast.If) and statement.test is test and _logs(document, statement, block):
            return True
    return False


def _logs(document: PythonDocument, statement: _ast.If, block: Block) -> bool:
    for step in statement.body:
        call = step.value if isinstance(step, _ast.Expr) else None
        origin = document.origin(call.func, block.scope) if isinstance(call, _ast.Call) else None
        if origin is not None and origin.startswith(_LOGGERS) and origin.rpartition(".")[2] in _TELLS:
            return True
    return False


def caught(document: PythonDocument, block: Block) -> bool:
    """A ``try`` around the read catches KeyError and does not raise on."""
    for outer in block.up():
        if outer.kind != "try" or not isinstance(outer.node, _ast.Try):
            continue
        for handler in outer.node.handlers:
            types = handler.type.elts if isinstance(handler.type, _ast.Tuple) else [handler.type]
            named = [document.origin(item, block.scope) if item is not None else "Exception" for item in types]
            falls = any(name in FALLS_BACK or (name or "").rpartition(".")[2] in NOT_SET for name in named)
            if falls and not any(isinstance(step, _ast.Raise) for step in handler.body):
                return True
    return False


def catches(document: PythonDocument, block: Block, names: frozenset[str]) -> bool:
    """Tell whether a ``try`` around the block catches one of the exceptions and does not raise on."""
    for outer in block.up():
        if outer.kind != "try" or not isinstance(outer.node, _ast.Try):
            continue
        for handler in outer.node.handlers:
            types = handler.type.elts if isinstance(handler.type, _ast.Tuple) else [handler.type]
            named = {document.origin(item, block.scope) if item is not None else "Exception" for item in types}
            if named & names and not any(isinstance(step, _ast.Raise) for step in handler.body):
                return True
    return False


def tested_before(document: PythonDocument, name: str, node: _ast.AST, block: Block) -> bool:
    """The read stands under ``if "X" in os.environ`` (statement or conditional expression) or after such an early return."""
    tests = [outer.node.test for outer in block.up() if outer.kind in ("if", "else") and isinstance(outer.node, _ast.If)]
    parent = document.parent(node)
    while isinstance(parent, _ast.expr):
        if isinstance(parent, _ast.IfExp):
            tests.append(parent.test)
        elif isinstance(parent, _ast.BoolOp):
            tests.extend(parent.values)
        parent = document.parent(parent)
    return any(mentions(document, test, name, block) for test in tests)


def mentions(document: PythonDocument, test: _ast.expr, name: str, block: Block) -> bool:
    """Tell whether a test holds the name of the variable as a literal."""
    stack: list[_ast.AST] = [test]
    while stack:
        node = stack.pop()
        if isinstance(node, _ast.Constant) and node.value == name:
            return True
        stack.extend(document.children(node))
    return False
