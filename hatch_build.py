"""Writes the rule catalogue into the wheel, so that an installed opslint imports only the rules a file needs.

Nothing is written into the source tree: editable installs make their catalogue on first use.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = (("opslint.facts", "linter/opslint/facts"), ("opslint_rules", "rules/opslint_rules"))
"""Package and its directory in the source tree."""


class CustomBuildHook(BuildHookInterface[Any]):
    """The hook that hatchling calls for the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the catalogue of each package and add it to the wheel. A module that cannot be imported fails the build."""
        if version == "editable":
            return
        self._directory = tempfile.mkdtemp(prefix="opslint-catalogue-")
        for package, catalogue in catalogues(self.root).items():
            path = os.path.join(self._directory, f"{package}.json")
            with open(path, "w", encoding="utf-8") as handle:
                json.dump(catalogue, handle, sort_keys=True, separators=(",", ":"))
            build_data["force_include"][path] = f"{package.replace('.', '/')}/_catalogue.json"

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Remove the files made for the wheel."""
        if version != "editable":
            for package, _directory in PACKAGES:
                os.unlink(os.path.join(self._directory, f"{package}.json"))
            os.rmdir(self._directory)


def catalogues(root: str) -> dict[str, dict[str, Any]]:
    """Return the catalogue of each package of the source tree at `root`; RuntimeError when a module cannot be imported."""
    sys.path[:0] = [os.path.join(root, "linter"), os.path.join(root, "rules")]
    from opslint.engine.catalogue import build

    found = {}
    for package, directory in PACKAGES:
        catalogue = build(package, os.path.join(root, *directory.split("/")), "opslint")
        if catalogue["errors"]:
            raise RuntimeError("the rule catalogue cannot be made:\n" + "\n".join(catalogue["errors"]))
        found[package] = catalogue
    return found
