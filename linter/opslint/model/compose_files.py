"""Which compose files one command combines, and which are alternatives."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, Sequence, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.compose import ComposeFile
from opslint.facts.dotenv import DotenvFile
from opslint.facts.env_values import decode_literal
from opslint.facts.shell import ShellScript
from opslint.facts.shell_scripts import MakeTarget
from opslint.facts.workflows import CompositeAction, Workflow
from opslint.model.paths import directory_of, join

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from opslint.model.model import DeploymentModel

BASE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""The files `docker compose` looks for, in its order (docs.docker.com, "How Compose works")."""

OVERRIDE_NAMES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)
_VALUE_OPTIONS = frozenset(("--profile", "--ansi", "--parallel", "--progress", "-H", "--context", "-c"))


class ComposeFiles:
    """The compose files of the project, and YAML files that only their use shows to be ones (``-f``, `include`, `extends`)."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.own = {fact.path: fact for fact in model.facts(ComposeFile)}
        self._others: dict[str, ComposeFile | None] = {}

    def get(self, path: str | None) -> ComposeFile | None:
        """Return the compose file of that path; None when it is not there, or cannot be read."""
        if path is None or path in self.own:
            return self.own.get(path or "")
        if path not in self._others:
            self._others[path] = self._read(path)
        return self._others[path]

    def _read(self, path: str) -> ComposeFile | None:
        """Read a fragment that does not look like a compose file by itself; its places are spans."""
        from opslint.facts.compose import compose_file
        from opslint.syntax.document import ReadProblem
        from opslint.syntax.yaml import read

        info = self.model.files.get(path)
        if info is None or info.role != "deploy" or not path.endswith((".yml", ".yaml")):
            return None
        data = self.model.read(path)
        try:
            document = read(data, "compose") if data is not None else None
        except ReadProblem:
            return None
        root = document.documents[0] if document is not None and document.documents else None
        if document is None or document.kind != "compose" or not isinstance(root, Mapping):
            return None
        spans = document.places.spans
        fact = compose_file(root, lambda at: spans[at] if isinstance(at, int) else at)
        return ComposeFile.load(path, [getattr(fact, name) for name in ComposeFile.FIELDS])


class ComposeGroup(Record):
    """Files that one command combines, in order. `directory` is the project directory, to which paths are relative.

    `automatic` tells that Compose finds them without ``-f``; `env_files` are those of ``--env-file`` (project paths); `dotenv` another
    ``.env`` than the project directory's that is read too, and wins; `projects` the names that commands give the project (``-p``).
    """

    __slots__ = ("automatic", "directory", "dotenv", "env_files", "files", "projects")
    automatic: bool
    directory: str
    dotenv: str
    env_files: list[str]
    files: list[ComposeFile]
    projects: list[str]

    @property
    def key(self) -> str:
        """The key of the deployment, ``compose:a.yml+b.yml`` or, with another file than ``.env``, ``compose:a.yml@.env.staging``."""
        return "@".join(["compose:" + "+".join(found.path for found in self.files), *self.env_files])

    @property
    def names_from(self) -> list[str]:
        """The dotenv files that give ``${}`` its names, in order; of two that set one name the later wins."""
        beside = f"{self.directory}/.env" if self.directory else ".env"
        return self.env_files or [path for path in (beside, self.dotenv) if path]


class Command(Record):
    """One compose command line: its ``-f`` files, its ``--env-file``s, ``--project-directory`` and ``-p`` ("" where not given).

    `where` is the directory it runs in, as far as it can be told; `dotenv` the ``.env`` there whose ``COMPOSE_FILE`` names the files.
    """

    __slots__ = ("directory", "dotenv", "env_files", "files", "project", "where")
    directory: str
    dotenv: str
    env_files: list[str]
    files: list[str]
    project: str
    where: str


def compose_command(words: list[str], where: str = "") -> Command | None:
    """Return what a compose command line says, None when `words` is none."""
    project = ""
    for index, word in enumerate(words):
        program = word.rpartition("/")[2]
        if program == "docker-compose" or (program in ("docker", "podman") and words[index + 1 : index + 2] == ["compose"]):
            found = _options(words[index + (1 if program == "docker-compose" else 2) :], where)
            return found if found.project or not project else found.replace(project=project)
        name, equals, value = word.partition("=")
        if equals and name == "COMPOSE_PROJECT_NAME":
            project = value
        if not (word.startswith("-") or equals or word in ("sudo", "exec", "env", "time", "nohup", "command")):
            return None
    return None


def _options(words: list[str], where: str) -> Command:
    given: dict[str, list[str]] = {"--file": [], "--env-file": [], "--project-directory": [], "--project-name": []}
    at = 0
    while at < len(words) and words[at].startswith("-"):
        option, equals, value = words[at].partition("=")
        if not equals and option[:2] in ("-f", "-p") and len(option) > 2:
            option, value, equals = option[:2], option[2:], "="
        option = {"-f": "--file", "-p": "--project-name"}.get(option, option)
        if option in given:
            if not equals:
                at += 1
                value = words[at] if at < len(words) else ""
            given[option].append(value)
        elif option in _VALUE_OPTIONS and not equals:
            at += 1
        at += 1
    return Command(
        directory="".join(given["--project-directory"][-1:]),
        dotenv="",
        env_files=given["--env-file"],
        files=given["--file"],
        project="".join(given["--project-name"][-1:]),
        where=where,
    )


def commands(model: DeploymentModel) -> Iterator[Command]:
    """Yield the compose commands of scripts, Makefiles and workflows, and ``COMPOSE_FILE`` of ``.env`` files."""
    for script in model.facts(ShellScript):
        for step in script.steps():
            yield from _command(step.words, directory_of(script.path))
    scripts = [script for workflow in model.facts(Workflow) for script in workflow.scripts]
    scripts.extend(script for action in model.facts(CompositeAction) for script in action.scripts)
    for _place, steps in scripts:
        for _at, words, info in steps:
            yield from _command(words, info.get("dir", ""))
    for target in model.facts(MakeTarget):
        for _at, words, info in target.commands:
            yield from _command(words, info.get("dir", directory_of(target.path)))
    for dotenv in model.facts(DotenvFile):
        if dotenv.path.rpartition("/")[2] == ".env":
            for name, _name_at, _at, value in dotenv.entries:
                text = decode_literal(value).plain if name == "COMPOSE_FILE" and value and value[0] == "x" else None
                if text:
                    files = text.replace(";", ":").split(":")
                    where = directory_of(dotenv.path)
                    yield Command(directory="", dotenv=dotenv.path, env_files=[], files=files, project="", where=where)


def _command(words: list[str], where: str) -> Iterator[Command]:
    found = (
        compose_command(words, where) if "compose" in words or any(word.endswith("docker-compose") for word in words) else None
    )
    if found is not None and not any("$" in name for name in (*found.files, found.directory)):
        yield found


def groups(model: DeploymentModel, compose: ComposeFiles) -> list[ComposeGroup]:
    """Return the combinations of compose files, sorted by key; every compose file is in one or more, or read by another."""
    facts = compose.own
    found: dict[str, ComposeGroup] = {}
    used: set[str] = set()
    by_directory: dict[str, list[str]] = {}
    for path in facts:
        by_directory.setdefault(directory_of(path), []).append(path)
    for command in commands(model):
        if command.files:
            group = _explicit(command, compose, model.files)
        else:
            group = _implicit(command, by_directory, facts, model.files)
        if group is not None:
            known = found.setdefault(group.key, group)
            known.projects = list(dict.fromkeys([*known.projects, *group.projects]))
            if not group.automatic:
                used.update(fact.path for fact in group.files)
    read = _read_by_others(facts)
    for directory, paths in by_directory.items():
        for group in _of_directory(directory, paths, facts, used | read):
            if not (len(group.files) == 1 and group.files[0].path in read):
                found.setdefault(group.key, group)
    return [found[key] for key in sorted(found)]


def _read_by_others(facts: dict[str, ComposeFile]) -> set[str]:
    """The files that others include, or extend services of: they are run with those, not by themselves."""
    found: set[str] = set()
    for fact in facts.values():
        root = root_of(fact)
        directory = directory_of(fact.path)
        named = [path for paths, _item in includes(root) for path in paths]
        bodies = services_of(root).values()
        extended = [item.text("file") for body in bodies if isinstance(item := body.get("extends"), Mapping)]
        targets = {join(directory, name) for name in named}
        # A file that `docker compose up` finds in its own directory runs by itself too, whoever extends its services.
        targets.update(
            path for name in extended if name and (path := join(directory, name)) and path.rpartition("/")[2] not in BASE_NAMES
        )
        found.update(path for path in targets if path in facts and path != fact.path)
    return found


def includes(root: Mapping) -> list[tuple[list[str], Mapping | None]]:
    """Return what `include:` of a compose file names: the paths that are merged, and the long form where it is used."""
    found: list[tuple[list[str], Mapping | None]] = []
    for item in root.sequence("include"):
        path = item.get("path") if isinstance(item, Mapping) else item
        paths = [one.text for one in (path.items if isinstance(path, Sequence) else [path]) if isinstance(one, Scalar)]
        found.append((paths, item if isinstance(item, Mapping) else None))
    return found


def _explicit(command: Command, compose: ComposeFiles, existing: Container[str]) -> ComposeGroup | None:
    files: list[ComposeFile] = []
    for name in command.files:
        candidates = [join(command.where, name), join("", name)]
        fact = next((found for path in candidates if (found := compose.get(path)) is not None), None)
        if fact is None:
            base = name.rpartition("/")[2]
            same = [other for path, other in compose.own.items() if path.rpartition("/")[2] == base]
            fact = same[0] if len(same) == 1 else None
        if fact is None:
            return None
        files.append(fact)
    directory = directory_of(files[0].path)
    if command.directory:
        given = join(command.where, command.directory)
        directory = given if given is not None else directory
    return _group(command, directory, files, existing)


def _implicit(
    command: Command, by_directory: dict[str, list[str]], facts: dict[str, ComposeFile], existing: Container[str]
) -> ComposeGroup | None:
    """The files that a command without ``-f`` finds, where it says something about them: in its directory, or the nearest above."""
    if not command.env_files and not command.project:
        return None
    directory = join(command.where, command.directory) if command.directory else command.where
    while directory is not None:
        chain, _base, _override = _default_chain(by_directory.get(directory, []), facts)
        if chain:
            return _group(command, directory, chain, existing).replace(automatic=True)
        directory = directory_of(directory) if directory else None
    return None


def _group(command: Command, directory: str, files: list[ComposeFile], existing: Container[str]) -> ComposeGroup:
    env_files: list[str] = []
    for name in command.env_files:
        candidates = [path for base in (command.where, "", directory) if (path := join(base, name)) is not None]
        env_files.extend([path for path in candidates if path in existing][:1] or candidates[:1])
    projects = [command.project] if command.project else []
    return ComposeGroup(
        automatic=False, directory=directory, dotenv=command.dotenv, env_files=env_files, files=files, projects=projects
    )


def _default_chain(paths: list[str], facts: dict[str, ComposeFile]) -> tuple[list[ComposeFile], str | None, str | None]:
    """The files of one directory that Compose finds by itself: (the chain, its base, its override)."""
    names = {path.rpartition("/")[2]: path for path in paths}
    base = next((names[name] for name in BASE_NAMES if name in names), None)
    override = next((names[name] for name in OVERRIDE_NAMES if name in names), None)
    return [facts[path] for path in (base, override) if path and base], base, override


def _of_directory(directory: str, paths: list[str], facts: dict[str, ComposeFile], used: set[str]) -> Iterator[ComposeGroup]:
    chain, base, override = _default_chain(paths, facts)
    if chain:
        yield ComposeGroup(automatic=True, directory=directory, dotenv="", env_files=[], files=chain, projects=[])
    for path in sorted(paths):
        if path in (base, override) or path in used:
            continue
        needs_base = base is not None and _needs(facts[path], facts[base])
        files = [facts[base], facts[path]] if base is not None and needs_base else [facts[path]]
        yield ComposeGroup(automatic=False, directory=directory, dotenv="", env_files=[], files=files, projects=[])


def root_of(fact: ComposeFile) -> Mapping:
    """Return the decoded tree of a compose file."""
    root = decode(fact.tree, fact.path)
    return root if isinstance(root, Mapping) else Mapping([], fact.at, fact.path)


def services_of(root: Mapping) -> dict[str, Mapping]:
    """Return the services of a compose file by name."""
    services = root.mapping("services")
    return {name: body for name, body in services.items() if isinstance(body, Mapping)} if services else {}


def _needs(fact: ComposeFile, base: ComposeFile) -> bool:
    """Tell whether a file cannot stand alone: a service without image and build that the base file defines."""
    below = services_of(root_of(base))
    return any(
        name in below and "image" not in body and "build" not in body and "extends" not in body
        for name, body in services_of(root_of(fact)).items()
    )
