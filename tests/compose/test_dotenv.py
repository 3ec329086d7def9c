"""The dotenv lexer says exactly what python-dotenv says."""

from __future__ import annotations

import io
import random

import pytest
from dotenv.parser import parse_stream
from opslint.syntax.dotenv import read, references

PIECES = [
    "A",
    "B",
    "=",
    " ",
    '"',
    "'",
    "\\",
    "#",
    "\n",
    "export ",
    "x",
    "$",
    "\t",
    "\r\n",
    "\r",
    "n",
    "${A}",
    "\u00e9",
    "export",
    "a.b-c",
]


def own(text):
    document = read(text.encode(), "dotenv")
    return [(found.name, found.value) for found in document.bindings], len(document.errors)


def reference(text):
    found = list(parse_stream(io.StringIO(text)))
    return [(item.key, item.value) for item in found if item.key is not None], sum(item.error for item in found)


@pytest.mark.parametrize(
    "text",
    [
        "A=1\nexport B='x # y'\nC=\"two\nlines\" # c\n\n# d\nE\nF = g h # i\nG=#j\nH= #k\nI='it\\'s'\n",
        "A='never closed\nB=2\n",
        "= x\nA==b\n'quoted key'=1\n",
    ],
)
def test_cases(text):
    assert own(text) == reference(text)


def test_random_texts():
    choose = random.Random(7)
    for _ in range(20_000):
        text = "".join(choose.choice(PIECES) for _ in range(choose.randint(0, 14)))
        assert own(text) == reference(text), text


def test_references():
    assert references("a$B-${C:-x}${D}$$E$1") == ["B", "C", "D"]
