"""Small records with slots.

A frozen dataclass costs 0.66 ms each to define; thirty of them alone break the one-file bar. `Record`
gives the same keyword constructor to type checkers (`dataclass_transform`) and costs nothing to define.
"""

from __future__ import annotations

from opslint.base.typing import TYPE_CHECKING, dataclass_transform

if TYPE_CHECKING:
    from typing import Any, ClassVar, Self


@dataclass_transform(kw_only_default=True, frozen_default=False)
class Record:
    """Base of slotted records: list the fields in `__slots__` and annotate them in the same order."""

    __slots__ = ()
    FIELDS: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = cls.__dict__.get("__slots__", ())
        cls.FIELDS = (*cls.FIELDS, *((own,) if isinstance(own, str) else own))

    def __init__(self, **values: Any) -> None:
        if len(values) != len(self.FIELDS):
            self._refuse(values)
        for name in self.FIELDS:
            try:
                object.__setattr__(self, name, values[name])
            except KeyError:
                self._refuse(values)

    def _refuse(self, values: dict[str, Any]) -> None:
        missing = [name for name in self.FIELDS if name not in values]
        extra = [name for name in values if name not in self.FIELDS]
        raise TypeError(f"{type(self).__name__}: missing {missing}, unexpected {extra}")

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the field values in declaration order."""
        return tuple(getattr(self, name) for name in self.FIELDS)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        values = {name: getattr(self, name) for name in self.FIELDS}
        values.update(changes)
        return type(self)(**values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.as_tuple() == other.as_tuple()

    def __hash__(self) -> int:
        return hash(self.as_tuple())

    def __repr__(self) -> str:
        body = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.FIELDS)
        return f"{type(self).__name__}({body})"
