"""`--format junit`: JUnit XML; each rule that found something is a test case that failed."""

from __future__ import annotations

from opslint.base.finding import INCOMPLETE_KINDS
from opslint.base.typing import TYPE_CHECKING
from opslint.report.escape import line_start, prose, visible

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from opslint.base.finding import Finding, RunResult
    from opslint.report.context import RenderContext


def render(result: RunResult, context: RenderContext) -> str:
    """Return one suite: a failed case a finding, an errored case a problem, one passed case when there is neither."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    problems = [problem for problem in result.problems if problem.kind in INCOMPLETE_KINDS]
    tests = max(len(result.findings) + len(problems), 1)
    counts = {"tests": str(tests), "failures": str(len(result.findings)), "errors": str(len(problems))}
    top = Element("testsuites", {"name": "opslint", **counts})
    suite = SubElement(top, "testsuite", {"name": "opslint", **counts, "skipped": "0"})
    for finding in result.findings:
        case = _case(suite, f"{finding.rule} at line {finding.span[0]}", finding.path)
        failure = SubElement(case, "failure", {"message": _xml(prose(finding.message)), "type": finding.severity})
        failure.text = _xml(_body(finding))
    for problem in problems:
        case = _case(suite, f"{problem.kind} at line {problem.span[0]}", problem.path or "opslint")
        error = SubElement(case, "error", {"message": _xml(prose(problem.message)), "type": problem.kind})
        error.text = line_start(f"{_xml(visible(problem.path))}:{problem.span[0]}:{problem.span[1]}")
    if not result.findings and not problems:
        _case(suite, "no findings" if result.statistics.files else "no file was read", "opslint")
    indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(top, encoding="unicode") + "\n"


def _case(suite: Element, name: str, path: str) -> Element:
    from xml.etree.ElementTree import SubElement

    return SubElement(suite, "testcase", {"name": name, "classname": _xml(visible(path)), "file": _xml(visible(path))})


def _body(finding: Finding) -> str:
    lines = [f"{visible(finding.path)}:{finding.span[0]}:{finding.span[1]}"]
    lines += [f"{visible(related.path)}:{related.span[0]}: {prose(related.message)}" for related in finding.evidence]
    if finding.environments:
        lines.append(f"environments: {visible(', '.join(finding.environments))}")
    if finding.help:
        lines.append(prose(finding.help))
    return "\n".join(line_start(line) for line in lines)


def _xml(text: str) -> str:
    """Leave out what XML 1.0 cannot hold even as a reference (`visible` has already taken the control characters)."""
    return text if text.isascii() else "".join(ch for ch in text if ord(ch) not in (0xFFFE, 0xFFFF))
