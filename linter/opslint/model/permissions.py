"""What roles may do: IAM policies of Terraform and SAM, RBAC rules of Kubernetes, one grant for a role in an environment.

Only what is allowed is collected. A policy that cannot be read to its end makes the grant open: more may be allowed than is seen.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known
from opslint.model.environment_differences import without_environment
from opslint.model.terraform_values import Reference, as_text, plain, references_in, settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Body, Resource

MANAGED = {
    "AWSLambdaBasicExecutionRole": ("logs:*",),
    "AWSLambdaVPCAccessExecutionRole": ("logs:*", "ec2:*"),
    "AWSLambdaSQSQueueExecutionRole": ("logs:*", "sqs:receivemessage", "sqs:deletemessage", "sqs:getqueueattributes"),
    "AWSLambdaDynamoDBExecutionRole": ("logs:*", "dynamodb:describestream", "dynamodb:getrecords", "dynamodb:getsharditerator"),
    "AWSLambdaKinesisExecutionRole": ("logs:*", "kinesis:*"),
    "AWSXRayDaemonWriteAccess": ("xray:*",),
    "AmazonECSTaskExecutionRolePolicy": ("ecr:*", "logs:*"),
    "AmazonSSMManagedInstanceCore": ("ssm:*", "ssmmessages:*", "ec2messages:*"),
    "CloudWatchLambdaInsightsExecutionRolePolicy": ("logs:*",),
    "CloudWatchAgentServerPolicy": ("cloudwatch:*", "logs:*", "ec2:*", "xray:*", "ssm:getparameter"),
}
"""AWS managed policies whose actions are few, after the "AWS managed policy reference" (a ``*`` where it lists most of a service's)."""


class Grant(Record):
    """What one role may do in some environments.

    `kind`: ``iam`` or ``rbac``. `role` names it without the environment's own token, `name` as it is written. `actions` maps what is
    allowed (``sqs:sendmessage``, ``apps/deployments:get``, lower case, with ``*``) to where. `open` says why more may be allowed, "" when
    all of it is known.
    """

    __slots__ = ("actions", "environments", "files", "kind", "loc", "name", "open", "role")
    actions: dict[str, Loc]
    environments: list[str]
    files: list[str]
    kind: str
    loc: Loc
    name: str
    open: str
    role: str

    def allows(self, action: str) -> bool:
        """Tell whether an action (or all that a pattern stands for) is among what is allowed."""
        return any(fnmatchcase(action, allowed) for allowed in self.actions)


class Permissions:
    """The grants of a project."""

    def __init__(self, model: DeploymentModel) -> None:
        self._model = model
        self._grants: dict[int, Grant] = {}

    def of_role(self, role: Resource) -> Grant:
        """Return what an ``aws_iam_role`` is granted by the policies of its root."""
        if id(role) not in self._grants:
            self._grants[id(role)] = self._iam(role)
        return self._grants[id(role)]

    def iam(self) -> Iterator[Grant]:
        """Yield the grants of the roles that Terraform declares."""
        if self._model.has_cloud:
            for role in self._model.terraform.resources("aws_iam_role"):
                yield self.of_role(role)

    def rbac(self) -> Iterator[Grant]:
        """Yield the rules of Kubernetes roles, one grant for each deployment they stand in."""
        for deployment in self._model.deployments:
            if deployment.platform != "kubernetes":
                continue
            for item in deployment.objects:
                if item.text("kind") in ("Role", "ClusterRole"):
                    yield self._role(item, deployment.environments, deployment.files)

    def _role(self, item: Mapping, environments: list[str], files: list[str]) -> Grant:
        name = item.text("metadata", "name") or ""
        actions: dict[str, Loc] = {}
        unknown = "an aggregated role" if item.mapping("aggregationRule") is not None else ""
        rules = item.sequence("rules")
        if not rules and item.get("rules") is not None and not isinstance(item.get("rules"), Scalar):
            unknown = unknown or "rules that are not known"
        for rule in rules:
            paths = isinstance(rule, Mapping) and rule.get("nonResourceURLs") is not None
            keys = ("nonResourceURLs", "verbs") if paths else ("apiGroups", "resources", "verbs")
            parts = [_texts(rule, key) for key in keys] if isinstance(rule, Mapping) else []
            parts = [["url"], *parts] if paths else parts
            if not parts or None in parts:
                unknown = unknown or "a rule that is not known"
                continue
            for group, resource, verb in _product(parts):
                actions.setdefault(f"{group}/{resource}:{verb}".lower(), rule.loc)
        return Grant(
            actions=actions,
            environments=environments,
            files=files,
            kind="rbac",
            loc=item.loc,
            name=name,
            open=unknown,
            role=without_environment(self._model, f"{item.text('kind')} {name}"),
        )

    def _iam(self, role: Resource) -> Grant:
        collected = _Statements()
        root = self._model.terraform.root_of(role)
        for policy in role.blocks("inline_policy"):
            collected.policy(role, policy.body.get("policy"), policy.loc)
        collected.managed(role.get("managed_policy_arns"), role.loc)
        for user in self._model.terraform.referenced_by(role):
            if user.type == "aws_iam_role_policy":
                collected.policy(user, user.get("policy"), user.loc_of("policy"))
            elif user.type in ("aws_iam_role_policy_attachment", "aws_iam_policy_attachment"):
                self._attached(collected, user)
            elif user.uncertain:
                collected.open = collected.open or "something that may not exist grants more"
        if any(module.directory.of("module") and _foreign(module) for module in root.module.all_modules()):
            collected.open = collected.open or "a module from elsewhere may attach policies"
        return Grant(
            actions=collected.actions,
            environments=role.environments,
            files=role.files,
            kind="iam",
            loc=role.loc,
            name=role.name,
            open=collected.open,
            role=f"{without_environment(self._model, root.path)}:{role.address}",
        )

    def _attached(self, collected: _Statements, user: Resource) -> None:
        arn = user.get("policy_arn")
        policy = self._model.terraform.resolve(user, arn)
        if user.uncertain:
            collected.open = collected.open or "an attachment that may not exist"
        if policy is not None and policy.type == "aws_iam_policy":
            collected.policy(policy, policy.get("policy"), policy.loc_of("policy"))
        else:
            collected.managed(arn, user.loc)


class _Statements:
    """Collects what policies allow."""

    def __init__(self) -> None:
        self.actions: dict[str, Loc] = {}
        self.open = ""

    def managed(self, value: Value, loc: Loc) -> None:
        """Take policies by ARN."""
        if value == ABSENT:
            return
        found = plain(value)
        arns = found.value if isinstance(found, Known) and isinstance(found.value, list) else [as_text(value)]
        for arn in arns:
            known = MANAGED.get(str(arn).rpartition("/")[2]) if str(arn).startswith("arn:aws:iam::aws:policy/") else None
            if known is None:
                self.open = self.open or "a policy that is not in the repository"
            for action in known or ():
                self.actions.setdefault(action, loc)

    def policy(self, owner: Resource, value: Value, loc: Loc) -> None:
        """Take a policy: JSON, `jsonencode`, or a policy document of the same module."""
        document = _document(owner, value)
        if document is not None:
            self._document(document)
            return
        found = plain(settled(value))
        data: Any = found.value if isinstance(found, Known) else None
        if isinstance(data, str):
            from json import loads

            try:
                data = loads(data)
            except ValueError:
                data = None
        if isinstance(data, dict):
            self._statements(data.get("Statement"), loc)
        else:
            self._partly(settled(value), loc)

    def _partly(self, value: Value, loc: Loc) -> None:
        """Take the statements of a policy of which a resource's name is not known yet."""
        inner = settled(value)
        held = inner.value if isinstance(inner, Known) and isinstance(inner.value, dict) else {}
        statements = settled(held.get("Statement", ABSENT)) if held else ABSENT
        items = statements.value if isinstance(statements, Known) and isinstance(statements.value, list) else [statements]
        for item in items:
            body = settled(item) if not isinstance(item, dict) else item
            fields = body.value if isinstance(body, Known) and isinstance(body.value, dict) else None
            if fields is None:
                self.open = self.open or "a policy that is not known"
                continue
            self._one({key: _plain(fields.get(key)) for key in ("Action", "Effect", "NotAction")}, loc)

    def _statements(self, statements: Any, loc: Loc) -> None:
        for statement in statements if isinstance(statements, list) else [statements]:
            if isinstance(statement, dict):
                self._one(statement, loc)
            else:
                self.open = self.open or "a policy that is not known"

    def _one(self, statement: dict[str, Any], loc: Loc) -> None:
        if statement.get("Effect") == "Deny":
            return
        actions = statement.get("Action")
        if statement.get("NotAction") is not None or actions is None:
            self.open = self.open or "a statement that is not known"
        for action in actions if isinstance(actions, list) else [actions]:
            if isinstance(action, str):
                self.actions.setdefault(action.lower(), loc)

    def _document(self, body: Body) -> None:
        for name in ("source_policy_documents", "override_policy_documents", "source_json", "override_json"):
            if body.has(name):
                self.open = self.open or "a policy made of others"
        for block in body.blocks("statement"):
            actions = plain(block.body.get("actions"))
            if block.uncertain or block.body.has("not_actions") or not isinstance(actions, Known):
                self.open = self.open or "a statement that is not known"
            elif as_text(block.body.get("effect")) != "Deny":
                for action in actions.value if isinstance(actions.value, list) else ():
                    self.actions.setdefault(str(action).lower(), block.loc)


def sam_grant(resource: Resource) -> Grant:
    """Return what the `Policies` of a SAM function allow; a policy template counts as all of its service (SAM "policy templates")."""
    collected = _Statements()
    collected.actions["logs:*"] = resource.loc
    value = settled(resource.get("Policies"))
    items = value.value if isinstance(value, Known) and isinstance(value.value, list) else [value] if value != ABSENT else []
    for item in items:
        inner = settled(item)
        held = inner.value if isinstance(inner, Known) else None
        if isinstance(held, dict) and "Statement" in held:
            collected.policy(resource, inner, resource.loc_of("Policies"))
        elif isinstance(held, dict) and len(held) == 1 and next(iter(held)).endswith("Policy"):
            collected.actions.setdefault(_service_of(next(iter(held))), resource.loc_of("Policies"))
        elif isinstance(held, str) and held.rpartition("/")[2] in MANAGED:
            for action in MANAGED[held.rpartition("/")[2]]:
                collected.actions.setdefault(action, resource.loc_of("Policies"))
        else:
            collected.open = collected.open or "a policy that is not in the repository"
    if resource.body.has("Role"):
        collected.open = collected.open or "a role of its own"
    return Grant(
        actions=collected.actions,
        environments=resource.environments,
        files=resource.files,
        kind="iam",
        loc=resource.loc,
        name=resource.name,
        open=collected.open,
        role=resource.name,
    )


_TEMPLATES = (
    ("DynamoDB", "dynamodb:*"),
    ("S3", "s3:*"),
    ("SQS", "sqs:*"),
    ("SNS", "sns:*"),
    ("Lambda", "lambda:*"),
    ("StepFunctions", "states:*"),
    ("EventBridge", "events:*"),
    ("AWSSecretsManager", "secretsmanager:*"),
    ("SSMParameter", "ssm:*"),
    ("SES", "ses:*"),
    ("KMS", "kms:*"),
    ("CloudWatchPutMetric", "cloudwatch:*"),
)


def _service_of(template: str) -> str:
    return next((action for prefix, action in _TEMPLATES if template.startswith(prefix)), "*")


def _document(owner: Resource, value: Value) -> Body | None:
    """Return the ``aws_iam_policy_document`` of the owner's module that a value is the JSON of."""
    if owner.owner is None or not isinstance(value, Reference):
        return None
    for found in references_in(value):
        kind, _, name = found.target.rpartition(".")
        if kind.endswith("data.aws_iam_policy_document") and found.attribute == "json":
            for block in owner.owner.directory.of("data"):
                if block.labels == ["aws_iam_policy_document", name]:
                    return owner.owner.body(block)
    return None


def _foreign(module: Any) -> bool:
    from opslint.model.terraform_directories import local_source

    return any("iam" in str(block.labels) and local_source(block) is None for block in module.directory.of("module"))


def _plain(value: Any) -> Any:
    if value is None or not isinstance(value, Known | Reference):
        return None
    found = plain(value)
    return found.value if isinstance(found, Known) else None


def _texts(rule: Mapping, key: str) -> list[str] | None:
    items = [item.text for item in rule.sequence(key) if isinstance(item, Scalar)]
    if key == "apiGroups" and not items:
        return [""]
    return items if items and len(items) == len(rule.sequence(key)) else None


def _product(parts: list[list[str] | None]) -> Iterable[tuple[str, str, str]]:
    groups, resources, verbs = (part or [] for part in parts)
    return [(group, resource, verb) for group in groups[:20] for resource in resources[:50] for verb in verbs[:20]]
