"""GitLab CI in the shape of `opslint.model.pipeline_records`: includes inside the repository, `extends`, `default`, `!reference`, stages."""

from __future__ import annotations

from opslint.base.tree import Mapping, Scalar, Sequence, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.gitlab import GitlabPipeline, script_lines
from opslint.facts.workflow_views import Concurrency, names
from opslint.model.pipeline_actions import Where, only_talks, other_engine
from opslint.model.pipeline_records import DEPLOYING, Job, Mask, Pipeline, Step, Trigger
from opslint.model.runner_commands import stays_here

if TYPE_CHECKING:
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel
    from opslint.model.pipeline_actions import Actions

_RESERVED = frozenset(
    "stages variables default include workflow image services before_script after_script cache pages spec stages types".split()
) - {"pages"}
_DEFAULT_STAGES = [".pre", "build", "test", "deploy", ".post"]
_MAX_EXTENDS = 10


class GitlabPipelines:
    """The GitLab pipelines of a project: `all` holds one a root ``.gitlab-ci.yml``."""

    def __init__(self, model: DeploymentModel, actions: Actions) -> None:
        self.model = model
        self.actions = actions
        self.facts = {fact.path: fact for fact in model.facts(GitlabPipeline)}
        self.scripts = {(fact.path, place): commands for fact in self.facts.values() for place, commands in fact.scripts}
        self.all = [self._pipeline(path) for path in sorted(self.facts) if path in (".gitlab-ci.yml", ".gitlab-ci.yaml")]

    def _pipeline(self, path: str) -> Pipeline:
        files: list[str] = []
        pairs: dict[str, tuple[Scalar, Node]] = {}
        elsewhere = self._collect(path, files, pairs)
        root = self._tree(path)
        stages = [item.text for item in _sequence(pairs.get("stages")) if isinstance(item, Scalar)] or list(_DEFAULT_STAGES)
        jobs = []
        refused = ""
        for name, (key, node) in pairs.items():
            if name.startswith(".") or name in _RESERVED or not isinstance(node, Mapping):
                continue
            if "include" in node:
                # A key that no job may have: GitLab refuses the file as a whole (CI/CD YAML reference, "include" is global only).
                refused = f"GitLab refuses the file: the job {name} holds `include`"
                self.model.blind("pipeline-refused", key.loc, refused, "move it to the top of the file")
            whole = self._extended(node, pairs)
            if "script" in whole or "trigger" in whole or "extends" in whole or "run" in whole:
                jobs.append(self._job(key, whole, pairs, elsewhere))
        _order(jobs, stages)
        for job in jobs if refused else ():
            job.starts, job.blocked = [], refused
        trigger = Trigger(branches=[], event="push", loc=root.loc, paths=[], tags=[], types=[], workflows=[])
        return Pipeline(
            callers=[],
            files=files,
            jobs=jobs,
            loc=root.loc,
            name="GitLab CI",
            path=path,
            provider="gitlab",
            reusable=False,
            stages=stages,
            triggers=[trigger],
        )

    def _tree(self, path: str) -> Mapping:
        node = decode(self.facts[path].tree, path)
        assert isinstance(node, Mapping)
        return node

    def _collect(self, path: str, files: list[str], pairs: dict[str, tuple[Scalar, Node]], above: tuple[str, ...] = ()) -> str:
        """Lay a file over what it includes; return what could not be read of it. `above` are the files that led to it."""
        elsewhere = ""
        if path in files or path not in self.facts or len(files) > 100:
            return "" if path in files else f"include {path}"
        files.append(path)
        tree = self._tree(path)
        include = tree.get("include")
        for item in include.items if isinstance(include, Sequence) else [include] if include is not None else []:
            local = item.text if isinstance(item, Scalar) else item.text("local") if isinstance(item, Mapping) else None
            if local is None or local.startswith("http") or "*" in local:
                elsewhere = elsewhere or "an include of another project"
                continue
            inner = local.lstrip("/")
            if inner in (*above, path):
                self.model.blind(
                    "include-cycle", item.loc if item is not None else tree.loc, f"{inner} is included by what it includes"
                )
                elsewhere = elsewhere or f"a cycle of includes through {inner}"
            elsewhere = self._collect(inner, files, pairs, (*above, path)) or elsewhere
        for key, value in tree.pairs:
            if key.text != "include":
                before = pairs.get(key.text)
                pairs[key.text] = (key, _laid_over(before[1], value) if before is not None else value)
        return elsewhere

    def _extended(self, node: Mapping, pairs: dict[str, tuple[Scalar, Node]], below: tuple[str, ...] = ()) -> Mapping:
        """Merge a job over what it extends, as GitLab does: mappings deeply, lists and texts whole. `below` are the jobs that led here."""
        merged: Mapping | None = None
        for name in names(node.get("extends")) if len(below) < _MAX_EXTENDS else []:
            base = pairs.get(name)
            if name in below:
                self.model.blind("include-cycle", node.loc, f"job {name} extends itself in a circle, which GitLab refuses")
            elif base is not None and isinstance(base[1], Mapping):
                above = self._extended(base[1], pairs, (*below, name))
                merged = above if merged is None else _merged(merged, above)
        return node if merged is None else _merged(merged, node)

    def _job(self, key: Scalar, node: Mapping, pairs: dict[str, tuple[Scalar, Node]], elsewhere: str) -> Job:
        default = pairs["default"][1] if "default" in pairs else None
        steps, unknown = self._steps(key, node, default if isinstance(default, Mapping) else None, pairs)
        missing = next((name for name in names(node.get("extends")) if name not in pairs), "")
        rules = node.sequence("rules")
        manual = node.text("when") == "manual" or any(
            isinstance(rule, Mapping) and rule.text("when") == "manual" for rule in rules
        )
        environment = node.text("environment") or node.text("environment", "name") or ""
        stops = node.text("environment", "action") in ("stop", "prepare", "verify", "access")
        masks = []
        allow_key = node.key("allow_failure")
        if node.text("allow_failure") == "true" and allow_key is not None and not manual:
            masks.append(Mask(kind="allow_failure", loc=allow_key.loc, text="allow_failure: true"))
        job = Job(
            blocked="",
            called="",
            called_elsewhere=f"extends {missing}" if missing and elsewhere else "trigger" if "trigger" in node else "",
            condition=_conditions(node),
            environment="" if stops else environment,
            environments=[],
            id=key.text,
            limits=_limits(node),
            loc=key.loc,
            local=_is_local(node, default),
            manual=manual,
            masks=masks,
            name=key.text,
            needs=[],
            node=node,
            path=key.path,
            provider="gitlab",
            runner=names(node.get("tags")),
            stage=node.text("stage") or "test",
            starts=[("push", "")],
            steps=steps,
            timeout=node.text("timeout") or (default.text("timeout") if isinstance(default, Mapping) else None),
            view=None,
        )
        if unknown and steps:
            steps[0].unknown = unknown
        job.environments = self._environments(job)
        return job

    def _environments(self, job: Job) -> list[str]:
        tier = job.node.text("environment", "deployment_tier") or ""
        item = self.model.environments.of_value(tier) if tier else None
        item = item or (self.model.environments.of_value(job.environment.partition("/")[0]) if job.environment else None)
        if item is not None:
            return [item.name]
        found: list[str] = []
        if not job.environment:
            for action in job.actions:
                if action.kind in DEPLOYING or action.kind in ("migrate", "plan", "validate"):
                    found.extend(name for name in action.environments if name not in found)
        return found

    def _steps(
        self, key: Scalar, node: Mapping, default: Mapping | None, pairs: dict[str, tuple[Scalar, Node]]
    ) -> tuple[list[Step], str]:
        """One step a script section; GitLab runs `before_script` and `script` as one shell with ``set -eo pipefail``."""
        found: list[Step] = []
        unknown = ""
        engine = other_engine(node.get("variables"), pairs["variables"][1] if "variables" in pairs else None)
        for section in ("before_script", "script", "after_script"):
            source = node.get(section)
            if source is None and default is not None:
                source = default.get(section)
            if source is None and section in pairs:
                source = pairs[section][1]
            commands: list[tuple[Loc, list[str], dict[str, Any]]] = []
            lines, gap = self._lines(source, pairs)
            unknown = unknown or gap
            loc = node.key(section)
            where = Where(key.path, "", "bash", [], False, engine)
            actions = []
            for line in lines:
                own = self.scripts.get((line.path, line.at), []) if isinstance(line.at, int) else []
                commands.extend(((line.path, at), words, info) for at, words, info in own)
                inner, gap = self.actions.of_commands(own, Where(line.path, where.directory, "bash", [], False, engine))
                actions.extend(inner)
                unknown = unknown or gap
            if lines and section != "after_script":
                at: Loc = loc.loc if loc is not None else key.loc
                found.append(
                    Step(
                        actions=actions,
                        checked_later=False,
                        commands=commands,
                        condition="",
                        id="",
                        loc=at,
                        masks=[],
                        name=key.text if section == "script" else section,
                        only_talks=section == "script" and only_talks(commands),
                        stays=not unknown and stays_here(commands),
                        unknown="",
                        view=None,
                    )
                )
        return found, unknown

    def _lines(self, source: Node | None, pairs: dict[str, tuple[Scalar, Node]]) -> tuple[list[Scalar], str]:
        """Return the script lines, with ``!reference [job, section]`` followed."""
        found: list[Scalar] = []
        unknown = ""
        work = list(script_lines(source))
        steps = 0
        while work and steps < 2000:
            steps += 1
            line = work.pop(0)
            if isinstance(line, Scalar):
                found.append(line)
            elif isinstance(line, Mapping) and "!reference" in line:
                path = names(line.get("!reference"))
                target = pairs.get(path[0]) if path else None
                node = target[1].get(*path[1:]) if target is not None and isinstance(target[1], Mapping) else None
                if node is None:
                    unknown = unknown or "a reference to another file"
                work = [*script_lines(node), *work]
            else:
                unknown = unknown or "a script line that is no text"
        return found, unknown


def _sequence(entry: tuple[Scalar, Node] | None) -> list[Node]:
    return entry[1].items if entry is not None and isinstance(entry[1], Sequence) else []


def _laid_over(base: Node, top: Node) -> Node:
    return _merged(base, top) if isinstance(base, Mapping) and isinstance(top, Mapping) else top


def _merged(base: Mapping, top: Mapping) -> Mapping:
    """Return `top` laid over `base`, mappings deeply (depth is bounded by the reader)."""
    pairs: dict[str, tuple[Scalar, Node]] = {key.text: (key, value) for key, value in base.pairs}
    for key, value in top.pairs:
        before = pairs.get(key.text)
        both = before is not None and isinstance(before[1], Mapping) and isinstance(value, Mapping)
        merged = _merged(before[1], value) if both and before is not None else value  # type: ignore[arg-type]
        pairs[key.text] = (key, merged)
    return Mapping(list(pairs.values()), top.at, top.path)


def _conditions(node: Mapping) -> str:
    """The conditions of `rules:` and the names of `only:` as one text."""
    parts = [rule.text("if") or "" for rule in node.sequence("rules") if isinstance(rule, Mapping)]
    parts.extend(names(node.get("only")))
    parts.extend(names(node.get("only", "refs")) if isinstance(node.get("only"), Mapping) else [])
    return " || ".join(part for part in parts if part)


def _limits(node: Mapping) -> list[Concurrency]:
    """`resource_group` queues; ``interruptible: true`` lets a newer pipeline cancel the job."""
    found: list[Concurrency] = []
    group_key, cancel_key = node.key("resource_group"), node.key("interruptible")
    if group_key is not None:
        found.append(
            Concurrency(
                cancel=None, cancel_loc=group_key.loc, group=node.text("resource_group") or "", level="job", loc=group_key.loc
            )
        )
    if cancel_key is not None and node.text("interruptible") == "true":
        found.append(Concurrency(cancel="true", cancel_loc=cancel_key.loc, group="", level="interruptible", loc=cancel_key.loc))
    return found


def _is_local(node: Mapping, default: Node | None) -> bool:
    images = [node.text("image") or node.text("image", "name") or ""]
    for service in node.sequence("services"):
        images.append(
            service.text if isinstance(service, Scalar) else service.text("name") or "" if isinstance(service, Mapping) else ""
        )
    return any("localstack" in image or "kindest" in image or "k3s" in image for image in images)


def _order(jobs: list[Job], stages: list[str]) -> None:
    """A job waits for its `needs`, else for every job of the stages before its own."""
    ranks = {
        name: index for index, name in enumerate([".pre", *[stage for stage in stages if not stage.startswith(".p")], ".post"])
    }
    for job in jobs:
        needs = job.node.get("needs")
        if needs is not None:
            items = needs.items if isinstance(needs, Sequence) else []
            job.needs = [
                item.text if isinstance(item, Scalar) else (item.text("job") or "") if isinstance(item, Mapping) else ""
                for item in items
            ]
        else:
            rank = ranks.get(job.stage, 0)
            job.needs = [other.id for other in jobs if ranks.get(other.stage, 0) < rank]
