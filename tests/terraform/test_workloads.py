"""Variables of apps and pods that Terraform declares."""

from __future__ import annotations

from opslint.base.masking import Masked, mask
from opslint.base.value import Known, Secret

from .support import model_of


def scope(files: dict[str, str]) -> tuple[dict[str, object], list[str]]:
    """Return name → text digest, ``secret`` or ``unknown`` of the only container, and why its scope is open."""
    model = model_of(files)
    (workload,) = model.workloads
    (container,) = workload.containers
    entries: dict[str, object] = {}
    for entry in container.entries:
        value = entry.value
        if isinstance(value, Known) and isinstance(value.value, Masked):
            entries[entry.name] = value.value.digest
        else:
            entries[entry.name] = "secret" if isinstance(value, Secret) else "unknown"
    return entries, [reason for reason, _loc in container.open_reasons]


def digest(text: str) -> str:
    return mask(text).digest


def test_app_service() -> None:
    main = """
variable "stage" { default = "prod" }
variable "more" { default = {} }
resource "azurerm_linux_web_app" "api" {
  name = "acme-${var.stage}"
  app_settings = merge({
    STAGE    = var.stage
    DB_HOST  = "db.${var.stage}.example.com"
    PASSWORD = "@Microsoft.KeyVault(SecretUri=https://kv/secrets/x)"
    SITE     = azurerm_cdn.x.host
  }, var.more)
  connection_string {
    name  = "Main"
    type  = "PostgreSQL"
    value = "x"
  }
}
provider "azurerm" {}
"""
    entries, reasons = scope({"main.tf": main})
    assert entries == {
        "STAGE": digest("prod"),
        "DB_HOST": digest("db.prod.example.com"),
        "PASSWORD": "secret",
        "SITE": "unknown",
        "POSTGRESQLCONNSTR_Main": "secret",
    }
    assert not reasons


def test_settings_that_are_merged_with_something_unknown_are_open() -> None:
    main = """
provider "azurerm" {}
resource "azurerm_linux_function_app" "f" {
  app_settings = merge({ A = "x", B = "y" }, data.x.y.settings, { B = "z" })
}
"""
    entries, reasons = scope({"main.tf": main})
    assert entries == {"A": "unknown", "B": digest("z")}
    assert reasons


def test_container_apps() -> None:
    main = """
provider "azurerm" {}
resource "azurerm_container_app" "api" {
  name = "api"
  ingress {
    target_port = 8000
  }
  template {
    container {
      name  = "api"
      image = "acme.azurecr.io/api:1"
      env {
        name  = "MODE"
        value = "web"
      }
      env {
        name        = "TOKEN"
        secret_name = "token"
      }
    }
  }
}
"""
    assert scope({"main.tf": main}) == ({"MODE": digest("web"), "TOKEN": "secret"}, [])


def test_kubernetes_in_terraform() -> None:
    main = """
provider "kubernetes" {}
locals {
  settings = { LEVEL = "info", ZONE = "a" }
}
resource "kubernetes_config_map" "app" {
  metadata {
    name = "app"
  }
  data = { FROM_MAP = "x" }
}
resource "kubernetes_deployment_v1" "app" {
  metadata {
    name      = "app"
    namespace = "shop"
  }
  spec {
    template {
      spec {
        container {
          name  = "app"
          image = "app:1"
          env_from {
            config_map_ref {
              name = kubernetes_config_map.app.metadata[0].name
            }
          }
          dynamic "env" {
            for_each = local.settings
            content {
              name  = env.key
              value = env.value
            }
          }
          env {
            name = "TOKEN"
            value_from {
              secret_key_ref {
                name = "app"
                key  = "token"
              }
            }
          }
          readiness_probe {
            http_get {
              path = "/ready"
              port = 8000
            }
          }
        }
      }
    }
  }
}
"""
    expected = {"FROM_MAP": digest("x"), "LEVEL": digest("info"), "ZONE": digest("a"), "TOKEN": "secret"}
    assert scope({"main.tf": main}) == (expected, [])
    (workload,) = model_of({"main.tf": main}).workloads
    (probe,) = workload.containers[0].probes
    assert (workload.kind, workload.namespace, probe.role, probe.path) == (
        "Deployment",
        Known(value="shop"),
        "readiness",
        Known(value="/ready"),
    )


def test_variables_of_a_task_in_a_module() -> None:
    module = """
variable "environment" { type = map(string) }
variable "extra" {
  type = list(object({ name = string, value = optional(string, "none") }))
}
resource "aws_ecs_task_definition" "task" {
  family = "task"
  container_definitions = jsonencode([{
    name        = "app"
    image       = "app:1"
    environment = concat([for key, value in var.environment : { name = key, value = value }], var.extra)
  }])
}
"""
    main = """
provider "aws" {}
module "app" {
  source      = "./task"
  environment = { PORT = 8000, HOSTS = join(",", ["a", "b"]), FLAGS = jsonencode({ on = true }) }
  extra       = [{ name = "EXTRA" }]
}
"""
    entries, reasons = scope({"main.tf": main, "task/main.tf": module})
    assert entries == {
        "PORT": digest("8000"),
        "HOSTS": digest("a,b"),
        "FLAGS": digest('{"on":true}'),
        "EXTRA": digest("none"),
    }
    assert not reasons


def test_charts_that_terraform_installs() -> None:
    chart = {
        "helm/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
        "helm/app/values.yaml": "level: debug\nreplicas: 1\n",
        "helm/app/values-prod.yaml": "level: info\n",
        "helm/app/templates/app.yaml": """apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: app
          image: app:1
          env:
            - name: LEVEL
              value: {{ .Values.level | quote }}
            - name: HOST
              value: {{ .Values.host | quote }}
""",
    }
    release = """
resource "helm_release" "app" {
  name   = "app"
  chart  = "${path.module}/../../helm/app"
  values = [%s]
  set {
    name  = "host"
    value = "%s.example.com"
  }
}
provider "helm" {}
"""
    files = {
        **chart,
        "deploy/prod/main.tf": release % ('file("${path.module}/../../helm/app/values-prod.yaml")', "prod"),
        "deploy/staging/main.tf": release % ('yamlencode({ level = "warning", replicas = 2 })', "staging"),
    }
    found = {}
    for workload in model_of(files).workloads:
        (container,) = workload.containers
        found["+".join(workload.environments)] = {
            entry.name: entry.value.value.digest for entry in container.entries if isinstance(entry.value, Known)
        }
    assert found == {
        "production": {"LEVEL": digest("info"), "HOST": digest("prod.example.com")},
        "staging": {"LEVEL": digest("warning"), "HOST": digest("staging.example.com")},
    }
