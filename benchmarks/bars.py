"""Measure the start-up and one-file bars: `python benchmarks/bars.py [--pairs 15] [--peers]`.

Each row is a ratio of two commands run in turn (A B A B …) on this machine, after a warm-up; the median is quoted with the spread. Run it
with the interpreter opslint is installed in. `--peers` adds bandit, yamllint, zizmor and ruff where they are installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = sys.executable


def python_file(lines: int) -> str:
    """A module of about `lines` lines with one HTTP call and ordinary code around it."""
    body = "import os\nimport requests\n\nURL = os.environ.get('URL', 'https://api.example.com')\n\n\ndef call():\n    return requests.get(URL, timeout=5)\n"
    n = 0
    while body.count("\n") < lines:
        n += 1
        body += f"\n\ndef work_{n}(rows, limit={n}):\n    total = 0\n    for row in rows:\n        if row.get('value', 0) > limit:\n            total += row['value'] * {n}\n    return total\n"
    return body


WORKFLOW = (
    "name: ci\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    timeout-minutes: 10\n    steps:\n"
    + "      - uses: actions/checkout@v4\n"
    + "".join(f"      - name: step {n}\n        run: make target-{n}\n" for n in range(60))
)
MANIFEST = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n"
    + "".join(
        f"        - name: c{n}\n          image: registry.example.com/c{n}:1.{n}\n          readinessProbe: {{httpGet: {{path: /r, port: 80}}}}\n"
        for n in range(40)
    )
)
TERRAFORM = "\n".join(
    f'resource "aws_sns_topic" "t{n}" {{\n  name = "topic-{n}"\n  tags = {{\n    team = "core"\n  }}\n}}\n' for n in range(45)
)


def once(command: list[str], cwd: str, env: dict[str, str]) -> float:
    """Run a command and return its wall-clock seconds; its exit code may be 0 or 1."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    taken = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit {done.returncode}: {done.stderr.decode()[-400:]}")
    return taken


def ratio(a: list[str], b: list[str], pairs: int, cwd: str, env: dict[str, str]) -> tuple[float, float, float, float]:
    """Return (median ratio a/b, lowest, highest, median seconds of a) over alternating pairs."""
    once(a, cwd, env)
    once(b, cwd, env)
    ratios, seconds = [], []
    for _ in range(pairs):
        first, second = once(a, cwd, env), once(b, cwd, env)
        ratios.append(first / second)
        seconds.append(first)
    return statistics.median(ratios), min(ratios), max(ratios), statistics.median(seconds)


def matrix_rows(root: Path, check: list[str], bare: list[str]) -> list[tuple[str, list[str], list[str], float]]:
    """Rows of 3 environments × 40 services × 60 variables, checked and shown with a warm cache."""
    sys.path.insert(0, str(Path(__file__).parent))
    from generate import make_matrix

    make_matrix(root / "matrix", 3, 40, 60)
    (root / "matrix/opslint.toml").write_text("")
    # What was written less than two seconds ago is read again: it may change without its time showing it.
    time.sleep(2.1)
    model = [*check[:-1], "model"]
    return [
        ("3 x 40 x 60 matrix, check / bare", check, bare, 10),
        ("3 x 40 x 60 matrix, model / bare", model, bare, 60),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "one.py").write_text(python_file(300))
        (root / ".github/workflows").mkdir(parents=True)
        (root / ".github/workflows/ci.yml").write_text(WORKFLOW)
        (root / "deploy.yaml").write_text(MANIFEST)
        (root / "main.tf").write_text(TERRAFORM)
        empty = root / "packages/empty_package"
        empty.mkdir(parents=True)
        (empty / "__init__.py").write_text("")
        (empty / "__main__.py").write_text("")
        env = {**os.environ, "OPSLINT_CACHE_DIR": str(root / "cache")}
        empty_env = {**env, "PYTHONPATH": os.pathsep.join([str(root / "packages"), *filter(None, [env.get("PYTHONPATH")])])}
        bare = [PYTHON, "-c", "pass"]
        check = [PYTHON, "-m", "opslint", "check", "--no-cache"]
        script = shutil.which("opslint", path=os.path.dirname(PYTHON)) or shutil.which("opslint")
        rows: list[tuple[str, list[str], list[str], float]] = [
            ("--version / python -m empty", [PYTHON, "-m", "opslint", "--version"], [PYTHON, "-m", "empty_package"], 1.1),
            ("--help / bare", [PYTHON, "-m", "opslint", "--help"], bare, 6),
            ("one Python file / bare", [*check, "one.py"], bare, 5),
            ("one workflow / bare", [*check, ".github/workflows/ci.yml"], bare, 6),
            ("one manifest / bare", [*check, "deploy.yaml"], bare, 6),
            ("one Terraform file / bare", [*check, "main.tf"], bare, 6),
        ]
        if script:
            rows.insert(1, ("--version, console script / bare", [script, "--version"], bare, 2.3))
        if options.peers:
            for peer, arguments, ours in (
                ("bandit", ["-q", "-t", "B113", "one.py"], "one.py"),
                ("yamllint", ["deploy.yaml"], "deploy.yaml"),
                ("zizmor", ["--offline", "--no-exit-codes", ".github/workflows/ci.yml"], ".github/workflows/ci.yml"),
            ):
                found = shutil.which(peer, path=os.path.dirname(PYTHON)) or shutil.which(peer)
                if found:
                    rows.append((f"one file / {peer}", [*check, ours], [found, *arguments], 1.0))
        rows += matrix_rows(root, check[:-1], bare)
        print(f"{'what':36} {'median':>7} {'low':>6} {'high':>6} {'bar':>5} {'ms':>7}")
        for name, a, b, bar in rows:
            # Each single-file row runs in a folder of its own: no project around it.
            where = root / "matrix" if "matrix" in name else root / "alone" / name.replace("/", "_")
            where.mkdir(parents=True, exist_ok=True)
            for item in ("one.py", ".github", "deploy.yaml", "main.tf"):
                if any(part.split("/")[0] == item for part in a):
                    source = root / item
                    (shutil.copytree if source.is_dir() else shutil.copy)(source, where / item)
            median, low, high, seconds = ratio(a, b, options.pairs, str(where), empty_env if "empty" in name else env)
            print(f"{name:36} {median:7.2f} {low:6.2f} {high:6.2f} {bar:5.1f} {seconds * 1000:7.1f}")


if __name__ == "__main__":
    main()
