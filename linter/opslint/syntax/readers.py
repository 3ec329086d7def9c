"""Which module reads which kind of file. Modules are imported when the first file of their kind is read."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.syntax.document import Document

READERS: dict[str, str] = {
    "python": "opslint.syntax.python",
    "dockerfile": "opslint.syntax.dockerfile",
    "dotenv": "opslint.syntax.dotenv",
    "shell": "opslint.syntax.shell",
    "procfile": "opslint.syntax.procfile",
    "terraform": "opslint.syntax.hcl",
    "tfvars": "opslint.syntax.hcl",
    "terragrunt": "opslint.syntax.hcl",
    "hcl": "opslint.syntax.hcl",
    "requirements": "opslint.syntax.requirements",
    "pyproject": "opslint.syntax.requirements",
    "lock": "opslint.syntax.requirements",
    "makefile": "opslint.syntax.makefile",
    "sql": "opslint.syntax.sql",
    "ini": "opslint.syntax.ini",
    "systemd": "opslint.syntax.ini",
    "toml": "opslint.syntax.toml",
    "json": "opslint.syntax.json",
    "compose": "opslint.syntax.yaml",
    "workflow": "opslint.syntax.yaml",
    "action": "opslint.syntax.yaml",
    "gitlab-ci": "opslint.syntax.yaml",
    "helm-chart": "opslint.syntax.yaml",
    "helm-values": "opslint.syntax.yaml",
    "helm-template": "opslint.syntax.helm",
    "kustomization": "opslint.syntax.yaml",
    "yaml": "opslint.syntax.yaml",
}
"""Path kind → reader module with `read(data, kind) -> Document`."""

SOFT_KINDS = frozenset(("json", "toml", "yaml", "ini"))
"""Kinds whose files are mostly no business of opslint: not reading one is no blind spot by itself."""

_THERE: dict[str | None, bool] = {}


def has_reader(kind: str | None) -> bool:
    """Tell whether files of this path kind can be read in this version. Does not import the reader."""
    known = _THERE.get(kind)
    if known is None:
        known = _THERE[kind] = _exists(READERS.get(kind or ""))
    return known


def _exists(module: str | None) -> bool:
    if module is None:
        return False
    import sys

    if module in sys.modules:
        return True
    package = sys.modules["opslint.syntax"]
    from os.path import exists

    name = module.rpartition(".")[2]
    return any(exists(f"{directory}/{name}.py") for directory in package.__path__)


def read(data: bytes, kind: str) -> Document:
    """Read `data` as `kind`. `ReadProblem` when it cannot be read to its end."""
    module = __import__(READERS[kind], fromlist=["read"])
    document: Document = module.read(data, kind)
    return document
