"""Command lines of workflows and scripts that run Terraform: where, with which value files and which backend settings."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, Sequence, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import known
from opslint.facts.shell_scripts import MakeTarget, ScriptSteps
from opslint.facts.workflows import CompositeAction, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel

PROGRAMS = frozenset(("terraform", "tofu", "terragrunt"))


class TerraformRun(Record):
    """One command. `directory` is a project path; `verb` the subcommand (``plan``, ``init``, ``workspace``…); `settings` are
    ``-backend-config=name=value`` pairs; `variables` the ``-var name=value`` ones; `words` the whole command. `session` is what runs it
    together with others (a job, a script, a target); `environ` are ``TF_*`` variables it is given; `target` the environment the job names;
    `choices` what the job's matrix or the inputs of the workflow allow, by the name of the expression (``matrix.env``).
    """

    __slots__ = (
        "backend_files",
        "choices",
        "directory",
        "environ",
        "loc",
        "session",
        "settings",
        "target",
        "var_files",
        "variables",
        "verb",
        "words",
    )
    backend_files: list[str]
    choices: dict[str, list[str]]
    directory: str
    environ: dict[str, tuple[Value, Loc]]
    loc: Loc
    session: str
    settings: dict[str, str]
    target: str
    var_files: list[str]
    variables: dict[str, str]
    verb: str
    words: list[str]

    @property
    def workspace(self) -> str:
        """The workspace that ``workspace select`` or ``workspace new`` names, "" for other commands."""
        if self.verb != "workspace":
            return ""
        rest = [word for word in self.words[self.words.index("workspace") + 1 :] if not word.startswith("-")]
        return rest[1] if len(rest) > 1 and rest[0] in ("select", "new") else ""


class _Step(Record):
    """Where a script runs: its directory, job, the job's environment and choices, and the variables it is given."""

    __slots__ = ("choices", "directory", "environ", "job", "target")
    choices: dict[str, list[str]]
    directory: str
    environ: dict[str, tuple[Value, Loc]]
    job: str
    target: str


def terraform_runs(model: DeploymentModel) -> list[TerraformRun]:
    """Return the Terraform commands of workflows, composite actions, scripts and Makefiles, in file order."""
    out: list[TerraformRun] = []
    facts: list[Workflow | CompositeAction] = [*model.facts(Workflow), *model.facts(CompositeAction)]
    for fact in facts:
        steps = _steps_of(decode(fact.tree, fact.path))
        for place, commands in fact.scripts:
            step = steps.get(place, _NOWHERE)
            for at, words, info in commands:
                run = _run(words, info.get("dir") or "", step, fact.place(at))
                if run is not None:
                    out.append(run)
    scripts: list[ScriptSteps | MakeTarget] = [*model.facts(ScriptSteps), *model.facts(MakeTarget)]
    for script in scripts:
        # make runs beside its file; where a script is started from is not known: the top of the repository is usual.
        base = script.path.rpartition("/")[0] if isinstance(script, MakeTarget) else ""
        name = f"{script.path}:{script.name}" if isinstance(script, MakeTarget) else script.path
        step = _Step(choices={}, directory=base, environ={}, job=name, target="")
        for at, words, info in script.commands:
            run = _run(words, info.get("dir") or "", step, script.place(at))
            if run is not None:
                out.append(run)
    return out


_NOWHERE = _Step(choices={}, directory="", environ={}, job="", target="")


def _steps_of(tree: Node) -> dict[int, _Step]:
    """Map the place of each script to where and with what it runs."""
    found: dict[int, _Step] = {}
    if not isinstance(tree, Mapping):
        return found
    top = _Step(
        choices=_inputs(tree),
        directory=tree.text("defaults", "run", "working-directory") or "",
        environ=_environ(tree, {}),
        job=tree.path,
        target="",
    )
    jobs = tree.mapping("jobs")
    for name, job in jobs.items() if jobs is not None else ():
        if isinstance(job, Mapping):
            own = top.replace(
                choices={**top.choices, **_matrix(job)},
                directory=job.text("defaults", "run", "working-directory") or top.directory,
                environ=_environ(job, top.environ),
                job=f"{tree.path}:{name}",
                target=job.text("environment") or job.text("environment", "name") or "",
            )
            _add_steps(job.get("steps"), own, found)
    _add_steps(tree.get("runs", "steps"), top, found)
    return found


def _add_steps(steps: Node | None, base: _Step, found: dict[int, _Step]) -> None:
    if not isinstance(steps, Sequence):
        return
    for step in steps:
        run = step.get("run") if isinstance(step, Mapping) else None
        if isinstance(step, Mapping) and run is not None and isinstance(run.at, int):
            directory = step.text("working-directory") or base.directory
            found[run.at] = base.replace(directory=directory, environ=_environ(step, base.environ))


def _environ(owner: Mapping, above: dict[str, tuple[Value, Loc]]) -> dict[str, tuple[Value, Loc]]:
    """Return the variables that steer Terraform in an ``env:`` block, over those of the block around it."""
    block = owner.mapping("env")
    own: dict[str, tuple[Value, Loc]] = {}
    for key, node in block.pairs if block is not None else ():
        if key.text.startswith(("TF_VAR_", "TF_WORKSPACE", "TF_CLI_ARGS")) and isinstance(node, Scalar):
            text = node.text
            # A text with a hole stays one, for whoever knows what fills it.
            own[key.text] = (known(node.masked if node.masked is not None else text), key.loc)
    return {**above, **own}


def _inputs(tree: Mapping) -> dict[str, list[str]]:
    """Return the options of a workflow's inputs."""
    found: dict[str, list[str]] = {}
    for event in ("workflow_dispatch", "workflow_call"):
        inputs = tree.mapping("on", event, "inputs")
        for name, node in inputs.items() if inputs is not None else ():
            options = (
                [item.text for item in node.sequence("options") if isinstance(item, Scalar)] if isinstance(node, Mapping) else []
            )
            if options:
                found[f"inputs.{name}"] = found[f"github.event.inputs.{name}"] = options
    return found


def _matrix(job: Mapping) -> dict[str, list[str]]:
    """Return the values of a job's matrix that are written out."""
    found: dict[str, list[str]] = {}
    matrix = job.mapping("strategy", "matrix")
    for name, node in matrix.items() if matrix is not None else ():
        items = node.items if isinstance(node, Sequence) else []
        if name == "include":
            for item in items:
                for key, value in item.items() if isinstance(item, Mapping) else ():
                    if isinstance(value, Scalar):
                        found.setdefault(f"matrix.{key}", []).append(value.text)
        elif items and all(isinstance(item, Scalar) for item in items):
            found[f"matrix.{name}"] = [item.text for item in items if isinstance(item, Scalar)]
    return found


def _run(words: list[str], moved: str, step: _Step, loc: Loc) -> TerraformRun | None:
    environ = dict(step.environ)
    while words and words[0].partition("=")[0].startswith("TF_") and "=" in words[0]:
        name, _, text = words[0].partition("=")
        environ[name] = (known(text), loc)
        words = words[1:]
    if not words or words[0].rpartition("/")[2] not in PROGRAMS:
        return None
    directory = _joined(step.directory, moved)
    rest = words[1:]
    for word in words[1:]:
        if word.startswith("-chdir="):
            directory = _joined(directory, word[7:])
            rest.remove(word)
    verb = next((word for word in rest if not word.startswith("-")), "")
    var_files: list[str] = []
    backend_files: list[str] = []
    settings: dict[str, str] = {}
    variables: dict[str, str] = {}
    for name, value in _options(rest):
        if name == "var":
            key, _, given = value.partition("=")
            variables[key.strip()] = given.strip()
        elif name == "var-file":
            var_files.append(_joined(directory, value))
        elif name == "backend-config":
            key, equals, given = value.partition("=")
            if equals:
                settings[key] = given
            else:
                backend_files.append(_joined(directory, value))
    return TerraformRun(
        backend_files=backend_files,
        choices=step.choices,
        directory=directory,
        environ=environ,
        loc=loc,
        session=step.job,
        settings=settings,
        target=step.target,
        var_files=var_files,
        variables=variables,
        verb=verb,
        words=words,
    )


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    for number, word in enumerate(words):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            if equals:
                yield name, value
            elif number + 1 < len(words):
                yield name, words[number + 1]


def _joined(base: str, path: str) -> str:
    joined = normpath(f"{base or '.'}/{path}") if path else normpath(base or ".")
    return "" if joined == "." else joined


def given_names(model: DeploymentModel) -> frozenset[str]:
    """Return the environment variables that workflows and scripts set for what they run."""
    names: set[str] = set()
    for fact in model.facts(Workflow):
        tree = decode(fact.tree, fact.path)
        jobs = tree.mapping("jobs") if isinstance(tree, Mapping) else None
        owners: list[Node] = [tree]
        for _name, job in jobs.items() if jobs is not None else ():
            owners.append(job)
            owners.extend(job.sequence("steps") if isinstance(job, Mapping) else ())
        for owner in owners:
            block = owner.mapping("env") if isinstance(owner, Mapping) else None
            names.update(key.text for key, _value in (block.pairs if block is not None else ()))
    scripts: list[ScriptSteps | MakeTarget] = [*model.facts(ScriptSteps), *model.facts(MakeTarget)]
    for script in scripts:
        for _at, words, _info in script.commands:
            names.update(word.partition("=")[0] for word in words if "=" in word and not word.startswith("-"))
    return frozenset(names)
