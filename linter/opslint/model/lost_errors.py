"""What is lost when a service swallows every error."""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING
from opslint.facts.exceptions import TELEMETRY
from opslint.facts.modules import ClassDef
from opslint.model.touches import kind_of

if TYPE_CHECKING:
    from opslint.facts.exceptions import SilentExcept
    from opslint.model.handlers import Handlers


def lost(handlers: Handlers, fact: SilentExcept) -> str | None:
    """Return the origin of what was tried and whose failure is lost, "" when an item is dropped, None when nothing of consequence is.

    Of consequence is what reaches a database, a service or a process. Pure code (parsing, detection, formatting) with a default answer
    is not; telemetry must not break its caller, nor a log handler its log; what cannot be followed is not judged.
    """
    if fact.drops:
        return ""
    if _is_log_handler(handlers, fact) or (fact.how == "print" and _prints_to_the_log(handlers, fact)):
        return None
    found: str | None = None
    for origin, _place in fact.calls:
        target = handlers.project.resolve(fact.path, str(origin))
        if target.kind == "function":
            function = handlers.project.function(target.path, target.name)
            if (
                function is not None
                and found is None
                and not function.contained
                and not (function.refuses and fact.how == "default")
            ):
                if any(touch.kind != "disk" for touch in handlers.touches(function)):
                    found = str(origin)
            continue
        name = target.name if target.kind == "external" else str(origin)
        if name.split(".")[0] in TELEMETRY:
            return None
        if found is None and kind_of(name) not in ("", "disk"):
            found = str(origin)
    return found


def _prints_to_the_log(handlers: Handlers, fact: SilentExcept) -> bool:
    """What a cloud function prints is its log (AWS Lambda, "Sending Lambda function logs to CloudWatch Logs")."""
    chain = handlers.working.get((fact.path, fact.function), [])
    return bool(chain) and chain[0][1] == "is a cloud function"


def _is_log_handler(handlers: Handlers, fact: SilentExcept) -> bool:
    owner = fact.function.rpartition(".")[0]
    for klass in handlers.facts_of(ClassDef, fact.path):
        if klass.qualname == owner:
            return any(handlers.project.expand(fact.path, base).startswith("logging.") for base in klass.bases)
    return False
