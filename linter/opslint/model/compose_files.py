"""Which compose files one command combines, and which are alternatives."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.compose import ComposeFile
from opslint.facts.dotenv import DotenvFile
from opslint.facts.env_values import decode_literal
from opslint.facts.shell import ShellScript
from opslint.facts.shell_scripts import MakeTarget
from opslint.facts.workflows import CompositeAction, Workflow
from opslint.model.paths import directory_of, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.model.model import DeploymentModel

BASE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""The files `docker compose` looks for, in its order (docs.docker.com, "How Compose works")."""

OVERRIDE_NAMES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)
_VALUE_OPTIONS = frozenset(
    ("-p", "--project-name", "--profile", "--project-directory", "--ansi", "--parallel", "--progress", "-H", "--context", "-c")
)


class ComposeGroup(Record):
    """Files that one command combines, in order. `directory` is the project directory, to which paths are relative.

    `automatic` tells that Compose finds them without ``-f``; `env_files` are those of ``--env-file`` (project paths).
    """

    __slots__ = ("automatic", "directory", "env_files", "files")
    automatic: bool
    directory: str
    env_files: list[str]
    files: list[ComposeFile]

    @property
    def key(self) -> str:
        """The key of the deployment, ``compose:a.yml+b.yml``."""
        return "compose:" + "+".join(found.path for found in self.files)


class Command(Record):
    """The compose files that one command line names (`files`), its ``--env-file``s, and the directory it runs in, if told."""

    __slots__ = ("directory", "env_files", "files")
    directory: str
    env_files: list[str]
    files: list[str]


def compose_command(words: list[str]) -> tuple[list[str], list[str]] | None:
    """Return (``-f`` files, ``--env-file`` files) of a compose command line, None when `words` is none."""
    for index, word in enumerate(words):
        program = word.rpartition("/")[2]
        if program == "docker-compose" or (program in ("docker", "podman") and words[index + 1 : index + 2] == ["compose"]):
            return _options(words[index + (1 if program == "docker-compose" else 2) :])
        if not (word.startswith("-") or "=" in word or word in ("sudo", "exec", "env", "time", "nohup", "command")):
            return None
    return None


def _options(words: list[str]) -> tuple[list[str], list[str]]:
    files: list[str] = []
    env_files: list[str] = []
    at = 0
    while at < len(words) and words[at].startswith("-"):
        option, equals, value = words[at].partition("=")
        if not equals and option.startswith("-f") and len(option) > 2 and not option.startswith("--"):
            option, value, equals = "-f", option[2:], "="
        if option in ("-f", "--file", "--env-file"):
            if not equals:
                at += 1
                value = words[at] if at < len(words) else ""
            (env_files if option == "--env-file" else files).append(value)
        elif option in _VALUE_OPTIONS and not equals:
            at += 1
        at += 1
    return files, env_files


def commands(model: DeploymentModel) -> Iterator[Command]:
    """Yield the compose commands of scripts and workflows that name files, and ``COMPOSE_FILE`` of ``.env`` files."""
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
                    yield Command(directory=directory_of(dotenv.path), env_files=[], files=text.replace(";", ":").split(":"))


def _command(words: list[str], directory: str) -> Iterator[Command]:
    found = compose_command(words) if "compose" in words or any(word.endswith("docker-compose") for word in words) else None
    if found is not None and found[0] and not any("$" in name for name in found[0]):
        yield Command(directory=directory, env_files=found[1], files=found[0])


def groups(model: DeploymentModel) -> list[ComposeGroup]:
    """Return the combinations of compose files, sorted by key; every compose file is in one or more."""
    facts = {fact.path: fact for fact in model.facts(ComposeFile)}
    found: dict[str, ComposeGroup] = {}
    used: set[str] = set()
    for command in commands(model):
        group = _explicit(command, facts)
        if group is not None:
            found.setdefault(group.key, group)
            used.update(fact.path for fact in group.files)
    by_directory: dict[str, list[str]] = {}
    for path in facts:
        by_directory.setdefault(directory_of(path), []).append(path)
    for directory, paths in by_directory.items():
        for group in _of_directory(directory, paths, facts, used):
            found.setdefault(group.key, group)
    return [found[key] for key in sorted(found)]


def _explicit(command: Command, facts: dict[str, ComposeFile]) -> ComposeGroup | None:
    files: list[ComposeFile] = []
    for name in command.files:
        candidates = [join(command.directory, name), join("", name)]
        path = next((candidate for candidate in candidates if candidate in facts), None)
        if path is None:
            base = name.rpartition("/")[2]
            same = [fact for fact in facts if fact.rpartition("/")[2] == base]
            path = same[0] if len(same) == 1 else None
        if path is None:
            return None
        files.append(facts[path])
    directory = directory_of(files[0].path) if files else ""
    env_files = [path for path in (join(directory, name) for name in command.env_files) if path]
    return ComposeGroup(automatic=False, directory=directory, env_files=env_files, files=files) if files else None


def _of_directory(directory: str, paths: list[str], facts: dict[str, ComposeFile], used: set[str]) -> Iterator[ComposeGroup]:
    names = {path.rpartition("/")[2]: path for path in paths}
    base = next((names[name] for name in BASE_NAMES if name in names), None)
    override = next((names[name] for name in OVERRIDE_NAMES if name in names), None)
    if base is not None:
        chain = [facts[base]] + ([facts[override]] if override else [])
        yield ComposeGroup(automatic=True, directory=directory, env_files=[], files=chain)
    for path in sorted(paths):
        if path in (base, override) or path in used:
            continue
        needs_base = base is not None and _needs(facts[path], facts[base])
        chain = [facts[base], facts[path]] if base is not None and needs_base else [facts[path]]
        yield ComposeGroup(automatic=False, directory=directory, env_files=[], files=chain)


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
