"""The only module that rule packs import."""

from __future__ import annotations

from opslint.base.fact import Fact
from opslint.base.finding import Edit, Fix
from opslint.base.location import Loc, Span
from opslint.base.record import Record
from opslint.base.rule import (
    MANIFESTS,
    Blocks,
    Calls,
    Extractor,
    FileRule,
    Instructions,
    Meta,
    Objects,
    Option,
    ProjectRule,
    Reporter,
    WorkflowJobs,
)
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Secret, Unknown, Value, same, text_of

if TYPE_CHECKING:
    from opslint.base.masking import Masked, holds_secret
    from opslint.base.tree import Mapping, Scalar
    from opslint.facts.answers import Answer
    from opslint.facts.clients import ClientCall, ProcessCall
    from opslint.facts.cloudformation import CfnResource
    from opslint.facts.compose import ComposeFile
    from opslint.facts.consumers import Receive
    from opslint.facts.dockerfile import Dockerfile
    from opslint.facts.dotenv import DotenvFile, is_example
    from opslint.facts.dotenv_loads import DotenvLoad
    from opslint.facts.effects import FunctionEffects
    from opslint.facts.env import NO_WORDS, AlwaysTrue, EnvRead
    from opslint.facts.exceptions import SilentExcept
    from opslint.facts.gitlab import GitlabPipeline
    from opslint.facts.handlers import Handler
    from opslint.facts.helm import HelmChart
    from opslint.facts.http import HttpCall, SessionMade, TimedCall
    from opslint.facts.kubernetes import KubernetesObject
    from opslint.facts.kustomize import Kustomization
    from opslint.facts.migrations import AlembicRevision, DjangoMigration, MigrationRun, SqlScript
    from opslint.facts.modules import Function, Import
    from opslint.facts.notices import WindowLoop
    from opslint.facts.requirements import LockedPackage
    from opslint.facts.retries import UnboundedRetry
    from opslint.facts.routes import Route
    from opslint.facts.settings_classes import SettingsClass
    from opslint.facts.telemetry import TelemetryStart
    from opslint.facts.terraform import HclFile, TfBlock, TfVars
    from opslint.facts.webhooks import WebhookCheck
    from opslint.facts.workflows import Workflow
    from opslint.model.broker_slots import BROKER_KINDS, SharedSlot, shared_slots
    from opslint.model.budgets import Budget, WorstCase
    from opslint.model.builds import is_public_image
    from opslint.model.check_commands import judge_check
    from opslint.model.cloud_calls import Ungranted, ungranted
    from opslint.model.compose import Missing, is_absent
    from opslint.model.compose_projects import ProjectCollision, project_collisions
    from opslint.model.dotenv_images import OverridingLoad, ShippedDotenv, overriding_loads, shipped_dotenv
    from opslint.model.drivers import Waiting
    from opslint.model.env_reads import Read
    from opslint.model.env_switches import Switches
    from opslint.model.environment_differences import Difference, differences
    from opslint.model.environment_names import tier_tokens
    from opslint.model.environments import tier_of
    from opslint.model.field_uses import field_is_used
    from opslint.model.function_versions import published_functions
    from opslint.model.handlers import Effect, Touch
    from opslint.model.health_gaps import Gap, compose_gaps
    from opslint.model.identities import Identity
    from opslint.model.identity_overlaps import LOWER, UPPER, Crossing, crossings
    from opslint.model.identity_shapes import Shape, shape_of
    from opslint.model.image_tags import moving_tag
    from opslint.model.k8s_missing_keys import MissingKey, missing_keys
    from opslint.model.k8s_secret_values import secret_values
    from opslint.model.k8s_selectors import PortMismatch, Selection, port_mismatches, selections
    from opslint.model.k8s_targets import Clash, Targets
    from opslint.model.kubernetes import pod_spec
    from opslint.model.kustomize_records import Refused
    from opslint.model.local_addresses import (
        BACKING_PORTS,
        is_local,
        listens_at,
        local_address,
        port_of,
        scheme_of,
        served_beside,
        shares_network,
    )
    from opslint.model.matched_code import IMAGE_ENV, matched_reads
    from opslint.model.mentions import Mention
    from opslint.model.migration_starts import MigrationStart
    from opslint.model.migrations import MigrationGraph, MigrationNode
    from opslint.model.missing_files import named_but_missing
    from opslint.model.model import DeploymentModel
    from opslint.model.name_clashes import NameClash, constant_names, name_clashes
    from opslint.model.near_names import NearName
    from opslint.model.network_paths import Paths, network_paths
    from opslint.model.permissions import Grant
    from opslint.model.physical_names import (
        NAMED,
        WORLD,
        Named,
        apart,
        carries_environment,
        named_resources,
        same_state,
        tiers_of,
        varies,
    )
    from opslint.model.pipeline_crossings import JobCrossing, job_crossings
    from opslint.model.pipeline_runs import PipelineRun, pipeline_runs, writes_dotenv
    from opslint.model.pipelines import Action, Job, Mask, Pipeline, Step
    from opslint.model.probes import dockerfile_probes
    from opslint.model.records import Container, EnvEntry, Probe, Service, Workload
    from opslint.model.remote_states import StateRead, crossed_tier, state_reads
    from opslint.model.renamed_services import StaleHost, stale_hosts
    from opslint.model.repeated_keys import RepeatedKey, repeated_keys
    from opslint.model.repeats import Consumer, Notice
    from opslint.model.resource_records import Alarm, EventSource, Queue, Stateful
    from opslint.model.route_table import RouteInfo, RouteTable
    from opslint.model.runtimes import (
        Runtime,
        Tested,
        allows,
        applied_versions,
        deployed_runtimes,
        required_python,
        tested_versions,
    )
    from opslint.model.script_runs import script_is_run
    from opslint.model.scripted_names import rewrites_image
    from opslint.model.service_probes import Asked, asked
    from opslint.model.stateful import bucket_versioned
    from opslint.model.telemetry_tags import Telemetry, Untagged
    from opslint.model.terraform_nodes import Resource
    from opslint.model.terraform_roots import Root
    from opslint.model.terraform_values import as_number, as_text, settled, spelled
    from opslint.model.variables import Scope
    from opslint.model.webhooks import Webhook

_LAZY = {
    "Action": "opslint.model.pipelines",
    "Alarm": "opslint.model.resource_records",
    "AlembicRevision": "opslint.facts.migrations",
    "AlwaysTrue": "opslint.facts.env",
    "Answer": "opslint.facts.answers",
    "Asked": "opslint.model.service_probes",
    "BACKING_PORTS": "opslint.model.local_addresses",
    "BROKER_KINDS": "opslint.model.broker_slots",
    "Budget": "opslint.model.budgets",
    "CfnResource": "opslint.facts.cloudformation",
    "Clash": "opslint.model.k8s_targets",
    "ClientCall": "opslint.facts.clients",
    "ComposeFile": "opslint.facts.compose",
    "Consumer": "opslint.model.repeats",
    "Container": "opslint.model.records",
    "Crossing": "opslint.model.identity_overlaps",
    "DeploymentModel": "opslint.model.model",
    "Difference": "opslint.model.environment_differences",
    "DjangoMigration": "opslint.facts.migrations",
    "Dockerfile": "opslint.facts.dockerfile",
    "DotenvFile": "opslint.facts.dotenv",
    "DotenvLoad": "opslint.facts.dotenv_loads",
    "Effect": "opslint.model.handlers",
    "EnvEntry": "opslint.model.records",
    "EnvRead": "opslint.facts.env",
    "EventSource": "opslint.model.resource_records",
    "Function": "opslint.facts.modules",
    "FunctionEffects": "opslint.facts.effects",
    "Gap": "opslint.model.health_gaps",
    "GitlabPipeline": "opslint.facts.gitlab",
    "Grant": "opslint.model.permissions",
    "Handler": "opslint.facts.handlers",
    "HclFile": "opslint.facts.terraform",
    "HelmChart": "opslint.facts.helm",
    "HttpCall": "opslint.facts.http",
    "IMAGE_ENV": "opslint.model.matched_code",
    "Identity": "opslint.model.identities",
    "Import": "opslint.facts.modules",
    "Job": "opslint.model.pipelines",
    "JobCrossing": "opslint.model.pipeline_crossings",
    "KubernetesObject": "opslint.facts.kubernetes",
    "Kustomization": "opslint.facts.kustomize",
    "LOWER": "opslint.model.identity_overlaps",
    "LockedPackage": "opslint.facts.requirements",
    "Mapping": "opslint.base.tree",
    "Mask": "opslint.model.pipelines",
    "Masked": "opslint.base.masking",
    "Mention": "opslint.model.mentions",
    "MigrationGraph": "opslint.model.migrations",
    "MigrationNode": "opslint.model.migrations",
    "MigrationRun": "opslint.facts.migrations",
    "MigrationStart": "opslint.model.migration_starts",
    "Missing": "opslint.model.compose",
    "MissingKey": "opslint.model.k8s_missing_keys",
    "NAMED": "opslint.model.physical_names",
    "NO_WORDS": "opslint.facts.env",
    "NameClash": "opslint.model.name_clashes",
    "Named": "opslint.model.physical_names",
    "NearName": "opslint.model.near_names",
    "Notice": "opslint.model.repeats",
    "OverridingLoad": "opslint.model.dotenv_images",
    "Paths": "opslint.model.network_paths",
    "Pipeline": "opslint.model.pipelines",
    "PipelineRun": "opslint.model.pipeline_runs",
    "PortMismatch": "opslint.model.k8s_selectors",
    "Probe": "opslint.model.records",
    "ProcessCall": "opslint.facts.clients",
    "ProjectCollision": "opslint.model.compose_projects",
    "Queue": "opslint.model.resource_records",
    "Read": "opslint.model.env_reads",
    "Receive": "opslint.facts.consumers",
    "Refused": "opslint.model.kustomize_records",
    "RepeatedKey": "opslint.model.repeated_keys",
    "Resource": "opslint.model.terraform_nodes",
    "Root": "opslint.model.terraform_roots",
    "Route": "opslint.facts.routes",
    "RouteInfo": "opslint.model.route_table",
    "RouteTable": "opslint.model.route_table",
    "Runtime": "opslint.model.runtimes",
    "Scalar": "opslint.base.tree",
    "Scope": "opslint.model.variables",
    "Selection": "opslint.model.k8s_selectors",
    "Service": "opslint.model.records",
    "SessionMade": "opslint.facts.http",
    "SettingsClass": "opslint.facts.settings_classes",
    "Shape": "opslint.model.identity_shapes",
    "SharedSlot": "opslint.model.broker_slots",
    "ShippedDotenv": "opslint.model.dotenv_images",
    "SilentExcept": "opslint.facts.exceptions",
    "SqlScript": "opslint.facts.migrations",
    "StaleHost": "opslint.model.renamed_services",
    "StateRead": "opslint.model.remote_states",
    "Stateful": "opslint.model.resource_records",
    "Step": "opslint.model.pipelines",
    "Switches": "opslint.model.env_switches",
    "Targets": "opslint.model.k8s_targets",
    "Telemetry": "opslint.model.telemetry_tags",
    "TelemetryStart": "opslint.facts.telemetry",
    "Tested": "opslint.model.runtimes",
    "TfBlock": "opslint.facts.terraform",
    "TfVars": "opslint.facts.terraform",
    "TimedCall": "opslint.facts.http",
    "Touch": "opslint.model.handlers",
    "UPPER": "opslint.model.identity_overlaps",
    "UnboundedRetry": "opslint.facts.retries",
    "Ungranted": "opslint.model.cloud_calls",
    "Untagged": "opslint.model.telemetry_tags",
    "WORLD": "opslint.model.physical_names",
    "Waiting": "opslint.model.drivers",
    "Webhook": "opslint.model.webhooks",
    "WebhookCheck": "opslint.facts.webhooks",
    "WindowLoop": "opslint.facts.notices",
    "Workflow": "opslint.facts.workflows",
    "Workload": "opslint.model.records",
    "WorstCase": "opslint.model.budgets",
    "allows": "opslint.model.runtimes",
    "apart": "opslint.model.physical_names",
    "applied_versions": "opslint.model.runtimes",
    "as_number": "opslint.model.terraform_values",
    "as_text": "opslint.model.terraform_values",
    "asked": "opslint.model.service_probes",
    "bucket_versioned": "opslint.model.stateful",
    "carries_environment": "opslint.model.physical_names",
    "compose_gaps": "opslint.model.health_gaps",
    "constant_names": "opslint.model.name_clashes",
    "crossed_tier": "opslint.model.remote_states",
    "crossings": "opslint.model.identity_overlaps",
    "deployed_runtimes": "opslint.model.runtimes",
    "differences": "opslint.model.environment_differences",
    "dockerfile_probes": "opslint.model.probes",
    "field_is_used": "opslint.model.field_uses",
    "holds_secret": "opslint.base.masking",
    "is_absent": "opslint.model.compose",
    "is_example": "opslint.facts.dotenv",
    "is_local": "opslint.model.local_addresses",
    "is_public_image": "opslint.model.builds",
    "job_crossings": "opslint.model.pipeline_crossings",
    "judge_check": "opslint.model.check_commands",
    "listens_at": "opslint.model.local_addresses",
    "local_address": "opslint.model.local_addresses",
    "matched_reads": "opslint.model.matched_code",
    "missing_keys": "opslint.model.k8s_missing_keys",
    "moving_tag": "opslint.model.image_tags",
    "name_clashes": "opslint.model.name_clashes",
    "named_but_missing": "opslint.model.missing_files",
    "named_resources": "opslint.model.physical_names",
    "network_paths": "opslint.model.network_paths",
    "overriding_loads": "opslint.model.dotenv_images",
    "pipeline_runs": "opslint.model.pipeline_runs",
    "pod_spec": "opslint.model.kubernetes",
    "port_mismatches": "opslint.model.k8s_selectors",
    "port_of": "opslint.model.local_addresses",
    "project_collisions": "opslint.model.compose_projects",
    "published_functions": "opslint.model.function_versions",
    "repeated_keys": "opslint.model.repeated_keys",
    "required_python": "opslint.model.runtimes",
    "rewrites_image": "opslint.model.scripted_names",
    "same_state": "opslint.model.physical_names",
    "scheme_of": "opslint.model.local_addresses",
    "script_is_run": "opslint.model.script_runs",
    "secret_values": "opslint.model.k8s_secret_values",
    "selections": "opslint.model.k8s_selectors",
    "served_beside": "opslint.model.local_addresses",
    "settled": "opslint.model.terraform_values",
    "shape_of": "opslint.model.identity_shapes",
    "shared_slots": "opslint.model.broker_slots",
    "shares_network": "opslint.model.local_addresses",
    "shipped_dotenv": "opslint.model.dotenv_images",
    "spelled": "opslint.model.terraform_values",
    "stale_hosts": "opslint.model.renamed_services",
    "state_reads": "opslint.model.remote_states",
    "tested_versions": "opslint.model.runtimes",
    "tier_of": "opslint.model.environments",
    "tier_tokens": "opslint.model.environment_names",
    "tiers_of": "opslint.model.physical_names",
    "ungranted": "opslint.model.cloud_calls",
    "varies": "opslint.model.physical_names",
    "writes_dotenv": "opslint.model.pipeline_runs",
}
"""Facts and model nouns, imported when a rule asks for them: a rule should not pay for those of all others."""


def __getattr__(name: str) -> object:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(module), name)


__all__ = [
    "ABSENT",
    "Absent",
    "Action",
    "Alarm",
    "AlembicRevision",
    "AlwaysTrue",
    "Answer",
    "Asked",
    "BACKING_PORTS",
    "BROKER_KINDS",
    "Blocks",
    "Budget",
    "Calls",
    "CfnResource",
    "Clash",
    "ClientCall",
    "ComposeFile",
    "Consumer",
    "Container",
    "Crossing",
    "DeploymentModel",
    "Difference",
    "DjangoMigration",
    "Dockerfile",
    "DotenvFile",
    "DotenvLoad",
    "Edit",
    "Effect",
    "EnvEntry",
    "EnvRead",
    "EventSource",
    "Extractor",
    "Fact",
    "FileRule",
    "Fix",
    "Function",
    "FunctionEffects",
    "Gap",
    "GitlabPipeline",
    "Grant",
    "Handler",
    "HclFile",
    "HelmChart",
    "HttpCall",
    "IMAGE_ENV",
    "Identity",
    "Import",
    "Instructions",
    "Job",
    "JobCrossing",
    "Known",
    "KubernetesObject",
    "Kustomization",
    "LOWER",
    "Loc",
    "LockedPackage",
    "MANIFESTS",
    "Mapping",
    "Mask",
    "Masked",
    "Mention",
    "Meta",
    "MigrationGraph",
    "MigrationNode",
    "MigrationRun",
    "MigrationStart",
    "Missing",
    "MissingKey",
    "NAMED",
    "NO_WORDS",
    "NameClash",
    "Named",
    "NearName",
    "Notice",
    "Objects",
    "Option",
    "OverridingLoad",
    "Paths",
    "Pipeline",
    "PipelineRun",
    "PortMismatch",
    "Probe",
    "ProcessCall",
    "ProjectCollision",
    "ProjectRule",
    "Queue",
    "Read",
    "Receive",
    "Record",
    "Refused",
    "RepeatedKey",
    "Reporter",
    "Resource",
    "Root",
    "Route",
    "RouteInfo",
    "RouteTable",
    "Runtime",
    "Scalar",
    "Scope",
    "Secret",
    "Selection",
    "Service",
    "SessionMade",
    "SettingsClass",
    "Shape",
    "SharedSlot",
    "ShippedDotenv",
    "SilentExcept",
    "Span",
    "SqlScript",
    "StaleHost",
    "StateRead",
    "Stateful",
    "Step",
    "Switches",
    "TYPE_CHECKING",
    "Targets",
    "Telemetry",
    "TelemetryStart",
    "Tested",
    "TfBlock",
    "TfVars",
    "TimedCall",
    "Touch",
    "UPPER",
    "UnboundedRetry",
    "Ungranted",
    "Unknown",
    "Untagged",
    "Value",
    "WORLD",
    "Waiting",
    "Webhook",
    "WebhookCheck",
    "WindowLoop",
    "Workflow",
    "WorkflowJobs",
    "Workload",
    "WorstCase",
    "allows",
    "apart",
    "applied_versions",
    "as_number",
    "as_text",
    "asked",
    "bucket_versioned",
    "carries_environment",
    "compose_gaps",
    "constant_names",
    "crossed_tier",
    "crossings",
    "deployed_runtimes",
    "differences",
    "dockerfile_probes",
    "field_is_used",
    "holds_secret",
    "is_absent",
    "is_example",
    "is_local",
    "is_public_image",
    "job_crossings",
    "judge_check",
    "listens_at",
    "local_address",
    "matched_reads",
    "missing_keys",
    "moving_tag",
    "name_clashes",
    "named_but_missing",
    "named_resources",
    "network_paths",
    "overriding_loads",
    "pipeline_runs",
    "pod_spec",
    "port_mismatches",
    "port_of",
    "project_collisions",
    "published_functions",
    "repeated_keys",
    "required_python",
    "rewrites_image",
    "same",
    "same_state",
    "scheme_of",
    "script_is_run",
    "secret_values",
    "selections",
    "served_beside",
    "settled",
    "shape_of",
    "shared_slots",
    "shares_network",
    "shipped_dotenv",
    "spelled",
    "stale_hosts",
    "state_reads",
    "tested_versions",
    "text_of",
    "tier_of",
    "tier_tokens",
    "tiers_of",
    "ungranted",
    "varies",
    "writes_dotenv",
]
