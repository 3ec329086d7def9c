"""Calls of a cloud's API by deployed code, and whether the role of what runs it allows them."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.permissions import sam_grant

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.model.handlers import Chain
    from opslint.model.model import DeploymentModel
    from opslint.model.permissions import Grant
    from opslint.model.resource_records import Function as CloudFunction

OPERATIONS: dict[str, tuple[str, ...]] = {
    "batch_get_item": ("dynamodb:batchgetitem",),
    "batch_write_item": ("dynamodb:batchwriteitem",),
    "change_message_visibility": ("sqs:changemessagevisibility",),
    "decrypt": ("kms:decrypt",),
    "delete_item": ("dynamodb:deleteitem",),
    "delete_message": ("sqs:deletemessage",),
    "delete_object": ("s3:deleteobject",),
    "delete_objects": ("s3:deleteobject",),
    "download_file": ("s3:getobject",),
    "download_fileobj": ("s3:getobject",),
    "encrypt": ("kms:encrypt",),
    "generate_data_key": ("kms:generatedatakey",),
    "get_item": ("dynamodb:getitem",),
    "get_object": ("s3:getobject",),
    "get_parameter": ("ssm:getparameter", "ssm:getparameters"),
    "get_parameters_by_path": ("ssm:getparametersbypath",),
    "get_secret_value": ("secretsmanager:getsecretvalue",),
    "invoke_model": ("bedrock:invokemodel",),
    "list_objects_v2": ("s3:listbucket",),
    "put_events": ("events:putevents",),
    "put_item": ("dynamodb:putitem",),
    "put_metric_data": ("cloudwatch:putmetricdata",),
    "put_object": ("s3:putobject",),
    "send_message": ("sqs:sendmessage",),
    "send_message_batch": ("sqs:sendmessage",),
    "send_raw_email": ("ses:sendrawemail", "ses:sendemail"),
    "start_execution": ("states:startexecution",),
    "transact_write_items": ("dynamodb:putitem", "dynamodb:updateitem", "dynamodb:deleteitem", "dynamodb:transactwriteitems"),
    "update_item": ("dynamodb:updateitem",),
    "upload_file": ("s3:putobject",),
    "upload_fileobj": ("s3:putobject",),
}
"""Method of a boto3 client or resource that only one service has → the actions one of which it needs (Service Authorization Reference)."""


class Ungranted(Record):
    """A call that the closed `grant` of the function `cloud` allows under none of its `actions`; `chain` leads to it from the handler."""

    __slots__ = ("actions", "chain", "cloud", "grant", "handler")
    actions: tuple[str, ...]
    chain: Chain
    cloud: CloudFunction
    grant: Grant
    handler: Loc


def ungranted(model: DeploymentModel) -> tuple[list[Ungranted], list[tuple[str, Loc]]]:
    """Return the calls that are refused, and where that could not be told and why."""
    found: list[Ungranted] = []
    silent: list[tuple[str, Loc]] = []
    for function, cloud in model.handlers.lambdas:
        calls = [touch for touch in model.handlers.touches(function) if touch.kind == "aws" and _actions(touch.origin)]
        grant = _grant(model, cloud) if calls else None
        if grant is None:
            continue
        if grant.open:
            silent.append((grant.open, grant.loc))
            continue
        seen: set[tuple[str, ...]] = set()
        for touch in calls:
            actions = _actions(touch.origin)
            if actions not in seen and not any(grant.allows(action) for action in actions):
                seen.add(actions)
                found.append(Ungranted(actions=actions, chain=touch.chain, cloud=cloud, grant=grant, handler=function.loc))
    return found, silent


def _actions(origin: str) -> tuple[str, ...]:
    head, _, method = origin.rpartition(".")
    if not head.startswith("boto3."):
        return ()
    if ".batch_writer()" in head:
        # What the writer collects goes out as one request of its own.
        return ("dynamodb:batchwriteitem",)
    if method in ("query", "scan"):
        return (f"dynamodb:{method}",) if head.endswith(".Table()") else ()
    return OPERATIONS.get(method, ())


def _grant(model: DeploymentModel, cloud: CloudFunction) -> Grant | None:
    resource = cloud.resource
    if resource.platform == "cloudformation":
        return sam_grant(resource) if resource.type == "AWS::Serverless::Function" else None
    role = model.resources.resolve(resource, resource.get("role"))
    return model.permissions.of_role(role) if role is not None and role.type == "aws_iam_role" else None
