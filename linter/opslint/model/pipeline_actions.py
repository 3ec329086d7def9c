"""Steps → actions: commands by their words, actions by name; scripts, make targets and composite actions of the repository followed."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.shell_scripts import MakeTarget, ScriptSteps
from opslint.facts.workflow_views import StepView
from opslint.facts.workflows import CompositeAction
from opslint.model.command_table import ACTIONS, COMMAND_ACTIONS, EXIT_ZERO, REMOTE_ACTIONS
from opslint.model.pipeline_records import Action, Mask
from opslint.model.shell_commands import base_name, npm_kind, understand

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel
    from opslint.model.shell_commands import Understood

MAX_DEPTH = 3
"""Scripts, make targets and composite actions are followed this deep."""

_TALK = frozenset(("echo", "printf", "sleep", "true", ":", "date", "pwd", "ls", "cat", "env", "cd"))
_PLAIN = frozenset(
    "echo printf [ [[ test local read return exit true : sleep cd export mkdir cat grep sed awk jq cut tr head tail wc ls rm cp mv"
    " chmod date basename dirname shift set declare break continue pip pip3 apt-get".split()
)
"""The most frequent programs of scripts, none of which a pipeline asks about."""

_WAITERS = (
    "lewagon/wait-on-check-action",
    "fountainhead/action-wait-for-check",
    "wait-for-status",
    "ahmadnassri/action-workflow-run-wait",
)
PRODUCTION_BRANCH = "production-branch:"
"""Flag of an action of a static host, with the branch whose builds it publishes; those of others are previews."""

_REMOTE_ONLY = ("docker compose up", "systemctl restart", "supervisorctl restart", "service restart")


_ENGINE_CLIENTS = ("docker", "docker-compose")


def other_engine(*blocks: Node | None) -> bool:
    """Tell whether `DOCKER_HOST`, as the innermost of some `env:` or `variables:` blocks sets it, is another machine's."""
    for block in blocks:
        node = block.get("DOCKER_HOST") if isinstance(block, Mapping) else None
        if isinstance(node, Mapping):
            node = node.get("value")
        if isinstance(node, Scalar):
            scheme = node.masked.scheme if node.masked is not None else node.text.partition("://")[0]
            return scheme == "ssh"
    return False


def _names_engine(words: list[str]) -> bool:
    """``docker -H ssh://…``: the engine of another machine."""
    at = next((at for at, word in enumerate(words) if base_name(word) in _ENGINE_CLIENTS), len(words))
    return words[at + 1 : at + 2] in (["-H"], ["--host"]) and words[at + 2 : at + 3] != [] and words[at + 2].startswith("ssh://")


class Where:
    """The surroundings of a command: file, working directory, shell, and how it was reached.

    `remote`: it runs on another machine; `engine`: Docker's commands reach the engine of one (`DOCKER_HOST`).
    """

    __slots__ = ("directory", "engine", "path", "remote", "shell", "via")

    def __init__(
        self, path: str, directory: str | None, shell: str | None, via: list[tuple[Loc, str]], remote: bool, engine: bool = False
    ) -> None:
        self.engine = engine
        self.path = path
        self.directory = directory
        self.shell = shell
        self.via = via
        self.remote = remote


def join(base: str | None, *parts: str) -> str | None:
    """Join repository directories; None when one of them is not known (an expression, an absolute path)."""
    current = [] if base == "" else base.split("/") if base is not None else None
    for part in parts:
        if current is None or "$" in part or part.startswith(("/", "~")) or "{{" in part:
            return None
        for piece in part.split("/"):
            if piece == "..":
                if not current:
                    return None
                current.pop()
            elif piece not in ("", "."):
                current.append(piece)
    return "/".join(current) if current is not None else None


class Actions:
    """Reads steps of one model; keeps scripts, targets and composite actions by path."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self._known: dict[tuple[str, ...], Understood | None] = {}
        self.scripts = {fact.path: fact for fact in model.facts(ScriptSteps)}
        self.targets: dict[str, dict[str, MakeTarget]] = {}
        for target in model.facts(MakeTarget):
            directory = target.path.rpartition("/")[0]
            self.targets.setdefault(directory, {}).setdefault(target.name, target)
        self.composites = {fact.path.rpartition("/")[0]: fact for fact in model.facts(CompositeAction)}
        self.composite_trees: dict[str, Mapping] = {}

    def of_commands(self, commands: list[list[Any]], where: Where, depth: int = 0) -> tuple[list[Action], str]:
        """Return the actions of a command list and what could not be followed."""
        found: list[Action] = []
        unknown = ""
        for index, (at, words, info) in enumerate(commands):
            if "no_errexit" in info and index == len(commands) - 1:
                info = {**info, "last": True}
            actions, gap = self._command((where.path, at), words, info, where, depth)
            found.extend(actions)
            unknown = unknown or gap
        return found, unknown

    def _command(self, loc: Loc, words: list[str], info: dict[str, Any], where: Where, depth: int) -> tuple[list[Action], str]:
        if words[0] in _PLAIN:
            return [], ""
        if _is_gate(words):
            return [self._action("gate", words[0], loc, where, words=words)], ""
        known = self._understand(words)
        if known is None or (info.get("test") and known.kind not in ("script", "make")):
            return [], ""
        directory = join(where.directory, str(info.get("dir", "")))
        if known.kind == "script":
            return self._script(loc, known, directory, info, where, depth)
        if known.kind == "make":
            return self._make(loc, known, directory, info, where, depth)
        kind = npm_kind(known.detail) if known.kind == "npm" else known.kind
        remote = where.remote or bool(info.get("remote")) or "remote" in known.flags
        engine = where.engine or bool(info.get("engine"))
        remote = remote or (engine and base_name(words[0]) in _ENGINE_CLIENTS) or _names_engine(words)
        if kind is None or (known.tool in _REMOTE_ONLY and not remote):
            return [], ""
        flags = sorted({*known.flags, *(["remote"] if remote else [])})
        path = join(directory, known.target) if known.target else directory
        action = self._action(kind, _tool_text(known), loc, where, words=known.words, info=info, flags=flags, path=path)
        action.environments = self.named(known.hints, path)
        action.masks = _masks(loc, known, info, where)
        found = [action]
        if kind == "build" and "push" in flags:
            found.append(action.replace(kind="push"))
        return found, ""

    def _understand(self, words: list[str]) -> Understood | None:
        key = tuple(words)
        if key not in self._known:
            self._known[key] = understand(words)
        return self._known[key]

    def named(self, hints: list[str], path: str | None) -> list[str]:
        """Return the environments that targeting arguments or the working directory name, by whole value or by path."""
        environments = self.model.environments
        found: list[str] = []
        for hint in hints:
            if "$" in hint:
                continue
            item = environments.of_value(hint)
            if item is None and ("/" in hint or "." in hint):
                plain = join("", hint) or hint
                item = environments.of_path(plain if "." in base_name(plain) else f"{plain}/main")
            if item is not None and item.name not in found:
                found.append(item.name)
        if path:
            item = environments.of_path(f"{path}/main.tf")
            if item is not None and item.name not in found:
                found.append(item.name)
        return found

    def _action(
        self,
        kind: str,
        tool: str,
        loc: Loc,
        where: Where,
        *,
        words: list[str] | None = None,
        info: dict[str, Any] | None = None,
        flags: list[str] | None = None,
        path: str | None = None,
    ) -> Action:
        return Action(
            environments=[],
            flags=flags or [],
            info=info or {},
            kind=kind,
            loc=loc,
            masks=[],
            path=path if path is not None else where.directory,
            shell=where.shell,
            tool=tool,
            via=list(where.via),
            words=words or [],
        )

    def _script(
        self, loc: Loc, known: Understood, directory: str | None, info: dict[str, Any], where: Where, depth: int
    ) -> tuple[list[Action], str]:
        target, base = known.target, directory
        for prefix in ("${{ github.workspace }}/", "$GITHUB_WORKSPACE/", "${GITHUB_WORKSPACE}/", "$CI_PROJECT_DIR/"):
            if target.startswith(prefix):
                target, base = target.removeprefix(prefix), ""
        for prefix in ("${{ github.action_path }}/", "$GITHUB_ACTION_PATH/", "${GITHUB_ACTION_PATH}/"):
            if target.startswith(prefix):
                target, base = target.removeprefix(prefix), where.path.rpartition("/")[0]
        path = join(base, target)
        script = self.scripts.get(path) if path is not None else None
        if script is None:
            return [], "" if path in self.model.files else f"script {known.target}"
        if depth >= MAX_DEPTH:
            return [], f"script {known.target}"
        via = [*where.via, (loc, f"runs {path}")]
        inner = Where(script.path, directory, "script", via, where.remote or bool(info.get("remote")), where.engine)
        actions, unknown = self.of_commands(script.commands, inner, depth + 1)
        # Without `set -e` a script goes on after a failure: only its last command decides.
        return self._through(actions, loc, known, info, where), unknown

    def _make(
        self, loc: Loc, known: Understood, directory: str | None, info: dict[str, Any], where: Where, depth: int
    ) -> tuple[list[Action], str]:
        base = join(directory, known.target)
        targets = self.targets.get(base) if base is not None else None
        if targets is None or depth >= MAX_DEPTH:
            return [], f"make {known.detail}"
        found: list[Action] = []
        unknown = ""
        work = known.detail.split() or [next(iter(targets))]
        seen: set[str] = set()
        while work and len(seen) < 50:
            name = work.pop(0)
            target = targets.get(name)
            if name in seen or target is None:
                unknown = unknown or (f"make {name}" if name not in seen and name in known.detail.split() else "")
                continue
            seen.add(name)
            via = [*where.via, (loc, f"runs the make target {name}")]
            inner = Where(target.path, base, "make", via, where.remote or bool(info.get("remote")), where.engine)
            actions, gap = self.of_commands(target.commands, inner, depth + 1)
            found.extend(actions)
            unknown = unknown or gap
            work = [*target.prerequisites, *work]
        return self._through(found, loc, known, info, where), unknown

    @staticmethod
    def _through(actions: list[Action], loc: Loc, known: Understood, info: dict[str, Any], where: Where) -> list[Action]:
        """What swallows the caller's exit code swallows that of everything inside."""
        outer = _masks(loc, known, info, where)
        for action in actions:
            action.masks.extend(outer)
        return actions

    def of_uses(self, step: StepView, where: Where, depth: int = 0) -> tuple[list[Action], str]:
        """Return the actions of a ``uses:`` step and what could not be followed."""
        uses = step.uses or ""
        if uses.startswith("./"):
            return self._composite(step, where, depth)
        name = uses.partition("@")[0].lower()
        loc = step.key_loc("uses")
        if name in REMOTE_ACTIONS or name in COMMAND_ACTIONS:
            return [], ""
        if any(waiter in name for waiter in _WAITERS):
            return [self._action("gate", name, loc, where)], ""
        kind = ACTIONS.get(name)
        if kind is None and name.startswith("snyk/actions/"):
            kind = "scan"
        if kind is None:
            return [], ""
        inputs = step.inputs
        if inputs is not None and (inputs.text("action") or "") in ("close", "delete", "destroy", "stop", "teardown"):
            return [], ""
        action = self._action(kind, uses.partition("@")[0], loc, where)
        if inputs is not None:
            hints = [
                inputs.text(key) or "" for key in ("environment", "namespace", "cluster", "stage", "path", "manifests", "target")
            ]
            action.environments = self.named([hint for hint in hints if hint and "\n" not in hint], None)
        if inputs is not None:
            action.flags = _host_flags(name, inputs)
        found = [action]
        pushes = inputs.text("push") if inputs is not None else None
        if kind == "build" and pushes is not None and pushes.lower() != "false":
            found.append(action.replace(kind="push"))
        return found, ""

    def _composite(self, step: StepView, where: Where, depth: int) -> tuple[list[Action], str]:
        path = join("", step.uses or "")
        fact = self.composites.get(path) if path is not None else None
        if fact is None or depth >= MAX_DEPTH:
            return [], f"action {step.uses}"
        if fact.using != "composite":
            return [], f"action {step.uses}"
        tree = self.composite_trees.get(fact.path)
        if tree is None:
            node = decode(fact.tree, fact.path)
            assert isinstance(node, Mapping)
            tree = self.composite_trees[fact.path] = node
        scripts = dict(fact.scripts)
        found: list[Action] = []
        unknown = ""
        via = [*where.via, (step.key_loc("uses"), f"uses the action {path}")]
        items = [item for item in tree.sequence("runs", "steps") if isinstance(item, Mapping)]
        for index, item in enumerate(items):
            inner = StepView(item, None, index)
            place = Where(fact.path, join("", inner.working_directory or ""), inner.shell, via, where.remote, where.engine)
            actions, gap = self.of_step(inner, scripts, place, depth + 1)
            found.extend(actions)
            unknown = unknown or gap
        return found, unknown

    def of_step(self, step: StepView, scripts: dict[int, list[Any]], where: Where, depth: int = 0) -> tuple[list[Action], str]:
        """Return the actions of one step of a workflow or composite action, and what could not be followed."""
        found: list[Action] = []
        unknown = ""
        if step.uses:
            found, unknown = self.of_uses(step, where, depth)
        name = (step.uses or "").partition("@")[0].lower()
        for node in _scripts_of(step):
            commands = scripts.get(node.at, []) if isinstance(node.at, int) else []
            remote = where.remote or name in REMOTE_ACTIONS
            inner = Where(where.path, where.directory, where.shell, where.via, remote, where.engine)
            if name in COMMAND_ACTIONS and COMMAND_ACTIONS[name][0]:
                continue
            actions, gap = self.of_commands(commands, inner, depth)
            found.extend(actions)
            unknown = unknown or gap
        if name in COMMAND_ACTIONS and COMMAND_ACTIONS[name][0] and step.inputs is not None:
            program, key = COMMAND_ACTIONS[name]
            words = [program, *(step.inputs.text(key) or "").split()]
            actions, _gap = self._command(step.key_loc("uses"), words, {}, where, depth)
            found.extend(actions)
        masked = step.continue_on_error == "true" and depth > 0
        if masked:
            for action in found:
                action.masks.append(
                    Mask(kind="continue-on-error", loc=step.key_loc("continue-on-error"), text="continue-on-error: true")
                )
        return found, unknown


def _host_flags(name: str, inputs: Mapping) -> list[str]:
    """``preview`` when the inputs of a static host's action say so; else the branch that it takes for production."""
    if name == "azure/static-web-apps-deploy":
        branch = inputs.text("production_branch") or ""
        named = inputs.text("deployment_environment") or ""
        if named and "''" not in named:
            return ["preview"]
        return [PRODUCTION_BRANCH + branch] if branch and "$" not in branch else []
    if name == "firebaseextended/action-hosting-deploy" and "channelId" in inputs:
        channel = inputs.text("channelId") or ""
        return ["preview"] if channel != "live" and "$" not in channel else []
    return []


def _scripts_of(step: StepView) -> list[Scalar]:
    nodes = [step.node.get("run"), *(step.node.get("with", key) for key in ("script", "command", "inlineScript", "commands"))]
    return [node for node in nodes if isinstance(node, Scalar)]


def only_talks(commands: Sequence[Any]) -> bool:
    """Tell whether a script does nothing but print messages."""
    return bool(commands) and all(
        words[0] in _TALK and "piped" not in info and "writes" not in info for _at, words, info in commands
    )


def _is_gate(words: list[str]) -> bool:
    """``gh run watch`` and scripts that ask the API for the runs or checks of a commit."""
    if words[0] == "gh" and words[1:3] in (["run", "watch"], ["run", "list"], ["run", "view"], ["pr", "checks"]):
        return True
    return words[0] in ("gh", "curl") and any(
        "/actions/runs" in word or "/check-runs" in word or "/actions/workflows" in word for word in words
    )


def _tool_text(known: Understood) -> str:
    return f"npm run {known.detail}" if known.kind == "npm" else known.tool


def _masks(loc: Loc, known: Understood, info: dict[str, Any], where: Where) -> list[Mask]:
    """Return what swallows the exit code of one command."""
    path = loc[0]
    found: list[Mask] = []
    if "mask" in info:
        kind = "make" if info["mask"] == "-" else "or"
        found.append(Mask(kind=kind, loc=(path, info["mask_at"]), text=str(info["mask"])))
    if info.get("no_errexit") and not info.get("status_read") and "last" not in info:
        found.append(Mask(kind="no-errexit", loc=loc, text="set +e"))
    if "exit-zero" in known.flags:
        flag = next((word for word in known.words if word in EXIT_ZERO.get(known.tool, ())), "--exit-code 0")
        found.append(Mask(kind="exit-zero", loc=loc, text=flag))
    return found
