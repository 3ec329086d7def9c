"""The YAML reader: raw scalars, places, aliases, merge keys, tags, bounds, templates."""

from __future__ import annotations

import pytest
from opslint.base.tree import Hole, Mapping, Scalar, Sequence
from opslint.syntax.document import ReadProblem
from opslint.syntax.yaml import MAX_ALIAS_NODES, read


def plain(node):
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.pairs}
    if isinstance(node, Sequence):
        return [plain(item) for item in node]
    assert isinstance(node, Hole)
    return f"<{node.reason}>"


def load(text, kind="yaml"):
    return [plain(document) for document in read(text if isinstance(text, bytes) else text.encode(), kind).documents]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on: yes\na: 0x_\nb: 2001-99-99\nc: 1_0\n", [{"on": "yes", "a": "0x_", "b": "2001-99-99", "c": "1_0"}]),
        ("a: &x 1\nb: &x 2\nc: *x\n", [{"a": "1", "b": "2", "c": "2"}]),
        ("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", [{"a": {"p": "1", "q": "2"}, "b": {"q": "3", "p": "1"}}]),
        ("a: &a [1, *a]\n", [{"a": ["1", "<recursive alias>"]}]),
        (
            "a: !Ref x\nb: !Sub [y]\nc: !vault z\nd: !!str 5\n",
            [{"a": {"!Ref": "x"}, "b": {"!Sub": ["y"]}, "c": "<tag !vault>", "d": "5"}],
        ),
        ("---\na: 1\n---\n# nothing\n---\nb: 2\n", [{"a": "1"}, {"b": "2"}]),
        ("", []),
        ("\ufeffa: 1\n", [{"a": "1"}]),
        ("? [a]\n: b\n", [{"": "b"}]),
    ],
)
def test_content(text, expected):
    assert load(text) == expected


def test_duplicate_keys_are_kept_and_the_last_wins():
    root = read(b"a: 1\na: 2\n", "yaml").documents[0]
    assert len(root.pairs) == 2
    assert root.text("a") == "2"


def test_an_alias_is_the_node_of_its_anchor():
    root = read(b"a: &x {k: 1}\nb: *x\n", "yaml").documents[0]
    assert root.get("a") is root.get("b")


def test_columns_are_code_points_and_blocks_end_at_their_last_child():
    document = read("a: '\u00e9\U0001f600'\nb:\n  - c: 1\n\n# end\nd: 2\n".encode(), "yaml")
    root = document.documents[0]
    spans = document.places.spans
    assert spans[root.get("a").at] == (1, 4, 1, 8)
    assert spans[root.get("b").at] == (3, 3, 3, 9)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"a: *b\n", "parse-error"),
        (b"a:\n\tb: 1\n", "parse-error"),
        (b"a: \xff\n", "decode-error"),
        (b"[" * 100_000, "parse-error"),
        (b"- " * 100_000, "limit"),
        (b"? " * 50_000, "limit"),
        (b"".join(b" " * depth + b"a:\n" for depth in range(1000)), "limit"),
        (b"a: {{ b }}\n", "template"),
        (b"{% if x %}\na: 1\n{% endif %}\n", "template"),
        (b"%{ if x }\na: 1\n", "template"),
    ],
)
def test_what_cannot_be_read_is_a_located_problem(data, kind):
    with pytest.raises(ReadProblem) as caught:
        read(data, "yaml")
    assert caught.value.kind == kind
    assert caught.value.span[0] >= 1


def test_alias_bombs_are_bounded():
    text = b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n".encode()
    with pytest.raises(ReadProblem, match=str(MAX_ALIAS_NODES)):
        read(text, "yaml")


def test_quoted_templates_and_workflow_expressions_are_no_templates():
    assert load('a: "{{ b }}"\n') == [{"a": "{{ b }}"}]
    assert load("a: ${{ github.sha }}\n", "workflow") == [{"a": "${{ github.sha }}"}]


@pytest.mark.parametrize(
    ("text", "path_kind", "kind"),
    [
        ("apiVersion: v1\nkind: Pod\n", "yaml", "kubernetes"),
        ("apiVersion: v1\nkind: Pod\n", "helm-values", "kubernetes"),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "yaml", "kustomization"),
        ("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n", "yaml", "cloudformation"),
        ("services:\n  a:\n    image: x\n", "yaml", "compose"),
        ("groups:\n  - name: a\n    rules: []\n", "yaml", "prometheus-rules"),
        ("service: a\nprovider: {name: aws}\nfunctions: {}\n", "yaml", "serverless"),
        ("stages: [a]\nb:\n  script: x\n", "yaml", "gitlab-ci"),
        ("- hosts: all\n  tasks: []\n", "yaml", "ansible"),
        ("openapi: 3.0.0\n", "yaml", "openapi"),
        ("a: 1\n", "yaml", "unknown-yaml"),
        ("a: 1\n", "workflow", "workflow"),
    ],
)
def test_kinds(text, path_kind, kind):
    assert read(text.encode(), path_kind).kind == kind


def test_comments_and_blocks():
    document = read(
        b"a:\n  b: 1 # opslint: ignore[x] -- y\nc: '# opslint: no'\nd: |\n  # opslint: no\ne:\n- 1\n- 2\nf: 3\n", "yaml"
    )
    assert list(document.comments()) == [((2, 8, 2, 33), "opslint: ignore[x] -- y", False)]
    assert document.block_end(1) == 2
    assert document.block_end(6) == 8
