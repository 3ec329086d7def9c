"""Where stacks are deployed to, and with which parameters: the pipeline's deploy jobs, else the named environments of ``samconfig.toml``."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import known
from opslint.model.paths import directory_of, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.pipeline_records import Action, Job

_DEPLOYS = (
    ("sam", "deploy"),
    ("serverless", "deploy"),
    ("sls", "deploy"),
    ("aws", "cloudformation", "deploy"),
    ("aws", "cloudformation", "create-stack"),
    ("aws", "cloudformation", "update-stack"),
)
_TEMPLATE_FLAGS = ("--template-file", "--template", "--template-body", "-t")
_DEFAULTS = ("template.yaml", "template.yml", "template.json")
STAGE = "--stage"
"""Under this name stands, among the parameters, the stage of a Serverless Framework service."""

_SERVICES = ("serverless.yml", "serverless.yaml")
"""What ``sam deploy`` and ``serverless deploy`` take when no file is named."""


def stack_environments(model: DeploymentModel, templates: list[str]) -> dict[str, list[str]]:
    """Return the names of the environments that each template (by path) is deployed to, in order of tiers; none where nothing says so."""
    found: dict[str, set[str]] = {}
    for template, names in _of_pipelines(model, templates):
        found.setdefault(template, set()).update(names)
    for template in templates:
        if not found.get(template):
            found[template] = _of_samconfig(model, directory_of(template))
    return {template: _in_order(names) for template, names in found.items() if names}


def _in_order(names: Iterable[str]) -> list[str]:
    from opslint.model.environments import tier_of
    from opslint.model.records import TIERS

    return sorted(names, key=lambda name: (TIERS.index(tier_of(name)), name))


def _of_pipelines(model: DeploymentModel, templates: list[str]) -> Iterator[tuple[str, list[str]]]:
    if model.kinds.isdisjoint(("workflow", "gitlab-ci")):
        return
    for _pipeline, job in model.pipelines.jobs():
        for action in job.deploys:
            template = _template_of(action, templates)
            names = _names(model, job, action)
            if template is not None and names:
                yield template, names


def _names(model: DeploymentModel, job: Job, action: Action) -> list[str]:
    """The environments a job names; else what ``--config-env`` and the like name."""
    return job.environments or action.environments


def _template_of(action: Action, templates: list[str]) -> str | None:
    words = action.words
    if not any(tuple(words[: len(start)]) == start for start in _DEPLOYS):
        return None
    written = next(
        (
            word.partition("=")[2] or following
            for word, following in zip(words, [*words[1:], ""], strict=True)
            if word.partition("=")[0] in _TEMPLATE_FLAGS
        ),
        "",
    ).removeprefix("file://")
    base = action.path
    if base is not None and "$" not in written:
        if words[0] in ("serverless", "sls"):
            flags = ("-c", "--config")
            written = next((after for word, after in zip(words, [*words[1:], ""], strict=True) if word in flags), written)
            named = [written] if written else list(_SERVICES)
        else:
            named = [written] if written and "/.aws-sam/" not in f"/{written}" else list(_DEFAULTS)
        for name in named:
            path = join(base, name)
            if path is not None and path in templates:
                return path
    # A template that `sam package` or `aws cloudformation package` wrote: the only one there is was its source.
    return templates[0] if len(templates) == 1 and words[0] == "sam" else None


def stack_parameters(model: DeploymentModel, templates: list[str]) -> dict[str, dict[str, dict[str, Value]]]:
    """Return what the deploys of each template (by path) give to its parameters: environment → name → value. What a command says counts
    before ``samconfig.toml``; an environment whose deploy gives none is left out.
    """
    found: dict[str, dict[str, dict[str, Value]]] = {}
    for template in templates:
        for name, given in _samconfig_parameters(model, directory_of(template)).items():
            found.setdefault(template, {})[name] = given
    if not model.kinds.isdisjoint(("workflow", "gitlab-ci")):
        for _pipeline, job in model.pipelines.jobs():
            for action in job.deploys:
                path = _template_of(action, templates)
                names = _names(model, job, action)
                given = _overrides(_behind(action.words, "--parameter-overrides"))
                given.update(_stage(action.words))
                if path is not None and len(names) == 1 and given:
                    found.setdefault(path, {})[names[0]] = given
    return found


def _stage(words: list[str]) -> dict[str, Value]:
    """Return the stage that a deploy of the Serverless Framework names."""
    if words[:1] not in (["serverless"], ["sls"]):
        return {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, text = word.partition("=")
        if name in ("--stage", "-s"):
            stage = text if equals else following
            return {STAGE: known(stage)} if stage and "$" not in stage else {}
    return {}


def _behind(words: list[str], flag: str) -> list[str]:
    """Return the words behind a flag, up to the next one."""
    out: list[str] = []
    taking = False
    for word in words:
        if word.startswith("--"):
            taking = word.partition("=")[0] == flag
            if taking and "=" in word:
                out.append(word.partition("=")[2])
        elif taking:
            out.append(word)
    return out


def _overrides(words: Iterable[str]) -> dict[str, Value]:
    """Read ``Name=value`` and ``ParameterKey=Name,ParameterValue=value``."""
    from opslint.base.secret_names import is_secret_name
    from opslint.base.value import Secret
    from opslint.model.terraform_sessions import text_value

    out: dict[str, Value] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name == "ParameterKey":
            name, comma, rest = text.partition(",")
            equals, text = comma, rest.partition("=")[2]
        if equals and name:
            out[name] = Secret(ref=name) if is_secret_name(name) else text_value(text.strip("\"'"), f"parameter {name}")
    return out


def _samconfig(model: DeploymentModel, directory: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a ``samconfig.toml`` by the name of their environment."""
    path = f"{directory}/samconfig.toml" if directory else "samconfig.toml"
    data = model.read(path) if path in model.files else None
    if data is None:
        return {}
    import tomllib

    try:
        tables = tomllib.loads(data.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError as error:
        model.blind("format-not-read", (path, (1, 1, 1, 1)), f"{path} is not valid TOML: {error}")
        return {}
    return {name: table for name, table in tables.items() if isinstance(table, dict)}


def _of_samconfig(model: DeploymentModel, directory: str) -> set[str]:
    found = (model.environments.of_value(name) for name, table in _samconfig(model, directory).items() if "deploy" in table)
    return {item.name for item in found if item is not None}


def _samconfig_parameters(model: DeploymentModel, directory: str) -> dict[str, dict[str, Value]]:
    """Return the ``parameter_overrides`` of each named environment, the command's own over those of all commands."""
    out: dict[str, dict[str, Value]] = {}
    for name, table in _samconfig(model, directory).items():
        named = model.environments.of_value(name)
        given: dict[str, Value] = {}
        for command in ("global", "deploy"):
            section = table.get(command)
            parameters = section.get("parameters") if isinstance(section, dict) else None
            written = parameters.get("parameter_overrides") if isinstance(parameters, dict) else None
            given.update(_overrides(_words(written)))
        if named is not None and given:
            out[named.name] = given
    return out


def _words(written: object) -> list[str]:
    """Split what stands in the file: one text as a shell would, or a list of texts."""
    if isinstance(written, list):
        return [item for item in written if isinstance(item, str)]
    if not isinstance(written, str):
        return []
    import shlex

    try:
        return shlex.split(written)
    except ValueError:
        return []
