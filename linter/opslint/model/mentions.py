"""Values that an environment is given anywhere: variables of its workloads, dotenv and tfvars files, literals of its Terraform.

Each is reduced to `Masked` (kind, host, name, digest), so that identity-bearing values can be compared without being kept.
"""

from __future__ import annotations

from opslint.base.expression import is_literal_text
from opslint.base.masking import Masked, mask
from opslint.base.record import Record
from opslint.base.tree import Mapping, Scalar
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known
from opslint.facts.dotenv import DotenvFile
from opslint.facts.env_values import decode_literal
from opslint.model.identity_shapes import joined_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from opslint.base.expression import BodyData, Expression
    from opslint.base.location import Loc
    from opslint.model.identity_shapes import Shape
    from opslint.model.model import DeploymentModel

MAX_NAME = 120
"""Characters of a bare name that may identify a thing."""


class Mention(Record):
    """One value one environment is given. `source` says where it comes from in a message, `service` which workload gets it ("": a file's).

    `joined` is what it names together with settings beside it (a host with its database), None where it stands alone.
    """

    __slots__ = ("environment", "files", "joined", "loc", "name", "service", "source", "value")
    environment: str
    files: list[str]
    joined: Shape | None
    loc: Loc
    name: str
    service: str
    source: str
    value: Masked


def mentions(model: DeploymentModel) -> list[Mention]:
    """Return the values of all named environments, each once per environment, file and name."""
    seen: set[tuple[str, ...]] = set()
    out: list[Mention] = []
    # A dotenv file is read for itself and through the workload it is given to: the former knows where the value stands.
    for found in (
        *_of_dotenv(model),
        *_of_workloads(model),
        *_of_terraform(model),
        *_of_secret_stores(model),
        *_of_pipelines(model),
    ):
        key = (found.environment, found.loc[0], found.name, found.value.digest)
        if key not in seen:
            seen.add(key)
            out.append(found)
    return out


def _of_workloads(model: DeploymentModel) -> Iterator[Mention]:
    for workload in model.workloads:
        for environment in workload.environments:
            for container in workload.containers:
                given = [
                    (entry, entry.value.value)
                    for entry in container.entries
                    if isinstance(entry.value, Known) and isinstance(entry.value.value, Masked)
                ]
                joined = joined_shapes((entry.name, value) for entry, value in given)
                for entry, value in given:
                    yield Mention(
                        environment=environment,
                        files=workload.files,
                        joined=joined.get(entry.name),
                        loc=entry.loc,
                        name=entry.name,
                        service=workload.name,
                        source=entry.origin,
                        value=value,
                    )


def _of_dotenv(model: DeploymentModel) -> Iterator[Mention]:
    for fact in model.facts(DotenvFile):
        found = model.environments.of_path(fact.path)
        if found is None:
            continue
        given = [
            (name, place, decode_literal(value))
            for name, _at, place, value in fact.entries
            if isinstance(value, list) and value[0] == "x"
        ]
        joined = joined_shapes((name, value) for name, _place, value in given)
        for name, place, value in given:
            yield Mention(
                environment=found.name,
                files=[fact.path],
                joined=joined.get(name),
                loc=fact.place(place),
                name=name,
                service="",
                source=fact.path,
                value=value,
            )


def _of_pipelines(model: DeploymentModel) -> Iterator[Mention]:
    """Yield the variables that deploying jobs give to what they start."""
    if model.kinds.isdisjoint(("workflow", "gitlab-ci")):
        return
    from opslint.model.pipeline_values import given_values

    by_owner: dict[tuple[str, str], list[Any]] = {}
    for given in given_values(model):
        by_owner.setdefault((given.environment, given.service), []).append(given)
    for (environment, service), values in by_owner.items():
        joined = joined_shapes((given.name, given.value) for given in values)
        for given in values:
            yield Mention(
                environment=environment,
                files=given.files,
                joined=joined.get(given.name),
                loc=given.loc,
                name=given.name,
                service=service,
                source="a deploying job",
                value=given.value,
            )


def _of_secret_stores(model: DeploymentModel) -> Iterator[Mention]:
    """Yield the vault that each ExternalSecret of a named environment reads, by the name of its store."""
    stores: dict[tuple[str, str], Masked] = {}
    for deployment in model.deployments:
        for item in deployment.objects:
            if item.text("kind") in ("ClusterSecretStore", "SecretStore"):
                address = _address(item.mapping("spec", "provider"))
                if address is not None:
                    stores.setdefault((item.text("kind") or "", item.text("metadata", "name") or ""), address)
    for deployment in model.deployments:
        for item in deployment.objects if len(deployment.environments) == 1 else ():
            reference = item.mapping("spec", "secretStoreRef") if item.text("kind") == "ExternalSecret" else None
            name = reference.get("name") if reference is not None else None
            if reference is None or not isinstance(name, Scalar):
                continue
            address = stores.get((reference.text("kind") or "SecretStore", name.text))
            if address is not None:
                yield Mention(
                    environment=deployment.environments[0],
                    files=deployment.files,
                    joined=None,
                    loc=name.loc,
                    name="secretStoreRef",
                    service="",
                    source="ExternalSecret",
                    value=address,
                )


def _address(provider: Mapping | None) -> Masked | None:
    """Return the address of a store's provider: a vault's URL, a project."""
    for name in ("vaultUrl", "server", "projectID"):
        for _kind, settings in provider.items() if provider is not None else ():
            node = settings.get(name) if isinstance(settings, Mapping) else None
            if isinstance(node, Scalar):
                return node.masked if node.masked is not None else mask(node.text)
    return None


def _of_terraform(model: DeploymentModel) -> Iterator[Mention]:
    for root in model.terraform.roots if model.has_cloud else ():
        if len(root.environments) != 1:
            continue
        environment = root.environments[0]
        for name, given in root.module.inputs.items():
            if given.expression is not None:
                yield from _literals(environment, root.files, given.loc, name, given.expression)
        own = model.environments.of_path(f"{root.path}/main.tf" if root.path else "main.tf")
        if own is None or own.name != environment:
            continue
        for kind, blocks in root.module.directory.blocks.items():
            if kind in ("variable", "terraform", "output", "moved", "import", "removed"):
                continue
            for block in blocks:
                # Whose state is read is a question of its own (`opslint.model.remote_states`).
                if block.labels[:1] != ["terraform_remote_state"]:
                    yield from _of_body(environment, root.files, block.path, block.body)


def _of_body(environment: str, files: list[str], path: str, body: BodyData) -> Iterator[Mention]:
    bodies: list[Any] = [body]
    while bodies:
        attributes, blocks, _open = bodies.pop()
        for name, at, expression in attributes:
            if name not in ("source", "version", "depends_on", "tags", "labels", "description"):
                yield from _literals(environment, files, (path, at), name, expression)
        bodies.extend(
            block[3] for block in blocks if block[0] not in ("lifecycle", "condition", "set", "set_list", "set_sensitive")
        )


def _literals(environment: str, files: list[str], loc: Loc, name: str, expression: Expression) -> Iterator[Mention]:
    stack: list[tuple[Expression, str, Loc]] = [(expression, name, loc)]
    while stack:
        current, own, place = stack.pop()
        tag = current[0]
        value: Masked | None = None
        if tag == "lit" and isinstance(current[1], str):
            value = mask(current[1])
        elif tag == "mask":
            value = Masked(**dict(zip(Masked.FIELDS, current[1:], strict=True)))
        elif tag == "list":
            stack.extend((item, own, place) for item in current[1])
        elif tag == "obj":
            for key, item, at in current[2] if not own.lower().endswith(("tags", "labels")) else ():
                called = str(key[1]) if key[0] == "lit" else own
                called = _label(current) or called if called == "value" else called
                stack.append((item, called, (place[0], at) if at >= 0 else place))
        if (
            value is not None
            and tag == "lit"
            and value.kind == "text"
            and not value.scheme
            and len(current[1]) <= MAX_NAME
            and " " not in current[1]
        ):
            # A bare name (a bucket, a queue) identifies a thing where the variable's name says so.
            value = value.replace(name=current[1])
        if value is not None:
            yield Mention(
                environment=environment, files=files, joined=None, loc=place, name=own, service="", source="", value=value
            )


def _label(pairs: Expression) -> str:
    """Return the name in ``{ name = "X", value = … }`` (also ``key``): what its value is called."""
    for key, item, _at in pairs[2]:
        if key[0] == "lit" and key[1] in ("name", "key") and is_literal_text(item):
            return str(item[1])
    return ""
