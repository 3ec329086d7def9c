"""Alarms that tell nobody."""

from __future__ import annotations

from opslint.api import ABSENT, TYPE_CHECKING, CfnResource, Known, Meta, ProjectRule, TfBlock, as_text, settled

if TYPE_CHECKING:
    from opslint.api import Alarm, DeploymentModel, Loc, Reporter, Resource

_LOOKERS = ("aws_cloudwatch_dashboard", "AWS::CloudWatch::Dashboard")
"""What refers to an alarm without acting on it."""

_COMPOSITES = {"aws_cloudwatch_composite_alarm": "alarm_rule", "AWS::CloudWatch::CompositeAlarm": "AlarmRule"}
_EVENT_RULES = {"aws_cloudwatch_event_rule": "event_pattern", "AWS::Events::Rule": "EventPattern"}


class AlarmWithoutAction(ProjectRule):
    """An alarm turns red and nobody is told.

    What it finds
    -------------
    A CloudWatch alarm without any action or with `actions_enabled = false`, a Google Cloud alert policy without
    notification channel, an Azure metric alert without action.

    In production
    -------------
    The outage is on a dashboard that nobody has open. The alarm is found in the post-mortem, red since the beginning.

    Bad:
        # file: infra/alarms.tf
        resource "aws_cloudwatch_metric_alarm" "errors" { # expect: alarm-without-action
          alarm_name          = "api-errors"
          namespace           = "AWS/ApplicationELB"
          metric_name         = "HTTPCode_Target_5XX_Count"
          comparison_operator = "GreaterThanThreshold"
          evaluation_periods  = 2
          threshold           = 10
        }

    Good:
        # file: infra/alarms.tf
        resource "aws_sns_topic" "on_call" {
          name = "on-call"
        }
        resource "aws_cloudwatch_metric_alarm" "errors" {
          alarm_name          = "api-errors"
          namespace           = "AWS/ApplicationELB"
          metric_name         = "HTTPCode_Target_5XX_Count"
          comparison_operator = "GreaterThanThreshold"
          evaluation_periods  = 2
          threshold           = 10
          alarm_actions       = [aws_sns_topic.on_call.arn]
        }

    Exempt
    ------
    An alarm that something else acts on: a composite alarm, a deployment group, a rollback setting, an event rule for alarm
    changes. Actions that come from a variable nobody sets: counted only.

    Fix safety
    ----------
    None: who is to be told is not in the repository.

    Authority
    ---------
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
    """

    meta = Meta(
        "alarm-without-action",
        category="monitoring",
        severity="error",
        confidence="high",
        authority="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html",
        summary="An alarm turns red and nobody is told",
        help="Give the alarm an action (`alarm_actions = [aws_sns_topic.….arn]`) or a notification channel that somebody receives.",
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Judge each declared alarm once, over all environments it exists in."""
        listened = _roots_that_listen(model)
        places: dict[Loc, list[Alarm]] = {}
        for alarm in model.resources.alarms:
            if alarm.resource.root not in listened:
                places.setdefault(alarm.resource.loc, []).append(alarm)
        for loc, alarms in places.items():
            off = [alarm for alarm in alarms if settled(alarm.enabled) == Known(value=False) and _is_cloudwatch(alarm.resource)]
            mute = [alarm for alarm in alarms if _is_empty(alarm) and not _acted_on(model, alarm.resource)]
            if off:
                why = "has its actions switched off"
                self._report(off[0].enabled_loc, off, why, report)
            elif mute:
                self._report(loc, mute, "has no action", report)
            elif any(settled(alarm.actions) != ABSENT and not isinstance(settled(alarm.actions), Known) for alarm in alarms):
                report.silent("the actions are not known", loc)

    def _report(self, loc: Loc, alarms: list[Alarm], why: str, report: Reporter) -> None:
        resource = alarms[0].resource
        report(
            at=loc,
            message=f"Alarm `{resource.name}` {why}: it turns red and nobody is told",
            environments=sorted({name for alarm in alarms for name in alarm.resource.environments}),
            key=resource.address,
            derived={path for alarm in alarms for path in alarm.resource.files},
        )


def _is_cloudwatch(resource: Resource) -> bool:
    return resource.type in ("aws_cloudwatch_metric_alarm", "AWS::CloudWatch::Alarm")


def _is_empty(alarm: Alarm) -> bool:
    inner = settled(alarm.actions)
    return inner == ABSENT or (isinstance(inner, Known) and not inner.value)


def _acted_on(model: DeploymentModel, resource: Resource) -> bool:
    if any(user.type not in _LOOKERS for user in model.resources.referenced_by(resource)):
        return True
    name = as_text(resource.get("alarm_name" if resource.platform == "terraform" else "AlarmName"))
    if name is None:
        return False
    rules = (as_text(found.get(_COMPOSITES[found.type])) or "" for found in model.resources.of_types(*_COMPOSITES))
    return any(name in rule for rule in rules)


def _roots_that_listen(model: DeploymentModel) -> set[str]:
    """Return the roots in which an event rule takes alarm state changes."""
    return {
        rule.root
        for rule in model.resources.of_types(*_EVENT_RULES)
        if "CloudWatch Alarm State Change" in repr(rule.get(_EVENT_RULES[rule.type]))
    }
