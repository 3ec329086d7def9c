"""Versions of the language that code runs on where it is deployed, and where CI tests it.

A version is compared as far as it changes what code means: Python's ``3.12``, Node's ``20``. What a job tests on is what it sets up
before its tests; a job whose tests run inside an image, or whose version is chosen elsewhere, makes the answer open.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, Sequence, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.requirements import LockedPackage
from opslint.model.environments import tier_of
from opslint.model.paths import directory_of
from opslint.model.pipeline_crossings import own_environment
from opslint.model.terraform_values import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel
    from opslint.model.pipeline_records import Job, Pipeline, Step

_SETUPS = {
    "actions/setup-python": ("python", "python-version"),
    "astral-sh/setup-uv": ("python", "python-version"),
    "conda-incubator/setup-miniconda": ("python", "python-version"),
    "actions/setup-node": ("node", "node-version"),
}
"""Action → (language, the input that holds its version)."""

_FILES = {"python": (".python-version",), "node": (".nvmrc", ".node-version")}

_TESTERS = {
    "python": ("pytest", "py.test", "tox", "nox", "unittest", "manage.py test", "stestr", "nose2", "trial", "django-admin test"),
    "node": ("jest", "vitest", "mocha", "ava", "npm run test", "npm run e2e", "playwright test", "cypress run"),
}
"""Beginnings of the tools of test actions, by the language of the code they test."""

_OFFICIAL = {"python": "python", "node": "node", "lambda/python": "python", "lambda/nodejs": "node"}

_NOT_DEPLOYED = frozenset(("development", "test", "ephemeral"))


class Runtime(Record):
    """What services run on, as one place says. `version` as compared, `text` as written (an image, a runtime's name); `files` all it rests on."""

    __slots__ = ("context", "environments", "files", "language", "loc", "service", "text", "version")
    context: str
    environments: list[str]
    files: list[str]
    language: str
    loc: Loc
    service: str
    text: str
    version: str


class Tested(Record):
    """The versions CI tests one language on, each with where it is set. `unknown` says why there may be others, "" when there are none.

    `places` are the directories that tests run in (None: not known), each with a version they run on.
    """

    __slots__ = ("files", "places", "unknown", "versions")
    files: list[str]
    places: list[tuple[str | None, str]]
    unknown: str
    versions: dict[str, Loc]

    def near(self, context: str) -> list[str]:
        """Return the versions that tests which may cover the code in `context` run on."""
        found: list[str] = []
        inside = context.strip("/") + "/"
        for path, version in self.places:
            related = not path or inside == "/" or inside.startswith(path + "/") or (path + "/").startswith(inside)
            if related and version not in found:
                found.append(version)
        return found


def comparable(language: str, text: str) -> str:
    """Return a version as far as it is compared, "" when it leaves that open (``3.x``, ``lts/*``, ``>=3.10``)."""
    parts = text.strip().removeprefix("v").partition("-")[0].split(".")
    if language == "node":
        return parts[0] if parts[0].isdigit() else ""
    return f"{parts[0]}.{parts[1]}" if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else ""


def deployed_runtimes(model: DeploymentModel) -> list[Runtime]:
    """Return what the services with code here run on, one for each place that says so, in order of services."""
    found: dict[Loc, Runtime] = {}
    given = _given_arguments(model)
    for service in model.services:
        for workload, container in service.runs:
            tiers = {tier_of(name) for name in workload.environments}
            if tiers and tiers <= _NOT_DEPLOYED:
                continue
            image = model.linked.image(container)
            base = _filled(image.base, image.fact.arguments, given) if image is not None else ""
            made = _of_image(base)
            if made is None or image is None:
                continue
            stage = image.fact.stages[image.chain[0]]
            loc = image.fact.place(stage[2])
            known = found.get(loc)
            if known is not None:
                known.environments.extend(name for name in workload.environments if name not in known.environments)
                continue
            language, version = made
            found[loc] = Runtime(
                context=service.context,
                environments=list(workload.environments),
                files=sorted({image.fact.path, *workload.files}),
                language=language,
                loc=loc,
                service=service.name,
                text=base,
                version=version,
            )
    for runtime in _functions(model):
        first = found.setdefault(runtime.loc, runtime)
        first.environments.extend(name for name in runtime.environments if name not in first.environments)
    return list(found.values())


def _given_arguments(model: DeploymentModel) -> set[str]:
    """Return the names of build arguments that something in the repository sets: their defaults say nothing."""
    names: set[str] = set()
    for workload in model.workloads:
        arguments = workload.pod.get("build", "args") if workload.platform == "compose" else None
        if isinstance(arguments, Mapping):
            names.update(arguments.keys())
        elif isinstance(arguments, Sequence):
            names.update(item.text.partition("=")[0] for item in arguments if isinstance(item, Scalar))
    for _pipeline, job in model.pipelines.jobs():
        for step in job.steps:
            inputs = step.view.inputs.get("build-args") if step.view is not None and step.view.inputs is not None else None
            if isinstance(inputs, Mapping):
                names.update(inputs.keys())
            elif isinstance(inputs, Scalar):
                names.update(line.partition("=")[0].strip() for line in inputs.text.splitlines())
            for _loc, words, _info in step.commands:
                names.update(
                    value.partition("=")[0] for flag, value in zip(words, [*words[1:], ""], strict=True) if flag == "--build-arg"
                )
    return names


def _filled(base: str, arguments: list[list[str]], given: set[str]) -> str:
    """Return the base image with the defaults of its build arguments, "" where a build may set another."""
    for name, default in arguments:
        for written in (f"${{{name}}}", f"${name}"):
            if written in base:
                if name in given:
                    return ""
                base = base.replace(written, default)
    return "" if "$" in base else base


def _functions(model: DeploymentModel) -> Iterator[Runtime]:
    for function in model.resources.functions if model.has_cloud else ():
        runtime = settled(function.runtime)
        text = runtime.value if isinstance(runtime, Known) and isinstance(runtime.value, str) else ""
        language = "python" if text.startswith("python") else "node" if text.startswith("nodejs") else ""
        version = comparable(language, text.removeprefix("python").removeprefix("nodejs")) if language else ""
        tiers = {tier_of(name) for name in function.resource.environments}
        if version and function.code and not (tiers and tiers <= _NOT_DEPLOYED):
            resource = function.resource
            yield Runtime(
                context=function.code,
                environments=list(resource.environments),
                files=resource.files,
                language=language,
                loc=resource.loc_of("runtime" if resource.platform == "terraform" else "Runtime"),
                service=resource.name,
                text=text,
                version=version,
            )


def _of_image(text: str) -> tuple[str, str] | None:
    """Return (language, version) of an official language image or a mirror of one."""
    repository, colon, tag = text.partition("@")[0].rpartition(":")
    if not colon or "/" in tag:
        return None
    parts = repository.split("/")
    language = _OFFICIAL.get("/".join(parts[-2:]) if parts[-2:-1] == ["lambda"] else parts[-1])
    version = comparable(language, tag) if language else ""
    return (language, version) if language and version else None


def tested_versions(model: DeploymentModel) -> dict[str, Tested]:
    """Return, by language, what the jobs that run its tests set up; no entry where no job tests that language."""
    out: dict[str, Tested] = {}
    for pipeline, job in model.pipelines.jobs():
        for language, testers in _TESTERS.items():
            tests = [action for action in job.actions if action.kind == "test" and action.tool.startswith(testers)]
            if not tests:
                continue
            tested = out.setdefault(language, Tested(files=[], places=[], unknown="", versions={}))
            tested.files.append(pipeline.path)
            if any("container" in action.flags or "remote" in action.flags for action in tests):
                tested.unknown = tested.unknown or f"the tests of `{job.id}` run inside an image"
                continue
            if job.local:
                tested.unknown = tested.unknown or f"the tests of `{job.id}` ask what it has deployed itself"
                continue
            versions = list(_of_job(model, job, language))
            for version, loc in versions:
                if version:
                    tested.versions.setdefault(version, loc)
                    tested.places.extend((action.path, version) for action in tests)
            if not versions or not all(version for version, _loc in versions):
                tested.unknown = tested.unknown or f"what `{job.id}` tests on is not known"
    return out


def _of_job(model: DeploymentModel, job: Job, language: str) -> Iterator[tuple[str, Loc]]:
    """Yield (version, place) of what a job sets up; the version is "" where it is not known."""
    container = job.node.get("container") if job.provider == "github" else job.node.get("image")
    node = (
        container
        if isinstance(container, Scalar)
        else container.get("image" if job.provider == "github" else "name")
        if isinstance(container, Mapping)
        else None
    )
    if isinstance(node, Scalar):
        made = _of_image(node.text)
        if made is not None and made[0] == language:
            yield made[1], node.loc
            return
    for step in job.steps:
        yield from _of_step(model, job, step, language)


def _of_step(model: DeploymentModel, job: Job, step: Step, language: str) -> Iterator[tuple[str, Loc]]:
    view = step.view
    uses = (view.uses or "") if view is not None else ""
    if view is None or not uses:
        return
    own, key = _SETUPS.get(uses.partition("@")[0].lower(), ("", ""))
    if own == language:
        node = view.inputs.get(key) if view.inputs is not None else None
        if isinstance(node, Scalar):
            for text, loc in _texts(job, step, node):
                yield comparable(language, text), loc
            return
        named = view.inputs.text(f"{language}-version-file") if view.inputs is not None else None
        if uses.startswith("astral-sh/") and any(
            other.view is not None and "setup-python" in (other.view.uses or "") for other in job.steps
        ):
            return
        text = _of_file(model, [named] if named else list(_FILES[language]))
        yield comparable(language, text), step.loc
    elif uses.startswith("./"):
        yield from _of_composite(model, job, step, language)


def _of_composite(model: DeploymentModel, job: Job, step: Step, language: str) -> Iterator[tuple[str, Loc]]:
    """Yield what a composite action of this repository sets up, with the inputs it is given."""
    fact = model.pipelines.actions.composites.get((step.view.uses or "").removeprefix("./").rstrip("/")) if step.view else None
    tree = decode(fact.tree, fact.path) if fact is not None else None
    if not isinstance(tree, Mapping):
        return
    for item in tree.sequence("runs", "steps"):
        uses = (item.text("uses") or "") if isinstance(item, Mapping) else ""
        own, key = _SETUPS.get(uses.partition("@")[0].lower(), ("", ""))
        if own != language or not isinstance(item, Mapping):
            continue
        text = item.text("with", key) or ""
        name = _reference(text, "inputs")
        if name and step.view is not None:
            given = step.view.inputs.get(name) if step.view.inputs is not None else None
            if isinstance(given, Scalar):
                for inner, loc in _texts(job, step, given):
                    yield comparable(language, inner), loc
                continue
            text = tree.text("inputs", name, "default") or ""
        yield comparable(language, text), step.loc


def _texts(job: Job, step: Step, node: Scalar) -> Iterator[tuple[str, Loc]]:
    """Yield the texts a version input stands for: its own, those of a matrix, or a variable's; "" where they are not known."""
    if "${{" not in node.text:
        for line in node.text.split():
            yield line, node.loc
        return
    name = _reference(node.text, "matrix")
    if name:
        found = list(_matrix(job.node.mapping("strategy", "matrix"), name))
        yield from found or [("", node.loc)]
        return
    name = _reference(node.text, "env")
    blocks = [step.view.node.get("env") if step.view is not None else None, job.node.get("env")]
    blocks.append(job.view.workflow.get("env") if job.view is not None else None)
    for block in blocks if name else ():
        value = block.get(name) if isinstance(block, Mapping) else None
        if isinstance(value, Scalar):
            yield ("" if "${{" in value.text else value.text), value.loc
            return
    yield "", node.loc


def _matrix(matrix: Mapping | None, name: str) -> Iterator[tuple[str, Loc]]:
    if matrix is None:
        return
    values: list[Node | None] = [matrix.get(name)]
    include = matrix.get("include")
    values.extend(
        item.get(name) for item in (include.items if isinstance(include, Sequence) else ()) if isinstance(item, Mapping)
    )
    for value in values:
        for item in value.items if isinstance(value, Sequence) else [value]:
            if isinstance(item, Scalar):
                yield ("" if "${{" in item.text else item.text), item.loc


def _reference(text: str, context: str) -> str:
    """Return the name in ``${{ context.name }}``, "" for any other text."""
    body = text.strip()
    if not (body.startswith("${{") and body.endswith("}}")):
        return ""
    head, dot, name = body[3:-2].strip().partition(".")
    return name if dot and head == context and name.replace("-", "").replace("_", "").isalnum() else ""


def _of_file(model: DeploymentModel, names: list[str]) -> str:
    """Return the version that a file of one line holds (pyenv, nvm), "" when there is none or it holds something else."""
    for name in names:
        path = name.removeprefix("./")
        data = model.read(path) if path in model.files and not path.endswith(".toml") else None
        if data is not None:
            return data.decode("utf-8", "replace").strip().partition("\n")[0][:20]
    return ""


def required_python(model: DeploymentModel, context: str) -> tuple[str, Loc] | None:
    """Return the ``requires-python`` of the project in a build context or the nearest directory above it, and where it is written."""
    found = {
        directory_of(fact.path): fact
        for fact in model.facts(LockedPackage)
        if fact.name == "python" and fact.source == "pyproject"
    }
    directory = context.strip("/")
    while True:
        fact = found.get(directory)
        if fact is not None:
            return fact.specifier or f"=={fact.version}", (fact.path, fact.at)
        if not directory:
            return None
        directory = directory_of(directory)


def allows(specifier: str, version: str) -> bool | None:
    """Tell whether some release of a minor version fits a specifier; None when the specifier is not understood."""
    wanted = _pair(version)
    for clause in specifier.split(","):
        bare = clause.strip()
        mark = next((mark for mark in ("===", "~=", "==", "!=", ">=", "<=", "^", "~", ">", "<") if bare.startswith(mark)), "")
        target = _pair(bare.removeprefix(mark).strip().removesuffix(".*"))
        if not mark or target is None or wanted is None:
            return None
        if not _fits(mark, wanted, target, exact=bare.count(".") > 1):
            return False
    return True


def _fits(mark: str, wanted: tuple[int, int], target: tuple[int, int], *, exact: bool) -> bool:
    if mark in ("==", "===", "~"):
        return wanted == target
    if mark == "~=":
        return wanted == target if exact else wanted[0] == target[0] and wanted >= target
    if mark == "^":
        return wanted[0] == target[0] and wanted >= target
    if mark in (">=", ">"):
        return wanted >= target if exact or mark == ">=" else wanted > target
    if mark in ("<", "<="):
        return wanted <= target if exact or mark == "<=" else wanted < target
    return True


def _pair(text: str) -> tuple[int, int] | None:
    parts = text.split(".")
    if not all(part.isdigit() for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1]) if len(parts) > 1 else 0


class Applied(Record):
    """The version of Terraform that one job applies an environment with."""

    __slots__ = ("environment", "job", "loc", "pipeline", "version")
    environment: str
    job: Job
    loc: Loc
    pipeline: Pipeline
    version: str


def applied_versions(model: DeploymentModel) -> list[Applied]:
    """Return what the jobs that apply one environment set up, where the version is known, in order of pipelines."""
    out: list[Applied] = []
    for pipeline, job in model.pipelines.jobs():
        own = own_environment(job)
        if not own or not any(action.kind == "apply" for action in job.actions):
            continue
        for step in job.steps:
            uses = ((step.view.uses or "") if step.view is not None else "").partition("@")[0].lower()
            key = {"hashicorp/setup-terraform": "terraform_version", "opentofu/setup-opentofu": "tofu_version"}.get(uses, "")
            node = step.view.inputs.get(key) if key and step.view is not None and step.view.inputs is not None else None
            for text, loc in _texts(job, step, node) if isinstance(node, Scalar) else ():
                version = comparable("terraform", text)
                if version:
                    out.append(Applied(environment=own, job=job, loc=loc, pipeline=pipeline, version=version))
    return out
