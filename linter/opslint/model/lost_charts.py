"""Installations of charts that are not in the repository: the command fails before it deploys anything."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from opslint.model.pipeline_records import Action


def is_lost_chart(action: Action, paths: Collection[str]) -> bool:
    """Tell whether an action is a `helm upgrade` or `helm install` of a local directory (``./…``) that a checkout does not hold.

    `paths` are the files of the repository. Only where the directory above is there: a path that begins elsewhere is made by a step before.
    """
    words = action.words
    if action.path is None or "helm" not in words or not {"upgrade", "install"} & set(words):
        return False
    chart = next((word for word in words if word.startswith("./") and "$" not in word), None)
    if chart is None:
        return False
    directory = normpath(f"{action.path or '.'}/{chart}")
    parent = directory.rpartition("/")[0]
    held = any(path.startswith(f"{directory}/") for path in paths)
    return not held and bool(parent) and any(path.startswith(f"{parent}/") for path in paths) and not directory.endswith(".tgz")
