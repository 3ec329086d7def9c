"""Re-run the recorded mutations of real repositories: `python benchmarks/mutations.py --corpus DIR [--rule RULE …]`.

`docs/precision.json` holds, per rule, mutations as line operations on a pinned repository: `delete` (first, last line), `insert` (after line N, text), `replace`
(line N, old, new), `remove` (the file) or `create` (a file with this text); `also` holds further operations of the same change. A mutation is caught when the run over the mutated tree reports exactly one finding more, of that rule, and nothing
else appears or goes. The corpus directory holds one checkout `<owner>+<name>` a repository; it is copied, never written to.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent


def findings(tree: Path, cache: str, rules: set[str]) -> dict[str, str]:
    """Return fingerprint → rule of all findings at defaults plus notes, and of `rules` though they be preview."""
    command = [sys.executable, "-m", "opslint", "check", "--format", "json", "--min-severity", "note", "--cache-dir", cache, "."]
    command += ["--extend-select", ",".join(sorted(rules))]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"{tree}: exit {done.returncode}: {done.stderr[-600:]}")
    return {item["fingerprint"]: item["rule"] for item in json.loads(done.stdout)["findings"]}


def previews() -> set[str]:
    """Return the names of the rules that are off by default: only a mutation of their own asks for what they say."""
    command = [sys.executable, "-m", "opslint", "rules", "--format", "json"]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {item["rule"] for item in listed if not item["default"]}


def apply(tree: Path, operation: dict[str, Any]) -> None:
    """Change one file of `tree` as the operation says. Lines are 1-based."""
    target = tree / operation["path"]
    if "create" in operation:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(operation["create"], encoding="utf-8")
        return
    if operation.get("remove"):
        target.unlink()
        return
    lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
    if "delete" in operation:
        first, last = operation["delete"]
        del lines[first - 1 : last]
    if "insert" in operation:
        after, text = operation["insert"]
        if lines and after == len(lines) and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines[after:after] = [row + "\n" for row in text.split("\n")]
    if "replace" in operation:
        number, old, new = operation["replace"]
        if old not in lines[number - 1]:
            raise SystemExit(f"{operation['path']}:{number} does not hold {old!r}")
        lines[number - 1] = lines[number - 1].replace(old, new, 1)
    target.write_text("".join(lines), encoding="utf-8")


def run(corpus: Path, rules: list[str]) -> int:
    """Run all mutations and print one line each; return how many were not caught."""
    recorded = json.loads((TOP / "docs/precision.json").read_text(encoding="utf-8"))["rules"]
    jobs: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for rule, entry in sorted(recorded.items()):
        if not rules or rule in rules:
            for mutation in entry.get("mutations", []):
                jobs.setdefault(mutation["repo"], []).append((rule, mutation))
    missed = 0
    off = previews()
    with tempfile.TemporaryDirectory() as folder:
        for repo, mutations in sorted(jobs.items()):
            tree = Path(folder) / repo.replace("/", "+")
            shutil.copytree(corpus / repo.replace("/", "+"), tree, symlinks=True)
            cache = os.path.join(folder, "cache")
            before = findings(tree, cache, {rule for rule, _mutation in mutations})
            for rule, mutation in mutations:
                operations = [mutation, *mutation.get("also", [])]
                targets = [tree / operation["path"] for operation in operations]
                originals = [target.read_bytes() if target.exists() else None for target in targets]
                for operation in operations:
                    apply(tree, operation)
                after = findings(tree, cache, {rule for rule, _mutation in mutations})
                for target, original in zip(targets, originals, strict=True):
                    if original is None:
                        target.unlink()
                    else:
                        target.write_bytes(original)
                others = off - {rule}
                new = sorted(after[item] for item in after.keys() - before.keys() if after[item] not in others)
                gone = sorted(before[item] for item in before.keys() - after.keys() if before[item] not in others)
                caught = new == [rule] and not gone
                missed += not caught
                print(f"{'caught' if caught else 'MISSED'} {rule} {repo} {mutation['path']} new={new} gone={gone}", flush=True)
            shutil.rmtree(tree)
    return missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--rule", action="append", default=[])
    options = parser.parse_args()
    sys.exit(1 if run(options.corpus, options.rule) else 0)
