"""SQL scripts that something runs: a migration tool by their names and marks, a command, a database at its first start."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.migrations import SqlScript
from opslint.model.all_commands import all_commands

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel

_CLIENTS = frozenset(
    "psql mysql mariadb sqlite3 sqlcmd sqlplus clickhouse-client flyway dbmate goose migrate liquibase sqitch atlas docker kubectl cat"
    " docker-compose for find".split()
)
"""Programs that run SQL files, or hand them to one that does."""


def script_is_run(model: DeploymentModel, path: str) -> bool:
    """Tell whether a SQL file is a migration by its name or marks, or a command or a container of the repository takes it."""
    directory, _, name = path.rpartition("/")
    if (name[:1] in "VU" and "__" in name) or name.endswith((".up.sql", ".down.sql")) or name == "migration.sql":
        return True
    if any(fact.path == path and fact.marked for fact in model.facts(SqlScript)):
        return True
    last = directory.rpartition("/")[2]
    for words in all_commands(model):
        if words[0].rpartition("/")[2] not in _CLIENTS:
            continue
        for word in words[1:]:
            text = word.removeprefix("<").strip("\"'").removeprefix("./")
            if name in text or (last and f"{last}/" in f"{text}/" and (text.endswith((directory, last)) or "*" in text)):
                return True
    return bool(directory) and any(_is_mounted(text, directory, path) for text in _volumes(model))


def _volumes(model: DeploymentModel) -> list[str]:
    """The sources of the volumes of containers, relative to the repository where they are written so."""
    found = []
    for workload in model.workloads:
        for container in workload.containers:
            for node in container.node.sequence("volumes") if container.node is not None else ():
                text = getattr(node, "text", "")
                source = text if isinstance(text, str) else (text("source") or "")
                found.append(source.partition(":")[0].removeprefix("./").rstrip("/"))
    return found


def _is_mounted(source: str, directory: str, path: str) -> bool:
    return bool(source) and source != "." and (path == source or path.endswith(f"/{source}") or directory.endswith(source))
