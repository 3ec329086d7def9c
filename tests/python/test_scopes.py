"""Names bound many times in terms of each other are resolved in linear time."""

from __future__ import annotations

import time

from opslint.syntax.python import read


def _source(count: int) -> str:
    rows = ["a = b = c = 0"]
    for number in range(count):
        rows += [f"a = b.x{number}(c)", f"b = c.y{number}(a)", f"c = a.z{number}(b)"]
    rows += ["class K:", "    def m(self):"]
    for number in range(count):
        rows += [f"        self.p = self.q.x{number}()", f"        self.q = self.p.y{number}()"]
    return "\n".join(rows) + "\n"


def test_rebinding_is_linear() -> None:
    read(_source(5).encode())
    started = time.process_time()
    read(_source(100).encode())
    small = time.process_time() - started
    started = time.process_time()
    read(_source(400).encode())
    assert time.process_time() - started < max(1.0, 40 * small)


def test_a_name_rebound_from_itself_keeps_its_origin() -> None:
    document = read(b"import requests\ndef f():\n    s = requests.Session()\n    s = s.mount(1)\n    s.get(2)\n")
    assert [site.origin for site in document.calls] == [
        "requests.Session",
        "requests.Session().mount",
        "requests.Session().mount().get",
    ]
