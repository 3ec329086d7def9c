"""A Dockerfile with lines that are no instruction stops for another reason than its sources or its health check."""

from __future__ import annotations

from pathlib import Path

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run

BROKEN = 'FROM python:3.12-slim\nCOPY app.py /srv/\nCOPY models/ /srv/models/\nHEALTHCHECK CMD python3 -c "\nimport app\n"\n'


@pytest.mark.parametrize("rule", ["manifest-names-missing-file", "probe-cannot-fail"])
def test_nothing_is_said_of_it(tmp_path: Path, rule: str) -> None:
    (tmp_path / "Dockerfile").write_text(BROKEN, encoding="utf-8")
    (tmp_path / "app.py").write_text("print(1)\n", encoding="utf-8")
    result = run(run_options(paths=[str(tmp_path)], root=str(tmp_path), select=[rule], no_cache=True))
    assert [problem.kind for problem in result.problems] == ["parse-error", "parse-error"]
    assert not result.findings
