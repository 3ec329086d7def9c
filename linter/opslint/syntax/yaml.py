"""YAML (and JSON) bytes → `YamlDocument`, from the events of PyYAML's C parser.

How the nodes look (`opslint.base.tree`), for everyone who walks them:

- `node.at` is a place of `document.places`; `document.place(node)` gives it typed as int for a fact,
  `document.encode(node)` the JSON lists that a fact keeps.
- Scalars are raw: nothing is ever resolved, `on`, `0x_` and `2001-99-99` stay text.
- Duplicate keys stay in `Mapping.pairs`. A key that is no scalar has the text ``""``.
- An alias gives the very node of its anchor (same object, its own place is the anchor's). Merge keys are applied:
  pairs of the merged mappings are appended for keys that are not there, the ``<<`` pair itself is taken out.
- A custom tag keeps its content: ``!Ref x`` is ``Mapping {"!Ref": Scalar x}``, ``!Sub [..]`` likewise, ``!reset`` too;
  encrypted content (``!vault``, ``!binary``) is a `Hole` with the reason ``tag !vault``.
- Empty documents of a stream are left out of `documents`.
"""

from __future__ import annotations

from opslint.base.location import Places
from opslint.base.tree import Hole, Mapping, Scalar, Sequence, encode
from opslint.base.typing import TYPE_CHECKING
from opslint.syntax.document import Document, ReadProblem
from opslint.syntax.yaml_kinds import refine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.location import Span
    from opslint.base.tree import Node

MAX_DEPTH = 150
"""Deepest nesting that is read. The deepest real manifest seen (a CRD schema) has 40 levels; our recursive walks need 2 frames a level."""

MAX_ALIAS_NODES = 100_000
"""How many nodes all aliases of one file may stand for; the largest honest file seen expands to 6,000."""

_CORE_TAG = "tag:yaml.org,2002:"
_OPAQUE_TAGS = frozenset(("!vault", "!vault-encrypted", "!binary", "!encrypted"))


class YamlDocument(Document):
    """One YAML file. `documents` are the root nodes of its non-empty documents, `kind` the kind refined from the content."""

    def __init__(self, data: bytes, kind: str) -> None:
        super().__init__(data, kind)
        self.documents: list[Node] = []

    def place(self, node: Node) -> int:
        """Return the node's place in the place table of this document."""
        return self._place(node.at)

    def _place(self, at: int | Span) -> int:
        return at if isinstance(at, int) else self.places.add(at)

    def encode(self, node: Node) -> list[Any]:
        """Encode a node of this document for a fact."""
        return encode(node, self._place)

    def objects(self) -> Iterator[Mapping]:
        """Yield the Kubernetes objects of all documents, the items of a `List` one by one."""
        for document in self.documents:
            if not isinstance(document, Mapping) or "kind" not in document or "apiVersion" not in document:
                continue
            if document.text("kind") in ("List", "ConfigMapList", "SecretList"):
                yield from (item for item in document.sequence("items") if isinstance(item, Mapping))
            else:
                yield document

    def views(self, hook: str, names: tuple[str, ...]) -> Iterator[Any]:
        """Yield (document, object) pairs for `Objects` and (document, workflow, job name, job) for `WorkflowJobs`."""
        if hook == "objects" and self.kind == "kubernetes":
            for obj in self.objects():
                if not names or obj.text("kind") in names:
                    yield self, obj
        elif hook == "jobs" and self.kind == "workflow":
            for document in self.documents:
                jobs = document.mapping("jobs") if isinstance(document, Mapping) else None
                for name, job in jobs.items() if jobs else ():
                    if isinstance(document, Mapping) and isinstance(job, Mapping):
                        yield self, document, name, job

    def comments(self) -> Iterator[tuple[Span, str, bool]]:
        """Yield real comments holding ``opslint:`` (a ``#`` inside a scalar is none)."""
        if b"opslint:" not in self.data:
            return
        inside = _scalar_spans(self.data)
        for number, line in enumerate(_lines(self.data), 1):
            column = line.find("#") if "opslint:" in line else -1
            while column >= 0:
                at = (number, column + 1)
                if (column == 0 or line[column - 1] in " \t") and not any(a <= at < b for a, b in inside):
                    yield (number, column + 1, number, len(line) + 1), line[column + 1 :].strip(), not line[:column].strip()
                    break
                column = line.find("#", column + 1)

    def block_end(self, line: int) -> int:
        """Return the last line that the key or list item opened on `line` covers, by indentation."""
        lines = _lines(self.data)
        if not 1 <= line <= len(lines):
            return line
        opener = lines[line - 1]
        indent = len(opener) - len(opener.lstrip(" "))
        is_item = opener.lstrip(" ").startswith("-")
        last = line
        for number in range(line, len(lines)):
            text = lines[number]
            body = text.lstrip(" ")
            if not body or body.startswith("#"):
                continue
            depth = len(text) - len(body)
            same_level_item = depth == indent and not is_item and body.startswith("- ")
            if depth <= indent and not same_level_item:
                break
            last = number + 1
        return last


def read(data: bytes, kind: str) -> YamlDocument:
    """Read one YAML or JSON file.

    Raises ReadProblem: ``read-error`` (no C parser), ``decode-error``, ``parse-error``, ``limit``, or ``template`` for
    a file that is another tool's template and no YAML yet.
    """
    document = YamlDocument(data, kind)
    clean = _clean(data)
    if kind == "json" and b"\\u" in clean:
        clean = _without_surrogates(clean)
    document.documents = build(clean, document.places, template_is_error=kind in ("workflow", "action"))
    document.kind = refine(kind, document.documents)
    return document


def _clean(data: bytes) -> bytes:
    """Check the encoding, drop a byte order mark, and make line separators that no editor counts into spaces."""
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data.decode("utf-16").encode()
        else:
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        head = data[: error.start]
        line = head.count(b"\n") + 1
        raise ReadProblem("decode-error", f"not valid {error.encoding}: {error.reason}", (line, 1, line, 1)) from None
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    if not data.isascii():
        for separator in ("\x85", "\u2028", "\u2029"):
            data = data.replace(separator.encode(), b" ")
    return data


def _without_surrogates(data: bytes) -> bytes:
    """Replace surrogate escapes, which JSON allows and YAML does not, by a stand-in of the same length."""
    import re

    return re.sub(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", rb"\\ufffd", data)


def build(data: bytes, places: Places, *, template_is_error: bool = False) -> list[Node]:
    """Parse clean UTF-8 bytes into the root nodes of their documents, adding spans to `places`."""
    try:
        from yaml._yaml import CParser
        from yaml.error import MarkedYAMLError, YAMLError
        from yaml.reader import ReaderError
    except ImportError:
        raise ReadProblem("read-error", "PyYAML has no C parser here (libyaml): install a PyYAML wheel built with it") from None
    parser = CParser(data)
    builder = _Builder(places)
    try:
        return builder.run(parser)
    except ReaderError as error:
        line = data[: error.position].count(b"\n") + 1 if isinstance(error.position, int) else 1
        raise ReadProblem("parse-error", f"character not allowed in YAML: {error.reason}", (line, 1, line, 1)) from None
    except MarkedYAMLError as error:
        if not template_is_error and _is_template(data):
            raise ReadProblem("template", "a template of another tool, not YAML yet") from None
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = " ".join(part for part in (error.context, error.problem) if part) or "not valid YAML"
        raise ReadProblem("parse-error", message, (line, column, line, column)) from None
    except YAMLError as error:
        raise ReadProblem("parse-error", str(error)) from None
    finally:
        parser.dispose()


def _is_template(data: bytes) -> bool:
    return b"{%" in data or b"%{" in data or data.count(b"{{") > data.count(b"${{")


class _Frame:
    """An open collection: its node, the key waiting for a value, how many nodes it stands for and how deep they go."""

    __slots__ = ("anchor", "end", "height", "is_map", "items", "key", "node", "pairs", "size", "tag")

    def __init__(self, node: Sequence | Mapping, tag: str | None, anchor: str | None, end: tuple[int, int] | None) -> None:
        self.node = node
        self.tag = tag
        self.anchor = anchor
        self.end = end
        self.key: Scalar | None = None
        self.is_map = isinstance(node, Mapping)
        self.pairs: list[tuple[Scalar, Node]] = node.pairs if isinstance(node, Mapping) else []
        self.items: list[Node] = node.items if isinstance(node, Sequence) else []
        self.size = 1
        self.height = 1


class _Builder:
    """Builds trees from parser events with a stack of its own: nothing here recurses."""

    def __init__(self, places: Places) -> None:
        self.spans = places.spans
        self.stack: list[_Frame] = []
        self.roots: list[Node] = []
        self.anchors: dict[str, tuple[Node | None, int, int]] = {}
        self.alias_nodes = 0

    def run(self, parser: Any) -> list[Node]:
        """Consume all events."""
        from yaml.events import (
            AliasEvent,
            DocumentStartEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
            StreamEndEvent,
        )

        next_event = parser.get_event
        spans = self.spans
        stack = self.stack
        while True:
            event = next_event()
            what = type(event)
            if what is ScalarEvent:
                start, end = event.start_mark, event.end_mark
                spans.append((start.line + 1, start.column + 1, end.line + 1, end.column + 1))
                style = event.style
                scalar = Scalar(event.value, len(spans) - 1, quoted=style is not None and style != "")
                if event.anchor is None and event.tag is None and stack:
                    frame = stack[-1]
                    frame.size += 1
                    if not frame.is_map:
                        frame.items.append(scalar)
                    elif frame.key is None:
                        frame.key = scalar
                    else:
                        frame.pairs.append((frame.key, scalar))
                        frame.key = None
                else:
                    node = self._tagged(scalar, event.tag)
                    if event.anchor is not None:
                        self.anchors[event.anchor] = (node, 1, 1)
                    self._add(node, 1, 1)
            elif what is MappingStartEvent or what is SequenceStartEvent:
                self._open(event, what is MappingStartEvent)
            elif what is MappingEndEvent or what is SequenceEndEvent:
                self._close(event)
            elif what is AliasEvent:
                self._alias(event)
            elif what is DocumentStartEvent:
                self.anchors.clear()
            elif what is StreamEndEvent or event is None:
                return self.roots

    def _open(self, event: Any, is_map: bool) -> None:
        start = event.start_mark
        if len(self.stack) >= MAX_DEPTH:
            raise self._limit(f"nested deeper than {MAX_DEPTH} levels", start)
        span = (start.line + 1, start.column + 1, start.line + 1, start.column + 2)
        self.spans.append(span)
        place = len(self.spans) - 1
        node: Sequence | Mapping = Mapping([], place) if is_map else Sequence([], place)
        if event.anchor is not None:
            self.anchors[event.anchor] = (None, 0, 0)
        frame = _Frame(node, event.tag, event.anchor, (0, 0) if event.flow_style else None)
        if is_map and self.stack and self.stack[-1].is_map and self.stack[-1].key is None and event.flow_style:
            # `key: {{ value }}` reads as a mapping that is the key of a mapping; no hand-written manifest does that.
            top = self.stack[-1].node.at
            assert isinstance(top, int)
            if self.spans[top][:2] == (span[0], span[1] - 1):
                raise ReadProblem("template", "a template of another tool, not YAML yet", span)
        self.stack.append(frame)

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        node = frame.node
        at = node.at
        assert isinstance(at, int)
        first = self.spans[at]
        if frame.end is not None:
            end = (event.end_mark.line + 1, event.end_mark.column + 1)
        else:
            # The parser ends a block collection where the next token starts, many comment lines later.
            last = frame.items[-1] if frame.items else frame.pairs[-1][1] if frame.pairs else None
            place = last.at if last is not None else at
            assert isinstance(place, int)
            end = self.spans[place][2:]
            end = max(end, first[2:])
        self.spans[at] = (first[0], first[1], *end)
        if isinstance(node, Mapping):
            _merge(node)
        tagged = self._tagged(node, frame.tag)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (tagged, frame.size, frame.height)
        self._add(tagged, frame.size, frame.height)

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        span = (start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if event.anchor not in self.anchors:
            raise ReadProblem("parse-error", f"alias *{event.anchor} has no anchor before it", span)
        node, size, height = self.anchors[event.anchor]
        if node is None:
            self.spans.append(span)
            node, size, height = Hole("recursive alias", f"*{event.anchor}", len(self.spans) - 1), 1, 1
        self.alias_nodes += size
        if self.alias_nodes > MAX_ALIAS_NODES:
            raise self._limit(f"aliases stand for more than {MAX_ALIAS_NODES} nodes", start)
        if len(self.stack) + height > MAX_DEPTH:
            raise self._limit(f"nested deeper than {MAX_DEPTH} levels", start)
        self._add(node, size, height)

    def _add(self, node: Node, size: int, height: int) -> None:
        if not self.stack:
            if not (isinstance(node, Scalar) and node.is_null):
                self.roots.append(node)
            return
        frame = self.stack[-1]
        frame.size += size
        if height >= frame.height:
            frame.height = height + 1
        if not frame.is_map:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node if isinstance(node, Scalar) else Scalar("", node.at, quoted=True)
        else:
            frame.pairs.append((frame.key, node))
            frame.key = None

    @staticmethod
    def _tagged(node: Node, tag: str | None) -> Node:
        if tag is None or tag.startswith(_CORE_TAG) or tag == "!":
            if isinstance(node, Scalar) and tag in ("!", f"{_CORE_TAG}str"):
                node.quoted = True
            if tag == f"{_CORE_TAG}binary":
                return Hole("tag !!binary", "", node.at)
            return node
        if tag in _OPAQUE_TAGS or tag.startswith("!encrypted/"):
            return Hole(f"tag {tag}", "", node.at)
        return Mapping([(Scalar(tag, node.at), node)], node.at)

    @staticmethod
    def _limit(message: str, mark: Any) -> ReadProblem:
        line, column = mark.line + 1, mark.column + 1
        return ReadProblem("limit", message, (line, column, line, column))


def _merge(node: Mapping) -> None:
    """Apply merge keys: pairs of the merged mappings are appended for keys that the mapping lacks."""
    merges = [value for key, value in node.pairs if key.text == "<<" and not key.quoted]
    if not merges:
        return
    own = [pair for pair in node.pairs if pair[0].text != "<<" or pair[0].quoted]
    seen = {key.text for key, _value in own}
    for merge in merges:
        for source in merge.items if isinstance(merge, Sequence) else [merge]:
            if isinstance(source, Mapping):
                fresh = [pair for pair in source.pairs if pair[0].text not in seen]
                own.extend(fresh)
                seen.update(key.text for key, _value in fresh)
    node.pairs = own


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _scalar_spans(data: bytes) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the spans of all scalars as pairs of (line, column); called only where a file holds an opslint comment."""
    from yaml._yaml import CParser
    from yaml.events import ScalarEvent, StreamEndEvent

    parser = CParser(_clean(data))
    spans = []
    try:
        while True:
            event = parser.get_event()
            if isinstance(event, ScalarEvent):
                start, end = event.start_mark, event.end_mark
                assert start is not None and end is not None
                spans.append(((start.line + 1, start.column + 1), (end.line + 1, end.column + 1)))
            elif event is None or isinstance(event, StreamEndEvent):
                return spans
    finally:
        parser.dispose()
