"""App Service, Azure Functions and Container Apps as workloads.

Defaults are those of Container Apps: a probe every 10 s, timeout 1 s, 3 failures (provider documentation of `azurerm_container_app`).
"""

from __future__ import annotations

from opslint.base.tree import Mapping
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Secret, Unknown, known, unknown
from opslint.model.ecs import words
from opslint.model.function_code import masked_value
from opslint.model.records import Container, EnvEntry, Probe, Workload
from opslint.model.terraform_values import OpenMap, as_number, as_text, is_null, settled

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.terraform_nodes import Block, Body, Resource

APPS = {
    "azurerm_app_service": "service",
    "azurerm_function_app": "function",
    "azurerm_linux_function_app": "function",
    "azurerm_linux_function_app_slot": "function",
    "azurerm_linux_web_app": "service",
    "azurerm_linux_web_app_slot": "service",
    "azurerm_windows_function_app": "function",
    "azurerm_windows_web_app": "service",
}
"""Types whose variables are ``app_settings``, and the workload's kind."""

CONTAINER_APPS = {"azurerm_container_app": "service", "azurerm_container_app_job": "job"}

TYPES = (*APPS, *CONTAINER_APPS)

CONNECTION_PREFIXES = {
    "SQLAzure": "SQLAZURECONNSTR_",
    "SQLServer": "SQLCONNSTR_",
    "MySQL": "MYSQLCONNSTR_",
    "PostgreSQL": "POSTGRESQLCONNSTR_",
}
"""Prefix of the variable that a connection string becomes, by its type (App Service, "Environment variables and app settings"); else ``CUSTOMCONNSTR_``."""


def workloads(key: str, resources: list[Resource]) -> list[Workload]:
    """Return the apps among `resources`."""
    return [_workload(key, resource) for resource in resources if resource.type in TYPES]


def _workload(key: str, resource: Resource) -> Workload:
    empty = Mapping([], resource.loc[1], resource.path)
    scale: Value = unknown("the platform scales it")
    if resource.type in APPS:
        containers = [_app(resource)]
    else:
        template = next(iter(resource.blocks("template")), None)
        blocks = template.body.blocks("container") if template is not None else []
        inits = template.body.blocks("init_container") if template is not None else []
        containers = [
            *(_container(block, resource, init=True) for block in inits),
            *(_container(block, resource) for block in blocks),
        ]
        limit = template.body.get("max_replicas") if template is not None else ABSENT
        scale = scale if isinstance(limit, Absent) else settled(limit)
    return Workload(
        containers=containers,
        deployment=key,
        environments=resource.environments,
        files=resource.files,
        kind=APPS.get(resource.type) or CONTAINER_APPS[resource.type],
        loc=resource.loc,
        max_replicas=scale,
        name=as_text(resource.get("name")) or resource.name,
        namespace=known(""),
        node=empty,
        platform="azure",
        pod=empty,
        replicas=unknown("the platform scales it"),
    )


def _app(resource: Resource) -> Container:
    entries, reasons = _settings(resource)
    for block in resource.blocks("connection_string"):
        name = as_text(block.body.get("name"))
        if name is None or block.uncertain:
            reasons.append(("the name of a connection string is not known", block.loc))
            continue
        prefix = CONNECTION_PREFIXES.get(as_text(block.body.get("type")) or "", "CUSTOMCONNSTR_")
        entries.append(EnvEntry(loc=block.loc, name=prefix + name, origin="connection_string", value=Secret(ref=name)))
    stack = ("site_config", "application_stack")
    image = resource.get(*stack, "docker_image_name")
    command = as_text(resource.get("site_config", "app_command_line"))
    return Container(
        args=command.split() if command else None,
        build=None,
        command=None,
        entries=entries,
        image=unknown("code that is deployed apart") if image == ABSENT else settled(image),
        image_loc=resource.loc_of(*stack, "docker_image_name"),
        init=False,
        loc=resource.loc,
        name=as_text(resource.get("name")) or resource.name,
        node=None,
        open_reasons=reasons,
        ports={},
        probes=[],
    )


def _settings(resource: Resource) -> tuple[list[EnvEntry], list[tuple[str, Loc]]]:
    value = resource.get("app_settings")
    inner = settled(value)
    found = inner.entries if isinstance(inner, OpenMap) else inner.value if isinstance(inner, Known) else {}
    reasons: list[tuple[str, Loc]] = []
    if isinstance(inner, Unknown):
        reasons.append(("`app_settings` are not wholly known", resource.loc_of("app_settings")))
    entries = [
        EnvEntry(loc=resource.loc_of("app_settings", name), name=name, origin="app_settings", value=_held(item, name))
        for name, item in (found.items() if isinstance(found, dict) else ())
        if not is_null(item)
    ]
    return entries, reasons


def _held(value: Value, name: str) -> Value:
    text = as_text(value)
    # A reference to a vault, which the platform follows.
    return Secret(ref=name) if text is not None and text.startswith("@Microsoft.KeyVault(") else masked_value(value)


def _container(block: Block, resource: Resource, *, init: bool = False) -> Container:
    body = block.body
    entries: list[EnvEntry] = []
    reasons: list[tuple[str, Loc]] = []
    for env in body.blocks("env"):
        name = as_text(env.body.get("name"))
        if env.uncertain or name is None:
            reasons.append(("the name of a variable is not known", env.loc))
            continue
        held = Secret(ref=name) if env.body.has("secret_name") else masked_value(env.body.get("value"))
        entries.append(EnvEntry(loc=env.loc, name=name, origin="env", value=held))
    number = as_number(resource.get("ingress", "target_port"))
    image = body.get("image")
    return Container(
        args=words(body.get("args")),
        build=None,
        command=words(body.get("command")),
        entries=entries,
        image=unknown("no image") if image == ABSENT else settled(image),
        image_loc=body.loc_of("image"),
        init=init,
        loc=block.loc,
        name=as_text(body.get("name")) or resource.name,
        node=None,
        open_reasons=reasons,
        ports={str(int(number)): int(number)} if number is not None else {},
        probes=[probe for role in ("liveness", "readiness", "startup") for probe in _probes(body, role)],
    )


def _probes(body: Body, role: str) -> list[Probe]:
    out = []
    for block in body.blocks(f"{role}_probe"):
        if (as_text(block.body.get("transport")) or "HTTP").upper() not in ("HTTP", "HTTPS"):
            continue
        path = block.body.get("path")
        number = as_number(block.body.get("port"))
        out.append(
            Probe(
                command=None,
                delay=as_number(block.body.get("initial_delay")) or 0,
                failures=int(as_number(block.body.get("failure_count_threshold")) or 3),
                loc=block.loc,
                method="http",
                path=known("/") if isinstance(path, Absent) else settled(path),
                path_loc=block.body.loc_of("path"),
                period=as_number(block.body.get("interval_seconds")) or 10,
                port=known(int(number)) if number is not None else ABSENT,
                role=role,
                shell=False,
                timeout=as_number(block.body.get("timeout")) or 1,
            )
        )
    return out
