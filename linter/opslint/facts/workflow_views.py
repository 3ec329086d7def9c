"""Typed views of GitHub Actions workflow trees, the same over a document (file rules) and over a fact (the model)."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar, Sequence
from opslint.base.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opslint.base.location import Loc
    from opslint.base.tree import Node


def names(node: Node | None) -> list[str]:
    """Return the texts of a scalar, a list of scalars, or the keys of a mapping (`needs`, `on`, `branches`)."""
    if isinstance(node, Scalar):
        return [] if node.is_null or node.masked is not None else [node.text]
    if isinstance(node, Sequence):
        return [item.text for item in node.items if isinstance(item, Scalar) and not item.is_null]
    if isinstance(node, Mapping):
        return node.keys()
    return []


class Concurrency(Record):
    """A job's concurrency: its `group` text, the text of `cancel-in-progress` (None: not given), where, and whose key it is.

    `level` is ``job`` or ``workflow``; `cancel_loc` is the place of `cancel-in-progress`, else of the block.
    """

    __slots__ = ("cancel", "cancel_loc", "group", "level", "loc")
    cancel: str | None
    cancel_loc: Loc
    group: str
    level: str
    loc: Loc


def concurrency_of(owner: Mapping | None, level: str, key: str = "concurrency") -> Concurrency | None:
    """Read the `concurrency:` of a job or workflow (a group name or a block)."""
    node = owner.get(key) if owner is not None else None
    if owner is None or node is None:
        return None
    key_node = owner.key(key)
    loc = key_node.loc if key_node is not None else node.loc
    if isinstance(node, Scalar):
        return Concurrency(cancel=None, cancel_loc=loc, group=node.text, level=level, loc=loc)
    if not isinstance(node, Mapping):
        return None
    cancel_key = node.key("cancel-in-progress")
    return Concurrency(
        cancel=node.text("cancel-in-progress"),
        cancel_loc=cancel_key.loc if cancel_key is not None else loc,
        group=node.text("group") or "",
        level=level,
        loc=loc,
    )


class StepView:
    """One step: `node` is its mapping; `shell` and `working_directory` are effective (step, then job and workflow defaults)."""

    __slots__ = ("index", "job", "node")

    def __init__(self, node: Mapping, job: JobView | None, index: int) -> None:
        self.node = node
        self.job = job
        self.index = index

    @property
    def id(self) -> str | None:
        """The step's `id`."""
        return self.node.text("id")

    @property
    def name(self) -> str | None:
        """The step's `name` as written."""
        return self.node.text("name")

    @property
    def uses(self) -> str | None:
        """The action reference of a `uses:` step."""
        return self.node.text("uses")

    @property
    def run(self) -> str | None:
        """The script of a `run:` step."""
        return self.node.text("run")

    @property
    def condition(self) -> str | None:
        """The text of `if:`."""
        return self.node.text("if")

    @property
    def continue_on_error(self) -> str | None:
        """The text of `continue-on-error` (``true``, ``false`` or an expression)."""
        return self.node.text("continue-on-error")

    @property
    def inputs(self) -> Mapping | None:
        """The `with:` block."""
        return self.node.mapping("with")

    @property
    def shell(self) -> str | None:
        """The effective `shell:`; None is the runner's default (``bash -e`` on Linux and macOS, without pipefail)."""
        return self._default("shell")

    @property
    def working_directory(self) -> str | None:
        """The effective `working-directory:`, None is the checkout's top."""
        return self._default("working-directory")

    def _default(self, key: str) -> str | None:
        own = self.node.text(key)
        if own is not None or self.job is None:
            return own
        return self.job.node.text("defaults", "run", key) or self.job.workflow.text("defaults", "run", key)

    @property
    def loc(self) -> Loc:
        """Where the step begins: its name, else its first key."""
        return self.node.pairs[0][0].loc if self.node.pairs else self.node.loc

    def key_loc(self, key: str) -> Loc:
        """Where `key` of the step is written, else where the step begins."""
        node = self.node.key(key)
        return node.loc if node is not None else self.loc


class JobView:
    """One job: `id` its key, `node` its mapping, `workflow` the whole workflow's mapping, `loc` where its key is written."""

    __slots__ = ("id", "loc", "node", "workflow")

    def __init__(self, key: Scalar, node: Mapping, workflow: Mapping) -> None:
        self.id = key.text
        self.loc: Loc = key.loc
        self.node = node
        self.workflow = workflow

    @property
    def name(self) -> str:
        """The job's `name`, else its id."""
        return self.node.text("name") or self.id

    @property
    def steps(self) -> list[StepView]:
        """The job's steps in order."""
        found = [item for item in self.node.sequence("steps") if isinstance(item, Mapping)]
        return [StepView(item, self, index) for index, item in enumerate(found)]

    @property
    def needs(self) -> list[str]:
        """Ids of the jobs this one waits for."""
        return names(self.node.get("needs"))

    @property
    def condition(self) -> str | None:
        """The text of `if:`."""
        return self.node.text("if")

    @property
    def environment(self) -> str | None:
        """The name of the GitHub environment the job deploys to (may be an expression)."""
        return self.node.text("environment") or self.node.text("environment", "name")

    @property
    def concurrency(self) -> Concurrency | None:
        """The job's own concurrency, else the workflow's."""
        return concurrency_of(self.node, "job") or concurrency_of(self.workflow, "workflow")

    @property
    def timeout(self) -> str | None:
        """The text of `timeout-minutes`; None is GitHub's default of 360 minutes."""
        return self.node.text("timeout-minutes")

    @property
    def uses(self) -> str | None:
        """The reusable workflow this job calls."""
        return self.node.text("uses")

    @property
    def inputs(self) -> Mapping | None:
        """The `with:` block of a reusable workflow call."""
        return self.node.mapping("with")

    @property
    def strategy(self) -> Mapping | None:
        """The `strategy:` block."""
        return self.node.mapping("strategy")

    @property
    def continue_on_error(self) -> str | None:
        """The text of the job's `continue-on-error`."""
        return self.node.text("continue-on-error")

    def key_loc(self, key: str) -> Loc:
        """Where `key` of the job is written, else the job's key."""
        node = self.node.key(key)
        return node.loc if node is not None else self.loc


def jobs_of(workflow: Mapping) -> list[JobView]:
    """Return the jobs of a workflow tree in file order."""
    jobs = workflow.mapping("jobs")
    if jobs is None:
        return []
    return [JobView(key, node, workflow) for key, node in jobs.pairs if isinstance(node, Mapping)]
