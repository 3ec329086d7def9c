"""What start scripts insist on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opslint.engine.options import run_options
from opslint.engine.run import run

if TYPE_CHECKING:
    from pathlib import Path

_PROJECT = {
    "Dockerfile": 'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nENTRYPOINT ["/srv/start.sh"]\nCMD ["python", "shop.py"]\n',
    "shop.py": 'import os\nMODE = os.environ["MODE"]\n',
    "docker-compose.prod.yml": "services:\n  shop:\n    build: .\n    environment:\n      MODE: fast\n",
}


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ('set -e\n: "${BROKER:?needed}"\nexec "$@"\n', ["BROKER"]),
        ('echo "${BROKER?needed}"\nexec "$@"\n', ["BROKER"]),
        ('BROKER=kafka\n: "${BROKER:?needed}"\nexec "$@"\n', []),
        ('export BROKER=kafka\n: "${BROKER:?needed}"\nexec "$@"\n', []),
        ('echo "${BROKER:-kafka} $OTHER"\nexec "$@"\n', []),
        (': "${MODE:?needed}"\nexec "$@"\n', []),
        ('if [ "$MODE" = slow ]; then\n  : "${BROKER:?needed}"\nfi\nexec "$@"\n', []),
        ('[ "$MODE" = slow ] && : "${BROKER:?needed}"\nexec "$@"\n', []),
    ],
)
def test_start_script(tmp_path: Path, script: str, names: list[str]) -> None:
    for name, text in {**_PROJECT, "start.sh": f"#!/bin/sh\n{script}"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = run(run_options(paths=[str(tmp_path)], root=str(tmp_path), select=["env-required-but-not-set"], no_cache=True))
    assert not result.problems
    assert [item.message.split("`")[1] for item in result.findings] == names
