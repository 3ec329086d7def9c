"""Compare what opslint resolves with hand-worked expectations: `python benchmarks/resolution_terraform.py --corpus DIR [--repository NAME]`.

`benchmarks/resolution_terraform.toml` says, for roots of real multi-environment repositories, where the state is, what resources are called and
which variables containers get. The corpus directory holds one checkout `<owner>+<name>` a repository at the commit that is named there; it is only
read. Printed are, per repository, how many values are equal, different, and unknown to opslint though the repository says them. Different ones
are errors: the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opslint.base.masking import Masked, mask
from opslint.base.value import Known, Secret, Value
from opslint.cli.packs import installed
from opslint.engine.discover import find_targets
from opslint.engine.options import run_options
from opslint.engine.run import open_project
from opslint.model.model import DeploymentModel
from opslint.model.records import Container
from opslint.model.terraform_roots import Root
from opslint.model.terraform_values import as_text, plain

EXPECTED = Path(__file__).resolve().parent / "resolution_terraform.toml"


def model_of(tree: Path) -> DeploymentModel:
    """Return the model of a checkout, without rules that are not needed and without a cache."""
    options = run_options(paths=[str(tree)], root=str(tree), no_cache=True, select=["shared-terraform-state"])
    project = open_project(find_targets([str(tree)], options.root)[0], options, installed(None, no_cache=True), {})
    project.check()
    return project.model()


def verdict(value: Value | None, expected: object) -> str:
    """Return ``equal``, ``different``, ``unknown`` or ``missing`` for a value that the repository says."""
    if value is None:
        return "missing"
    if isinstance(value, Known) and isinstance(value.value, Masked):
        return "equal" if value.value.digest == mask(_spelled(expected)).digest else "different"
    text = as_text(value)
    if text is not None:
        return "equal" if text == _spelled(expected) else "different"
    found = plain(value)
    if isinstance(found, Known):
        return "equal" if found.value == expected else "different"
    return "unknown"


def open_verdict(value: Value | None) -> str:
    """Return ``equal`` when opslint does not claim to know what the repository alone does not say."""
    known = isinstance(value, Known) or (value is not None and as_text(value) is not None)
    return "different" if known else "equal"


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def compare(model: DeploymentModel, wanted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (what, verdict) for everything that is expected of one root."""
    name, environment = wanted["root"], wanted["environment"]
    label = f"{name} [{environment}]"
    root = next((item for item in model.terraform.roots if item.path == name and item.environments == [environment]), None)
    if root is None:
        yield label, "missing"
        return
    if "state" in wanted:
        state = root.backend.state() if root.backend is not None else None
        found = "unknown" if state is None else "equal" if list(state) == wanted["state"] else "different"
        yield f"{label} state", found
    for key, text in wanted.get("backend", {}).items():
        yield f"{label} backend {key}", verdict(root.backend.get(key) if root.backend else None, text)
    for key in wanted.get("backend_open", ()):
        yield f"{label} backend {key}", open_verdict(root.backend.get(key) if root.backend else None)
    for key, text in wanted.get("inputs", {}).items():
        given = root.module.inputs.get(key)
        yield f"{label} input {key}", verdict(given.value if given is not None else None, text)
    for key in wanted.get("inputs_open", ()):
        given = root.module.inputs.get(key)
        yield f"{label} input {key}", open_verdict(given.value if given is not None else None)
    resources = {resource.address: resource for resource in root.resources}
    for key, text in wanted.get("names", {}).items():
        address, _, attribute = key.rpartition(" ")
        resource = resources.get(address)
        yield f"{label} {key}", verdict(resource.get(attribute) if resource is not None else None, text)
    for container in wanted.get("container", ()):
        yield from _compare_container(model, root, container, label)


def _compare_container(model: DeploymentModel, root: Root, wanted: dict[str, Any], label: str) -> Iterator[tuple[str, str]]:
    found = _container(model, root, wanted)
    label = f"{label} {wanted.get('workload', '')}/{wanted['name']}"
    if found is None:
        yield label, "missing"
        return
    entries = {entry.name: entry.value for entry in found.entries}
    for name, text in wanted.get("variables", {}).items():
        yield f"{label} {name}", verdict(entries.get(name), text)
    for name in wanted.get("open", ()):
        yield f"{label} {name}", open_verdict(entries[name]) if name in entries else "missing"
    for name in wanted.get("secret", ()):
        yield f"{label} {name}", "equal" if isinstance(entries.get(name), Secret) else "different"
    for name in wanted.get("absent", ()):
        yield f"{label} {name}", "different" if name in entries else "equal"


def _container(model: DeploymentModel, root: Root, wanted: dict[str, Any]) -> Container | None:
    for deployment in model.deployments:
        if deployment.key != f"terraform:{root.key}":
            continue
        for workload in deployment.workloads:
            if wanted.get("workload", workload.name) == workload.name:
                for container in workload.containers:
                    if container.name == wanted["name"]:
                        return container
    return None


def main() -> int:
    """Compare all repositories that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True, type=Path, action="append")
    parser.add_argument("--repository", action="append")
    arguments = parser.parse_args()
    totals: Counter[str] = Counter()
    for repository in tomllib.loads(EXPECTED.read_text(encoding="utf-8"))["repository"]:
        name = repository["name"]
        if arguments.repository and name not in arguments.repository:
            continue
        tree = next((path for corpus in arguments.corpus if (path := corpus / name.replace("/", "+")).is_dir()), None)
        if tree is None:
            print(f"{name}: not in the corpus")
            totals["missing"] += 1
            continue
        model = model_of(tree)
        counts: Counter[str] = Counter()
        for wanted in repository["root"]:
            for what, found in compare(model, wanted):
                counts[found] += 1
                if found != "equal":
                    print(f"  {found}: {what}")
        totals += counts
        print(f"{name}@{repository['commit'][:10]}: {_line(counts)}")
    print(f"all: {_line(totals)}")
    return 1 if totals["different"] or totals["missing"] else 0


def _line(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("equal", "different", "unknown", "missing"))


if __name__ == "__main__":
    sys.exit(main())
