"""Where Terraform roots keep their state: the backend block, what completes it, and what tells one state from another."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import ABSENT, unknown
from opslint.model.terraform_nodes import Body
from opslint.model.terraform_values import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.base.location import Loc
    from opslint.base.value import Value
    from opslint.facts.terraform import HclFile, TfBlock
    from opslint.model.terraform_directories import Directory
    from opslint.model.terraform_modules import ModuleInstance

STATE_FIELDS: dict[str, tuple[str, ...]] = {
    "s3": ("bucket", "key"),
    "gcs": ("bucket", "prefix"),
    "azurerm": ("storage_account_name", "container_name", "key"),
    "oss": ("bucket", "prefix", "key"),
    "cos": ("bucket", "prefix", "key"),
    "http": ("address",),
    "consul": ("address", "path"),
    "kubernetes": ("secret_suffix", "namespace"),
    "pg": ("conn_str", "schema_name"),
}
"""What tells one state from another, by backend type (Terraform's backend documentation)."""

STATE_DEFAULTS: dict[str, dict[str, str]] = {
    "gcs": {"prefix": ""},
    "oss": {"prefix": "env:", "key": "terraform.tfstate"},
    "cos": {"prefix": "env:", "key": "terraform.tfstate"},
    "consul": {"address": "127.0.0.1:8500"},
    "kubernetes": {"namespace": "default"},
    "pg": {"schema_name": "terraform_remote_state"},
}

BACKEND_KEYS = frozenset(
    "bucket key prefix region dynamodb_table use_lockfile encrypt profile role_arn storage_account_name container_name"
    " resource_group_name subscription_id tenant_id workspace_key_prefix kms_key_id address lock_address hostname organization".split()
)
"""Attributes that a partial backend configuration file holds, and nothing else."""


class Backend:
    """Where a root keeps its state. `given` are values from backend files or the command line, by name, with their places; `workspace`
    is the one that is selected, "" when none is (or it is not known).
    """

    __slots__ = ("block", "body", "given", "kind", "loc", "partial", "workspace")

    def __init__(
        self,
        kind: str,
        loc: Loc,
        body: Body,
        given: dict[str, tuple[Value, Loc]],
        partial: bool,
        block: str,
        workspace: str = "",
    ) -> None:
        self.kind = kind
        self.loc = loc
        self.body = body
        self.given = given
        self.partial = partial
        self.block = block
        self.workspace = workspace

    def get(self, name: str) -> Value:
        """Return one setting; Absent when neither the block nor a known backend file sets it."""
        if name in self.given:
            return self.given[name][0]
        value = self.body.get(name)
        if value == ABSENT and self.partial:
            return unknown("given to `init`")
        return value

    def has(self, name: str) -> bool:
        """Tell whether a setting is written."""
        return name in self.given or self.body.has(name)

    def loc_of(self, name: str) -> Loc:
        """Return where a setting is written."""
        return self.given[name][1] if name in self.given else self.body.loc_of(name)

    def state(self) -> tuple[str, ...] | None:
        """Return what identifies the state (kind and fields), None when some of it is not known."""
        if self.kind == "remote":
            return identified(self.kind, lambda name: self.body.get(*name.split(".")) if "." in name else self.get(name))
        found = identified(self.kind, self.get)
        if found is not None and self.workspace not in ("", "default"):
            found = (*found, f"workspace {self.workspace}")
        return found


def identified(kind: str, get: Callable[[str], Value]) -> tuple[str, ...] | None:
    """Return what identifies a state of one backend type whose settings `get` gives, None when some of it is not known."""
    if kind == "remote":
        texts = [as_text(get("organization")), as_text(get("workspaces.name"))]
        return None if None in texts else ("remote", *(text or "" for text in texts))
    fields = STATE_FIELDS.get(kind)
    if fields is None:
        return None
    out = [kind]
    for name in fields:
        value = get(name)
        text = as_text(value)
        if text is None:
            default = STATE_DEFAULTS.get(kind, {}).get(name)
            if value != ABSENT or default is None:
                return None
            text = default
        out.append(text)
    return tuple(out)


def backend_block(directory: Directory) -> tuple[TfBlock, list[object]] | None:
    """Return the ``terraform`` block and the nested ``backend`` or ``cloud`` block of a directory, None without one."""
    for block in directory.of("terraform"):
        for nested in block.body[1]:
            if nested[0] in ("backend", "cloud"):
                return block, nested
    return None


def backend_of(
    directory: Directory, module: ModuleInstance, files: list[HclFile], settings: dict[str, tuple[Value, Loc]], workspace: str
) -> Backend | None:
    """Return the backend of a root: its block, completed by files and by `settings` of the command line."""
    found = backend_block(directory)
    if found is None:
        return None
    block, nested = found
    kind, labels, at, data = nested
    loc = block.place(at)  # type: ignore[arg-type]
    body = Body(data, block.path, loc, module.names, module.evaluator)  # type: ignore[arg-type]
    name = labels[0] if kind == "backend" and labels else "remote"  # type: ignore[index]
    given: dict[str, tuple[Value, Loc]] = {}
    for file in files:
        for attribute, place, expression in file.body[0]:
            value: Value = module.value(expression)
            if attribute in given and given[attribute][0] != value:
                value = unknown("several backend files")
            given[attribute] = (value, file.place(place))
    given.update(settings)
    fields = STATE_FIELDS.get(name, ())
    # A block that leaves out a field without default is completed at `init`: its other fields may be given there too.
    defaults = STATE_DEFAULTS.get(name, {})
    partial = any(field not in given and not body.has(field) and field not in defaults for field in fields)
    return Backend(name, loc, body, given, partial, str(kind), workspace)


def is_backend_file(file: HclFile) -> bool:
    """Tell whether a file holds settings of a backend and nothing else."""
    attributes, blocks, _open = file.body
    return bool(attributes) and not blocks and all(name in BACKEND_KEYS for name, _at, _expression in attributes)
