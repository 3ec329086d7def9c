"""Project paths as manifests write them: relative to some directory, and never outside the project."""

from __future__ import annotations


def directory_of(path: str) -> str:
    """Return the directory of a project path, "" at the top."""
    return path.rpartition("/")[0]


def join(directory: str, path: str) -> str | None:
    """Resolve a relative path against a project directory; None when it leaves the project or is not relative."""
    if path.startswith(("/", "~", "$")) or "://" in path:
        return None
    parts = [part for part in directory.split("/") if part]
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
