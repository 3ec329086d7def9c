"""Fixes: bytes outside of the edit stay, what cannot be vouched for is refused, and fixing twice changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opslint.base.finding import Edit, Finding, Fix, Related, RunResult
from opslint.base.settings import ProjectSettings, default_settings
from opslint.engine import fixes
from opslint.engine.fixes import FileChange, NoFixError, span_of, splice

from . import sample

SETTINGS = default_settings().replace(fix={"http_timeout": 10})
HTTP = Fix(
    title="Pass timeout={value}", applicability="safe", maker="http-timeout", data={"needs": "http_timeout", "keyword": "timeout"}
)


def settings_of(_path: str) -> ProjectSettings:
    return SETTINGS


def call_finding(data: bytes, call: str, path: str = "a.py") -> Finding:
    """A finding that covers the first occurrence of `call`."""
    at = data.index(call.encode())
    return sample.finding(path=path, span=span_of(data, at, at + len(call.encode())), fix=HTTP, evidence=[])


def fixed(data: bytes, call: str) -> bytes:
    return splice(data, fixes.make(call_finding(data, call), data, SETTINGS))


@pytest.mark.parametrize(
    ("before", "call", "after"),
    [
        ("requests.get(url)\n", "requests.get(url)", "requests.get(url, timeout=10)\n"),
        ("requests.get(url)\n", "requests.get", "requests.get(url, timeout=10)\n"),
        ("Session()\n", "Session()", "Session(timeout=10)\n"),
        ("x = requests.get(url,)\n", "requests.get(url,)", "x = requests.get(url, timeout=10,)\n"),
        ("r = requests.get(url, timeout=None)\n", "requests.get(url, timeout=None)", "r = requests.get(url, timeout=10)\n"),
        ("r = get(url, timeout = (None))\n", "get(url, timeout = (None))", "r = get(url, timeout = 10)\n"),
        ("r = requests.get(url).json()\n", "requests.get(url)", "r = requests.get(url, timeout=10).json()\n"),
        ("r = requests.post(a, json=requests.get(b))\n", "requests.get(b)", "r = requests.post(a, json=requests.get(b, timeout=10))\n"),
        ("é = 'ü'; requests.get('日本', **kw)  # ñ\n", "requests.get('日本', **kw)", "é = 'ü'; requests.get('日本', **kw, timeout=10)  # ñ\n"),
        (
            "def f():\n\tx = requests.get(\n\t\turl,  # where\n\t\tparams=p,\n\t)\n",
            "requests.get(\n\t\turl,  # where\n\t\tparams=p,\n\t)",
            "def f():\n\tx = requests.get(\n\t\turl,  # where\n\t\tparams=p,\n\t\ttimeout=10,\n\t)\n",
        ),
        ("f(\n    url\n)\n", "f(\n    url\n)", "f(\n    url,\n    timeout=10\n)\n"),
    ],
)  # fmt: skip
def test_a_call_gets_its_timeout(before: str, call: str, after: str) -> None:
    assert fixed(before.encode(), call) == after.encode()
    crlf = before.replace("\n", "\r\n").encode()
    assert fixed(crlf, call.replace("\n", "\r\n")) == after.replace("\n", "\r\n").encode()
    bom = b"\xef\xbb\xbf" + before.encode()
    assert fixed(bom, call) == b"\xef\xbb\xbf" + after.encode()


@pytest.mark.parametrize(
    ("source", "call", "reason"),
    [
        ("requests.get(u for u in us)\n", "requests.get(u for u in us)", "cannot be parsed"),
        ("requests.get(\n", "requests.get", "cannot be parsed"),
        ("x = " + "(" * 150 + "f()" + ")" * 150 + "\n", "f()", "nested too deeply"),
        ("x = 1\nrequests.get(u)\n", "x = 1", "not there any more"),
        ("\x0crequests.get(u)\n", "requests.get(u)", "form feeds"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(source: str, call: str, reason: str) -> None:
    with pytest.raises(NoFixError, match=reason):
        fixed(source.encode(), call)


def test_further_calls_of_one_finding_are_fixed_with_it() -> None:
    data = b"s = Session()\ns.get(1)\ns.get(2)\n"
    first = call_finding(data, "s.get(1)")
    at = data.index(b"s.get(2)")
    others = [
        Related(message="likewise", path="a.py", span=span_of(data, at, at + 8)),
        Related(message="the session is made here", path="a.py", span=(1, 5, 1, 14)),
    ]
    finding = first.replace(evidence=others, fix=HTTP.replace(data={"keyword": "timeout", "also": 1}))
    assert splice(data, fixes.make(finding, data, SETTINGS)) == b"s = Session()\ns.get(1, timeout=10)\ns.get(2, timeout=10)\n"


def test_without_a_configured_value_there_is_no_fix() -> None:
    data = b"requests.get(u)\n"
    assert fixes.offered(HTTP, default_settings()) is None
    offered = fixes.offered(HTTP, SETTINGS)
    assert offered is not None
    assert offered.title == "Pass timeout=10"
    with pytest.raises(NoFixError, match="no value is configured"):
        fixes.make(call_finding(data, "requests.get(u)"), data, default_settings())


RESOURCE = """\
resource "aws_db_instance" "main" {
  engine              = "postgres" # keep
  skip_final_snapshot = true
}

resource "aws_s3_bucket" "b" {
  bucket = "é"

  lifecycle {
    ignore_changes = [tags]
  }
}
"""


def hcl_finding(data: bytes, at: str, **wanted: str) -> Finding:
    start = data.index(at.encode())
    fix = Fix(title="Protect it", applicability="unsafe", maker="hcl-attribute", data=dict(wanted))
    return sample.finding(path="main.tf", span=span_of(data, start, start + len(at.encode())), fix=fix, evidence=[])


@pytest.mark.parametrize(
    ("at", "wanted", "before", "after"),
    [
        ('resource "aws_db_instance" "main"', {"attribute": "deletion_protection", "value": "true"},
         "= true\n}", "= true\n\n  deletion_protection = true\n}"),
        ("skip_final_snapshot = true", {"attribute": "skip_final_snapshot", "value": "false"},
         "skip_final_snapshot = true", "skip_final_snapshot = false"),
        ('resource "aws_db_instance" "main"', {"block": "lifecycle", "attribute": "prevent_destroy", "value": "true"},
         "= true\n}", "= true\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}"),
        ('resource "aws_s3_bucket" "b"', {"block": "lifecycle", "attribute": "prevent_destroy", "value": "true"},
         "[tags]\n", "[tags]\n\n    prevent_destroy = true\n"),
    ],
)  # fmt: skip
def test_terraform_attributes_are_set_in_place(at: str, wanted: dict[str, str], before: str, after: str) -> None:
    for text in (RESOURCE, RESOURCE.replace("\n", "\r\n"), "\ufeff" + RESOURCE):
        data = text.encode()
        crlf = "\r\n" in text
        out = splice(data, fixes.make(hcl_finding(data, at, **wanted), data, SETTINGS))
        left, right = (part.replace("\n", "\r\n") if crlf else part for part in (before, after))
        assert out.decode() == text.replace(left, right, 1)


@pytest.mark.parametrize(
    ("attribute", "after"),
    [
        ("prevent_destroy", "= true\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}"),
        ("deletion_protection", "= true\n\n  deletion_protection = true\n}"),
    ],
)
def test_a_resource_is_protected_wherever_the_finding_stands(attribute: str, after: str) -> None:
    data = RESOURCE.encode()
    finding = hcl_finding(data, 'bucket = "é"', attribute=attribute, type="aws_db_instance", name="main")
    finding = finding.replace(fix=finding.fix and finding.fix.replace(maker="opslint.engine.fixes_hcl:protect"))
    out = splice(data, fixes.make(finding, data, SETTINGS))
    assert out.decode() == RESOURCE.replace("= true\n}", after, 1)
    gone = finding.replace(fix=finding.fix and finding.fix.replace(data={"attribute": attribute, "type": "x", "name": "y"}))
    with pytest.raises(NoFixError, match="not there any more"):
        fixes.make(gone, data, SETTINGS)


@pytest.mark.parametrize(
    "source",
    ['resource "a" "b" { x = 1 }\n', 'resource "a" "b" {\n  x = \n}\n', 'resource "a" "b" {\n  x = 1 }\n'],
)
def test_terraform_that_cannot_be_vouched_for_is_left_alone(source: str) -> None:
    data = source.encode()
    with pytest.raises(NoFixError):
        fixes.make(hcl_finding(data, 'resource "a" "b"', attribute="y", value="true"), data, SETTINGS)


def test_a_value_that_would_smuggle_in_a_block_is_refused() -> None:
    data = RESOURCE.encode()
    smuggled = hcl_finding(data, 'resource "aws_db_instance" "main"', attribute="y", value="1\n  z = 2")
    with pytest.raises(NoFixError, match="something else"):
        fixes.make(smuggled, data, SETTINGS)


@given(st.text(alphabet="ab日\n\r\t é", max_size=40), st.data())
def test_spans_and_offsets_are_inverse_and_splices_keep_the_rest(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    starts = fixes._line_starts(raw)
    boundaries = [
        len(text[:i].encode()) for i in range(len(text) + 1) if not (0 < i < len(text) and text[i - 1 : i + 1] == "\r\n")
    ]
    start = data.draw(st.sampled_from(boundaries))
    end = data.draw(st.sampled_from([at for at in boundaries if at >= start]))
    span = span_of(raw, start, end)
    assert fixes.offset(raw, starts, *span[:2]) == start
    assert fixes.offset(raw, starts, *span[2:]) == end
    assert splice(raw, [Edit(path="x", span=span, text="Z")]) == raw[:start] + b"Z" + raw[end:]


def run_of(root: Path) -> RunResult:
    """A run that finds every `requests.get(…)` line without a timeout."""
    found = []
    for path in sorted(root.rglob("*.py")):
        data = path.read_bytes()
        for line in data.decode().splitlines():
            if "requests.get(" in line and "timeout" not in line:
                found.append(call_finding(data, line.strip(), path.relative_to(root).as_posix()))
    return sample.result(str(root), findings=found)


def reader(root: Path, path: str) -> bytes:
    return (root / path).read_bytes()


def test_fixing_reaches_a_fixed_point_and_keeps_mode_and_links(tmp_path: Path) -> None:
    sample.tree(tmp_path, {"app/a.py": "requests.get(1)\nrequests.get(2)\r\n", "real/b.py": "requests.get(3)\n"})
    (tmp_path / "app/a.py").chmod(0o755)
    applied = fixes.apply(lambda: run_of(tmp_path), settings_of, lambda path: reader(tmp_path, path), unsafe=False)
    assert applied.settled
    assert applied.refused == []
    assert len(applied.fixed) == 3
    assert (tmp_path / "app/a.py").read_bytes() == b"requests.get(1, timeout=10)\nrequests.get(2, timeout=10)\r\n"
    assert (tmp_path / "app/a.py").stat().st_mode & 0o777 == 0o755
    again = fixes.apply(lambda: run_of(tmp_path), settings_of, lambda path: reader(tmp_path, path), unsafe=False)
    assert again.fixed == []


def test_fixes_that_undo_each_other_stop_after_ten_rounds(tmp_path: Path) -> None:
    sample.tree(tmp_path, {"a.py": "requests.get(1)\n"})
    rounds = 0

    def run() -> RunResult:
        nonlocal rounds
        rounds += 1
        (tmp_path / "a.py").write_text("requests.get(1)\n")
        return run_of(tmp_path)

    applied = fixes.apply(run, settings_of, lambda path: reader(tmp_path, path), unsafe=False)
    assert not applied.settled
    assert rounds == fixes.MAX_ROUNDS + 1


def test_unsafe_fixes_only_when_asked_for(tmp_path: Path) -> None:
    sample.tree(tmp_path, {"main.tf": RESOURCE})
    data = (tmp_path / "main.tf").read_bytes()
    finding = hcl_finding(data, 'resource "aws_db_instance" "main"', attribute="deletion_protection", value="true")
    assert fixes.plan([finding], lambda path: reader(tmp_path, path), settings_of, unsafe=False).changes == []
    assert len(fixes.plan([finding], lambda path: reader(tmp_path, path), settings_of, unsafe=True).changes) == 1


def test_a_file_that_changed_or_leads_away_is_not_written(tmp_path: Path) -> None:
    root = sample.tree(tmp_path / "root", {"a.py": "new\n"})
    sample.tree(tmp_path, {"outside.py": "x\n"})
    (root / "link.py").symlink_to("../outside.py")
    with pytest.raises(NoFixError, match="changed since"):
        fixes.write(str(root), FileChange(after=b"b", before=b"old\n", path="a.py", titles=[]))
    with pytest.raises(NoFixError, match="out of the project"):
        fixes.write(str(root), FileChange(after=b"b", before=b"x\n", path="link.py", titles=[]))
    assert sorted(os.listdir(root)) == ["a.py", "link.py"]
    assert (root / "a.py").read_text() == "new\n"


@pytest.mark.parametrize("name", ["a.py", 'dir with space/ü"q\\.py'])
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_the_patch_is_what_git_apply_takes(tmp_path: Path, name: str, ending: str) -> None:
    before = f"a = 1\nrequests.get(1)\n\n\n\n\n\n\n\n\nz{ending}".encode()
    sample.tree(tmp_path, {name: before.decode()})
    after = before.replace(b"get(1)", b"get(1, timeout=10)").replace(b"\nz", b"\nzz")
    patch = fixes.patch([FileChange(after=after, before=before, path=name, titles=[])], lambda path: path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    done = subprocess.run(
        ["git", "-C", str(tmp_path), "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"],
        input=patch.encode("utf-8", "surrogateescape"), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr, patch)
    assert (tmp_path / name).read_bytes() == after


def test_planning_imports_no_parser() -> None:
    program = (
        "import sys; import opslint.engine.fixes as f; from opslint.base.settings import default_settings\n"
        "print(f.plan([], None, None, unsafe=True).changes, [m for m in ('libcst', 'hcl2', 'jsonschema', 'typing') if m in sys.modules])"
    )
    env = {"PYTHONPATH": str(Path(fixes.__file__).parents[2]), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "[] []"
