"""Terraform and CloudFormation resources under neutral names: queues, functions, event sources, alarms, states.

Times in seconds. Defaults are those of the AWS API: SQS visibility 30 s, Lambda timeout 3 s (AWS documentation of
`SetQueueAttributes` and `CreateFunction`).
"""

from __future__ import annotations

from opslint.base.expression import is_literal_text, walk_body
from opslint.base.lazy import cached_property
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Absent, Known, Unknown, known, unknown
from opslint.model.resource_queries import (
    ALARM_FIELDS,
    DEAD_LETTER_TOKENS,
    FAILURE_SENDERS,
    failure_targets,
    inside,
    looked_at,
    present,
    tokens,
    value_tokens,
)
from opslint.model.resource_records import Alarm, EventSource, Function, Queue
from opslint.model.terraform_directories import local_source
from opslint.model.terraform_values import Reference, Shaped, as_text, references_in, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.expression import BodyData
    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.cloudformation import Template
    from opslint.model.model import DeploymentModel
    from opslint.model.resource_records import Stateful
    from opslint.model.terraform_nodes import Resource
    from opslint.model.terraform_roots import Root

VISIBILITY_DEFAULT = 30
FUNCTION_TIMEOUT_DEFAULT = 3

QUEUE_TYPES = ("aws_sqs_queue", "AWS::SQS::Queue", "google_pubsub_subscription")
FUNCTION_TYPES = ("aws_lambda_function", "AWS::Lambda::Function", "AWS::Serverless::Function")
ALARM_TYPES = (
    "aws_cloudwatch_metric_alarm",
    "AWS::CloudWatch::Alarm",
    "google_monitoring_alert_policy",
    "azurerm_monitor_metric_alert",
)


class StateBackend(Record):
    """Where one root keeps its state: `state` identifies it when all of it is known, `root` is the root."""

    __slots__ = ("environments", "kind", "loc", "root", "state")
    environments: list[str]
    kind: str
    loc: Loc
    root: Root
    state: tuple[str, ...] | None


_WATCHING_OBJECTS = ("PodMonitor", "PrometheusRule", "ServiceMonitor", "VMRule", "VMServiceScrape")
"""Objects of the Prometheus and VictoriaMetrics operators."""

_NO_CONSUMERS = frozenset(
    (
        "aws_cloudwatch_event_target",
        "aws_cloudwatch_metric_alarm",
        "aws_s3_bucket_notification",
        "aws_sns_topic_subscription",
        "aws_sqs_queue",
        "aws_sqs_queue_policy",
        "aws_sqs_queue_redrive_allow_policy",
        "aws_sqs_queue_redrive_policy",
        "AWS::CloudWatch::Alarm",
        "AWS::Events::Rule",
        "AWS::SNS::Subscription",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
    )
)
"""What names a queue and takes no message out of it."""

_METRIC_ACTIONS = frozenset(
    ("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:Get*", "cloudwatch:*", "cloudwatch:Describe*")
)
"""What a reader of metrics must be allowed to do."""

_HOOK_ACTION = "codedeploy:PutLifecycleEventHookExecutionStatus"
"""What a function must be allowed to do that CodeDeploy calls in the middle of a deployment (CodeDeploy user guide, hooks)."""


class Resources:
    """The neutral view over `model.terraform` and CloudFormation templates."""

    def __init__(self, model: DeploymentModel) -> None:
        self._model = model

    @cached_property
    def templates(self) -> list[Template]:
        """CloudFormation and SAM templates."""
        if self._model.kinds.isdisjoint(("cloudformation", "serverless")):
            return []
        from opslint.model.cloudformation import templates

        return templates(self._model)

    @cached_property
    def _declared(self) -> dict[str, list[Resource]]:
        """The resources of templates by type."""
        found: dict[str, list[Resource]] = {}
        for template in self.templates:
            for resource in template.resources:
                found.setdefault(resource.type, []).append(resource)
        return found

    def of_types(self, *types: str) -> list[Resource]:
        """Return the resources of some types (Terraform or CloudFormation names)."""
        declared = [resource for kind in types for resource in self._declared.get(kind, [])]
        return [*self._model.terraform.resources(*types), *declared]

    @cached_property
    def _named(self) -> dict[tuple[str, str], Resource]:
        return {(template.key, resource.name): resource for template in self.templates for resource in template.resources}

    def resolve(self, resource: Resource, value: Value) -> Resource | None:
        """Return the resource of the same root or template that `value` refers to."""
        if resource.platform == "terraform":
            return self._model.terraform.resolve(resource, value)
        for found in references_in(value):
            target = self._named.get((resource.root, found.target))
            if target is not None:
                return target
        return None

    def referenced_by(self, resource: Resource) -> list[Resource]:
        """Return the resources of the same root or template that refer to `resource`."""
        if resource.platform == "terraform":
            return self._model.terraform.referenced_by(resource)
        return self._users.get((resource.root, resource.name), [])

    def is_hook(self, resource: Resource) -> bool:
        """Tell whether a function is a hook of CodeDeploy: its role may answer one. A failing hook stops the deployment, nobody else."""
        if resource.platform != "terraform" or resource.type != "aws_lambda_function":
            return False
        roles = [found for found in self._model.terraform.references(resource) if found.type == "aws_iam_role"]
        policies = [user for role in roles for user in self.referenced_by(role) if user.type == "aws_iam_role_policy"]
        return any(_HOOK_ACTION in _strings(policy.get("policy")) for policy in policies)

    def spares_production(self, resource: Resource) -> bool:
        """Tell whether a resource of a template has a condition that is false in production."""
        template = self._template_of.get(resource.root) if resource.platform == "cloudformation" else None
        return template is not None and template.spares_production(resource)

    @cached_property
    def _template_of(self) -> dict[str, Template]:
        return {template.key: template for template in self.templates}

    @cached_property
    def _users(self) -> dict[tuple[str, str], list[Resource]]:
        uses: dict[tuple[str, str], list[Resource]] = {}
        for template in self.templates:
            for resource in template.resources:
                for name in resource.body.names():
                    for found in references_in(resource.get(name)):
                        users = uses.setdefault((template.key, found.target), [])
                        if found.target != resource.name and resource not in users:
                            users.append(resource)
        return uses

    # Queues

    @cached_property
    def queues(self) -> list[Queue]:
        """Queues and pull or push subscriptions that hold messages until a consumer is done with them."""
        return [self._queue(resource) for resource in self.of_types(*QUEUE_TYPES)]

    @cached_property
    def _queue_of(self) -> dict[int, Queue]:
        return {id(queue.resource): queue for queue in self.queues}

    def _queue(self, resource: Resource) -> Queue:
        if resource.type == "google_pubsub_subscription":
            return self._subscription(resource)
        cfn = resource.platform == "cloudformation"
        policy_name = "RedrivePolicy" if cfn else "redrive_policy"
        policy = resource.get(policy_name)
        if policy == ABSENT and not cfn:
            policy = self._separate_policy(resource)
        visibility_name = "VisibilityTimeout" if cfn else "visibility_timeout_seconds"
        visibility = resource.get(visibility_name)
        fifo = resource.get("FifoQueue" if cfn else "fifo_queue")
        return Queue(
            dead_letter=self.resolve(resource, inside(policy, "deadLetterTargetArn")),
            fifo=settled(fifo) == known(True),
            has_dead_letter=present(policy),
            is_dead_letter=self._is_dead_letter(resource),
            max_receive=inside(policy, "maxReceiveCount"),
            name=resource.get("QueueName" if cfn else "name"),
            resource=resource,
            service="sqs",
            visibility=known(VISIBILITY_DEFAULT) if visibility == ABSENT else visibility,
            visibility_loc=resource.loc_of(visibility_name),
        )

    def is_consumed(self, queue: Queue) -> bool:
        """Tell whether anything here may take the queue's messages: a function, something that is told of it and does not only
        send or watch, code that receives from queues.
        """
        if queue.service != "sqs" or any(source.queue is queue for source in self.event_sources):
            return True
        if any(user.type not in _NO_CONSUMERS for user in self.referenced_by(queue.resource)) or self._is_passed_on(
            queue.resource
        ):
            return True
        from opslint.facts.consumers import Receive

        return any(fact.broker == "SQS" for fact in self._model.facts(Receive))

    def _is_passed_on(self, resource: Resource) -> bool:
        """Tell whether an output, a call of a module, a policy document or a local of its module names the resource."""
        directory = self._model.terraform.directories.get(resource.module_path)
        for kind in ("data", "locals", "module", "output") if directory is not None else ():
            for block in directory.of(kind) if directory is not None else ():
                for part in walk_body(block.body):
                    if part[0] == "ref" and part[1] == resource.type and part[2][:1] == [resource.name]:
                        return True
        return False

    def _subscription(self, resource: Resource) -> Queue:
        policy = resource.get("dead_letter_policy")
        return Queue(
            dead_letter=None,
            fifo=False,
            has_dead_letter=True if resource.blocks("dead_letter_policy") else present(policy),
            is_dead_letter=self._is_dead_letter(resource),
            max_receive=resource.get("dead_letter_policy", "max_delivery_attempts"),
            name=resource.get("name"),
            resource=resource,
            service="pubsub",
            visibility=resource.get("ack_deadline_seconds"),
            visibility_loc=resource.loc_of("ack_deadline_seconds"),
        )

    def _separate_policy(self, resource: Resource) -> Value:
        root = self._model.terraform.root_of(resource)
        for user in self._model.terraform.resources_in(root, "aws_sqs_queue_redrive_policy"):
            if self.resolve(user, user.get("queue_url")) is resource:
                return user.get("redrive_policy")
        return ABSENT

    @cached_property
    def _dead_letter_targets(self) -> set[int]:
        """The queues that something else sends its failures to."""
        found: set[int] = set()
        for resource in self.of_types(*FAILURE_SENDERS):
            for value in failure_targets(resource):
                target = self.resolve(resource, value)
                if target is not None:
                    found.add(id(target))
        return found

    def _is_dead_letter(self, resource: Resource) -> bool:
        if id(resource) in self._dead_letter_targets:
            return True
        if resource.body.has("redrive_allow_policy") or resource.body.has("RedriveAllowPolicy"):
            return True
        name = resource.get("QueueName" if resource.platform == "cloudformation" else "name")
        return any(token in DEAD_LETTER_TOKENS for token in (*tokens(resource.name), *value_tokens(name)))

    # Functions and what calls them

    @cached_property
    def functions(self) -> list[Function]:
        """Functions that the platform calls (AWS Lambda)."""
        return [self._function(resource) for resource in self.of_types(*FUNCTION_TYPES)]

    @cached_property
    def _function_of(self) -> dict[int, Function]:
        return {id(function.resource): function for function in self.functions}

    def _function(self, resource: Resource) -> Function:
        from opslint.model.function_code import code_of, entries_of

        cfn = resource.platform == "cloudformation"
        timeout_name = "Timeout" if cfn else "timeout"
        timeout = resource.get(timeout_name)
        entries, is_open = entries_of(resource)
        return Function(
            code=code_of(self._model, resource),
            entries=entries,
            handler=resource.get("Handler" if cfn else "handler"),
            is_open=is_open,
            memory=resource.get("MemorySize" if cfn else "memory_size"),
            name=resource.get("FunctionName" if cfn else "function_name"),
            resource=resource,
            runtime=resource.get("Runtime" if cfn else "runtime"),
            timeout=known(FUNCTION_TIMEOUT_DEFAULT) if timeout == ABSENT else timeout,
            timeout_loc=resource.loc_of(timeout_name),
        )

    @cached_property
    def event_sources(self) -> list[EventSource]:
        """What feeds functions from queues and streams."""
        out: list[EventSource] = []
        for resource in self.of_types("aws_lambda_event_source_mapping"):
            out.append(
                self._source(
                    resource,
                    resource.get("event_source_arn"),
                    resource.get("function_name"),
                    ("batch_size", "maximum_batching_window_in_seconds", "function_response_types"),
                )
            )
        for resource in self.of_types("AWS::Lambda::EventSourceMapping"):
            names = ("BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes")
            out.append(self._source(resource, resource.get("EventSourceArn"), resource.get("FunctionName"), names))
        for resource in self.of_types("AWS::Serverless::Function"):
            out.extend(self._sam_events(resource))
        return out

    def _source(self, resource: Resource, source: Value, function: Value, names: tuple[str, str, str]) -> EventSource:
        queue = self.resolve(resource, source)
        target = self.resolve(resource, function)
        return EventSource(
            batch_size=resource.get(names[0]),
            batch_window=resource.get(names[1]),
            function=self._function_of.get(id(target)),
            loc=resource.loc,
            queue=self._queue_of.get(id(queue)),
            resource=resource,
            response_types=resource.get(names[2]),
            source=source,
        )

    def _sam_events(self, resource: Resource) -> Iterator[EventSource]:
        events = settled(resource.get("Events"))
        for name in sorted(events.value) if isinstance(events, Known) and isinstance(events.value, dict) else ():
            if as_text(resource.get("Events", name, "Type")) not in ("SQS", "Kinesis", "DynamoDB", "MSK"):
                continue
            base = ("Events", name, "Properties")
            source = next(
                (value for key in ("Queue", "Stream") if (value := resource.get(*base, key)) != ABSENT),
                unknown("no source"),
            )
            queue = self.resolve(resource, source)
            yield EventSource(
                batch_size=resource.get(*base, "BatchSize"),
                batch_window=resource.get(*base, "MaximumBatchingWindowInSeconds"),
                function=self._function_of.get(id(resource)),
                loc=resource.loc_of("Events", name),
                queue=self._queue_of.get(id(queue)),
                resource=resource,
                response_types=resource.get(*base, "FunctionResponseTypes"),
                source=source,
            )

    # Alarms and states

    @cached_property
    def alarms(self) -> list[Alarm]:
        """Alarms and alert policies declared as resources."""
        return [self._alarm(resource) for resource in self.of_types(*ALARM_TYPES)]

    def _alarm(self, resource: Resource) -> Alarm:
        names, enabled = ALARM_FIELDS[resource.type]
        actions: Value = ABSENT
        for name in names:
            value = resource.get(name)
            blocks = resource.blocks(name)
            if blocks:
                value = unknown("dynamic") if all(block.uncertain for block in blocks) else known(["block"])
            inner = settled(value)
            if isinstance(inner, Known) and not inner.value:
                actions = inner if isinstance(actions, Absent) else actions
            elif inner != ABSENT:
                actions = value
                break
        return Alarm(
            actions=actions,
            enabled=resource.get(enabled) if enabled else known(True),
            enabled_loc=resource.loc_of(enabled) if enabled else resource.loc,
            metric=resource.get("MetricName" if resource.platform == "cloudformation" else "metric_name"),
            resource=resource,
        )

    def watched(self, resource: Resource) -> bool | None:
        """Tell whether an alarm looks at `resource`: it refers to it, or a dimension is its name; None when that is not known."""
        unsure = False
        name = as_text(resource.get("QueueName" if resource.platform == "cloudformation" else "name"))
        for alarm in self.alarms:
            if alarm.resource.root != resource.root:
                continue
            if any(self.resolve(alarm.resource, found) is resource for found in looked_at(alarm.resource)):
                return True
            for found in looked_at(alarm.resource):
                text = as_text(found)
                if text is not None and name is not None and text == name:
                    return True
                # A dimension that refers to another resource says what it is about; any other unknown may be about this one.
                unsure = unsure or (isinstance(settled(found), Unknown) and not any(references_in(found)))
        return None if unsure or self._leaves(resource) else False

    def _leaves(self, resource: Resource) -> bool:
        """Tell whether the resource is handed to a module that is not in the repository, or out of its root."""
        if resource.platform != "terraform":
            return False
        root = self._model.terraform.root_of(resource)
        for module in root.module.all_modules():
            for block in module.directory.of("module"):
                if local_source(block) is None:
                    body = module.body(block)
                    if any(self.resolve(resource, body.get(name)) is resource for name in body.names()):
                        return True
        return False

    def monitors(self, prefixes: tuple[str, ...]) -> bool:
        """Tell whether anything that watches is declared: a resource type with one of `prefixes`, a module from elsewhere whose
        source names alarms or monitoring, alert rules of Prometheus, or an object that its operator reads.
        """
        if "prometheus-rules" in self._model.kinds or self._watching_objects():
            return True
        if any(kind.startswith(prefixes) for kind in self._declared):
            return True
        for directory in self._model.terraform.directories.values():
            if any(key[0].startswith(prefixes) for key in directory.resources):
                return True
            for block in directory.of("module"):
                source = next((e[1] for n, _at, e in block.body[0] if n == "source" and e[0] == "lit"), "")
                if any(
                    word in str(source).lower()
                    for word in ("alarm", "monitor", "alert", "observab", "datadog", "grafana", "newrelic")
                ):
                    return True
        return False

    @cached_property
    def revisions_registered(self) -> bool:
        """Whether a pipeline or script registers revisions of task definitions beside Terraform."""
        from opslint.model.function_versions import registers_task_definitions

        return registers_task_definitions(self._model)

    def is_uncalled(self, resource: Resource) -> bool:
        """Tell whether a resource belongs to a module that no root of this repository calls."""
        return resource.platform == "terraform" and self._model.terraform.is_uncalled(self._model.terraform.root_of(resource))

    @cached_property
    def metrics_reader(self) -> Loc | None:
        """Where a service outside this account is let in to read CloudWatch's metrics (it may alert on them), None where none is.

        A role that asks for an external id, in a directory whose policies allow to get metrics: how Grafana Cloud, Datadog,
        New Relic and others are connected.
        """
        for directory in self._model.terraform.directories.values():
            texts: set[str] = set()
            place: Loc | None = None
            for kind in ("data", "resource"):
                for block in directory.of(kind):
                    if block.labels[:1] and "_iam_" in block.labels[0]:
                        words = _policy_words(block.body)
                        if words & _METRIC_ACTIONS:
                            place = place or block.loc
                        texts |= words
            if place is not None and "sts:ExternalId" in texts:
                return place
        return None

    def _watching_objects(self) -> bool:
        if "kubernetes" not in self._model.kinds:
            return False
        from opslint.facts.kubernetes import KubernetesObject

        return any(item.object_kind in _WATCHING_OBJECTS for item in self._model.facts(KubernetesObject))

    @cached_property
    def stateful(self) -> list[Stateful]:
        """Resources that hold data, with what is wrong with their protection."""
        from opslint.model.stateful import stateful

        return stateful(self._model)

    @cached_property
    def state_backends(self) -> list[StateBackend]:
        """Where each applied Terraform root keeps its state (roots without a backend block are left out)."""
        return [
            StateBackend(
                environments=root.environments,
                kind=root.backend.kind,
                loc=root.backend.loc,
                root=root,
                state=root.backend.state(),
            )
            for root in self._model.terraform.roots
            if root.backend is not None
        ]


def _policy_words(body: BodyData) -> set[str]:
    """Return the texts of a policy; of one written as JSON text, what stands between its quotes."""
    found: set[str] = set()
    for expression in walk_body(body):
        if is_literal_text(expression):
            found.update(expression[1].split('"') if '"' in expression[1] else (expression[1],))
    return found


def _strings(value: Value) -> set[str]:
    """Return the texts inside a value, however it is nested."""
    found: set[str] = set()
    stack: list[object] = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, Known):
            stack.append(current.value)
        elif isinstance(current, str):
            found.add(current)
        elif isinstance(current, dict):
            stack.extend(current.values())
        elif isinstance(current, list | tuple):
            stack.extend(current)
        elif isinstance(current, Shaped):
            stack.extend(current.parts)
        elif isinstance(current, Reference):
            inner = settled(current)
            if not isinstance(inner, Reference):
                stack.append(inner)
    return found
