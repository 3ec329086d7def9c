"""Which modules take facts from which (refined) kind of file. One line a module; modules are imported when needed."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.syntax.document import Document

FACT_MODULES: dict[str, tuple[str, ...]] = {
    "opslint.facts.answers": ("python",),
    "opslint.facts.clients": ("python",),
    "opslint.facts.cloudformation": ("cloudformation",),
    "opslint.facts.compose": ("compose",),
    "opslint.facts.consumers": ("python",),
    "opslint.facts.django_urls": ("python",),
    "opslint.facts.dockerfile": ("dockerfile",),
    "opslint.facts.dotenv": ("dotenv",),
    "opslint.facts.dotenv_loads": ("python",),
    "opslint.facts.effects": ("python",),
    "opslint.facts.env": ("python",),
    "opslint.facts.exceptions": ("python",),
    "opslint.facts.gitlab": ("gitlab-ci",),
    "opslint.facts.handlers": ("python",),
    "opslint.facts.helm": ("helm-chart", "helm-values", "helm-template"),
    "opslint.facts.http": ("python",),
    "opslint.facts.kubernetes": ("kubernetes",),
    "opslint.facts.kustomize": ("kustomization",),
    "opslint.facts.migrations": ("python", "sql"),
    "opslint.facts.modules": ("python",),
    "opslint.facts.notices": ("python",),
    "opslint.facts.procfile": ("procfile",),
    "opslint.facts.requirements": ("requirements", "pyproject", "lock"),
    "opslint.facts.retries": ("python",),
    "opslint.facts.routes": ("python",),
    "opslint.facts.serverless": ("serverless",),
    "opslint.facts.settings_classes": ("python",),
    "opslint.facts.shell": ("shell",),
    "opslint.facts.shell_scripts": ("shell", "makefile"),
    "opslint.facts.supervisor": ("ini",),
    "opslint.facts.telemetry": ("python",),
    "opslint.facts.terraform": ("terraform", "tfvars", "terragrunt", "hcl"),
    "opslint.facts.web_routes": ("python",),
    "opslint.facts.webhooks": ("python",),
    "opslint.facts.workflows": ("workflow", "action"),
}
"""Module with `EXTRACTORS` → the refined kinds it reads."""

SCANNERS: dict[str, str] = {
    "python": "opslint.facts.modules:scan_imports",
}
"""Kind → `scan(data, places) -> facts` for files of prescreened kinds that were not parsed."""


HOOKS: dict[str, str] = {
    "jobs": "opslint.facts.workflows:job_views",
}
"""Hook of a file rule → `views(document)` that gives typed views; every other hook is answered by the document itself."""


def views(document: Document, hook: str, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield what a file rule with this subscription sees of a document."""
    maker = HOOKS.get(hook)
    if maker is None:
        yield from document.views(hook, names)
        return
    module, _, name = maker.partition(":")
    yield from getattr(__import__(module, fromlist=[name]), name)(document)


def modules_for(kind: str) -> list[str]:
    """Return the modules that take facts from files of `kind`, in table order."""
    return [module for module, kinds in FACT_MODULES.items() if kind in kinds]
