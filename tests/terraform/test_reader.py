"""The HCL reader: exact spans, errors that do not stop it, bounds."""

from __future__ import annotations

import time

import pytest
from opslint.syntax import hcl
from opslint.syntax.document import ReadProblem


def value(text: str):
    """Return the expression of ``x = <text>``."""
    document = hcl.read(f"x = {text}\n".encode(), "terraform")
    assert document.problems == []
    return document.body[0][0][2]


def test_spans_count_code_points() -> None:
    document = hcl.read('a = "é"\nb = "ü" # ü\nc "ñ" {\n  d = 1\n}\n'.encode(), "terraform")
    spans = {name: document.places.spans[at] for name, at, _expression in document.body[0]}
    assert spans == {"a": (1, 1, 1, 8), "b": (2, 1, 2, 8)}
    kind, labels, at, _body = document.body[1][0]
    assert (kind, labels, document.places.spans[at]) == ("c", ["ñ"], (3, 1, 3, 6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a"', ["lit", "a"]),
        ('"a\\n\\"b\\u00e9$${x}"', ["lit", 'a\n"bé${x}']),
        ("12", ["lit", 12]),
        ("-1.5", ["lit", -1.5]),
        ("null", ["lit", None]),
        ("!!true", ["un", "!", ["un", "!", ["lit", True]]]),
        ('"${~ var.a ~}"', ["tmpl", [["ref", "var", ["a"]]]]),
        ("var.a == 1 ? 2 : 3", ["cond", ["op", "==", ["ref", "var", ["a"]], ["lit", 1]], ["lit", 2], ["lit", 3]]),
        ("1 + 2 * 3", ["op", "+", ["lit", 1], ["op", "*", ["lit", 2], ["lit", 3]]]),
        ('a.b[0].c["d"]', ["ref", "a", ["b", ["i", ["lit", 0]], "c", ["i", ["lit", "d"]]]]),
        ("a.b[*].c", ["ref", "a", ["b", ["*"], "c"]]),
        ("a.b.*.c", ["ref", "a", ["b", ["*"], "c"]]),
        ("f(1, a...)", ["call", "f", [["lit", 1], ["ref", "a", []]], True]),
        ("provider::x::f(1)", ["call", "provider::x::f", [["lit", 1]], False]),
        ("(1)", ["lit", 1]),
        ('"%{ if a }b%{ endif }"', ["tmpl", [["raw", "template directive"]]]),
        (
            "[for k, v in a : v if k]",
            ["for", "list", "k", "v", ["ref", "a", []], None, ["ref", "v", []], ["ref", "k", []]],
        ),
        ("<<-EOT\n    a ${b}\n      c\n  EOT", ["tmpl", [["lit", "a "], ["ref", "b", []], ["lit", "\n  c\n"]]]),
    ],
)
def test_expressions(text: str, expected) -> None:
    assert value(text) == expected


def test_a_broken_block_leaves_its_neighbours() -> None:
    document = hcl.read(b'resource "a" "b" {\n  x = \n  y = 2\n}\nresource "c" "d" {\n  z = 1\n}\n', "terraform")
    assert [problem.kind for problem in document.problems] == ["parse-error"]
    assert document.problems[0].span[0] == 2
    (first, second) = document.body[1]
    assert first[3][2] is True
    assert second[1:2] == [["c", "d"]] and second[3][0][0][2] == ["lit", 1] and second[3][2] is False


def test_bom_is_no_error() -> None:
    document = hcl.read(b"\xef\xbb\xbfa = 1\n", "terraform")
    assert document.problems == [] and document.body[0][0][0] == "a"


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ReadProblem) as error:
        hcl.read(b'a = 1\nb = "\xff"\n', "terraform")
    assert (error.value.kind, error.value.span[0]) == ("decode-error", 2)


def test_comments_and_block_ends() -> None:
    text = 'resource "a" "b" {\n  # opslint: ignore[x] -- y\n  c = [\n    1,\n  ] // opslint: ignore[z] -- w\n}\nd = "# opslint: no"\n'
    document = hcl.read(text.encode(), "terraform")
    assert [(span[0], text, alone) for span, text, alone in document.comments()] == [
        (2, "opslint: ignore[x] -- y", True),
        (5, "opslint: ignore[z] -- w", False),
    ]
    assert (document.block_end(1), document.block_end(3), document.block_end(7)) == (6, 5, 7)


def test_views_by_type() -> None:
    document = hcl.read(b'resource "aws_sqs_queue" "a" {\n  name = "x"\n}\nprovider "aws" {}\n', "terraform")
    assert [view.labels for view in document.views("blocks", ("aws_sqs_queue",))] == [["aws_sqs_queue", "a"]]
    assert [view.type for view in document.views("blocks", ())] == ["resource", "provider"]
    assert list(document.views("calls", ())) == []


@pytest.mark.parametrize(
    "text",
    [
        "a = 1" + " + 1" * 3000,
        "a = " + "-" * 3000 + "1",
        "a = " + "[" * 1500 + "]" * 1500,
        "a {\n" * 1500 + "}\n" * 1500,
        "a = b" + ".c" * 5000,
        "a = x" + " ? 1 : x" * 1500,
        "a = " + '"${' * 400 + "1" + '}"' * 400,
        '} = { ] " ${ \n' * 1000,
        "a = <<X\n" * 1000,
    ],
)
def test_hostile_shapes_end_soon(text: str) -> None:
    start = time.perf_counter()
    document = hcl.read(text.encode(), "terraform")
    assert time.perf_counter() - start < 5
    assert len(document.problems) <= hcl.MAX_PROBLEMS + 1


def test_unclosed_brackets_are_refused() -> None:
    with pytest.raises(ReadProblem) as error:
        hcl.read(b"a = " + b"[" * 5000, "terraform")
    assert error.value.kind == "limit"
