"""The neutral view: the same questions over Terraform and CloudFormation."""

from __future__ import annotations

from opslint.base.masking import Masked
from opslint.base.value import Known, Secret
from opslint.model.terraform_values import as_number, as_text
from opslint.model.terraform_workloads import deployments

from .support import line_of, model_of

TERRAFORM = """
provider "aws" {}
resource "aws_sqs_queue" "work" {
  name                       = "work"
  visibility_timeout_seconds = 60
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 4 })
}
resource "aws_sqs_queue" "dead" {
  name = "failed"
}
data "archive_file" "code" {
  type        = "zip"
  source_dir  = "${path.module}/../worker"
  output_path = "worker.zip"
}
resource "aws_lambda_function" "worker" {
  function_name = "worker"
  handler       = "main.handle"
  timeout       = 20
  filename      = data.archive_file.code.output_path
  environment {
    variables = {
      QUEUE = aws_sqs_queue.work.url
      LEVEL = "info"
    }
  }
}
resource "aws_lambda_event_source_mapping" "work" {
  event_source_arn = aws_sqs_queue.work.arn
  function_name    = aws_lambda_function.worker.arn
  batch_size       = 5
}
"""

SAM = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 20
    Environment:
      Variables:
        LEVEL: info
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt Dead.Arn
        maxReceiveCount: 4
  Dead:
    Type: AWS::SQS::Queue
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker/
      Handler: main.handle
      Events:
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Work.Arn
            BatchSize: 5
"""


def facts_of(files: dict[str, str]) -> dict:
    resources = model_of(files).resources
    (source,) = resources.event_sources
    queues = {queue.resource.name.lower(): queue for queue in resources.queues}
    (function,) = resources.functions
    assert source.queue is queues["work"] and source.function is function
    assert queues["work"].dead_letter is queues["dead"].resource
    return {
        "visibility": as_number(queues["work"].visibility),
        "default visibility": as_number(queues["dead"].visibility),
        "dead letter": [queues[name].has_dead_letter for name in ("work", "dead")],
        "is dead letter": [queues[name].is_dead_letter for name in ("work", "dead")],
        "receives": as_number(queues["work"].max_receive),
        "timeout": as_number(function.timeout),
        "handler": as_text(function.handler),
        "batch": as_number(source.batch_size),
        "code": function.code,
        "level": next(entry.value for entry in function.entries if entry.name == "LEVEL"),
        "open": function.is_open,
    }


def test_both_tell_the_same() -> None:
    terraform = facts_of({"infra/main.tf": TERRAFORM, "worker/main.py": ""})
    sam = facts_of({"template.yaml": SAM, "worker/main.py": ""})
    assert terraform == sam
    assert terraform["code"] == "worker"
    assert terraform["is dead letter"] == [False, True]
    assert isinstance(terraform["level"], Known) and isinstance(terraform["level"].value, Masked)


ECS = """
provider "aws" {}
resource "aws_ecs_task_definition" "api" {
  family = "api"
  container_definitions = jsonencode([
    {
      name  = "api"
      image = "registry.example.com/api:1.2.3"
      portMappings = [{ containerPort = 8000 }]
      environment = [
        { name = "PORT", value = "8000" },
        { name = "DATABASE_URL", value = "postgres://u:p@db.example.com/app" },
      ]
      secrets = [{ name = "SECRET_KEY", valueFrom = "arn:aws:ssm:eu-west-1:111122223333:parameter/key" }]
      healthCheck = {
        command = ["CMD-SHELL", "curl -f http://localhost:8000/live || exit 1"]
        interval = 15
      }
    }
  ])
}
resource "aws_lb_target_group" "api" {
  port     = 8000
  protocol = "HTTP"
  health_check {
    path = "/ready"
  }
}
resource "aws_ecs_service" "api" {
  name            = "api"
  task_definition = aws_ecs_task_definition.api.arn
  desired_count   = 3
  load_balancer {
    target_group_arn = aws_lb_target_group.api.arn
    container_name   = "api"
    container_port   = 8000
  }
}
"""


def test_ecs_service() -> None:
    model = model_of({"infra/main.tf": ECS})
    (deployment,) = deployments(model)
    (workload,) = deployment.workloads
    (container,) = workload.containers
    assert (deployment.key, workload.platform, workload.kind) == ("terraform:infra", "ecs", "service")
    assert as_number(workload.replicas) == 3
    assert as_text(container.image) == "registry.example.com/api:1.2.3"
    assert line_of(model, container.image_loc) == ("infra/main.tf", 8)
    assert container.ports == {"8000": 8000}
    entries = {entry.name: entry.value for entry in container.entries}
    assert entries["DATABASE_URL"].value.host == "db.example.com"
    assert entries["SECRET_KEY"] == Secret(ref="arn:aws:ssm:eu-west-1:111122223333:parameter/key")
    probes = {probe.role: probe for probe in container.probes}
    assert as_text(probes["healthcheck"].path) == "/live" and probes["healthcheck"].period == 15
    assert as_text(probes["target-group"].path) == "/ready"
    assert container.open_reasons == []


def test_container_definitions_from_a_template_file() -> None:
    task = """
provider "aws" {}
resource "aws_ecs_task_definition" "api" {
  container_definitions = templatefile("${path.module}/tasks/api.json", { tag = "1.0" })
}
"""
    template = '[{"name": "api", "image": "example/api:${tag}", "environment": [{"name": "A", "value": "b"}]}]\n'
    model = model_of({"infra/main.tf": task, "infra/tasks/api.json": template})
    (deployment,) = deployments(model)
    (container,) = deployment.workloads[0].containers
    assert as_text(container.image) == "example/api:1.0"
    assert isinstance(container.entries[0].value, Known)


def test_cloud_run() -> None:
    service = """
provider "google" {}
resource "google_cloud_run_v2_service" "api" {
  name = "api"
  template {
    containers {
      image = "example/api:1"
      env {
        name  = "LEVEL"
        value = "info"
      }
      env {
        name = "KEY"
        value_source {
          secret_key_ref {
            secret = "key"
          }
        }
      }
      liveness_probe {
        http_get {
          path = "/live"
        }
      }
    }
  }
}
"""
    (deployment,) = deployments(model_of({"main.tf": service}))
    (container,) = deployment.workloads[0].containers
    assert [entry.name for entry in container.entries] == ["LEVEL", "KEY"]
    assert container.entries[1].value == Secret(ref="KEY")
    assert as_text(container.probes[0].path) == "/live"
    assert container.ports == {"8080": 8080}
