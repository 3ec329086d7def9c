"""The files that a start command can name: container paths and modules mapped to project paths."""

from __future__ import annotations

from opslint.base.masking import mask
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.shell import ShellScript
from opslint.facts.supervisor import SupervisorProgram
from opslint.model.image import absolute

if TYPE_CHECKING:
    from opslint.model.image import Image, Tree
    from opslint.model.model import DeploymentModel
    from opslint.model.records import EnvEntry


class Scripts:
    """The shell scripts of a project, and the programs of its supervisord files, by path."""

    def __init__(self, model: DeploymentModel) -> None:
        self.by_path = {script.path: script for script in model.facts(ShellScript)}
        self.programs: dict[str, list[SupervisorProgram]] = {}
        for program in model.facts(SupervisorProgram):
            self.programs.setdefault(program.path, []).append(program)


class StartFiles:
    """Maps what a command names. `mounts` are (container path, project path) of bind mounts, which hide what the image holds."""

    def __init__(
        self,
        tree: Tree,
        scripts: Scripts,
        image: Image | None,
        entries: list[EnvEntry],
        *,
        workdir: str | None = None,
        mounts: list[tuple[str, str]] | None = None,
        root: str = "",
    ) -> None:
        self.tree = tree
        self.scripts = scripts
        self.image = image
        self.root = root
        self.mounts = mounts or []
        self.workdir = workdir or (image.workdir if image is not None else "/")
        self._plain: dict[str, str | None] = {}
        self._digests: dict[str, str] = {}
        for entry in [*(image.entries if image is not None else ()), *entries]:
            value = entry.value.value if isinstance(entry.value, Known) else None
            self._plain[entry.name] = getattr(value, "plain", None)
            self._digests[entry.name] = getattr(value, "digest", "")
        self._outside: dict[str, list[str]] = {}

    def plain(self, name: str) -> str | None:
        """Return the text of a variable that may be kept as text (``FLASK_APP``), None when it is not known."""
        return self._plain.get(name) or None

    def module_named_by(self, name: str) -> str | None:
        """Return the top-level module of the context that the masked value of variable `name` spells (``python -m ${WORKER}``)."""
        digest = self._digests.get(name)
        context = self.image.context if self.image is not None else self.root
        if not digest:
            return None
        names = {part for path in self.tree.files if path.startswith(context) for part in path[len(context) :].split("/")}
        names = {part.removesuffix(".py") for part in names if part.removesuffix(".py").replace("_", "a").isalnum()}
        return next((found for found in sorted(names) if mask(found).digest == digest), None)

    def project_path(self, path: str) -> str | None:
        """Return the project path of an absolute container path."""
        for target, source in self.mounts:
            if path == target or path.startswith(target.rstrip("/") + "/"):
                found = f"{source}/{path[len(target) :].lstrip('/')}".strip("/")
                return found if self.tree.has(found) else None
        if self.image is not None:
            return self.image.project_path(path)
        found = f"{self.root}/{path.lstrip('/')}".strip("/")
        return found if self.tree.has(found) else None

    def file(self, path: str) -> list[str]:
        """Return the project file of a container path, or the only file below the build context with that ending."""
        found = self.project_path(path)
        if found is not None and found in self.tree.files:
            return [found]
        return self._only(path.rpartition("/")[2])

    def script(self, path: str) -> ShellScript | None:
        """Return the shell script at a container path."""
        found = self.project_path(path)
        if found is not None and found in self.scripts.by_path:
            return self.scripts.by_path[found]
        if found is None and path.endswith(".sh"):
            only = self._only(path.rpartition("/")[2])
            return self.scripts.by_path.get(only[0]) if only else None
        return None

    def supervised(self, config: str) -> list[SupervisorProgram]:
        """Return the programs that supervisord starts: those of `config` (a container path), else of the only such file of the context."""
        found = self.project_path(config) if config else None
        if found is not None and found in self.scripts.programs:
            return self.scripts.programs[found]
        context = self.image.context if self.image is not None else self.root
        below = [path for path in self.scripts.programs if not context or path.startswith(f"{context}/")]
        return self.scripts.programs[below[0]] if len(below) == 1 else []

    def on_path(self, name: str) -> ShellScript | None:
        """Return a script started by its bare name: one that a COPY brought into a directory of the usual PATH."""
        for directory in ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin"):
            found = self.script(f"{directory}/{name}")
            if found is not None:
                return found
        return None

    def module(self, name: str, cwd: str) -> list[str]:
        """Return the files of a module: below the working directory and PYTHONPATH, else the only such file of the context."""
        if not name or not name.replace(".", "a").replace("_", "a").isalnum():
            return []
        relative = name.replace(".", "/")
        roots = [cwd, *(absolute(cwd, part) for part in (self.plain("PYTHONPATH") or "").split(":") if part and "$" not in part)]
        for root in roots:
            for ending in (".py", "/__init__.py"):
                found = self.project_path(f"{root.rstrip('/')}/{relative}{ending}")
                if found is not None and found in self.tree.files:
                    return [found]
        return self._only(f"{relative}.py") or self._only(f"{relative}/__init__.py")

    def _only(self, ending: str) -> list[str]:
        """The only file of the build context whose path ends like this (an installed package, a COPY that is not understood)."""
        if ending not in self._outside:
            context = self.image.context if self.image is not None else self.root
            prefix = f"{context}/" if context else ""
            named = self.tree.by_name.get(ending.rpartition("/")[2], ())
            found = [path for path in named if path.startswith(prefix) and f"/{path}".endswith(f"/{ending}")]
            self._outside[ending] = found if len(found) == 1 else []
        return self._outside[ending]
