"""What single resources say: where they send failures, what alarms look at, which words their names hold."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Unknown
from opslint.model.terraform_values import Shaped, as_number, as_text, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.value import Value
    from opslint.model.terraform_nodes import Resource

MAX_DIMENSIONS = 200
"""Dimension values of one alarm that are looked at."""

DEAD_LETTER_TOKENS = frozenset("dlq dlqs deadletter dead redrive poison".split())
"""Tokens of a queue's name that say it takes what failed; used only to keep quiet about it."""

ALARM_FIELDS: dict[str, tuple[tuple[str, ...], str]] = {
    "aws_cloudwatch_metric_alarm": (("alarm_actions", "insufficient_data_actions", "ok_actions"), "actions_enabled"),
    "AWS::CloudWatch::Alarm": (("AlarmActions", "InsufficientDataActions", "OKActions"), "ActionsEnabled"),
    "google_monitoring_alert_policy": (("notification_channels",), "enabled"),
    "azurerm_monitor_metric_alert": (("action",), "enabled"),
}


FAILURE_SENDERS = (
    "aws_sqs_queue",
    "aws_sqs_queue_redrive_policy",
    "aws_sns_topic_subscription",
    "aws_lambda_function",
    "aws_lambda_event_source_mapping",
    "aws_lambda_function_event_invoke_config",
    "aws_cloudwatch_event_target",
    "aws_scheduler_schedule",
    "google_pubsub_subscription",
    "AWS::SQS::Queue",
    "AWS::SNS::Subscription",
    "AWS::Lambda::Function",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Serverless::Function",
    "AWS::Events::Rule",
)
"""Types that `failure_targets` reads."""


def failure_targets(resource: Resource) -> Iterator[Value]:
    """Yield the values that name where a resource sends what it failed to handle."""
    kind = resource.type
    if kind in ("aws_sqs_queue", "aws_sqs_queue_redrive_policy", "aws_sns_topic_subscription"):
        yield inside(resource.get("redrive_policy"), "deadLetterTargetArn")
    elif kind in ("AWS::SQS::Queue", "AWS::SNS::Subscription"):
        yield inside(resource.get("RedrivePolicy"), "deadLetterTargetArn")
    elif kind == "aws_lambda_function":
        yield resource.get("dead_letter_config", "target_arn")
    elif kind in ("aws_lambda_event_source_mapping", "aws_lambda_function_event_invoke_config"):
        yield resource.get("destination_config", "on_failure", "destination_arn")
        yield resource.get("destination_config", "on_failure", "destination")
    elif kind in ("aws_cloudwatch_event_target", "aws_scheduler_schedule"):
        yield resource.get("dead_letter_config", "arn")
        yield resource.get("target", "dead_letter_config", "arn")
    elif kind == "google_pubsub_subscription":
        yield resource.get("topic")
    elif kind == "AWS::Lambda::Function":
        yield resource.get("DeadLetterConfig", "TargetArn")
    elif kind == "AWS::Serverless::Function":
        yield resource.get("DeadLetterQueue", "TargetArn")
        yield resource.get("EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination")
    elif kind in ("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"):
        yield resource.get("DestinationConfig", "OnFailure", "Destination")
    elif kind == "AWS::Events::Rule":
        yield resource.get("Targets")


def looked_at(resource: Resource) -> list[Value]:
    """Return the dimension values and metric queries of an alarm."""
    if resource.platform == "cloudformation":
        values = [resource.get("Dimensions"), resource.get("Metrics")]
    else:
        values = [resource.get("dimensions")]
        values.extend(block.body.get("metric", "dimensions") for block in resource.blocks("metric_query"))
    out: list[Value] = []
    stack = [value for value in values if value != ABSENT]
    while stack and len(out) < MAX_DIMENSIONS:
        value = stack.pop()
        inner = settled(value)
        if isinstance(inner, Known) and isinstance(inner.value, dict | list):
            stack.extend(inner.value.values() if isinstance(inner.value, dict) else inner.value)
        else:
            out.append(value)
    return out


def inside(policy: Value, name: str) -> Value:
    """Return one field of a policy, Absent when the policy is known and has none; the policy itself when it is not known."""
    inner = settled(policy)
    if isinstance(inner, Known) and isinstance(inner.value, dict):
        found: Value = inner.value.get(name, ABSENT)
        return found
    return inner


def present(value: Value) -> bool | None:
    """Tell whether something is set: None when it cannot be known."""
    inner = settled(value)
    if isinstance(inner, Absent):
        return False
    if isinstance(inner, Known):
        return bool(inner.value)
    return True if isinstance(inner, Shaped) else None if isinstance(inner, Unknown) else True


def tokens(text: str) -> list[str]:
    """Split a name into lower-case words at anything that is no letter or digit, and at camel humps."""
    words: list[str] = []
    word = ""
    for char in text:
        if not char.isalnum():
            words.append(word)
            word = ""
        elif char.isupper() and word and not word[-1].isupper():
            words.append(word)
            word = char
        else:
            word += char
    return [found.lower() for found in (*words, word) if found]


def value_tokens(value: Value) -> list[str]:
    """Return the words of a known text, or of the literal parts of a text with holes."""
    inner = settled(value)
    if isinstance(inner, Shaped):
        return [token for literal in inner.literals for token in tokens(literal)]
    text = as_text(inner)
    return tokens(text) if text is not None else []


def name_tokens(resource: Resource, *names: str) -> list[str]:
    """Return the words of a resource's label and of the known parts of its name attributes."""
    return [*tokens(resource.name), *(token for name in names for token in value_tokens(resource.get(name)))]


def seconds(value: Value) -> float | None:
    """Return a known number of seconds."""
    return as_number(value)
