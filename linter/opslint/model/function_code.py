"""Where a function's code is in the repository, and the variables it gets."""

from __future__ import annotations

from posixpath import normpath

from opslint.base.masking import Masked, mask
from opslint.base.typing import TYPE_CHECKING
from opslint.base.value import Known, Secret, Unknown, known, unknown
from opslint.model.records import EnvEntry
from opslint.model.terraform_values import OpenMap, Shaped, as_text, is_null, references_in, settled

if TYPE_CHECKING:
    from opslint.base.value import Value
    from opslint.model.model import DeploymentModel
    from opslint.model.terraform_nodes import Resource


def masked_value(value: Value) -> Value:
    """Return a variable's value as `EnvEntry` holds it: `Known(Masked)`, `Secret` or `Unknown`."""
    inner = settled(value)
    if isinstance(inner, Known):
        if isinstance(inner.value, Masked):
            return inner
        text = as_text(inner)
        return known(mask(text)) if text is not None else unknown("not text")
    if isinstance(inner, Shaped):
        return unknown(inner.reason, inner.prefix)
    if isinstance(inner, Secret | Unknown):
        return inner
    return unknown("not set")


def entries_of(resource: Resource) -> tuple[list[EnvEntry], bool]:
    """Return a function's variables and whether there may be more of them."""
    cfn = resource.platform == "cloudformation"
    names = ("Environment", "Variables") if cfn else ("environment", "variables")
    value = resource.get(*names)
    inner = settled(value)
    is_open = isinstance(inner, Unknown)
    found = inner.entries if isinstance(inner, OpenMap) else inner.value if isinstance(inner, Known) else {}
    if not isinstance(found, dict):
        return [], True
    entries = [
        EnvEntry(loc=resource.loc_of(*names, name), name=name, origin="environment", value=masked_value(item))
        for name, item in found.items()
        if not is_null(item)
    ]
    return entries, is_open


def code_of(model: DeploymentModel, resource: Resource) -> str:
    """Return the project path of the directory or file that is packaged, "" when it is not known."""
    if resource.platform == "cloudformation":
        base = resource.path.rpartition("/")[0]
        for name in ("CodeUri", "Code"):
            text = as_text(resource.get(name))
            if text is not None and "://" not in text:
                return _inside(model, base, text)
        return base if resource.type == "AWS::Serverless::Function" and resource.body.has("InlineCode") else ""
    for name in ("filename", "source_code_hash"):
        value = resource.get(name)
        for found in references_in(value):
            source = _archive(model, resource, found.target)
            if source:
                return source
    text = as_text(resource.get("filename"))
    if text is not None:
        path = _inside(model, resource.root if not text.startswith(resource.module_path + "/") else "", text)
        return path.rpartition("/")[0] if path.endswith((".zip", ".jar")) else path
    return ""


def handler_file(model: DeploymentModel, code: str, handler: str) -> str:
    """Return the project path of the module that `handler` (``package.module.function``) names in `code`, "" when it is not there.

    Where the package is not known, the only file of the project with that ending is meant.
    """
    stem = handler.rpartition(".")[0].replace(".", "/")
    if not stem:
        return ""
    if code.endswith(".py"):
        return code if f"/{code}".endswith(f"/{stem}.py") and code in model.files else ""
    base = f"{code}/" if code else ""
    for path in (f"{base}{stem}.py", f"{base}{stem}/__init__.py"):
        if path in model.files:
            return path
    if code and any(path.startswith(base) for path in model.files):
        return ""
    ending = f"/{stem}.py"
    found = [path for path, info in model.files.items() if f"/{path}".endswith(ending) and info.role == "deploy"]
    return found[0] if len(found) == 1 else ""


def _inside(model: DeploymentModel, base: str, text: str) -> str:
    path = normpath(f"{base or '.'}/{text}")
    return "" if path.startswith("..") else path.removeprefix("./")


def _archive(model: DeploymentModel, resource: Resource, target: str) -> str:
    """Return what a ``data.archive_file`` (or resource) packs."""
    address, dot, labels = target.rpartition("data.archive_file.")
    if not dot:
        return ""
    root = model.terraform.root_of(resource)
    for module in root.module.all_modules():
        if module.address != address:
            continue
        for block in module.directory.of("data"):
            if block.labels == ["archive_file", labels]:
                body = module.body(block)
                for name in ("source_dir", "source_file"):
                    text = as_text(body.get(name))
                    if text is not None:
                        base = "" if module.directory.path and text.startswith(module.directory.path) else root.path
                        return _inside(model, base, text)
    return ""
