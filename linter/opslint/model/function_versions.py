"""Versions that pipelines and scripts make beside Terraform: of functions, and revisions of ECS task definitions."""

from __future__ import annotations

from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.model.all_commands import all_commands

if TYPE_CHECKING:
    from opslint.model.model import DeploymentModel

_PUBLISHING = ("publish-version", "create-alias", "update-alias")
_NAME_FLAGS = ("--function-name",)
_PUBLISHING_ACTIONS = ("aws-actions/aws-lambda-deploy",)
"""Actions that publish a version unless their input `publish` says otherwise."""

_REGISTERING_ACTIONS = (
    "aws-actions/amazon-ecs-deploy-task-definition",
    "aws-actions/amazon-ecs-render-task-definition",
)
_ECS_TOOLS = ("ecs-deploy", "ecspresso", "ecs-cli")


def published_functions(model: DeploymentModel) -> list[str]:
    """Return the names of the functions of which a command publishes versions or moves an alias, "" for a name that is not known."""
    found: list[str] = []
    for words in all_commands(model):
        if words[:2] != ["aws", "lambda"] or len(words) < 3:
            continue
        if words[2] in _PUBLISHING or (words[2] == "update-function-code" and "--publish" in words):
            found.append(_name(words))
    for _pipeline, job in model.pipelines.jobs():
        for step in job.steps:
            view = step.view
            if view is not None and (view.uses or "").partition("@")[0].lower() in _PUBLISHING_ACTIONS:
                inputs = view.inputs or Mapping([], view.node.at, view.node.path)
                if (inputs.text("publish") or "true") == "true":
                    name = inputs.text("function-name") or ""
                    found.append("" if "$" in name else name)
    return found


def registers_task_definitions(model: DeploymentModel) -> bool:
    """Tell whether a pipeline or script registers revisions of ECS task definitions beside Terraform."""
    if any(words[0] in _ECS_TOOLS or words[:3] == ["aws", "ecs", "register-task-definition"] for words in all_commands(model)):
        return True
    uses = (step.view.uses or "" for _pipeline, job in model.pipelines.jobs() for step in job.steps if step.view is not None)
    return any(name.partition("@")[0].lower() in _REGISTERING_ACTIONS for name in uses)


def _name(words: list[str]) -> str:
    for word, after in zip(words, [*words[1:], ""], strict=True):
        flag, _, value = word.partition("=")
        if flag in _NAME_FLAGS:
            name = value or after
            return "" if "$" in name else name
    return ""
