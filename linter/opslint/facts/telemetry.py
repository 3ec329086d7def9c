"""How Python code starts its telemetry: with which environment, if any."""

from __future__ import annotations

import _ast

from opslint.base.fact import Fact
from opslint.base.rule import Extractor
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.call_arguments import text, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from opslint.syntax.python import CallSite, PythonDocument


class TelemetryStart(Fact):
    """A call that starts telemetry (`library`: ``sentry_sdk``, ``opentelemetry``).

    `environment`: ``absent`` (none is given), ``constant`` (`value` is it), ``read`` (`value` is the variable it is read from, `default` what
    stands for it, "" for nothing), ``varies`` (anything else).
    """

    __slots__ = ("default", "environment", "library", "value")
    default: str
    environment: str
    library: str
    value: str


_READERS = frozenset(("os.getenv", "os.environ.get", "os.environ.setdefault"))
_RESOURCES = frozenset(("opentelemetry.sdk.resources.Resource", "opentelemetry.sdk.resources.Resource.create"))


def _extract(document: PythonDocument, emit: Callable[[Fact], None]) -> None:
    for site in document.calls:
        if site.origin == "sentry_sdk.init":
            how, node = written(site, None, "environment")
            kind, value, default = ("varies", "", "") if how == "maybe" else _kind(document, site, node)
            emit(
                TelemetryStart(at=document.place(site.node), default=default, environment=kind, library="sentry_sdk", value=value)
            )
        elif site.origin in _RESOURCES:
            kind = "varies" if _names_environment(document, site) else "absent"
            emit(TelemetryStart(at=document.place(site.node), default="", environment=kind, library="opentelemetry", value=""))


def _kind(document: PythonDocument, site: CallSite, node: _ast.expr | None) -> tuple[str, str, str]:
    if node is None:
        return "absent", "", ""
    scope = site.scope
    if isinstance(node, _ast.Call) and document.origin(node.func, scope) in _READERS and node.args:
        name = text(document, node.args[0], scope)
        default = text(document, node.args[1], scope) if len(node.args) > 1 else ""
        return ("read", name, default) if name is not None and default is not None else ("varies", "", "")
    if isinstance(node, _ast.Constant) and isinstance(node.value, str):
        return "constant", node.value, ""
    return "varies", "", ""


def _names_environment(document: PythonDocument, site: CallSite) -> bool:
    """Tell whether a resource is given ``deployment.environment`` (in either spelling), or attributes from elsewhere."""
    args = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    for arg in args:
        if not isinstance(arg, _ast.Dict):
            return True
        for key in arg.keys:
            name = text(document, key, site.scope) if key is not None else None
            origin = document.origin(key, site.scope) or "" if key is not None else ""
            if key is None or (name or "").startswith("deployment.environment") or "DEPLOYMENT_ENVIRONMENT" in origin:
                return True
    return False


EXTRACTORS = (Extractor("python", ("sentry_sdk", "opentelemetry.sdk.resources"), _extract),)
