"""An image as its Dockerfile describes it: the final stage's variables, start command, and where its files come from."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import known, unknown
from opslint.facts.env_values import decode_literal
from opslint.model.paths import directory_of, join
from opslint.model.records import EnvEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.facts.dockerfile import Dockerfile, Step
    from opslint.model.model import DeploymentModel

MAX_FROM = 12
"""Stages followed from one to the next."""


class Tree:
    """The files and directories of the project."""

    def __init__(self, model: DeploymentModel) -> None:
        self.files = model.files
        self.directories: set[str] = {""}
        self.by_name: dict[str, list[str]] = {}
        """The deployable files by their own name."""
        for path, info in model.files.items():
            if info.role == "deploy":
                self.by_name.setdefault(path.rpartition("/")[2], []).append(path)
            parent = directory_of(path)
            while parent and parent not in self.directories:
                self.directories.add(parent)
                parent = directory_of(parent)

    def has(self, path: str) -> bool:
        """Tell whether a file or directory of that path is there."""
        return path in self.files or path in self.directories


class Copy:
    """One COPY: `target` in the image; `source` a project path, or a path in stage `stage`; `is_file`, `loc` of the instruction."""

    __slots__ = ("into", "loc", "source", "stage", "target")

    def __init__(self, source: str, target: str, *, into: bool, stage: int | None, loc: Loc) -> None:
        self.source = source
        self.target = target
        self.into = into
        self.stage = stage
        self.loc = loc


class Image:
    """The image that one Dockerfile builds from one context, up to one target stage.

    `base` is the external image it starts from as written; `entries` its ENV; `entrypoint`, `cmd` (words, shell form or not, place)
    or None; `healthcheck` the step or None; `workdir`; `user`.
    """

    def __init__(self, tree: Tree, fact: Dockerfile, context: str, target: str = "") -> None:
        self.tree = tree
        self.fact = fact
        self.context = context
        self.steps: dict[int, list[Step]] = {}
        for step in fact.instructions():
            self.steps.setdefault(step.stage, []).append(step)
        self._copies: dict[int, list[Copy]] = {}
        self._workdirs: dict[int, str] = {}
        names = [stage[0] for stage in fact.stages]
        final = names.index(target.lower()) if target and target.lower() in names else len(names) - 1
        self.final = final
        self.chain = self._chain(final)
        self.base = str(fact.stages[self.chain[0]][1])
        self.entries: list[EnvEntry] = []
        self.entrypoint: tuple[list[str], bool, Loc] | None = None
        self.cmd: tuple[list[str], bool, Loc] | None = None
        self.healthcheck: Step | None = None
        self.user = ""
        for number in self.chain:
            self._replay(number)
        self.workdir = self.workdir_of(final)

    def _chain(self, final: int) -> list[int]:
        """The stages that make up the final one, first ancestor first."""
        chain = [final]
        while len(chain) < MAX_FROM:
            parent = self._stage_number(str(self.fact.stages[chain[0]][1]), chain[0])
            if parent is None:
                break
            chain.insert(0, parent)
        return chain

    def _stage_number(self, name: str, before: int) -> int | None:
        for number in range(before - 1, -1, -1):
            if self.fact.stages[number][0] == name.lower() and name:
                return number
        return int(name) if name.isdigit() and int(name) < before else None

    def parent_of(self, number: int) -> int | None:
        """Return the stage that a stage starts from, None when that is an image from elsewhere."""
        return self._stage_number(str(self.fact.stages[number][1]), number)

    def _replay(self, number: int) -> None:
        for step in self.steps.get(number, ()):
            loc = self.fact.place(step.at)
            if step.name == "ENV":
                for name, data in step.pairs:
                    value = known(decode_literal(data)) if data and data[0] == "x" else unknown("put together from variables")
                    self.entries.append(EnvEntry(loc=loc, name=name, origin="ENV", value=value))
            elif step.name == "ENTRYPOINT":
                self.entrypoint = (step.words, False, loc) if step.words is not None else ([step.text], True, loc)
                self.cmd = None
            elif step.name == "CMD":
                self.cmd = (step.words, False, loc) if step.words is not None else ([step.text], True, loc)
            elif step.name == "HEALTHCHECK":
                self.healthcheck = None if step.text.strip().upper() == "NONE" else step
            elif step.name == "USER":
                self.user = step.text

    def workdir_of(self, number: int) -> str:
        """Return the working directory at the end of a stage."""
        self.copies(number)
        return self._workdirs[number]

    def copies(self, number: int) -> list[Copy]:
        """Return the COPY and ADD of one stage (not of those it starts from), in order."""
        if number not in self._copies:
            parent = self._stage_number(str(self.fact.stages[number][1]), number)
            workdir = self.workdir_of(parent) if parent is not None else "/"
            found: list[Copy] = []
            for step in self.steps.get(number, ()):
                if step.name == "WORKDIR":
                    workdir = absolute(workdir, step.text.strip("\"'"))
                elif step.name in ("COPY", "ADD"):
                    found.extend(self._copy(step, workdir, number))
            self._copies[number] = found
            self._workdirs[number] = workdir
        return self._copies[number]

    def _copy(self, step: Step, workdir: str, number: int) -> Iterator[Copy]:
        words = step.words if step.words is not None else [word.strip("\"'") for word in step.text.split()]
        if len(words) < 2 or step.heredocs:
            return
        target = absolute(workdir, words[-1])
        origin = step.flag("from")
        stage = self._stage_number(origin, number) if origin is not None else None
        if origin is not None and stage is None:
            return
        several = len(words) > 2 or words[-1].endswith("/") or words[-1] in (".", "./")
        for source in words[:-1]:
            loc = self.fact.place(step.at)
            if stage is not None:
                yield Copy(absolute("/", source), target, into=several, stage=stage, loc=loc)
                continue
            path = join(self.context, source.lstrip("/"))
            if path is not None and "://" not in source:
                yield Copy(path, target, into=several and path not in self.tree.directories, stage=None, loc=loc)

    def project_path(self, path: str, number: int | None = None, depth: int = 0) -> str | None:
        """Return the project path of a file or directory in the image, None when no COPY that is understood brought it."""
        number = self.final if number is None else number
        if depth > MAX_FROM:
            return None
        for stage in reversed(self._chain(number)):
            for copy in reversed(self.copies(stage)):
                found = self._through(copy, path, depth)
                if found is not None:
                    return found
        return None

    def _through(self, copy: Copy, path: str, depth: int) -> str | None:
        target = copy.target.rstrip("/") or "/"
        targets = [target]
        if copy.into:
            name = copy.source.rpartition("/")[2]
            if "*" in name or "?" in name:
                return self._glob(copy, target, path)
            whole = f"{target.rstrip('/')}/{name}"
            # What stands in another stage may be a directory (its contents are copied) or a file (it is copied into the target).
            targets = [target, whole] if copy.stage is not None else [whole]
        for start in targets:
            if path != start and not path.startswith(start.rstrip("/") + "/"):
                continue
            rest = path[len(start.rstrip("/")) :].lstrip("/")
            if copy.stage is not None:
                found = self.project_path(f"{copy.source.rstrip('/')}/{rest}".rstrip("/") or "/", copy.stage, depth + 1)
                if found is not None:
                    return found
                continue
            inside = f"{copy.source}/{rest}".strip("/") if rest else copy.source
            if self.tree.has(inside):
                return inside
        return None

    def _glob(self, copy: Copy, target: str, path: str) -> str | None:
        from fnmatch import fnmatchcase

        directory, _, pattern = copy.source.rpartition("/")
        rest = path[len(target.rstrip("/")) :].lstrip("/") if path.startswith(target.rstrip("/") + "/") else ""
        found = f"{directory}/{rest}".lstrip("/")
        return found if rest and fnmatchcase(rest.partition("/")[0], pattern) and self.tree.has(found) else None


def absolute(workdir: str, path: str) -> str:
    """Return a container path made absolute and free of ``.`` and ``..``."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{workdir}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
