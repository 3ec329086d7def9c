"""What a rule is: metadata, documentation (its docstring) and a `check`.

A *file rule* judges one file: no change to any other file could change its verdict. A *project rule* is
everything else and looks at the deployment model.
"""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar

    from opslint.base.fact import Fact
    from opslint.base.finding import Fix, Report
    from opslint.base.location import Loc


class Option:
    """One option of a rule, set in `[tool.opslint.rules.<rule-name>]`.

    `schema` is a JSON Schema fragment the value must satisfy; `help` one line.
    """

    __slots__ = ("default", "help", "name", "schema")

    def __init__(self, name: str, *, default: Any, schema: dict[str, Any], help: str) -> None:
        self.name = name
        self.default = default
        self.schema = schema
        self.help = help


class Meta:
    """A rule's metadata.

    `severity` is the one in production, shared, or unknown environments. `status`: ``stable`` (on by default
    unless `default` is False), ``preview`` (off unless selected by name), ``deprecated``. `fix`: ``safe``, ``unsafe``,
    ``manual`` or None. `help` is the smallest safe change in one or two sentences. `authority` is the URL it rests on.
    """

    __slots__ = (
        "authority",
        "category",
        "confidence",
        "default",
        "fix",
        "help",
        "name",
        "options",
        "severity",
        "status",
        "summary",
    )

    def __init__(
        self,
        name: str,
        *,
        category: str,
        severity: str,
        confidence: str,
        authority: str,
        summary: str,
        help: str,
        fix: str | None = None,
        status: str = "stable",
        default: bool = True,
        options: tuple[Option, ...] = (),
    ) -> None:
        self.name = name
        self.category = category
        self.severity = severity
        self.confidence = confidence
        self.authority = authority
        self.summary = summary
        self.help = help
        self.fix = fix
        self.status = status
        self.default = default and status == "stable"
        self.options = options


class Subscription:
    """What a file rule wants to see. `hook` names the view, `names` restricts it (empty: all)."""

    __slots__ = ("names",)
    hook: ClassVar[str] = ""

    def __init__(self, *names: str) -> None:
        self.names = names


class Calls(Subscription):
    """Python calls by resolved dotted name, ``requests.get``; a trailing ``.*`` takes everything below."""

    hook = "calls"


class Blocks(Subscription):
    """Terraform blocks: a resource type (``aws_sqs_queue``) or a block type (``terraform``, ``provider``, ``module``)."""

    hook = "blocks"


class Objects(Subscription):
    """Kubernetes objects of plain manifests by kind (``Deployment``)."""

    hook = "objects"


class WorkflowJobs(Subscription):
    """Jobs of GitHub Actions workflows."""

    hook = "jobs"


class Instructions(Subscription):
    """Dockerfile instructions by upper-case name (``HEALTHCHECK``)."""

    hook = "instructions"


HOOK_KINDS = {
    "calls": "python",
    "blocks": "terraform",
    "objects": "kubernetes",
    "jobs": "workflow",
    "instructions": "dockerfile",
}
"""The file kind each hook looks into."""


class Reporter:
    """Collects what one rule says. Rules call it: `report(at=…, message=…)`."""

    __slots__ = ("reports", "rule", "undecided")

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.reports: list[Report] = []
        self.undecided: list[tuple[Loc | None, str]] = []

    def __call__(
        self,
        *,
        at: Loc,
        message: str,
        evidence: Iterable[tuple[Loc, str]] = (),
        environment: str | None = None,
        environments: Iterable[str] = (),
        service: str | None = None,
        fix: Fix | None = None,
        key: str = "",
        severity: str | None = None,
        confidence: str | None = None,
        derived: Iterable[str] = (),
        together: str = "",
    ) -> None:
        """Report one finding at `at`.

        `evidence` are related locations in order, each with a note. `environments` (or `environment`) name where it
        happens; none: the environments of the file. `key` tells findings at one place apart. `severity` and
        `confidence` may only lower the rule's. `derived` are further files whose change could change the verdict
        (the files of `at` and of the evidence are always included). Findings of one rule that say the same `together` are
        judged place by place (suppression, baseline, diff) and shown as one.
        """
        from opslint.base.finding import Report

        named = [environment, *environments] if environment else list(environments)
        self.reports.append(
            Report(
                at=at,
                confidence=confidence,
                derived=sorted({*derived, at[0], *(loc[0] for loc, _note in evidence)}),
                environments=named,
                evidence=list(evidence),
                fix=fix,
                key=key,
                message=message,
                rule=self.rule,
                service=service,
                severity=severity,
                together=together,
            )
        )

    def silent(self, reason: str, at: Loc | None = None) -> None:
        """Count one place where the rule kept silent because something it needed is Unknown."""
        self.undecided.append((at, reason))


MANIFESTS = (
    "opslint.facts.cloudformation:CfnResource",
    "opslint.facts.compose:ComposeFile",
    "opslint.facts.helm:HelmChart",
    "opslint.facts.kubernetes:KubernetesObject",
    "opslint.facts.terraform:TfBlock",
)
"""Kinds of the facts that workloads are made of. By name: a rule need not import the readers of all platforms to say so."""


class Rule:
    """Base of `FileRule` and `ProjectRule`. `meta` and a docstring are mandatory; `options` holds the configured values."""

    meta: ClassVar[Meta]
    literals: ClassVar[tuple[str, ...]] = ()
    """File rules: byte strings one of which must be in the file for the rule's module to be imported."""

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        self.options: dict[str, Any] = {option.name: option.default for option in self.meta.options}
        self.options.update(options or {})


class FileRule(Rule):
    """A rule over one file. `on` is what it subscribes to; `check` is called for every view that matches."""

    on: ClassVar[Subscription]

    def check(self, view: Any, report: Reporter) -> None:
        """Judge one view and `report` what is wrong with it."""
        raise NotImplementedError


class ProjectRule(Rule):
    """A rule over the deployment model.

    `needs` are fact classes; with none of them in the project the rule is not run. `joins` is the other side of a rule that
    brings two kinds of files together (code and manifests): one of these must be there too, by class or by `Fact.kind`
    (`MANIFESTS`). Without both the rule is not even imported.
    """

    needs: ClassVar[tuple[type[Fact], ...]] = ()
    joins: ClassVar[tuple[type[Fact] | str, ...]] = ()

    def check(self, model: Any, report: Reporter) -> None:
        """Judge the model and `report` what is wrong."""
        raise NotImplementedError


class Extractor:
    """Takes facts from documents of one kind.

    `literals`: for prescreened kinds (python, shell, sql) one of these byte strings must be in the file; empty: always.
    A `weak` extractor takes facts from whatever was parsed for another's sake, but is no reason to parse a file itself.
    `extract(document, emit)` calls `emit(fact)`.
    """

    __slots__ = ("extract", "kind", "literals", "weak")

    def __init__(
        self,
        kind: str,
        literals: tuple[str, ...],
        extract: Callable[[Any, Callable[[Fact], None]], None],
        *,
        weak: bool = False,
    ) -> None:
        self.kind = kind
        self.literals = literals
        self.extract = extract
        self.weak = weak


class Catalogued(Record):
    """One rule as the generated catalogue keeps it, so that its module is imported only when it can matter."""

    __slots__ = (
        "authority",
        "category",
        "class_name",
        "confidence",
        "default",
        "file_rule",
        "fix",
        "help",
        "hook",
        "joins",
        "literals",
        "module",
        "name",
        "needs",
        "option_names",
        "pack",
        "severity",
        "status",
        "summary",
        "watches",
    )
    authority: str
    category: str
    class_name: str
    confidence: str
    default: bool
    file_rule: bool
    fix: str | None
    help: str
    hook: str | None
    joins: list[str]
    literals: list[str]
    module: str
    name: str
    needs: list[str]
    option_names: list[str]
    pack: str
    severity: str
    status: str
    summary: str
    watches: list[str]
