"""Facts as another repository may have them: no digest but of what names a thing, no number of a masked value."""

from __future__ import annotations

from opslint.base.fact import FACT_TYPES
from opslint.base.masking import Masked
from opslint.base.typing import TYPE_CHECKING
from opslint.engine.shared_records import NO_DIGEST, shareable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opslint.engine.files import FileStage

_MASKED = len(Masked.FIELDS)
_DIGEST = Masked.FIELDS.index("digest")
_HEX = frozenset("0123456789abcdef")


def shared(stage: FileStage, left_out: tuple[str, ...]) -> dict[str, dict[str, list[Any]]]:
    """Return fact kind → path → rows of what the project's own files gave, but for the modules `left_out`."""
    out: dict[str, dict[str, list[Any]]] = {}
    modules = {f"opslint.facts.{name}" for name in left_out}
    for kind in sorted(stage.fact_kinds()):
        module = kind.partition(":")[0]
        if module in modules or not module.startswith("opslint.facts.") or kind not in FACT_TYPES:
            continue
        fields = FACT_TYPES[kind].FIELDS
        at_name = fields.index("name") if "name" in fields else -1
        out[kind] = {
            path: [[_told(value, _name(row, at_name)) for value in row] for row in map(list, rows)]
            for path, rows in stage.rows(kind)
        }
    return out


def _name(row: list[Any], at: int) -> str:
    return row[at] if at >= 0 and isinstance(row[at], str) else ""


def _told(value: Any, name: str) -> Any:
    """Return a value of a fact without what a sibling need not know; `name` is the setting it belongs to."""
    if isinstance(value, str):
        return NO_DIGEST if len(value) >= 16 and _HEX.issuperset(value) else value
    if isinstance(value, list):
        masked = _masked_at(value)
        if masked >= 0:
            known = Masked(**dict(zip(Masked.FIELDS, value[masked : masked + _MASKED], strict=True)))
            return [*value[:masked], *shareable(name, known).as_tuple(), *value[masked + _MASKED :]]
        if value and isinstance(value[0], str) and any(isinstance(item, list) for item in value):
            name = value[0]
        return [_told(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _told(item, key) for key, item in value.items()}
    return value


def _masked_at(value: list[Any]) -> int:
    """Return where in a list the fields of a `Masked` start: ``["x", …]``, ``["mask", …]``, ``[place, "x", …]``; else -1."""
    for at in (1, 2):
        if len(value) >= at + _MASKED and value[at - 1] in ("x", "mask") and isinstance(value[at + _DIGEST], str):
            return at
    return -1


def received(value: Any, digest: Callable[[], str]) -> Any:
    """Return facts with a digest of its own for every one that was not told."""
    if value == NO_DIGEST:
        return digest()
    if isinstance(value, list):
        return [received(item, digest) for item in value]
    if isinstance(value, dict):
        return {key: received(item, digest) for key, item in value.items()}
    return value
