"""A project of which nothing could be linked never looks like one in which nothing was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from opslint.report import render
from opslint.report.text import NOT_LINKED
from opslint.testing import check_directory

from . import sample

CODE = {"app.py": "import os\n\nNAME = os.environ.get('NAME')\n"}
LINKED = {
    **CODE,
    "Dockerfile": 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ["python", "app.py"]\n',
    "compose.yaml": "services:\n  api:\n    build: .\n",
}


@pytest.mark.parametrize(
    ("files", "linked"),
    [
        (CODE, False),
        (LINKED, True),
        ({**CODE, "compose.yaml": "services:\n  db:\n    image: postgres:16\n"}, False),
        ({"main.tf": 'resource "aws_sns_topic" "t" {\n  name = "t"\n}\n'}, True),
        (
            {".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n"},
            True,
        ),
    ],
)
def test_the_verdict_says_whether_anything_could_be_linked(tmp_path: Path, files: dict[str, str], linked: bool) -> None:
    sample.tree(tmp_path, files)
    result = check_directory(tmp_path).result
    result = result.replace(findings=[])
    assert any(hint.startswith(NOT_LINKED) for hint in result.hints) != linked
    text = render("text", result, sample.context(str(tmp_path)))
    assert ("GO  (" in text) == linked
    assert ("not enough known" in text) != linked
