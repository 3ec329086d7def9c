"""Shell text as commands; compared with tree-sitter-bash where both must agree."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from opslint.syntax.shell import commands, read, split_words


def words(text):
    return [command.words for command in commands(text) if command.words and not command.nested]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 'b c' \"d $e\" f\\ g", [["a", "b c", "d $e", "f g"]]),
        ("a && b || c; d & e | f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("if a; then\n b\nelse\n c\nfi", [["a"], ["b"], ["c"]]),
        ('case "$1" in\n web) exec a ;;\n *) exec "$@" ;;\nesac', [["exec", "a"], ["exec", "$@"]]),
        ("cat <<EOF\nnot a command\nEOF\nb", [["cat"], ["b"]]),
        ("f() {\n a\n}\nf x", [["a"], ["f", "x"]]),
        ("a \\\n  b # c\nd", [["a", "b"], ["d"]]),
        ("X=1 Y=2 a Z=3", [["a", "Z=3"]]),
        ("for i in 1 2; do a $i; done", [["a", "$i"]]),
    ],
)
def test_commands(text, expected):
    assert words(text) == expected


def test_control_flow():
    found = commands("set -e\nif test x; then\n a\nfi\ng() { b; }\nc | d 2>&1 > /dev/null &\n")
    by_name = {command.words[0]: command for command in found}
    assert by_name["test"].test
    assert by_name["a"].depth == 1
    assert by_name["b"].function == "g"
    assert by_name["d"].joined == "|"
    assert by_name["d"].follow == "&"
    assert by_name["d"].redirects == [(">&", "1"), (">", "/dev/null")]


def test_required_variables_and_interpreters():
    document = read(b"#!/bin/sh\n: \"${A:?must be set}\"\necho ${B?} ${C:-x} '${D:?}'\n", "shell")
    assert [name for name, _at in document.required] == ["A", "B"]
    assert read(b"#!/usr/bin/env python3\nimport os\n", "shell").commands == []


def test_one_command():
    assert split_words("gunicorn a:b --bind '0.0.0.0:80'") == ["gunicorn", "a:b", "--bind", "0.0.0.0:80"]
    assert split_words("a && b") is None


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "$(" * 50_000, '"$(' * 30_000, "if a\n" * 30_000, '"${a?' * 30_000, "case a in\n" * 20_000]
)
def test_hostile_nesting_is_linear(text):
    start = time.perf_counter()
    read(text.encode(), "shell")
    assert time.perf_counter() - start < 5


def test_agrees_with_tree_sitter():
    bash = pytest.importorskip("tree_sitter_bash")
    from tree_sitter import Language, Parser

    parser = Parser(Language(bash.language()))
    seen = 0
    for path in sorted(Path(__file__).parents[2].rglob("*.sh")):
        data = path.read_bytes()
        root = parser.parse(data).root_node
        if root.has_error or "node_modules" in path.parts:
            continue
        expected = set()
        stack = [root]
        while stack:
            node = stack.pop()
            name = node.child_by_field_name("name") if node.type == "command" else None
            if name is not None and name.text.isalnum():
                expected.add(name.text.decode())
            stack.extend(node.children)
        own = {command.words[0] for command in read(data, "shell").commands if command.words}
        assert expected <= own, path
        seen += 1
    assert seen
