"""The Dockerfile splitter."""

from __future__ import annotations

import pytest
from opslint.syntax.dockerfile import read
from opslint.syntax.document import ReadProblem


def test_continuations_comments_and_flags():
    document = read(
        b"# syntax=x\nFROM --platform=linux/amd64 a AS b\nRUN one \\\n  # inside\n\n  && two\nHEALTHCHECK --interval=5s \\\n  CMD x\n",
        "dockerfile",
    )
    first, run, check = document.instructions
    assert (first.name, first.flag("platform"), first.value, first.stage) == ("FROM", "linux/amd64", "a AS b", 0)
    assert (run.value.split(), run.line, run.end_line) == (["one", "&&", "two"], 3, 6)
    assert (check.flag("interval"), check.value) == ("5s", "CMD x")


def test_heredocs_are_no_instructions():
    document = read(
        b'FROM a\nRUN <<EOF bash\napt-get update\nCOPY no\nEOF\nCOPY <<-\'X\' /y\n\tz\n\tX\nCMD ["a", "b"]\n', "dockerfile"
    )
    assert [found.name for found in document.instructions] == ["FROM", "RUN", "COPY", "CMD"]
    assert document.instructions[1].heredocs == [("EOF", "apt-get update\nCOPY no")]
    assert document.instructions[3].words == ["a", "b"]


def test_escape_directive():
    document = read(b"# escape=`\nFROM a\nRUN b `\n  c\\\nCMD d\n", "dockerfile")
    assert [found.value for found in document.instructions] == ["a", "b   c\\", "d"]


def test_problems():
    with pytest.raises(ReadProblem, match="template"):
        read(b"FROM a\n{{ install }}\n", "dockerfile")
    assert [problem.kind for problem in read(b"FROM a\nINSTALL b\n", "dockerfile").problems] == ["parse-error"]
