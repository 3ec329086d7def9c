"""CloudFormation and SAM templates as resources, with the same nouns as Terraform."""

from __future__ import annotations

from opslint.base.expression import is_literal_text, walk
from opslint.base.lazy import cached_property
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Secret, known, unknown
from opslint.facts.cloudformation import CfnResource, CfnTemplate
from opslint.facts.serverless_names import FIRST, LOOK
from opslint.model.environment_names import ENVIRONMENT_NAMES, of_value
from opslint.model.stack_runs import STAGE, stack_environments, stack_parameters
from opslint.model.terraform_eval import Evaluator, Names
from opslint.model.terraform_nodes import Body, Resource
from opslint.model.terraform_paths import in_repository
from opslint.model.terraform_values import Missing, as_text, missing, reference, settled

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.base.expression import Expression
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel

MAX_GLOBALS = 8
"""Levels of a property under which a function's own and the globals' are merged."""

POLICIES = "@"
"""Prefix under which a resource's own attributes (``DeletionPolicy``, ``Condition``) are found beside its properties."""


class Template:
    """One template with its parameters, its conditions, its resources. `key` is its path, with the environment where each has one of its own;
    `given` what the deploy gives to parameters.
    """

    def __init__(
        self,
        fact: CfnTemplate,
        resources: list[CfnResource],
        environments: list[str],
        given: dict[str, Value],
        key: str,
        read: Callable[[str], bytes | None],
    ) -> None:
        self.path = fact.path
        self._read = read
        self.key = key
        self._given = given
        self.sam = fact.sam
        self.environments = environments
        self._fact = fact
        self._facts = {resource.name: resource for resource in resources}
        self._evaluator = Evaluator()
        functions: dict[str, Callable[[list[Value]], Value]] = {}
        if fact.own:
            functions = {FIRST: _first_there, LOOK: self._serverless}
        self._names = Names(bound={}, functions=functions, look=self._look)
        self._conditions = {name: expression for name, _at, expression in fact.conditions[0]}
        self._parameters = {name: expression for name, _at, expression in fact.parameters}
        self._entered: set[str] = set()
        self._files: dict[str, Expression] = {}
        self._assumed: dict[str, str] = {}

    def _look(self, name: str, steps: list[Any], evaluator: Evaluator) -> tuple[Value, list[Any]]:
        if name == "Condition" and steps:
            return self._condition(str(steps[0]), evaluator), steps[1:]
        if name == "AWS::NoValue":
            return known(None), []
        if name == "Mappings":
            pairs = {key: evaluator.value(expression, self._names) for key, _at, expression in self._fact.mappings[0]}
            return known(pairs), steps
        if name in self._parameters:
            return self._parameter(name, evaluator), steps
        if name in self._facts:
            attribute = ".".join(step for step in steps if isinstance(step, str)) or "Ref"
            return reference(name, attribute, unknown("known after deploy")), []
        return unknown(f"{name} is not known before the deploy"), []

    def _serverless(self, arguments: list[Value]) -> Value:
        """Return what one source of a variable of the Serverless Framework holds."""
        address = as_text(arguments[0]) if arguments else None
        if address is None:
            return unknown("a variable of the Serverless Framework whose name is not known")
        kind, _, rest = address.partition(":")
        if address in ("opt:stage", "sls:stage"):
            return self._given.get(STAGE) or unknown("the stage")
        if address in self._entered:
            return unknown(f"{address} depends on itself")
        self._entered.add(address)
        try:
            if kind == "self":
                return self._evaluator.member(self._fact.own, [part for part in rest.split(".") if part], self._names)
            if kind.startswith("file(") and ")" in kind:
                return self._of_file(kind[5:].partition(")")[0], [part for part in rest.split(".") if part])
        finally:
            self._entered.discard(address)
        return Secret(ref=rest) if kind == "ssm" else unknown(f"${{{kind}:…}} is known when it is deployed")

    def _of_file(self, name: str, keys: list[str]) -> Value:
        path = in_repository(known(name), self.path.rpartition("/")[0])
        data = self._read(path) if path else None
        if path is None or data is None:
            return missing(name)
        if path not in self._files:
            self._files[path] = expression_of(data)
        return self._evaluator.member(self._files[path], keys, self._names)

    def _condition(self, name: str, evaluator: Evaluator) -> Value:
        expression = self._conditions.get(name)
        if expression is None or name in self._entered:
            return unknown(f"condition {name}")
        self._entered.add(name)
        try:
            return evaluator.value(expression, self._names)
        finally:
            self._entered.discard(name)

    def _parameter(self, name: str, evaluator: Evaluator) -> Value:
        if name in self._assumed:
            return known(self._assumed[name])
        expression = self._parameters[name]
        if name in self._given and not (expression is not None and expression[0] == "secret"):
            return self._given[name]
        # A stage's default says where a person tries the template out, not where it is deployed.
        # An empty default means "not given"; the deploy command gives it.
        if expression in (None, ["lit", ""]) or name.lower().removesuffix("name") in ENVIRONMENT_NAMES:
            return unknown(f"parameter {name}")
        return evaluator.value(expression, self._names) if expression is not None else unknown(f"parameter {name}")

    def spares_production(self, resource: Resource) -> bool:
        """Tell whether the resource's `Condition` is false wherever a parameter has the value that it calls production."""
        name = as_text(resource.get(f"{POLICIES}Condition")) or ""
        for parameter, text in self._compared(name):
            found = of_value(text)
            if found is not None and found[0] == "production":
                self._assumed = {parameter: text}
                value = settled(self._condition(name, Evaluator()))
                self._assumed = {}
                if value == known(False):
                    return True
        return False

    def _compared(self, name: str) -> list[tuple[str, str]]:
        """The parameters that a condition compares with a text, through the conditions it names."""
        found: list[tuple[str, str]] = []
        work, seen = [name], {name}
        while work:
            expression = self._conditions.get(work.pop())
            for part in walk(expression) if expression is not None else ():
                if part[0] == "ref" and part[1] == "Condition" and part[2] and part[2][0] not in seen:
                    seen.add(part[2][0])
                    work.append(part[2][0])
                if part[0] == "op" and part[1] == "==":
                    for left, right in ((part[2], part[3]), (part[3], part[2])):
                        if left[0] == "ref" and left[1] in self._parameters and is_literal_text(right):
                            found.append((left[1], right[1]))
        return found

    @cached_property
    def resources(self) -> list[Resource]:
        """All resources, a SAM function with the template's globals."""
        out = []
        for fact in self._facts.values():
            uncertain = any(name == "Condition" for name, _at, _expression in fact.policies[0])
            attributes = list(fact.body[0])
            attributes.extend([POLICIES + name, at, expression] for name, at, expression in fact.policies[0])
            if fact.type == "AWS::Serverless::Function":
                attributes = self._with_globals(attributes)
            body = Body([attributes, [], False], self.path, fact.loc, self._names, self._evaluator)
            out.append(
                Resource(
                    kind=fact.type,
                    name=fact.name,
                    address=fact.name,
                    body=body,
                    loc=fact.loc,
                    root=self.key,
                    module_path=self.path.rpartition("/")[0],
                    environments=self.environments,
                    files=[self.path],
                    uncertain=uncertain,
                    platform="cloudformation",
                )
            )
        return out

    def _with_globals(self, attributes: list[Any]) -> list[Any]:
        shared = {name: expression for name, _at, expression in self._fact.functions[0]}
        own = [[name, at, _over(shared.get(name), expression, 0)] for name, at, expression in attributes]
        names = {name for name, _at, _expression in attributes}
        return [*own, *(entry for entry in self._fact.functions[0] if entry[0] not in names)]


def _over(shared: Any, own: Any, depth: int) -> Any:
    """Lay a function's property over the one of ``Globals``: maps are merged, lists joined, all else replaced (AWS SAM, Globals section)."""
    if not isinstance(shared, list) or depth > MAX_GLOBALS:
        return own
    if own[0] == "obj" and shared[0] not in ("obj", "lit", "list", "mask", "secret"):
        return ["call", "merge", [shared, own], False]
    if own[0] != shared[0]:
        return own
    if own[0] == "list":
        return ["list", [*shared[1], *own[1]]]
    if own[0] != "obj":
        return own
    above = {pair[0][1]: pair for pair in shared[2] if pair[0][0] == "lit"}
    pairs = [
        [key, _over(above[key[1]][1], value, depth + 1) if key[0] == "lit" and key[1] in above else value, at]
        for key, value, at in own[2]
    ]
    names = {pair[0][1] for pair in own[2] if pair[0][0] == "lit"}
    return ["obj", own[1], [*(pair for name, pair in above.items() if name not in names), *pairs]]


def _first_there(arguments: list[Value]) -> Value:
    """Return the first source of a variable that is there; one that is not known may be there or not."""
    for argument in arguments:
        if not isinstance(argument, Missing) and argument != known(None):
            return argument
    return arguments[-1] if arguments else unknown("a variable without source")


def expression_of(data: bytes) -> Expression:
    """Return a YAML file that a variable names as an expression; its values are treated as those of variables."""
    from opslint.facts.serverless import ServerlessConverter
    from opslint.facts.terraform import clean
    from opslint.syntax import yaml
    from opslint.syntax.document import ReadProblem

    try:
        document = yaml.read(data, "yaml")
    except ReadProblem:
        return ["raw", "a file that could not be read"]
    if len(document.documents) != 1 or document.problems:
        return ["raw", "a file that could not be read"]
    return clean(ServerlessConverter(document).expression(document.documents[0], 0), "environment")


def is_synthesized(fact: CfnTemplate, resources: list[CfnResource]) -> bool:
    """Tell whether the CDK wrote a template: a copy of what an application deploys from memory."""
    marks = ("AssetParameters", "BootstrapVersion")
    return any(name.startswith(marks) for name, _at, _expression in fact.parameters) or any(
        resource.type == "AWS::CDK::Metadata" for resource in resources
    )


def templates(model: DeploymentModel) -> list[Template]:
    """Return all templates in path order."""
    resources: dict[str, list[CfnResource]] = {}
    for resource in model.facts(CfnResource):
        resources.setdefault(resource.path, []).append(resource)
    facts = model.facts(CfnTemplate)
    paths = [fact.path for fact in facts]
    deployed = stack_environments(model, paths) if facts else {}
    given = stack_parameters(model, paths) if facts else {}
    out = []
    for fact in facts:
        own = resources.get(fact.path, [])
        found = model.environments.of_path(fact.path)
        names = [found.name] if found else deployed.get(fact.path, [])
        if fact.path not in deployed and is_synthesized(fact, own):
            loc = (fact.path, fact.at)
            model.blind(
                "synthesized-template", loc, "a template that the CDK wrote and nothing here deploys: it is a copy, not read"
            )
            continue
        parameters = {name: values for name, values in given.get(fact.path, {}).items() if name in names}
        if not parameters:
            out.append(Template(fact, own, names, {}, fact.path, model.read))
            continue
        # Each environment is a stack of its own; those without parameters of their own have the defaults.
        for name in names:
            key = fact.path if len(names) == 1 else f"{fact.path}@{name}"
            out.append(Template(fact, own, [name], parameters.get(name, {}), key, model.read))
    return out
