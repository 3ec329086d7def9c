"""The deployment model of one project: everything that was understood, joined lazily.

Each join is made on first use and only when an enabled rule asks for it; the modules beside this one make them.
"""

from __future__ import annotations

from opslint.base.lazy import cached_property
from opslint.base.location import FILE_TOP
from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.model.records import BlindSpot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from opslint.base.fact import Fact
    from opslint.base.location import Loc
    from opslint.base.settings import ProjectSettings
    from opslint.model.budgets import Budgets
    from opslint.model.drivers import Drivers
    from opslint.model.environments import Environments
    from opslint.model.handlers import Handlers
    from opslint.model.helm import Variant
    from opslint.model.helm_values import Chart
    from opslint.model.identities import Identity
    from opslint.model.kustomize import Kustomizer
    from opslint.model.mentions import Mention
    from opslint.model.migrations import MigrationGraphs
    from opslint.model.permissions import Permissions
    from opslint.model.pipelines import Pipelines
    from opslint.model.python import PythonProject
    from opslint.model.records import Deployment, Service, Workload
    from opslint.model.resources import Resources
    from opslint.model.routes import Routes
    from opslint.model.services import Linked
    from opslint.model.terraform import TerraformProject
    from opslint.model.variables import Variables
    from opslint.model.waits import Waits

    F = TypeVar("F", bound=Fact)

CLOUD_KINDS = frozenset(("terraform", "tfvars", "terragrunt", "hcl", "cloudformation", "serverless"))

DEPLOYING_KINDS = CLOUD_KINDS | frozenset(
    ("compose", "dockerfile", "helm-chart", "kubernetes", "kustomization", "procfile", "systemd")
)
"""Kinds of files that say what runs. Without one of them nothing is deployed, whatever code and pipelines there are."""

PROCESS_FILES = ("fly.toml", "railway.json", "railway.toml", "render.yaml", "render.yml")
"""Files of other kinds that say what runs: what platforms read at the top of the code they start (the reference of each)."""


class FileInfo(Record):
    """What the model knows of one file besides its facts. `role`: ``deploy test example fixture``; `digest` of its content.

    `screened`: a Python file that the prescreen did not parse; only its imports are known.
    """

    __slots__ = ("digest", "kind", "role", "screened")
    digest: str
    kind: str
    role: str
    screened: bool

    def __init__(self, *, digest: str, kind: str, role: str, screened: bool) -> None:
        # Written out: there is one for every file of the project.
        self.digest = digest
        self.kind = kind
        self.role = role
        self.screened = screened


class DeploymentModel:
    """Environments × services × resources × pipelines.

    `files` are all files the project has (also those no reader opened); `load(fact class)` gives the facts of that class of
    deployable files, in path order; `read(path)` a file's bytes (None when it is not there), for text that is rendered here;
    `is_ignored(path)` tells whether git ignores a path; `old_paths` are the paths of the base revision (None: all is history);
    `full(path)` parses a screened Python file now and gives its facts by class. `join(deployments)` adds those of sibling repositories;
    `missing_siblings` are declared ones of which nothing is known: what they may set or serve is never absent.
    """

    def __init__(
        self,
        files: dict[str, FileInfo],
        load: Callable[[type[Any]], list[Any]],
        read: Callable[[str], bytes | None],
        settings: ProjectSettings,
        *,
        is_ignored: Callable[[str], bool] = lambda _path: False,
        old_paths: Callable[[], frozenset[str] | None] = lambda: None,
        full: Callable[[str], dict[type[Fact], list[Fact]]] = lambda _path: {},
        all_migrations: bool = False,
        join: Callable[[list[Deployment]], list[Deployment]] = lambda own: own,
        missing_siblings: Sequence[str] = (),
    ) -> None:
        self.files = files
        self.settings = settings
        self.read = read
        self.is_ignored = is_ignored
        self.old_paths = old_paths
        self.full = full
        self.all_migrations = all_migrations
        self.missing_siblings = missing_siblings
        self._join = join
        self._load = load
        self._facts: dict[type[Fact], list[Fact]] = {}
        self.blind_spots: list[BlindSpot] = []
        for name in missing_siblings:
            message = f"what the sibling {name} sets and serves is not known"
            self.blind(
                "sibling-not-given",
                (settings.source, FILE_TOP),
                message,
                f"--facts {name}=FILE (opslint model export FILE there)",
            )

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of all files: a join that none of them can feed need not be made, nor its module imported."""
        return frozenset(info.kind for info in self.files.values())

    @cached_property
    def has_cloud(self) -> bool:
        """Tell whether any file is Terraform, Terragrunt, CloudFormation or Serverless."""
        return not self.kinds.isdisjoint(CLOUD_KINDS)

    def facts(self, kind: type[F]) -> list[F]:
        """Return the facts of one class, in path order and in file order."""
        found = self._facts.get(kind)
        if found is None:
            found = self._facts[kind] = list(self._load(kind))
        return found  # type: ignore[return-value]

    def blind(self, kind: str, loc: Loc, message: str, help: str = "") -> None:
        """Note something the model could not know (`opslint model` lists them)."""
        self.blind_spots.append(BlindSpot(help=help, kind=kind, loc=loc, message=message))

    @cached_property
    def _is_deployed(self) -> bool:
        """Tell whether anything says what runs: without it there is nothing to join, and the modules that would are not imported."""
        if self.settings.services or not self.kinds.isdisjoint(DEPLOYING_KINDS):
            return True
        return any(path.endswith(PROCESS_FILES) for path in self.files)

    @cached_property
    def environments(self) -> Environments:
        """Tiers and instances, and which of them a file belongs to."""
        from opslint.model.environments import Environments

        return Environments(self)

    @cached_property
    def python(self) -> PythonProject:
        """Python modules, the import graph, functions and the calls between them."""
        from opslint.model.python import PythonProject

        return PythonProject(self)

    @cached_property
    def handlers(self) -> Handlers:
        """Functions that something may call twice, and what they and other functions touch."""
        from opslint.model.handlers import Handlers

        return Handlers(self)

    @cached_property
    def drivers(self) -> Drivers:
        """Calls that wait without a limit, by the versions that are installed."""
        from opslint.model.drivers import Drivers

        return Drivers(self)

    @cached_property
    def budgets(self) -> Budgets:
        """What callers grant, and how long calls may take."""
        from opslint.model.budgets import Budgets

        return Budgets(self)

    @cached_property
    def waits(self) -> Waits:
        """What ends a wait that the call itself does not end."""
        from opslint.model.waits import Waits

        return Waits(self)

    @cached_property
    def routes(self) -> Routes:
        """What each web application serves."""
        from opslint.model.routes import Routes

        return Routes(self)

    @cached_property
    def terraform(self) -> TerraformProject:
        """Terraform roots with their modules resolved, and CloudFormation templates, as resources."""
        from opslint.model.terraform import TerraformProject

        return TerraformProject(self)

    @cached_property
    def resources(self) -> Resources:
        """Terraform and CloudFormation resources under neutral names: queues, functions, event sources, alarms, state backends."""
        from opslint.model.resources import Resources

        return Resources(self)

    @cached_property
    def mentions(self) -> list[Mention]:
        """Values that named environments are given, for questions of overlap."""
        from opslint.model.mentions import mentions

        return mentions(self)

    @cached_property
    def identities(self) -> list[Identity]:
        """What the named environments use and own: hosts, stores, accounts, namespaces, states, names."""
        from opslint.model.identities import identities

        return identities(self)

    @cached_property
    def permissions(self) -> Permissions:
        """What roles may do: IAM policies and RBAC rules."""
        from opslint.model.permissions import Permissions

        return Permissions(self)

    @cached_property
    def deployments(self) -> list[Deployment]:
        """Manifests that one command combines, with their workloads, sorted by key."""
        if not self._is_deployed:
            return []
        from opslint.model.deployments import deployments

        return self._join(deployments(self))

    @cached_property
    def kustomizer(self) -> Kustomizer:
        """The kustomizations of the project, each built once, and which of them are refused."""
        from opslint.model.kustomize import Kustomizer

        return Kustomizer(self)

    @cached_property
    def chart_variants(self) -> list[tuple[Chart, Variant]]:
        """The charts of the project that are installed by themselves, with every set of values they are installed with."""
        from opslint.model.helm import variants

        return variants(self)

    @cached_property
    def workloads(self) -> list[Workload]:
        """All workloads of all deployments."""
        return [workload for deployment in self.deployments for workload in deployment.workloads]

    @cached_property
    def linked(self) -> Linked:
        """The join behind `services`: the image and the start command of each container."""
        from opslint.model.services import Linked

        return Linked(self)

    @cached_property
    def services(self) -> list[Service]:
        """Code that is built once and run somewhere, joined with its workloads."""
        if not self._is_deployed:
            return []
        from opslint.model.services import services

        return services(self)

    @cached_property
    def variables(self) -> Variables:
        """What each service reads and what each environment sets."""
        from opslint.model.variables import Variables

        return Variables(self)

    @cached_property
    def scripted_names(self) -> frozenset[str]:
        """Variables that scripts and pipelines fill with something computed, or rewrite in files."""
        from opslint.model.scripted_names import scripted_names

        return scripted_names(self)

    @cached_property
    def rewritten_images(self) -> frozenset[str]:
        """Images whose lines in manifests a command rewrites."""
        from opslint.model.scripted_names import rewritten_images

        return rewritten_images(self)

    @cached_property
    def pipelines(self) -> Pipelines:
        """CI workflows as triggers, jobs, steps and actions."""
        from opslint.model.pipelines import Pipelines

        return Pipelines(self)

    @cached_property
    def migrations(self) -> MigrationGraphs:
        """Migrations per tool and application, with their graph and which are new."""
        from opslint.model.migrations import MigrationGraphs

        return MigrationGraphs(self)
