"""Databases, services and load balancers in a repository that declares no alarm at all."""

from __future__ import annotations

from opslint.api import TYPE_CHECKING, CfnResource, Meta, ProjectRule, TfBlock, as_text, tier_of

if TYPE_CHECKING:
    from opslint.api import DeploymentModel, Loc, Reporter, Resource

WATCHED = {
    "aws_db_instance": "database",
    "aws_rds_cluster": "database cluster",
    "aws_elasticache_cluster": "cache",
    "aws_elasticache_replication_group": "cache",
    "aws_ecs_service": "service",
    "aws_lb": "load balancer",
    "aws_lambda_function": "function",
    "AWS::Lambda::Function": "function",
    "AWS::RDS::DBInstance": "database",
    "AWS::ECS::Service": "service",
    "google_sql_database_instance": "database",
    "google_cloud_run_v2_service": "service",
    "google_cloud_run_service": "service",
    "google_container_cluster": "cluster",
    "azurerm_mssql_database": "database",
    "azurerm_postgresql_flexible_server": "database server",
    "azurerm_mysql_flexible_server": "database server",
    "azurerm_kubernetes_cluster": "cluster",
    "azurerm_storage_queue": "queue",
    "azurerm_servicebus_queue": "queue",
}
"""Resources whose failure users notice, with what they are called in a message."""

WATCHERS = (
    "aws_cloudwatch_metric_alarm",
    "aws_cloudwatch_composite_alarm",
    "aws_cloudwatch_metric_stream",
    "AWS::CloudWatch::",
    "google_monitoring_",
    "azurerm_monitor_",
    "azurerm_log_analytics_",
    "azurerm_application_insights",
    "datadog_",
    "newrelic_",
    "grafana_",
    "pagerduty_",
    "honeycombio_",
    "dynatrace_",
    "signalfx_",
    "betteruptime_",
    "statuscake_",
    "checkly_",
)
"""How the types begin that say monitoring is declared here."""


class ResourceWithoutAlarm(ProjectRule):
    """What users depend on is declared here, and no alarm is.

    What it finds
    -------------
    A database, cache, service, function, queue, load balancer or cluster in a repository whose Terraform and CloudFormation
    declare no alarm, alert policy or monitor of any provider. The resources of one root are shown as one finding.

    In production
    -------------
    The disk fills, the connections run out, the function fails on every call: the first one to notice is a customer.

    Bad:
        # file: infra/main.tf
        resource "aws_ecs_service" "api" { # expect: resource-without-alarm
          name            = "api"
          task_definition = "api"
        }

    Good:
        # file: infra/main.tf
        resource "aws_ecs_service" "api" {
          name            = "api"
          task_definition = "api"
        }
        resource "aws_cloudwatch_metric_alarm" "api_cpu" {
          alarm_name          = "api-cpu"
          namespace           = "AWS/ECS"
          metric_name         = "CPUUtilization"
          comparison_operator = "GreaterThanThreshold"
          evaluation_periods  = 3
          threshold           = 90
          alarm_actions       = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
        }

    Exempt
    ------
    Any alarm in the repository, alert rules of Prometheus and monitors of its operator, modules from elsewhere whose source says
    that they monitor, a role by which a service elsewhere reads the metrics (counted), `telemetry = "platform"`, and resources of
    staging, development and test, or that a condition leaves out of production; hooks of CodeDeploy; internal load balancers.

    Fix safety
    ----------
    None: thresholds are decisions.

    Authority
    ---------
    https://sre.google/sre-book/monitoring-distributed-systems/
    """

    meta = Meta(
        "resource-without-alarm",
        category="monitoring",
        severity="note",
        confidence="medium",
        authority="https://sre.google/sre-book/monitoring-distributed-systems/",
        summary="What users depend on is declared here, and no alarm is",
        help='Declare an alarm for it, or set `telemetry = "platform"` when monitoring lives elsewhere.',
    )
    needs = (TfBlock, CfnResource)

    def check(self, model: DeploymentModel, report: Reporter) -> None:
        """Report each watched resource once when nothing in the repository watches anything."""
        if model.settings.telemetry == "platform" or model.resources.monitors(WATCHERS):
            return
        places: dict[Loc, list[Resource]] = {}
        for resource in model.resources.of_types(*WATCHED):
            if model.resources.spares_production(resource):
                continue
            if model.resources.is_hook(resource) or as_text(resource.get("internal")) == "true":
                continue
            if not resource.environments or any(tier_of(name) in ("production", "shared") for name in resource.environments):
                places.setdefault(resource.loc, []).append(resource)
        reader = model.resources.metrics_reader if places else None
        if reader is not None:
            report.silent("a service elsewhere reads the metrics and may alert on them", reader)
            return
        for loc, resources in places.items():
            if model.missing_siblings:
                report.silent(f"the sibling {model.missing_siblings[0]} may hold the alarms", loc)
                continue
            first = resources[0]
            what = WATCHED[first.type]
            uncalled = "; no root here calls this module" if model.resources.is_uncalled(first) else ""
            report(
                at=loc,
                message=f"{what[0].upper()}{what[1:]} `{first.name}`, and no alarm anywhere in this repository's infrastructure code{uncalled}",
                environments=sorted({name for resource in resources for name in resource.environments}),
                key=first.address,
                derived={path for resource in resources for path in resource.files},
                together=f"no alarm in {first.root}",
            )
