"""Files that manifests, Dockerfiles, kustomizations and command lines name, and that are not in the repository."""

from __future__ import annotations

import posixpath

from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.dockerfile import Dockerfile
from opslint.facts.kustomize import Kustomization
from opslint.model.compose import Missing, is_absent, missing_files
from opslint.model.paths import directory_of, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.model.builds import Builds
    from opslint.model.model import DeploymentModel

_MADE = frozenset(
    "node_modules vendor third_party dist build target out bin venv .venv public coverage wheels wheelhouse artifacts".split()
)
"""Directories that an earlier step makes."""

_MADE_SUFFIXES = (
    ".whl",
    ".jar",
    ".war",
    ".zip",
    ".gz",
    ".tgz",
    ".tar",
    ".so",
    ".deb",
    ".rpm",
    ".pem",
    ".crt",
    ".key",
    ".lock",
    ".sum",
)
"""Suffixes of what a build step makes, or a person brings."""

_WRITES = (b">", b"cp ", b"mv ", b"tee ", b"curl ", b"wget ", b"sops ", b"envsubst", b"base64", b"aws s3", b"gsutil", b"ln -")
"""What a line that makes a file holds."""

_STEP_KINDS = frozenset(("workflow", "action", "gitlab-ci", "shell", "makefile"))


def named_but_missing(model: DeploymentModel) -> list[tuple[Missing, list[str]]]:
    """Return what is named and not there, each with the environments of what names it; nothing that git ignores or a step may make."""
    found = missing_files(model)
    others = [*_copied(model), *_generated(model), *_of_commands(model)]
    if not others:
        return found
    made = _Made(model)
    for missing, environments in others:
        command = missing.what in ("values file", "var file")
        if missing.what == "trailing comment" or (
            not made.may_make(missing.path) and not made.names(missing.path, writing=command)
        ):
            found.append((missing, environments))
    return found


class _Made:
    """What steps of pipelines, scripts and Makefiles may put into the tree."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        paths = [path for path, info in model.files.items() if info.kind in _STEP_KINDS or path.endswith("package.json")]
        self.texts = [model.read(path) or b"" for path in sorted(paths)]
        modules = model.read(".gitmodules") if ".gitmodules" in model.files else None
        lines = (modules or b"").decode("utf-8", "replace").split("\n")
        self.submodules = [line.partition("=")[2].strip() for line in lines if line.strip().startswith("path")]

    def may_make(self, path: str) -> bool:
        parts = path.split("/")
        if any(part in _MADE for part in parts) or path.endswith(_MADE_SUFFIXES):
            return True
        if self.model.is_ignored(path) or self.model.is_ignored(f"{path}/x"):
            return True
        if any(path == module or path.startswith(f"{module}/") for module in self.submodules if module):
            return True
        return self.model.read(path) is not None

    def names(self, path: str, *, writing: bool) -> bool:
        """Tell whether a step names the file (and so may make it); `writing`: on a line that looks like writing it."""
        name = path.rpartition("/")[2].encode()
        for text in self.texts:
            at = text.find(name)
            while at >= 0:
                # What is written stands behind the command or the redirection: `helm template -f values.yaml > out` makes no values.
                before = text[text.rfind(b"\n", 0, at) + 1 : at]
                if not writing or any(mark in before for mark in _WRITES):
                    return True
                at = text.find(name, at + 1)
        return False


# COPY and ADD


def _copied(model: DeploymentModel) -> Iterator[tuple[Missing, list[str]]]:
    facts = [fact for fact in model.facts(Dockerfile) if fact.sources]
    if not facts:
        return
    builds = model.linked.builds
    for fact in facts:
        contexts = _contexts(builds, fact.path)
        wanted = [(place, text) for place, text, stage in fact.sources if stage in _needed(fact, builds)]
        if fact.broken or not contexts:
            continue  # lines that are no instruction stop the build before any source is looked for
        commented = {place for place, text in wanted if text.startswith("#")}
        wanted = [(place, text) for place, text in wanted if place not in commented or text.startswith("#")]
        # One build has one context: the one that holds most of what is named.
        held = {
            context: {text for place, text in wanted if place not in commented and _is_there(model, builds, context, text)}
            for context in contexts
        }
        context = max(contexts, key=lambda name: len(held[name]))
        # A Dockerfile none of whose sources is there is built from a tree that something else puts together.
        for place, text in wanted if held[context] else ():
            path = join(context, text.lstrip("/"))
            if place in commented:
                commented.discard(place)
                yield Missing(loc=fact.place(place), path=text, service="", what="trailing comment"), []
            elif text not in held[context] and not text.startswith("#") and path and is_absent(model, path):
                yield Missing(loc=fact.place(place), path=path, service="", what="COPY source"), []


def _contexts(builds: Builds, dockerfile: str) -> list[str]:
    """The contexts a Dockerfile is built from: those that something names, else its directory and all above it."""
    named = sorted({build.context for build in builds.by_key.values() if build.dockerfile == dockerfile and build.named})
    if named:
        return [context for context in named if context in builds.tree.directories]
    directory = directory_of(dockerfile)
    found = [next((build.context for build in builds.by_key.values() if build.dockerfile == dockerfile), directory), directory]
    while directory:
        directory = directory_of(directory)
        found.append(directory)
    return list(dict.fromkeys(found))


def _needed(fact: Dockerfile, builds: Builds) -> set[int]:
    """The stages that a build runs: the last one and each one named as a target, with all they take from."""
    names = [str(stage[0]) for stage in fact.stages]
    targets = builds.targets.get(fact.path, set())
    work = [len(names) - 1, *(names.index(target) for target in sorted(targets) if target in names)]
    steps = fact.instructions()
    needed: set[int] = set()
    while work:
        number = work.pop()
        if number in needed or number < 0:
            continue
        needed.add(number)
        origins = [str(fact.stages[number][1]), *(step.flag("from") or "" for step in steps if step.stage == number)]
        for origin in origins:
            if origin.lower() in names:
                work.append(names.index(origin.lower()))
            elif origin.isdigit() and int(origin) < number:
                work.append(int(origin))
    return needed


def _is_there(model: DeploymentModel, builds: Builds, context: str, text: str) -> bool:
    """Tell whether a source is in a context; one that is not plain text, or leaves the context, may be."""
    if "$" in text or "://" in text or text.startswith("git@") or set("*?[") & set(text):
        return True  # BuildKit lets a pattern match nothing
    path = join(context, text.lstrip("/"))
    return path is None or builds.tree.has(path)


# kustomize


def _generated(model: DeploymentModel) -> Iterator[tuple[Missing, list[str]]]:
    for fact in model.facts(Kustomization):
        tree = decode(fact.tree, fact.path)
        directory = directory_of(fact.path)
        environments = model.environments.names_of([fact.path])
        for kind in ("configMapGenerator", "secretGenerator"):
            for item in tree.sequence(kind) if isinstance(tree, Mapping) else ():
                if not isinstance(item, Mapping):
                    continue
                for source in (*item.sequence("files"), *item.sequence("envs"), item.get("env")):
                    if not isinstance(source, Scalar) or source.masked is not None or not source.text:
                        continue
                    path = join(directory, source.text.rpartition("=")[2])
                    if path and "$" not in path and is_absent(model, path):
                        yield Missing(loc=source.loc, path=path, service="", what="generator file"), environments


# Command lines


def _of_commands(model: DeploymentModel) -> Iterator[tuple[Missing, list[str]]]:
    directories = {directory_of(path) for path in model.files}
    names = {path.rpartition("/")[2] for path in model.files}

    def is_plain(path: str) -> bool:
        """A name that holds no variable, in a directory that is there, of a file that is nowhere in the repository."""
        return (
            not set("$*{}<>~") & set(path)
            and not path.startswith(("/", ".."))
            and directory_of(path) in directories
            and path.rpartition("/")[2] not in names
            and is_absent(model, path)
        )

    if "helm-chart" in model.kinds:
        from opslint.facts.helm import HelmChart
        from opslint.model.helm_releases import releases

        charts = [posixpath.dirname(fact.path) for fact in model.facts(HelmChart)]
        for release in releases(model, charts):
            for path in release.files:
                if is_plain(path) and not release.optional:
                    yield Missing(loc=release.loc, path=path, service="", what="values file"), model.environments.names_of([path])
    if "terraform" in model.kinds:
        for run in model.terraform.runs:
            for path in run.var_files:
                if is_plain(path):
                    yield Missing(loc=run.loc, path=path, service="", what="var file"), model.environments.names_of([path])
