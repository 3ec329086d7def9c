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
        self._revision = revision
        self._source = GitSource(root, commit)
        self.refused: list[tuple[str, int, str]] = []
        """(path, line, directive with its names) of suppressions that the revision does not have."""

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
        kept = []
        for row in rows:
            if _essence(row) in known:
                kept.append(row)
            else:
                self.refused.append((path, row[7][0], f"{row[0]}[{', '.join(row[1])}]"))
        return kept

    def notes(self, settings: ProjectSettings, current: ProjectSettings | None) -> list[str]:
        """Return lines that name what the change would have excused.

        `settings` are the revision's, `current` those of the working tree (None: they cannot be read).
        """
        name = self._revision
        found = [
            f"{path}:{line}: {what} is not in {name} and does not count (--policy-from)"
            for path, line, what in sorted(set(self.refused))
        ]
        if current is None:
            return [*found, f"the configuration here cannot be read; that of {name} counts (--policy-from)"]
        old = [entry.as_tuple() for entry in settings.ignores]
        found += [
            f"{current.source}: [[ignore]] of {entry.rule} in {entry.path} is not in {name} and does not count (--policy-from)"
            for entry in current.ignores
            if entry.as_tuple() not in old
        ]
        if _without_ignores(current) != _without_ignores(settings):
            found.append(f"{current.source or 'the configuration'} differs from {name}, whose settings count (--policy-from)")
        return found

    def apart(self) -> Policy:
        """Return the same policy with a record of its own: what the run over another revision refuses is nobody's news."""
        from copy import copy

        other = copy(self)
        other.refused = []
        return other

    def close(self) -> None:
        """End the git process."""
        self._source.close()


def _without_ignores(settings: ProjectSettings) -> list[Any]:
    names = [name for name in settings.FIELDS if name not in ("ignores", "source")]
    return [repr(getattr(settings, name)) for name in names]


def baseline_text(path: str, revision: str) -> str | None:
    """Return the text of the baseline file `path` as it stands in `revision`; None when the revision has none."""
    import os

    from opslint.engine import git

    top = git.top_of(os.path.dirname(os.path.abspath(path)))
    if top is None:
        return None
    inside = os.path.relpath(os.path.realpath(path), os.path.realpath(top)).replace(os.sep, "/")
    try:
        return git.run(top, ["cat-file", "blob", f"{revision}:{inside}"]).decode("utf-8", "replace")
    except git.GitError:
        return None


def _essence(row: list[Any]) -> tuple[Any, ...]:
    directive, names, reason, until, error = row[:5]
    return (directive, tuple(names), reason, until, error)
