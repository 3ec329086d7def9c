"""Command lines of workflows and scripts that run Terraform: where, with which value files and which backend settings."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.record import Record
from opslint.base.tree import Mapping, Sequence, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.shell_scripts import MakeTarget, ScriptSteps
from opslint.facts.workflows import CompositeAction, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel

PROGRAMS = frozenset(("terraform", "tofu", "terragrunt"))


class TerraformRun(Record):
    """One command. `directory` is a project path; `verb` the subcommand (``plan``, ``init``, ``workspace``…); `settings` are
    ``-backend-config=name=value`` pairs; `words` the whole command.
    """

    __slots__ = ("backend_files", "directory", "loc", "settings", "var_files", "verb", "words")
    backend_files: list[str]
    directory: str
    loc: Loc
    settings: dict[str, str]
    var_files: list[str]
    verb: str
    words: list[str]


def terraform_runs(model: DeploymentModel) -> list[TerraformRun]:
    """Return the Terraform commands of workflows, composite actions, scripts and Makefiles, in file order."""
    out: list[TerraformRun] = []
    facts: list[Workflow | CompositeAction] = [*model.facts(Workflow), *model.facts(CompositeAction)]
    for fact in facts:
        directories = _directories(decode(fact.tree, fact.path))
        for place, commands in fact.scripts:
            base = directories.get(place, "")
            for at, words, info in commands:
                run = _run(words, info.get("dir") or "", base, fact.place(at))
                if run is not None:
                    out.append(run)
    scripts: list[ScriptSteps | MakeTarget] = [*model.facts(ScriptSteps), *model.facts(MakeTarget)]
    for script in scripts:
        # make runs beside its file; where a script is started from is not known: the top of the repository is usual.
        base = script.path.rpartition("/")[0] if isinstance(script, MakeTarget) else ""
        for at, words, info in script.commands:
            run = _run(words, info.get("dir") or "", base, script.place(at))
            if run is not None:
                out.append(run)
    return out


def _directories(tree: Node) -> dict[int, str]:
    """Map the place of each script to the working directory of its step."""
    found: dict[int, str] = {}
    if not isinstance(tree, Mapping):
        return found
    top = tree.text("defaults", "run", "working-directory") or ""
    jobs = tree.mapping("jobs")
    for _name, job in jobs.items() if jobs is not None else ():
        if isinstance(job, Mapping):
            own = job.text("defaults", "run", "working-directory") or top
            _steps(job.get("steps"), own, found)
    _steps(tree.get("runs", "steps"), top, found)
    return found


def _steps(steps: Node | None, base: str, found: dict[int, str]) -> None:
    if not isinstance(steps, Sequence):
        return
    for step in steps:
        run = step.get("run") if isinstance(step, Mapping) else None
        if isinstance(step, Mapping) and run is not None and isinstance(run.at, int):
            found[run.at] = step.text("working-directory") or base


def _run(words: list[str], moved: str, base: str, loc: Loc) -> TerraformRun | None:
    if not words or words[0].rpartition("/")[2] not in PROGRAMS:
        return None
    directory = _joined(base, moved)
    rest = words[1:]
    for word in words[1:]:
        if word.startswith("-chdir="):
            directory = _joined(directory, word[7:])
            rest.remove(word)
    verb = next((word for word in rest if not word.startswith("-")), "")
    var_files: list[str] = []
    backend_files: list[str] = []
    settings: dict[str, str] = {}
    for name, value in _options(rest):
        if name == "var-file":
            var_files.append(_joined(directory, value))
        elif name == "backend-config":
            key, equals, given = value.partition("=")
            if equals:
                settings[key] = given
            else:
                backend_files.append(_joined(directory, value))
    return TerraformRun(
        backend_files=backend_files,
        directory=directory,
        loc=loc,
        settings=settings,
        var_files=var_files,
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
