"""Installations of charts that are not in the repository: the command fails before it deploys anything."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from opslint.model.pipeline_records import Action


def is_lost_chart(action: Action, paths: Collection[str]) -> bool:
    """Tell whether an action is a `helm upgrade` or `helm install` of a local directory that a checkout does not hold, or not as a chart.

    `paths` are the files of the repository. Only where the directory above is there: a path that begins elsewhere is made by a step before.
    """
    words = action.words
    if action.path is None or "helm" not in words or not {"upgrade", "install"} & set(words):
        return False
    for word in words:
        if "/" not in word or "$" in word or ":" in word or word.startswith(("-", "/")) or word.endswith(".tgz"):
            continue
        directory = normpath(f"{action.path or '.'}/{word}")
        if any(path.startswith(f"{directory}/") for path in paths):
            return not any(f"{directory}/{name}" in paths for name in ("Chart.yaml", "Chart.yml"))
        parent = directory.rpartition("/")[0]
        return word.startswith("./") and bool(parent) and any(path.startswith(f"{parent}/") for path in paths)
    return False
