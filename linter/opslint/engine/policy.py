"""`--policy-from REV`: configuration and suppressions count only as they stand in a revision the author of a change does not control."""

from __future__ import annotations

from opslint.base.errors import UsageError
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.settings import ProjectSettings
    from opslint.engine.packs import Packs


class Policy:
    """What one revision of a project allows. UsageError when the revision is not there."""

    def __init__(self, root: str, revision: str) -> None:
        from opslint.engine.diff import commit_of
        from opslint.engine.git_source import GitSource

        commit = None if revision.startswith("-") else commit_of(root, revision)
        if commit is None:
            raise UsageError(f"--policy-from: no revision '{revision}' in this clone (a shallow one lacks most: fetch-depth: 0)")
        self._root = root
        self._source = GitSource(root, commit)

    def settings(self, packs: Packs) -> ProjectSettings:
        """Return the project's configuration in the revision; the defaults when it had none."""
        from opslint.base.settings import default_settings
        from opslint.config.load import parse
        from opslint.engine.configuration import options_finder
        from opslint.engine.discover import is_configuration

        for name in ("opslint.toml", "pyproject.toml"):
            try:
                data = self._source.read(name)
            except OSError:
                continue
            if name == "opslint.toml" or is_configuration(data):
                return parse(data, name, names=list(packs.rules), options_of=options_finder(packs))[0]
        return default_settings()

    def allowed(self, path: str, kind: str, rows: list[list[Any]]) -> list[list[Any]]:
        """Return those suppressions of file `path` that its version in the revision also has (wherever they stand in it)."""
        from opslint.engine.suppress import parse_comments
        from opslint.syntax.document import ReadProblem
        from opslint.syntax.guard import is_heavy
        from opslint.syntax.readers import read

        try:
            data = self._source.read(path)
            old = [] if is_heavy(data) or b"opslint:" not in data else parse_comments(read(data, kind))
        except (OSError, ReadProblem):
            return []
        known = {_essence(row) for row in old}
        return [row for row in rows if _essence(row) in known]

    def close(self) -> None:
        """End the git process."""
        self._source.close()


def _essence(row: list[Any]) -> tuple[Any, ...]:
    directive, names, reason, until, error = row[:5]
    return (directive, tuple(names), reason, until, error)
