"""What a scheduler starts, and loops over rows that a date window selects."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import function_of, handed_functions, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument
    from opslint.syntax.python_scope import Block

    Emit = Callable[[Fact], None]


class Scheduled(Fact):
    """A task that a schedule starts: `task` is its registered name, or the origin of the function (`is_origin`)."""

    __slots__ = ("is_origin", "task")
    is_origin: bool
    task: str


class WindowLoop(Fact):
    """A function that asks for rows by a date window and then goes through rows in a loop.

    `calls` are ``[origin, place]`` of the calls in loops; `writes` says that it changes rows (or keeps a marker) itself.
    """

    __slots__ = ("calls", "function", "writes")
    calls: list[list[object]]
    function: str
    writes: bool


class RowWrite(Fact):
    """The first place where a function changes or makes a row, or keeps a marker."""

    __slots__ = ("function",)
    function: str


_WINDOW = ("__date", "__gt", "__gte", "__lt", "__lte", "__range")
_WRITES = frozenset(
    ("aadd", "acreate", "add", "asave", "aupdate", "bulk_create", "bulk_update", "create", "get_or_create", "save")
)
_WRITES |= frozenset(("set", "setnx", "update_or_create", "commit", "flush", "insert_one", "update_one", "mark_sent", "sadd"))
_CLOCK: tuple[str, ...] = (
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.timedelta",
    "django.utils.timezone.localdate",
    "django.utils.timezone.localtime",
    "django.utils.timezone.now",
)


def _is_window(document: PythonDocument, site: CallSite) -> bool:
    """``.filter(due__lte=today + timedelta(days=7))``: a keyword that compares, with what the clock gives."""
    func = site.node.func
    if not isinstance(func, _ast.Attribute) or func.attr not in ("filter", "exclude"):
        return False
    given = [keyword.value for keyword in site.node.keywords if keyword.arg and keyword.arg.endswith(_WINDOW)]
    return any(_from_clock(document, value, site.block, 0) for value in given)


def _from_clock(document: PythonDocument, node: _ast.expr, block: Block, hops: int) -> bool:
    stack: list[_ast.AST] = [node]
    while stack:
        inner = stack.pop()
        if isinstance(inner, _ast.Call):
            origin = document.origin(inner.func, block.scope) or ""
            if origin.startswith(_CLOCK):
                return True
        elif isinstance(inner, _ast.Name) and hops < 4:
            found = block.scope.lookup(inner.id)
            for binding in found[1] if found is not None else ():
                if binding.how == "value" and isinstance(binding.node, _ast.expr):
                    if _from_clock(document, binding.node, block, hops + 1):
                        return True
        stack.extend(document.children(inner))
    return False


def _writes(document: PythonDocument) -> dict[str, int]:
    found: dict[str, int] = {}
    for site in document.calls:
        func = site.node.func
        if not isinstance(func, _ast.Attribute):
            continue
        name = func.attr
        row = name in _WRITES and not (name in ("add", "set") and not (site.origin or "").strip())
        # ``queryset.update(sent=True)`` has keywords only; ``mapping.update(other)`` has not.
        if row or (name in ("update", "aupdate") and site.node.keywords and not site.node.args):
            found.setdefault(function_of(site.scope), document.place(site.node))
    return found


def _loops(document: PythonDocument, emit: Emit) -> None:
    windows: dict[str, int] = {}
    for site in document.calls:
        if _is_window(document, site):
            windows.setdefault(function_of(site.scope), document.place(site.node))
    writes = _writes(document)
    for function, place in writes.items():
        emit(RowWrite(at=place, function=function))
    if not windows:
        return
    inside: dict[str, dict[str, int]] = {}
    for site in document.calls:
        function = function_of(site.scope)
        loop = site.block.inside("loop")
        if function in windows and site.origin and loop is not None and not isinstance(loop.node, _ast.While):
            inside.setdefault(function, {}).setdefault(site.origin, document.place(site.node))
    for function, place in windows.items():
        calls: list[list[object]] = [[origin, at] for origin, at in inside.get(function, {}).items()]
        if calls:
            emit(WindowLoop(at=place, calls=calls, function=function, writes=function in writes))


def _schedules(document: PythonDocument, emit: Emit) -> None:
    if b"schedule" in document.data.lower():
        for statement, block in document.statements:
            if isinstance(statement, _ast.Assign) and any(_is_schedule(target) for target in statement.targets):
                _entries(document, statement.value, block, emit)
            elif isinstance(statement, _ast.Expr) and isinstance(statement.value, _ast.Call):
                for keyword in statement.value.keywords:
                    if keyword.arg == "beat_schedule":
                        _entries(document, keyword.value, block, emit)
    for site, argument, origin, _how in handed_functions(document):
        if isinstance(site.node.func, _ast.Attribute) and site.node.func.attr in ("add_job", "add_periodic_task"):
            emit(Scheduled(at=document.place(argument), is_origin=True, task=origin))
    for site in document.calls:
        func = site.node.func
        if isinstance(func, _ast.Attribute) and func.attr == "add_periodic_task":
            for argument in site.node.args:
                # ``sender.add_periodic_task(crontab(…), remind.s())``
                if isinstance(argument, _ast.Call) and isinstance(argument.func, _ast.Attribute):
                    signed = document.origin(argument.func.value, site.scope)
                    if signed and argument.func.attr in ("s", "si"):
                        emit(Scheduled(at=document.place(argument), is_origin=True, task=signed))


def _is_schedule(target: _ast.expr) -> bool:
    name = target.id if isinstance(target, _ast.Name) else target.attr if isinstance(target, _ast.Attribute) else ""
    return name in ("CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE", "beat_schedule")


def _entries(document: PythonDocument, node: _ast.expr, block: Block, emit: Emit) -> None:
    stack: list[_ast.AST] = [node]
    while stack:
        inner = stack.pop()
        if isinstance(inner, _ast.Dict):
            for key, value in zip(inner.keys, inner.values, strict=True):
                if isinstance(key, _ast.Constant) and key.value == "task":
                    name = text(document, value, block.scope)
                    if name:
                        emit(Scheduled(at=document.place(value), is_origin=False, task=name))
                else:
                    stack.append(value)


def _wanted(_document: PythonDocument, _emit: Emit) -> None:
    """Nothing by itself: its literals are why a file that asks by a date window is parsed."""


EXTRACTORS = (
    Extractor("python", ("beat_schedule", "BEAT_SCHEDULE", "BEATSCHEDULE", "add_periodic_task"), _schedules),
    Extractor("python", tuple(f"{suffix}=" for suffix in _WINDOW), _wanted),
    Extractor("python", (), _loops, weak=True),
)
