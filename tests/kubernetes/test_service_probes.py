"""Which port a server's command listens on."""

from __future__ import annotations

import pytest
from opslint.model.records import Entry
from opslint.model.service_probes import listening_port


@pytest.mark.parametrize(
    "server, words, expected",
    [
        ("uvicorn", "uvicorn app:app --port 8080", 8080),
        ("uvicorn", "uvicorn app:app --port=8081", 8081),
        ("uvicorn", "uvicorn app:app", 8000),
        ("uvicorn", "uvicorn app:app --port $PORT", None),
        ("uvicorn", "uvicorn app:app --port ${PORT:-9000}", 9000),
        ("gunicorn", "gunicorn -b 0.0.0.0:5000 app:app", 5000),
        ("gunicorn", "gunicorn --bind :8001 app:app", 8001),
        ("gunicorn", "gunicorn -c gunicorn.conf.py app:app", None),
        ("gunicorn", "gunicorn app:app", 8000),
        ("flask", "flask run", 5000),
        ("", "python app.py", None),
    ],
)
def test_listening_port(server: str, words: str, expected: int | None) -> None:
    entry = Entry(app="", files=[], loc=("f", 0), modules=[], role="web", server=server, words=words.split())
    assert listening_port(entry) == expected
