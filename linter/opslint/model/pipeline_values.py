"""Variables that a deploying job gives to what it starts: ``docker run -e``, ``gcloud run deploy --set-env-vars``, ``fly secrets set`` …

Only jobs that work for one environment are asked, and only literal values: what an expression or a variable of the shell stands for is
not known, and what was masked when the fact was made stays so.
"""

from __future__ import annotations

from opslint.base.masking import mask_named
from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.model.pipeline_crossings import own_environment
from opslint.model.shell_commands import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.masking import Masked
    from opslint.model.model import DeploymentModel
    from opslint.model.pipeline_records import Step


class Given(Record):
    """One variable that a job of `environment` gives to `service` ("" when the command does not name it)."""

    __slots__ = ("environment", "files", "loc", "name", "service", "value")
    environment: str
    files: list[str]
    loc: Loc
    name: str
    service: str
    value: Masked


_PAIR_FLAGS: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {
    ("docker", "run"): (("-e", "--env"), ""),
    ("podman", "run"): (("-e", "--env"), ""),
    ("docker", "service", "update"): (("--env-add",), ""),
    ("gcloud", "run", "deploy"): (("--set-env-vars", "--update-env-vars"), ","),
    ("gcloud", "run", "services", "update"): (("--set-env-vars", "--update-env-vars"), ","),
    ("gcloud", "functions", "deploy"): (("--set-env-vars", "--update-env-vars"), ","),
}
"""Command → the flags whose values are ``NAME=value``, and what separates several in one (each tool's reference)."""

_WORD_COMMANDS = (
    ("fly", "secrets", "set"),
    ("flyctl", "secrets", "set"),
    ("heroku", "config:set"),
    ("az", "webapp", "config", "appsettings", "set"),
    ("az", "functionapp", "config", "appsettings", "set"),
    ("az", "staticwebapp", "appsettings", "set"),
    ("az", "containerapp", "update"),
    ("railway", "variables"),
)
"""Commands whose own words are ``NAME=value``."""

_INPUTS = {
    "google-github-actions/deploy-cloudrun": ("env_vars", "service"),
    "google-github-actions/deploy-cloud-functions": ("environment_variables", "name"),
    "azure/container-apps-deploy-action": ("environmentVariables", "containerAppName"),
}
"""Action → the inputs that hold ``NAME=value`` lines and the name of the service (each action's README)."""


def given_values(model: DeploymentModel) -> Iterator[Given]:
    """Yield the literal variables that deploying jobs give, in order of pipelines."""
    for pipeline, job in model.pipelines.jobs():
        environment = own_environment(job)
        if not environment or job.local:
            continue
        for step in job.steps:
            for service, name, text, loc in (*_of_commands(step), *_of_inputs(step)):
                yield Given(
                    environment=environment,
                    files=pipeline.files,
                    loc=loc,
                    name=name,
                    service=service,
                    value=mask_named(name, text),
                )


def _of_commands(step: Step) -> Iterator[tuple[str, str, str, Loc]]:
    for loc, words, _info in step.commands:
        plain = [base_name(words[0]), *(word for word in words[1:] if not word.startswith("-"))]
        for key, (flags, separator) in _PAIR_FLAGS.items():
            if tuple(plain[: len(key)]) == key:
                service = _flag(words, "--name") or (plain[len(key)] if key[0] == "gcloud" and len(plain) > len(key) else "")
                for flag, value in zip(words, [*words[1:], ""], strict=True):
                    name, equals, inline = flag.partition("=")
                    text = inline if equals and name in flags else value if flag in flags else ""
                    for pair in text.split(separator) if separator else [text]:
                        yield from _pair(service, pair, loc)
        if any(tuple(plain[: len(key)]) == key for key in _WORD_COMMANDS):
            service = _flag(words, "-a", "--app", "--name", "-n")
            for word in words[2:]:
                yield from _pair(service, word, loc)


def _of_inputs(step: Step) -> Iterator[tuple[str, str, str, Loc]]:
    uses = ((step.view.uses or "") if step.view is not None else "").partition("@")[0].lower()
    key, owner = _INPUTS.get(uses, ("", ""))
    inputs = step.view.inputs if step.view is not None and key else None
    node = inputs.get(key) if isinstance(inputs, Mapping) else None
    if isinstance(node, Scalar) and inputs is not None:
        for line in node.text.replace(",", "\n").split():
            yield from _pair(inputs.text(owner) or "", line, node.loc)


def _pair(service: str, text: str, loc: Loc) -> Iterator[tuple[str, str, str, Loc]]:
    name, equals, value = text.partition("=")
    if equals and value and "$" not in value and "***" not in value and name.replace("_", "a").isalnum() and name == name.upper():
        yield service if "$" not in service else "", name, value, loc


def _flag(words: list[str], *names: str) -> str:
    for flag, value in zip(words, [*words[1:], ""], strict=True):
        name, equals, inline = flag.partition("=")
        if name in names:
            return inline if equals else value
    return ""
