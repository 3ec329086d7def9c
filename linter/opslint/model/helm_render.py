"""Renders a chart with values into Kubernetes objects whose nodes point back into the templates and values files."""

from __future__ import annotations

from bisect import bisect_right

from opslint.base.location import Places
from opslint.base.record import Record
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING
from opslint.model import helm_objects
from opslint.model.gotemplate_eval import Defined, Machine
from opslint.model.gotemplate_values import Opaque, RenderError, Text, join
from opslint.model.helm_values import doubted, enabled, scoped, with_imports
from opslint.syntax import gotemplate
from opslint.syntax.document import ReadProblem
from opslint.syntax.helm import TOKEN, SourcedScalar

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc, Span
    from opslint.base.tree import Node
    from opslint.model.gotemplate_eval import Piece
    from opslint.model.helm_values import Chart
    from opslint.model.model import DeploymentModel


class Rendering(Record):
    """What a chart gives with some values. `failures`: templates that could not be rendered, with the reason and place."""

    __slots__ = ("failures", "files", "objects", "open_reasons")
    failures: list[tuple[str, Loc]]
    files: list[str]
    objects: list[Mapping]
    open_reasons: list[tuple[str, Loc]]


class Templates:
    """Parsed templates of a project, each file once."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._parsed: dict[str, gotemplate.Template | RenderError] = {}

    def get(self, path: str) -> gotemplate.Template:
        """Parse a template file. Raises RenderError."""
        found = self._parsed.get(path)
        if found is None:
            found = self._parsed[path] = self._parse(path)
        if isinstance(found, RenderError):
            raise found
        return found

    def _parse(self, path: str) -> gotemplate.Template | RenderError:
        data = self.model.read(path)
        try:
            return gotemplate.parse((data or b"").decode("utf-8-sig").replace("\r\n", "\n"))
        except UnicodeDecodeError:
            error = RenderError("the template is not UTF-8")
            error.loc = (path, (1, 1, 1, 1))
        except ReadProblem as problem:
            error = RenderError(f"the template cannot be parsed: {problem.message}")
            error.loc = (path, problem.span)
        return error


class _Job(Record):
    """One chart (or subchart) to render: the dot its templates see."""

    __slots__ = ("chart", "dot", "prefix")
    chart: Chart
    dot: dict[str, Any]
    prefix: str


def render(
    templates: Templates, chart: Chart, values: dict[str, Any], release_name: str | None, namespace: str | None, doubt: str = ""
) -> Rendering:
    """Render a chart with its enabled subcharts. `doubt`: why texts of the charts' own values are only likely."""
    result = Rendering(failures=[], files=[], objects=[], open_reasons=[])
    jobs: list[_Job] = []
    release = helm_objects.release(release_name, namespace, guess=chart.fact.name)
    try:
        _plan(templates.model, chart, values, {}, release, chart.fact.name, jobs, result, doubt)
    except RenderError as error:
        result.failures.append((error.message, error.loc or chart.fact.loc))
        return result
    machine = Machine({})
    # Deeper charts first: a parent's definitions replace those of its subcharts, as in Helm.
    for job in sorted(jobs, key=lambda job: -job.prefix.count("/")):
        for path in job.chart.templates:
            try:
                parsed = templates.get(path)
            except RenderError as error:
                result.failures.append((error.message, error.loc or (path, (1, 1, 1, 1))))
                continue
            machine.templates[f"{job.prefix}/{_inside(job.chart, path)}"] = Defined(body=parsed.body, path=path)
            machine.templates.update({name: Defined(body=body, path=path) for name, body in parsed.defines.items()})
    if result.failures:
        # One file that cannot be parsed stops the whole chart in Helm, too.
        return result
    for job in jobs:
        _render_job(templates, machine, job, result)
    result.open_reasons.extend(machine.open_reasons)
    return result


def _plan(
    model: DeploymentModel,
    chart: Chart,
    given: dict[str, Any],
    globals_: dict[str, Any],
    release: dict[str, Any],
    prefix: str,
    jobs: list[_Job],
    result: Rendering,
    doubt: str,
) -> dict[str, Any]:
    defaults_path = f"{chart.directory}/values.yaml" if chart.directory else "values.yaml"
    defaults = with_imports(model, chart, given)
    if defaults_path in model.files:
        result.files.append(defaults_path)
    if doubt:
        defaults = doubted(defaults, doubt)
    values = scoped(chart, given, defaults, globals_)
    start = len(jobs)
    for child in chart.children:
        verdict = enabled(child, values)
        if verdict is False:
            continue
        if verdict is None:
            result.open_reasons.append((f"whether subchart {child.alias} is on", child.fact.loc))
        inner = values.get(child.alias)
        values[child.alias] = _plan(
            model,
            child,
            inner if isinstance(inner, dict) else {},
            values["global"],
            release,
            f"{prefix}/charts/{child.alias}",
            jobs,
            result,
            doubt,
        )
    inside = {path[len(chart.directory) + 1 if chart.directory else 0 :]: path for path in chart.files}
    dot: dict[str, Any] = {
        "Values": values,
        "Chart": helm_objects.chart_scope({**chart.fact.fields, "name": chart.alias}),
        "Release": release,
        "Capabilities": helm_objects.capabilities(),
        "Files": helm_objects.files(sorted(inside), lambda name: model.read(inside[name]) if name in inside else None),
        "Subcharts": {job.chart.alias: job.dot for job in jobs[start:] if job.prefix == f"{prefix}/charts/{job.chart.alias}"},
    }
    jobs.append(_Job(chart=chart, dot=dot, prefix=prefix))
    return values


def _render_job(templates: Templates, machine: Machine, job: _Job, result: Rendering) -> None:
    for path in job.chart.templates:
        name = path.rpartition("/")[2]
        if name.startswith("_") or name == "NOTES.txt" or job.chart.fact.type == "library":
            continue
        dot = {**job.dot, "Template": {"Name": f"{job.prefix}/{_inside(job.chart, path)}", "BasePath": f"{job.prefix}/templates"}}
        try:
            body = templates.get(path).body
            if _only_definitions(body):
                continue
            pieces = machine.render(path, body, dot)
            objects = objects_of(pieces)
        except RenderError as error:
            result.failures.append((error.message, error.loc or (path, (1, 1, 1, 1))))
            continue
        if objects:
            result.files.append(path)
        result.objects.extend(objects)


def _inside(chart: Chart, path: str) -> str:
    return path.removeprefix(f"{chart.directory}/") if chart.directory else path


def _only_definitions(body: list[gotemplate.Node]) -> bool:
    """Tell whether a template gives nothing but CustomResourceDefinitions: megabytes that no rule looks at."""
    kinds: list[str] = []
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, gotemplate.Text):
            kinds.extend(line for line in node.text.split("\n") if line.startswith("kind:"))
        elif isinstance(node, gotemplate.Branch):
            stack.extend((*node.body, *node.otherwise))
    return bool(kinds) and all(line.split() == ["kind:", "CustomResourceDefinition"] for line in kinds)


class _Source:
    """A rendered text with the way back: which piece each offset was printed by, and the marks of its values."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.text = join(piece.text for piece in pieces)
        self.starts: list[int] = []
        self.segments: list[tuple[str, Span, bool]] = []
        at = 0
        for piece in pieces:
            at = self._segment(piece, at)
        self.lines = [0]
        hit = self.text.find("\n")
        while hit >= 0:
            self.lines.append(hit + 1)
            hit = self.text.find("\n", hit + 1)
        self.mark_starts = [mark[0] for mark in self.text.marks]
        self.longest = max((end - start for start, end, _what in self.text.marks), default=0)

    def _segment(self, piece: Piece, at: int) -> int:
        """Literal text gives one segment a line, so that columns can be counted; an action is one segment."""
        literal = not isinstance(piece.text, Text)
        if not literal:
            self.starts.append(at)
            self.segments.append((piece.path, piece.span, False))
            return at + len(piece.text)
        line, column = piece.span[0], piece.span[1]
        for part in piece.text.splitlines(keepends=True):
            self.starts.append(at)
            self.segments.append((piece.path, (line, column, line, column + len(part)), True))
            at += len(part)
            line, column = line + 1, 1
        return at

    def offset(self, line: int, column: int) -> int:
        return min(self.lines[min(line, len(self.lines)) - 1] + column - 1, len(self.text))

    def back(self, start: int, end: int) -> tuple[str, Span]:
        """The template path and span of a stretch of the text."""
        path, first, literal = self._at(start)
        last_path, last, last_literal = self._at(max(start, end - 1))
        begin = (first[0], first[1] + start - self.starts[self._index(start)]) if literal else first[:2]
        if last_path != path:
            return path, (*begin, *first[2:])
        stop = (
            (last[0], last[1] + max(end, start + 1) - self.starts[self._index(max(start, end - 1))]) if last_literal else last[2:]
        )
        return path, (*begin, *max(stop, begin))

    def _index(self, offset: int) -> int:
        return max(bisect_right(self.starts, offset) - 1, 0)

    def _at(self, offset: int) -> tuple[str, Span, bool]:
        return self.segments[self._index(offset)] if self.segments else ("", (1, 1, 1, 1), False)

    def marks(self, start: int, end: int) -> tuple[list[Loc], Opaque | None, str]:
        """Places of values, the first unknown piece, and the first guess inside a stretch."""
        places: list[Loc] = []
        hole: Opaque | None = None
        guess = ""
        index = bisect_right(self.mark_starts, start - self.longest - 1)
        while index < len(self.mark_starts) and self.mark_starts[index] < end:
            _start, stop, what = self.text.marks[index]
            index += 1
            if stop <= start:
                continue
            if not isinstance(what, Opaque):
                places.append(what)
            elif what.placeholder is None:
                hole = hole or what
            else:
                guess = guess or what.reason
        return places, hole, guess


def objects_of(pieces: list[Piece]) -> list[Mapping]:
    """Parse rendered text into objects. Raises RenderError when it is no YAML."""
    from opslint.syntax.yaml import build

    source = _Source(_mended(pieces))
    if not source.text.strip():
        return []
    places = Places()
    plain = str(source.text).replace("\x85", " ").replace("\u2028", " ").replace("\u2029", " ").replace("\r", " ")
    try:
        roots = build(plain.encode("utf-8", "replace"), places)
    except ReadProblem as problem:
        error = RenderError(f"what is rendered is not valid YAML: {problem.message}")
        at = source.offset(problem.span[0], problem.span[1])
        error.loc = source.back(at, at + 1)
        raise error from None
    found: list[Mapping] = []
    for root in roots:
        node = _mapped(root, source, places)
        if isinstance(node, Mapping) and node.text("kind") == "List":
            found.extend(item for item in node.sequence("items") if isinstance(item, Mapping))
        elif isinstance(node, Mapping):
            found.append(node)
    return found


def _mapped(node: Node, source: _Source, places: Places) -> Node:
    """Copy a tree of the rendered text into one of the template: spans, origins, holes."""
    assert isinstance(node.at, int)
    a, b, c, d = places.spans[node.at]
    start, end = source.offset(a, b), source.offset(c, d)
    path, span = source.back(start, end)
    if isinstance(node, Scalar):
        return _scalar(node, source, start, end, path, span)
    if isinstance(node, Sequence):
        return Sequence([_mapped(item, source, places) for item in node.items], span, path)
    if isinstance(node, Mapping):
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in node.pairs:
            name = _mapped(key, source, places)
            made = _mapped(value, source, places)
            pairs.append((name if isinstance(name, Scalar) else Scalar(TOKEN, name.at, path=name.path), made))
        return Mapping(pairs, span, path)
    assert isinstance(node, Hole)
    return Hole(node.reason, node.text, span, path)


def _scalar(node: Scalar, source: _Source, start: int, end: int, path: str, span: Span) -> Node:
    origins, hole, guess = source.marks(start, end)
    if hole is not None:
        return Hole(hole.reason, node.text, span, path)
    if origins or guess:
        kept = tuple(origins) if len(origins) <= 8 else ()
        return SourcedScalar(node.text, span, quoted=node.quoted, path=path, origins=kept, guess=guess)
    return Scalar(node.text, span, quoted=node.quoted, path=path)


def _mended(pieces: list[Piece]) -> list[Piece]:
    """An unknown block that stands on a line of its own between keys (or items) becomes a key (or an item)."""
    if not any(isinstance(piece.text, Text) and TOKEN in piece.text for piece in pieces):
        return pieces
    text = "".join(piece.text for piece in pieces)
    lines = text.split("\n")
    inserts: dict[int, str] = {}
    at = 0
    for index, line in enumerate(lines):
        if line.strip() == TOKEN:
            put = _fix(lines, index)
            if put == "- ":
                inserts[at + len(line) - len(line.lstrip())] = put
            elif put:
                inserts[at + len(line.rstrip())] = put
        at += len(line) + 1
    if not inserts:
        return pieces
    out: list[Piece] = []
    at = 0
    for piece in pieces:
        end = at + len(piece.text)
        cuts = sorted(offset for offset in inserts if at <= offset < end or (offset == end and piece is pieces[-1]))
        parts: list[str] = []
        last = 0
        for offset in cuts:
            parts.extend((_part(piece.text, last, offset - at), inserts.pop(offset)))
            last = offset - at
        if cuts:
            parts.append(_part(piece.text, last, len(piece.text)))
            out.append(piece.replace(text=join(parts)))
        else:
            out.append(piece)
        at = end
    return out


def _part(text: str, start: int, end: int) -> str:
    from opslint.model.gotemplate_values import cut

    return cut(text, start, end)


def _fix(lines: list[str], index: int) -> str:
    own = len(lines[index]) - len(lines[index].lstrip())
    for step in (1, -1):
        at = index + step
        while 0 <= at < len(lines) and not lines[at].strip():
            at += step
        if not 0 <= at < len(lines):
            continue
        body = lines[at].lstrip()
        if len(lines[at]) - len(body) == own and not body.startswith(("#", "---")):
            return "- " if body.startswith("- ") else f": {TOKEN}"
    return ""
