"""Fixes of Python calls. `ast` finds the call and vouches for the result, LibCST says where in its text an argument goes.

LibCST is given the text of one call only: a whole module costs ten times as much and, deeply nested, kills the process.
"""

from __future__ import annotations

import _ast

from opslint.base.finding import Edit
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.fixes import NoFixError, format_number, span_of
from opslint.syntax.guard import is_heavy

if TYPE_CHECKING:
    from opslint.base.finding import Finding
    from opslint.base.location import Span
    from opslint.base.settings import ProjectSettings

_BOM = b"\xef\xbb\xbf"
_MAX_CALL = 20_000
"""Bytes of a call's text: longer ones are data, not something to edit."""


def http_timeout(data: bytes, finding: Finding, settings: ProjectSettings) -> list[Edit]:
    """Give the call at the finding ``timeout=<[fix] http_timeout>``.

    ``data["keyword"]`` names another keyword. An argument of that name (``timeout=None``) is replaced. With ``data["also"]``
    the first so many places of the evidence that stand in the same file are further calls to treat alike.
    """
    assert finding.fix is not None
    keyword = str(finding.fix.data.get("keyword", "timeout"))
    value = settings.fix.get("http_timeout")
    if not isinstance(value, int | float) or not keyword.isidentifier():
        raise NoFixError("[fix] http_timeout gives no number")
    tree = _parse(data)
    bom = len(_BOM) if data.startswith(_BOM) else 0
    lines = data[bom:].splitlines(keepends=True) if b"\x0c" not in data and b"\r" not in data.replace(b"\r\n", b"") else None
    if lines is None:
        raise NoFixError("the file has form feeds or lone carriage returns")
    starts = [bom]
    for line in lines:
        starts.append(starts[-1] + len(line))
    also = finding.fix.data.get("also", 0)
    others = finding.evidence[: also if isinstance(also, int) else 0]
    edits = []
    for span in [finding.span, *(other.span for other in others if other.path == finding.path)]:
        call = _call_at(tree, span, data, starts)
        start, end = starts[call.lineno - 1] + call.col_offset, starts[(call.end_lineno or 1) - 1] + (call.end_col_offset or 0)
        text = data[start:end].decode("utf-8").replace("\r\n", "\n")
        begin, stop, replacement = _argument(text, keyword, format_number(value))
        before, within = _raw_length(text[:begin], data[start:end]), _raw_length(text[:stop], data[start:end])
        edit = Edit(path=finding.path, span=span_of(data, start + before, start + within), text=replacement)
        _vouch(data, edit, call, keyword)
        edits.append(edit)
    return edits


def _parse(data: bytes) -> _ast.Module:
    heavy = is_heavy(data)
    if heavy:
        raise NoFixError(f"the file is {heavy}")
    try:
        data.decode("utf-8")
        tree = compile(data, "<fix>", "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NoFixError("the file cannot be parsed") from error
    if not isinstance(tree, _ast.Module):
        raise NoFixError("the file cannot be parsed")
    return tree


def _call_at(tree: _ast.Module, span: Span, data: bytes, starts: list[int]) -> _ast.Call:
    """Return the call whose whole text, or whose function's, the span covers."""
    from ast import walk

    for node in walk(tree):
        if isinstance(node, _ast.Call) and node.end_lineno is not None and _covers(span, node, data, starts):
            return node
    raise NoFixError("the call is not there any more")


def _covers(span: Span, call: _ast.Call, data: bytes, starts: list[int]) -> bool:
    if call.lineno != span[0]:
        return False
    for node in (call, call.func):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
        if span_of(data, begin, end) == span:
            return True
    return False


def _argument(text: str, keyword: str, value: str) -> tuple[int, int, str]:
    """Return which characters of one call's text to replace with what."""
    from libcst import Call, MaybeSentinel, Module, ParserSyntaxError, SimpleWhitespace, parse_expression

    if len(text) > _MAX_CALL:
        raise NoFixError("the call's text is too long")
    try:
        node = parse_expression(text)
    except (ParserSyntaxError, RecursionError) as error:
        raise NoFixError("LibCST cannot read the call") from error
    code = Module([]).code_for_node
    if not isinstance(node, Call) or code(node) != text or node.lpar:
        raise NoFixError("LibCST does not give the call's text back")
    at = len(code(node.func)) + len(code(node.whitespace_after_func)) + 1 + len(code(node.whitespace_before_args))
    for argument in node.args:
        last_at, at = at, at + len(code(argument))
        if argument.keyword is not None and argument.keyword.value == keyword:
            value_text = code(argument.value)
            value_at = text.index(value_text, text.index("=", last_at) + 1)
            return value_at, value_at + len(value_text), value
    if not node.args:
        return at, at, f"{keyword}={value}"
    # Before the last argument's own comma, if it has one: a trailing comma stays a trailing comma.
    bare = node.args[-1].with_changes(comma=MaybeSentinel.DEFAULT, whitespace_after_arg=SimpleWhitespace(""))
    line_before = text[:last_at].rpartition("\n")
    gap = "\n" + line_before[2] if line_before[1] and not line_before[2].strip() else " "
    end_of_last = last_at + len(code(bare))
    return end_of_last, end_of_last, f",{gap}{keyword}={value}"


def _raw_length(head: str, raw: bytes) -> int:
    """Return the bytes that the characters `head` take in `raw`, the same text with the file's line breaks."""
    return len(head.encode("utf-8")) + (head.count("\n") if b"\r\n" in raw else 0)


def _vouch(data: bytes, edit: Edit, call: _ast.Call, keyword: str) -> None:
    """Raise NoFixError unless the edited file differs from the original in nothing but the call's keyword."""
    from ast import dump

    from opslint.engine.fixes import splice

    after, before = _parse(splice(data, [edit])), _parse(data)
    edited, original = _same_call(after, call), _same_call(before, call)
    if edited is None or original is None or [item.arg for item in edited.keywords].count(keyword) != 1:
        raise NoFixError("the edit would not reach the call")
    for node in (edited, original):
        node.keywords = [item for item in node.keywords if item.arg != keyword]
    if dump(before) != dump(after):
        raise NoFixError("the edit would change more than the call")


def _same_call(tree: _ast.Module, call: _ast.Call) -> _ast.Call | None:
    from ast import dump, walk

    function = dump(call.func)
    for node in walk(tree):
        if isinstance(node, _ast.Call) and (node.lineno, node.col_offset) == (call.lineno, call.col_offset):
            if dump(node.func) == function:
                return node
    return None
