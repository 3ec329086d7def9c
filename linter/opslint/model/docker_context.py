"""What of a build context reaches the builder: ``.dockerignore`` (docs.docker.com, "Build context: .dockerignore files")."""

from __future__ import annotations

from functools import cache

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from opslint.model.model import DeploymentModel

MAX_PATTERNS = 500
"""Patterns of one ``.dockerignore`` that are looked at."""


def ignore_file(model: DeploymentModel, context: str, dockerfile: str) -> str | None:
    """Return the ignore file that holds for a build: the Dockerfile's own, else the context's; None when there is neither."""
    for path in (f"{dockerfile}.dockerignore", f"{context}/.dockerignore" if context else ".dockerignore"):
        if path in model.files:
            return path
    return None


def is_left_out(model: DeploymentModel, context: str, dockerfile: str, path: str) -> bool:
    """Tell whether the project file `path` of `context` is kept from the builder. The last pattern that matches decides."""
    found = ignore_file(model, context, dockerfile)
    data = model.read(found) if found is not None else None
    if data is None:
        return False
    inside = path[len(context) :].lstrip("/") if context else path
    left_out = False
    for line in data.decode("utf-8", "replace").splitlines()[:MAX_PATTERNS]:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keeps = pattern.startswith("!")
        if _pattern(pattern.lstrip("!").strip().strip("/").removeprefix("./")).fullmatch(inside):
            left_out = not keeps
    return left_out


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """Translate a pattern: ``*`` and ``?`` stay inside a name, ``**`` goes through any number of them; a directory takes what is in it."""
    import re

    out: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            out.append("(?:[^/]+/)*")
            at += 3
        elif glob.startswith("**", at):
            out.append(".*")
            at += 2
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(glob[at]) or re.escape(glob[at]))
            at += 1
    return re.compile("".join(out) + "(?:/.*)?")
