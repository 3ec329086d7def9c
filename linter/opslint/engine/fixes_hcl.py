"""Fixes of Terraform: one attribute is set by a byte edit, and python-hcl2 vouches that nothing else changed."""

from __future__ import annotations

from opslint.base.finding import Edit
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.fixes import NoFixError, splice
from opslint.syntax.document import ReadProblem
from opslint.syntax.guard import is_heavy

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.finding import Finding
    from opslint.base.location import Span
    from opslint.base.settings import ProjectSettings
    from opslint.syntax.hcl import HclDocument

_MAX_BYTES = 512 << 10
"""python-hcl2 reads 0.12 MB/s and holds 200 times the text in memory; larger files are not edited."""


class _Block(Record):
    """One block of a document: `names` are its type and labels, `parents` the blocks around it, outermost first."""

    __slots__ = ("body", "names", "parents", "span")
    body: list[Any]
    names: list[str]
    parents: list[_Block]
    span: Span


def set_attribute(data: bytes, finding: Finding, settings: ProjectSettings) -> list[Edit]:
    """Set ``data["attribute"]`` to ``data["value"]`` (HCL text) in the block at the finding.

    With ``data["block"]`` the attribute is set in that nested block, made when it is not there. The finding stands at the
    block's header, or at anything on a line of it.
    """
    del settings
    assert finding.fix is not None
    wanted = finding.fix.data
    nested = str(wanted["block"]) if wanted.get("block") else None
    document = _read(data)
    block = _block_at(document, finding.span)
    return _vouched(document, block, (nested, str(wanted["attribute"]), str(wanted["value"])), finding.path)


def protect(data: bytes, finding: Finding, settings: ProjectSettings) -> list[Edit]:
    """Protect the resource ``data["type"]``.``data["name"]`` from being destroyed.

    ``data["attribute"]`` is ``prevent_destroy`` (set in its ``lifecycle`` block) or an attribute of the resource itself.
    """
    del settings
    assert finding.fix is not None
    wanted = finding.fix.data
    attribute = str(wanted["attribute"])
    document = _read(data)
    names = ["resource", str(wanted["type"]), str(wanted["name"])]
    blocks = [block for block in _blocks(document) if block.names == names]
    if len(blocks) != 1:
        raise NoFixError("the resource is not there any more")
    nested = "lifecycle" if attribute == "prevent_destroy" else None
    return _vouched(document, blocks[0], (nested, attribute, "true"), finding.path)


def _read(data: bytes) -> HclDocument:
    """Read a Terraform file without errors that is small enough for python-hcl2 to vouch for."""
    from opslint.syntax.hcl import read

    if len(data) > _MAX_BYTES or is_heavy(data):
        raise NoFixError("the file is too large or too deep to edit")
    try:
        document = read(data, "terraform")
    except ReadProblem as problem:
        raise NoFixError(f"the file cannot be read: {problem.message}") from problem
    if document.problems:
        raise NoFixError("the file has syntax errors")
    return document


def _vouched(document: HclDocument, block: _Block, wanted: tuple[str | None, str, str], path: str) -> list[Edit]:
    """Return the edit that gives `block` the (nested block, attribute, value), once python-hcl2 agrees to it."""
    span, text = _edit(document, block, wanted)
    edit = Edit(path=path, span=span, text=text)
    _vouch(document.data, splice(document.data, [edit]), block, wanted)
    return [edit]


def _blocks(document: HclDocument) -> list[_Block]:
    found: list[_Block] = []
    pending: list[tuple[list[Any], list[_Block]]] = [(document.body, [])]
    while pending:
        body, parents = pending.pop()
        for kind, labels, at, inner in body[1]:
            block = _Block(body=inner, names=[kind, *labels], parents=parents, span=document.places.spans[at])
            found.append(block)
            pending.append((inner, [*parents, block]))
    return found


def _block_at(document: HclDocument, span: Span) -> _Block:
    """Return the top block whose header starts the span, else the top block that holds the span's line."""
    tops = [block for block in _blocks(document) if not block.parents]
    for block in tops:
        if block.span[:2] == span[:2]:
            return block
    for block in tops:
        if block.span[0] <= span[0] <= document.block_end(block.span[0]):
            return block
    raise NoFixError("the block is not there any more")


def _edit(document: HclDocument, block: _Block, wanted: tuple[str | None, str, str]) -> tuple[Span, str]:
    """Return what to replace with what, to have (nested block, attribute, value) in `block`."""
    nested, attribute, value = wanted
    lines = document.data.removeprefix(b"\xef\xbb\xbf").decode("utf-8").replace("\r\n", "\n").split("\n")
    inner = block
    if nested is not None:
        children = [child for child in _blocks(document) if child.names == [nested] and child.parents[-1:] == [block]]
        if not children:
            return _append(document, block, lines, [f"{nested} {{", f"  {attribute} = {value}", "}"])
        inner = children[-1]
    for name, at, _expression in inner.body[0]:
        if name == attribute:
            return _value_span(document.places.spans[at], lines), value
    return _append(document, inner, lines, [f"{attribute} = {value}"])


def _value_span(span: Span, lines: list[str]) -> Span:
    """Return the span of what stands after the ``=`` of the attribute at `span`."""
    line, column, end_line, end_column = span
    text = lines[line - 1]
    equals = text.find("=", column - 1)
    if line != end_line or equals < 0:
        raise NoFixError("its value runs over several lines")
    start = equals + 1 + len(text[equals + 1 :]) - len(text[equals + 1 :].lstrip())
    return (line, start + 1, end_line, end_column)


def _append(document: HclDocument, block: _Block, lines: list[str], new: list[str]) -> tuple[Span, str]:
    """Insert `new` lines before the closing brace of `block`, apart from what stands there so that its alignment holds."""
    first, last = block.span[0], document.block_end(block.span[0])
    if last == first or lines[last - 1].strip() != "}":
        raise NoFixError("the block's closing brace does not stand alone on its line")
    closing = lines[last - 1]
    indent = closing[: len(closing) - len(closing.lstrip())] + "  "
    for line in lines[first : last - 1]:
        if line.strip():
            indent = line[: len(line) - len(line.lstrip())]
            break
    gap = "\n" if last - first > 1 and lines[last - 2].strip() else ""
    return (last, 1, last, 1), gap + "".join(f"{indent}{line}\n" for line in new)


def _vouch(before: bytes, after: bytes, block: _Block, wanted: tuple[str | None, str, str]) -> None:
    """Raise NoFixError unless python-hcl2 reads both texts and their values differ in the attribute alone."""
    from hcl2 import loads
    from lark.exceptions import LarkError

    try:
        old, new = (loads(text.decode("utf-8-sig").replace("\r\n", "\n")) for text in (before, after))
    except (LarkError, RecursionError, ValueError) as error:
        raise NoFixError("python-hcl2 cannot read the file") from error
    found = _differences(old, new, ())
    if len(found) != 1:
        raise NoFixError("the edit would change something else")
    path, left, right = found[0]
    labels = tuple(str(part).strip('"') for part in path if isinstance(part, str))
    names = tuple(block.names)
    nested, attribute, _value = wanted
    inside = labels[len(names) :]
    added = right[0] if isinstance(right, list) and len(right) == 1 else right
    right_place = labels[: len(names)] == names and (
        inside == ((attribute,) if nested is None else (nested, attribute))
        or (left is None and inside == (nested,) and isinstance(added, dict) and _own_keys(added) == [attribute])
    )
    if not right_place:
        raise NoFixError("the edit would change something else")


def _own_keys(value: dict[str, Any]) -> list[str]:
    return [key for key in value if not key.startswith("__")]


def _differences(old: Any, new: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any, Any]]:
    """Return (path, old, new) of every place where two parsed documents differ; nesting is bounded by `is_heavy`."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in sorted({*old, *new}):
            if key in ("__start_line__", "__end_line__"):
                continue
            found += _differences(old.get(key), new.get(key), (*path, key))
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        found = []
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            found += _differences(left, right, (*path, index))
        return found
    return [] if old == new else [(path, old, new)]
