"""What a path says: the kind of file, and its role in the project. Content is never looked at here."""

from __future__ import annotations

SKIPPED_DIRECTORIES = frozenset(
    ".git .venv venv node_modules vendor third_party .terraform .terragrunt-cache __pycache__ dist build".split()
)
KEPT_DOT_DIRECTORIES = frozenset(".github .gitlab .circleci .buildkite .azure .argocd .helm .do .ebextensions .opslint".split())
_ROLE_SEGMENTS = {
    "tests": "test",
    "test": "test",
    "__tests__": "test",
    "e2e": "test",
    "spec": "test",
    "testdata": "fixture",
    "fixtures": "fixture",
    "examples": "example",
    "example": "example",
    "samples": "example",
}
_RETIRED = frozenset("archived _archive _archived attic deprecated _deprecated graveyard obsolete retired".split())
_RETIRED_STARTS = ("archived_", "archived-", "deprecated_", "deprecated-", "obsolete_", "obsolete-", "removed_", "removed-")
"""Directories of what was put away: nobody deploys it. ``archive``, ``backup``, ``old`` and ``legacy`` may be running code."""

_TIER_SEGMENTS = frozenset("test e2e".split())
"""Role segments that may also name an environment (model, section 2), beside a sibling of another tier."""

_OTHER_TIERS = frozenset(
    "production prod prd live staging stage stg uat preprod qa development dev sandbox preview pr review ephemeral".split()
)

PRESCREENED = frozenset(("python", "shell", "sql"))
"""Kinds of which only files with a literal that something looks for are parsed."""

_EXACT = {
    "chart.yaml": "helm-chart",
    "chart.yml": "helm-chart",
    "action.yml": "action",
    "action.yaml": "action",
    ".gitlab-ci.yml": "gitlab-ci",
    ".gitlab-ci.yaml": "gitlab-ci",
    "kustomization": "kustomization",
    "kustomization.yaml": "kustomization",
    "kustomization.yml": "kustomization",
    "terragrunt.hcl": "terragrunt",
    "pyproject.toml": "pyproject",
    "poetry.lock": "lock",
    "uv.lock": "lock",
    "pdm.lock": "lock",
    "pipfile.lock": "lock",
    "pipfile": "pyproject",
    "procfile": "procfile",
    "makefile": "makefile",
    "gnumakefile": "makefile",
    "setup.cfg": "ini",
    "tox.ini": "ini",
    ".gitignore": "gitignore",
}
_NOT_CLAIMED = frozenset(("pnpm-lock.yaml", "pnpm-workspace.yaml"))
"""Files of other tools with a claimed ending; the lock files are megabytes."""

_SUFFIX = {
    "py": "python",
    "pyi": None,
    "tf": "terraform",
    "tfvars": "tfvars",
    "hcl": "hcl",
    "tfbackend": "hcl",
    "sh": "shell",
    "bash": "shell",
    "sql": "sql",
    "ini": "ini",
    "service": "systemd",
    "timer": "systemd",
    "toml": "toml",
    "json": "json",
    "yaml": "yaml",
    "yml": "yaml",
}
_SCRIPT_NAMES = frozenset(
    "entrypoint docker-entrypoint start run deploy release migrate bootstrap wait-for-it healthcheck".split()
)
_TEMPLATE_SUFFIXES = (".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".mustache", ".gotmpl")


def kind_of(path: str) -> str | None:
    """Return the kind the path says (see `opslint.syntax.readers`), None for a file that opslint does not claim."""
    directory, _, name = path.rpartition("/")
    lower = name.lower()
    exact = _EXACT.get(lower)
    if exact is not None:
        return exact
    if lower in _NOT_CLAIMED:
        return None
    stem, dot, suffix = lower.rpartition(".")
    if dot and stem:
        if suffix == "py":
            return "python"
        if suffix in ("yaml", "yml"):
            return _yaml_kind(directory, stem)
        if suffix == "tpl" and stem.startswith("_") and "." not in stem and _under_templates(directory):
            return "helm-template"
    named = _named_kind(lower)
    if named is not None:
        return named
    if not dot or not stem:
        return "shell" if lower in _SCRIPT_NAMES else None
    if suffix in ("txt", "in") and ("requirements" in stem or "constraints" in stem or directory.endswith("requirements")):
        return "requirements"
    if suffix == "json" and stem.endswith(".tfvars"):
        return "tfvars"
    if suffix == "conf" and "supervisor" in stem:
        return "ini"
    if lower.endswith(_TEMPLATE_SUFFIXES):
        return None
    return _SUFFIX.get(suffix)


def _named_kind(lower: str) -> str | None:
    if lower == "dockerfile" or lower.startswith(("dockerfile.", "containerfile.")) or lower == "containerfile":
        return None if lower.endswith((".dockerignore", *_TEMPLATE_SUFFIXES)) else "dockerfile"
    if lower.endswith((".dockerfile", ".containerfile")):
        return "dockerfile"
    if lower == ".env" or lower.startswith(".env.") or (lower.endswith(".env") and lower != ".env"):
        return None if lower.endswith(_TEMPLATE_SUFFIXES) and not lower.endswith(".template") else "dotenv"
    if lower.startswith("procfile."):
        return "procfile"
    return None


def _under_templates(directory: str) -> bool:
    return directory == "templates" or directory.endswith("/templates") or "/templates/" in f"/{directory}/"


def _yaml_kind(directory: str, stem: str) -> str:
    if directory == ".github/workflows" or directory.endswith("/.github/workflows"):
        return "workflow"
    if _under_templates(directory):
        return "helm-template"
    if stem == "values" or stem.startswith(("values-", "values.", "values_")) or stem.endswith(("-values", ".values", "_values")):
        return "helm-values"
    if stem in ("compose", "docker-compose") or stem.startswith(("compose.", "compose-", "docker-compose.", "docker-compose-")):
        return "compose"
    if directory in (".gitlab", ".gitlab/ci") or stem.endswith(".gitlab-ci"):
        return "gitlab-ci"
    return "yaml"


class Roles:
    """Tells the roles of one project's paths. Needs all of them: `tests/` beside `prod/` may be an environment."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._siblings: dict[str, set[str]] | None = None
        self._by_directory: dict[str, str] = {}

    def of(self, path: str) -> str:
        """Return ``deploy test example fixture`` or ``vendored`` (in a directory that is never read)."""
        directory, _, name = path.rpartition("/")
        role = self._by_directory.get(directory)
        if role is None:
            role = self._by_directory[directory] = self._of_directory(directory)
        if role == "deploy" and name.endswith(".py"):
            if name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py":
                return "test"
        return role

    def _of_directory(self, directory: str) -> str:
        if not directory:
            return "deploy"
        role = "deploy"
        parent = ""
        for segment in directory.split("/"):
            if segment in SKIPPED_DIRECTORIES or (segment.startswith(".") and segment not in KEPT_DOT_DIRECTORIES):
                return "vendored"
            if role == "deploy" and segment in _ROLE_SEGMENTS and not self._is_environment(parent, segment):
                role = _ROLE_SEGMENTS[segment]
            elif role == "deploy" and (segment in _RETIRED or segment.startswith(_RETIRED_STARTS)):
                role = "example"
            parent = f"{parent}/{segment}" if parent else segment
        return role

    def _is_environment(self, parent: str, segment: str) -> bool:
        if segment not in _TIER_SEGMENTS:
            return False
        return any(_names_tier(sibling) for sibling in self._directories().get(parent, ()))

    def _directories(self) -> dict[str, set[str]]:
        if self._siblings is None:
            self._siblings = {}
            known: set[str] = set()
            for path in self._paths:
                directory = path.rpartition("/")[0]
                while directory and directory not in known:
                    known.add(directory)
                    parent, _, segment = directory.rpartition("/")
                    self._siblings.setdefault(parent, set()).add(segment)
                    directory = parent
        return self._siblings


def _names_tier(segment: str) -> bool:
    head = segment.lower().replace("_", "-").partition("-")[0]
    return head in _OTHER_TIERS
