"""What Terraform roots read of other roots' states: ``terraform_remote_state`` data, and Terragrunt's ``dependency`` blocks."""

from __future__ import annotations

from opslint.base.record import Record
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, Known
from opslint.model.environment_names import tier_tokens
from opslint.model.environments import tier_of
from opslint.model.terraform_backends import identified
from opslint.model.terraform_values import as_text, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_modules import ModuleInstance
    from opslint.model.terraform_nodes import Body
    from opslint.model.terraform_roots import Root

WHERE = ("key", "prefix", "path", "workspaces.name", "bucket", "storage_account_name", "container_name", "schema_name", "address")
"""Settings that say which state is read, the most telling first."""


class StateRead(Record):
    """One read of another root's state. `name` is the data source's or unit's; `state` identifies what is read, None where it is not known;
    `source` is the root that keeps that state, where it is in the repository; `tiers` those its own words name.
    """

    __slots__ = ("loc", "name", "root", "source", "state", "tiers")
    loc: Loc
    name: str
    root: Root
    source: Root | None
    state: tuple[str, ...] | None
    tiers: list[str]


def state_reads(model: DeploymentModel) -> list[StateRead]:
    """Return what the roots of named environments read, in order of roots."""
    by_state: dict[tuple[str, ...], list[Root]] = {}
    by_path: dict[str, Root] = {}
    for root in model.terraform.roots:
        by_path.setdefault(root.path, root)
        state = root.backend.state() if root.backend is not None and root.applied else None
        if state is not None:
            by_state.setdefault(state, []).append(root)
    out: list[StateRead] = []
    for root in model.terraform.roots:
        if len(root.environments) != 1 or not root.applied:
            continue
        for path, loc in root.reads:
            source = by_path.get(path)
            out.append(StateRead(loc=loc, name=path, root=root, source=source, state=None, tiers=[]))
        for module in root.module.all_modules():
            out.extend(_of_module(root, module, by_state))
    return out


def _of_module(root: Root, module: ModuleInstance, by_state: dict[tuple[str, ...], list[Root]]) -> Iterator[StateRead]:
    for block in module.directory.of("data"):
        if block.labels[:1] != ["terraform_remote_state"] or len(block.labels) != 2:
            continue
        for _key, bound, uncertain in module.instances(block):
            if uncertain:
                continue
            body = module.body(block, module.names.binding(**bound) if bound else None)
            kind = as_text(body.get("backend")) or ""
            state = identified(kind, lambda name, body=body: _setting(body, name))  # type: ignore[misc]
            workspace = as_text(body.get("workspace"))
            if state is not None and workspace not in (None, "default"):
                state = (*state, f"workspace {workspace}")
            if body.has("workspace") and workspace is None:
                state = None
            owners = by_state.get(state, []) if state is not None else []
            # One root of several environments keeps each one's state apart: the reader's own counts first.
            source = next((other for other in owners if other.environments == root.environments), owners[0] if owners else None)
            yield StateRead(
                loc=_place(body, root), name=block.labels[1], root=root, source=source, state=state, tiers=_tiers(body, root)
            )


def _setting(body: Body, name: str) -> Value:
    return body.get("config", *name.split("."))


def _place(body: Body, root: Root) -> Loc:
    """Return where the state that is read is named: the setting whose words name a tier, else the first that is written."""
    written = [name for name in WHERE if _setting(body, name) != ABSENT]
    telling = next((name for name in written if _named(body, name, root)), written[0] if written else None)
    return body.loc if telling is None else body.loc_of("config", *telling.split("."))


def _named(body: Body, name: str, root: Root) -> list[str]:
    """Return the tiers that one setting names; what the reader's own state has in common with it says nothing."""
    value = settled(_setting(body, name))
    text = as_text(value) if isinstance(value, Known) else None
    own = as_text(root.backend.get(name)) if root.backend is not None and "." not in name else None
    return tier_tokens(text) if text is not None and text != own else []


def _tiers(body: Body, root: Root) -> list[str]:
    return list(dict.fromkeys(tier for name in WHERE for tier in _named(body, name, root)))


def crossed_tier(read: StateRead) -> str:
    """Return the tier whose state an environment of another tier reads, "" when it reads its own, a shared one, or nothing is known."""
    own = tier_of(read.root.environments[0])
    if read.source is not None:
        tiers = [tier_of(name) for name in read.source.environments]
        return tiers[0] if len(tiers) == 1 and "shared" not in (own, tiers[0]) and tiers[0] != own else ""
    if own == "shared" or own in read.tiers or "shared" in read.tiers or len(read.tiers) != 1:
        return ""
    return read.tiers[0]
